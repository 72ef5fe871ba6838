package esignet_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/esignet"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/registry"
	"github.com/gosignet/signet/store/memory"
)

// office is where partners are registered.
type office struct {
	testing.TB
	api     *esignet.API
	clients *registry.Registry
	now     time.Time
	token   string
}

func newOffice(tb testing.TB, changes ...func(*esignet.ManagementConfig)) *office {
	tb.Helper()
	o := &office{TB: tb, now: time.Now()}
	m, err := memory.New(memory.Config{})
	require.NoError(tb, err)
	c := esignet.ManagementConfig{
		Ledger: m, Open: true, ACRs: []string{"mosip:idp:acr:generated-code", "mosip:idp:acr:password"},
		Claims: []string{"name", "email"}, Scopes: []string{"openid", "profile"},
	}
	for _, change := range changes {
		change(&c)
	}
	o.clients, err = registry.New(registry.Config{Ledger: m, Profile: c.Profile})
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, o.clients.Close()) })
	c.Clients = o.clients
	o.api, err = esignet.New(esignet.Config{Store: m, Management: &c, Now: func() time.Time { return o.now }})
	require.NoError(tb, err)
	return o
}

// answer is what a call is answered with.
type answer struct {
	status   int
	header   http.Header
	body     string
	Response *struct{ ClientID, Status string }
	Errors   []struct{ ErrorCode, ErrorMessage string }
}

func (o *office) call(method, path string, request any) answer {
	o.Helper()
	body, err := json.Marshal(members{"requestTime": o.now.UTC().Format("2006-01-02T15:04:05.000Z"), "request": request})
	require.NoError(o, err)
	r := httptest.NewRequest(method, esignet.DefaultPrefix+path, bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	if o.token != "" {
		r.Header.Set("Authorization", o.token)
	}
	w := httptest.NewRecorder()
	o.api.ServeHTTP(w, r)
	a := answer{status: w.Code, header: w.Header(), body: w.Body.String()}
	if w.Code == http.StatusOK {
		require.NoError(o, json.Unmarshal(w.Body.Bytes(), &a))
	}
	return a
}

// client is the client as it is registered.
func (o *office) client(id string) *oauth.Client {
	o.Helper()
	r, err := o.clients.Get(o.Context(), id)
	require.NoError(o, err)
	c, err := r.Client()
	require.NoError(o, err)
	return c
}

func rsaJWK(tb testing.TB) members {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(tb, err)
	return jwk(tb, key)
}

// clinicJWK is the key of the clinic: making one takes time.
var clinicJWK = sync.OnceValue(func() (m members) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	data, err := jose.JSONWebKey{Key: key}.MarshalJSON()
	if err == nil {
		err = json.Unmarshal(data, &m)
	}
	if err != nil {
		panic(err)
	}
	return m
})

func jwk(tb testing.TB, key crypto.PrivateKey) (m members) {
	data, err := jose.JSONWebKey{Key: key}.MarshalJSON()
	require.NoError(tb, err)
	require.NoError(tb, json.Unmarshal(data, &m))
	return m
}

// form is a valid request to register a client.
func form(tb testing.TB) members {
	return members{
		"clientId": "clinic", "clientName": "Clinic", "publicKey": clinicJWK(), "relyingPartyId": "health",
		"userClaims": []string{"name"}, "authContextRefs": []string{"mosip:idp:acr:generated-code"},
		"logoUri": "https://clinic.example/logo.png", "redirectUris": []string{"https://clinic.example/cb"},
		"grantTypes": []string{"authorization_code"}, "clientAuthMethods": []string{"private_key_jwt"},
	}
}

func without(m members, names ...string) members {
	m = maps.Clone(m)
	for _, name := range names {
		delete(m, name)
	}
	return m
}

func plus(m members, name string, value any) members {
	m = maps.Clone(m)
	m[name] = value
	return m
}

// change is a valid request to change the client.
func change(f members) members {
	return plus(without(f, "clientId", "publicKey", "relyingPartyId"), "status", "ACTIVE")
}

var paths = []string{"/client-mgmt/oidc-client", "/client-mgmt/oauth-client", "/client-mgmt/client"}

