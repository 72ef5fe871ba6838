package jwt

import (
	"fmt"
	"unicode/utf8"

	"github.com/go-jose/go-jose/v4/json"
)

// maxDepth is how deep JSON may be nested: verified_claims (OpenID Identity Assurance) in a request object reaches ten.
const maxDepth = 32

// object splits a JSON object into its members and leaves their values as they came. It refuses what readers understand
// differently: a name that is there twice and text that is not UTF-8. go-jose's JSON is the one that sees to this, and
// takes names as case-sensitive; encoding/json does neither.
func object(data []byte) (map[string]json.RawMessage, error) {
	if !utf8.Valid(data) {
		return nil, fmt.Errorf("%w: not UTF-8", ErrMalformed)
	}
	if depth(data) > maxDepth {
		return nil, fmt.Errorf("%w: JSON is nested too deep", ErrMalformed)
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(data, &members); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if members == nil {
		return nil, fmt.Errorf("%w: JSON that is not an object", ErrMalformed)
	}
	return members, nil
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
func text(members map[string]json.RawMessage, name string) (string, error) {
	raw, ok := members[name]
	if !ok {
		return "", nil
	}
	var s *string
	if err := json.Unmarshal(raw, &s); err != nil || s == nil {
		return "", fmt.Errorf("%w: %q is not a string", ErrMalformed, name)
	}
	return *s, nil
}
