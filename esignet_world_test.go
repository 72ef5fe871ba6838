package signet_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet"
	"github.com/gosignet/signet/authenticator/mock"
	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/store/memory"
)

// esWorld is a provider with eSignet's API, and a client's key.
type esWorld struct {
	*testing.T
	*httptest.Server
	key      *ecdsa.PrivateKey
	browser  *http.Client
	csrf     string
	verifier string
}

func newESWorld(t *testing.T, configure ...func(*signet.Config)) *esWorld {
	t.Helper()
	w := &esWorld{T: t, verifier: strings.Repeat("v", 43)}
	var provider *signet.Provider
	w.Server = httptest.NewTLSServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { provider.ServeHTTP(rw, r) }))
	t.Cleanup(w.Close)
	var err error
	w.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	backend, err := memory.New(memory.Config{})
	require.NoError(t, err)
	t.Cleanup(func() { backend.Close() })
	people, err := mock.New(mock.Config{Password: "correct horse", Store: backend, Factors: mock.AllFactors()})
	require.NoError(t, err)
	keys, err := keystore.Generate(jose.ES256)
	require.NoError(t, err)
	clients, err := oauth.NewStaticClients(&oauth.Client{
		ID: "portal", Names: map[string]string{"": "Health Portal <&>", "km": "វិបផតថល\u2028", "en": "Health Portal"},
		RedirectURIs:        []string{"https://rp.example/cb"},
		RedirectURIPatterns: []string{"https://rp.example/app/*", "residentapp://oauth/*"},
		SectorIdentifier:    "rp.example",
		Keys:                jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: w.key.Public(), KeyID: "1"}}},
		AssertionAlgorithm:  jose.ES256, Scopes: []string{"openid", "profile", "email"},
	})
	require.NoError(t, err)
	secret := make([]byte, 32)
	rand.Read(secret)
	c := signet.Config{
		Issuer: w.URL, Clients: clients, Authenticator: people, Keys: keys, Store: backend, Ledger: backend,
		PairwiseSecret: secret, MaxAttempts: 3, IdentifierLimit: login.Limit{Attempts: 3, Window: 10 * time.Minute},
		Delay:   login.Delay{Free: 4},
		ESignet: &signet.ESignet{UI: map[string]any{"send.otp.channels": "email,phone", "otp.length": 6, "text": `a\u2028b` + "\u2029<é>"}},
	}
	for _, change := range configure {
		change(&c)
	}
	provider, err = signet.New(c)
	require.NoError(t, err)
	w.browse(w.Client())
	return w
}

// browse makes the client, without what it had, the browser.
func (w *esWorld) browse(client *http.Client) {
	w.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(w, err)
	client.Jar = jar
	w.browser = client
	res, err := w.browser.Get(w.URL + "/v1/esignet/csrf/token")
	require.NoError(w, err)
	defer res.Body.Close()
	var token struct{ Token, HeaderName string }
	require.NoError(w, json.NewDecoder(res.Body).Decode(&token))
	require.Equal(w, "X-XSRF-TOKEN", token.HeaderName)
	w.csrf = token.Token
}

// esAnswer is an envelope.
type esAnswer struct {
	Response json.RawMessage
	Errors   []struct{ ErrorCode, ErrorMessage string }
}

func (a esAnswer) code() string {
	if len(a.Errors) == 0 {
		return ""
	}
	return a.Errors[0].ErrorCode
}

// transaction is what a page knows.
type esTransaction struct{ id, hash string }

func (w *esWorld) send(method, path string, tx esTransaction, body []byte) esAnswer {
	w.Helper()
	req, err := http.NewRequestWithContext(w.Context(), method, w.URL+"/v1/esignet"+path, bytes.NewReader(body))
	require.NoError(w, err)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-XSRF-TOKEN", w.csrf)
	if tx.id != "" {
		req.Header.Set("oauth-details-key", tx.id)
		req.Header.Set("oauth-details-hash", tx.hash)
	}
	res, err := w.browser.Do(req)
	require.NoError(w, err)
	defer res.Body.Close()
	require.Equal(w, http.StatusOK, res.StatusCode, path)
	data, err := io.ReadAll(res.Body)
	require.NoError(w, err)
	var a esAnswer
	require.NoError(w, json.Unmarshal(data, &a), string(data))
	require.NotNil(w, a.Errors, "errors is always an array")
	return a
}

func (w *esWorld) post(path string, tx esTransaction, request any) esAnswer {
	w.Helper()
	body, err := json.Marshal(map[string]any{"requestTime": time.Now().UTC().Format("2006-01-02T15:04:05.000Z"), "request": request})
	require.NoError(w, err)
	return w.send(http.MethodPost, path, tx, body)
}

func (w *esWorld) details(nonce string) map[string]any {
	sum := sha256.Sum256([]byte(w.verifier))
	return map[string]any{
		"clientId": "portal", "scope": "openid profile", "responseType": "code", "redirectUri": "https://rp.example/cb",
		"nonce": nonce, "state": "st", "codeChallenge": base64.RawURLEncoding.EncodeToString(sum[:]), "codeChallengeMethod": "S256",
		"acrValues": "mosip:idp:acr:generated-code",
		"claims":    map[string]any{"userinfo": map[string]any{"name": map[string]any{"essential": true}, "email": nil}},
	}
}

