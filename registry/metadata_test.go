package registry_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/registry"
)

const clinic = `{
	"client_id": "clinic",
	"client_name": "Clinic", "client_name#fr": "Clinique",
	"redirect_uris": ["https://clinic.example/callback"],
	"jwks": {"keys": [{"kty": "EC", "crv": "P-256", "kid": "1",
		"x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]},
	"token_endpoint_auth_method": "private_key_jwt",
	"token_endpoint_auth_signing_alg": "ES256",
	"scope": "openid profile",
	"claims": ["name", "email"],
	"id_token_signed_response_alg": "PS256",
	"userinfo_signed_response_alg": "RS256",
	"consent_max_age": 86400, "consent_for_session": true, "require_essential_claims": true,
	"request_object_signing_alg": "ES256",
	"require_signed_request_object": true,
	"authorization_signed_response_alg": "EdDSA",
	"subject_type": "pairwise",
	"sector_identifier_uri": "https://sector.example/uris.json",
	"request_object_encryption_alg": "RSA-OAEP-256",
	"request_object_encryption_enc": "A256GCM",
	"require_pkce": false,
	"default_acr_values": ["high"],
	"default_max_age": 3600,
	"require_auth_time": true,
	"post_logout_redirect_uris": ["https://clinic.example/bye"],
	"backchannel_logout_uri": "https://clinic.example/logout",
	"backchannel_logout_session_required": true,
	"require_pushed_authorization_requests": true,
	"dpop_bound_access_tokens": true,
	"require_dpop_nonce": true,
	"grant_types": [ "authorization_code" ],
	"response_types": ["code"]
}`

// with returns the registration of the clinic with a text in another's place.
func with(t testing.TB, from, to string) string {
	t.Helper()
	require.Contains(t, clinic, from)
	return strings.Replace(clinic, from, to, 1)
}

// published is the registration of the clinic with a jwks_uri.
func published(uri string) string {
	start, end := strings.Index(clinic, `"jwks"`), strings.Index(clinic, `"token_endpoint_auth_method"`)
	return clinic[:start] + `"jwks_uri": "` + uri + `", ` + clinic[end:]
}

func parse(t testing.TB, text string) *oauth.Client {
	t.Helper()
	c, err := registry.Parse([]byte(text))
	require.NoError(t, err)
	return c
}

func TestRegistrationIsRead(t *testing.T) {
	t.Parallel()
	c := parse(t, clinic)
	assert.Equal(t, "clinic", c.ID)
	assert.Equal(t, map[string]string{"": "Clinic", "fr": "Clinique"}, c.Names)
	assert.Equal(t, []string{"https://clinic.example/callback"}, c.RedirectURIs)
	assert.Len(t, c.Keys.Keys, 1)
	assert.Equal(t, jose.ES256, c.AssertionAlgorithm)
	assert.Equal(t, []string{"openid", "profile"}, c.Scopes)
	assert.Equal(t, []string{"name", "email"}, c.Claims)
	assert.Equal(t, jose.PS256, c.IDTokenAlgorithm)
	assert.Equal(t, jose.RS256, c.UserinfoAlgorithm)
	assert.False(t, c.UserinfoJSON)
	assert.Equal(t, jose.ES256, c.RequestObjectAlgorithm)
	assert.True(t, c.RequireSignedRequestObject)
	assert.Equal(t, jose.RSA_OAEP_256, c.RequestObjectEncryption)
	assert.True(t, c.PKCEOptional)
	assert.Equal(t, jose.EdDSA, c.AuthorizationResponseAlgorithm)
	assert.Equal(t, "sector.example", c.SectorIdentifier)
	assert.Equal(t, []string{"high"}, c.ACRValues)
	assert.Equal(t, time.Hour, *c.DefaultMaxAge)
	assert.Equal(t, []string{"https://clinic.example/bye"}, c.PostLogoutRedirectURIs)
	assert.Equal(t, "https://clinic.example/logout", c.BackchannelLogoutURI)
	assert.True(t, c.BackchannelLogoutSessionRequired)
	assert.True(t, c.RequirePushedRequests)
	assert.True(t, c.DPoPBound)
	assert.True(t, c.RequireDPoPNonce)
	assert.Equal(t, 24*time.Hour, *c.ConsentMaxAge)
	assert.True(t, c.ConsentForSession)
	assert.True(t, c.RequireEssentialClaims)

	c = parse(t, published("https://clinic.example/jwks"))
	assert.Equal(t, "https://clinic.example/jwks", c.JWKSURI)
	for _, p := range []oauth.Profile{oauth.ProfileFAPI2, oauth.ProfileFAPI2MessageSigning} {
		assert.Equal(t, p, parse(t, with(t, `"scope"`, `"profile": "`+string(p)+`", "scope"`)).Profile)
	}
}

