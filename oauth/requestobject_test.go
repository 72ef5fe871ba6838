package oauth_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/oauth"
)

const typeRequestObject = "oauth-authz-req+jwt"

// signs lets the portal sign its requests.
func signs(p *provider) *provider {
	p.portal.client.RequestObjectAlgorithm = jose.ES256
	return p
}

// newMessageSigning returns a provider at which the portal is held to FAPI 2.0 Message Signing.
func newMessageSigning(tb testing.TB, changes ...func(*oauth.Config)) *provider {
	tb.Helper()
	p := signs(newFAPI(tb, append([]func(*oauth.Config){func(c *oauth.Config) {
		c.Extension = &extension{parameters: []string{"nonce", "claims", "max_age"}}
	}}, changes...)...))
	p.portal.client.Profile = oauth.ProfileFAPI2MessageSigning
	return p
}

// push pushes the parameters with the portal's authentication.
func (p *provider) push(tb testing.TB, form url.Values) *httptest.ResponseRecorder {
	tb.Helper()
	return post(p.pushHandler(), p.portal.authenticated(tb, issuer, form))
}

// pushObject pushes a request object, and nothing beside it.
func (p *provider) pushObject(tb testing.TB, object string) *httptest.ResponseRecorder {
	tb.Helper()
	return p.push(tb, url.Values{"client_id": {"portal"}, "request": {object}})
}

// open opens a request that was pushed, and returns the answer at the client.
func (p *provider) open(tb testing.TB, pushed *httptest.ResponseRecorder) *httptest.ResponseRecorder {
	tb.Helper()
	require.Equal(tb, http.StatusCreated, pushed.Code, pushed.Body)
	uri := decode[map[string]any](tb, pushed)["request_uri"].(string)
	return p.authorize(p.portal.reference(uri))
}

// requestClaims are the claims of an honest request object; changes replace them, or remove them if they are nil.
func (c *party) requestClaims(changes map[string]any) map[string]any {
	now := c.clock.Now()
	claims := map[string]any{
		"iss": c.client.ID, "aud": issuer, "nbf": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(),
	}
	for name := range c.request() {
		claims[name] = c.request().Get(name)
	}
	maps.Copy(claims, changes)
	maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
	return claims
}

// requestObject signs an honest request object with changes.
func (c *party) requestObject(tb testing.TB, changes map[string]any) string {
	tb.Helper()
	return sign(tb, jose.ES256, jose.JSONWebKey{Key: c.key, KeyID: c.client.ID + "-1"}, typeRequestObject, c.requestClaims(changes))
}

// byValue is an authorization request with the object in it.
func (c *party) byValue(object string) url.Values {
	return url.Values{"client_id": {c.client.ID}, "request": {object}}
}

func TestPushedRequestObjectIsTheRequest(t *testing.T) {
	t.Parallel()
	p := newMessageSigning(t)
	opened := p.open(t, p.pushObject(t, p.portal.requestObject(t, map[string]any{"nonce": "n-1"})))
	parameters := response(t, opened)
	require.NotEmpty(t, parameters.Get("code"))
	require.Equal(t, "state-of-portal", parameters.Get("state"))
	require.Equal(t, []string{"openid", "records"}, p.login.begun.Scope)
	require.Equal(t, challenge(verifier), p.login.begun.CodeChallenge)
	require.Equal(t, map[string]string{"nonce": "n-1"}, p.login.begun.Parameters)

	require.Equal(t, "DPoP", p.redeemBound(t, p.portal, parameters.Get("code"), p.newHolder(t)).TokenType)
}

