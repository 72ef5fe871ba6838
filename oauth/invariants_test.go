package oauth_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/store"
)

// The invariants of the architecture that package oauth carries, one test each. Tables with the details are in the
// tests of each endpoint.

func TestInvariant1OnlyConfidentialClientsWithAsymmetricAuthentication(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	for _, alg := range []jose.SignatureAlgorithm{"none", "", jose.HS256, jose.HS384, jose.HS512} {
		config := p.config
		config.Algorithms = []jose.SignatureAlgorithm{alg}
		_, err := oauth.New(config)
		require.Error(t, err, alg)

		client := *p.portal.client
		client.AssertionAlgorithm = alg
		require.Error(t, client.Validate(), alg)

		p.clients.put(&client) // a store that does not validate changes nothing
		require.NotContains(t, p.Metadata().TokenEndpointAuthSigningAlgs, alg)
		require.Equal(t, 401, p.introspect(p.Server, p.portal.assertion(t, nil)))
	}
	public := *p.portal.client
	public.Keys = jose.JSONWebKeySet{}
	require.Error(t, public.Validate())
	p.clients.put(&public)
	require.Equal(t, 401, p.introspect(p.Server, p.portal.assertion(t, nil)))
	require.Equal(t, []string{"private_key_jwt"}, p.Metadata().TokenEndpointAuthMethodsSupported)
}

func TestInvariant2RedirectURIsMatchExactly(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	const registered = "https://portal.example/cb"
	for i := range len(registered) { // every URI that differs in one character, or lacks one, or has one more
		for _, uri := range []string{
			registered[:i] + registered[i+1:], registered[:i] + "*" + registered[i+1:], registered[:i] + "." + registered[i:],
		} {
			rec := p.authorize(with(p.portal.request(), "redirect_uri", uri))
			require.Empty(t, rec.Header().Get("Location"), uri)
			require.Equal(t, http.StatusBadRequest, rec.Code, uri)
		}
	}
	require.True(t, strings.HasPrefix(p.authorize(p.portal.request()).Header().Get("Location"), registered+"?"))
}

func TestInvariant3AcceptedOnceAcrossInstancesUnderRace(t *testing.T) {
	t.Parallel()
	t.Run("ten codes, twenty redemptions each", func(t *testing.T) {
		t.Parallel()
		const codes, redemptions = 10, 20
		p := newProvider(t)
		instances := []*oauth.Server{p.Server, p.instance(t)}
		forms := make([]url.Values, codes*redemptions)
		for i := range codes {
			code := p.code(t, p.portal)
			for j := range redemptions {
				forms[i*redemptions+j] = p.portal.redemption(t, code)
			}
		}
		// Nobody goes on before everybody has seen the codes unspent.
		var seen sync.WaitGroup
		seen.Add(len(forms))
		assertions := 0
		p.store.failWith(func(_ int, operation string) error {
			if operation == "Add" && assertions < len(forms) {
				assertions++
				p.store.mu.Unlock()
				defer p.store.mu.Lock()
				seen.Done()
				seen.Wait()
			}
			return nil
		})
		answers := make([]*httptest.ResponseRecorder, len(forms))
		race(len(forms), func(i int) { answers[i] = post(instances[i%2].TokenHandler(), forms[i]) })
		tokens := map[string]string{} // by code
		for i, rec := range answers {
			if rec.Code != http.StatusOK {
				requireRefused(t, rec, 400, oauth.InvalidGrant)
				continue
			}
			require.NotContains(t, tokens, forms[i].Get("code"), "a second success")
			tokens[forms[i].Get("code")] = decode[tokenResponse](t, rec).AccessToken
		}
		require.Len(t, tokens, codes)
		for _, token := range tokens {
			require.False(t, p.live(t, token), "every code was replayed, so no token may live")
		}
	})
	t.Run("a redemption within another", func(t *testing.T) {
		t.Parallel()
		for step := 2; step <= 3; step++ { // once the outer one has read the code: before it spends it
			p := newProvider(t)
			code := p.code(t, p.portal)
			outer, inner := p.portal.redemption(t, code), p.portal.redemption(t, code)
			var token string
			p.store.interrupt(step, func() { token = decode[tokenResponse](t, post(p.TokenHandler(), inner)).AccessToken })
			requireRefused(t, post(p.TokenHandler(), outer), 400, oauth.InvalidGrant)
			require.NotEmpty(t, token)
			require.False(t, p.live(t, token))
		}
	})
	t.Run("one assertion, sixty-four times", func(t *testing.T) {
		t.Parallel()
		p := newProvider(t)
		instances := []*oauth.Server{p.Server, p.instance(t)}
		assertions := []string{
			p.portal.assertion(t, map[string]any{"jti": "same"}), p.clinic.assertion(t, map[string]any{"jti": "same"}),
		}
		var accepted [2]atomic.Int64
		race(128, func(i int) {
			if p.introspect(instances[i/2%2], assertions[i%2]) == http.StatusOK {
				accepted[i%2].Add(1)
			}
		})
		require.EqualValues(t, 1, accepted[0].Load())
		require.EqualValues(t, 1, accepted[1].Load(), "the same jti of another client is another one")
	})
	t.Run("one jti in different assertions", func(t *testing.T) {
		t.Parallel()
		p := newProvider(t)
		jti := rand.Text()
		require.Equal(t, 200, p.introspect(p.Server, p.portal.assertion(t, map[string]any{"jti": jti})))
		require.Equal(t, 401, p.introspect(p.instance(t), p.portal.assertion(t, map[string]any{"jti": jti, "x": 1})))
	})
}

