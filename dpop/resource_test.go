package dpop_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/dpop"
	"github.com/gosignet/signet/store"
)

const (
	baseURL     = "https://rs.example/api"
	resourceURL = baseURL + "/people/me"
)

// tokens are the access tokens of these tests, and the keys to which they are bound.
func tokens(_ context.Context, token string) (*dpop.Token, error) {
	switch token {
	case accessToken:
		return &dpop.Token{Thumbprint: thumbprint(ecKey()), Claims: "somebody"}, nil
	case "rsa":
		return &dpop.Token{Thumbprint: thumbprint(rsaKey())}, nil
	case "nonce":
		return &dpop.Token{Thumbprint: thumbprint(ecKey()), RequireNonce: true}, nil
	case "unbound":
		return &dpop.Token{Claims: "anybody"}, nil
	case "outage":
		return nil, errors.New("the database says no")
	case "nothing":
		return nil, nil
	}
	return nil, fmt.Errorf("%w: revoked", dpop.ErrInvalidToken)
}

// resource is a guarded resource that says who is there.
func resource(t testing.TB, v *dpop.Verifier, change func(*dpop.ResourceConfig)) http.Handler {
	t.Helper()
	config := dpop.ResourceConfig{Verifier: v, Tokens: tokens, BaseURL: baseURL}
	if change != nil {
		change(&config)
	}
	s, err := dpop.NewResource(config)
	require.NoError(t, err)
	return s.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		access, ok := dpop.FromContext(r.Context())
		if !ok {
			http.Error(w, "no access", http.StatusInternalServerError)
			return
		}
		fmt.Fprint(w, access.Token.Claims)
	}))
}

// ways are how a Resource finds tokens.
var ways = map[string]func(*dpop.ResourceConfig){
	"by themselves":     func(*dpop.ResourceConfig) {},
	"in one round trip": inBatch,
}

func inBatch(c *dpop.ResourceConfig) {
	c.Tokens, c.TokensIn = nil, func(_ *store.Batch, token string) func(context.Context) (*dpop.Token, error) {
		return func(ctx context.Context) (*dpop.Token, error) { return tokens(ctx, token) }
	}
}

// inEveryWay runs a test for each of the ways.
func inEveryWay(t *testing.T, test func(t *testing.T, way func(*dpop.ResourceConfig))) {
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, way)
		})
	}
}

// get asks for the resource; a proof that is empty is not sent.
func get(h http.Handler, authorization string, proofs ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", "http://10.0.0.1:8080/people/me?fields=all", nil)
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	r.Header["Dpop"] = proofs
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestEveryTokenNeedsItsOwnKey(t *testing.T) {
	t.Parallel()
	inEveryWay(t, everyTokenNeedsItsOwnKey)
}

func everyTokenNeedsItsOwnKey(t *testing.T, way func(*dpop.ResourceConfig)) {
	guarded := resource(t, newVerifier(t, newClock(), nil), way)
	for token, alg := range map[string]jose.SignatureAlgorithm{accessToken: jose.ES256, "rsa": jose.PS256} {
		for _, by := range []jose.SignatureAlgorithm{jose.ES256, jose.PS256, jose.EdDSA} {
			claims := newDraft("GET", resourceURL, start).withToken(token).claims
			w := get(guarded, "DPoP "+token, foreignProof(by, signer(by), claims))
			assert.Equal(t, by == alg, w.Code == http.StatusOK, "%s by %s", token, by)
			if by != alg {
				assert.Contains(t, w.Header().Get("WWW-Authenticate"), `error="invalid_token"`)
			}
		}
	}
}

func TestTokensThatAreRefused(t *testing.T) {
	t.Parallel()
	inEveryWay(t, tokensThatAreRefused)
}

func tokensThatAreRefused(t *testing.T, way func(*dpop.ResourceConfig)) {
	for name, tc := range map[string]struct {
		authorization, challenge string
		status                   int
	}{
		"unknown":                    {"DPoP unknown", `DPoP error="invalid_token", `, 401},
		"bound to no key, as Bearer": {"Bearer unbound", `DPoP error="invalid_token", `, 401},
		"bound to no key":            {"DPoP unbound", `DPoP error="invalid_token", `, 401},
		"none":                       {"", `DPoP algs=`, 401},
		"of another kind":            {"Basic dXNlcjpwYXNz", `DPoP algs=`, 401},
		"empty":                      {"DPoP ", `DPoP error="invalid_token", `, 401},
		"no scheme":                  {accessToken, `DPoP error="invalid_token", `, 401},
		"two":                        {"DPoP a b", `DPoP error="invalid_token", `, 401},
		"with a comma":               {"DPoP a,b", `DPoP error="invalid_token", `, 401},
		"padding only":               {"DPoP ==", `DPoP error="invalid_token", `, 401},
		"nobody can tell":            {"DPoP outage", "", 503},
		"verifier that is wrong":     {"DPoP nothing", "", 503},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			guarded := resource(t, newVerifier(t, newClock(), nil), func(c *dpop.ResourceConfig) {
				way(c)
				c.Logger = slog.New(slog.NewTextHandler(&log, nil))
			})
			_, token, _ := strings.Cut(tc.authorization, " ")
			w := get(guarded, tc.authorization, newDraft("GET", resourceURL, start).withToken(token).sign())
			assert.Equal(t, tc.status, w.Code)
			assert.True(t, strings.HasPrefix(w.Header().Get("WWW-Authenticate"), tc.challenge), w.Header())
			assert.Equal(t, "no-store", w.Header().Get("Cache-Control"))
			for _, secret := range []string{"database", "revoked"} {
				assert.NotContains(t, w.Body.String()+fmt.Sprint(w.Header()), secret)
			}
			if tc.status == 503 {
				assert.Contains(t, log.String(), "level=ERROR")
				assert.NotEmpty(t, w.Header().Get("Retry-After"))
				assert.JSONEq(t, `{"error":"temporarily_unavailable","error_description":"the service is temporarily unavailable"}`, w.Body.String())
				assert.Empty(t, w.Header().Get("WWW-Authenticate"))
			}
			assert.NotContains(t, log.String(), accessToken)
		})
	}
	t.Run("two header fields", func(t *testing.T) {
		t.Parallel()
		r := httptest.NewRequest("GET", "/people/me", nil)
		r.Header["Authorization"] = []string{"DPoP " + accessToken, "DPoP " + accessToken}
		r.Header["Dpop"] = []string{newDraft("GET", resourceURL, start).withToken(accessToken).sign()}
		w := httptest.NewRecorder()
		resource(t, newVerifier(t, newClock(), nil), way).ServeHTTP(w, r)
		assert.Equal(t, http.StatusUnauthorized, w.Code)
	})
	t.Run("outage of the store", func(t *testing.T) {
		t.Parallel()
		guarded := resource(t, newVerifier(t, newClock(), func(c *dpop.Config) { c.Store = broken{} }), way)
		w := get(guarded, "DPoP "+accessToken, newDraft("GET", resourceURL, start).withToken(accessToken).sign())
		assert.Equal(t, http.StatusServiceUnavailable, w.Code)
		assert.NotContains(t, w.Body.String(), errDown.Error())
	})
}

