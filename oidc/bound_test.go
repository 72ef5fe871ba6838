package oidc_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/dpop"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/oidc"
	"github.com/gosignet/signet/store/memory"
)

// newBound returns a fixture whose provider takes bound tokens, and a token of "health" that is bound to the key.
func newBound(t *testing.T, key *ecdsa.PrivateKey) (f *fixture, token string) {
	t.Helper()
	clock := func() time.Time { return now }
	state, err := memory.New(memory.Config{Now: clock})
	require.NoError(t, err)
	t.Cleanup(func() { state.Close() })
	nonces, err := dpop.NewNonces(dpop.NoncesConfig{Secrets: [][]byte{make([]byte, 32)}, Now: clock})
	require.NoError(t, err)
	verifier, err := dpop.New(dpop.Config{Store: state, Nonces: nonces, Now: clock})
	require.NoError(t, err)
	f = newFixture(t, func(c *oidc.Config) { c.DPoP = verifier })
	f.clients["health"].UserinfoJSON = true
	token = f.extended(t, "health", "openid email").AccessToken
	f.tokens[token].DPoPThumbprint = thumbprint(t, key)
	return f, token
}

func thumbprint(tb testing.TB, key crypto.Signer) string {
	tb.Helper()
	value, err := dpop.Thumbprint(jose.JSONWebKey{Key: key.Public()})
	require.NoError(tb, err)
	return value
}

func newECKey(tb testing.TB) *ecdsa.PrivateKey {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(tb, err)
	return key
}

// draft is a proof before it is signed; tests spoil it. It is signed with the standard library alone, so that it may be
// as wrong as can be.
type draft struct {
	header, claims map[string]any
	key            *ecdsa.PrivateKey
}

func newDraft(key *ecdsa.PrivateKey, token string) *draft {
	sum := sha256.Sum256([]byte(token))
	return &draft{
		header: map[string]any{"typ": "dpop+jwt", "alg": "ES256", "jwk": jose.JSONWebKey{Key: key.Public()}},
		claims: map[string]any{
			"jti": rand.Text(), "htm": "GET", "htu": issuer + "/userinfo", "iat": now.Unix(),
			"ath": base64.RawURLEncoding.EncodeToString(sum[:]),
		},
		key: key,
	}
}

