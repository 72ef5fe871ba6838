package esignet

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/language"

	"github.com/gosignet/signet/internal/jwt"
	"github.com/gosignet/signet/oauth"
)

// shape says which members a version of a request has.
type shape struct {
	members []string
	// patch requests have what changes; others have all but optional members.
	patch bool
	// names and config say that what the request has takes the place of the names in other languages, and of the additional
	// configuration, also when that is nothing.
	names, config bool
	// duplicateKey is the code for the key of another client.
	duplicateKey string
}

var (
	sharedMembers = []string{"clientName", "userClaims", "authContextRefs", "logoUri", "redirectUris", "grantTypes", "clientAuthMethods"}
	createMembers = append([]string{"clientId", "publicKey", "relyingPartyId"}, sharedMembers...)
	updateMembers = append([]string{"status"}, sharedMembers...)

	createV1   = &shape{members: createMembers, names: true, config: true, duplicateKey: "duplicate_public_key"}
	createV2   = &shape{members: plus(createMembers, "clientNameLangMap"), names: true, config: true, duplicateKey: unknownError}
	createV3   = &shape{members: plus(createMembers, "clientNameLangMap", "additionalConfig"), names: true, config: true, duplicateKey: "duplicate_public_key"}
	updateV1   = &shape{members: updateMembers, names: true}
	updateV2   = &shape{members: plus(updateMembers, "clientNameLangMap"), names: true}
	updateV3   = &shape{members: plus(updateMembers, "clientNameLangMap", "additionalConfig"), names: true, config: true}
	patchShape = &shape{members: plus(updateMembers, "clientNameLangMap", "additionalConfig", "encPublicKey"), patch: true}
)

func plus(list []string, more ...string) []string { return slices.Concat(list, more) }

// clientFields is the body of a request. What is absent or null is nil.
type clientFields struct {
	ClientID          *text            `json:"clientId"`
	ClientName        *text            `json:"clientName"`
	NameLangMap       map[string]*text `json:"clientNameLangMap"`
	PublicKey         json.RawMessage  `json:"publicKey"`
	RelyingPartyID    *text            `json:"relyingPartyId"`
	UserClaims        []*text          `json:"userClaims"`
	AuthContextRefs   []*text          `json:"authContextRefs"`
	LogoURI           *text            `json:"logoUri"`
	RedirectURIs      []*text          `json:"redirectUris"`
	GrantTypes        []*text          `json:"grantTypes"`
	ClientAuthMethods []*text          `json:"clientAuthMethods"`
	Status            *text            `json:"status"`
	// AdditionalConfig is null if the request says so.
	AdditionalConfig json.RawMessage `json:"additionalConfig"`
	EncPublicKey     json.RawMessage `json:"encPublicKey"`

	shape   *shape
	manager *manager
}

// UnmarshalJSON reads the members that the shape has, and refuses others.
func (f *clientFields) UnmarshalJSON(data []byte) error {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(data, &members); err != nil {
		return err
	}
	for name, raw := range members {
		if !slices.Contains(f.shape.members, name) {
			return fmt.Errorf("esignet: unknown member %q", name)
		}
		if object := raw[0] == '{' || string(raw) == "null"; !object && slices.Contains([]string{"publicKey", "encPublicKey", "additionalConfig"}, name) {
			return fmt.Errorf("esignet: %s is no object", name)
		}
	}
	type plain clientFields
	if err := json.Unmarshal(data, (*plain)(f)); err != nil {
		return err
	}
	for _, raw := range []*json.RawMessage{&f.PublicKey, &f.EncPublicKey} {
		if string(*raw) == "null" {
			*raw = nil
		}
	}
	return nil
}

// The bounds of the members' values.
const (
	maxID           = 100
	maxName         = 256
	maxLanguageName = 50
	maxClaims       = 30
	maxACRs         = 30
	maxRedirects    = 5
	maxMethods      = 3
	maxLogoURI      = 2048
)

