package conformance

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

var (
	birthdate = regexp.MustCompile(`^(\d{4})(-(\d{2})-(\d{2}))?$`)
	texts     = []string{
		"name", "family_name", "given_name", "middle_name", "nickname", "preferred_username", "profile", "picture",
		"website", "gender", "zoneinfo", "locale", "email", "phone_number", "birthdate",
	}
)

// claimFormats checks the types of the standard claims (OpenID Connect Core 5.1), with or without a language tag.
func (t *trial) claimFormats(where string, claims map[string]any) {
	for _, name := range slices.Sorted(maps.Keys(claims)) {
		value := claims[name]
		base, _, _ := strings.Cut(name, "#")
		switch {
		case value == nil:
			t.fail("the claim %s of %s is null; it should be left out", name, where)
		case slices.Contains(texts, base):
			if text, ok := value.(string); !ok || strings.TrimSpace(text) == "" || text == "null" {
				t.fail("the claim %s of %s is not a string with text in it: %v", name, where, value)
			} else if base == "birthdate" && !goodBirthdate(text) {
				t.fail("the birthdate of %s is not YYYY-MM-DD, 0000-MM-DD or YYYY since 1850: %q", where, text)
			}
		case base == "email_verified" || base == "phone_number_verified":
			if _, ok := value.(bool); !ok {
				t.fail("the claim %s of %s is not a boolean: %v", name, where, value)
			}
		case base == "updated_at":
			if seconds, ok := value.(float64); !ok || !plausible(seconds) {
				t.fail("the updated_at of %s is not a number of seconds since 1970, between 1990 and now: %v", where, value)
			}
		case base == "address":
			t.addressFormat(where, value)
		}
	}
}

func (t *trial) addressFormat(where string, value any) {
	address, ok := value.(map[string]any)
	if !ok {
		t.fail("the address of %s is not an object: %v", where, value)
	}
	for name, part := range address {
		if !isText(part) {
			t.fail("the %s in the address of %s is not a non-empty string: %v", name, where, part)
		}
	}
}

func goodBirthdate(text string) bool {
	m := birthdate.FindStringSubmatch(text)
	if m == nil {
		return false
	}
	if m[1] != "0000" {
		if y, err := strconv.Atoi(m[1]); err != nil || y < 1850 || y > time.Now().Year() {
			return false
		}
	} else if m[2] == "" {
		return false
	}
	if m[2] == "" {
		return true
	}
	leap := strings.Replace(text, "0000-", "2000-", 1)
	day, err := time.Parse(time.DateOnly, leap)
	return err == nil && (m[1] == "0000" || !day.After(time.Now()))
}
