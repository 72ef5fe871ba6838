package oidc_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/oidc"
)

// The pairwise sub is the same in ID Token, access token and userinfo, differs between sectors, and reveals nothing.
// (The sub of the access token is that of the grant.)
func TestPairwiseSubject(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	subject := func(client string) string {
		x := f.extended(t, client, "openid")
		_, idToken := open(t, x.Response["id_token"])
		response, err := f.Userinfo(t.Context(), f.tokens[x.AccessToken])
		require.NoError(t, err)
		_, userinfo := open(t, string(response.Body))
		require.Equal(t, x.Grant.Subject, idToken["sub"])
		require.Equal(t, x.Grant.Subject, userinfo["sub"])
		return x.Grant.Subject
	}
	health := subject("health")
	assert.Equal(t, health, subject("health"), "stable")
	assert.Equal(t, health, subject("health-app"), "the same in a sector")
	assert.NotEqual(t, health, subject("bank"), "another in another sector")
	assert.Regexp(t, `^[A-Za-z0-9_-]{43}$`, health)

	hash := sha256.Sum256([]byte("health.exampleperson-1"))
	assert.NotEqual(t, base64.RawURLEncoding.EncodeToString(hash[:]), health, "nobody can compute it without the secret")
	other := newFixture(t, func(c *oidc.Config) { c.PairwiseSecret = []byte("another secret of thirty-two byte") })
	assert.NotEqual(t, health, other.Subject(f.clients["health"], "person-1"))
}

func TestSubjectDoesNotConfuseSectorAndPerson(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	assert.NotEqual(t,
		f.Subject(&oauth.Client{SectorIdentifier: "ab"}, "c"),
		f.Subject(&oauth.Client{SectorIdentifier: "a"}, "bc"))
}

// A subject is kept by clients for ever, so what it is derived from must never change.
func TestSubjectIsTheSameInEveryVersion(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "HdaeJu1SNa2uBbc2m_8bEJwmH0eBwDhSNo4K_v4T6nQ",
		newFixture(t).Subject(&oauth.Client{SectorIdentifier: "health.example"}, "person-1"))
}

func TestExtendRefusesAGrantForAnotherPerson(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	x := f.exchange(t, "health", "openid")
	x.Grant.Subject = f.Subject(f.clients["health"], "person-2")
	require.ErrorContains(t, f.Extend(t.Context(), x), "different people")
	assert.Empty(t, x.Response)

	x = f.exchange(t, "health", "openid")
	x.Grant.Subject = "person-1"
	require.Error(t, f.Extend(t.Context(), x), "the identity system's own subject never leaves")
}

func TestIdentityNeverLeaves(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	x := f.extended(t, "health", "openid profile email")
	_, claims := open(t, x.Response["id_token"])
	seen, err := json.Marshal(claims)
	require.NoError(t, err)
	for _, public := range []string{string(seen), string(x.Data)} {
		assert.NotContains(t, public, "person-1")
		assert.NotContains(t, public, "kyc-token")
	}
}