func TestClientIsRegisteredInAllVersions(t *testing.T) {
	t.Parallel()
	for i, path := range paths {
		o := newOffice(t)
		f := form(t)
		f["redirectUris"] = []string{"https://clinic.example/cb", "https://clinic.example/app/*", "residentapp://oauth"}
		if i > 0 {
			f["clientNameLangMap"] = map[string]string{"fra": "Clinique", "khm": "គ្លីនិក"}
		}
		if i > 1 {
			f["additionalConfig"] = json.RawMessage(`{"userinfo_response_type":"JWE","purpose":{"type":"verify","title":{"@none":"Verify","eng":"Prove"},"subTitle":null},
				"signup_banner_required":true,"forgot_pwd_link_required":false,"consent_expire_in_mins":60,
				"require_pushed_authorization_requests":true,"dpop_bound_access_tokens":true,"require_pkce":true}`)
		}
		a := o.call("POST", path, f)
		require.Empty(t, a.Errors, path)
		require.Contains(t, a.body, `"response":{"clientId":"clinic","status":"ACTIVE"},"errors":[]`)
		c := o.client("clinic")
		assert.Equal(t, "health", c.RelyingPartyID)
		assert.Equal(t, "Clinic", c.Name())
		assert.Equal(t, []string{"name"}, c.Claims)
		assert.Equal(t, []string{"mosip:idp:acr:generated-code"}, c.ACRValues)
		assert.Equal(t, []string{"openid", "profile"}, c.Scopes)
		assert.Equal(t, "https://clinic.example/logo.png", c.LogoURI())
		assert.Equal(t, []string{"https://clinic.example/cb"}, c.RedirectURIs)
		assert.Equal(t, []string{"https://clinic.example/app/*", "residentapp://oauth"}, c.RedirectURIPatterns)
		assert.Equal(t, jose.RS256, c.AssertionAlgorithm)
		require.Len(t, c.Keys.Keys, 1)
		assert.True(t, c.Keys.Keys[0].IsPublic(), "private members are dropped")
		if i > 0 {
			assert.Equal(t, "Clinique", c.Name("fr"))
		}
		if i < 2 {
			assert.True(t, c.PKCEOptional)
			continue
		}
		assert.Equal(t, oauth.Encryption{KeyAlgorithm: jose.RSA_OAEP_256, Content: jose.A256GCM}, c.UserinfoEncryption)
		assert.True(t, c.EncryptionKeyPending)
		assert.Equal(t, &oauth.Purpose{Type: "verify", Title: map[string]string{"": "Verify", "en": "Prove"}}, c.Purpose)
		assert.True(t, *c.SignUpBanner)
		assert.False(t, *c.ForgottenPasswordLink)
		assert.Equal(t, time.Hour, *c.ConsentMaxAge)
		assert.True(t, c.RequirePushedRequests && c.DPoPBound && !c.PKCEOptional)
	}
}

