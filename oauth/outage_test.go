package oauth_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/store"
)

// The operations of a redemption in their order, two in each round trip, of which any may be the one that fails.
func TestRedemptionThatFailsBurnsNoMoreThanItMust(t *testing.T) {
	t.Parallel()
	for i, c := range []struct {
		operation string // and what fails with it
		// again is what the very same request gets once the store is well; fresh, one with another assertion instead.
		again, fresh int
	}{
		{"Get", 401, 200},     // read the code: the assertion is used up with it, the code is not
		{"Add", 200, 200},     // remember the assertion: nothing is used up
		{"Replace", 401, 200}, // spend the code: the assertion is used up, the code is not
		{"Add", 401, 400},     // store the token: the code is spent, and nobody has a token for it
	} {
		for _, fresh := range []bool{false, true} {
			p := newProvider(t)
			code := p.code(t, p.portal)
			form := p.portal.redemption(t, code)
			var operations []string
			p.store.failWith(func(n int, operation string) error {
				operations = append(operations, operation)
				if n == i+1 {
					return errors.New("zebra: connection reset")
				}
				return nil
			})
			rec := post(p.TokenHandler(), form)
			requireRefused(t, rec, 503, oauth.ServerError)
			require.NotContains(t, rec.Body.String(), zebra)
			require.Equal(t, c.operation, operations[i])

			p.store.failWith(nil)
			want := c.again
			if fresh {
				form, want = p.portal.redemption(t, code), c.fresh
			}
			require.Equal(t, want, post(p.TokenHandler(), form).Code, "%s, fresh: %v", c.operation, fresh)
		}
	}
}

func TestReplayIsNotAnsweredBeforeItsTokenIsRevoked(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	code := p.code(t, p.portal)
	token := p.redeem(t, p.portal, code).AccessToken
	p.store.failWith(func(_ int, operation string) error {
		if operation == "Put" {
			return errors.New("connection reset")
		}
		return nil
	})
	requireRefused(t, post(p.TokenHandler(), p.portal.redemption(t, code)), 503, oauth.ServerError)
	p.store.failWith(nil)
	requireRefused(t, post(p.TokenHandler(), p.portal.redemption(t, code)), 400, oauth.InvalidGrant)
	require.False(t, p.live(t, token))
}

// Whoever replays a code cannot save its token by hanging up.
func TestReplayRevokesThoughTheCallerHangsUp(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	code := p.code(t, p.portal)
	token := p.redeem(t, p.portal, code).AccessToken
	ctx, hangUp := context.WithCancel(t.Context())
	p.store.failWith(func(_ int, operation string) error {
		if operation == "Put" {
			hangUp()
		}
		return nil
	})
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/", strings.NewReader(p.portal.redemption(t, code).Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	requireRefused(t, serve(p.TokenHandler(), r), 400, oauth.InvalidGrant)
	require.Error(t, ctx.Err())
	require.False(t, p.live(t, token))
}

// A code that expires between being read and being spent is an expired code, not an outage.
func TestCodeThatExpiresWhileItIsRedeemed(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	code := p.code(t, p.portal)
	form := p.portal.redemption(t, code)
	p.store.failWith(func(n int, _ string) error {
		if n == 3 {
			p.clock.advance(time.Minute)
		}
		return nil
	})
	requireRefused(t, post(p.TokenHandler(), form), 400, oauth.InvalidGrant)
}

func TestClientStoreThatFails(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	code := p.code(t, p.portal)
	form := p.portal.redemption(t, code)
	p.clients.fail(errors.New("zebra: connection refused"))
	rec := p.authorize(p.portal.request())
	require.Equal(t, http.StatusServiceUnavailable, rec.Code)
	require.Empty(t, rec.Header().Get("Location"))
	require.Equal(t, oauth.ServerError, p.login.shown.Code)
	rec = post(p.TokenHandler(), form)
	requireRefused(t, rec, 503, oauth.ServerError)
	require.NotContains(t, rec.Body.String(), zebra)
	p.clients.fail(nil)
	require.Equal(t, http.StatusOK, post(p.TokenHandler(), form).Code, "not even the assertion was used up")
}

