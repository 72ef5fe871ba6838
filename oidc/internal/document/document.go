// Package document reads small JSON documents that a stranger sends: in one pass, within a depth, and only if every
// reader understands the same by them.
package document

import (
	"encoding/json"
	"strings"
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

// Value is a JSON value, perhaps a member of an object.
type Value struct {
	// Name is that of a member.
	Name string
	// Raw is the value as it was written. Empty for an object or an array that was put together.
	Raw  string
	Kind Kind
	// Children are the items of an array, or the members of an object, in the order in which they were written. No two
	// members have one name.
	Children []Value
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
	if v.Kind != Object {
		return nil
	}
	for i := range v.Children {
		if v.Children[i].Name == name {
			return &v.Children[i]
		}
	}
	return nil
}

// Equal says whether two values are the same, however they are written. Numbers are compared as text, which no rounding
// can make equal.
func Equal(a, b *Value) bool {
	if a.Kind != b.Kind || len(a.Children) != len(b.Children) {
		return false
	}
	switch a.Kind {
	case String:
		return a.Raw == b.Raw || unquote(a.Raw) == unquote(b.Raw)
	case Array:
		for i := range a.Children {
			if !Equal(&a.Children[i], &b.Children[i]) {
				return false
			}
		}
		return true
	case Object:
		for i := range a.Children {
			other := b.Member(a.Children[i].Name)
			if other == nil || !Equal(&a.Children[i], other) {
				return false
			}
		}
		return true
	}
	return a.Raw == b.Raw
}

// Append appends the value as compact JSON.
func (v *Value) Append(b []byte) []byte {
	first, last := byte('['), byte(']')
	switch v.Kind {
	case Array:
	case Object:
		first, last = '{', '}'
	default:
		return append(b, v.Raw...)
	}
	b = append(b, first)
	for i := range v.Children {
		if i > 0 {
			b = append(b, ',')
		}
		if v.Kind == Object {
			b = append(AppendText(b, v.Children[i].Name), ':')
		}
		b = v.Children[i].Append(b)
	}
	return append(b, last)
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
func TextValue(s string) Value { return Value{Kind: String, Raw: string(AppendText(nil, s))} }

func unquote(raw string) string {
	inner := raw[1 : len(raw)-1]
	if strings.IndexByte(inner, '\\') < 0 {
		return inner
	}
	var s string
	_ = json.Unmarshal([]byte(raw), &s) // the parser has seen that it is a string
	return s
}
