package oauth_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	josejwt "github.com/go-jose/go-jose/v4/jwt"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/store"
)

// responseClaims verifies a signed response as a client does, with go-jose and the keys that the provider publishes, and
// returns its claims.
func responseClaims(tb testing.TB, p *provider, c *party, alg jose.SignatureAlgorithm, text string) map[string]any {
	tb.Helper()
	token, err := josejwt.ParseSigned(text, []jose.SignatureAlgorithm{alg})
	require.NoError(tb, err)
	require.Len(tb, token.Headers, 1)
	require.NotEmpty(tb, token.Headers[0].KeyID)
	keys, err := p.keys.Keys(tb.Context())
	require.NoError(tb, err)
	selected := (&jose.JSONWebKeySet{Keys: keys}).Key(token.Headers[0].KeyID)
	require.Len(tb, selected, 1, "kid selects one key")
	var standard josejwt.Claims
	claims := map[string]any{}
	require.NoError(tb, token.Claims(selected[0].Key, &standard, &claims))
	require.NoError(tb, standard.ValidateWithLeeway(josejwt.Expected{
		Issuer: issuer, AnyAudience: josejwt.Audience{c.client.ID}, Time: p.clock.Now(),
	}, 0))
	require.Equal(tb, c.client.ID, claims["aud"], "a string")
	left := standard.Expiry.Time().Sub(p.clock.Now())
	require.Greater(tb, left, 10*time.Second)
	require.LessOrEqual(tb, left, 10*time.Minute)
	for _, name := range []string{"iss", "aud", "exp"} {
		delete(claims, name)
	}
	return claims
}

func TestSignedResponseIsAllThatTheClientGets(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"jwt", "query.jwt"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			p := newProvider(t)
			p.portal.client.RedirectURIs = []string{"https://portal.example/cb?dummy1=lorem&dummy2=ipsum"}
			query := with(p.portal.request(), "response_mode", mode)

			parameters := response(t, p.authorize(query))
			require.Equal(t, []string{"lorem"}, parameters["dummy1"])
			require.Equal(t, []string{"ipsum"}, parameters["dummy2"])
			require.Len(t, parameters, 3)
			claims := responseClaims(t, p, p.portal, jose.ES256, parameters.Get("response"))
			code, _ := claims["code"].(string)
			require.Equal(t, map[string]any{"code": code, "state": "state-of-portal"}, claims)
			p.redeem(t, p.portal, code)

			for _, failure := range []url.Values{with(query, "scope", "unregistered"), with(query, "code_challenge")} {
				parameters = response(t, p.authorize(failure))
				require.Len(t, parameters, 3, "and nothing in the open")
				claims = responseClaims(t, p, p.portal, jose.ES256, parameters.Get("response"))
				require.NotEmpty(t, claims["error"])
				requireDescription(t, claims["error_description"].(string))
				require.Equal(t, "state-of-portal", claims["state"])
				require.NotContains(t, claims, "code")
			}
		})
	}
}

func TestSignedResponseKeepsTheState(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	for _, mode := range []string{"jwt", "form_post.jwt"} {
		for _, state := range []string{"", "a+b c&d=e#f<o>\u2028", "line\r\nbreak\x00", "ខ្មែរ 🇰🇭", strings.Repeat("s", 1000)} {
			query := with(with(p.portal.request(), "response_mode", mode), "state", state)
			claims := responseClaims(t, p, p.portal, jose.ES256, answer(t, p.authorize(query)).Get("response"))
			if state == "" {
				require.NotContains(t, claims, "state")
				continue
			}
			require.Equal(t, state, claims["state"])
		}
	}
}

// answer returns what reaches the client, by redirect or by form.
func answer(tb testing.TB, rec *httptest.ResponseRecorder) url.Values {
	tb.Helper()
	if rec.Code == http.StatusOK {
		_, parameters := responseForm(tb, rec)
		return parameters
	}
	return response(tb, rec)
}

