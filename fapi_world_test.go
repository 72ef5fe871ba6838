package signet_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet"
	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/mock"
	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/store/memory"
)

const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// fapiWorld is a provider behind TLS with two clients under FAPI 2.0, an ordinary one beside them, and people.
type fapiWorld struct {
	t        *testing.T
	server   *httptest.Server
	issuer   string
	keys     *keystore.Memory
	people   []mock.Persona
	person   mock.Persona // the first of them
	ahead    atomic.Int64
	config   signet.Config
	provider atomic.Pointer[signet.Provider]
	portal   *party // FAPI 2.0
	clinic   *party // FAPI 2.0
	library  *party // bearer tokens, nothing pushed
}

func newFAPIWorld(t *testing.T, changes ...func(*signet.Config)) *fapiWorld {
	t.Helper()
	w := &fapiWorld{t: t, server: httptest.NewUnstartedServer(nil)}
	w.issuer = "https://" + w.server.Listener.Addr().String()
	w.portal, w.clinic, w.library = w.newParty("portal"), w.newParty("clinic"), w.newParty("library")
	w.portal.client.Profile, w.clinic.client.Profile = oauth.ProfileFAPI2, oauth.ProfileFAPI2
	state, err := memory.New(memory.Config{Now: w.now})
	require.NoError(t, err)
	t.Cleanup(func() { state.Close() })
	people, err := mock.New(mock.Config{Password: "password", Store: state, Now: w.now})
	require.NoError(t, err)
	w.people = people.Personas()
	w.person = w.people[0]
	w.keys, err = keystore.Generate(jose.ES256)
	require.NoError(t, err)
	clients, err := oauth.NewStaticClients(w.portal.client, w.clinic.client, w.library.client)
	require.NoError(t, err)
	secret := make([]byte, 32)
	rand.Read(secret)
	config := signet.Config{
		Issuer: w.issuer, Clients: clients, Authenticator: people, Keys: w.keys, Store: state, PairwiseSecret: secret,
		ACRs: authenticator.ACRs{{Value: "code", Alternatives: []authenticator.FactorSet{{authenticator.OTP}}}},
		Now:  w.now,
	}
	for _, change := range changes {
		change(&config)
	}
	w.config = config
	w.restart()
	w.server.Config.Handler = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { w.provider.Load().ServeHTTP(rw, r) })
	w.server.StartTLS()
	t.Cleanup(w.server.Close)
	return w
}

// restart puts a new provider in the place of the old one, as a deployment does, with the same state.
func (w *fapiWorld) restart(changes ...func(*signet.Config)) {
	w.t.Helper()
	for _, change := range changes {
		change(&w.config)
	}
	provider, err := signet.New(w.config)
	require.NoError(w.t, err)
	w.provider.Store(provider)
}

func (w *fapiWorld) now() time.Time { return time.Now().Add(time.Duration(w.ahead.Load())) }

// pass lets time go by.
func (w *fapiWorld) pass(d time.Duration) { w.ahead.Add(int64(d)) }

// newHTTP returns a client that trusts the provider's certificate and follows no redirects.
func (w *fapiWorld) newHTTP() *http.Client {
	jar, err := cookiejar.New(nil)
	require.NoError(w.t, err)
	return &http.Client{
		Transport: w.server.Client().Transport, Jar: jar,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// answer is a response that was read.
type answer struct {
	status int
	header http.Header
	body   string
	url    *url.URL
}

// send makes a request with headers, given as name, value, name, value.
func (w *fapiWorld) send(client *http.Client, method, target, body string, headers ...string) *answer {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), method, target, strings.NewReader(body))
	require.NoError(w.t, err)
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	response, err := client.Do(r)
	require.NoError(w.t, err)
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	require.NoError(w.t, err)
	return &answer{response.StatusCode, response.Header, string(content), response.Request.URL}
}

func (a *answer) json(t *testing.T) map[string]any {
	t.Helper()
	var v map[string]any
	require.NoError(t, json.Unmarshal([]byte(a.body), &v), a.body)
	return v
}

