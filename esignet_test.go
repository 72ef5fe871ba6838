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
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	w.browser = w.Client()
	w.browser.Jar = jar
	res, err := w.browser.Get(w.URL + "/v1/esignet/csrf/token")
	require.NoError(t, err)
	defer res.Body.Close()
	var token struct{ Token, HeaderName string }
	require.NoError(t, json.NewDecoder(res.Body).Decode(&token))
	require.Equal(t, "X-XSRF-TOKEN", token.HeaderName)
	w.csrf = token.Token
	return w
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
	a := w.post("/authorization/v3/oauth-details", esTransaction{}, w.details(nonce))
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

func TestESignetHappyPath(t *testing.T) {
	t.Parallel()
	w := newESWorld(t)
	tx, details := w.begin("n1")
	assert.Contains(t, string(details), `"authFactors":[[{"type":"OTP","count":0,"subTypes":null}]]`)
	assert.Contains(t, string(details), `"credentialScopes":[]}`)
	assert.Contains(t, string(details), `"khm":`)

	a := w.sendOTP(tx, alice)
	require.Empty(t, a.Errors)
	assert.Contains(t, string(a.Response), `"maskedMobile":"`)

	a = w.authenticate(tx, alice, "111111")
	require.Empty(t, a.Errors)
	assert.JSONEq(t, `{"transactionId":"`+tx.id+`","consentAction":"CAPTURE"}`, string(a.Response))

	a = w.send(http.MethodGet, "/authorization/claim-details", tx, nil)
	require.Empty(t, a.Errors)
	assert.Contains(t, string(a.Response), `"consentAction":"CAPTURE","profileUpdateRequired":false`)
	a = w.send(http.MethodGet, "/authorization/claim-details", tx, nil)
	assert.Equal(t, "no_attempts_left", a.code())

	refused := w.post("/authorization/auth-code", tx, map[string]any{"transactionId": tx.id, "acceptedClaims": []string{"email"}})
	assert.Equal(t, "invalid_accepted_claim", refused.code(), "an essential claim must be accepted")
	refused = w.post("/authorization/auth-code", tx, map[string]any{"transactionId": tx.id, "acceptedClaims": []string{"name"}, "permittedAuthorizeScopes": []string{"x"}})
	assert.Equal(t, "invalid_permitted_scope", refused.code())
	code := w.code(tx, "name", "email")
	again := w.post("/authorization/auth-code", tx, map[string]any{"transactionId": tx.id, "acceptedClaims": []string{"name"}})
	assert.Equal(t, "invalid_transaction", again.code())

	res, tokens := w.form("/oauth/v2/token", w.tokenForm(code), "")
	require.Equal(t, http.StatusOK, res.StatusCode, tokens)
	assert.Equal(t, "Bearer", tokens["token_type"])
	info := w.userinfo("Bearer "+tokens["access_token"].(string), "")
	require.Equal(t, http.StatusOK, info.StatusCode)
	assert.Equal(t, "application/jwt;charset=UTF-8", info.Header.Get("Content-Type"))

	res, body := w.form("/oauth/v2/token", w.tokenForm(code), "")
	assert.Equal(t, http.StatusBadRequest, res.StatusCode)
	assert.Equal(t, "invalid_grant", body["error"])

	reused := w.post("/authorization/v3/oauth-details", esTransaction{}, w.details("n1"))
	assert.Equal(t, "invalid_request", reused.code())

	tx, _ = w.begin("n2")
	require.Empty(t, w.sendOTP(tx, alice).Errors)
	a = w.authenticate(tx, alice, "111111")
	require.Empty(t, a.Errors)
	assert.Contains(t, string(a.Response), `"consentAction":"NOCAPTURE"`)
	code = w.code(tx)

	// With DPoP each resource demands a nonce first.
	res, body = w.form("/oauth/v2/token", w.tokenForm(code), w.proof("POST", "/oauth/v2/token", "", ""))
	require.Equal(t, http.StatusBadRequest, res.StatusCode)
	require.Equal(t, "use_dpop_nonce", body["error"])
	nonce := res.Header.Get("DPoP-Nonce")
	res, tokens = w.form("/oauth/v2/token", w.tokenForm(code), w.proof("POST", "/oauth/v2/token", nonce, ""))
	require.Equal(t, http.StatusOK, res.StatusCode, tokens)
	assert.Equal(t, "DPoP", tokens["token_type"])
	token := tokens["access_token"].(string)
	info = w.userinfo("DPoP "+token, w.proof("GET", "/oidc/userinfo", "", token))
	assert.Equal(t, http.StatusUnauthorized, info.StatusCode)
	assert.Equal(t, `DPoP error="use_dpop_nonce"`, info.Header.Get("WWW-Authenticate"))
	info = w.userinfo("DPoP "+token, w.proof("GET", "/oidc/userinfo", info.Header.Get("DPoP-Nonce"), token))
	assert.Equal(t, http.StatusOK, info.StatusCode)
	info = w.userinfo("Bearer "+token, "")
	assert.Equal(t, http.StatusUnauthorized, info.StatusCode, "a bound token is worth nothing without its key")
	assert.Equal(t, `error="invalid_token"`, info.Header.Get("WWW-Authenticate"))
}