// The rows of FAPI 2.0 Message Signing that must succeed, named as the Foundation's suite names them.
func TestMessageSigningAccepts(t *testing.T) {
	t.Parallel()
	p := newMessageSigning(t)
	now := p.clock.Now()
	at := func(d time.Duration) int64 { return now.Add(d).Unix() }
	for name, changes := range map[string]map[string]any{
		"happy-flow": nil,
		"ensure-request-object-with-multiple-aud-succeeds":                       {"aud": []string{"https://a.example", issuer, "https://b.example"}},
		"ensure-request-object-with-nbf-8-seconds-in-the-future-is-accepted":     {"nbf": at(8 * time.Second), "exp": at(5 * time.Minute)},
		"ensure-authorization-request-without-state-success":                     {"state": nil},
		"ensure-authorization-request-with-long-state":                           {"state": strings.Repeat("s", 1000)},
		"nbf 59 minutes ago and exp 60 minutes after it":                         {"nbf": at(-59 * time.Minute), "exp": at(time.Minute)},
		"exp 60 minutes after nbf":                                               {"exp": at(time.Hour)},
		"exp just past, on a clock that differs":                                 {"exp": at(-5 * time.Second), "nbf": at(-time.Minute)},
		"jti, iat and unknown claims":                                            {"jti": "1", "iat": now.Unix(), "unknown": map[string]any{"a": []int{1}}},
		"parameters that are null":                                               {"response_mode": nil, "nonce": json.RawMessage("null"), "dpop_jkt": json.RawMessage("null")},
		"dates with a fraction":                                                  {"nbf": float64(now.Unix()) - 0.5},
		"ensure-authorization-request-with-64-char-nonce-success, in the claims": {"nonce": strings.Repeat("n", 64)},
	} {
		t.Run(name, func(t *testing.T) {
			parameters := response(t, p.open(t, p.pushObject(t, p.portal.requestObject(t, changes))))
			require.NotEmpty(t, parameters.Get("code"))
			want := "state-of-portal"
			if state, ok := changes["state"]; ok {
				want, _ = state.(string)
			}
			require.Equal(t, want, parameters.Get("state"))
			require.Equal(t, want != "", parameters.Has("state"))
		})
	}
}

// Client 2 of the suite spells typ in random case.
func TestTypeOfARequestObjectIsComparedWithoutCase(t *testing.T) {
	t.Parallel()
	p := newMessageSigning(t)
	for _, typ := range []string{typeRequestObject, "OAuth-Authz-Req+JWT", "application/oauth-authz-req+jwt"} {
		object := sign(t, jose.ES256, p.portal.key, typ, p.portal.requestClaims(nil))
		require.Equal(t, http.StatusCreated, p.pushObject(t, object).Code, typ)
	}
	for _, typ := range []string{"", "JWT", "dpop+jwt", "at+jwt", "client-authentication+jwt"} {
		object := sign(t, jose.ES256, p.portal.key, typ, p.portal.requestClaims(nil))
		requirePushRefused(t, p.pushObject(t, object), oauth.InvalidRequestObject)
	}
}

func requirePushRefused(tb testing.TB, rec *httptest.ResponseRecorder, code oauth.ErrorCode) {
	tb.Helper()
	require.Equal(tb, http.StatusBadRequest, rec.Code, rec.Body)
	require.Equal(tb, "application/json", rec.Header().Get("Content-Type"))
	body := decode[map[string]string](tb, rec)
	require.Equal(tb, string(code), body["error"], rec.Body)
	requireDescription(tb, body["error_description"])
	require.NotContains(tb, body["error_description"], zebra)
}

