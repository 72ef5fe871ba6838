package portal

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"html/template"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// labels name the claims that the portal knows, in the order in which it shows them.
var labels = []struct{ name, label string }{
	{"name", "Name"},
	{"given_name", "Given name"},
	{"middle_name", "Middle name"},
	{"family_name", "Family name"},
	{"nickname", "Nickname"},
	{"birthdate", "Date of birth"},
	{"gender", "Gender"},
	{"email", "Email"},
	{"phone_number", "Phone"},
	{"address", "Address"},
	{"locale", "Language"},
	{"zoneinfo", "Time zone"},
	{"updated_at", "Updated"},
	{"sub", "Your number at this portal"},
}

// unlisted are claims about the token, and those that are shown beside others.
var unlisted = []string{"iss", "aud", "exp", "iat", "nbf", "jti", "picture", "email_verified", "phone_number_verified", verifiedClaims}

// row is a claim as a page shows it, with its values by language.
type row struct {
	Name, Label string
	Values      []value
	Verified    bool
}

type value struct{ Lang, Text string }

// rows lists claims: those that the portal knows first, then the others by name.
func rows(claims map[string]json.RawMessage) []row {
	byName := make(map[string]*row)
	for _, key := range slices.Sorted(maps.Keys(claims)) { // "name" comes before "name#ar"
		name, lang, _ := strings.Cut(key, "#")
		text := claimText(name, claims[key])
		if text == "" || slices.Contains(unlisted, name) {
			continue
		}
		if byName[name] == nil {
			byName[name] = &row{Name: name, Label: name, Verified: string(claims[name+"_verified"]) == "true"}
		}
		byName[name].Values = append(byName[name].Values, value{lang, text})
	}
	order := make(map[string]int, len(labels))
	for i, l := range labels {
		order[l.name] = i - len(labels)
		if r := byName[l.name]; r != nil {
			r.Label = l.label
		}
	}
	list := make([]row, 0, len(byName))
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		list = append(list, *byName[name])
	}
	slices.SortStableFunc(list, func(a, b row) int { return cmp.Compare(order[a.Name], order[b.Name]) })
	return list
}

// claimText writes a claim's value for people.
func claimText(name string, raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	switch name {
	case "address":
		return addressText(raw)
	case "updated_at":
		if seconds, err := strconv.ParseInt(string(raw), 10, 64); err == nil {
			return time.Unix(seconds, 0).UTC().Format("2 January 2006")
		}
	}
	return string(raw)
}

// addressText writes an address claim (OpenID Connect Core section 5.1.1) on one line.
func addressText(raw json.RawMessage) string {
	var a struct {
		Formatted  string `json:"formatted"`
		Street     string `json:"street_address"`
		PostalCode string `json:"postal_code"`
		Locality   string `json:"locality"`
		Region     string `json:"region"`
		Country    string `json:"country"`
	}
	if err := json.Unmarshal(raw, &a); err != nil {
		return ""
	}
	if a.Formatted != "" {
		return a.Formatted
	}
	parts := []string{a.Street, strings.TrimSpace(a.PostalCode + " " + a.Locality), a.Region, a.Country}
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), ", ")
}

var photoPattern = regexp.MustCompile(`^data:image/(png|jpeg|webp|svg\+xml);base64,[A-Za-z0-9+/]+={0,2}$`)

// photo returns the picture claim if the photo itself is in it; an SVG runs no script inside an img element. Pictures elsewhere are not fetched: whoever serves them
// would learn who signs in.
func photo(claims map[string]json.RawMessage) template.URL {
	var uri string
	if json.Unmarshal(claims["picture"], &uri) != nil || !photoPattern.MatchString(uri) {
		return ""
	}
	return template.URL(uri)
}

var longData = regexp.MustCompile(`"(data:[a-z/+]+;base64,[A-Za-z0-9+/]{24})[A-Za-z0-9+/=]{24,}"`)

// pretty indents JSON for developers and cuts photos short.
func pretty(raw []byte) string {
	var b bytes.Buffer
	if err := json.Indent(&b, raw, "", "  "); err != nil {
		return string(raw)
	}
	return longData.ReplaceAllStringFunc(b.String(), func(data string) string {
		return fmt.Sprintf("%s… (%d characters)\"", longData.FindStringSubmatch(data)[1], len(data)-2)
	})
}