func TestEveryRuleForAClientHasItsCode(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	key := rsaJWK(t)
	long := strings.Repeat("x", 300)
	many := slices.Repeat([]string{"name"}, 31)
	rules := []struct {
		member string
		value  any
		code   string
		only   string // a version, or empty for all that have the member
	}{
		{"clientId", " ", "invalid_client_id", ""}, {"clientId", "a b", "invalid_client_id", ""}, {"clientId", nil, "invalid_client_id", ""},
		{"clientId", long, "invalid_client_id", ""},
		{"relyingPartyId", "", "invalid_rp_id", ""}, {"relyingPartyId", "a\tb", "invalid_rp_id", ""}, {"relyingPartyId", long, "invalid_rp_id", ""},
		{"clientName", " ", "invalid_client_name", ""}, {"clientName", long, "invalid_client_name", ""}, {"clientName", nil, "invalid_client_name", ""},
		{"publicKey", members{}, "invalid_public_key", ""}, {"publicKey", nil, "invalid_public_key", ""},
		{"publicKey", plus(key, "n", "AQAB"), "invalid_public_key", ""}, {"publicKey", plus(key, "kty", "oct"), "invalid_public_key", ""},
		{"publicKey", plus(key, "alg", " "), "invalid_public_key", ""}, {"publicKey", plus(key, "use", ""), "invalid_public_key", ""},
		{"publicKey", "text", "unknown_error", ""},
		{"userClaims", many, "invalid_claim", ""}, {"userClaims", []string{"shoe_size"}, "invalid_claim", ""}, {"userClaims", []any{nil}, "invalid_claim", ""},
		{"userClaims", nil, "invalid_claim", ""}, {"userClaims", "", "unknown_error", ""},
		{"authContextRefs", []string{}, "invalid_acr", ""}, {"authContextRefs", []string{"none"}, "invalid_acr", ""}, {"authContextRefs", []any{nil}, "invalid_acr", ""},
		{"authContextRefs", slices.Repeat([]string{"mosip:idp:acr:password"}, 31), "invalid_acr", ""},
		{"logoUri", "", "invalid_uri", ""}, {"logoUri", "clinic", "invalid_uri", ""}, {"logoUri", "javascript://x/", "invalid_uri", ""}, {"logoUri", nil, "invalid_uri", ""},
		{"redirectUris", []string{}, "invalid_redirect_uri", ""}, {"redirectUris", []any{nil}, "invalid_redirect_uri", ""},
		{"redirectUris", slices.Repeat([]string{"https://a.example/"}, 6), "invalid_redirect_uri", ""},
		{"redirectUris", []string{"https://*.example/cb"}, "invalid_redirect_uri", ""}, {"redirectUris", []string{"com.example.app:"}, "invalid_redirect_uri", ""},
		{"redirectUris", []string{"com.example.app:/cb"}, "invalid_redirect_uri", ""}, {"redirectUris", []string{"https://a.example/a//b"}, "invalid_redirect_uri", ""},
		{"redirectUris", []string{"javascript://a/*"}, "invalid_redirect_uri", ""}, {"redirectUris", []string{""}, "invalid_redirect_uri", ""},
		{"grantTypes", []string{"implicit"}, "unsupported_grant_type", ""}, {"grantTypes", []string{}, "unsupported_grant_type", ""}, {"grantTypes", nil, "unsupported_grant_type", ""},
		{"clientAuthMethods", []string{"none"}, "invalid_client_auth", ""}, {"clientAuthMethods", []string{}, "invalid_client_auth", ""},
		{"status", "active", "invalid_status", ""}, {"status", nil, "invalid_status", ""},
		{"clientNameLangMap", map[string]any{"@none": "Clinic"}, "invalid_language_code", ""}, {"clientNameLangMap", map[string]any{"en": "Clinic"}, "invalid_language_code", ""},
		{"clientNameLangMap", map[string]any{"qqq1": "Clinic"}, "invalid_language_code", ""},
		{"clientNameLangMap", map[string]any{"eng": " "}, "invalid_client_name_value", ""}, {"clientNameLangMap", map[string]any{"eng": nil}, "invalid_client_name_value", ""},
		{"clientNameLangMap", map[string]any{"eng": long}, "invalid_client_name_length", ""},
		{"additionalConfig", members{"other": 1}, "invalid_additional_config", ""}, {"additionalConfig", members{"require_pkce": "true"}, "invalid_additional_config", ""},
		{"additionalConfig", members{"consent_expire_in_mins": 9}, "invalid_additional_config", ""}, {"additionalConfig", members{"consent_expire_in_mins": "60"}, "invalid_additional_config", ""},
		{"additionalConfig", members{"userinfo_response_type": "JSON"}, "invalid_additional_config", ""}, {"additionalConfig", members{"userinfo_response_type": nil}, "invalid_additional_config", ""},
		{"additionalConfig", members{"purpose": members{}}, "invalid_additional_config", ""}, {"additionalConfig", members{"purpose": members{"type": "buy"}}, "invalid_additional_config", ""},
		{"additionalConfig", members{"purpose": members{"type": "login", "title": members{"eng": "Log in"}}}, "invalid_additional_config", ""},
		{"additionalConfig", members{"purpose": members{"type": "login", "more": 1}}, "invalid_additional_config", ""},
		{"additionalConfig", "text", "unknown_error", ""},
		{"unknown", 1, "unknown_error", ""},
	}
	versions := map[string]struct {
		method, path string
		form         members
		has          []string
	}{}
	for i, path := range paths {
		extra := [][]string{nil, {"clientNameLangMap"}, {"clientNameLangMap", "additionalConfig"}}[i]
		versions["create "+path] = struct {
			method, path string
			form         members
			has          []string
		}{"POST", path, form(t), append(slices.Collect(maps.Keys(form(t))), extra...)}
		c := change(form(t))
		versions["update "+path] = struct {
			method, path string
			form         members
			has          []string
		}{"PUT", path + "/clinic", c, append(slices.Collect(maps.Keys(c)), extra...)}
	}
	for name, v := range versions {
		for _, rule := range rules {
			code := rule.code
			if !slices.Contains(v.has, rule.member) {
				code = "unknown_error" // a version that does not know it
			}
			a := o.call(v.method, v.path, plus(v.form, rule.member, rule.value))
			require.Equal(t, http.StatusOK, a.status)
			codes := []string{}
			for _, e := range a.Errors {
				codes = append(codes, e.ErrorCode)
			}
			require.Contains(t, codes, code, "%s: %s = %v", name, rule.member, rule.value)
			require.Nil(t, a.Response)
		}
	}
	require.Equal(t, "request.clientName: invalid_client_name", o.call("POST", paths[2], plus(form(t), "clientName", "")).Errors[0].ErrorMessage)
}