// refused expects an error for the client, with one of the codes.
func (a *answer) refused(t *testing.T, status int, codes ...oauth.ErrorCode) {
	t.Helper()
	require.Equal(t, status, a.status, a.body)
	require.Contains(t, codes, oauth.ErrorCode(a.json(t)["error"].(string)), a.body)
	require.NotContains(t, a.body, "token\":")
}

// party is a client with the key of its registration, and another that its tokens are bound to.
type party struct {
	w      *fapiWorld
	client *oauth.Client
	key    *ecdsa.PrivateKey
	dpop   *ecdsa.PrivateKey
}

func (w *fapiWorld) newParty(id string) *party {
	w.t.Helper()
	c := &party{w: w, key: w.newKey(), dpop: w.newKey()}
	c.client = &oauth.Client{
		ID:                 id,
		Names:              map[string]string{"": id},
		RedirectURIs:       []string{"https://" + id + ".example/cb?tenant=7"},
		Keys:               jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: c.key.Public(), KeyID: id + "-1"}}},
		AssertionAlgorithm: jose.ES256,
		Scopes:             []string{"openid", "email", "records"},
	}
	return c
}

func (w *fapiWorld) newKey() *ecdsa.PrivateKey {
	w.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(w.t, err)
	return key
}

// assertion mints a client assertion; changes replace its claims.
func (c *party) assertion(changes ...map[string]any) string {
	now := c.w.now()
	return c.w.jwt(c.key, &jose.SignerOptions{}, map[string]any{
		"iss": c.client.ID, "sub": c.client.ID, "aud": c.w.issuer, "jti": rand.Text(),
		"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(time.Minute).Unix(),
	}, changes...)
}

// proof mints a proof; changes replace its claims.
func (w *fapiWorld) proof(key *ecdsa.PrivateKey, method, target string, changes ...map[string]any) string {
	return w.jwt(key, (&jose.SignerOptions{EmbedJWK: true}).WithType("dpop+jwt"), map[string]any{
		"jti": rand.Text(), "htm": method, "htu": target, "iat": w.now().Unix(),
	}, changes...)
}

func (w *fapiWorld) jwt(key *ecdsa.PrivateKey, options *jose.SignerOptions, claims map[string]any, changes ...map[string]any) string {
	w.t.Helper()
	for _, change := range changes {
		maps.Copy(claims, change)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key}, options)
	require.NoError(w.t, err)
	payload, err := json.Marshal(claims)
	require.NoError(w.t, err)
	jws, err := signer.Sign(payload)
	require.NoError(w.t, err)
	token, err := jws.CompactSerialize()
	require.NoError(w.t, err)
	return token
}

func thumbprint(t *testing.T, key crypto.Signer) string {
	t.Helper()
	sum, err := (&jose.JSONWebKey{Key: key.Public()}).Thumbprint(crypto.SHA256)
	require.NoError(t, err)
	return base64.RawURLEncoding.EncodeToString(sum)
}

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// attempt is one login as the client keeps it, in the session of a browser.
type attempt struct {
	*party
	state, nonce, verifier string
	requestURI             string
}

// request is the authorization request of an attempt, as it is pushed or put into a query.
func (a *attempt) request() url.Values {
	return url.Values{
		"response_type": {"code"}, "client_id": {a.client.ID}, "redirect_uri": {a.client.RedirectURIs[0]},
		"scope": {"openid email"}, "state": {a.state}, "nonce": {a.nonce},
		"code_challenge": {digest(a.verifier)}, "code_challenge_method": {"S256"},
	}
}

func (c *party) attempt() *attempt {
	return &attempt{party: c, state: rand.Text(), nonce: rand.Text(), verifier: rand.Text() + rand.Text()}
}

