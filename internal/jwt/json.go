package jwt

import (
	"fmt"
	"unicode/utf8"

	"github.com/go-jose/go-jose/v4/json"
)

// maxDepth is how deep JSON may be nested: verified_claims (OpenID Identity Assurance) in a request object reaches ten.
const maxDepth = 32

// object decodes the members of a JSON object and leaves their values as they came. It refuses what readers understand
// differently: a name that is there twice (go-jose's decoder checks this, the standard library's takes the last) and
// text that is not UTF-8. Names are case-sensitive.
func object(data []byte) (map[string]json.RawMessage, error) {
	if !utf8.Valid(data) {
		return nil, fmt.Errorf("%w: JSON is not UTF-8", ErrMalformed)
	}
	if depth(data) > maxDepth {
		return nil, fmt.Errorf("%w: JSON is nested too deep", ErrMalformed)
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(data, &members); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if members == nil {
		return nil, fmt.Errorf("%w: null where an object must be", ErrMalformed)
	}
	return members, nil
}

// text decodes a member that must be a string; it is "" when the member is absent.
func text(members map[string]json.RawMessage, name string) (string, error) {
	raw, ok := members[name]
	if !ok {
		return "", nil
	}
	var s string
	if raw[0] != '"' { // null, too, would be decoded into a string
		return "", fmt.Errorf("%w: %q is not a string", ErrMalformed, name)
	}
	if err := json.Unmarshal(raw, &s); err != nil {
		return "", fmt.Errorf("%w: %q: %w", ErrMalformed, name, err)
	}
	return s, nil
}

// depth counts how deep arrays and objects are nested in what may be JSON. It comes before the decoder, which recurses.
func depth(data []byte) int {
	var level, deepest int
	var quoted bool
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