func TestDenialIsSignedToo(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	req := &oauth.AuthorizationRequest{ClientID: "portal", RedirectURI: "https://portal.example/cb", State: "s", ResponseMode: oauth.ModeJWT}
	denied := p.Deny(t.Context(), req, &oauth.Error{Code: oauth.AccessDenied}, "t")
	u, err := url.Parse(denied.URL())
	require.NoError(t, err)
	require.Len(t, u.Query(), 1)
	require.Equal(t, map[string]any{"error": "access_denied", "state": "s"},
		responseClaims(t, p, p.portal, jose.ES256, u.Query().Get("response")))
}

func TestSignedResponseOfAPushedRequest(t *testing.T) {
	t.Parallel()
	p := newMessageSigning(t)
	for _, mode := range []string{"jwt", "query.jwt", "form_post.jwt"} {
		pushed := p.pushObject(t, p.portal.requestObject(t, map[string]any{"response_mode": mode}))
		claims := responseClaims(t, p, p.portal, jose.ES256, answer(t, p.open(t, pushed)).Get("response"))
		require.NotEmpty(t, claims["code"])

		again := decode[map[string]any](t, pushed)["request_uri"].(string)
		rec := p.authorize(url.Values{"client_id": {"portal"}, "request_uri": {again}})
		require.Equal(t, oauth.InvalidRequestURI, p.login.shown.Code, "nobody knows any more how to sign: %s", rec.Body)
	}
	requirePushRefused(t, p.pushObject(t, p.portal.requestObject(t, map[string]any{"response_mode": "fragment.jwt"})), oauth.InvalidRequest)
}

func TestSignedResponseUsesTheAlgorithmOfTheRegistration(t *testing.T) {
	t.Parallel()
	keys, err := keystore.Generate(jose.ES256, jose.PS256, jose.RS256)
	require.NoError(t, err)
	p := newProvider(t, func(c *oauth.Config) {
		c.Keys = keys
		c.AuthorizationResponseAlgorithms = []jose.SignatureAlgorithm{jose.RS256, jose.PS256, jose.ES256}
	})
	p.keys = keys
	require.Equal(t, p.config.AuthorizationResponseAlgorithms, p.Metadata().AuthorizationSigningAlgs)
	query := with(p.portal.request(), "response_mode", "jwt")
	for registered, want := range map[jose.SignatureAlgorithm]jose.SignatureAlgorithm{
		"": jose.ES256, jose.ES256: jose.ES256, jose.PS256: jose.PS256, jose.RS256: jose.RS256,
	} {
		client := *p.portal.client
		client.AuthorizationResponseAlgorithm = registered
		p.clients.put(&client)
		responseClaims(t, p, p.portal, want, response(t, p.authorize(query)).Get("response"))
	}
}

// A default that the profile of the client does not allow gives way to another algorithm.
func TestSignedResponseKeepsToTheProfile(t *testing.T) {
	t.Parallel()
	keys, err := keystore.Generate(jose.RS256, jose.PS256)
	require.NoError(t, err)
	p := newMessageSigning(t, func(c *oauth.Config) {
		c.Keys, c.AccessTokenAlgorithm = keys, jose.RS256
		c.AuthorizationResponseAlgorithms = []jose.SignatureAlgorithm{jose.RS256, jose.PS256}
	})
	p.keys = keys
	pushed := p.pushObject(t, p.portal.requestObject(t, map[string]any{"response_mode": "jwt"}))
	responseClaims(t, p, p.portal, jose.PS256, response(t, p.open(t, pushed)).Get("response"))

	config := p.config
	config.AuthorizationResponseAlgorithms = nil
	p.Server, err = oauth.New(config)
	require.NoError(t, err)
	requirePushRefused(t, p.pushObject(t, p.portal.requestObject(t, map[string]any{"response_mode": "jwt"})), oauth.InvalidRequest)
}

