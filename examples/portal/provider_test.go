package portal_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/dpop"
	"github.com/gosignet/signet/store/memory"
)

const requestURI = "urn:ietf:params:oauth:request_uri:the-reference"

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
	assurance    map[string]any   // what the metadata say of verified claims
	encryptTo    *jose.JSONWebKey // the public key to which userinfo is encrypted
	unsigned     bool             // what is encrypted is plain JSON
	idTokenTo    *jose.JSONWebKey // and the ID Token
	revoked      bool             // the access token is worth nothing any more
	asked        int              // how often userinfo was asked

	proofs      *dpop.Verifier
	noPushing   bool   // there is no endpoint for pushed requests
	mustPush    bool   // and the metadata say so
	pushRefusal string // the error of pushed requests
	needsNonce  bool   // in DPoP proofs
	nonceAsked  int    // how often a proof came without
	unbound     bool   // a proof at the token endpoint is ignored
	boundTo     string // the key to which the code is bound, by its thumbprint
}

func newKey(t *testing.T, id string) jose.JSONWebKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	return jose.JSONWebKey{Key: key, KeyID: id, Algorithm: string(jose.ES256), Use: "sig"}
}

func newFakeProvider(t *testing.T) *fakeProvider {
	t.Helper()
	p := &fakeProvider{t: t, key: newKey(t, "provider"), proofs: newVerifier(t)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		if p.down {
			http.Error(w, "down", http.StatusServiceUnavailable)
			return
		}
		metadata := map[string]any{
			"issuer":                                p.issuer,
			"authorization_endpoint":                p.issuer + "/authorize",
			"token_endpoint":                        p.issuer + "/token",
			"userinfo_endpoint":                     p.issuer + "/userinfo",
			"jwks_uri":                              p.issuer + "/jwks",
			"pushed_authorization_request_endpoint": p.issuer + "/par",
			"require_pushed_authorization_requests": p.mustPush,
		}
		maps.Copy(metadata, p.assurance)
		if p.noPushing {
			delete(metadata, "pushed_authorization_request_endpoint")
		}
		p.writeJSON(w, metadata)
	})
	mux.HandleFunc("GET /jwks", func(w http.ResponseWriter, _ *http.Request) {
		p.writeJSON(w, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{p.key.Public()}})
	})
	mux.HandleFunc("POST /par", p.push)
	mux.HandleFunc("POST /token", p.token)
	mux.HandleFunc("GET /userinfo", p.serveUserinfo)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	p.issuer = server.URL
	return p
}

func newVerifier(t *testing.T) *dpop.Verifier {
	t.Helper()
	nonces, err := dpop.NewNonces(dpop.NoncesConfig{Secrets: [][]byte{make([]byte, 32)}})
	require.NoError(t, err)
	store, err := memory.New(memory.Config{})
	require.NoError(t, err)
	t.Cleanup(func() { store.Close() })
	verifier, err := dpop.New(dpop.Config{Store: store, Nonces: nonces})
	require.NoError(t, err)
	return verifier
}

// verifyProof returns the thumbprint of the key whose proof came with the request. If there is to be a nonce, the request
// without is answered.
func (p *fakeProvider) verifyProof(w http.ResponseWriter, r *http.Request, accessToken string) (thumbprint string, ok bool) {
	proof, err := p.proofs.Verify(dpop.Request{
		Header: r.Header, Method: r.Method, URL: p.issuer + r.URL.Path, AccessToken: accessToken, RequireNonce: p.needsNonce,
	})
	if e, refused := errors.AsType[*dpop.Error](err); refused && e.Code == dpop.UseNonce {
		p.nonceAsked++
		w.Header().Set(dpop.HeaderNonce, e.Nonce)
		if accessToken != "" {
			w.Header().Set("WWW-Authenticate", `DPoP error="use_dpop_nonce"`)
			w.WriteHeader(http.StatusUnauthorized)
			return "", false
		}
		p.writeError(w, string(e.Code))
		return "", false
	}
	if !assert.NoError(p.t, err) || !assert.NoError(p.t, proof.Consume(r.Context())) {
		return "", false
	}
	return proof.Thumbprint, true
}

func (p *fakeProvider) writeError(w http.ResponseWriter, code string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusBadRequest)
	assert.NoError(p.t, json.NewEncoder(w).Encode(map[string]string{"error": code}))
}

func (p *fakeProvider) push(w http.ResponseWriter, r *http.Request) {
	thumbprint, ok := p.verifyProof(w, r, "")
	if !ok {
		return
	}
	assert.NoError(p.t, r.ParseForm())
	p.checkAssertion(r.PostForm.Get("client_assertion"))
	if p.pushRefusal != "" {
		p.writeError(w, p.pushRefusal)
		return
	}
	p.request, p.boundTo = r.PostForm, thumbprint
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusCreated)
	assert.NoError(p.t, json.NewEncoder(w).Encode(map[string]any{"request_uri": requestURI, "expires_in": 60}))
}

