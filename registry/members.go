package registry

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/go-jose/go-jose/v4"
	strict "github.com/go-jose/go-jose/v4/json"

	"github.com/gosignet/signet/internal/jwt"
	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/oauth"
)

// member is a member of a registration. set takes what it says over into the client; get returns what it says of the
// client, or nil if it is left out. texts is where it is if it may be said by language, as client_name#fr (RFC 7591 section
// 2.2).
type member struct {
	name  string
	set   func(*oauth.Client, json.RawMessage) error
	get   func(*oauth.Client) (any, error)
	texts func(*oauth.Client) *map[string]string
}

// table has the members in the order in which they are written. It never changes.
var table = []member{
	field("client_id", func(c *oauth.Client) *string { return &c.ID }),
	byLanguage("client_name", func(c *oauth.Client) *map[string]string { return &c.Names }),
	byLanguage("logo_uri", func(c *oauth.Client) *map[string]string { return &c.LogoURIs }),
	byLanguage("policy_uri", func(c *oauth.Client) *map[string]string { return &c.PolicyURIs }),
	byLanguage("tos_uri", func(c *oauth.Client) *map[string]string { return &c.TOSURIs }),
	list("redirect_uris", func(c *oauth.Client) *[]string { return &c.RedirectURIs }),
	list("redirect_uri_patterns", func(c *oauth.Client) *[]string { return &c.RedirectURIPatterns }),
	{name: "jwks", set: setKeys, get: getKeys},
	field("jwks_uri", func(c *oauth.Client) *string { return &c.JWKSURI }),
	only("token_endpoint_auth_method", "private_key_jwt"),
	field("token_endpoint_auth_signing_alg", func(c *oauth.Client) *jose.SignatureAlgorithm { return &c.AssertionAlgorithm }),
	only("grant_types", []string{"authorization_code"}),
	only("response_types", []string{"code"}),
	{name: "scope", set: setScope, get: getScope},
	list("claims", func(c *oauth.Client) *[]string { return &c.Claims }),
	list("default_acr_values", func(c *oauth.Client) *[]string { return &c.ACRValues }),
	seconds("default_max_age", func(c *oauth.Client) **time.Duration { return &c.DefaultMaxAge }),
	seconds("consent_max_age", func(c *oauth.Client) **time.Duration { return &c.ConsentMaxAge }),
	field("consent_for_session", func(c *oauth.Client) *bool { return &c.ConsentForSession }),
	field("require_essential_claims", func(c *oauth.Client) *bool { return &c.RequireEssentialClaims }),
	only("require_auth_time", true, false), // auth_time is always there
	field("profile", func(c *oauth.Client) *oauth.Profile { return &c.Profile }),
	{name: "require_pkce", set: setPKCE, get: getPKCE},
	field("require_pushed_authorization_requests", func(c *oauth.Client) *bool { return &c.RequirePushedRequests }),
	field("dpop_bound_access_tokens", func(c *oauth.Client) *bool { return &c.DPoPBound }),
	field("require_dpop_nonce", func(c *oauth.Client) *bool { return &c.RequireDPoPNonce }),
	field("request_object_signing_alg", func(c *oauth.Client) *jose.SignatureAlgorithm { return &c.RequestObjectAlgorithm }),
	field("request_object_encryption_alg", func(c *oauth.Client) *jose.KeyAlgorithm { return &c.RequestObjectEncryption }),
	only("request_object_encryption_enc", keystore.DecryptionEncodings()...),
	field("require_signed_request_object", func(c *oauth.Client) *bool { return &c.RequireSignedRequestObject }),
	field("authorization_signed_response_alg", func(c *oauth.Client) *jose.SignatureAlgorithm { return &c.AuthorizationResponseAlgorithm }),
	field("id_token_signed_response_alg", func(c *oauth.Client) *jose.SignatureAlgorithm { return &c.IDTokenAlgorithm }),
	field("id_token_encrypted_response_alg", func(c *oauth.Client) *jose.KeyAlgorithm { return &c.IDTokenEncryption.KeyAlgorithm }),
	field("id_token_encrypted_response_enc", func(c *oauth.Client) *jose.ContentEncryption { return &c.IDTokenEncryption.Content }),
	{name: "userinfo_signed_response_alg", set: setUserinfo, get: getUserinfo},
	field("userinfo_encrypted_response_alg", func(c *oauth.Client) *jose.KeyAlgorithm { return &c.UserinfoEncryption.KeyAlgorithm }),
	field("userinfo_encrypted_response_enc", func(c *oauth.Client) *jose.ContentEncryption { return &c.UserinfoEncryption.Content }),
	field("encryption_key_pending", func(c *oauth.Client) *bool { return &c.EncryptionKeyPending }),
	{name: "purpose", set: setPurpose, get: getPurpose},
	choice("sign_up_banner", func(c *oauth.Client) **bool { return &c.SignUpBanner }),
	choice("forgotten_password_link", func(c *oauth.Client) **bool { return &c.ForgottenPasswordLink }),
	only("subject_type", "pairwise"),
	field("relying_party_id", func(c *oauth.Client) *string { return &c.RelyingPartyID }),
	{name: "sector_identifier_uri", set: setSector, get: getSector},
	list("post_logout_redirect_uris", func(c *oauth.Client) *[]string { return &c.PostLogoutRedirectURIs }),
	field("backchannel_logout_uri", func(c *oauth.Client) *string { return &c.BackchannelLogoutURI }),
	field("backchannel_logout_session_required", func(c *oauth.Client) *bool { return &c.BackchannelLogoutSessionRequired }),
}

