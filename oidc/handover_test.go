package oidc_test

import (
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/oidc"
)

// handover is of somebody who is sent to a portal in the middle of a login.
func handover() *oidc.Handover {
	return &oidc.Handover{
		Login: "the-login", Nonce: "n-1", ACR: "loa:2", AMR: []string{"otp", "pwd"}, AuthTime: now.Add(-time.Minute), Lifetime: 5 * time.Minute,
	}
}

func TestAHandoverSaysWhichLoginWasLeftAndNotByWhom(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	token, err := f.HandOver(t.Context(), f.clients["health"], handover())
	require.NoError(t, err)
	header, claims := open(t, token)
	assert.Equal(t, "JWT", header.ExtraHeaders[jose.HeaderType])
	assert.Equal(t, "ES256", header.Algorithm)
	assert.Equal(t, map[string]any{
		"iss": issuer, "sub": "the-login", "aud": "health", "nonce": "n-1", "acr": "loa:2", "amr": []any{"otp", "pwd"},
		"auth_time": float64(now.Add(-time.Minute).Unix()), "iat": float64(now.Unix()), "exp": float64(now.Add(5 * time.Minute).Unix()),
	}, claims, "no access token and no session belong to it")
	assert.Empty(t, f.people.asked, "nobody is asked for claims")
}

func TestAHandoverIsSignedAsTheClientWantsIDTokensToBe(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, alg := range allAlgorithms {
		f.clients["health"].IDTokenAlgorithm = alg
		token, err := f.HandOver(t.Context(), f.clients["health"], handover())
		require.NoError(t, err)
		header, _ := open(t, token)
		assert.Equal(t, string(alg), header.Algorithm)
	}
}

func TestAHandoverIsNeverEncrypted(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.clients["health"].IDTokenEncryption = oauth.Encryption{KeyAlgorithm: jose.ECDH_ES, Content: jose.A256GCM}
	token, err := f.HandOver(t.Context(), f.clients["health"], handover())
	require.NoError(t, err, "the client has no key to encrypt to")
	_, claims := open(t, token)
	assert.Equal(t, "the-login", claims["sub"], "it comes back")
}

func TestNoHandoverIsMadeWithoutAKey(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(c *oidc.Config) { c.Keys = brokenBackend{} })
	token, err := f.HandOver(t.Context(), f.clients["health"], handover())
	require.ErrorIs(t, err, errBackend)
	require.Empty(t, token)
	foreign, err := keystore.Generate(jose.ES256)
	require.NoError(t, err)
	f = newFixture(t, func(c *oidc.Config) { c.Keys = foreign })
	f.clients["health"].IDTokenAlgorithm = jose.EdDSA
	_, err = f.HandOver(t.Context(), f.clients["health"], handover())
	require.Error(t, err)
}

// As the id_token_hint of an ordinary request a handover is one of a person whom nobody is, and at other clients none.
func TestAHandoverIsNoHintOfAPerson(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	token, err := f.HandOver(t.Context(), f.clients["health"], handover())
	require.NoError(t, err)
	r, err := f.parse(t.Context(), "health", "openid", "id_token_hint", token)
	require.NoError(t, err)
	_, err = f.Authorize(f.clients["health"], r, []string{"openid"}, &authenticator.Identity{Subject: "person-1"}, nil)
	requireCode(t, oauth.LoginRequired, err)
	_, err = f.parse(t.Context(), "bank", "openid", "id_token_hint", token)
	requireCode(t, oauth.InvalidRequest, err)
	_, err = f.parse(t.Context(), "health", "openid", "id_token_hint", token[:len(token)-8]+"AAAAAAAA")
	requireCode(t, oauth.InvalidRequest, err)
}
