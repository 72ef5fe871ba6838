// Package document reads small JSON documents that a stranger sends: in one pass, within a depth, and only if every
// reader understands the same by them.
package document

import (
	"bytes"
	"encoding/json"
	"slices"
)

// Kind is the type of a JSON value.
type Kind uint8

// The kinds of JSON values.
const (
	Null Kind = iota
	Bool
	Number
	String
	Array
	Object
)

// Value is a JSON value. It keeps the text that it was read from, which must not be changed.
type Value struct {
	Kind Kind
	// Raw is the value as it was written. Empty for one that was put together.
	Raw []byte
	// Members are those of an object, in the order in which they were written, each with a name of its own.
	Members []Member
	// Items are those of an array.
	Items []Value
}

// Member is a member of an object.
type Member struct {
	Name  string
	Value Value
}

// Text returns the content of a string, and whether the value is one.
func (v *Value) Text() (string, bool) {
	if v.Kind != String {
		return "", false
	}
	return unquote(v.Raw), true
}

// Member returns the value of a member, or nil if the value is no object that has it.
func (v *Value) Member(name string) *Value {
	if v == nil {
		return nil
	}
	for i := range v.Members {
		if v.Members[i].Name == name {
			return &v.Members[i].Value
		}
	}
	return nil
}

// Equal says whether two values are the same, however they are written. Numbers are compared as text, which no rounding
// can make equal.
func Equal(a, b *Value) bool {
	if a.Kind != b.Kind || len(a.Members) != len(b.Members) || len(a.Items) != len(b.Items) {
		return false
	}
	switch a.Kind {
	case String:
		return bytes.Equal(a.Raw, b.Raw) || unquote(a.Raw) == unquote(b.Raw)
	case Array:
		for i := range a.Items {
			if !Equal(&a.Items[i], &b.Items[i]) {
				return false
			}
		}
		return true
	case Object:
		for i := range a.Members {
			other := b.Member(a.Members[i].Name)
			if other == nil || !Equal(&a.Members[i].Value, other) {
				return false
			}
		}
		return true
	}
	return bytes.Equal(a.Raw, b.Raw)
}

// Append appends the value as compact JSON.
func (v *Value) Append(b []byte) []byte {
	switch v.Kind {
	case Array:
		b = append(b, '[')
		for i := range v.Items {
			if i > 0 {
				b = append(b, ',')
			}
			b = v.Items[i].Append(b)
		}
		return append(b, ']')
	case Object:
		b = append(b, '{')
		for i := range v.Members {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(AppendText(b, v.Members[i].Name), ':')
			b = v.Members[i].Value.Append(b)
		}
		return append(b, '}')
	}
	return append(b, v.Raw...)
}

// AppendText appends a string as JSON.
func AppendText(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c > '~' {
			quoted, _ := json.Marshal(s) // a string has no way to fail
			return append(b, quoted...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}

// TextValue returns a string as a value.
func TextValue(s string) Value { return Value{Kind: String, Raw: AppendText(nil, s)} }

func unquote(raw []byte) string {
	inner := raw[1 : len(raw)-1]
	if !slices.Contains(inner, '\\') {
		return string(inner)
	}
	var s string
	_ = json.Unmarshal(raw, &s) // the parser has seen that it is a string
	return s
}
