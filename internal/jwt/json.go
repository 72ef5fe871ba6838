package jwt

import (
	"bytes"
	"encoding/json"
	"fmt"
	"unicode/utf8"
)

// maxDepth is how deep JSON may be nested: verified_claims (OpenID Identity Assurance) in a request object reaches ten.
const maxDepth = 32

// object splits a JSON object into its members and leaves their values as they came. It refuses what readers understand
// differently: a name that is there twice (encoding/json takes the last, others the first) and text that is not UTF-8.
// Names are case-sensitive.
//
// encoding/json says what is JSON; only the splitting is done here. go-jose's decoder also refuses a name that is there
// twice, and takes twice as long for it.
func object(data []byte) (map[string]json.RawMessage, error) {
	if !utf8.Valid(data) || !json.Valid(data) {
		return nil, fmt.Errorf("%w: not JSON in UTF-8", ErrMalformed)
	}
	rest := skipSpace(data)
	if rest[0] != '{' {
		return nil, fmt.Errorf("%w: JSON that is not an object", ErrMalformed)
	}
	members := make(map[string]json.RawMessage, 8)
	for rest = skipSpace(rest[1:]); rest[0] != '}'; {
		quoted, after, _ := cutValue(rest)
		value, after, depth := cutValue(skipSpace(skipSpace(after)[1:])) // after the colon
		if depth >= maxDepth {
			return nil, fmt.Errorf("%w: JSON is nested too deep", ErrMalformed)
		}
		name, err := unquote(quoted)
		if err != nil {
			return nil, err
		}
		if _, ok := members[name]; ok {
			return nil, fmt.Errorf("%w: %.32q is there twice", ErrMalformed, name)
		}
		members[name] = value
		if rest = skipSpace(after); rest[0] == ',' {
			rest = skipSpace(rest[1:])
		}
	}
	return members, nil
}

// cutValue cuts the first value off valid JSON that starts with one, and counts how deep it is nested: 0 for a string.
func cutValue(data []byte) (value, rest []byte, depth int) {
	var level int
	var quoted bool
	for i := 0; i < len(data); i++ {
		ends := false // here ends an array, an object or a string
		switch c := data[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
			ends = !quoted
		case quoted:
		case c == '{' || c == '[':
			level++
			depth = max(depth, level)
		case level == 0 && bytes.IndexByte([]byte(",]} \t\r\n"), c) >= 0: // behind a number or a word
			return data[:i], data[i:], 0
		case c == '}' || c == ']':
			level--
			ends = true
		}
		if ends && level == 0 {
			return data[:i+1], data[i+1:], depth
		}
	}
	return data, nil, depth
}

func skipSpace(data []byte) []byte { return bytes.TrimLeft(data, " \t\r\n") }

// unquote decodes a JSON string.
func unquote(quoted []byte) (string, error) {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return string(quoted[1 : len(quoted)-1]), nil
	}
	var s string
	if err := json.Unmarshal(quoted, &s); err != nil {
		return "", fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return s, nil
}

// text decodes a member that must be a string; it is "" when the member is absent.
func text(members map[string]json.RawMessage, name string) (string, error) {
	raw, ok := members[name]
	if !ok {
		return "", nil
	}
	if raw[0] != '"' {
		return "", fmt.Errorf("%w: %q is not a string", ErrMalformed, name)
	}
	return unquote(raw)
}
