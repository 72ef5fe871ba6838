package jwt

import (
	"bytes"
	"encoding/json"
	"fmt"
	"unicode/utf8"
)

const (
	// maxDepth is how deep JSON may be nested: verified_claims (OpenID Identity Assurance) in a request object reaches ten.
	maxDepth = 32

	// fewMembers is how many members are compared one by one; for more, looking for a name there would take too long.
	fewMembers = 16
)

// members are those of a JSON object, in the order in which they came. No name is there twice.
type members []member

// member has its name decoded, and its value as it came.
type member struct{ name, value []byte }

// get returns the value of a member, nil if it is absent.
func (m members) get(name string) []byte {
	for i := range m {
		if string(m[i].name) == name {
			return m[i].value
		}
	}
	return nil
}

// object splits a JSON object into its members, which are parts of data. It refuses what readers understand differently:
// a name that is there twice and text that is not UTF-8, which encoding/json lets pass. Names are case-sensitive.
func object(data []byte) (members, error) {
	if !utf8.Valid(data) {
		return nil, fmt.Errorf("%w: not UTF-8", ErrMalformed)
	}
	if depth(data) > maxDepth {
		return nil, fmt.Errorf("%w: JSON is nested too deep", ErrMalformed)
	}
	if !json.Valid(data) {
		return nil, fmt.Errorf("%w: not JSON", ErrMalformed)
	}
	return split(data)
}

// split is object for a value of an object that was split, in which there is nothing but what the grammar has there.
func split(data []byte) (members, error) {
	rest := skipSpace(data)
	if rest[0] != '{' {
		return nil, fmt.Errorf("%w: JSON that is not an object", ErrMalformed)
	}
	all := make(members, 0, 8)
	var seen map[string]bool // of many members
	rest = skipSpace(rest[1:])
	for rest[0] != '}' {
		end := valueEnd(rest)
		name, err := unquote(rest[:end])
		if err != nil {
			return nil, err
		}
		if len(all) == fewMembers {
			seen = make(map[string]bool)
			for _, m := range all {
				seen[string(m.name)] = true
			}
		}
		if seen[string(name)] || seen == nil && all.get(string(name)) != nil {
			return nil, fmt.Errorf("%w: a name is there twice", ErrMalformed)
		}
		if seen != nil {
			seen[string(name)] = true
		}
		rest = skipSpace(skipSpace(rest[end:])[1:]) // the colon
		end = valueEnd(rest)
		all = append(all, member{name, rest[:end:end]})
		if rest = skipSpace(rest[end:]); rest[0] == ',' {
			rest = skipSpace(rest[1:])
		}
	}
	return all, nil
}

func skipSpace(data []byte) []byte { return bytes.TrimLeft(data, " \t\r\n") }

// valueEnd is the length of the value with which the JSON begins.
func valueEnd(data []byte) int {
	level, quoted := 0, false
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			if quoted = !quoted; !quoted && level == 0 {
				return i + 1
			}
		case quoted:
		case c == '{' || c == '[':
			level++
		case (c == '}' || c == ']') && level > 0:
			if level--; level == 0 {
				return i + 1
			}
		case level == 0 && (c == ',' || c == '}' || c == ':' || c <= ' '): // the end of a number or a literal
			return i
		}
	}
	return len(data)
}

// unquote decodes a string; most have nothing to decode.
func unquote(quoted []byte) ([]byte, error) {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return quoted[1 : len(quoted)-1 : len(quoted)-1], nil
	}
	var s string
	if err := json.Unmarshal(quoted, &s); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return []byte(s), nil
}

// depth counts how deep arrays and objects are nested, before a decoder follows them there.
func depth(data []byte) int {
	level, deepest, quoted := 0, 0, false
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			level++
			deepest = max(deepest, level)
		case c == '}' || c == ']':
			level--
		}
	}
	return deepest
}

// text decodes a member that must be a string; it is "" when the member is absent.
func (m members) text(name string) (string, error) {
	raw := m.get(name)
	if raw == nil {
		return "", nil
	}
	if raw[0] != '"' {
		return "", fmt.Errorf("%w: %q is not a string", ErrMalformed, name)
	}
	s, err := unquote(raw)
	return string(s), err
}
