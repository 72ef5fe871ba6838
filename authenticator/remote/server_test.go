package remote_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/remote"
	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/store"
)

const loginBody = `{"transaction":"t","client_id":"c","identifier":{"value":"4409173820"},"challenges":[{"factor":"pwd","response":"jacaranda-44"}]}`

// send sends a request to the Handler with a token, "" for none, and returns the status.
func (w *world) send(t *testing.T, method, path, body, token string) int {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, w.server.URL+path, strings.NewReader(body))
	r.Header.Set("Authenticator-Version", "1")
	r.Header.Set("Content-Type", "application/json")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	recorder := httptest.NewRecorder()
	w.handler.ServeHTTP(recorder, r)
	assert.Equal(t, "1", recorder.Header().Get("Authenticator-Version"))
	return recorder.Code
}

// tokenClaims are those of a good token for the login.
func (w *world) tokenClaims() map[string]any {
	hash := sha256.Sum256([]byte(loginBody))
	return map[string]any{
		"htm": "POST", "htu": w.server.URL + "/v1/authenticate", "bh": base64.RawURLEncoding.EncodeToString(hash[:]),
		"iat": time.Now().Unix(), "exp": time.Now().Add(time.Minute).Unix(), "jti": rand.Text(),
	}
}

func sign(t *testing.T, signer crypto.Signer, typ string, claims any) string {
	t.Helper()
	k, err := keystore.NewKey(jose.ES256, signer)
	require.NoError(t, err)
	token, err := k.SignJSON(t.Context(), typ, claims)
	require.NoError(t, err)
	return token
}

const tokenType = "authenticator-request+jwt"

func TestSignatureIsForOneRequest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	require.Equal(t, 200, w.send(t, "POST", "/v1/authenticate", loginBody, sign(t, key, tokenType, w.tokenClaims())))
	asked := len(w.people.asked)

	for name, change := range map[string]map[string]any{
		"another method":  {"htm": "GET"},
		"another path":    {"htu": w.server.URL + "/v1/claims"},
		"another server":  {"htu": "https://other.example.org/v1/authenticate"},
		"another body":    {"bh": strings.Repeat("A", 43)},
		"no body":         {"bh": ""},
		"expired":         {"iat": time.Now().Add(-2 * time.Minute).Unix(), "exp": time.Now().Add(-time.Minute).Unix()},
		"from the future": {"iat": time.Now().Add(time.Minute).Unix(), "exp": time.Now().Add(2 * time.Minute).Unix()},
		"for too long":    {"exp": time.Now().Add(time.Hour).Unix()},
		"no end":          {"exp": nil},
		"no beginning":    {"iat": nil},
		"no id":           {"jti": ""},
		"long id":         {"jti": strings.Repeat("x", 129)},
		"id of no type":   {"jti": 1},
	} {
		claims := w.tokenClaims()
		maps.Copy(claims, change)
		maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
		assert.Equal(t, 401, w.send(t, "POST", "/v1/authenticate", loginBody, sign(t, key, tokenType, claims)), name)
	}
	stranger := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	for name, token := range map[string]string{
		"none":        "",
		"nonsense":    "x.y.z",
		"another typ": sign(t, key, "JWT", w.tokenClaims()),
		"another key": sign(t, stranger, tokenType, w.tokenClaims()),
	} {
		assert.Equal(t, 401, w.send(t, "POST", "/v1/authenticate", loginBody, token), name)
	}
	assert.Len(t, w.people.asked, asked)
	noPersonalData(t, w.logs.String())
}

func TestSignedRequestIsAnsweredOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := sign(t, key, tokenType, w.tokenClaims())
	assert.Equal(t, 200, w.send(t, "POST", "/v1/authenticate", loginBody, token))
	assert.Equal(t, 401, w.send(t, "POST", "/v1/authenticate", loginBody, token))
	assert.Len(t, w.people.asked, 1)
}

// broken is a store that cannot be reached.
type broken struct{ store.Ephemeral }

func (broken) Add(context.Context, string, []byte, time.Duration) error { return errors.New("gone") }

func TestNobodyIsAnsweredIfReplaysCannotBeTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.serverConfig.Replays = broken{}
	w.handler.Handler = must(remote.Handler(w.people, w.serverConfig))
	assert.Equal(t, 503, w.send(t, "POST", "/v1/authenticate", loginBody, sign(t, key, tokenType, w.tokenClaims())))
	assert.Empty(t, w.people.asked)
}

func TestEveryKindOfKeySigns(t *testing.T) {
	t.Parallel()
	for name, signer := range map[string]crypto.Signer{
		"ES384": must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader)),
		"EdDSA": ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, 32)),
		"PS256": must(rsa.GenerateKey(rand.Reader, 2048)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.serverConfig.Keys = []crypto.PublicKey{key.Public(), signer.Public()} // while keys are changed
			w.handler.Handler = must(remote.Handler(w.people, w.serverConfig))
			w.config.Signer = signer
			_, err := w.client(t).Authenticate(t.Context(), login())
			require.NoError(t, err)
		})
	}
}