func TestNoTwoClientsHaveOneKey(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	f := form(t)
	require.Empty(t, o.call("POST", paths[2], f).Errors)
	require.Equal(t, "duplicate_client_id", o.call("POST", paths[2], f).Errors[0].ErrorCode)
	f["clientId"] = "other"
	for i, code := range []string{"duplicate_public_key", "unknown_error", "duplicate_public_key"} {
		require.Equal(t, code, o.call("POST", paths[i], f).Errors[0].ErrorCode)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	f["publicKey"] = jwk(t, key)
	require.Empty(t, o.call("POST", paths[2], f).Errors)
	require.Equal(t, jose.ES256, o.client("other").AssertionAlgorithm)
}

func TestClientIsReplacedAndDeactivated(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	f := form(t)
	f["clientNameLangMap"] = map[string]string{"fra": "Clinique"}
	f["additionalConfig"] = members{"require_pkce": true}
	require.Empty(t, o.call("POST", paths[2], f).Errors)
	require.Equal(t, "invalid_client_id", o.call("PUT", paths[2]+"/nobody", change(form(t))).Errors[0].ErrorCode)

	a := o.call("PUT", paths[1]+"/clinic", plus(change(form(t)), "status", "INACTIVE"))
	require.Contains(t, a.body, `{"clientId":"clinic","status":"INACTIVE"}`)
	require.Len(t, o.client("clinic").Names, 1, "the names are replaced, by none")
	require.False(t, o.client("clinic").PKCEOptional, "this version knows nothing of the additional configuration")
	_, err := o.clients.Client(t.Context(), "clinic")
	require.ErrorIs(t, err, oauth.ErrUnknownClient)

	require.Equal(t, "ACTIVE", o.call("PUT", paths[2]+"/clinic", change(form(t))).Response.Status)
	require.True(t, o.client("clinic").PKCEOptional, "absent is cleared")
}

func TestTheLogoOfAClientIsChangedAndThoseForLanguagesStay(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	require.Empty(t, o.call("POST", paths[2], form(t)).Errors)
	const french = "https://clinic.example/logo.fr.png"
	present, err := o.clients.Get(t.Context(), "clinic")
	require.NoError(t, err)
	_, err = o.clients.Patch(t.Context(), "administrator", "clinic", []byte(`{"logo_uri#fr": "`+french+`"}`), present.Version)
	require.NoError(t, err)
	require.Empty(t, o.call("PATCH", paths[2]+"/clinic", members{"logoUri": "https://clinic.example/new.png"}).Errors)
	require.Equal(t, map[string]string{"": "https://clinic.example/new.png", "fr": french}, o.client("clinic").LogoURIs)
}

func TestClientIsPatched(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	f := form(t)
	f["clientNameLangMap"] = map[string]string{"fra": "Clinique"}
	f["additionalConfig"] = members{"userinfo_response_type": "JWE", "consent_expire_in_mins": 20.5}
	require.Empty(t, o.call("POST", paths[2], f).Errors)
	path := paths[2] + "/clinic"
	before := o.client("clinic")
	require.Nil(t, before.ConsentMaxAge, "a number that is no integer counts as none")

	require.Equal(t, "ACTIVE", o.call("PATCH", path, members{}).Response.Status)
	require.Equal(t, before, o.client("clinic"))

	require.Empty(t, o.call("PATCH", path, members{"clientName": "Hospital", "logoUri": nil}).Errors)
	require.Equal(t, map[string]string{"": "Hospital", "fr": "Clinique"}, o.client("clinic").Names)
	require.Empty(t, o.call("PATCH", path, members{"clientNameLangMap": members{"eng": "The Hospital"}}).Errors)
	require.Equal(t, map[string]string{"": "Hospital", "en": "The Hospital"}, o.client("clinic").Names)

	require.Empty(t, o.call("PATCH", path, members{"encPublicKey": rsaJWK(t)}).Errors)
	c := o.client("clinic")
	require.False(t, c.EncryptionKeyPending)
	_, ok := c.EncryptionKey(jose.RSA_OAEP_256)
	require.True(t, ok)

	require.Empty(t, o.call("PATCH", path, members{"userClaims": []string{"email"}}).Errors)
	require.NotEmpty(t, o.client("clinic").UserinfoEncryption, "absent keeps it")
	require.Empty(t, o.call("PATCH", path, members{"additionalConfig": nil}).Errors)
	require.Empty(t, o.client("clinic").UserinfoEncryption, "null clears it")
	require.Equal(t, "INACTIVE", o.call("PATCH", path, members{"status": "INACTIVE"}).Response.Status)

	for member, code := range map[string]string{"userClaims": "invalid_claim", "redirectUris": "invalid_redirect_uri"} {
		require.Equal(t, code, o.call("PATCH", path, members{member: []string{}}).Errors[0].ErrorCode)
	}
	require.Equal(t, "invalid_public_key", o.call("PATCH", path, members{"encPublicKey": members{"kty": "RSA"}}).Errors[0].ErrorCode)
	require.Equal(t, "invalid_client_id", o.call("PATCH", paths[2]+"/nobody", members{}).Errors[0].ErrorCode)
}

func TestServerProfileIsSwitchedOnForAllClients(t *testing.T) {
	t.Parallel()
	o := newOffice(t, func(c *esignet.ManagementConfig) { c.Profile = oauth.ProfileFAPI2 })
	require.Empty(t, o.call("POST", paths[0], form(t)).Errors)
	c := o.client("clinic")
	require.True(t, c.RequirePushedRequests && c.DPoPBound && !c.PKCEOptional)
	require.Equal(t, jose.PS256, c.AssertionAlgorithm)
	f := plus(form(t), "clientId", "other")
	f["redirectUris"] = []string{"https://clinic.example/*"}
	require.Equal(t, "invalid_redirect_uri", o.call("POST", paths[0], f).Errors[0].ErrorCode)
}

func FuzzAdditionalConfig(f *testing.F) {
	o := newOffice(f)
	require.Empty(f, o.call("POST", paths[2], form(f)).Errors)
	for _, seed := range []string{
		`{}`, `null`, `{"purpose":{"type":"login","title":{"@none":"a","fra":"b"}}}`, `{"consent_expire_in_mins":1e400}`,
		`{"consent_expire_in_mins":99999999999999999}`, `{"userinfo_response_type":"JWE"}`, `{"Purpose":null}`, `{"purpose":{"Type":"x","type":"none"}}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, config string) {
		if !json.Valid([]byte(config)) {
			return
		}
		o := &office{TB: t, api: o.api, clients: o.clients, now: o.now}
		a := o.call("PATCH", paths[2]+"/clinic", members{"additionalConfig": json.RawMessage(config)})
		require.Equal(t, http.StatusOK, a.status)
		for _, e := range a.Errors {
			require.Contains(t, []string{"invalid_additional_config", "unknown_error"}, e.ErrorCode)
		}
		require.NoError(t, o.client("clinic").Validate())
	})
}