// The rows of FAPI 2.0 Message Signing about request objects that must fail, named as the Foundation's suite names them.
func TestMessageSigningRefuses(t *testing.T) {
	t.Parallel()
	p := newMessageSigning(t)
	now := p.clock.Now()
	at := func(d time.Duration) int64 { return now.Add(d).Unix() }
	for name, changes := range map[string]map[string]any{
		"ensure-request-object-without-exp-fails":          {"exp": nil},
		"ensure-request-object-without-nbf-fails":          {"nbf": nil},
		"ensure-expired-request-object-fails":              {"exp": at(-time.Hour), "nbf": at(-time.Hour - time.Minute)},
		"ensure-request-object-with-bad-aud-fails":         {"aud": "https://zebra.example"},
		"ensure-request-object-with-exp-over-60-fails":     {"exp": at(70 * time.Minute)},
		"ensure-request-object-with-nbf-over-60-fails":     {"nbf": at(-70 * time.Minute), "exp": at(time.Minute)},
		"par-authorization-request-containing-request_uri": {"request_uri": "urn:zebra"},
		"a request in the request":                         {"request": "zebra"},
		"a request_uri that is null":                       {"request_uri": json.RawMessage("null")},
		"nbf over 60 seconds in the future":                {"nbf": at(61 * time.Second)},
		"nbf over 60 minutes ago, in a window of 60":       {"nbf": at(-time.Hour - 10*time.Second), "exp": at(-11 * time.Second)},
		"iat over 60 seconds in the future":                {"iat": at(61 * time.Second)},
		"exp that is no number":                            {"exp": "tomorrow"},
		"nbf that is no number":                            {"nbf": true},
		"no aud":                                           {"aud": nil},
		"aud that is the PAR endpoint":                     {"aud": pushEndpoint},
		"aud that is an array without the issuer":          {"aud": []string{"https://zebra.example"}},
		"aud that is an empty array":                       {"aud": []string{}},
		"no iss":                                           {"iss": nil},
		"iss that is another client":                       {"iss": "clinic"},
		"no client_id":                                     {"client_id": nil},
		"client_id of another client":                      {"client_id": "clinic"},
		"client_id that is no text":                        {"client_id": 7},
	} {
		t.Run(name, func(t *testing.T) {
			requirePushRefused(t, p.pushObject(t, p.portal.requestObject(t, changes)), oauth.InvalidRequestObject)
		})
	}
}

var rsaKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