func TestBearerTokensBesideBoundOnes(t *testing.T) {
	t.Parallel()
	inEveryWay(t, bearerTokensBesideBoundOnes)
}

func bearerTokensBesideBoundOnes(t *testing.T, way func(*dpop.ResourceConfig)) {
	guarded := resource(t, newVerifier(t, newClock(), nil), func(c *dpop.ResourceConfig) {
		way(c)
		c.AllowBearer = true
	})
	proof := func(token string) string { return newDraft("GET", resourceURL, start).withToken(token).sign() }

	w := get(guarded, "bearer unbound")
	assert.Equal(t, http.StatusOK, w.Code)
	assert.Equal(t, "anybody", w.Body.String())
	assert.Equal(t, http.StatusOK, get(guarded, "DPoP "+accessToken, proof(accessToken)).Code)

	const algs = `algs="ES256 PS256 EdDSA"`
	for authorization, want := range map[string][]string{
		"Bearer " + accessToken: {
			`Bearer error="invalid_token", error_description="the access token must be used with the scheme DPoP"`, "DPoP " + algs,
		},
		"Bearer unknown": {`Bearer error="invalid_token", error_description="the access token is not valid"`, "DPoP " + algs},
		"DPoP unbound": {
			`DPoP error="invalid_token", error_description="the access token is not bound to a key", ` + algs, "Bearer",
		},
		"": {"DPoP " + algs, "Bearer"},
	} {
		w := get(guarded, authorization, proof(accessToken))
		assert.Equal(t, http.StatusUnauthorized, w.Code, authorization)
		assert.Equal(t, want, w.Header().Values("WWW-Authenticate"), authorization)
	}
}

func TestNoncesAtAResource(t *testing.T) {
	t.Parallel()
	inEveryWay(t, noncesAtAResource)
}