func TestRequestsThatAreNotAsDescribedAreNotPassedOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.serverConfig.Keys, w.serverConfig.ClientCertificate, w.serverConfig.MaxRequestBytes = nil, true, 4096
	handler := must(remote.Handler(w.people, w.serverConfig))
	w.handler.Handler = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		r.TLS = verified()
		handler.ServeHTTP(rw, r)
	})
	require.Equal(t, 200, w.send(t, "POST", "/v1/authenticate", loginBody, ""))
	asked := len(w.people.asked)
	for _, test := range []struct {
		status             int
		method, path, body string
	}{
		{404, "GET", "/", ""},
		{404, "GET", "/v2/capabilities", ""},
		{404, "PUT", "/v1/authenticate", loginBody},
		{422, "GET", "/v1/forms/nothing", ""},
		{400, "POST", "/v1/authenticate", ""},
		{400, "POST", "/v1/authenticate", "null"},
		{400, "POST", "/v1/authenticate", "{}"},
		{400, "POST", "/v1/authenticate", loginBody + "{}"},
		{400, "POST", "/v1/authenticate", strings.Replace(loginBody, `"4409173820"`, "4409173820", 1)},
		{400, "POST", "/v1/authenticate", strings.Replace(loginBody, `"4409173820"`, `" "`, 1)},
		{400, "POST", "/v1/authenticate", strings.Replace(loginBody, `"pwd"`, `"P W D"`, 1)},
		{400, "POST", "/v1/authenticate", `{"transaction":"t","client_id":"c","identifier":{"value":"1"},"challenges":[]}`},
		{400, "POST", "/v1/codes", `{"identifier":{}}`},
		{400, "POST", "/v1/codes", `{"identifier":{"value":"1"},"channels":["+254"]}`},
		{400, "POST", "/v1/codes", `{"identifier":{"value":"1"},"acrs":[7]}`},
		{400, "POST", "/v1/codes", `{"identifier":{"value":"1"},"acrs":["` + strings.Repeat("x", 257) + `"]}`},
		{400, "POST", "/v1/challenges", `{"factor":"P O P"}`},
		{400, "POST", "/v1/challenges", `{"factor":"pop","identifier":{"value":" "}}`},
		{400, "POST", "/v1/challenges", `{"factor":"pop","acrs":["` + strings.Repeat("x", 257) + `"]}`},
		{400, "POST", "/v1/recall", `{}`},
		{400, "POST", "/v1/recall", `{"identity":{"subject":""}}`},
		{400, "POST", "/v1/claims", `{"identity":{"subject":""},"names":[]}`},
		{400, "POST", "/v1/claims", `{"identity":{"subject":"a","state":"?"},"names":[]}`},
		{400, "POST", "/v1/key-bindings", `{}`},
		{400, "POST", "/v1/key-bindings", `{"authentication":{"challenges":[]},"factor":"wla","key":{}}`},
		{400, "POST", "/v1/key-bindings", `{"authentication":` + loginBody + `,"factor":"W L A","key":{}}`},
		{400, "POST", "/v1/key-bindings", `{"authentication":` + loginBody + `,"factor":"wla"}`},
		{400, "POST", "/v1/key-bindings", `{"authentication":` + loginBody + `,"factor":"wla","key":"x"}`},
		{400, "POST", "/v1/key-bindings", `{"authentication":` + loginBody + `,"factor":"wla","key":{},"header":{"":"x"}}`},
		{400, "POST", "/v1/key-bindings", `{"authentication":` + loginBody + `,"factor":"wla","key":{},"header":{"` + strings.Repeat("x", 65) + `":"x"}}`},
		{400, "POST", "/v1/verifications", `{"names":["name"]}`},
		{400, "POST", "/v1/verifications", `{"identity":{"subject":""},"names":[]}`},
		{400, "POST", "/v1/verifications", `{"identity":{"subject":"a"},"names":"name"}`},
		{400, "POST", "/v1/verifications", `{"identity":{"subject":"a"},"names":["a"` + strings.Repeat(`,"a"`, 256) + `]}`},
		{400, "POST", "/v1/verifications", `{"identity":{"subject":"a"},"verified":["a"` + strings.Repeat(`,"a"`, 256) + `]}`},
		{413, "POST", "/v1/claims", strings.Repeat(" ", 4097)},
		{413, "POST", "/v1/verifications", strings.Repeat(" ", 4097)},
	} {
		assert.Equal(t, test.status, w.send(t, test.method, test.path, test.body, ""), "%s %s %.200s", test.method, test.path, test.body)
	}
	for header, value := range map[string]string{"Authenticator-Version": "2", "Content-Type": "text/plain"} {
		r := httptest.NewRequestWithContext(t.Context(), "POST", "/v1/authenticate", strings.NewReader(loginBody))
		r.Header.Set("Authenticator-Version", "1")
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set(header, value)
		recorder := httptest.NewRecorder()
		w.handler.ServeHTTP(recorder, r)
		assert.Contains(t, []int{400, 415}, recorder.Code, header)
		assert.Equal(t, "application/problem+json", recorder.Header().Get("Content-Type"))
	}
	assert.Len(t, w.people.asked, asked)
}