func (p *fakeProvider) token(w http.ResponseWriter, r *http.Request) {
	accessToken, tokenType := "the-access-token", "Bearer"
	if p.boundTo != "" {
		thumbprint, ok := p.verifyProof(w, r, "")
		if !ok {
			return
		}
		assert.Equal(p.t, p.boundTo, thumbprint)
		if !p.unbound {
			tokenType = "DPoP"
			accessToken = p.sign(p.key, map[string]any{"cnf": map[string]string{"jkt": thumbprint}}, nil)
		}
	} else {
		assert.False(p.t, dpop.HasProof(r.Header))
	}
	assert.NoError(p.t, r.ParseForm())
	assert.Empty(p.t, r.Header.Get("Authorization"), "the client must use one way to authenticate")
	challenge := sha256.Sum256([]byte(r.PostForm.Get("code_verifier")))
	assert.Equal(p.t, p.request.Get("code_challenge"), base64.RawURLEncoding.EncodeToString(challenge[:]))
	assert.Equal(p.t, "S256", p.request.Get("code_challenge_method"))
	assert.Equal(p.t, p.request.Get("redirect_uri"), r.PostForm.Get("redirect_uri"))
	assert.Equal(p.t, "urn:ietf:params:oauth:client-assertion-type:jwt-bearer", r.PostForm.Get("client_assertion_type"))
	p.checkAssertion(r.PostForm.Get("client_assertion"))
	idToken := p.sign(p.key, map[string]any{
		"iss": p.issuer, "aud": "portal", "sub": "pairwise-1", "nonce": p.request.Get("nonce"),
		"iat": time.Now().Unix(), "exp": time.Now().Add(time.Minute).Unix(),
	}, p.idToken)
	p.writeJSON(w, map[string]any{
		"access_token": accessToken, "token_type": tokenType, "expires_in": 600, "id_token": p.encrypt(p.idTokenTo, idToken),
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
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if p.boundTo != "" {
		assert.Equal(p.t, "DPoP", scheme)
		thumbprint, ok := p.verifyProof(w, r, token)
		if !ok {
			return
		}
		assert.Equal(p.t, p.boundTo, thumbprint)
	} else {
		assert.Equal(p.t, "Bearer the-access-token", scheme+" "+token)
		assert.False(p.t, dpop.HasProof(r.Header))
	}
	p.asked++
	if p.revoked {
		w.Header().Set("WWW-Authenticate", scheme+` error="invalid_token", error_description="it was revoked"`)
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	claims := map[string]any{"iss": p.issuer, "aud": "portal", "sub": "pairwise-1", "name": "Ada Example"}
	if p.unsigned {
		plain, err := json.Marshal(merge(claims, p.userinfo))
		assert.NoError(p.t, err)
		w.Header().Set("Content-Type", "application/jwt")
		_, err = w.Write([]byte(p.encrypt(p.encryptTo, string(plain))))
		assert.NoError(p.t, err)
		return
	}
	if p.userinfoJSON {
		p.writeJSON(w, merge(claims, p.userinfo))
		return
	}
	key := p.key
	if p.userinfoKey != nil {
		key = *p.userinfoKey
	}
	w.Header().Set("Content-Type", "application/jwt")
	_, err := w.Write([]byte(p.encrypt(p.encryptTo, p.sign(key, claims, p.userinfo))))
	assert.NoError(p.t, err)
}

func (p *fakeProvider) sign(key jose.JSONWebKey, claims, changes map[string]any) string {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key}, nil)
	assert.NoError(p.t, err)
	token, err := jwt.Signed(signer).Claims(merge(claims, changes)).Serialize()
	assert.NoError(p.t, err)
	return token
}

// encrypt returns a text encrypted to the key, or as it is without one.
func (p *fakeProvider) encrypt(to *jose.JSONWebKey, text string) string {
	if to == nil {
		return text
	}
	recipient := jose.Recipient{Algorithm: jose.KeyAlgorithm(to.Algorithm), Key: to.Key, KeyID: to.KeyID}
	encrypter, err := jose.NewEncrypter(jose.A256GCM, recipient, new(jose.EncrypterOptions).WithContentType("JWT"))
	assert.NoError(p.t, err)
	jwe, err := encrypter.Encrypt([]byte(text))
	assert.NoError(p.t, err)
	token, err := jwe.CompactSerialize()
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
