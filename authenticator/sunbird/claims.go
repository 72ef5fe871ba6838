package sunbird

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/internal/knowledge"
)

// textClaims are those that OpenID Connect Core section 5.1 defines as JSON strings.
var textClaims = []string{
	"name", "given_name", "family_name", "middle_name", "nickname", "preferred_username", "profile", "picture", "website",
	"email", "gender", "birthdate", "zoneinfo", "locale", "phone_number",
}

// mapping takes one claim from a record.
type mapping struct {
	field string
	date  string // layout of time.Parse, for dates
	text  bool   // the claim has to be a text
}

// newMappings expects a Config that is valid.
func newMappings(c Config, q questions) map[string]mapping {
	mappings := make(map[string]mapping, len(c.Claims))
	for name, claim := range c.Claims {
		base, _, _ := strings.Cut(name, "#")
		m := mapping{field: claim.Field, text: slices.Contains(textClaims, base)}
		if claim.DateFormat != "" {
			m.date, _ = knowledge.DateLayout(claim.DateFormat)
		} else if i := slices.IndexFunc(q, func(f *field) bool { return f.Name == claim.Field }); i >= 0 {
			m.date = q[i].DateLayout
		}
		mappings[name] = m
	}
	return mappings
}

// value returns the claim. There is none if the record has no such field, or null or an empty text in it. It reports
// false if the field does not hold what the claim needs.
func (m mapping) value(r record) (value json.RawMessage, ok bool) {
	raw := r[m.field]
	text, isText := textOf(raw)
	switch {
	case len(raw) == 0 || string(raw) == "null" || isText && text == "":
		return nil, true
	case m.date != "":
		date, ok := knowledge.ParseDate(text, m.date)
		if !ok {
			return nil, false
		}
		text = date
	case !m.text:
		return raw, true
	case !isText:
		return nil, false
	}
	value, err := json.Marshal(text)
	return value, err == nil
}

// wanted returns the claims that are mapped, among those that were asked for: under their names and, where the name has
// further languages, under "name#km" (OpenID Connect Core section 5.2).
func wanted(mappings map[string]mapping, r *authenticator.ClaimsRequest) []string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(mappings)) {
		asked := slices.Contains(r.Names, name)
		for _, locale := range r.Locales {
			asked = asked || slices.ContainsFunc(r.Names, func(n string) bool { return n+"#"+locale == name })
		}
		if asked {
			names = append(names, name)
		}
	}
	return names
}
