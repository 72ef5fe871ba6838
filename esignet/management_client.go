package esignet

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"maps"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-jose/go-jose/v4"
	"golang.org/x/text/language"

	"github.com/gosignet/signet/oauth"
)

// apply makes the client what a valid request says.
func (m *manager) apply(c *oauth.Client, f *clientFields) {
	f.applyNames(c)
	if f.PublicKey != nil {
		key, _ := parseJWK(f.PublicKey)
		c.Keys.Keys, c.AssertionAlgorithm = []jose.JSONWebKey{key}, assertionAlgorithm(&key, m.Profile)
	}
	if f.RelyingPartyID != nil {
		c.RelyingPartyID = string(*f.RelyingPartyID)
	}
	if c.Scopes == nil {
		c.Scopes = m.Scopes
	}
	if f.UserClaims != nil {
		c.Claims = plainTexts(f.UserClaims)
	}
	if f.AuthContextRefs != nil {
		c.ACRValues = strings.Fields(strings.Join(plainTexts(f.AuthContextRefs), " "))
	}
	if f.LogoURI != nil {
		if c.LogoURIs == nil {
			c.LogoURIs = make(map[string]string)
		}
		c.LogoURIs[""] = string(*f.LogoURI) // the API knows no other, and those for languages stay
	}
	if f.RedirectURIs != nil {
		c.RedirectURIs, c.RedirectURIPatterns = nil, nil
		for _, uri := range plainTexts(f.RedirectURIs) {
			if isPattern(uri) {
				c.RedirectURIPatterns = append(c.RedirectURIPatterns, uri)
			} else {
				c.RedirectURIs = append(c.RedirectURIs, uri)
			}
		}
	}
	if f.AdditionalConfig != nil || f.shape.config {
		config, _ := parseAdditionalConfig(f.AdditionalConfig)
		config.apply(c, m.Profile)
	}
	if f.EncPublicKey != nil {
		setEncryptionKey(c, f.EncPublicKey)
	}
	settleEncryption(c)
}

func plainTexts(list []*text) []string {
	all := make([]string, 0, len(list))
	for _, t := range list {
		if t != nil {
			all = append(all, string(*t))
		}
	}
	return all
}

func (f *clientFields) applyNames(c *oauth.Client) {
	if f.NameLangMap != nil || f.shape.names {
		c.Names = map[string]string{"": c.Names[""]}
		for code, name := range f.NameLangMap {
			tag, _ := parseLanguage(code)
			c.Names[tag] = string(*name)
		}
	}
	if f.ClientName != nil && !isBlank(string(*f.ClientName)) {
		c.Names[""] = string(*f.ClientName)
	}
}

// setEncryptionKey makes the key the one that userinfo is encrypted to.
func setEncryptionKey(c *oauth.Client, raw json.RawMessage) {
	key, _ := parseJWK(raw)
	key.Use = "enc"
	if !slices.Contains(oauth.KeyAlgorithms(), jose.KeyAlgorithm(key.Algorithm)) {
		key.Algorithm = ""
	}
	keys := slices.DeleteFunc(slices.Clone(c.Keys.Keys), func(k jose.JSONWebKey) bool { return k.Use == "enc" })
	if slices.ContainsFunc(keys, func(k jose.JSONWebKey) bool { return k.KeyID == key.KeyID }) {
		key.KeyID = "" // no two of a set may have one
	}
	c.Keys.Keys = append(keys, key)
}

// settleEncryption chooses how userinfo is encrypted, once it is known to which key.
func settleEncryption(c *oauth.Client) {
	c.EncryptionKeyPending = false
	if c.UserinfoEncryption == (oauth.Encryption{}) {
		return
	}
	i := slices.IndexFunc(c.Keys.Keys, func(k jose.JSONWebKey) bool { return k.Use == "enc" })
	if i < 0 {
		c.UserinfoEncryption, c.EncryptionKeyPending = encryptionOf(nil), true
		return
	}
	c.UserinfoEncryption = encryptionOf(c.Keys.Keys[i].Key)
	if alg := c.Keys.Keys[i].Algorithm; alg != "" {
		c.UserinfoEncryption.KeyAlgorithm = jose.KeyAlgorithm(alg)
	}
}

// clientConfig is eSignet's additionalConfig of a client.
type clientConfig struct {
	UserinfoResponseType string       `json:"userinfo_response_type,omitempty"`
	Purpose              *purpose     `json:"purpose,omitempty"`
	SignupBanner         *bool        `json:"signup_banner_required,omitempty"`
	ForgotPassword       *bool        `json:"forgot_pwd_link_required,omitempty"`
	ConsentExpire        *json.Number `json:"consent_expire_in_mins,omitempty"`
	RequirePushed        *bool        `json:"require_pushed_authorization_requests,omitempty"`
	DPoPBound            *bool        `json:"dpop_bound_access_tokens,omitempty"`
	RequirePKCE          *bool        `json:"require_pkce,omitempty"`
}

type purpose struct {
	Type     string            `json:"type"`
	Title    map[string]string `json:"title"`
	SubTitle map[string]string `json:"subTitle"`
}

var errAdditionalConfig = errors.New("esignet: invalid additional configuration")

const (
	maxConfig            = 8 << 10
	minConsentExpire     = 10
	maxPurposeText       = 1024
	maxPurposeTexts      = 100
	maxConsentExpireMins = math.MaxUint32 / 60
)

