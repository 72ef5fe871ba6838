package conformance_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/conformance"
	"github.com/gosignet/signet/conformance/internal/model"
)

func TestATargetIsReadFromJSON(t *testing.T) {
	t.Parallel()
	_, want := provider(model.Config{}, "oidc-config", "fapi2-security")
	text, err := json.Marshal(want)
	require.NoError(t, err)
	got, err := conformance.ReadTarget(strings.NewReader(string(text)))
	require.NoError(t, err)
	require.NoError(t, got.Validate())
	assert.Equal(t, want.Login, got.Login)
	assert.Equal(t, want.Profiles["fapi2-security"].Clients[1].RedirectURI, got.Profiles["fapi2-security"].Clients[1].RedirectURI)
	got.Transport = want.Transport
	assert.True(t, check(t, *got).Passed())
}

func TestAMisspeltTargetIsRefused(t *testing.T) {
	t.Parallel()
	_, err := conformance.ReadTarget(strings.NewReader(`{"issuer":"https://op.example","profile":{}}`))
	assert.ErrorContains(t, err, "profile")
}

func TestAllMistakesOfATargetAreToldAtOnce(t *testing.T) {
	t.Parallel()
	_, target := provider(model.Config{}, "oidc", "fapi2-security", "fapi2-security-oauth", "fapi2-message-signing")
	target.Issuer = "op"
	target.Login.Steps = nil
	target.Profiles["invented"] = nil
	target.Profiles["oidc"].Clients[1] = target.Profiles["oidc"].Clients[0]
	target.Profiles["fapi2-security"].Clients = nil
	target.Profiles["fapi2-security-oauth"].Resource = ""
	c := target.Profiles["fapi2-message-signing"].Clients[0]
	c.ID, c.Keys.Keys, c.RedirectURI, c.Scope = "", nil, "/callback", ""
	_, err := target.Check(t.Context())
	for _, part := range []string{
		`issuer "op"`, `unknown group "invented"`, "one client twice", "needs a query", "fapi2-security needs two clients",
		"needs a resource", "client_id is missing", "no private signing key", `redirect_uri "/callback"`, "scope is missing", "login.steps is empty",
	} {
		assert.ErrorContains(t, err, part)
	}
}

func TestTheScopeOpenIDBelongsToOpenIDGroups(t *testing.T) {
	t.Parallel()
	_, target := provider(model.Config{}, "oidc", "fapi2-security-oauth")
	target.Profiles["oidc"].Clients[0].Scope = "profile"
	target.Profiles["fapi2-security-oauth"].Clients[0].Scope = "openid"
	err := target.Validate()
	assert.ErrorContains(t, err, "profiles.oidc.clients[0]")
	assert.ErrorContains(t, err, "profiles.fapi2-security-oauth.clients[0]")
}

func TestClientsForEncryptionNeedAKeyAndAlgorithms(t *testing.T) {
	t.Parallel()
	_, target := provider(model.Config{}, ida)
	clients := target.Profiles[ida].EncryptedClients
	clients[0] = nil
	clients[1].Keys.Keys = clients[1].Keys.Keys[:1]
	clients[2].UserinfoEncryptionEnc = ""
	err := target.Validate()
	assert.ErrorContains(t, err, "profiles.identity-assurance.encrypted_clients[0]: it is null")
	assert.ErrorContains(t, err, "profiles.identity-assurance.encrypted_clients[1]: jwks has no private key with the use enc")
	assert.ErrorContains(t, err, "profiles.identity-assurance.encrypted_clients[2]: userinfo_encrypted_response_alg or userinfo_encrypted_response_enc is missing")
}

func TestWhatNoClientIsRegisteredForIsSkipped(t *testing.T) {
	t.Parallel()
	_, target := provider(model.Config{}, ida)
	target.Profiles[ida].EncryptedClients, target.Profiles[ida].ClaimsRequests = nil, nil
	report := check(t, target)
	assert.True(t, report.Passed())
	assert.Equal(t, 6+1, report.Count(conformance.Skipped))
}