// begin pushes a request; changes are made to it before.
func (c *party) begin(changes ...func(url.Values)) *attempt {
	c.w.t.Helper()
	a := c.attempt()
	form := a.request()
	for _, change := range changes {
		change(form)
	}
	pushed := c.push(form)
	require.Equal(c.w.t, http.StatusCreated, pushed.status, pushed.body)
	a.requestURI = pushed.json(c.w.t)["request_uri"].(string)
	return a
}

// push sends a request to PAR, with an assertion unless it has one.
func (c *party) push(form url.Values, proofs ...string) *answer {
	c.w.t.Helper()
	return c.call("/par", form, proofs...)
}

// call sends a form to an endpoint that clients call, with an assertion unless it has one.
func (c *party) call(path string, form url.Values, proofs ...string) *answer {
	c.w.t.Helper()
	form = maps.Clone(form)
	if !form.Has("client_assertion") {
		form.Set("client_assertion_type", assertionType)
		form.Set("client_assertion", c.assertion())
	}
	var headers []string
	for _, proof := range proofs {
		headers = append(headers, "DPoP", proof)
	}
	return c.w.send(c.w.server.Client(), http.MethodPost, c.w.issuer+path, form.Encode(), headers...)
}

// url is where the client sends the browser.
func (a *attempt) url() string {
	return a.w.issuer + "/authorize?" + url.Values{"client_id": {a.client.ID}, "request_uri": {a.requestURI}}.Encode()
}

// redemption is the token request for a code.
func (a *attempt) redemption(code string) url.Values {
	return url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {a.client.RedirectURIs[0]},
		"code_verifier": {a.verifier},
	}
}

// redeem sends the token request with a proof by the key.
func (a *attempt) redeem(code string, key *ecdsa.PrivateKey) *answer {
	a.w.t.Helper()
	return a.call("/token", a.redemption(code), a.w.proof(key, http.MethodPost, a.w.issuer+"/token"))
}

// accept is what a good client does with an authorization response: it compares state and iss before anything else.
// The code is empty if the response is not the one that it waits for, or is an error.
func (a *attempt) accept(callback *url.URL) (code string) {
	q := callback.Query()
	if q.Get("state") != a.state || q.Get("iss") != a.w.issuer {
		return ""
	}
	return q.Get("code")
}

// tokens completes the attempt with the callback that the browser brought.
func (a *attempt) tokens(callback *url.URL) map[string]any {
	a.w.t.Helper()
	code := a.accept(callback)
	require.NotEmpty(a.w.t, code, callback)
	redeemed := a.redeem(code, a.dpop)
	require.Equal(a.w.t, http.StatusOK, redeemed.status, redeemed.body)
	return redeemed.json(a.w.t)
}

// login takes the person through a login in a browser of their own, and returns the access token.
func (c *party) login() string {
	c.w.t.Helper()
	a := c.begin()
	return a.tokens(c.w.newVisitor().login(a.url()))["access_token"].(string)
}

// userinfo shows a token with a proof by the key, made for this token.
func (w *fapiWorld) userinfo(token string, key *ecdsa.PrivateKey) *answer {
	w.t.Helper()
	proof := w.proof(key, http.MethodGet, w.issuer+"/userinfo", map[string]any{"ath": digest(token)})
	return w.show("DPoP "+token, proof)
}

func (w *fapiWorld) show(authorization string, proofs ...string) *answer {
	w.t.Helper()
	headers := []string{"Authorization", authorization}
	for _, proof := range proofs {
		headers = append(headers, "DPoP", proof)
	}
	return w.send(w.server.Client(), http.MethodGet, w.issuer+"/userinfo", "", headers...)
}

// claims verifies a token of the provider and returns its claims.
func (w *fapiWorld) claims(token string) map[string]any {
	w.t.Helper()
	jws, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.ES256})
	require.NoError(w.t, err)
	keys, err := w.keys.Keys(w.t.Context())
	require.NoError(w.t, err)
	payload, err := jws.Verify(keys[0])
	require.NoError(w.t, err)
	var claims map[string]any
	require.NoError(w.t, json.Unmarshal(payload, &claims))
	return claims
}