// A database that compares without regard to case is one way to get another client than the one asked for.
func TestClientStoreThatBreaksItsContract(t *testing.T) {
	t.Parallel()
	for name, rename := range map[string]func(*oauth.Client) *oauth.Client{
		"no client and no error": func(*oauth.Client) *oauth.Client { return nil },
		"another client": func(c *oauth.Client) *oauth.Client {
			other := *c
			other.ID = "Portal"
			return &other
		},
	} {
		p := newProvider(t)
		p.config.Clients = brokenClients{rename(p.portal.client)}
		server := p.instance(t)
		require.Equal(t, http.StatusBadRequest, serve(server.AuthorizationHandler(p.login), httptest.NewRequest(
			http.MethodGet, "/?"+p.portal.request().Encode(), nil)).Code, name)
		require.Equal(t, 401, p.introspect(server, p.portal.assertion(t, nil)), name)
	}
}

type brokenClients struct{ client *oauth.Client }

func (b brokenClients) Client(context.Context, string) (*oauth.Client, error) { return b.client, nil }

func TestKeystoreThatFailsLeavesNoToken(t *testing.T) {
	t.Parallel()
	var keys *failingKeys
	p := newProvider(t, func(c *oauth.Config) {
		keys = &failingKeys{Keystore: c.Keys}
		c.Keys = keys
	})
	form := p.portal.redemption(t, p.code(t, p.portal))
	keys.err = errors.New("zebra: the HSM is gone")
	rec := post(p.TokenHandler(), form)
	requireRefused(t, rec, 503, oauth.ServerError)
	require.NotContains(t, rec.Body.String(), zebra)
	keys.err = nil
	require.Len(t, p.store.keysOf("token:"), 0)
	p.redeem(t, p.portal, form.Get("code"))
}

type failingKeys struct {
	keystore.Keystore
	err error
}

func (k *failingKeys) Signer(ctx context.Context, role keystore.Role, alg jose.SignatureAlgorithm) (*keystore.Key, error) {
	if k.err != nil {
		return nil, k.err
	}
	return k.Keystore.Signer(ctx, keystore.TokenSigning, alg)
}

func TestRevocationThatFailsIsNotSaidToHaveWorked(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	token := p.redeem(t, p.portal, p.code(t, p.portal)).AccessToken
	form := url.Values{"token": {token}}
	for n := 1; n <= 3; n++ { // remember the assertion, read the token, block it
		p.store.failWith(func(i int, _ string) error {
			if i == n {
				return errors.New("connection reset")
			}
			return nil
		})
		requireRefused(t, post(p.RevocationHandler(), p.portal.authenticated(t, issuer, form)), 503, oauth.ServerError)
		p.store.failWith(nil)
		require.True(t, p.live(t, token))
	}
	require.Equal(t, http.StatusOK, post(p.RevocationHandler(), p.portal.authenticated(t, issuer, form)).Code)
	require.False(t, p.live(t, token))
}

// A store that lost what was used says so of every assertion that it may have known (store.ErrForgotten).
func TestAssertionsFromBeforeALossAreRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		changes map[string]any
		age     time.Duration
		status  int
		code    oauth.ErrorCode
	}{
		"just made: try again":                 {nil, 0, 503, oauth.ServerError},
		"made earlier: make another":           {nil, 40 * time.Second, 401, oauth.InvalidClient},
		"that do not say when: make another":   {map[string]any{"iat": nil}, 0, 401, oauth.InvalidClient},
		"that expire in an hour: just as well": {map[string]any{"iat": nil, "exp": time.Hour}, 0, 503, oauth.ServerError},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProvider(t)
			if life, ok := c.changes["exp"].(time.Duration); ok {
				c.changes["exp"] = p.clock.Now().Add(life).Unix()
			}
			form := p.portal.redemption(t, p.code(t, p.portal))
			form.Set("client_assertion", p.portal.assertion(t, c.changes))
			p.clock.advance(c.age)
			p.store.failWith(func(_ int, operation string) error {
				if operation == "Add" {
					return store.ErrForgotten
				}
				return nil
			})
			requireRefused(t, post(p.TokenHandler(), form), c.status, c.code)
		})
	}
}