// set takes the member with the name over into the client.
func set(c *oauth.Client, name string, raw json.RawMessage) error {
	name, language, tagged := strings.Cut(name, "#")
	i := slices.IndexFunc(table, func(m member) bool { return m.name == name })
	switch {
	case i < 0, tagged && table[i].texts == nil:
		return errors.New("unknown or unsupported")
	case tagged && !isLanguage(language):
		return errors.New("what follows the # is no language")
	case tagged:
		return setText(table[i].texts(c), language, raw)
	}
	return table[i].set(c, raw)
}

// field is a member whose value is a field of the client, and absent when that has its zero value.
func field[T comparable](name string, at func(*oauth.Client) *T) member {
	return member{
		name: name,
		set:  func(c *oauth.Client, raw json.RawMessage) error { return decode(raw, at(c)) },
		get: func(c *oauth.Client) (any, error) {
			var zero T
			if v := *at(c); v != zero || name == "client_id" {
				return v, nil
			}
			return nil, nil
		},
	}
}

// choice is a field that is true, false or absent.
func choice(name string, at func(*oauth.Client) **bool) member {
	return member{
		name: name,
		set:  func(c *oauth.Client, raw json.RawMessage) error { *at(c) = new(bool); return decode(raw, *at(c)) },
		get: func(c *oauth.Client) (any, error) {
			if v := *at(c); v != nil {
				return *v, nil
			}
			return nil, nil
		},
	}
}

// list is a field that is a list. It is absent when that is nil: an empty list is said.
func list(name string, at func(*oauth.Client) *[]string) member {
	return member{
		name: name,
		set: func(c *oauth.Client, raw json.RawMessage) error {
			if err := decode(raw, at(c)); err != nil {
				return err
			}
			if len(*at(c)) > maxList {
				return fmt.Errorf("at most %d are allowed", maxList)
			}
			for _, s := range *at(c) {
				if s == "" {
					return errors.New("empty text")
				}
				if err := checkText(s); err != nil {
					return err
				}
			}
			return nil
		},
		get: func(c *oauth.Client) (any, error) {
			if v := *at(c); v != nil {
				return v, nil
			}
			return nil, nil
		},
	}
}

// only is a member that says nothing but what holds anyway. It accepts the values that Signet supports, and is left out.
func only[T any](name string, values ...T) member {
	return member{
		name: name,
		set: func(_ *oauth.Client, raw json.RawMessage) error {
			var got T
			if err := decode(raw, &got); err != nil {
				return err
			}
			if slices.ContainsFunc(values, func(v T) bool { return reflect.DeepEqual(v, got) }) {
				return nil
			}
			text, err := json.Marshal(values)
			if err != nil {
				return err
			}
			return fmt.Errorf("only %s is supported", text[1:len(text)-1])
		},
		get: func(*oauth.Client) (any, error) { return nil, nil },
	}
}

