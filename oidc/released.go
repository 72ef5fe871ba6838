package oidc

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxReleased bounds what an identity system may say about a person. Portraits are the largest part of it.
const maxReleased = 1 << 20

// released are the claims that an identity system released. The zero value has none.
type released struct {
	values map[string]json.RawMessage
	// tagged are the names with a language tag, such as name#km, sorted.
	tagged []string
}

func newReleased(values map[string]json.RawMessage) *released {
	r := &released{values: values}
	for name := range values {
		if _, tag, ok := strings.Cut(name, "#"); ok && isLanguageTag(tag) {
			r.tagged = append(r.tagged, name)
		}
	}
	slices.Sort(r.tagged)
	return r
}

// object returns those of the claims that the person shares as a JSON object, with all languages that a claim comes in.
// Claims without content are left out, and so are those with a value that the client did not ask for.
func (r *released) object(shared []ConsentedClaim) ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for _, claim := range shared {
		if err := r.write(&b, claim.Name, claim.Values); err != nil {
			return nil, err
		}
		for _, name := range r.tagged {
			if base, _, _ := strings.Cut(name, "#"); base == claim.Name {
				if err := r.write(&b, name, claim.Values); err != nil {
					return nil, err
				}
			}
		}
	}
	b.WriteByte('}')
	if b.Len() > maxReleased || !utf8.Valid(b.Bytes()) {
		return nil, errors.New("oidc: the claims released are too long or not UTF-8")
	}
	return b.Bytes(), nil
}

// write appends a member. The name needs no escaping: it is a supported claim, perhaps with a language tag.
func (r *released) write(b *bytes.Buffer, name string, wanted []json.RawMessage) error {
	value, ok := r.values[name]
	if !ok || len(value) == 0 {
		return nil
	}
	before := b.Len()
	if before > 1 {
		b.WriteByte(',')
	}
	b.WriteByte('"')
	b.WriteString(name)
	b.WriteString(`":`)
	start := b.Len()
	if err := json.Compact(b, value); err != nil {
		return fmt.Errorf("oidc: the claim %s was released as malformed JSON", name)
	}
	if value := b.Bytes()[start:]; isEmpty(value) || wanted != nil && !matches(value, wanted) {
		b.Truncate(before)
	}
	return nil
}

// isEmpty says whether a value tells nothing: userinfo leaves such claims out (OpenID Connect Core section 5.3.2).
func isEmpty(compact []byte) bool {
	switch string(compact) {
	case "null", "{}", "[]":
		return true
	}
	return compact[0] == '"' && len(bytes.TrimSpace(compact[1:len(compact)-1])) == 0
}

// matches says whether a value is one of those wanted, however they are written.
func matches(compact []byte, wanted []json.RawMessage) bool {
	value, ok := decode(compact)
	return ok && slices.ContainsFunc(wanted, func(raw json.RawMessage) bool {
		want, ok := decode(raw)
		return ok && reflect.DeepEqual(value, want)
	})
}

func decode(raw []byte) (any, bool) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	err := d.Decode(&v)
	return v, err == nil
}
