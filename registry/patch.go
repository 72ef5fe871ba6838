package registry

import (
	"encoding/json"
	"maps"

	"github.com/gosignet/signet/oauth"
)

// maxNesting is how deep objects of a patch may be nested. A registration needs two.
const maxNesting = 8

// patched returns the registration with a JSON Merge Patch (RFC 7396) applied.
func patched(registration, patch []byte) (*oauth.Client, error) {
	changes, err := split(patch)
	if err != nil {
		return nil, err
	}
	members, err := split(registration)
	if err != nil {
		return nil, err
	}
	merged, err := merge(members, changes, 1)
	if err != nil {
		return nil, err
	}
	data, err := json.Marshal(merged)
	if err != nil {
		return nil, err
	}
	return Parse(data)
}

// merge applies a patch to an object: null takes a member away, an object changes the members of an object, and anything
// else takes a member's place. The values of members stay as they came, down to the spelling of numbers.
func merge(target, patch map[string]json.RawMessage, depth int) (map[string]json.RawMessage, error) {
	if depth > maxNesting {
		return nil, invalid("a patch is nested %d deep at most", maxNesting)
	}
	merged := maps.Clone(target)
	if merged == nil {
		merged = make(map[string]json.RawMessage)
	}
	for name, value := range patch {
		switch value[0] {
		case 'n':
			delete(merged, name)
		case '{':
			var before, change map[string]json.RawMessage
			if old := merged[name]; len(old) > 0 && old[0] == '{' { // anything else counts as an empty object
				if err := decode(old, &before); err != nil {
					return nil, err
				}
			}
			if err := decode(value, &change); err != nil {
				return nil, invalid("%s: %s", printable(name), printable(err.Error()))
			}
			after, err := merge(before, change, depth+1)
			if err != nil {
				return nil, err
			}
			if merged[name], err = json.Marshal(after); err != nil {
				return nil, err
			}
		default:
			merged[name] = value
		}
	}
	return merged, nil
}