func setKeys(c *oauth.Client, raw json.RawMessage) error {
	keys, err := jwt.ParseKeySet(raw)
	if err != nil {
		return errors.New(strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	c.Keys = keys
	return nil
}

func getKeys(c *oauth.Client) (any, error) {
	for _, key := range c.Keys.Keys {
		if !key.Valid() || !key.IsPublic() {
			return nil, invalid("jwks: every key must be a valid public key")
		}
	}
	if len(c.Keys.Keys) == 0 {
		return nil, nil
	}
	return c.Keys, nil
}

func setScope(c *oauth.Client, raw json.RawMessage) error {
	var scope string
	err := decode(raw, &scope)
	for s := range strings.SplitSeq(scope, " ") {
		if s != "" {
			c.Scopes = append(c.Scopes, s)
		}
	}
	return err
}

func getScope(c *oauth.Client) (any, error) {
	if len(c.Scopes) == 0 {
		return nil, nil
	}
	return strings.Join(c.Scopes, " "), nil
}

// seconds is a member that holds a number of seconds. It is absent when that is nil: zero is said.
func seconds(name string, at func(*oauth.Client) **time.Duration) member {
	return member{
		name: name,
		set: func(c *oauth.Client, raw json.RawMessage) error {
			var n uint32
			err := decode(raw, &n)
			d := time.Duration(n) * time.Second
			*at(c) = &d
			return err
		},
		get: func(c *oauth.Client) (any, error) {
			d := *at(c)
			switch {
			case d == nil:
				return nil, nil
			case *d%time.Second != 0:
				return nil, invalid("%s: must be whole seconds", name)
			}
			return *d / time.Second, nil
		},
	}
}

func setPKCE(c *oauth.Client, raw json.RawMessage) error {
	required := true
	err := decode(raw, &required)
	c.PKCEOptional = !required
	return err
}

func getPKCE(c *oauth.Client) (any, error) {
	if c.PKCEOptional {
		return false, nil
	}
	return nil, nil
}

func setUserinfo(c *oauth.Client, raw json.RawMessage) error {
	var alg jose.SignatureAlgorithm
	err := decode(raw, &alg)
	if c.UserinfoJSON = alg == "none"; !c.UserinfoJSON {
		c.UserinfoAlgorithm = alg
	}
	return err
}

func getUserinfo(c *oauth.Client) (any, error) {
	switch {
	case c.UserinfoJSON && c.UserinfoAlgorithm != "":
		return nil, invalid("userinfo is either JSON or signed")
	case c.UserinfoJSON:
		return "none", nil
	case c.UserinfoAlgorithm != "":
		return c.UserinfoAlgorithm, nil
	}
	return nil, nil
}

func setSector(c *oauth.Client, raw json.RawMessage) error {
	var uri string
	if err := decode(raw, &uri); err != nil {
		return err
	}
	u, err := url.Parse(uri)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" || u.User != nil {
		return errors.New("must be an https URL")
	}
	c.SectorIdentifier = u.Hostname()
	_, err = getSector(c)
	return err
}

func getSector(c *oauth.Client) (any, error) {
	if c.SectorIdentifier == "" {
		return nil, nil
	}
	u := url.URL{Scheme: "https", Host: c.SectorIdentifier}
	if strings.Contains(c.SectorIdentifier, ":") {
		u.Host = "[" + c.SectorIdentifier + "]"
	}
	if parsed, err := url.Parse(u.String()); err != nil || parsed.Hostname() != c.SectorIdentifier {
		return nil, invalid("sector_identifier_uri: the sector identifier is not a host")
	}
	return u.String(), nil
}

// decode names what was expected, and not the Go types that do. null says nothing, and is said by leaving the member out.
// go-jose's JSON refuses a name that is there twice and takes names as case-sensitive; encoding/json does neither.
func decode(raw json.RawMessage, value any) error {
	if string(bytes.TrimSpace(raw)) == "null" {
		return errors.New("null is not what belongs here")
	}
	if err := strict.Unmarshal(raw, value); err != nil {
		if e, ok := errors.AsType[*strict.UnmarshalTypeError](err); ok {
			return fmt.Errorf("a JSON %s is not what belongs here", e.Value)
		}
		return err
	}
	if v := reflect.ValueOf(value).Elem(); v.Kind() == reflect.String {
		return checkText(v.String())
	}
	return nil
}

// checkText refuses what could be neither shown nor compared.
func checkText(s string) error {
	switch {
	case len(s) > maxText:
		return fmt.Errorf("text of more than %d bytes", maxText)
	case strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) || r == unicode.ReplacementChar }):
		return errors.New("text with control characters, or what is no text")
	}
	return nil
}
