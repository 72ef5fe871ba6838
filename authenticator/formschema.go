package authenticator

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/text/language"
)

// maxSchemaBytes bounds a schema.
const maxSchemaBytes = 1 << 20

// ParseFormSchema reads a form as eSignet has it: the value of auth.factor.kbi.field-details, which is a JSON object with
// "schema", "allowedValues", "i18nValues" and "language", or the older list of fields with "id", "type" and "format". The
// identifier is the value of auth.factor.kbi.individual-id-field, the id of the field that says who the person is; empty
// means that none does. The error joins everything that is wrong.
//
// Languages may have codes of two letters or of three. Passwords are asked for twice unless "confirm" is false.
// "cssClasses" have no effect: how pages look is for the theme to say.
func ParseFormSchema(schema []byte, identifier string) (*Form, error) {
	if len(schema) > maxSchemaBytes {
		return nil, fmt.Errorf("authenticator: the schema has more than %d bytes", maxSchemaBytes)
	}
	r := &schemaReader{}
	fields := r.read(schema)
	form := &Form{Messages: r.messages}
	for _, f := range fields {
		if f.Name == identifier && form.Identifier == nil {
			form.Identifier = &f
		} else {
			form.Fields = append(form.Fields, f)
		}
	}
	if identifier != "" && form.Identifier == nil {
		r.fail("individual-id-field", errors.New("is none of the fields"))
	}
	if err := form.Validate(); err != nil && len(r.errs) == 0 {
		r.errs = append(r.errs, fmt.Errorf("authenticator: schema: %w", err))
	}
	if err := errors.Join(r.errs...); err != nil {
		return nil, err
	}
	return form, nil
}

// schemaReader reads a schema, and collects what is wrong with it.
type schemaReader struct {
	errs     []error
	codes    map[string]string // langCodeMap
	messages map[Message]Texts
	// Of the fields of simpleType.
	mandatory, optional []string
	allowed             map[string]json.RawMessage
}

func (r *schemaReader) fail(path string, err error) {
	r.errs = append(r.errs, fmt.Errorf("authenticator: schema: %s: %w", path, err))
}

// jsonObject is one of which each member is taken once.
type jsonObject map[string]json.RawMessage

// take returns a member and removes it. One that is not there, or null, is the zero value.
func take[T any](r *schemaReader, o jsonObject, path, name string) (v T) {
	raw, ok := o[name]
	delete(o, name)
	if !ok {
		return v
	}
	if err := json.Unmarshal(raw, &v); err != nil {
		r.fail(strings.Trim(path+"."+name, "."), fmt.Errorf("is not %s", kindOf(v)))
		var none T
		return none
	}
	return v
}

func kindOf(v any) string {
	switch v.(type) {
	case string:
		return "a text"
	case bool:
		return "true or false"
	case int:
		return "a whole number"
	case []string:
		return "a list of texts"
	case []json.RawMessage, []jsonObject:
		return "a list"
	case map[string]string:
		return "texts by name"
	}
	return "an object"
}

// rest refuses the members that nobody took.
func (r *schemaReader) rest(o jsonObject, path string) {
	for _, name := range slices.Sorted(maps.Keys(o)) {
		r.fail(strings.Trim(path+"."+name, "."), errors.New("is not known"))
	}
}

func (r *schemaReader) read(schema []byte) (fields []FormField) {
	list, old := []jsonObject(nil), bytes.HasPrefix(bytes.TrimSpace(schema), []byte("["))
	if old {
		list = take[[]jsonObject](r, jsonObject{"schema": schema}, "", "schema")
	} else {
		o := take[jsonObject](r, jsonObject{"schema": schema}, "", "schema")
		list = take[[]jsonObject](r, o, "", "schema")
		r.languages(take[jsonObject](r, o, "", "language"))
		r.allowed = take[jsonObject](r, o, "", "allowedValues")
		r.errors(take[jsonObject](r, o, "", "i18nValues"))
		r.rest(o, "")
	}
	if len(list) > 2*maxFields {
		r.fail("schema", fmt.Errorf("a form has 1 to %d fields", maxFields))
		return nil
	}
	for i, o := range list {
		path := fmt.Sprintf("schema[%d]", i)
		if o == nil {
			r.fail(path, errors.New("is not an object"))
			continue
		}
		f := FormField{Name: take[string](r, o, path, "id")}
		if f.Name != "" {
			path += fmt.Sprintf(" (%.64q)", f.Name)
		}
		r.field(&f, o, path, old)
		r.rest(o, path)
		fields = append(fields, f)
	}
	for _, id := range slices.Sorted(maps.Keys(r.allowed)) {
		r.fail("allowedValues."+id, errors.New("is for none of the fields"))
	}
	return fields
}