func TestESignetLimitsAttempts(t *testing.T) {
	t.Parallel()
	w := newESWorld(t)
	tx, _ := w.begin("n1")
	require.Empty(t, w.sendOTP(tx, alice).Errors)
	for range 3 {
		assert.Equal(t, "auth_failed", w.authenticate(tx, alice, "999999").code())
	}
	assert.Equal(t, "no_attempts_left", w.authenticate(tx, alice, "111111").code())
	tx, _ = w.begin("n2")
	w.sendOTP(tx, alice)
	assert.Equal(t, "individual_id_blocked", w.authenticate(tx, alice, "111111").code())
}

func TestESignetBindsRequestsToTheirTransaction(t *testing.T) {
	t.Parallel()
	w := newESWorld(t)
	one, _ := w.begin("n1")
	other, _ := w.begin("n2")
	assert.Equal(t, "invalid_request", w.sendOTP(esTransaction{one.id, other.hash}, alice).code(), "wrong hash")
	assert.Equal(t, "invalid_transaction", w.sendOTP(esTransaction{strings.Repeat("A", 43), one.hash}, alice).code())
	a := w.post("/authorization/send-otp", one, map[string]any{"transactionId": other.id, "individualId": alice, "otpChannels": []string{"email"}})
	assert.Equal(t, "invalid_transaction", a.code(), "the body names another transaction than the header")
	assert.Equal(t, "invalid_transaction", w.send(http.MethodGet, "/authorization/claim-details", one, nil).code(), "too early")
	w.csrf = "x"
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.URL+"/v1/esignet/authorization/send-otp", strings.NewReader("{}"))
	require.NoError(t, err)
	res, err := w.browser.Do(req)
	require.NoError(t, err)
	res.Body.Close()
	assert.Equal(t, http.StatusForbidden, res.StatusCode)
}

