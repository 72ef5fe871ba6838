package mock

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/text/language"
)

// document is an identity as eSignet's mock identity system writes it: its identity JSON, with the digest of the password
// in place of the password.
type document map[string]json.RawMessage

// langValue is a text in one of the languages of a person, which identity JSON names by three letters (ISO 639-2/T).
type langValue struct {
	Language string `json:"language"`
	Value    string `json:"value"`
}

// kind is what the value of a field looks like.
type kind int

const (
	plainText kind = iota
	langTexts      // []langValue
)

// field is a member of the identity JSON.
type field struct {
	name string
	// claim is the OpenID Connect claim that it becomes, "" for none. Parts of the address have it as "address.region".
	claim string
	kind  kind
	// What follows is what the default schema demands.
	required, nullable, blank bool
	pattern                   *regexp.Regexp
}

const (
	addressClaim  = "address"
	addressPrefix = "address."
)

var fields = []field{
	{name: "individualId", required: true, pattern: nationalID},
	{name: "pin", required: true},
	{name: "fullName", claim: "name", kind: langTexts, required: true},
	{name: "givenName", claim: "given_name", kind: langTexts, required: true},
	{name: "familyName", claim: "family_name", kind: langTexts, required: true},
	{name: "middleName", claim: "middle_name", kind: langTexts, nullable: true},
	{name: "nickName", claim: "nickname", kind: langTexts, nullable: true},
	{name: "preferredUsername", claim: "preferred_username", kind: langTexts, nullable: true},
	{name: "gender", claim: "gender", kind: langTexts, required: true},
	{name: "dateOfBirth", claim: "birthdate", required: true},
	{name: "streetAddress", claim: "address.street_address", kind: langTexts, nullable: true},
	{name: "locality", claim: "address.locality", kind: langTexts, required: true},
	{name: "region", claim: "address.region", kind: langTexts, required: true},
	{name: "country", claim: "address.country", kind: langTexts, required: true},
	{name: "postalCode", claim: "address.postal_code", required: true},
	{name: "zoneInfo", claim: "address.zoneinfo", nullable: true, blank: true},
	{name: "preferredLang", claim: "locale", required: true, nullable: true, blank: true},
	{name: "locale", nullable: true, blank: true},
	{name: "email", claim: "email", required: true, pattern: regexp.MustCompile(`^[^@\s]+@[^@\s]+\.[^@\s]+$`)},
	{name: "phone", claim: "phone_number", required: true},
	{name: "encodedPhoto", claim: "picture", required: true, blank: true},
	{name: "password", nullable: true, blank: true},
}

// fieldNamed returns the field of the name, or nil.
func fieldNamed(name string) *field {
	for i := range fields {
		if fields[i].name == name {
			return &fields[i]
		}
	}
	return nil
}

// claimName is the claim that a field becomes, or is part of.
func (f *field) claimName() string {
	if strings.HasPrefix(f.claim, addressPrefix) {
		return addressClaim
	}
	return f.claim
}

// part is the member of the address that the field becomes, "" if none.
func (f *field) part() string {
	part, _ := strings.CutPrefix(f.claim, addressPrefix)
	if part == f.claim {
		return ""
	}
	return part
}

// has reports whether there is a value. An empty array is none.
func (d document) has(name string) bool {
	var values []json.RawMessage
	if json.Unmarshal(d[name], &values) == nil {
		return len(values) > 0 // not for null either
	}
	return len(d[name]) > 0
}

// text returns the value of a plain field, "" if there is none.
func (d document) text(name string) string {
	var s string
	if json.Unmarshal(d[name], &s) != nil {
		return ""
	}
	return s
}

// langs returns the values of a field in their order. A plain text is one value, in no language.
func (d document) langs(name string) []langValue {
	var values []langValue
	if json.Unmarshal(d[name], &values) == nil {
		return values
	}
	if s := d.text(name); s != "" {
		return []langValue{{Value: s}}
	}
	return nil
}

func (d document) set(name string, value any) {
	encoded, err := json.Marshal(value)
	if err == nil { // texts and lists of texts always can be
		d[name] = encoded
	}
}

// main returns the person's own language, in three letters.
func (d document) main() string {
	if code := iso3(d.text("preferredLang")); code != "" {
		return code
	}
	if names := d.langs("fullName"); len(names) > 0 {
		return iso3(names[0].Language)
	}
	return ""
}

