package authenticator

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"
)

const maxIdentifierBytes = 256

// Identifier is what a person types to say who they are.
type Identifier struct {
	// Type names the kind of identifier in the deployment's own words: "national_id", "phone". Empty means the only
	// kind there is.
	Type string `json:"type,omitempty"`
	// Value is the identifier as typed, with surrounding white space removed.
	Value string `json:"value"`
}

// Validate reports whether the identifier is one that an Authenticator can be asked about: a value of 1 to 256 bytes
// of UTF-8 without control characters and without white space around it, and a type that is empty or a name of at most
// 32 lower-case letters, digits, '_' and '-'. The error does not repeat the value, and can be logged.
//
// The value is not normalised, because only the identity system knows which spellings mean the same person.
func (id Identifier) Validate() error {
	switch {
	case id.Type != "" && !validName(id.Type):
		return errors.New("authenticator: identifier type is not a name")
	case id.Value == "":
		return errors.New("authenticator: identifier is empty")
	case len(id.Value) > maxIdentifierBytes:
		return errors.New("authenticator: identifier is too long")
	case !utf8.ValidString(id.Value):
		return errors.New("authenticator: identifier is not UTF-8")
	case strings.ContainsFunc(id.Value, unicode.IsControl):
		return errors.New("authenticator: identifier has a control character")
	case strings.TrimSpace(id.Value) != id.Value:
		return errors.New("authenticator: identifier has white space around it")
	}
	return nil
}
