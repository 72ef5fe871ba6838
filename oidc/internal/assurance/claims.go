package assurance

import (
	"regexp"
	"slices"
	"strings"

	"github.com/gosignet/signet/oidc/internal/document"
)

// The formats that the specification's schema has for claims.
var (
	birthdate   = regexp.MustCompile(`^[0-9]{4}-[01][0-9]-[0-3][0-9]$`)
	countryCode = regexp.MustCompile(`^[a-zA-Z]{2,3}$`)
	email       = regexp.MustCompile(`^[^@]+@[^@.]+(\.[^@]+)+$`)
	locale      = regexp.MustCompile(`^[a-zA-Z]{2}[-_][A-Z]{2}[a-zA-Z]?$`)
	phoneNumber = regexp.MustCompile(`^\+?[0-9]{5,15}(;ext[0-9]{0,9})?$`)
	msisdn      = regexp.MustCompile(`^\+?[0-9]{5,15}$`)
)

// textClaims are strings of any content.
var textClaims = []string{
	"also_known_as", "birth_family_name", "birth_given_name", "birth_middle_name", "family_name", "gender", "given_name",
	"middle_name", "name", "picture", "preferred_username", "profile", "salutation", "sub", "title", "website", "zoneinfo",
}

// ValidClaim says whether the specification's schema allows the value for the claim, whose name may have a language tag.
// It allows anything for claims that it does not know.
func ValidClaim(name string, v *document.Value) bool {
	name, _, _ = strings.Cut(name, "#")
	switch name {
	case "birthdate":
		return matches(v, birthdate)
	case "email":
		return matches(v, email)
	case "locale":
		return matches(v, locale)
	case "phone_number":
		return matches(v, phoneNumber)
	case "msisdn":
		return matches(v, msisdn)
	case "email_verified", "phone_number_verified":
		return v.Kind == document.Bool
	case "updated_at":
		return v.Kind == document.Number
	case "address":
		return validPlace(v, nil)
	case "place_of_birth":
		return validPlace(v, countryCode)
	case "nationalities":
		return validNationalities(v)
	}
	return v.Kind == document.String || !slices.Contains(textClaims, name)
}

func matches(v *document.Value, format *regexp.Regexp) bool {
	s, ok := v.Text()
	return ok && format.MatchString(s)
}

// validPlace takes an object whose members are strings, and whose country has the format if there is one.
func validPlace(v *document.Value, country *regexp.Regexp) bool {
	for i := range v.Children {
		m := &v.Children[i]
		switch m.Name {
		case "country":
			if country != nil && !matches(m, country) {
				return false
			}
		case "country_code":
			if country == nil && !matches(m, countryCode) {
				return false
			}
		case "formatted", "locality", "postal_code", "region", "street_address":
		default:
			continue
		}
		if m.Kind != document.String {
			return false
		}
	}
	return len(v.Children) > 0
}

func validNationalities(v *document.Value) bool {
	var seen []string
	for i := range v.Children {
		s, _ := v.Children[i].Text()
		if !matches(&v.Children[i], countryCode) || slices.Contains(seen, s) {
			return false
		}
		seen = append(seen, s)
	}
	return len(seen) > 0
}
