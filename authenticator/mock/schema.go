package mock

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// Schema says which identities the HTTP API takes.
type Schema int

const (
	// DefaultSchema is that of eSignet's mock identity system.
	DefaultSchema Schema = iota
	// SignupSchema is that which eSignet's sign-up service is tried out with: a full name, a telephone number, a password,
	// and anything else.
	SignupSchema
)

// signupFields are those of the SignupSchema. The pattern of names takes half a megabyte, which few need.
var signupFields = sync.OnceValue(func() []field {
	return []field{
		{name: "fullName", kind: langTexts, required: true, pattern: regexp.MustCompile(`^[\p{Latin}\p{Arabic}\p{Khmer}\p{M} ]{1,40}$`)},
		{name: "phone", required: true, pattern: regexp.MustCompile(`^\+91[1-9][0-9]{7,13}$`)},
		{name: "password", required: true},
		{name: "individualId", blank: true},
		{name: "preferredLang", blank: true},
	}
})

var signupLanguages = []string{"khm", "eng", "fra", "ara"}

func (s Schema) fields() []field {
	if s == SignupSchema {
		return signupFields()
	}
	return fields
}

// unknownField is the code for what is wrong with an identity and is in no field of it.
const unknownField = "unknown_field"

// invalid is the code for a field that is not as it must be.
func invalid(field string) string { return "invalid_" + strings.ToLower(field) }

// check returns the codes of all that is wrong with an identity, sorted. Of one that is complete nothing may be missing.
func (s Schema) check(d document, complete bool) []string {
	var codes []string
	known := make(map[string]bool)
	for _, f := range s.fields() {
		known[f.name] = true
		value, ok := d[f.name]
		switch {
		case !ok:
			if f.required && complete {
				codes = append(codes, invalid(f.name))
			}
		case !s.valid(f, value):
			codes = append(codes, invalid(f.name))
		}
	}
	if s == DefaultSchema {
		for name := range d {
			if !known[name] {
				codes = append(codes, unknownField)
			}
		}
	}
	slices.Sort(codes)
	return codes
}

func (s Schema) valid(f field, value json.RawMessage) bool {
	if string(value) == "null" {
		return f.nullable
	}
	if f.kind == plainText {
		var text string
		return json.Unmarshal(value, &text) == nil && f.validText(text)
	}
	var values []struct {
		Language *string `json:"language"`
		Value    *string `json:"value"`
	}
	decoder := json.NewDecoder(bytes.NewReader(value))
	decoder.DisallowUnknownFields()
	if decoder.Decode(&values) != nil {
		return false
	}
	for _, v := range values {
		if v.Language == nil || v.Value == nil || !f.validText(*v.Value) {
			return false
		}
		if s == SignupSchema && !slices.Contains(signupLanguages, *v.Language) {
			return false
		}
	}
	return true
}

func (f field) validText(text string) bool {
	if !f.blank && strings.TrimSpace(text) == "" {
		return false
	}
	return f.pattern == nil || f.pattern.MatchString(text)
}

// JSON returns the schema in JSON Schema, 2020-12.
func (s Schema) JSON() json.RawMessage {
	properties := make(map[string]any)
	var required []string
	for _, f := range s.fields() {
		properties[f.name] = f.schema(s)
		if f.required {
			required = append(required, f.name)
		}
	}
	schema := map[string]any{
		"$schema":    "https://json-schema.org/draft/2020-12/schema",
		"type":       "object",
		"properties": properties, "required": required, "additionalProperties": s == SignupSchema,
	}
	encoded, err := json.Marshal(schema)
	if err != nil {
		return nil // never: there are only texts in it
	}
	return encoded
}

func (f field) schema(s Schema) map[string]any {
	text := map[string]any{"type": "string"}
	switch {
	case f.pattern != nil:
		text["pattern"] = f.pattern.String()
	case !f.blank:
		text["pattern"] = `\S`
	}
	schema := text
	if f.kind == langTexts {
		tag := map[string]any{"type": "string"}
		if s == SignupSchema {
			tag["enum"] = signupLanguages
		}
		schema = map[string]any{"type": "array", "items": map[string]any{
			"type": "object", "properties": map[string]any{"language": tag, "value": text},
			"required": []string{"language", "value"}, "additionalProperties": false,
		}}
	}
	if f.nullable {
		schema["type"] = []any{schema["type"], "null"}
	}
	return schema
}