func TestClientCertificateHasToBeVerified(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.serverConfig.Keys, w.serverConfig.ClientCertificate = nil, true
	w.handler.Handler = must(remote.Handler(w.people, w.serverConfig))
	_, err := remote.New(t.Context(), w.config)
	require.ErrorContains(t, err, "401")
}

func TestMutualTLSOfBothHalves(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	handler := must(remote.Handler(newPeople(), remote.ServerConfig{ClientCertificate: true}))
	server := httptest.NewUnstartedServer(handler)
	server.TLS = &tls.Config{
		Certificates: []tls.Certificate{a.issue(t, "people", x509.ExtKeyUsageServerAuth)},
		ClientCAs:    a.pool(), ClientAuth: tls.RequireAndVerifyClientCert,
	}
	server.StartTLS()
	t.Cleanup(server.Close)
	c, err := remote.New(t.Context(), remote.Config{BaseURL: server.URL, TLS: &tls.Config{
		RootCAs: a.pool(), Certificates: []tls.Certificate{a.issue(t, "provider", x509.ExtKeyUsageClientAuth)},
	}})
	require.NoError(t, err)
	identity, err := c.Authenticate(t.Context(), login())
	require.NoError(t, err)
	assert.Equal(t, "grace-1", identity.Subject)
}

func TestDescriptionIsServedToEverybody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	resp, err := w.server.Client().Get(w.server.URL + "/v1/openapi.json")
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	assert.Equal(t, remote.OpenAPI(), body)
	assert.Equal(t, "application/json", resp.Header.Get("Content-Type"))
}

func TestNewNamesEverythingThatIsWrong(t *testing.T) {
	t.Parallel()
	_, err := remote.New(t.Context(), remote.Config{
		BaseURL: "http://user:hunter2@people.example.org", TLS: &tls.Config{InsecureSkipVerify: true},
		Timeout: -1, MaxInFlight: -1, MaxResponseBytes: -1, MaxFailures: -1, Pause: -1,
	})
	for _, problem := range []string{
		"BaseURL is not https", "not authenticated", "does not verify", "Timeout", "MaxInFlight", "MaxResponseBytes", "MaxFailures", "Pause",
	} {
		require.ErrorContains(t, err, problem)
	}
	assert.NotContains(t, err.Error(), "hunter2")
	for problem, url := range map[string]string{
		"is required": "", "absolute": "people.example.org", "user, query": "https://people.example.org/?a=b",
	} {
		_, err := remote.New(t.Context(), remote.Config{BaseURL: url, Signer: key})
		require.ErrorContains(t, err, problem)
	}
	weak := must(ecdsa.GenerateKey(elliptic.P224(), rand.Reader))
	_, err = remote.New(t.Context(), remote.Config{BaseURL: "https://people.example.org", Signer: weak})
	require.ErrorContains(t, err, "ES256 needs")
}

func TestHandlerNamesEverythingThatIsWrong(t *testing.T) {
	t.Parallel()
	_, err := remote.Handler(nil, remote.ServerConfig{})
	require.Error(t, err)
	_, err = remote.Handler(noFactors{}, remote.ServerConfig{Timeout: -1, MaxRequestBytes: -1})
	for _, problem := range []string{"anybody could ask", "no factors", "Timeout", "MaxRequestBytes"} {
		require.ErrorContains(t, err, problem)
	}
	_, err = remote.Handler(newPeople(), remote.ServerConfig{Keys: []crypto.PublicKey{"secret"}})
	for _, problem := range []string{"Replays", "BaseURL is required", "key 0: remote: string is no key"} {
		require.ErrorContains(t, err, problem)
	}
	_, err = remote.Handler(sendsNothing{newPeople()}, remote.ServerConfig{ClientCertificate: true})
	require.ErrorContains(t, err, "cannot be sent")
}

// verified is the state of a connection whose client certificate was verified.
func verified() *tls.ConnectionState {
	return &tls.ConnectionState{VerifiedChains: [][]*x509.Certificate{{{}}}}
}

type noFactors struct{ authenticator.Authenticator }

func (noFactors) Factors() []authenticator.Factor { return nil }

// sendsNothing hides SendCode.
type sendsNothing struct{ authenticator.Authenticator }