func TestESignetValidatesRequests(t *testing.T) {
	t.Parallel()
	w := newESWorld(t)
	for name, c := range map[string]struct {
		member string
		value  any
		code   string
	}{
		"clientId blank":         {"clientId", " ", "invalid_client_id"},
		"clientId unknown":       {"clientId", "nobody", "invalid_client_id"},
		"scope blank":            {"scope", "", "invalid_scope"},
		"scope unknown":          {"scope", "x", "invalid_scope"},
		"scope without openid":   {"scope", "profile", "invalid_scope"},
		"responseType":           {"responseType", "token", "invalid_response_type"},
		"redirectUri relative":   {"redirectUri", "/cb", "invalid_redirect_uri"},
		"redirectUri not theirs": {"redirectUri", "https://evil.example/cb", "invalid_redirect_uri"},
		"display":                {"display", "", "invalid_display"},
		"prompt of two":          {"prompt", "login consent", "invalid_prompt"},
		"claims":                 {"claims", map[string]any{"userinfo": map[string]any{"name": "x"}}, "invalid_claim"},
		"claims purpose":         {"claims", map[string]any{"userinfo": map[string]any{"name": map[string]any{"purpose": "x"}}}, "invalid_claim"},
		"claims no object":       {"claims", "", "unknown_error"},
		"maxAge":                 {"maxAge", "x", "unknown_error"},
		"unknown member":         {"id", "x", "unknown_error"},
		"half a PKCE pair":       {"codeChallengeMethod", nil, "invalid_pkce_challenge"},
		"PKCE method":            {"codeChallengeMethod", "plain", "unsupported_pkce_challenge_method"},
		"PKCE challenge":         {"codeChallenge", "short", "invalid_pkce_challenge"},
		"idTokenHint":            {"idTokenHint", "a.b.c", "invalid_id_token_hint"},
	} {
		t.Run(name, func(t *testing.T) {
			request := w.details(uuid.NewString())
			request[c.member] = c.value
			assert.Equal(t, c.code, w.post("/authorization/v3/oauth-details", esTransaction{}, request).code())
		})
	}
	request := w.details("p")
	delete(request, "codeChallenge")
	delete(request, "codeChallengeMethod")
	assert.Equal(t, "use_pkce", w.post("/authorization/v2/oauth-details", esTransaction{}, request).code())
	assert.Equal(t, "use_pkce", w.post("/authorization/oauth-details", esTransaction{}, request).code(), "not even the first version goes around PKCE")
	late := w.send(http.MethodPost, "/authorization/v3/oauth-details", esTransaction{}, []byte(`{"requestTime":"2020-01-01T00:00:00.000Z","request":null}`))
	require.Len(t, late.Errors, 2)
	assert.Equal(t, "requestTime: invalid_request", late.Errors[0].ErrorMessage)

	tx, _ := w.begin("q")
	for name, c := range map[string]struct{ kind, challenge, format, code string }{
		"type":     {"otp", "111111", "alpha-numeric", "invalid_auth_factor_type"},
		"format":   {"OTP", "111111", "number", "invalid_challenge_format"},
		"length":   {"OTP", "11111", "alpha-numeric", "invalid_challenge"},
		"mismatch": {"PIN", "111111", "number", "auth_factor_mismatch"},
	} {
		t.Run(name, func(t *testing.T) {
			a := w.post("/authorization/v2/authenticate", tx, map[string]any{"transactionId": tx.id, "individualId": alice,
				"challengeList": []any{map[string]any{"authFactorType": c.kind, "challenge": c.challenge, "format": c.format}}})
			assert.Equal(t, c.code, a.code())
		})
	}
	a := w.post("/authorization/authenticate", tx, map[string]any{"transactionId": tx.id, "individualId": "", "challengeList": []any{}})
	codes := []string{}
	for _, e := range a.Errors {
		codes = append(codes, e.ErrorCode)
	}
	assert.ElementsMatch(t, []string{"invalid_identifier", "invalid_no_of_challenges"}, codes)
}

func TestESignetPushedRequests(t *testing.T) {
	t.Parallel()
	w := newESWorld(t)
	push := func(nonce string) (*http.Response, map[string]any) {
		sum := sha256.Sum256([]byte(w.verifier))
		return w.form("/oauth/par", url.Values{"client_id": {"portal"}, "scope": {"openid profile"}, "response_type": {"code"},
			"redirect_uri": {"https://rp.example/cb"}, "nonce": {nonce}, "state": {"st"},
			"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"}}, "")
	}
	res, body := push("n1")
	require.Equal(t, http.StatusCreated, res.StatusCode, body)
	request := map[string]any{"clientId": "portal", "requestUri": body["request_uri"]}
	a := w.post("/authorization/par-oauth-details", esTransaction{}, request)
	require.Empty(t, a.Errors)
	assert.Equal(t, "invalid_request", w.post("/authorization/par-oauth-details", esTransaction{}, request).code(), "once")
	res, body = push("n1")
	assert.Equal(t, http.StatusBadRequest, res.StatusCode)
	assert.Equal(t, "invalid_request", body["error"])
}

func TestESignetPublishesWhereItIs(t *testing.T) {
	t.Parallel()
	w := newESWorld(t)
	for _, path := range []string{
		"/v1/esignet/oidc/.well-known/openid-configuration", "/v1/esignet/oauth/.well-known/oauth-authorization-server",
		"/v1/esignet/oauth/.well-known/jwks.json", "/.well-known/jwks.json", "/.well-known/openid-configuration",
	} {
		res, err := w.Client().Get(w.URL + path)
		require.NoError(t, err)
		res.Body.Close()
		assert.Equal(t, http.StatusOK, res.StatusCode, path)
		assert.Equal(t, "*", res.Header.Get("Access-Control-Allow-Origin"), path)
	}
	res, err := w.Client().Get(w.URL + "/v1/esignet/oauth/v2/token")
	require.NoError(t, err)
	res.Body.Close()
	assert.Equal(t, http.StatusMethodNotAllowed, res.StatusCode)
}