func TestMessageSigningRefusesSignaturesThatAreNotTheClients(t *testing.T) {
	t.Parallel()
	p := newMessageSigning(t)
	p.portal.client.RequestObjectAlgorithm = jose.PS256
	p.portal.client.Keys.Keys = append(p.portal.client.Keys.Keys, jwk(rsaKey(), "portal-rsa"))
	require.NoError(t, p.portal.client.Validate())
	claims := p.portal.requestClaims(nil)
	ps256 := sign(t, jose.PS256, rsaKey(), typeRequestObject, claims)
	require.Equal(t, http.StatusCreated, p.pushObject(t, ps256).Code)

	stranger, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	part := strings.Split(ps256, ".")
	none := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"` + typeRequestObject + `"}`))
	for name, object := range map[string]string{
		"ensure-signed-request-object-with-RS256-fails":             sign(t, jose.RS256, rsaKey(), typeRequestObject, claims),
		"ensure-request-object-signature-algorithm-is-not-none":     none + "." + part[1] + ".",
		"none with a signature":                                     none + "." + part[1] + "." + part[2],
		"ensure-request-object-with-invalid-signature-fails":        part[0] + "." + part[1] + "." + strings.Repeat("A", len(part[2])),
		"ensure-matching-key-in-authorization-request":              sign(t, jose.PS256, stranger, typeRequestObject, claims),
		"a registered key with an algorithm that is not registered": p.portal.requestObject(t, nil),
		"HMAC with the public key":                                  sign(t, jose.HS256, []byte(strings.Repeat("k", 32)), typeRequestObject, claims),
		"no signature":                                              part[0] + "." + part[1] + ".",
		"another payload":                                           part[0] + "." + base64.RawURLEncoding.EncodeToString([]byte(`{}`)) + "." + part[2],
		"an encrypted object":                                       strings.Join(append(part, "a", "b"), "."),
		"no JWT":                                                    zebra,
	} {
		t.Run(name, func(t *testing.T) {
			requirePushRefused(t, p.pushObject(t, object), oauth.InvalidRequestObject)
		})
	}
}

func TestUnsignedRequestIsRefusedWhereItMustBeSigned(t *testing.T) {
	t.Parallel()
	t.Run("ensure-unsigned-request-at-par-endpoint-fails", func(t *testing.T) {
		t.Parallel()
		p := newMessageSigning(t)
		requirePushRefused(t, p.push(t, p.portal.request()), oauth.InvalidRequest)
		requirePushRefused(t, p.push(t, with(p.portal.request(), "request", "")), oauth.InvalidRequest)
	})
	for name, require := range map[string]func(*provider, *oauth.Config){
		"of the client": func(p *provider, _ *oauth.Config) { p.portal.client.RequireSignedRequestObject = true },
		"of all":        func(_ *provider, c *oauth.Config) { c.RequireSignedRequestObjects = true },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := signs(newProvider(t))
			require(p, &p.config)
			p.Server = p.instance(t)
			p.login.server = p.Server
			requireAuthorizationError(t, p.authorize(p.portal.request()), oauth.InvalidRequest)
			response(t, p.authorize(p.portal.byValue(p.portal.requestObject(t, nil))))
		})
	}
}

func TestOnlyTheRequestObjectCounts(t *testing.T) {
	t.Parallel()
	p := newMessageSigning(t)
	outside := url.Values{
		"client_id": {"portal"}, "redirect_uri": {"https://zebra.example/cb"}, "scope": {"zebra"}, "response_type": {"token"},
		"nonce": {zebra}, "dpop_jkt": {zebra}, "code_challenge_method": {"plain"},
	}
	t.Run("state-only-outside-request-object-not-used", func(t *testing.T) {
		form := with(with(outside, "request", p.portal.requestObject(t, map[string]any{"state": nil})), "state", zebra)
		require.NotContains(t, response(t, p.open(t, p.push(t, form))), "state")
		require.Empty(t, p.login.begun.Parameters)
		require.Empty(t, p.login.begun.DPoPThumbprint)
	})
	t.Run("ensure-different-state-inside-and-outside-request-object", func(t *testing.T) {
		form := with(with(outside, "request", p.portal.requestObject(t, nil)), "state", zebra)
		require.Equal(t, "state-of-portal", response(t, p.open(t, p.push(t, form))).Get("state"))
	})
	t.Run("ensure-request-object-without-redirect-uri-fails", func(t *testing.T) {
		form := with(outside, "request", p.portal.requestObject(t, map[string]any{"redirect_uri": nil}))
		requirePushRefused(t, p.push(t, with(form, "redirect_uri", "https://portal.example/cb")), oauth.InvalidRequest)
	})
	t.Run("ensure-redirect-uri inside is registered", func(t *testing.T) {
		form := with(outside, "request", p.portal.requestObject(t, map[string]any{"redirect_uri": "https://clinic.example/cb"}))
		requirePushRefused(t, p.push(t, with(form, "redirect_uri", "https://portal.example/cb")), oauth.InvalidRequest)
	})
	t.Run("par-ensure-pkce-required", func(t *testing.T) {
		form := with(p.portal.request(), "request", p.portal.requestObject(t, map[string]any{"code_challenge": nil}))
		requirePushRefused(t, p.push(t, form), oauth.InvalidRequest)
	})
	t.Run("par-authorization-request-containing-request_uri-form-param", func(t *testing.T) {
		form := with(with(outside, "request", p.portal.requestObject(t, nil)), "request_uri", "urn:zebra")
		requirePushRefused(t, p.push(t, form), oauth.InvalidRequest)
	})
	t.Run("request twice", func(t *testing.T) {
		object := p.portal.requestObject(t, nil)
		requirePushRefused(t, p.push(t, with(outside, "request", object, object)), oauth.InvalidRequest)
	})
}

// A mistake in what was pushed costs the client its assertion and nothing else: the object can be pushed again.
func TestRequestObjectCanBePushedAgain(t *testing.T) {
	t.Parallel()
	p := newMessageSigning(t)
	object := p.portal.requestObject(t, map[string]any{"jti": "once"})
	for range 2 {
		require.NotEmpty(t, response(t, p.open(t, p.pushObject(t, object))).Get("code"))
	}
}