func TestWhatPeopleAreShownIsReadByLanguage(t *testing.T) {
	t.Parallel()
	c := parse(t, with(t, `"scope"`, `"logo_uri": "https://clinic.example/logo", "logo_uri#fr": "https://clinic.example/logo/fr",
		"policy_uri#de": "https://clinic.example/policy/de", "tos_uri#de-AT": "https://clinic.example/terms/at", "scope"`))
	assert.Equal(t, map[string]string{"": "https://clinic.example/logo", "fr": "https://clinic.example/logo/fr"}, c.LogoURIs)
	assert.Equal(t, map[string]string{"de": "https://clinic.example/policy/de"}, c.PolicyURIs)
	assert.Equal(t, map[string]string{"de-AT": "https://clinic.example/terms/at"}, c.TOSURIs)
	data, err := registry.Marshal(c)
	require.NoError(t, err)
	assert.Contains(t, string(data), `"logo_uri":"https://clinic.example/logo","logo_uri#fr":"https://clinic.example/logo/fr",`)
}

func TestUserinfoWithoutSignatureIsJSON(t *testing.T) {
	t.Parallel()
	c := parse(t, with(t, `"RS256"`, `"none"`))
	assert.True(t, c.UserinfoJSON)
	assert.Empty(t, c.UserinfoAlgorithm)
	data, err := registry.Marshal(c)
	require.NoError(t, err)
	assert.Equal(t, c, parse(t, string(data)))
}

// A field that the codec forgets would be lost when a client is stored.
func TestEveryFieldOfAClientComesBack(t *testing.T) {
	t.Parallel()
	clients := []*oauth.Client{parse(t, clinic), parse(t, published("https://clinic.example/jwks"))}
	clients[0].LogoURIs = map[string]string{"": "https://a.example/1", "fr": "https://a.example/1/fr", "pt-BR": "https://a.example/1/pt"}
	clients[0].PolicyURIs = map[string]string{"": "https://a.example/2", "de": "https://a.example/2/de"}
	clients[0].TOSURIs = map[string]string{"km": "https://a.example/3?x=1&y=2"}
	clients[0].IDTokenEncryption = oauth.Encryption{KeyAlgorithm: jose.ECDH_ES, Content: jose.A128GCM}
	clients[0].UserinfoEncryption = oauth.Encryption{KeyAlgorithm: jose.ECDH_ES_A256KW, Content: jose.A256GCM}
	encryption := clients[0].Keys.Keys[0]
	encryption.KeyID, encryption.Use = "2", "enc"
	clients[0].Keys.Keys = append(clients[0].Keys.Keys, encryption)
	clients[1].UserinfoAlgorithm, clients[1].UserinfoJSON = "", true
	clients[1].Claims = []string{} // none, which is not the same as all
	clients[1].Profile = oauth.ProfileFAPI2
	clients[1].RedirectURIPatterns, clients[1].RelyingPartyID = []string{"residentapp://oauth/*"}, "health"
	clients[1].EncryptionKeyPending = true
	clients[1].SignUpBanner, clients[1].ForgottenPasswordLink = new(bool), new(bool)
	clients[1].Purpose = &oauth.Purpose{Type: "verify", Title: map[string]string{"": "Verify", "fr": "Vérifier"}}
	set := make(map[string]bool)
	for _, c := range clients {
		data, err := registry.Marshal(c)
		require.NoError(t, err)
		assert.True(t, json.Valid(data))
		assert.Equal(t, c, parse(t, string(data)), "%s", data)
		for i := range reflect.TypeFor[oauth.Client]().NumField() {
			if !reflect.ValueOf(c).Elem().Field(i).IsZero() {
				set[reflect.TypeFor[oauth.Client]().Field(i).Name] = true
			}
		}
	}
	for i := range reflect.TypeFor[oauth.Client]().NumField() {
		name := reflect.TypeFor[oauth.Client]().Field(i).Name
		assert.True(t, set[name], "this test and the codec know nothing of the field %s", name)
	}
}