// controls are the types by their names in schemas, and those of the older list.
var controls = map[string]FieldType{
	"textbox": FieldText, "password": FieldPassword, "date": FieldDate, "dropdown": FieldChoice, "checkbox": FieldCheckbox,
	"phone": FieldPhone, "photo": FieldPhoto,
}

func (r *schemaReader) field(f *FormField, o jsonObject, path string, old bool) {
	control, kind := take[string](r, o, path, "controlType"), take[string](r, o, path, "type")
	if old && control == "" {
		control = map[string]string{"": "textbox", "text": "textbox", "date": "date"}[kind]
		kind = ""
	}
	var ok bool
	if f.Type, ok = controls[control]; !ok {
		r.fail(path+".controlType", errors.New("is none of textbox, password, date, dropdown, checkbox, phone and photo"))
	}
	f.Labels = r.texts(o, path, "labelName")
	if len(f.Labels) == 0 && !old {
		r.fail(path+".labelName", errors.New("is missing"))
	}
	f.Hints, f.Placeholders = r.texts(o, path, "info"), r.texts(o, path, "placeholder")
	f.Optional = !old && !take[bool](r, o, path, "required")
	delete(o, "required") // of the older list all are
	f.Fixed = take[bool](r, o, path, "disabled")
	f.MaxLength = take[int](r, o, path, "maxLength")
	f.Group, f.CapsLock = take[string](r, o, path, "alignmentGroup"), take[bool](r, o, path, "capsLockCheck")
	take[json.RawMessage](r, o, path, "cssClasses")
	if pattern := take[string](r, o, path, "regex"); pattern != "" { // of the older list
		f.Rules = append(f.Rules, FormRule{Pattern: r.pattern(pattern, path+".regex")})
	}
	for i, rule := range take[[]jsonObject](r, o, path, "validators") {
		f.Rules = append(f.Rules, r.rule(rule, fmt.Sprintf("%s.validators[%d]", path, i)))
	}
	r.kind(kind, f, path)
	r.prefixes(f, o, path)
	if f.Type == FieldPassword {
		f.Confirm = true
		if raw, ok := o["confirm"]; ok && string(raw) != "null" {
			f.Confirm = take[bool](r, o, path, "confirm")
		}
	}
	f.Format = take[string](r, o, path, "format")
	if f.Type == FieldDate && f.Format == "" && !old {
		f.Format = "yyyy/MM/dd"
	}
	if types := take[[]string](r, o, path, "acceptedFileTypes"); len(types) > 0 &&
		!slices.ContainsFunc(types, func(t string) bool {
			return slices.Contains([]string{"image/jpeg", "image/*", "jpeg", "jpg", ".jpg", ".jpeg"}, strings.ToLower(t))
		}) {
		r.fail(path+".acceptedFileTypes", errors.New("photos are JPEG, which is not among these"))
	}
	if raw, ok := r.allowed[f.Name]; ok {
		delete(r.allowed, f.Name)
		r.values(f, raw, "allowedValues."+f.Name)
	}
}

func (r *schemaReader) kind(kind string, f *FormField, path string) {
	switch {
	case kind == "simpleType" && f.Type == FieldText:
		f.Languages, f.OptionalLanguages = r.mandatory, r.optional
		if len(r.mandatory) == 0 {
			r.fail(path+".type", errors.New("simpleType needs language.mandatory"))
		}
	case kind == "simpleType":
		r.fail(path+".type", errors.New("only a textbox is simpleType"))
	case !slices.Contains([]string{"", "string", "date"}, kind):
		r.fail(path+".type", errors.New("is neither string nor simpleType"))
	}
}

// prefixes reads those of a phone number: texts, or objects with "value".
func (r *schemaReader) prefixes(f *FormField, o jsonObject, path string) {
	for i, raw := range take[[]json.RawMessage](r, o, path, "prefix") {
		at := fmt.Sprintf("%s.prefix[%d]", path, i)
		if !bytes.HasPrefix(raw, []byte("{")) {
			f.Prefixes = append(f.Prefixes, take[string](r, jsonObject{"": raw}, at, ""))
			continue
		}
		p := take[jsonObject](r, jsonObject{"": raw}, at, "")
		f.Prefixes = append(f.Prefixes, take[string](r, p, at, "value"))
		take[string](r, p, at, "label")
		r.rest(p, at)
	}
}

func (r *schemaReader) rule(o jsonObject, path string) FormRule {
	if o == nil {
		r.fail(path, errors.New("is not an object"))
		return FormRule{}
	}
	pattern := take[string](r, o, path, "regex")
	if pattern == "" {
		r.fail(path+".regex", errors.New("is missing"))
	}
	rule := FormRule{Pattern: r.pattern(pattern, path+".regex"), Errors: r.texts(o, path, "error")}
	if code := take[string](r, o, path, "langCode"); code != "" {
		rule.Language = r.language(code, path+".langCode")
	}
	r.rest(o, path)
	return rule
}