func (w *esWorld) begin(nonce string) (esTransaction, json.RawMessage) {
	w.Helper()
	return w.beginAs(w.details(nonce))
}

func (w *esWorld) beginAs(request map[string]any) (esTransaction, json.RawMessage) {
	w.Helper()
	a := w.post("/authorization/v3/oauth-details", esTransaction{}, request)
	require.Empty(w, a.Errors)
	var d struct{ TransactionID string }
	require.NoError(w, json.Unmarshal(a.Response, &d))
	return esTransaction{d.TransactionID, browserHash(w.T, a.Response)}, a.Response
}

// browserHash is what the pages compute.
func browserHash(t *testing.T, response json.RawMessage) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "node", "-e", `
		let s = ""; process.stdin.on("data", d => s += d).on("end", () => process.stdout.write(
			require("crypto").createHash("sha256").update(JSON.stringify(JSON.parse(s))).digest("base64url")))`)
	cmd.Stdin = bytes.NewReader(response)
	out, err := cmd.Output()
	require.NoError(t, err)
	return string(out)
}

func (w *esWorld) sendOTP(tx esTransaction, id string) esAnswer {
	w.Helper()
	return w.post("/authorization/send-otp", tx, map[string]any{
		"transactionId": tx.id, "individualId": id, "otpChannels": []string{"email", "phone"},
	})
}

func (w *esWorld) authenticate(tx esTransaction, id, otp string) esAnswer {
	w.Helper()
	return w.post("/authorization/v3/authenticate", tx, map[string]any{"transactionId": tx.id, "individualId": id,
		"challengeList": []any{map[string]any{"authFactorType": "OTP", "challenge": otp, "format": "alpha-numeric"}}})
}

// form posts to an endpoint of relying parties.
func (w *esWorld) form(path string, values url.Values, proof string) (*http.Response, map[string]any) {
	w.Helper()
	w.sign(path, values)
	return w.postForm(path, values, proof)
}

// sign adds the client's assertion.
func (w *esWorld) sign(path string, values url.Values) {
	w.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: w.key, KeyID: "1"}}, nil)
	require.NoError(w, err)
	assertion := signES(w.T, signer, map[string]any{
		"iss": "portal", "sub": "portal", "aud": w.URL + "/v1/esignet" + path, "exp": time.Now().Add(time.Minute).Unix(), "jti": uuid.NewString(),
	})
	values.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
	values.Set("client_assertion", assertion)
}

func (w *esWorld) postForm(path string, values url.Values, proof string) (*http.Response, map[string]any) {
	w.Helper()
	req, err := http.NewRequestWithContext(w.Context(), http.MethodPost, w.URL+"/v1/esignet"+path, strings.NewReader(values.Encode()))
	require.NoError(w, err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if proof != "" {
		req.Header.Set("DPoP", proof)
	}
	res, err := w.Client().Do(req)
	require.NoError(w, err)
	defer res.Body.Close()
	var body map[string]any
	require.NoError(w, json.NewDecoder(res.Body).Decode(&body))
	return res, body
}

func signES(t *testing.T, signer jose.Signer, claims map[string]any) string {
	t.Helper()
	payload, err := json.Marshal(claims)
	require.NoError(t, err)
	signed, err := signer.Sign(payload)
	require.NoError(t, err)
	s, err := signed.CompactSerialize()
	require.NoError(t, err)
	return s
}

// proof is a DPoP proof by the client's key.
func (w *esWorld) proof(method, path, nonce, token string) string {
	w.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: w.key},
		(&jose.SignerOptions{EmbedJWK: true}).WithType("dpop+jwt"))
	require.NoError(w, err)
	claims := map[string]any{"htm": method, "htu": w.URL + "/v1/esignet" + path, "iat": time.Now().Unix(), "jti": uuid.NewString()}
	if nonce != "" {
		claims["nonce"] = nonce
	}
	if token != "" {
		sum := sha256.Sum256([]byte(token))
		claims["ath"] = base64.RawURLEncoding.EncodeToString(sum[:])
	}
	return signES(w.T, signer, claims)
}

func (w *esWorld) code(tx esTransaction, claims ...string) string {
	w.Helper()
	a := w.post("/authorization/auth-code", tx, map[string]any{"transactionId": tx.id, "acceptedClaims": claims, "permittedAuthorizeScopes": []string{}})
	require.Empty(w, a.Errors)
	var c struct{ Code, RedirectURI, State, Nonce string }
	require.NoError(w, json.Unmarshal(a.Response, &c))
	assert.Equal(w, "https://rp.example/cb", c.RedirectURI)
	assert.Equal(w, "st", c.State)
	return c.Code
}

func (w *esWorld) tokenForm(code string) url.Values {
	return url.Values{"grant_type": {"authorization_code"}, "code": {code}, "client_id": {"portal"},
		"redirect_uri": {"https://rp.example/cb"}, "code_verifier": {w.verifier}}
}

func (w *esWorld) userinfo(authorization, proof string) *http.Response {
	w.Helper()
	req, err := http.NewRequestWithContext(w.Context(), http.MethodGet, w.URL+"/v1/esignet/oidc/userinfo", nil)
	require.NoError(w, err)
	req.Header.Set("Authorization", authorization)
	if proof != "" {
		req.Header.Set("DPoP", proof)
	}
	res, err := w.Client().Do(req)
	require.NoError(w, err)
	w.Cleanup(func() { res.Body.Close() })
	return res
}
