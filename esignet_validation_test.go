package signet_test

import (
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// all are the errors of an answer, as the pages see them.
func (a esAnswer) all() []string {
	all := []string{}
	for _, e := range a.Errors {
		all = append(all, e.ErrorCode+" "+e.ErrorMessage)
	}
	slices.Sort(all)
	return all
}

// broken is a request of which a member has another value; undefined removes it.
func broken(request map[string]any, member string, value any) map[string]any {
	request = maps.Clone(request)
	if request[member] = value; value == undefined {
		delete(request, member)
	}
	return request
}

const undefined = "\x00undefined"

func TestESignetValidatesRequestsForCodes(t *testing.T) {
	t.Parallel()
	w := newESWorld(t)
	tx, _ := w.begin(uuid.NewString())
	request := map[string]any{"transactionId": tx.id, "individualId": alice, "otpChannels": []string{"email"}}
	for _, c := range []struct {
		member string
		value  any
		errors string
	}{
		{"transactionId", undefined, "invalid_transaction_id request.transactionId: invalid_transaction_id"},
		{"transactionId", nil, "invalid_transaction_id request.transactionId: invalid_transaction_id"},
		{"transactionId", " ", "invalid_transaction_id request.transactionId: invalid_transaction_id"},
		{"transactionId", "another", "invalid_transaction invalid_transaction"},
		{"individualId", undefined, "invalid_identifier request.individualId: invalid_identifier"},
		{"individualId", "\t", "invalid_identifier request.individualId: invalid_identifier"},
		{"otpChannels", undefined, "invalid_otp_channel request.otpChannels: invalid_otp_channel"},
		{"otpChannels", []string{}, "invalid_otp_channel request.otpChannels: invalid_otp_channel"},
		{"otpChannels", []string{"email", "fax"}, "invalid_otp_channel request.otpChannels: invalid_otp_channel"},
		{"otpChannels", []any{nil}, "invalid_otp_channel request.otpChannels: invalid_otp_channel"},
		{"otpChannels", "email", "unknown_error unknown_error"},
		{"otpChannels", "", "unknown_error unknown_error"},
		{"version", "1.0", "unknown_error unknown_error"},
	} {
		assert.Equal(t, []string{c.errors}, w.post("/authorization/send-otp", tx, broken(request, c.member, c.value)).all(), "%s %v", c.member, c.value)
	}
	assert.Len(t, w.post("/authorization/send-otp", tx, map[string]any{}).Errors, 3, "all that is wrong is said at once")
	assert.Empty(t, w.post("/authorization/send-otp", tx, broken(request, "captchaToken", "not needed")).Errors)
}

func TestESignetValidatesChallenges(t *testing.T) {
	t.Parallel()
	w := newESWorld(t)
	tx, _ := w.begin(uuid.NewString())
	challenge := func(kind, format any, answer string) map[string]any {
		return map[string]any{"authFactorType": kind, "format": format, "challenge": answer}
	}
	long := func(n int) string { return strings.Repeat("a", n) }
	for _, c := range []struct {
		challenge map[string]any
		code      string
	}{
		{challenge(nil, "alpha-numeric", "111111"), "invalid_auth_factor_type"},
		{challenge("", "alpha-numeric", "111111"), "invalid_auth_factor_type"},
		{challenge("otp", "alpha-numeric", "111111"), "invalid_auth_factor_type"},
		{challenge("Otp", "alpha-numeric", "111111"), "invalid_auth_factor_type"},
		{challenge("DNA", "alpha-numeric", "111111"), "invalid_auth_factor_type"},
		{challenge("OTP", nil, "111111"), "invalid_challenge_format"},
		{challenge("OTP", "number", "111111"), "invalid_challenge_format"},
		{challenge("PIN", "alpha-numeric", "111111"), "invalid_challenge_format"},
		{challenge("PWD", "number", long(8)), "invalid_challenge_format"},
		{challenge("BIO", "base64url-encoded-json", long(500)), "invalid_challenge_format"},
		{challenge("KBI", "encoded-json", long(50)), "invalid_challenge_format"},
		{challenge("WLA", "encoded-json", long(500)), "invalid_challenge_format"},
		{challenge("OTP", "alpha-numeric", "11111"), "invalid_challenge"},
		{challenge("OTP", "alpha-numeric", "1111111"), "invalid_challenge"},
		{challenge("OTP", "alpha-numeric", "      "), "invalid_challenge"},
		{challenge("OTP", "alpha-numeric", ""), "invalid_challenge"},
		{challenge("PIN", "number", "12345"), "invalid_challenge"},
		{challenge("PWD", "alpha-numeric", long(7)), "invalid_challenge"},
		{challenge("PWD", "alpha-numeric", long(31)), "invalid_challenge"},
		{challenge("BIO", "encoded-json", long(499)), "invalid_challenge"},
		{challenge("KBI", "base64url-encoded-json", long(49)), "invalid_challenge"},
		{challenge("KBI", "base64url-encoded-json", long(501)), "invalid_challenge"},
		{challenge("WLA", "jwt", long(499)), "invalid_challenge"},
		{challenge("WLA", "jwt", long(1001)), "invalid_challenge"},
		{challenge("IDT", "base64url-encoded-json", long(19)), "invalid_challenge"},
		{challenge("WLA", "jwt", long(500)), "auth_factor_mismatch"},
		{challenge("BIO", "encoded-json", long(500)), "auth_factor_mismatch"},
		{challenge("BIO", "encoded-json", long(500_000)), "auth_factor_mismatch"},
		{challenge("BIO", "encoded-json", long(500_001)), "invalid_challenge"},
		{challenge("PIN", "number", "123456"), "auth_factor_mismatch"},
	} {
		for _, version := range []string{"", "v2/", "v3/"} {
			a := w.answerWith(version, tx, "", c.challenge)
			message := "request.challengeList[0]: " + c.code
			if c.code == "auth_factor_mismatch" {
				message = c.code
			}
			assert.Equal(t, []string{c.code + " " + message}, a.all(), "%v", c.challenge)
		}
	}
	assert.Equal(t, "request.challengeList[1]: invalid_challenge_format", w.answerWith("v3/", tx, "", esCode, challenge("PIN", "x", "123456")).Errors[0].ErrorMessage)
	for _, list := range []any{undefined, nil, []any{}, slices.Repeat([]any{esCode}, 6)} {
		a := w.post("/authorization/v3/authenticate", tx, broken(map[string]any{"transactionId": tx.id, "individualId": alice}, "challengeList", list))
		assert.Equal(t, []string{"invalid_no_of_challenges request.challengeList: invalid_no_of_challenges"}, a.all(), "%v", list)
	}
	assert.Equal(t, "unknown_error", w.post("/authorization/v3/authenticate", tx, map[string]any{"transactionId": tx.id, "individualId": alice, "challengeList": esCode}).code())
}

func TestESignetValidatesDecisions(t *testing.T) {
	t.Parallel()
	w := newESWorld(t)
	tx := w.authenticated(map[string]any{"name": map[string]any{"essential": true}, "email": nil})
	request := map[string]any{"transactionId": tx.id, "acceptedClaims": []string{"name"}, "permittedAuthorizeScopes": []string{}}
	for _, c := range []struct {
		member string
		value  any
		errors string
	}{
		{"transactionId", "", "invalid_transaction_id request.transactionId: invalid_transaction_id"},
		{"transactionId", "another", "invalid_transaction invalid_transaction"},
		{"acceptedClaims", []string{"name", " "}, "invalid_accepted_claim request.acceptedClaims: invalid_accepted_claim"},
		{"acceptedClaims", []any{nil}, "invalid_accepted_claim request.acceptedClaims: invalid_accepted_claim"},
		{"acceptedClaims", undefined, "invalid_accepted_claim invalid_accepted_claim"},
		{"acceptedClaims", []string{}, "invalid_accepted_claim invalid_accepted_claim"},
		{"acceptedClaims", []string{"email"}, "invalid_accepted_claim invalid_accepted_claim"},
		{"acceptedClaims", []string{"name", "shoe_size"}, "invalid_accepted_claim invalid_accepted_claim"},
		{"acceptedClaims", "name", "unknown_error unknown_error"},
		{"permittedAuthorizeScopes", []string{""}, "invalid_permitted_scope request.permittedAuthorizeScopes: invalid_permitted_scope"},
		{"permittedAuthorizeScopes", []string{"Manage-VID"}, "invalid_permitted_scope invalid_permitted_scope"},
	} {
		assert.Equal(t, []string{c.errors}, w.post("/authorization/auth-code", tx, broken(request, c.member, c.value)).all(), "%s %v", c.member, c.value)
	}
	assert.Empty(t, w.post("/authorization/auth-code", tx, broken(request, "permittedAuthorizeScopes", undefined)).Errors)
}

func (w *esWorld) pushForm() url.Values {
	return url.Values{"client_id": {"portal"}, "scope": {"openid profile"}, "response_type": {"code"},
		"redirect_uri": {"https://rp.example/cb"}, "nonce": {uuid.NewString()}, "state": {"st"},
		"code_challenge": {w.details("")["codeChallenge"].(string)}, "code_challenge_method": {"S256"}}
}

func TestESignetValidatesPushedRequests(t *testing.T) {
	t.Parallel()
	w := newESWorld(t)
	for _, c := range []struct{ parameter, value, problem, description string }{
		{"client_id", "", "invalid_request", "invalid_client_id"},
		{"client_id", "another", "invalid_request", "invalid_client_id"},
		{"scope", "", "invalid_scope", "invalid_scope"},
		{"scope", "unheard-of", "invalid_scope", "invalid_scope"},
		{"scope", "profile", "invalid_scope", "invalid_scope"},
		{"response_type", "", "invalid_request", "invalid_response_type"},
		{"response_type", "token", "invalid_request", "invalid_response_type"},
		{"redirect_uri", "", "invalid_request", "invalid_redirect_uri"},
		{"redirect_uri", "https://*.example/cb", "invalid_request", "invalid_redirect_uri"},
		{"redirect_uri", "https://evil.example/cb", "invalid_request", "invalid_redirect_uri"},
		{"client_assertion_type", "", "invalid_client", "invalid_client"},
		{"client_assertion", "", "invalid_client", "invalid_client"},
		{"client_assertion", "a.b.c", "invalid_client", "invalid_client"},
		{"display", "hologram", "invalid_request", "invalid_display"},
		{"prompt", "login consent", "invalid_request", "invalid_prompt"},
		{"max_age", "soon", "invalid_request", "invalid_request"},
		{"claims", "{", "invalid_request", "invalid_claim"},
		{"claims", `{"userinfo":{"name":"x"}}`, "invalid_request", "invalid_claim"},
		{"code_challenge_method", "plain", "invalid_request", "unsupported_pkce_challenge_method"},
		{"request_uri", "urn:x", "invalid_request", "invalid_request"},
	} {
		res, body := w.formWith("/oauth/par", w.pushForm(), c.parameter, c.value)
		assert.Equal(t, http.StatusBadRequest, res.StatusCode)
		assert.Equal(t, map[string]any{"error": c.problem, "error_description": c.description}, body, "%s=%s", c.parameter, c.value)
	}
	res, body := w.form("/oauth/par", w.pushForm(), "")
	require.Equal(t, http.StatusCreated, res.StatusCode)
	assert.Regexp(t, `^urn:ietf:params:oauth:request_uri:[\w-]{43}$`, body["request_uri"])
	assert.Equal(t, 60.0, body["expires_in"])
	for _, c := range []struct {
		member string
		value  any
		errors string
	}{
		{"clientId", " ", "invalid_client_id request.clientId: invalid_client_id"},
		{"requestUri", undefined, "invalid_request request.requestUri: invalid_request"},
		{"requestUri", "urn:x", "invalid_request request.requestUri: invalid_request"},
		{"requestUri", "urn:ietf:params:oauth:request_uri:unknown", "invalid_request invalid_request"},
		{"scope", "openid", "unknown_error unknown_error"},
	} {
		request := map[string]any{"clientId": "portal", "requestUri": body["request_uri"]}
		a := w.post("/authorization/par-oauth-details", esTransaction{}, broken(request, c.member, c.value))
		assert.Equal(t, []string{c.errors}, a.all(), "%s %v", c.member, c.value)
	}
}

func TestESignetValidatesUserinfoRequests(t *testing.T) {
	t.Parallel()
	w := newESWorld(t)
	_, tokens := w.form("/oauth/v2/token", w.tokenForm(w.redeemable()), "")
	token, _ := tokens["access_token"].(string)
	require.NotEmpty(t, token)
	proof := w.proof("GET", "/oidc/userinfo", "", token)
	for _, c := range []struct {
		authorization, proof string
		status               int
		challenge            string
	}{
		{"", "", 401, `error="invalid_token"`},
		{token, "", 401, `error="invalid_token"`},
		{"Bearer", "", 401, `error="invalid_token"`},
		{"bearer " + token, "", 401, `error="invalid_token"`},
		{"Bearer  " + token, "", 401, `error="invalid_token"`},
		{"Bearer " + token + " x", "", 401, `error="invalid_token"`},
		{"Basic " + token, "", 401, `error="invalid_token"`},
		{"Bearer unknown", "", 401, `error="invalid_token"`},
		{"Bearer " + token[:len(token)-4] + "AAAA", "", 401, `error="invalid_token"`},
		{"Bearer " + token, proof, 401, `DPoP error="invalid_token"`},
		{"DPoP " + token, "", 401, `error="invalid_token"`},
		{"DPoP " + token, proof, 401, `DPoP error="invalid_token"`},
	} {
		res := w.userinfo(c.authorization, c.proof)
		assert.Equal(t, c.status, res.StatusCode, c.authorization)
		assert.Equal(t, c.challenge, res.Header.Get("WWW-Authenticate"), c.authorization)
	}
	for _, c := range []struct {
		method    string
		header    http.Header
		status    int
		challenge string
	}{
		{"GET", http.Header{"Authorization": {"Bearer " + token, "Bearer " + token}}, 400, `error="invalid_request"`},
		{"GET", http.Header{"Authorization": {"Bearer " + token}, "Accept": {"application/json"}}, 406, `error="Not Acceptable"`},
		{"GET", http.Header{"Authorization": {"Bearer " + token}, "Accept": {"application/jwt"}}, 200, ""},
		{"GET", http.Header{"Authorization": {"Bearer " + token}, "Accept": {"*/*"}}, 200, ""},
		{"POST", http.Header{"Authorization": {"Bearer " + token}}, 405, `error="Method Not Allowed"`},
	} {
		req, err := http.NewRequestWithContext(t.Context(), c.method, w.URL+"/v1/esignet/oidc/userinfo", nil)
		require.NoError(t, err)
		req.Header = c.header
		res, err := w.Client().Do(req)
		require.NoError(t, err)
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		require.NoError(t, err)
		assert.Equal(t, c.status, res.StatusCode, "%s %v", c.method, c.header)
		assert.Equal(t, c.challenge, res.Header.Get("WWW-Authenticate"))
		assert.Equal(t, c.status != 200, len(body) == 0, "errors have no body")
	}
}

func TestESignetAcceptsRedirectURIsByPattern(t *testing.T) {
	t.Parallel()
	w := newESWorld(t)
	for uri, code := range map[string]string{
		"https://rp.example/app/done":      "",
		"residentapp://oauth/done":         "",
		"https://rp.example/app/a/b":       "invalid_redirect_uri",
		"https://rp.example/app/../cb":     "invalid_redirect_uri",
		"https://other.example/app/done":   "invalid_redirect_uri",
		"https://rp.example/app/done#here": "invalid_redirect_uri",
	} {
		request := broken(w.details(uuid.NewString()), "redirectUri", uri)
		assert.Equal(t, code, w.post("/authorization/v3/oauth-details", esTransaction{}, request).code(), uri)
		form := w.pushForm()
		form.Set("redirect_uri", uri)
		_, body := w.form("/oauth/par", form, "")
		description, _ := body["error_description"].(string)
		assert.Equal(t, code, description, uri)
	}
}
