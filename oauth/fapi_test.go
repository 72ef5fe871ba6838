package oauth_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/dpop"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/par"
	"github.com/gosignet/signet/store"
)

const pushEndpoint = issuer + "/par"

// pushing lets clients push requests and bind tokens to keys.
func pushing(tb testing.TB) func(*oauth.Config) {
	return func(c *oauth.Config) {
		requests, err := par.New(par.Config{Store: c.Store, Now: c.Now})
		require.NoError(tb, err)
		nonces, err := dpop.NewNonces(dpop.NoncesConfig{Secrets: [][]byte{make([]byte, 32)}, Now: c.Now})
		require.NoError(tb, err)
		c.DPoP, err = dpop.New(dpop.Config{Store: c.Store, Nonces: nonces, Now: c.Now})
		require.NoError(tb, err)
		c.Pushed, c.Endpoints.PushedRequests = requests, pushEndpoint
	}
}

// newFAPI returns a provider whose portal is held to the FAPI 2.0 profile by its registration. The clinic is an ordinary
// client.
func newFAPI(tb testing.TB, changes ...func(*oauth.Config)) *provider {
	tb.Helper()
	p := newProvider(tb, append([]func(*oauth.Config){pushing(tb)}, changes...)...)
	p.portal.client.Profile = oauth.ProfileFAPI2
	return p
}

// holder is the holder of a DPoP key.
type holder struct {
	key   *ecdsa.PrivateKey
	clock *clock
}

func (p *provider) newHolder(tb testing.TB) *holder {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(tb, err)
	return &holder{key, p.clock}
}

// proof mints a proof for a POST to the URL; changes replace its claims, or remove them if they are nil.
func (h *holder) proof(tb testing.TB, target string, changes map[string]any) string {
	tb.Helper()
	claims := map[string]any{"jti": rand.Text(), "htm": "POST", "htu": target, "iat": h.clock.Now().Unix()}
	maps.Copy(claims, changes)
	maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
	options := (&jose.SignerOptions{EmbedJWK: true}).WithType("dpop+jwt")
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: h.key}, options)
	require.NoError(tb, err)
	payload, err := json.Marshal(claims)
	require.NoError(tb, err)
	jws, err := signer.Sign(payload)
	require.NoError(tb, err)
	proof, err := jws.CompactSerialize()
	require.NoError(tb, err)
	return proof
}

func (h *holder) thumbprint(tb testing.TB) string {
	tb.Helper()
	thumbprint, err := dpop.Thumbprint(jose.JSONWebKey{Key: h.key.Public()})
	require.NoError(tb, err)
	return thumbprint
}

// postProved sends a form with the proofs, as a client does.
func postProved(h http.Handler, form url.Values, proofs ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header["Dpop"] = proofs
	return serve(h, r)
}

func (p *provider) pushHandler() http.Handler {
	return p.config.Pushed.(*par.Requests).Handler(p.Server, pushEndpoint)
}

// pushRequest is an honest request to PAR, with an assertion of its own.
func (c *party) pushRequest(tb testing.TB) url.Values {
	tb.Helper()
	form := c.request()
	form.Set("client_assertion_type", assertionType)
	form.Set("client_assertion", c.assertion(tb, nil))
	return form
}

// fapiRedemption is an honest token request under the profile, without its proof.
func (c *party) fapiRedemption(tb testing.TB, code string) url.Values {
	tb.Helper()
	return with(c.redemption(tb, code), "client_assertion", c.assertion(tb, nil))
}

// pushes pushes a request that is expected to be accepted, and returns its request_uri.
func (p *provider) pushes(tb testing.TB, form url.Values, proofs ...string) string {
	tb.Helper()
	rec := postProved(p.pushHandler(), form, proofs...)
	require.Equal(tb, http.StatusCreated, rec.Code, rec.Body)
	return decode[map[string]any](tb, rec)["request_uri"].(string)
}

// reference is the authorization request that refers to a pushed one.
func (c *party) reference(uri string) url.Values {
	return url.Values{"client_id": {c.client.ID}, "request_uri": {uri}}
}

// pushedCode takes a person through a login with a pushed request and returns the code that the client gets.
func (p *provider) pushedCode(tb testing.TB, c *party, form url.Values, proofs ...string) string {
	tb.Helper()
	code := response(tb, p.authorize(c.reference(p.pushes(tb, form, proofs...)))).Get("code")
	require.NotEmpty(tb, code)
	return code
}

// redeemBound exchanges a code with a proof by the holder and expects it to work.
func (p *provider) redeemBound(tb testing.TB, c *party, code string, h *holder) tokenResponse {
	tb.Helper()
	rec := postProved(p.TokenHandler(), c.fapiRedemption(tb, code), h.proof(tb, endpoints.Token, nil))
	require.Equal(tb, http.StatusOK, rec.Code, rec.Body)
	return decode[tokenResponse](tb, rec)
}

// payload reads the claims of a JWT that need no verification here.
func payload(tb testing.TB, token string) (header, claims map[string]any) {
	tb.Helper()
	parts := strings.Split(token, ".")
	require.Len(tb, parts, 3)
	for i, v := range []*map[string]any{&header, &claims} {
		decoded, err := base64.RawURLEncoding.DecodeString(parts[i])
		require.NoError(tb, err)
		require.NoError(tb, json.Unmarshal(decoded, v))
	}
	return header, claims
}

func getRequest(query url.Values) *http.Request {
	return httptest.NewRequest(http.MethodGet, "/authorize?"+query.Encode(), nil)
}

func newCode() string { return store.NewHandle() }

// holdingLogin is an Interaction in which everybody takes their time.
type holdingLogin struct{ req *oauth.AuthorizationRequest }

func (l *holdingLogin) Begin(_ http.ResponseWriter, _ *http.Request, req *oauth.AuthorizationRequest) {
	l.req = req
}

func (l *holdingLogin) ShowError(w http.ResponseWriter, _ *http.Request, e *oauth.Error) {
	w.WriteHeader(e.StatusCode())
}

// resumer is an Interaction that may have the login already.
type resumer struct {
	holdingLogin
	resumes bool
	asked   []string
}

func (r *resumer) Resume(w http.ResponseWriter, _ *http.Request, clientID, requestURI string) bool {
	r.asked = []string{clientID, requestURI}
	if r.resumes {
		w.WriteHeader(http.StatusTeapot)
	}
	return r.resumes
}
