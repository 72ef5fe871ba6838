package sunbird

import (
	"encoding/json"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/internal/knowledge"
)

// field reads the texts of one field: those that people type, and those of records.
type field struct {
	*knowledge.Field
	compareOnly bool
}

func newField(f authenticator.FormField, compareOnly bool) (*field, error) {
	read, err := knowledge.NewField(knowledge.Spec{
		Name: f.Name, Type: string(f.Type), Format: f.Format, Pattern: f.Pattern, MaxLength: f.MaxLength,
	})
	return &field{Field: read, compareOnly: compareOnly}, err
}

// recordKey is the key of a value in a record: a text, or a number, which is read as it is written. It is empty, as no
// answer's is, for everything else.
func (f *field) recordKey(value json.RawMessage) string {
	if text, ok := textOf(value); ok {
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