func TestEachMistakeInARegistrationIsNamed(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 3000)
	for name, test := range map[string]struct{ from, to, want string }{
		"unknown member":      {`"scope"`, `"scopes"`, "scopes: unknown or unsupported"},
		"case":                {`"scope"`, `"Scope"`, "Scope: unknown or unsupported"},
		"member twice":        {`"scope"`, `"client_id": "clinic", "scope"`, `not a JSON object: json: duplicate key`},
		"wrong type":          {`["https://clinic.example/callback"]`, `"https://clinic.example/callback"`, "redirect_uris: a JSON string is not what belongs here"},
		"null":                {`"openid profile"`, `null`, "scope: null is not what belongs here"},
		"other method":        {`"private_key_jwt"`, `"client_secret_basic"`, `token_endpoint_auth_method: only "private_key_jwt" is supported`},
		"other encryption":    {`"A256GCM"`, `"A256CBC-HS512"`, `request_object_encryption_enc: only "A128GCM","A256GCM" is supported`},
		"other grant":         {`[ "authorization_code" ]`, `["implicit"]`, `grant_types: only ["authorization_code"] is supported`},
		"public subjects":     {`"pairwise"`, `"public"`, `subject_type: only "pairwise" is supported`},
		"no key":              {`"keys": [`, `"keys": [], "old": [`, `jwks: jwt: malformed: "keys" is not an array of 1 to 32 keys`},
		"broken key":          {`"P-256"`, `"P-0"`, "jwks: key 0: "},
		"private key":         {`"kid": "1"`, `"kid": "1", "d": "AAAA"`, `the private member "d"`},
		"keys twice":          {`"scope"`, `"jwks_uri": "https://clinic.example/jwks", "scope"`, "jwks and jwks_uri exclude each other"},
		"keys without TLS":    {`"scope"`, `"jwks_uri": "http://clinic.example/jwks", "scope"`, "jwks_uri must be an https URL"},
		"sector without URI":  {`"https://sector.example/uris.json"`, `"sector.example"`, "sector_identifier_uri: must be an https URL"},
		"bad redirect URI":    {`https://clinic.example/callback`, `http://clinic.example/callback`, "redirect URI"},
		"no language":         {`client_name#fr`, `client_name#`, "client_name#: what follows the # is no language"},
		"strange language":    {`client_name#fr`, `client_name#f/r`, "client_name#f/r: what follows the # is no language"},
		"logo in no language": {`"scope"`, `"logo_uri#": "https://clinic.example/logo", "scope"`, "logo_uri#: what follows the # is no language"},
		"policy without TLS":  {`"scope"`, `"policy_uri#de": "http://clinic.example/de", "scope"`, "policy_uri#de must be an https URL"},
		"no text for people":  {`"scope"`, `"jwks_uri#de": "https://clinic.example/de", "scope"`, "jwks_uri#de: unknown or unsupported"},
		"empty name":          {`"Clinique"`, `""`, "client_name#fr: is empty"},
		"line break in name":  {`"Clinique"`, `"Cli\nnique"`, "client_name#fr: text with control characters"},
		"half a surrogate":    {`"Clinique"`, `"Cli\ud800nique"`, "client_name#fr: text with control characters"},
		"long name":           {`"Clinique"`, `"` + long + `"`, "client_name#fr: text of more than 2048 bytes"},
		"long list":           {`["high"]`, `["high"` + strings.Repeat(`,"high"`, 100) + `]`, "default_acr_values: at most 100 are allowed"},
		"empty in list":       {`["high"]`, `["high", null]`, "default_acr_values: empty text"},
		"unknown profile":     {`"scope"`, `"profile": "fapi1", "scope"`, `unknown profile "fapi1"`},
		"text for truth":      {`"dpop_bound_access_tokens": true`, `"dpop_bound_access_tokens": "yes"`, "dpop_bound_access_tokens: a JSON string"},
		"half a second":       {`3600`, `3600.5`, "default_max_age: a JSON number 3600.5"},
		"unprintable member":  {`"scope"`, `"sc\nope"`, "sc\uFFFDope: unknown or unsupported"},
		"more after the end":  {`["code"]` + "\n}", `["code"]} {}`, "not a JSON object"},
		"not UTF-8":           {`Clinique`, "Cliniqu\xe9", "a registration is UTF-8"},
		"too large":           {`"scope"`, strings.Repeat(" ", registry.MaxSize) + `"scope"`, "a registration has at most 131072 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := registry.Parse([]byte(with(t, test.from, test.to)))
			var invalid *registry.InvalidError
			require.ErrorAs(t, err, &invalid)
			assert.ErrorContains(t, err, test.want)
			for _, line := range invalid.Mistakes {
				assert.NotContains(t, line, "\n")
			}
		})
	}
}

