package portal_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// fakeProvider is a small OpenID Provider whose answers a test can spoil. Its token endpoint insists on what the portal
// must send.
type fakeProvider struct {
	t      *testing.T
	issuer string
	key    jose.JSONWebKey
	client jose.JSONWebKey // public

	down         bool           // discovery fails
	request      url.Values     // the authorization request whose code is redeemed
	idToken      map[string]any // claims that differ from the right ones; nil removes one
	userinfo     map[string]any
	userinfoJSON bool
	userinfoKey  *jose.JSONWebKey // signs userinfo instead of key
}

func newKey(t *testing.T, id string) jose.JSONWebKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	return jose.JSONWebKey{Key: key, KeyID: id, Algorithm: string(jose.ES256), Use: "sig"}
}

func newFakeProvider(t *testing.T) *fakeProvider {
	t.Helper()
	p := &fakeProvider{t: t, key: newKey(t, "provider")}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		if p.down {
			http.Error(w, "down", http.StatusServiceUnavailable)
			return
		}
		p.writeJSON(w, map[string]any{
			"issuer":                 p.issuer,
			"authorization_endpoint": p.issuer + "/authorize",
			"token_endpoint":         p.issuer + "/token",
			"userinfo_endpoint":      p.issuer + "/userinfo",
			"jwks_uri":               p.issuer + "/jwks",
		})
	})
	mux.HandleFunc("GET /jwks", func(w http.ResponseWriter, _ *http.Request) {
		p.writeJSON(w, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{p.key.Public()}})
	})
	mux.HandleFunc("POST /token", p.token)
	mux.HandleFunc("GET /userinfo", p.serveUserinfo)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	p.issuer = server.URL
	return p
}

func (p *fakeProvider) token(w http.ResponseWriter, r *http.Request) {
	assert.NoError(p.t, r.ParseForm())
	assert.Empty(p.t, r.Header.Get("Authorization"), "the client must use one way to authenticate")
	challenge := sha256.Sum256([]byte(r.PostForm.Get("code_verifier")))
	assert.Equal(p.t, p.request.Get("code_challenge"), base64.RawURLEncoding.EncodeToString(challenge[:]))
	assert.Equal(p.t, "S256", p.request.Get("code_challenge_method"))
	assert.Equal(p.t, p.request.Get("redirect_uri"), r.PostForm.Get("redirect_uri"))
	assert.Equal(p.t, "urn:ietf:params:oauth:client-assertion-type:jwt-bearer", r.PostForm.Get("client_assertion_type"))
	p.checkAssertion(r.PostForm.Get("client_assertion"))
	p.writeJSON(w, map[string]any{
		"access_token": "the-access-token", "token_type": "Bearer", "expires_in": 600,
		"id_token": p.sign(p.key, map[string]any{
			"iss": p.issuer, "aud": "portal", "sub": "pairwise-1", "nonce": p.request.Get("nonce"),
			"iat": time.Now().Unix(), "exp": time.Now().Add(time.Minute).Unix(),
		}, p.idToken),
	})
}

func (p *fakeProvider) checkAssertion(text string) {
	token, err := jwt.ParseSigned(text, []jose.SignatureAlgorithm{jose.ES256})
	if !assert.NoError(p.t, err) {
		return
	}
	var claims jwt.Claims
	assert.NoError(p.t, token.Claims(p.client.Key, &claims))
	assert.Equal(p.t, "client-key", token.Headers[0].KeyID)
	assert.Equal(p.t, "portal", claims.Issuer)
	assert.Equal(p.t, "portal", claims.Subject)
	assert.Equal(p.t, jwt.Audience{p.issuer}, claims.Audience)
	assert.NotEmpty(p.t, claims.ID)
	assert.NoError(p.t, claims.ValidateWithLeeway(jwt.Expected{Time: time.Now()}, time.Second))
}

func (p *fakeProvider) serveUserinfo(w http.ResponseWriter, r *http.Request) {
	assert.Equal(p.t, "Bearer the-access-token", r.Header.Get("Authorization"))
	claims := map[string]any{"iss": p.issuer, "aud": "portal", "sub": "pairwise-1", "name": "Ada Example"}
	if p.userinfoJSON {
		p.writeJSON(w, merge(claims, p.userinfo))
		return
	}
	key := p.key
	if p.userinfoKey != nil {
		key = *p.userinfoKey
	}
	w.Header().Set("Content-Type", "application/jwt")
	_, err := w.Write([]byte(p.sign(key, claims, p.userinfo)))
	assert.NoError(p.t, err)
}

func (p *fakeProvider) sign(key jose.JSONWebKey, claims, changes map[string]any) string {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key}, nil)
	assert.NoError(p.t, err)
	token, err := jwt.Signed(signer).Claims(merge(claims, changes)).Serialize()
	assert.NoError(p.t, err)
	return token
}

func (p *fakeProvider) writeJSON(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	assert.NoError(p.t, json.NewEncoder(w).Encode(value))
}

func merge(claims, changes map[string]any) map[string]any {
	for name, value := range changes {
		if value == nil {
			delete(claims, name)
		} else {
			claims[name] = value
		}
	}
	return claims
}