// Notations of JavaScript that RE2 has otherwise.
var (
	jsCodePoint = regexp.MustCompile(`\\(\\|u\{([0-9A-Fa-f]{1,6})\}|u([0-9A-Fa-f]{4})|(p|P)\{(?:Script|sc|Script_Extensions|scx|General_Category|gc)=(\w+)\})`)
	lookaround  = regexp.MustCompile(`\(\?<?[=!]`)
)

// pattern translates a regular expression of JavaScript to RE2.
func (r *schemaReader) pattern(js, path string) string {
	if len(js) > maxTextBytes {
		r.fail(path, fmt.Errorf("has more than %d bytes", maxTextBytes))
		return ""
	}
	re2 := jsCodePoint.ReplaceAllStringFunc(js, func(s string) string {
		part := jsCodePoint.FindStringSubmatch(s)
		switch {
		case part[2]+part[3] != "":
			return `\x{` + part[2] + part[3] + `}`
		case part[4] != "":
			return `\` + part[4] + `{` + part[5] + `}`
		}
		return s
	})
	if _, err := regexp.Compile(re2); err != nil {
		if lookaround.MatchString(js) {
			err = errors.New("looks around, which only JavaScript can; say it in several validators")
		}
		r.fail(path, err)
		return ""
	}
	return re2
}

// texts takes texts by language. A single text is for all languages.
func (r *schemaReader) texts(o jsonObject, path, name string) Texts {
	if bytes.HasPrefix(o[name], []byte(`"`)) {
		if text := take[string](r, o, path, name); text != "" {
			return Texts{"": text}
		}
		return nil
	}
	return r.byLanguage(take[map[string]string](r, o, path, name), path+"."+name)
}

func (r *schemaReader) byLanguage(texts map[string]string, path string) Texts {
	var t Texts
	for _, code := range slices.Sorted(maps.Keys(texts)) { // "en" before "eng"
		l := r.language(code, path)
		if _, again := t[l]; again || l == "" && code != "@none" || texts[code] == "" {
			continue
		}
		if t == nil {
			t = Texts{}
		}
		t[l] = texts[code]
	}
	return t
}

// language returns the usual tag of a code of two or three letters. @none is for all others.
func (r *schemaReader) language(code, path string) string {
	if code == "@none" {
		return ""
	}
	tag, err := language.Parse(code)
	if own, ok := r.codes[code]; ok && len(own) > 0 {
		tag, err = language.Parse(own)
	}
	if err != nil {
		r.fail(path, fmt.Errorf("%.32q is no language", code))
		return ""
	}
	return tag.String()
}

func (r *schemaReader) languages(o jsonObject) {
	r.codes = take[map[string]string](r, o, "language", "langCodeMap")
	for _, code := range slices.Sorted(maps.Keys(r.codes)) {
		r.language(code, "language.langCodeMap")
	}
	for name, list := range map[string]*[]string{"mandatory": &r.mandatory, "optional": &r.optional} {
		*list = take[[]string](r, o, "language", name)
		for _, code := range *list {
			r.language(code, "language."+name)
		}
	}
	r.rest(o, "language")
}

// errors reads the messages. Those that the pages have no use for are left out.
func (r *schemaReader) errors(o jsonObject) {
	list := take[jsonObject](r, o, "i18nValues", "errors")
	for _, name := range slices.Sorted(maps.Keys(list)) {
		texts := r.texts(list, "i18nValues.errors", name)
		if len(texts) > 0 && slices.Contains(allMessages, Message(name)) {
			if r.messages == nil {
				r.messages = map[Message]Texts{}
			}
			r.messages[Message(name)] = texts
		}
	}
}

// values reads the options of a choice, in the order in which they stand, or what another field holds at first.
func (r *schemaReader) values(f *FormField, raw json.RawMessage, path string) {
	if f.Type != FieldChoice {
		var v any
		json.Unmarshal(raw, &v) // it is a part of JSON that has been read
		switch v := v.(type) {
		case string:
			f.Value = v
		case bool, float64:
			f.Value = string(raw)
		default:
			r.fail(path, errors.New("is no text, number, true or false"))
		}
		return
	}
	options, err := readObject(raw)
	if err != nil {
		r.fail(path, err)
	}
	for _, o := range options {
		labels := r.texts(jsonObject{o.name: o.value}, path, o.name)
		f.Options = append(f.Options, FormOption{Value: o.name, Labels: labels})
	}
}