func TestInvariant4ReplayedCodeRevokesWhatItProduced(t *testing.T) {
	t.Parallel()
	t.Run("after success, on another instance", func(t *testing.T) {
		t.Parallel()
		p := newProvider(t)
		code := p.code(t, p.portal)
		other := p.redeem(t, p.portal, p.code(t, p.portal)).AccessToken
		token := p.redeem(t, p.portal, code).AccessToken
		require.True(t, p.live(t, token))
		requireRefused(t, post(p.instance(t).TokenHandler(), p.portal.redemption(t, code)), 400, oauth.InvalidGrant)
		require.False(t, p.live(t, token))
		require.True(t, p.live(t, other), "another code's token is none of its business")
	})
	t.Run("until the token has expired, and without the right verifier too", func(t *testing.T) {
		t.Parallel()
		p := newProvider(t)
		code := p.code(t, p.portal)
		token := p.redeem(t, p.portal, code).AccessToken
		p.clock.advance(10*time.Minute - 2*time.Second)
		require.True(t, p.live(t, token))
		requireRefused(t, post(p.TokenHandler(), with(p.portal.redemption(t, code), "code_verifier")), 400, oauth.InvalidGrant)
		require.False(t, p.live(t, token))
	})
	t.Run("while the token is being made", func(t *testing.T) {
		t.Parallel()
		p := newProvider(t)
		code := p.code(t, p.portal)
		replay := p.portal.redemption(t, code)
		first := p.portal.redemption(t, code)
		replayed := false
		p.store.interrupt(4, func() { // just before the first request stores its token
			replayed = true
			requireRefused(t, post(p.TokenHandler(), replay), 400, oauth.InvalidGrant)
		})
		rec := post(p.TokenHandler(), first)
		require.Equal(t, http.StatusOK, rec.Code, rec.Body)
		require.True(t, replayed)
		require.False(t, p.live(t, decode[tokenResponse](t, rec).AccessToken))
	})
	t.Run("but not by another client", func(t *testing.T) {
		t.Parallel()
		p := newProvider(t)
		code := p.code(t, p.portal)
		token := p.redeem(t, p.portal, code).AccessToken
		requireRefused(t, post(p.TokenHandler(), p.clinic.redemption(t, code)), 400, oauth.InvalidGrant)
		require.True(t, p.live(t, token))
	})
	t.Run("nor by a stranger who repeats the whole request", func(t *testing.T) {
		t.Parallel()
		p := newProvider(t)
		form := p.portal.redemption(t, p.code(t, p.portal))
		rec := post(p.TokenHandler(), form)
		requireRefused(t, post(p.TokenHandler(), form), 401, oauth.InvalidClient)
		require.True(t, p.live(t, decode[tokenResponse](t, rec).AccessToken))
	})
}

