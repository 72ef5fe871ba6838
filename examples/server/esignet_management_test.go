package main

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
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

type members = map[string]any

// esCaller calls eSignet's API of a server as pages, partners and administrators do.
type esCaller struct {
	*testing.T
	base, token, csrf string
	bound             http.Header
	browser           *http.Client
	key               *ecdsa.PrivateKey
}

func newESCaller(t *testing.T, s *running) *esCaller {
	t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	return &esCaller{T: t, base: s.issuer + "/v1/esignet", browser: &http.Client{Jar: jar}, key: key}
}

// call returns the status, the member response as it stands, and the code of the first error.
func (c *esCaller) call(method, path string, request any) (status int, response json.RawMessage, code string) {
	c.Helper()
	body, err := json.Marshal(members{"requestTime": time.Now().UTC().Format("2006-01-02T15:04:05.000Z"), "request": request})
	require.NoError(c, err)
	req, err := http.NewRequestWithContext(c.Context(), method, c.base+path, bytes.NewReader(body))
	require.NoError(c, err)
	req.Header = c.bound.Clone()
	if req.Header == nil {
		req.Header = http.Header{}
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-XSRF-TOKEN", c.csrf)
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	res, err := c.browser.Do(req)
	require.NoError(c, err)
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	require.NoError(c, err)
	var e struct {
		Response json.RawMessage
		Errors   []struct{ ErrorCode string }
	}
	if json.Unmarshal(data, &e) == nil && len(e.Errors) > 0 {
		code = e.Errors[0].ErrorCode
	}
	return res.StatusCode, e.Response, code
}

// ok is call where nothing goes wrong; the response goes into the value.
func (c *esCaller) ok(method, path string, request any, into any) json.RawMessage {
	c.Helper()
	status, response, code := c.call(method, path, request)
	require.Equal(c, 200, status, path)
	require.Empty(c, code, path)
	require.NoError(c, json.Unmarshal(response, into))
	return response
}

func (c *esCaller) client() members {
	return members{
		"clientId": "clinic", "clientName": "Clinic", "publicKey": jose.JSONWebKey{Key: c.key.Public(), KeyID: "1"},
		"relyingPartyId": "health", "userClaims": []string{"name", "email"},
		"authContextRefs": []string{"mosip:idp:acr:generated-code"}, "logoUri": "https://clinic.example/logo.png",
		"redirectUris": []string{"https://clinic.example/cb"}, "grantTypes": []string{"authorization_code"},
		"clientAuthMethods": []string{"private_key_jwt"},
	}
}

// fetchCSRF makes calls those of a page.
func (c *esCaller) fetchCSRF() {
	c.Helper()
	res, err := c.browser.Get(c.base + "/csrf/token")
	require.NoError(c, err)
	defer res.Body.Close()
	var csrf struct{ Token string }
	require.NoError(c, json.NewDecoder(res.Body).Decode(&csrf))
	c.csrf = csrf.Token
}

// login logs somebody in and returns what was to be done about consent, and the tokens.
func (c *esCaller) login(redirectURI string) (consentAction string, tokens members) {
	c.Helper()
	c.fetchCSRF()
	verifier := uuid.NewString() + uuid.NewString()
	b64 := func(data []byte) string {
		sum := sha256.Sum256(data)
		return base64.RawURLEncoding.EncodeToString(sum[:])
	}
	var details struct {
		TransactionID string
		ClientName    map[string]string
	}
	response := c.ok("POST", "/authorization/v3/oauth-details", members{
		"clientId": "clinic", "scope": "openid profile", "responseType": "code", "redirectUri": redirectURI, "nonce": uuid.NewString(),
		"codeChallenge": b64([]byte(verifier)), "codeChallengeMethod": "S256", "claims": members{"userinfo": members{"name": members{"essential": true}}},
	}, &details)
	assert.Equal(c, "Clinic of the North", details.ClientName["@none"])
	c.bound = http.Header{"Oauth-Details-Key": {details.TransactionID}, "Oauth-Details-Hash": {b64(response)}}
	defer func() { c.bound = nil }()
	var ignored members
	const alice = "2740198356"
	c.ok("POST", "/authorization/send-otp", members{"transactionId": details.TransactionID, "individualId": alice, "otpChannels": []string{"email"}}, &ignored)
	var action struct{ ConsentAction string }
	c.ok("POST", "/authorization/v3/authenticate", members{"transactionId": details.TransactionID, "individualId": alice,
		"challengeList": []members{{"authFactorType": "OTP", "challenge": "111111", "format": "alpha-numeric"}}}, &action)
	accepted := []string{"name"}
	if action.ConsentAction == "NOCAPTURE" {
		accepted = nil
	}
	var code struct{ Code string }
	c.ok("POST", "/authorization/auth-code", members{"transactionId": details.TransactionID, "acceptedClaims": accepted}, &code)

	return action.ConsentAction, c.redeem("clinic", redirectURI, code.Code, verifier)
}

// redeem redeems a code as the client.
func (c *esCaller) redeem(client, redirectURI, code, verifier string) (tokens members) {
	c.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: c.key, KeyID: "1"}}, nil)
	require.NoError(c, err)
	res, err := http.PostForm(c.base+"/oauth/v2/token", url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "client_id": {client}, "redirect_uri": {redirectURI}, "code_verifier": {verifier},
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
		"client_assertion": {signed(c.T, signer, members{
			"iss": client, "sub": client, "aud": c.base + "/oauth/v2/token", "exp": time.Now().Add(time.Minute).Unix(), "jti": uuid.NewString(),
		})},
	})
	require.NoError(c, err)
	defer res.Body.Close()
	require.NoError(c, json.NewDecoder(res.Body).Decode(&tokens))
	return tokens
}