// parseAdditionalConfig reads the object by the schema of section 15.1 of the reference; nothing and null are none.
func parseAdditionalConfig(raw json.RawMessage) (*clientConfig, error) {
	c := new(clientConfig)
	if len(raw) == 0 || string(raw) == "null" {
		return c, nil
	}
	var members map[string]json.RawMessage
	if len(raw) > maxConfig || !utf8.Valid(raw) || json.Unmarshal(raw, &members) != nil || members == nil {
		return c, errAdditionalConfig
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	for name, value := range members {
		ok := false
		switch name {
		case "userinfo_response_type":
			ok = string(value) == `"JWS"` || string(value) == `"JWE"`
		case "purpose":
			ok = isPurpose(value)
		case "signup_banner_required", "forgot_pwd_link_required", "require_pushed_authorization_requests", "dpop_bound_access_tokens", "require_pkce":
			ok = string(value) == "true" || string(value) == "false"
		case "consent_expire_in_mins":
			var n float64
			ok = value[0] != '"' && value[0] != 'n' && json.Unmarshal(value, &n) == nil && n >= minConsentExpire
		}
		if !ok {
			return c, errAdditionalConfig
		}
	}
	if err := d.Decode(c); err != nil {
		return c, errAdditionalConfig
	}
	return c, nil
}

func isPurpose(raw json.RawMessage) bool {
	if string(raw) == "null" {
		return true
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(raw, &members) != nil {
		return false
	}
	for name, value := range members {
		switch name {
		case "type":
			if !slices.Contains([]string{`"none"`, `"verify"`, `"link"`, `"login"`}, string(value)) {
				return false
			}
		case "title", "subTitle":
			if string(value) != "null" && !validTexts(value) {
				return false
			}
		default:
			return false
		}
	}
	return members["type"] != nil
}

func validTexts(raw json.RawMessage) bool {
	var texts map[string]*string
	if json.Unmarshal(raw, &texts) != nil || texts[noLanguage] == nil || len(texts) > maxPurposeTexts {
		return false
	}
	for code, s := range texts {
		if s == nil || len(*s) > maxPurposeText || !printable(*s) {
			return false
		}
		if _, ok := textLanguage(code); !ok {
			return false
		}
	}
	return true
}

// textLanguage returns the tag of what purposes call a language: a code of two or three letters, or @none.
func textLanguage(code string) (string, bool) {
	if code == noLanguage {
		return "", true
	}
	tag, err := language.Parse(code)
	return tag.String(), err == nil
}

// apply makes the client what the configuration says. A profile switches on what it demands.
func (a *clientConfig) apply(c *oauth.Client, profile oauth.Profile) {
	on := func(b *bool) bool { return b != nil && *b || profile != oauth.ProfileNone }
	c.UserinfoEncryption = oauth.Encryption{}
	if a.UserinfoResponseType == "JWE" {
		c.UserinfoEncryption = encryptionOf(nil) // until the key is known
	}
	c.Purpose = nil
	if a.Purpose != nil {
		c.Purpose = &oauth.Purpose{Type: a.Purpose.Type, Title: byTag(a.Purpose.Title), SubTitle: byTag(a.Purpose.SubTitle)}
	}
	c.SignUpBanner, c.ForgottenPasswordLink = a.SignupBanner, a.ForgotPassword
	c.ConsentMaxAge = nil
	if a.ConsentExpire != nil {
		if mins, err := a.ConsentExpire.Int64(); err == nil { // eSignet reads 20.5, and 20.0, as if they were not there
			age := time.Duration(min(mins, maxConsentExpireMins)) * time.Minute
			c.ConsentMaxAge = &age
		}
	}
	c.RequirePushedRequests, c.DPoPBound, c.PKCEOptional = on(a.RequirePushed), on(a.DPoPBound), !on(a.RequirePKCE)
}

func byTag(texts map[string]string) map[string]string {
	if texts == nil {
		return nil
	}
	all := make(map[string]string, len(texts))
	for code, s := range texts {
		tag, _ := textLanguage(code)
		all[tag] = s
	}
	return all
}

// additionalConfigOf is what eSignet's pages get of a client: its additional configuration.
func additionalConfigOf(c *oauth.Client) *clientConfig {
	pkce := !c.PKCEOptional
	a := &clientConfig{
		UserinfoResponseType: "JWS", SignupBanner: c.SignUpBanner, ForgotPassword: c.ForgottenPasswordLink,
		RequirePushed: &c.RequirePushedRequests, DPoPBound: &c.DPoPBound, RequirePKCE: &pkce,
	}
	if c.UserinfoEncryption != (oauth.Encryption{}) {
		a.UserinfoResponseType = "JWE"
	}
	if c.Purpose != nil {
		a.Purpose = &purpose{Type: c.Purpose.Type, Title: byCode(c.Purpose.Title), SubTitle: byCode(c.Purpose.SubTitle)}
	}
	if c.ConsentMaxAge != nil {
		data, _ := json.Marshal(int64(*c.ConsentMaxAge / time.Minute))
		n := json.Number(data)
		a.ConsentExpire = &n
	}
	return a
}

// byCode returns texts, such as the names of a client, by the codes that eSignet has for languages. Where several tags have
// one code, the shortest counts: "pt" and not "pt-BR".
func byCode(texts map[string]string) map[string]string {
	if texts == nil {
		return nil
	}
	all := make(map[string]string, len(texts))
	for _, tag := range slices.SortedFunc(maps.Keys(texts), longestFirst) {
		all[languageCode(tag)] = texts[tag]
	}
	return all
}

func longestFirst(a, b string) int {
	return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(b, a))
}
