package sunbird

import (
	"encoding/json"
	"errors"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/internal/knowledge"
)

// field reads the texts of one field: those that people type, and those of records.
type field struct {
	*knowledge.Field
	compareOnly bool
}

func newField(f authenticator.FormField, compareOnly bool) (*field, error) {
	if len(f.Languages)+len(f.OptionalLanguages) > 0 {
		return nil, errors.New("a record has one text in a field, so that each language needs a field of its own")
	}
	spec := knowledge.Spec{
		Name: f.Name, Type: string(f.Type), Format: f.Format, Pattern: f.Pattern, MaxLength: f.MaxLength, Optional: f.Optional,
		Prefixes: f.Prefixes, Keeps: func(answer string) bool { return f.Broken(answer) == nil },
	}
	for _, o := range f.Options {
		spec.Options = append(spec.Options, o.Value)
	}
	read, err := knowledge.NewField(spec)
	return &field{Field: read, compareOnly: compareOnly}, err
}

// recordKey is the key of a value in a record: a text, or a number, true or false, which is read as it is written. It is empty, as no
// answer's is, for everything else.
func (f *field) recordKey(value json.RawMessage) string {
	text, ok := textOf(value)
	if s := string(value); s == "true" || s == "false" {
		text, ok = s, true
	}
	if ok {
		if key, ok := f.Key(text); ok {
			return key
		}
	}
	return ""
}

// textOf returns a JSON string, or the literal of a JSON number.
func textOf(value json.RawMessage) (string, bool) {
	if isNumber(value) {
		return string(value), true
	}
	var text *string
	if json.Unmarshal(value, &text) != nil || text == nil {
		return "", false
	}
	return *text, true
}

// isNumber reports whether a JSON value is a number.
func isNumber(value json.RawMessage) bool {
	return len(value) > 0 && (value[0] == '-' || value[0] >= '0' && value[0] <= '9')
}