func signed(t *testing.T, signer jose.Signer, claims members) string {
	t.Helper()
	payload, err := json.Marshal(claims)
	require.NoError(t, err)
	jws, err := signer.Sign(payload)
	require.NoError(t, err)
	s, err := jws.CompactSerialize()
	require.NoError(t, err)
	return s
}

func TestAClientOfESignetIsRegisteredChangedAndLogsIn(t *testing.T) {
	t.Parallel()
	ui := textFile(t, `{"wallet.config": [{"wallet.name": "Inji"}]}`)
	c := newESCaller(t, start(t, "-development", "-esignet-issuer", "open", "-esignet-ui", ui))
	var registered members
	c.ok("POST", "/client-mgmt/client", c.client(), &registered)
	assert.Equal(t, members{"clientId": "clinic", "status": "ACTIVE"}, registered)
	_, _, code := c.call("POST", "/client-mgmt/client", c.client())
	assert.Equal(t, "duplicate_client_id", code)
	c.ok("PATCH", "/client-mgmt/client/clinic", members{"clientName": "Clinic of the North", "redirectUris": []string{"https://clinic.example/app/*"}}, &registered)

	action, tokens := c.login("https://clinic.example/app/done")
	assert.Equal(t, "CAPTURE", action)
	assert.NotEmpty(t, tokens["id_token"], "%v", tokens)
	action, tokens = c.login("https://clinic.example/app/done")
	assert.Equal(t, "NOCAPTURE", action, "the server remembers what was shared")
	assert.NotEmpty(t, tokens["access_token"], "%v", tokens)

	c.ok("PATCH", "/client-mgmt/client/clinic", members{"status": "INACTIVE"}, &registered)
	_, _, code = c.call("POST", "/authorization/v3/oauth-details", members{
		"clientId": "clinic", "scope": "openid", "responseType": "code", "redirectUri": "https://clinic.example/app/done"})
	assert.Equal(t, "invalid_client_id", code)
}

// The invented people have neither an individual_id nor a registration_type.
func TestClientsOfESignetAreRegisteredForClaimsThatNobodyHas(t *testing.T) {
	t.Parallel()
	c := newESCaller(t, start(t, "-development", "-esignet-issuer", "open"))
	client := c.client()
	client["userClaims"] = []string{"name", "individual_id", "registration_type"}
	var registered members
	c.ok("POST", "/client-mgmt/client", client, &registered)
	c.fetchCSRF()
	var details struct{ EssentialClaims, VoluntaryClaims []string }
	c.ok("POST", "/authorization/v3/oauth-details", members{
		"clientId": "clinic", "scope": "openid", "responseType": "code", "redirectUri": "https://clinic.example/cb", "nonce": uuid.NewString(),
		"codeChallenge": strings.Repeat("c", 43), "codeChallengeMethod": "S256",
		"claims": members{"userinfo": members{"name": members{"essential": true}, "individual_id": members{"essential": true}, "registration_type": nil}},
	}, &details)
	assert.Equal(t, []string{"name"}, details.EssentialClaims, "nobody is asked for what there is not")
	assert.Empty(t, details.VoluntaryClaims)
	client["clientId"], client["userClaims"] = "another", []string{"shoe_size"}
	_, _, code := c.call("POST", "/client-mgmt/client", client)
	assert.Equal(t, "invalid_claim", code)
}

