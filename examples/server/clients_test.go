package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/keystore/rotation"
	"github.com/gosignet/signet/oauth"
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

func clientsFile(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "clients.json")
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	return file
}

func TestClientsAreReadFromTheFile(t *testing.T) {
	t.Parallel()
	clients, err := readClients(clientsFile(t, "["+registration+"]\n"))
	require.NoError(t, err)
	require.Len(t, clients, 1)
	c := clients[0]
	assert.Equal(t, "clinic", c.ID)
	assert.Equal(t, map[string]string{"": "Clinic", "fr": "Clinique"}, c.Names)
	assert.Equal(t, jose.RSA_OAEP_256, c.RequestObjectEncryption)
	specs := new(config).keySpecs(nil, clients)
	assert.Contains(t, specs, rotation.Spec{Role: keystore.RequestDecryption, Algorithm: string(jose.RSA_OAEP_256)}, "the provider has a key for that too")
	assert.Equal(t, jose.EdDSA, c.AuthorizationResponseAlgorithm)
	assert.Contains(t, new(config).signatures(clients), jose.EdDSA, "the provider has a key for it")
}

func TestMistakesInTheFileAreNamed(t *testing.T) {
	t.Parallel()
	file := clientsFile(t, "["+strings.Replace(registration, `"scope"`, `"scopes"`, 1)+", {}]")
	_, err := readClients(file)
	assert.ErrorContains(t, err, "-clients: "+file+": client 1 (clinic): scopes: unknown or unsupported")
	assert.ErrorContains(t, err, "client 2 (without client_id): ")
	_, err = readClients(filepath.Join(t.TempDir(), "none.json"))
	assert.ErrorContains(t, err, "-clients: ")
}

func TestKeysAreNotFetchedForClientsFromAFile(t *testing.T) {
	t.Parallel()
	start, end := strings.Index(registration, `"jwks"`), strings.Index(registration, `"token_endpoint_auth_method"`)
	clients, err := readClients(clientsFile(t, "["+registration[:start]+`"jwks_uri": "https://clinic.example/jwks", `+registration[end:]+"]"))
	require.NoError(t, err)
	_, err = oauth.NewStaticClients(clients...)
	assert.ErrorContains(t, err, "jwks_uri")
}