func TestAllMistakesInARegistrationAreNamedAtOnce(t *testing.T) {
	t.Parallel()
	_, err := registry.Parse([]byte(`{"client_id": "clinic", "client_name": "Clinic", "redirect_uris": ["http://clinic.example/"],
		"token_endpoint_auth_signing_alg": "HS256", "scopes": "openid", "default_max_age": -1}`))
	require.Error(t, err)
	assert.Equal(t, strings.Join([]string{
		`default_max_age: a JSON number -1 is not what belongs here`,
		`scopes: unknown or unsupported`,
		`redirect URI "http://clinic.example/": it must be https, http on a loopback host, or a private-use scheme with a dot`,
		`the assertion algorithm: jwt: signature algorithm "HS256" is not one of [ES256 ES384 EdDSA PS256 RS256]`,
	}, "\n"), err.Error())
}

func TestRegistrationsOfAFileAreAllChecked(t *testing.T) {
	t.Parallel()
	clients, err := registry.ParseAll([]byte("[" + clinic + "]\n"))
	require.NoError(t, err)
	assert.Equal(t, []*oauth.Client{parse(t, clinic)}, clients)

	_, err = registry.ParseAll([]byte(`[{"client_id": 1}, {"client_id": "b", "wrong": true}, ` + clinic + `,` + clinic + `]`))
	assert.ErrorContains(t, err, "client 1 (without client_id): client_id: ")
	assert.ErrorContains(t, err, "client 2 (b): wrong: ")
	assert.ErrorContains(t, err, "client 4 (clinic): client_id: an earlier client has the same")
	for _, text := range []string{"", "{}", "[1]", "[] []", `[{}`, "null"} {
		_, err := registry.ParseAll([]byte(text))
		assert.Error(t, err, text)
	}
}

func TestWhatNoRegistrationCanSayIsNotMarshalled(t *testing.T) {
	t.Parallel()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	age := time.Millisecond
	for name, change := range map[string]func(*oauth.Client){
		"private key":     func(c *oauth.Client) { c.Keys.Keys[0].Key = private },
		"sector":          func(c *oauth.Client) { c.SectorIdentifier = "sector.example/path" },
		"part of seconds": func(c *oauth.Client) { c.DefaultMaxAge = &age },
		"both":            func(c *oauth.Client) { c.UserinfoJSON = true },
	} {
		c := parse(t, clinic)
		change(c)
		data, err := registry.Marshal(c)
		var invalid *registry.InvalidError
		assert.ErrorAs(t, err, &invalid, name)
		assert.Nil(t, data, name)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(clinic))
	f.Add([]byte(published("https://clinic.example/jwks")))
	f.Add([]byte(with(f, `"https://sector.example/uris.json"`, `"https://[::1]:8443/"`)))
	f.Add([]byte(with(f, `"Clinique"`, `"<عيادة> & \u2028"`)))
	f.Add([]byte(with(f, `"scope"`, `"logo_uri#fr": "https://clinic.example/fr", "tos_uri": "https://clinic.example/terms", "scope"`)))
	f.Add([]byte(`{"client_id":null,"client_name#":"","client_name#de-AT":"x","jwks":{"keys":[{}]}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := registry.Parse(data)
		if err != nil {
			var invalid *registry.InvalidError
			require.ErrorAs(t, err, &invalid)
			require.NotContains(t, strings.Join(invalid.Mistakes, ""), "\n")
			return
		}
		text, err := registry.Marshal(c)
		require.NoError(t, err)
		again, err := registry.Parse(text)
		require.NoError(t, err)
		require.Equal(t, c, again)
	})
}