func TestInvariant6EveryResponseCarriesIssAndStateAndErrorsGoToTheClient(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	good := p.portal.request()
	queries := map[string]url.Values{"success": good}
	for name := range good {
		if name != "client_id" && name != "redirect_uri" && name != "state" {
			queries["twice "+name] = with(good, name, good.Get(name), good.Get(name))
			queries["wrong "+name] = with(good, name, "\x01")
		}
	}
	for name, query := range queries {
		rec := p.authorize(query)
		parameters := response(t, rec)
		require.Equal(t, []string{issuer}, parameters["iss"], name)
		require.Equal(t, []string{"state-of-portal"}, parameters["state"], name)
		require.Equal(t, name == "success", parameters.Get("error") == "", name)
	}
	p.clients.fail(errors.New("down")) // then nothing is known to be the client's
	require.Empty(t, p.authorize(good).Header().Get("Location"))
}

func TestInvariant9NothingPersonalOrSecretIsStoredLoggedOrAuditedInClear(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	code := p.code(t, p.portal)
	redemption := p.portal.redemption(t, code)
	token := decode[tokenResponse](t, post(p.TokenHandler(), redemption)).AccessToken
	secrets := []string{
		"Personal Data", "pseudonym-7c1f", code, token, strings.Split(token, ".")[2], jtiOf(t, token), verifier,
		redemption.Get("client_assertion"), "state-of-portal",
	}
	// What follows fails in as many ways as there are, each of which is logged.
	post(p.TokenHandler(), redemption)                   // the assertion again
	post(p.TokenHandler(), p.portal.redemption(t, code)) // the code again
	post(p.TokenHandler(), p.clinic.redemption(t, code)) // another client
	post(p.TokenHandler(), url.Values{"client_assertion": {token}, "client_assertion_type": {assertionType}})
	post(p.IntrospectionHandler(), p.portal.authenticated(t, issuer, url.Values{"token": {token}}))
	post(p.RevocationHandler(), p.clinic.authenticated(t, issuer, url.Values{"token": {token}}))
	p.authorize(with(p.portal.request(), "scope", "Personal Data"))
	p.authorize(with(p.portal.request(), "client_id", "Personal Data"))
	p.Deny(t.Context(), p.login.begun, &oauth.Error{Code: oauth.AccessDenied}, "transaction-41")
	p.store.failWith(func(int, string) error { return errors.New("connection refused") })
	post(p.TokenHandler(), p.portal.redemption(t, code))

	logs := p.logs.String()
	require.Contains(t, logs, "connection refused")
	require.Contains(t, logs, "the assertion was used before")
	stored := string(p.store.written)
	events := fmt.Sprintf("%+v", p.events.take())
	for _, secret := range secrets {
		require.NotContains(t, logs, secret)
		require.NotContains(t, stored, secret)
		if secret != "pseudonym-7c1f" { // the one thing by which events name a person
			require.NotContains(t, events, secret)
		}
	}
}

func TestInvariant12OutageFailsClosedAndHealsByItself(t *testing.T) {
	t.Parallel()
	down := errors.New("zebra: dial tcp 10.0.0.7:6379: connection refused")
	for name, outage := range map[string]error{"unreachable": down, "full": store.ErrFull} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProvider(t)
			code := p.code(t, p.portal)
			token := p.redeem(t, p.portal, p.code(t, p.portal)).AccessToken
			p.store.failWith(func(int, string) error { return outage })
			for _, rec := range []*struct {
				handler http.Handler
				form    url.Values
			}{
				{p.TokenHandler(), p.portal.redemption(t, code)},
				{p.IntrospectionHandler(), p.portal.authenticated(t, issuer, url.Values{"token": {token}})},
				{p.RevocationHandler(), p.portal.authenticated(t, issuer, url.Values{"token": {token}})},
			} {
				answer := post(rec.handler, rec.form)
				body := requireRefused(t, answer, 503, oauth.ServerError)
				require.NotEmpty(t, answer.Header().Get("Retry-After"))
				require.Equal(t, "the service is temporarily unavailable", body["error_description"])
			}
			_, err := p.AccessToken(t.Context(), token)
			require.ErrorIs(t, err, outage)
			require.Equal(t, 503, oauth.AsError(err).StatusCode())
			require.Equal(t, http.StatusServiceUnavailable, p.authorize(p.portal.request()).Code, "Approve")

			p.store.failWith(nil)
			p.redeem(t, p.portal, code)
			require.True(t, p.live(t, token))
		})
	}
}

// jtiOf reads the jti of a token.
func jtiOf(tb testing.TB, token string) string {
	tb.Helper()
	return unverified(tb, token)["jti"].(string)
}
