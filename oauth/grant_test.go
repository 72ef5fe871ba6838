package oauth_test

import (
	"errors"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/oauth"
)

func TestEndedGrantEndsItsTokensAndCodes(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	p.login.grant.ID = "consent-1"
	token := p.redeem(t, p.portal, p.code(t, p.portal)).AccessToken
	assert.Equal(t, "consent-1", restrictions(t, token).GrantID)
	unused := p.code(t, p.portal)
	p.login.grant.ID = "consent-2"
	other := p.redeem(t, p.portal, p.code(t, p.portal)).AccessToken
	require.True(t, p.live(t, token))

	require.NoError(t, p.instance(t).EndGrant(t.Context(), "consent-1"))
	require.NoError(t, p.EndGrant(t.Context(), "consent-1"), "may be repeated")
	assert.False(t, p.live(t, token))
	assert.True(t, p.live(t, other), "another grant's")
	requireRefused(t, post(p.TokenHandler(), p.portal.redemption(t, unused)), http.StatusBadRequest, oauth.InvalidGrant)
	form := p.portal.authenticated(t, endpoints.Introspection, map[string][]string{"token": {token}})
	assert.JSONEq(t, `{"active":false}`, post(p.IntrospectionHandler(), form).Body.String())
}

func TestGrantWithoutIDCannotBeEnded(t *testing.T) {
	t.Parallel()
	require.Error(t, newProvider(t).EndGrant(t.Context(), ""))
}

func TestOutageEndsNoGrantSilentlyAndOpensNoToken(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	p.login.grant.ID = "consent-1"
	token := p.redeem(t, p.portal, p.code(t, p.portal)).AccessToken
	p.store.failWith(func(int, string) error { return errors.New("no connection") })
	require.Error(t, p.EndGrant(t.Context(), "consent-1"))
	_, err := p.AccessToken(t.Context(), token)
	require.Error(t, err)
	assert.NotEqual(t, oauth.InvalidToken, oauth.AsError(err).Code)
}

func TestGrantIsTakenOnceAndByItsOwnClient(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	p.login.grant.Person = "person-1"
	code := p.code(t, p.portal)
	_, err := p.TakeGrant(t.Context(), "clinic", code, verifier)
	require.Equal(t, oauth.InvalidGrant, oauth.AsError(err).Code)
	_, err = p.TakeGrant(t.Context(), "portal", code, verifier+"x")
	require.Equal(t, oauth.InvalidGrant, oauth.AsError(err).Code, "the code of another browser")
	var taken atomic.Int32
	race(16, func(int) {
		grant, err := p.TakeGrant(t.Context(), "portal", code, verifier)
		if err == nil {
			assert.Equal(t, "person-1", grant.Person)
			taken.Add(1)
			return
		}
		assert.Equal(t, oauth.InvalidGrant, oauth.AsError(err).Code)
	})
	assert.EqualValues(t, 1, taken.Load())
	requireRefused(t, post(p.TokenHandler(), p.portal.redemption(t, code)), http.StatusBadRequest, oauth.InvalidGrant)

	redeemed := p.code(t, p.portal)
	token := p.redeem(t, p.portal, redeemed).AccessToken
	_, err = p.TakeGrant(t.Context(), "portal", redeemed, verifier)
	require.Equal(t, oauth.InvalidGrant, oauth.AsError(err).Code)
	_, claims := payload(t, token)
	assert.NotContains(t, claims, "person")
	known, err := p.AccessToken(t.Context(), token)
	require.NoError(t, err)
	assert.Equal(t, "person-1", known.Grant.Person)
}