// iso3 returns the three letters of a language that is given as a tag of BCP 47, or with two letters, or three. It is empty
// if there is no such language.
func iso3(tag string) string {
	if tag == "" {
		return ""
	}
	parsed, err := language.Parse(tag)
	if err != nil {
		return ""
	}
	base, confidence := parsed.Base()
	if confidence == language.No {
		return ""
	}
	return base.ISO3()
}

// bcp47 returns the tag of a language of three letters, which is shorter where there is one.
func bcp47(code string) string {
	base, err := language.ParseBase(code)
	if err != nil {
		return code
	}
	return base.String()
}

// claims returns the standard claims that the identity amounts to. The person's own language has no tag.
func (d document) claims() map[string]any {
	main := d.main()
	claims := make(map[string]any)
	addresses := make(map[string]map[string]any) // by tag
	plain := make(map[string]any)                // parts of the address that are the same in all languages
	for i := range fields {
		f := &fields[i]
		if f.claim == "" || !d.has(f.name) {
			continue
		}
		if f.kind == plainText {
			switch text := d.text(f.name); {
			case f.name == "zoneInfo":
				claims["zoneinfo"] = text
			case f.part() != "":
				plain[f.part()] = text
			case f.name == "dateOfBirth":
				claims[f.claim] = strings.ReplaceAll(text, "/", "-")
			case f.name == "preferredLang":
				claims[f.claim] = bcp47(text)
			default:
				claims[f.claim] = text
			}
			continue
		}
		for tag, value := range tagged(d.langs(f.name), main) {
			if f.part() == "" {
				claims[f.claim+tag] = value
				continue
			}
			if addresses[tag] == nil {
				addresses[tag] = make(map[string]any)
			}
			addresses[tag][f.part()] = value
		}
	}
	if len(plain) > 0 && addresses[""] == nil {
		addresses[""] = make(map[string]any)
	}
	for tag, address := range addresses {
		maps.Copy(address, plain)
		claims[addressClaim+tag] = address
	}
	if locale := d.text("locale"); locale != "" {
		claims["locale"] = locale
	}
	return claims
}

// tagged returns values by what stands after the name of their claim: nothing for the main language, or for the first
// value if there is none in it, and "#km" for others.
func tagged(values []langValue, main string) map[string]string {
	if len(values) == 0 {
		return nil
	}
	own := max(0, slices.IndexFunc(values, func(v langValue) bool { return iso3(v.Language) == main }))
	tags := map[string]string{"": values[own].Value}
	for i, v := range values {
		if i != own && v.Language != "" {
			tags["#"+bcp47(v.Language)] = v.Value
		}
	}
	return tags
}

// documentOf returns the identity of somebody whose claims are known.
func documentOf(id string, claims map[string]any) document {
	d := make(document)
	d.set("individualId", id)
	locale, _ := claims["locale"].(string)
	main := iso3(locale)
	if main == "" {
		main = "eng"
	}
	for i := range fields {
		f := &fields[i]
		if f.claim == "" || f.name == "preferredLang" {
			continue
		}
		if f.kind == langTexts {
			if values := langValues(f, claims, main); len(values) > 0 {
				d.set(f.name, values)
			}
			continue
		}
		var value any
		switch {
		case f.name == "zoneInfo":
			value = claims["zoneinfo"]
		case f.part() != "":
			value = part(claims[addressClaim], f.part())
		default:
			value = claims[f.claim]
		}
		if text, ok := value.(string); ok {
			if f.name == "dateOfBirth" {
				text = strings.ReplaceAll(text, "-", "/")
			}
			d.set(f.name, text)
		}
	}
	d.set("preferredLang", main)
	if locale != "" {
		d.set("locale", locale)
	}
	return d
}

// langValues returns the texts that the claims have for a field, the main language first.
func langValues(f *field, claims map[string]any, main string) []langValue {
	var values []langValue
	for _, name := range slices.Sorted(maps.Keys(claims)) { // "name" before "name#en"
		base, tag, _ := strings.Cut(name, "#")
		if base != f.claimName() {
			continue
		}
		value := claims[name]
		if f.part() != "" {
			value = part(value, f.part())
		}
		code := main
		if tag != "" {
			code = iso3(tag)
		}
		if text, ok := value.(string); ok && text != "" && code != "" {
			values = append(values, langValue{Language: code, Value: text})
		}
	}
	return values
}

func part(address any, name string) any {
	parts, _ := address.(map[string]any)
	return parts[name]
}
