package signet_test

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

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