func noncesAtAResource(t *testing.T, way func(*dpop.ResourceConfig)) {
	c := newClock()
	nonces := newNonces(t, c, secretA)
	guarded := resource(t, newVerifier(t, c, func(c *dpop.Config) { c.Nonces = nonces }), way)
	proof := func(nonce string) string {
		d := newDraft("GET", resourceURL, c.Now()).withToken("nonce")
		if nonce != "" {
			d.claims["nonce"] = nonce
		}
		return d.sign()
	}
	w := get(guarded, "DPoP nonce", proof(""))
	assert.Equal(t, http.StatusUnauthorized, w.Code)
	assert.Contains(t, w.Header().Get("WWW-Authenticate"), `DPoP error="use_dpop_nonce", `)
	assert.Equal(t, "no-store", w.Header().Get("Cache-Control"))
	given := w.Header().Values("DPoP-Nonce")
	require.Len(t, given, 1)

	w = get(guarded, "DPoP nonce", proof(given[0]))
	assert.Equal(t, http.StatusOK, w.Code)
	assert.Empty(t, w.Header().Values("DPoP-Nonce"), "the nonce is still the current one")
	c.Advance(time.Minute)
	w = get(guarded, "DPoP nonce", proof(given[0]))
	assert.Equal(t, http.StatusOK, w.Code)
	assert.Equal(t, []string{nonces.Current()}, w.Header().Values("DPoP-Nonce"), "the next one comes in time")
	assert.Equal(t, "no-store", w.Header().Get("Cache-Control"))
	c.Advance(time.Minute)
	w = get(guarded, "DPoP nonce", proof(given[0]))
	assert.Equal(t, http.StatusUnauthorized, w.Code)
	assert.Equal(t, []string{nonces.Current()}, w.Header().Values("DPoP-Nonce"))

	d := newDraft("GET", resourceURL, c.Now().Add(-time.Hour)).withToken("nonce")
	w = get(guarded, "DPoP nonce", d.sign())
	assert.Equal(t, []string{nonces.Current()}, w.Header().Values("DPoP-Nonce"), "a client whose clock is wrong needs one")

	w = get(guarded, "DPoP nonce")
	assert.Contains(t, w.Header().Get("WWW-Authenticate"), `error="invalid_dpop_proof"`, "a client that knows no DPoP gets no nonce")
	assert.Empty(t, w.Header().Values("DPoP-Nonce"))
}

func TestTheURLOfAResourceIsNotTheHostHeader(t *testing.T) {
	t.Parallel()
	v := newVerifier(t, newClock(), nil)
	ask := func(change func(*dpop.ResourceConfig), path, htu string) int {
		r := httptest.NewRequest("GET", "http://attacker.example"+path, nil)
		r.Header.Set("X-Forwarded-Host", "attacker.example")
		r.Header.Set("Authorization", "DPoP "+accessToken)
		r.Header["Dpop"] = []string{newDraft("GET", htu, start).withToken(accessToken).sign()}
		w := httptest.NewRecorder()
		resource(t, v, change).ServeHTTP(w, r)
		return w.Code
	}
	fixed := func(c *dpop.ResourceConfig) {
		c.BaseURL, c.URL = "", func(*http.Request) string { return "https://id.example/userinfo" }
	}
	slash := func(c *dpop.ResourceConfig) { c.BaseURL = "https://rs.example/" }
	assert.Equal(t, 200, ask(nil, "/a%2Fb", baseURL+"/a%2fb"))
	assert.Equal(t, 401, ask(nil, "/a%2Fb", baseURL+"/a/b"))
	assert.Equal(t, 401, ask(nil, "/a", "http://attacker.example/a"))
	assert.Equal(t, 200, ask(fixed, "/a", "https://id.example/userinfo"))
	assert.Equal(t, 401, ask(fixed, "/a", "https://id.example/a"))
	assert.Equal(t, 200, ask(slash, "/a", "https://rs.example/a"))
}

func TestNewResourceReportsAllMistakesAtOnce(t *testing.T) {
	t.Parallel()
	_, err := dpop.NewResource(dpop.ResourceConfig{})
	for _, text := range []string{"Verifier", "Tokens", "BaseURL"} {
		assert.ErrorContains(t, err, text)
	}
	v := newVerifier(t, newClock(), nil)
	for _, base := range []string{"rs.example", "/api", "https://rs.example?x", "https://rs.example#x"} {
		_, err := dpop.NewResource(dpop.ResourceConfig{Verifier: v, Tokens: tokens, BaseURL: base})
		assert.ErrorContains(t, err, "BaseURL", base)
	}
	url := func(*http.Request) string { return baseURL }
	_, err = dpop.NewResource(dpop.ResourceConfig{Verifier: v, Tokens: tokens, BaseURL: baseURL, URL: url})
	assert.Error(t, err)
	both := dpop.ResourceConfig{Verifier: v, BaseURL: baseURL}
	inBatch(&both)
	both.Tokens = tokens
	_, err = dpop.NewResource(both)
	assert.ErrorContains(t, err, "TokensIn")
	_, ok := dpop.FromContext(t.Context())
	assert.False(t, ok)
}

// TestOfManyRacingRequestsWithAProofOneIsLetIn races over two instances of the resource server.
func TestOfManyRacingRequestsWithAProofOneIsLetIn(t *testing.T) {
	t.Parallel()
	inEveryWay(t, ofManyRacingRequestsWithAProofOneIsLetIn)
}

func ofManyRacingRequestsWithAProofOneIsLetIn(t *testing.T, way func(*dpop.ResourceConfig)) {
	c := newClock()
	shared := newStore(c)
	share := func(c *dpop.Config) { c.Store = shared }
	instances := []http.Handler{resource(t, newVerifier(t, c, share), way), resource(t, newVerifier(t, c, share), way)}
	d := newDraft("GET", resourceURL, start).withToken(accessToken)
	d.claims["jti"] = rand.Text()
	proof := d.sign()
	codes := make(chan int, 64)
	for i := range cap(codes) {
		go func() { codes <- get(instances[i%2], "DPoP "+accessToken, proof).Code }()
	}
	count := make(map[int]int)
	for range cap(codes) {
		count[<-codes]++
	}
	assert.Equal(t, map[int]int{200: 1, 401: 63}, count)
}
