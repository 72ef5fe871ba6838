package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/keystore"
)

const registration = `{
	"client_id": "clinic",
	"client_name": "Clinic", "client_name#fr": "Clinique",
	"redirect_uris": ["https://clinic.example/callback"],
	"jwks": {"keys": [{"kty": "EC", "crv": "P-256", "kid": "1",
		"x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]},
	"token_endpoint_auth_method": "private_key_jwt",
	"token_endpoint_auth_signing_alg": "ES256",
	"scope": "openid profile",
	"id_token_signed_response_alg": "PS256",
	"userinfo_signed_response_alg": "RS256",
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
	"grant_types": [ "authorization_code" ],
	"response_types": ["code"]
}`

func TestClientIsReadFromItsRegistration(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "clients.json")
	require.NoError(t, os.WriteFile(file, []byte("["+registration+"]\n"), 0o600))
	clients, err := readClients(file)
	require.NoError(t, err)
	require.Len(t, clients, 1)
	c := clients[0]
	assert.Equal(t, "clinic", c.ID)
	assert.Equal(t, map[string]string{"": "Clinic", "fr": "Clinique"}, c.Names)
	assert.Equal(t, []string{"https://clinic.example/callback"}, c.RedirectURIs)
	assert.Len(t, c.Keys.Keys, 1)
	assert.Equal(t, jose.ES256, c.AssertionAlgorithm)
	assert.Equal(t, []string{"openid", "profile"}, c.Scopes)
	assert.Equal(t, jose.PS256, c.IDTokenAlgorithm)
	assert.Equal(t, jose.RS256, c.UserinfoAlgorithm)
	assert.False(t, c.UserinfoJSON)
	assert.Equal(t, jose.ES256, c.RequestObjectAlgorithm)
	assert.True(t, c.RequireSignedRequestObject)
	assert.Equal(t, jose.RSA_OAEP_256, c.RequestObjectEncryption)
	assert.True(t, c.PKCEOptional)
	keys, err := newKeys([]jose.SignatureAlgorithm{jose.ES256}, clients)
	require.NoError(t, err)
	assert.Implements(t, (*keystore.Decrypter)(nil), keys, "the provider has a key for that too")
	assert.Equal(t, jose.EdDSA, c.AuthorizationResponseAlgorithm)
	assert.Contains(t, signatureAlgorithms(c.Profile, clients), jose.EdDSA, "the provider has a key for it")
	assert.Equal(t, "sector.example", c.SectorIdentifier)
	assert.Equal(t, []string{"high"}, c.ACRValues)
	assert.Equal(t, time.Hour, *c.DefaultMaxAge)
	assert.Equal(t, []string{"https://clinic.example/bye"}, c.PostLogoutRedirectURIs)
	assert.Equal(t, "https://clinic.example/logout", c.BackchannelLogoutURI)
	assert.True(t, c.BackchannelLogoutSessionRequired)
}

func TestUserinfoWithoutSignatureIsJSON(t *testing.T) {
	t.Parallel()
	clients, err := parseClients([]byte("[" + strings.Replace(registration, `"RS256"`, `"none"`, 1) + "]"))
	require.NoError(t, err)
	assert.True(t, clients[0].UserinfoJSON)
	assert.Empty(t, clients[0].UserinfoAlgorithm)
}

func TestMistakesInRegistrationsAreNamed(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ from, to, want string }{
		"unknown member":     {`"scope"`, `"scopes"`, "client 1 (clinic): scopes: unknown or unsupported"},
		"wrong type":         {`["https://clinic.example/callback"]`, `"https://clinic.example/callback"`, "redirect_uris: a JSON string is not what belongs here"},
		"other method":       {`"private_key_jwt"`, `"client_secret_basic"`, `token_endpoint_auth_method: only "private_key_jwt" is supported`},
		"other encryption":   {`"A256GCM"`, `"A256CBC-HS512"`, "request_object_encryption_enc: only [A128GCM A256GCM] are supported"},
		"other grant":        {`"authorization_code"`, `"implicit"`, `grant_types: only ["authorization_code"] is supported`},
		"public subjects":    {`"pairwise"`, `"public"`, `subject_type: only "pairwise" is supported`},
		"no key":             {`"keys": [`, `"keys": [], "old": [`, "no key fits the assertion algorithm ES256"},
		"broken key":         {`"P-256"`, `"P-0"`, "jwks: "},
		"sector without URI": {`"https://sector.example/uris.json"`, `"sector.example"`, "sector_identifier_uri: must be an https URL"},
		"bad redirect URI":   {`https://clinic.example/callback`, `http://clinic.example/callback`, "redirect URI"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Contains(t, registration, test.from)
			_, err := parseClients([]byte("[" + strings.Replace(registration, test.from, test.to, 1) + "]"))
			assert.ErrorContains(t, err, test.want)
		})
	}
}

func TestEveryRegistrationIsChecked(t *testing.T) {
	t.Parallel()
	_, err := parseClients([]byte(`[{"client_id": 1}, {"client_id": "b", "wrong": true}]`))
	assert.ErrorContains(t, err, "client 1 (without client_id): client_id: ")
	assert.ErrorContains(t, err, "client 2 (b): wrong: ")
	for _, text := range []string{"", "{}", "[1]", "[] []", `[{}`} {
		_, err := parseClients([]byte(text))
		assert.Error(t, err, text)
	}
}