func (f *clientFields) validate(v *violations) {
	has := func(name string) bool { return slices.Contains(f.shape.members, name) }
	if has("clientId") {
		v.check(f.ClientID != nil && validID(string(*f.ClientID)), "request.clientId", "invalid_client_id")
		v.check(f.RelyingPartyID != nil && validID(string(*f.RelyingPartyID)), "request.relyingPartyId", "invalid_rp_id")
		_, ok := parseJWK(f.PublicKey)
		v.check(ok && f.signs(), "request.publicKey", "invalid_public_key")
	}
	if f.ClientName != nil || !f.shape.patch {
		name := f.ClientName
		v.check(name != nil && (f.shape.patch || !isBlank(string(*name))) && utf8.RuneCountInString(string(*name)) <= maxName && printable(string(*name)),
			"request.clientName", "invalid_client_name")
	}
	for key, name := range f.NameLangMap {
		path := "request.clientNameLangMap[" + key + "]"
		_, known := parseLanguage(key)
		v.check(known, path, "invalid_language_code")
		v.check(name != nil && !isBlank(string(*name)) && printable(string(*name)), path, "invalid_client_name_value")
		v.check(name == nil || utf8.RuneCountInString(string(*name)) <= maxLanguageName, path, "invalid_client_name_length")
	}
	if f.LogoURI != nil || !f.shape.patch {
		v.check(f.LogoURI != nil && validLogo(string(*f.LogoURI)), "request.logoUri", "invalid_uri")
	}
	f.validateLists(v)
	if f.Status != nil || has("status") && !f.shape.patch {
		v.check(f.Status != nil && (*f.Status == "ACTIVE" || *f.Status == "INACTIVE"), "request.status", "invalid_status")
	}
	if len(f.AdditionalConfig) > 0 {
		_, err := parseAdditionalConfig(f.AdditionalConfig)
		v.check(err == nil, "request.additionalConfig", "invalid_additional_config")
	}
	if f.EncPublicKey != nil {
		_, ok := parseJWK(f.EncPublicKey)
		v.check(ok, "request.encPublicKey", "invalid_public_key")
	}
}

func (f *clientFields) validateLists(v *violations) {
	m := f.manager
	least := 0
	if f.shape.patch {
		least = 1
	}
	for _, l := range []struct {
		name, code  string
		list        []*text
		least, most int
		valid       func(string) bool
	}{
		{"userClaims", "invalid_claim", f.UserClaims, least, maxClaims, func(s string) bool { return slices.Contains(m.Claims, s) }},
		{"authContextRefs", "invalid_acr", f.AuthContextRefs, 1, maxACRs, m.knowsACR},
		{"redirectUris", "invalid_redirect_uri", f.RedirectURIs, 1, maxRedirects, isRegistrable},
		{"grantTypes", "unsupported_grant_type", f.GrantTypes, 1, maxMethods, func(s string) bool { return s == "authorization_code" }},
		{"clientAuthMethods", "invalid_client_auth", f.ClientAuthMethods, 1, maxMethods, func(s string) bool { return s == "private_key_jwt" }},
	} {
		if l.list == nil {
			v.check(f.shape.patch, "request."+l.name, l.code)
			continue
		}
		if l.name == "authContextRefs" {
			l.list = slices.DeleteFunc(slices.Clone(l.list), func(t *text) bool { return t == nil })
		}
		v.check(len(l.list) >= l.least && len(l.list) <= l.most, "request."+l.name, l.code)
		for i, t := range l.list {
			v.check(t != nil && l.valid(string(*t)), fmt.Sprintf("request.%s[%d]", l.name, i), l.code)
		}
	}
}

// signs reports whether the key can sign assertions.
func (f *clientFields) signs() bool {
	key, _ := parseJWK(f.PublicKey)
	return key.Use != "enc" && jwt.CheckKey(assertionAlgorithm(&key, f.manager.Profile), key.Key) == nil
}

func (m *manager) knowsACR(s string) bool {
	values := strings.Fields(s)
	return len(values) > 0 && !slices.ContainsFunc(values, func(v string) bool { return !slices.Contains(m.ACRs, v) })
}

func isBlank(s string) bool { return strings.TrimSpace(s) == "" }

func printable(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) || r == unicode.ReplacementChar })
}

// validID is eSignet's \S* and what a client_id is made of (RFC 6749 appendix A.1).
func validID(s string) bool {
	return s != "" && len(s) <= maxID && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}

func validLogo(s string) bool {
	u, err := url.Parse(s)
	return err == nil && len(s) <= maxLogoURI && printable(s) && (u.Scheme == "https" || u.Scheme == "http") && u.Hostname() != ""
}

// isPattern reports whether a redirect URI is one that the standards do not know.
func isPattern(uri string) bool {
	return strings.Contains(uri, "*") || oauth.CheckRedirectURI(uri) != nil
}

// isRegistrable reports whether a request of the API may have the URI too: one without an authority it may not.
func isRegistrable(uri string) bool {
	return validRedirectURI(uri) && (!isPattern(uri) || oauth.CheckRedirectURIPattern(uri) == nil)
}

// parseLanguage returns the tag of a language (BCP 47) whose code is one of three letters (ISO 639-2).
func parseLanguage(code string) (string, bool) {
	if len(code) != 3 || strings.ToLower(code) != code || code == "und" {
		return "", false
	}
	base, err := language.ParseBase(code)
	return base.String(), err == nil
}

// languageCode is the code of three letters of a language tag, or @none for the empty one.
func languageCode(tag string) string {
	if tag == "" {
		return noLanguage
	}
	parsed, err := language.Parse(tag)
	if err != nil {
		return tag
	}
	base, _ := parsed.Base()
	return base.ISO3()
}

// noLanguage is how eSignet calls the text that is for no language in particular.
const noLanguage = "@none"