func (d *draft) sign(tb testing.TB) string {
	tb.Helper()
	encode := func(v any) string {
		b, err := json.Marshal(v)
		require.NoError(tb, err)
		return base64.RawURLEncoding.EncodeToString(b)
	}
	input := encode(d.header) + "." + encode(d.claims)
	sum := sha256.Sum256([]byte(input))
	r, s, err := ecdsa.Sign(rand.Reader, d.key, sum[:])
	require.NoError(tb, err)
	signature := make([]byte, 64)
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return input + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// show sends a bound token with the proofs.
func (f *fixture) show(scheme, token string, proofs ...string) *httptest.ResponseRecorder {
	headers := []string{"Authorization", scheme + " " + token}
	for _, proof := range proofs {
		headers = append(headers, "DPoP", proof)
	}
	return f.call("GET", "/userinfo", "", headers...)
}

// The rows of dpop-negative-tests that are refused. Nothing of it harms the token: the correct proof works at the end.
func TestUserinfoRefusesAProof(t *testing.T) {
	t.Parallel()
	key, other := newECKey(t), newECKey(t)
	f, token := newBound(t, key)
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	for name, spoil := range map[string]func(d *draft){
		"without typ":                   func(d *draft) { delete(d.header, "typ") },
		"without alg":                   func(d *draft) { delete(d.header, "alg") },
		"without jwk":                   func(d *draft) { delete(d.header, "jwk") },
		"without jti":                   func(d *draft) { delete(d.claims, "jti") },
		"without htm":                   func(d *draft) { delete(d.claims, "htm") },
		"without htu":                   func(d *draft) { delete(d.claims, "htu") },
		"without iat":                   func(d *draft) { delete(d.claims, "iat") },
		"without ath":                   func(d *draft) { delete(d.claims, "ath") },
		"with another typ":              func(d *draft) { d.header["typ"] = "JWT" },
		"with alg none":                 func(d *draft) { d.header["alg"] = "none" },
		"with alg HS256":                func(d *draft) { d.header["alg"] = "HS256" },
		"that says RS256":               func(d *draft) { d.header["alg"], d.header["jwk"] = "RS256", jose.JSONWebKey{Key: rsaKey.Public()} },
		"with a private jwk":            func(d *draft) { d.header["jwk"] = jose.JSONWebKey{Key: key} },
		"for PUT":                       func(d *draft) { d.claims["htm"] = "PUT" },
		"for POST":                      func(d *draft) { d.claims["htm"] = "POST" },
		"for another URL":               func(d *draft) { d.claims["htu"] = issuer + "/token" },
		"for another host":              func(d *draft) { d.claims["htu"] = "https://evil.example/userinfo" },
		"of an hour ago":                func(d *draft) { d.claims["iat"] = now.Add(-time.Hour).Unix() },
		"of the next hour":              func(d *draft) { d.claims["iat"] = now.Add(time.Hour).Unix() },
		"with another ath":              func(d *draft) { d.claims["ath"] = newDraft(key, token+"x").claims["ath"] },
		"signed by another key":         func(d *draft) { d.key = other },
		"of another key altogether":     func(d *draft) { d.key, d.header["jwk"] = other, jose.JSONWebKey{Key: other.Public()} },
		"that expired":                  func(d *draft) { d.claims["exp"] = now.Add(-time.Minute).Unix() },
		"that is not valid yet":         func(d *draft) { d.claims["nbf"] = now.Add(time.Minute).Unix() },
		"with a nonce that is not ours": func(d *draft) { d.claims["nonce"] = "x" },
	} {
		d := newDraft(key, token)
		spoil(d)
		requireChallenge(t, f.show("DPoP", token, d.sign(t)), name)
	}
	good := func() string { return newDraft(key, token).sign(t) }
	tampered := good()
	for name, proofs := range map[string][]string{
		"that is missing": nil, "that is empty": {""}, "beside another": {good(), good()}, "of two parts": {"e30.e30"},
		"of four parts": {good() + ".x"}, "with a broken signature": {tampered[:len(tampered)-4] + "AAAA"},
	} {
		requireChallenge(t, f.show("DPoP", token, proofs...), name)
	}
	once := good()
	require.Equal(t, http.StatusOK, f.show("DPoP", token, once).Code)
	requireChallenge(t, f.show("DPoP", token, once), "that was used before")
	require.Equal(t, http.StatusOK, f.show("DPoP", token, good()).Code)
}

func requireChallenge(t *testing.T, w *httptest.ResponseRecorder, name string) {
	t.Helper()
	require.Equal(t, http.StatusUnauthorized, w.Code, name)
	require.NotContains(t, w.Body.String(), "dara", name)
	challenges := w.Header().Values("WWW-Authenticate")
	require.Condition(t, func() bool {
		for _, c := range challenges {
			if strings.HasPrefix(c, "DPoP ") && strings.Contains(c, `algs="ES256 PS256 EdDSA"`) {
				return true
			}
		}
		return false
	}, "%s: %q", name, challenges)
	require.Equal(t, "no-store", w.Header().Get("Cache-Control"), name)
}

// The rows of dpop-negative-tests that are accepted.
func TestUserinfoAcceptsAProof(t *testing.T) {
	t.Parallel()
	key := newECKey(t)
	f, token := newBound(t, key)
	for name, change := range map[string]func(d *draft){
		"as it should be":             func(*draft) {},
		"with a query and fragment":   func(d *draft) { d.claims["htu"] = issuer + "/userinfo?a=b#c" },
		"with a host in capitals":     func(d *draft) { d.claims["htu"] = "HTTPS://ID.EXAMPLE/userinfo" },
		"with the default port":       func(d *draft) { d.claims["htu"] = "https://id.example:443/userinfo" },
		"with unknown members":        func(d *draft) { d.header["x"], d.claims["y"] = 1, 2 },
		"with nbf and exp":            func(d *draft) { d.claims["nbf"], d.claims["exp"] = now.Unix(), now.Add(5*time.Minute).Unix() },
		"with an iat ten seconds ago": func(d *draft) { d.claims["iat"] = now.Add(-10 * time.Second).Unix() },
		"with an iat in ten seconds":  func(d *draft) { d.claims["iat"] = now.Add(10 * time.Second).Unix() },
	} {
		d := newDraft(key, token)
		change(d)
		w := f.show("DPoP", token, d.sign(t))
		require.Equal(t, http.StatusOK, w.Code, "%s: %s", name, w.Header())
		require.Contains(t, w.Body.String(), "dara@example.org", name)
	}
	for _, scheme := range []string{"DPoP", "dpop", "dPOp"} { // access-token-type-header-case-sensitivity
		require.Equal(t, http.StatusOK, f.show(scheme, token, newDraft(key, token).sign(t)).Code, scheme)
	}
}

func TestProofOfAPOSTToUserinfo(t *testing.T) {
	t.Parallel()
	key := newECKey(t)
	f, token := newBound(t, key)
	d := newDraft(key, token)
	requireChallenge(t, f.call("POST", "/userinfo", "", "Authorization", "DPoP "+token, "DPoP", d.sign(t)), "for GET")
	d = newDraft(key, token)
	d.claims["htm"] = "POST"
	require.Equal(t, http.StatusOK, f.call("POST", "/userinfo", "", "Authorization", "DPoP "+token, "DPoP", d.sign(t)).Code)
}

// A bound token is worth nothing as a bearer token, wherever it is put, with or without a proof by its key.
func TestInvariant5BoundTokenIsUselessAsABearerToken(t *testing.T) {
	t.Parallel()
	key := newECKey(t)
	f, token := newBound(t, key)
	proof := func() string { return newDraft(key, token).sign(t) }
	for name, w := range map[string]*httptest.ResponseRecorder{
		"in the header":                f.show("Bearer", token),
		"with a proof":                 f.show("Bearer", token, proof()),
		"in a form":                    f.call("POST", "/userinfo", "access_token="+token, "Content-Type", form),
		"in a form with a proof":       f.call("POST", "/userinfo", "access_token="+token, "Content-Type", form, "DPoP", proof()),
		"in the URL with a proof":      f.call("GET", "/userinfo?access_token="+token, "", "DPoP", proof()),
		"in two headers":               f.call("GET", "/userinfo", "", "Authorization", "Bearer "+token, "Authorization", "DPoP "+token, "DPoP", proof()),
		"with another scheme":          f.show("Basic", token, proof()),
		"with the scheme and no token": f.show("DPoP", "", proof()),
	} {
		assert.Contains(t, []int{400, 401}, w.Code, name)
		assert.NotContains(t, w.Body.String(), "dara", name)
		assert.NotEmpty(t, w.Header().Values("WWW-Authenticate"), name)
	}
	requireChallenge(t, f.show("Bearer", token), "in the header")
	require.Contains(t, f.show("Bearer", token).Header().Values("WWW-Authenticate")[0], `error="invalid_token"`)
}

func TestClientThatHasNoTokenYetLearnsBothSchemes(t *testing.T) {
	t.Parallel()
	f, _ := newBound(t, newECKey(t))
	w := f.call("GET", "/userinfo", "")
	requireChallenge(t, w, "no token")
	require.Equal(t, []string{`DPoP algs="ES256 PS256 EdDSA"`, "Bearer"}, w.Header().Values("WWW-Authenticate"))
}

func TestBearerTokensAreTakenBesideBoundOnes(t *testing.T) {
	t.Parallel()
	key := newECKey(t)
	f, _ := newBound(t, key)
	bearer := f.extended(t, "bank", "openid").AccessToken
	require.Equal(t, http.StatusOK, f.show("Bearer", bearer).Code)
	requireChallenge(t, f.show("DPoP", bearer, newDraft(key, bearer).sign(t)), "a bearer token with the scheme DPoP")
}

func TestBoundTokenWhereNoneAreKnown(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	token := f.extended(t, "health", "openid").AccessToken
	f.tokens[token].DPoPThumbprint = thumbprint(t, newECKey(t))
	require.Equal(t, http.StatusUnauthorized, f.show("Bearer", token).Code)
	require.Equal(t, http.StatusUnauthorized, f.show("DPoP", token).Code)
}

func TestUserinfoDemandsANonceOfTheClientsThatMustHaveOne(t *testing.T) {
	t.Parallel()
	key := newECKey(t)
	f, token := newBound(t, key)
	f.clients["health"].RequireDPoPNonce = true
	proof := newDraft(key, token)
	w := f.show("DPoP", token, proof.sign(t))
	requireChallenge(t, w, "without a nonce")
	require.Contains(t, w.Header().Get("WWW-Authenticate"), `error="use_dpop_nonce"`)
	require.Len(t, w.Header().Values("DPoP-Nonce"), 1)
	proof.claims["nonce"] = w.Header().Get("DPoP-Nonce")
	require.Equal(t, http.StatusOK, f.show("DPoP", token, proof.sign(t)).Code, "the jti was not used up")
}

func TestBoundTokenThatIsUnknownOrWhoseClientIsGone(t *testing.T) {
	t.Parallel()
	key := newECKey(t)
	f, token := newBound(t, key)
	requireChallenge(t, f.show("DPoP", "unknown", newDraft(key, "unknown").sign(t)), "unknown")
	delete(f.clients, "health")
	requireChallenge(t, f.show("DPoP", token, newDraft(key, token).sign(t)), "the client is gone")
}

func TestBoundTokenDuringAnOutage(t *testing.T) {
	t.Parallel()
	key := newECKey(t)
	f, token := newBound(t, key)
	r := httptest.NewRequest("GET", "/userinfo", nil)
	r.Header.Set("Authorization", "DPoP "+token)
	r.Header.Set("DPoP", newDraft(key, token).sign(t))
	w := httptest.NewRecorder()
	f.UserinfoHandler(brokenBackend{}).ServeHTTP(w, r)
	require.Equal(t, http.StatusServiceUnavailable, w.Code)
	require.NotContains(t, w.Body.String(), "10.1.2.3")
}

func TestBoundTokenWithoutTheScopeOpenID(t *testing.T) {
	t.Parallel()
	key := newECKey(t)
	f, token := newBound(t, key)
	f.tokens[token].Grant.Scope = []string{"records"}
	w := f.show("DPoP", token, newDraft(key, token).sign(t))
	require.Equal(t, http.StatusForbidden, w.Code)
	require.Regexp(t, `^DPoP error="insufficient_scope"`, w.Header().Get("WWW-Authenticate"))
}

// Of many requests with one proof one is answered.
func TestProofIsAcceptedOnceAtUserinfoUnderRace(t *testing.T) {
	t.Parallel()
	key := newECKey(t)
	f, token := newBound(t, key)
	proof := newDraft(key, token).sign(t)
	handler := f.UserinfoHandler(f.tokens)
	status := make([]int, 16)
	var group sync.WaitGroup
	for i := range status {
		group.Go(func() {
			r := httptest.NewRequest("GET", "/userinfo", nil)
			r.Header.Set("Authorization", "DPoP "+token)
			r.Header.Set("DPoP", proof)
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			status[i] = w.Code
		})
	}
	group.Wait()
	count := map[int]int{}
	for _, s := range status {
		count[s]++
	}
	require.Equal(t, map[int]int{200: 1, 401: 15}, count)
}

// ID Tokens and userinfo of a FAPI client are never signed with RS256, though others' are.
func TestTokensOfAFAPIClientAreNeverRS256(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(c *oidc.Config) {
		c.Algorithms, c.DefaultAlgorithm = []jose.SignatureAlgorithm{jose.RS256, jose.ES384, jose.PS256}, jose.RS256
	})
	f.clients["health"].Profile = oauth.ProfileFAPI2
	for client, want := range map[string]string{"health": "PS256", "bank": "RS256"} {
		x := f.extended(t, client, "openid")
		header, _ := open(t, x.Response["id_token"])
		assert.Equal(t, want, header.Algorithm, client)
		header, _ = open(t, f.call("GET", "/userinfo", "", "Authorization", "Bearer "+x.AccessToken).Body.String())
		assert.Equal(t, want, header.Algorithm, client)
	}
}

func TestFAPIClientForWhomThereIsNoKeyIsRefused(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(c *oidc.Config) {
		c.Algorithms, c.DefaultAlgorithm = []jose.SignatureAlgorithm{jose.RS256}, jose.RS256
	})
	f.clients["health"].Profile = oauth.ProfileFAPI2
	requireCode(t, oauth.UnauthorizedClient, f.CheckRequest(t.Context(), f.clients["health"], request("health", "openid")))
	require.NoError(t, f.CheckRequest(t.Context(), f.clients["bank"], request("bank", "openid")))
}