// Whoever keeps the response gives the client the same one each time, in each mode.
func TestResponseCanBeStoredAndRepeated(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	for _, mode := range []oauth.ResponseMode{"", oauth.ModeQuery, oauth.ModeFormPost, oauth.ModeJWT, oauth.ModeQueryJWT, oauth.ModeFormPostJWT} {
		req := &oauth.AuthorizationRequest{
			ClientID: "portal", RedirectURI: "https://portal.example/cb?a=1", Scope: []string{"openid"}, State: "s", ResponseMode: mode,
		}
		approved, err := p.Approve(t.Context(), req, p.grant(), store.NewHandle())
		require.NoError(t, err)
		require.True(t, approved.Parameters.Has("code"), "the provider's own pages can tell a grant from a denial")
		stored, err := json.Marshal(approved)
		require.NoError(t, err)
		var repeated oauth.AuthorizationResponse
		require.NoError(t, json.Unmarshal(stored, &repeated))
		first, second := httptest.NewRecorder(), httptest.NewRecorder()
		approved.Write(first)
		repeated.Write(second)
		require.Equal(t, first, second, mode)
	}
}

// However often and at once a login is approved with one code, every signed response has this code, and one redemption
// succeeds.
func TestSignedResponsesOfOneLoginHaveOneCode(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	response(t, p.authorize(with(p.portal.request(), "response_mode", "jwt")))
	code := store.NewHandle()
	responses := make([]*oauth.AuthorizationResponse, 16)
	errs := make([]error, len(responses))
	race(len(responses), func(i int) {
		responses[i], errs[i] = p.Approve(t.Context(), p.login.begun, p.grant(), code)
	})
	require.NoError(t, errors.Join(errs...))
	for _, r := range responses {
		require.Equal(t, code, responseClaims(t, p, p.portal, jose.ES256, r.JWT)["code"])
	}
	p.redeem(t, p.portal, code)
	require.Equal(t, http.StatusBadRequest, post(p.TokenHandler(), p.portal.redemption(t, code)).Code)
}

// faultyKeys cannot sign while it is down.
type faultyKeys struct {
	keystore.Keystore
	down bool
}

func (k *faultyKeys) Signer(ctx context.Context, role keystore.Role, alg jose.SignatureAlgorithm) (*keystore.Key, error) {
	if k.down {
		return nil, errors.New("zebra: the HSM does not answer")
	}
	return k.Keystore.Signer(ctx, keystore.TokenSigning, alg)
}

// Without the signature there is no code, and the login can be completed later; an error goes unsigned.
func TestOutageOfTheSigningKey(t *testing.T) {
	t.Parallel()
	keys := &faultyKeys{}
	p := newProvider(t, func(c *oauth.Config) { keys.Keystore, c.Keys = c.Keys, keys })
	response(t, p.authorize(with(p.portal.request(), "response_mode", "jwt")))
	code := store.NewHandle()
	keys.down = true
	approved, err := p.Approve(t.Context(), p.login.begun, p.grant(), code)
	require.Error(t, err)
	require.Nil(t, approved)
	denied := p.Deny(t.Context(), p.login.begun, &oauth.Error{Code: oauth.AccessDenied}, "t")
	require.Empty(t, denied.JWT)
	require.Equal(t, "https://portal.example/cb?error=access_denied&iss=https%3A%2F%2Fid.example&state=state-of-portal", denied.URL())
	require.Contains(t, p.logs.String(), "not signed")

	keys.down = false
	approved, err = p.Approve(t.Context(), p.login.begun, p.grant(), code)
	require.NoError(t, err)
	require.Equal(t, code, responseClaims(t, p, p.portal, jose.ES256, approved.JWT)["code"])
	p.redeem(t, p.portal, code)
}

func TestRequestKeepsItsModeWhileItIsStored(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	plain := p.portal.request()
	response(t, p.authorize(plain))
	require.Empty(t, p.login.begun.ResponseMode)
	response(t, p.authorize(with(plain, "response_mode", "query")))
	require.Empty(t, p.login.begun.ResponseMode, "the default")
	response(t, p.authorize(with(plain, "response_mode", "query.jwt")))
	stored, err := json.Marshal(p.login.begun)
	require.NoError(t, err)
	members := map[string]any{}
	require.NoError(t, json.Unmarshal(stored, &members))
	require.Equal(t, "query.jwt", members["response_mode"])
	require.Equal(t, "ES256", members["authorization_signed_response_alg"])
}