func TestESignetsAPIHasCertificates(t *testing.T) {
	t.Parallel()
	for name, flags := range map[string][]string{"": nil, "unknown_error": {"-self-signed-certificates=false"}} {
		c := newESCaller(t, start(t, append(flags, "-development", "-esignet-issuer", "open")...))
		for _, application := range []string{"ROOT", "OIDC_SERVICE", "OIDC_PARTNER"} {
			status, response, code := c.call("GET", "/system-info/certificate?applicationId="+application, nil)
			assert.Equal(t, http.StatusOK, status)
			assert.Equal(t, name, code, application)
			assert.Equal(t, name == "", strings.Contains(string(response), "BEGIN CERTIFICATE"), application)
		}
	}
}

func TestClientsAreNotManagedWithoutAnIssuer(t *testing.T) {
	t.Parallel()
	c := newESCaller(t, start(t))
	status, _, _ := c.call("POST", "/client-mgmt/client", c.client())
	assert.Equal(t, http.StatusNotFound, status)
}

func TestTheServerRefusesFlagsOfESignetThatDoNotFit(t *testing.T) {
	t.Parallel()
	for problem, args := range map[string][]string{
		"-development":                         {"-esignet-issuer", "open"},
		"-esignet-jwks goes with":              {"-esignet-jwks", "https://iam.example/jwks"},
		"-esignet-ui: open":                    {"-esignet-ui", "nowhere.json"},
		"would not keep its place":             {"-esignet-ui", textFile(t, `{"1": "x"}`)},
		"cannot unmarshal array into Go value": {"-esignet-ui", textFile(t, `[]`)},
	} {
		var out bytes.Buffer
		err := run(t.Context(), append([]string{"-listen", "127.0.0.1:0", "-portal-listen", "", "-mock-listen", ""}, args...), env(nil), strings.NewReader(""), &out, &out)
		require.ErrorContains(t, err, problem)
	}
}

// realm issues tokens to administrators.
type realm struct {
	mu   sync.Mutex
	key  *ecdsa.PrivateKey
	kid  string
	base string
}

func newRealm(t *testing.T) *realm {
	t.Helper()
	r := &realm{}
	r.rotate(t, "first")
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		r.mu.Lock()
		defer r.mu.Unlock()
		json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: r.key.Public(), KeyID: r.kid, Algorithm: "ES256", Use: "sig"}}})
	}))
	t.Cleanup(s.Close)
	r.base = s.URL
	return r
}

func (r *realm) rotate(t *testing.T, kid string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.key, r.kid = key, kid
}

func (r *realm) token(t *testing.T, scope string) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: r.key, KeyID: r.kid}}, (&jose.SignerOptions{}).WithType("JWT"))
	require.NoError(t, err)
	return signed(t, signer, members{"iss": r.base, "sub": "admin", "scope": scope, "exp": time.Now().Add(time.Hour).Unix()})
}

func TestClientsAreManagedWithTokensOfTheIssuer(t *testing.T) {
	t.Parallel()
	r := newRealm(t)
	c := newESCaller(t, start(t, "-esignet-issuer", r.base, "-esignet-jwks", r.base))
	for _, step := range []struct {
		token  string
		status int
	}{
		{"", http.StatusUnauthorized}, {"x", http.StatusUnauthorized},
		{r.token(t, "update_oidc_client"), http.StatusForbidden}, {r.token(t, "add_oidc_client"), http.StatusOK},
	} {
		c.token = step.token
		status, _, code := c.call("POST", "/client-mgmt/client", c.client())
		assert.Equal(t, step.status, status)
		assert.Empty(t, code)
	}
	status, _, _ := c.call("PATCH", "/client-mgmt/client/clinic", members{"clientName": "Other"})
	assert.Equal(t, http.StatusForbidden, status, "adding is not changing")
	r.rotate(t, "second")
	c.token = r.token(t, "update_oidc_client")
	status, _, code := c.call("PATCH", "/client-mgmt/client/clinic", members{"clientName": "Other"})
	assert.Equal(t, http.StatusOK, status, "an unknown key is looked for")
	assert.Empty(t, code)
}
