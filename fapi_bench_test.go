package signet_test

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/gosignet/signet/oauth"
)

// fapi2Work is the work of a login under FAPI 2.0: two assertions and three proofs; the code verifier, at_hash, ath, and
// the thumbprints of the keys of the proofs.
var fapi2Work = work{verifications: 5, hashes: 6}

// benchmarkFAPI2 is a complete login under the FAPI 2.0 Security Profile with ES256: PAR, authorization request, one-time
// code, consent, token and userinfo, with a DPoP proof for each of PAR, token and userinfo.
func benchmarkFAPI2(b *testing.B) {
	w := newBenchWorld(b, jose.ES256, oauth.ProfileFAPI2)
	holder := newBenchHolder(b)
	b.Run("floor", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			w.floor(b, fapi2Work)
		}
	})
	for _, way := range w.ways() {
		b.Run(way.name, func(b *testing.B) { w.runFAPI2(b, holder, way.person) })
	}
}

// way is how a person is taken from an authorization request to the callback.
type way struct {
	name   string
	person func(b *testing.B, authorize string) (callback string)
}

func (w *benchWorld) ways() []way {
	return []way{{"protocol", w.throughFlow}, {"pages", w.throughPages}}
}

// runFAPI2 measures logins under the FAPI 2.0 Security Profile.
func (w *benchWorld) runFAPI2(b *testing.B, holder *benchHolder, person func(*testing.B, string) string) {
	clients := make([]benchClient, b.N)
	w.measure(b, fapi2Work, phase{
		prepare: func(i int) { clients[i] = w.newClient(b, holder) },
		run:     func(i int) { w.fapi2Login(b, &clients[i], person) },
	}, phase{
		prepare: func(i int) { clients[i].userinfoProof = holder.proof(b, "GET", "/userinfo", clients[i].token) },
		run:     func(i int) { w.fapi2Userinfo(b, &clients[i]) },
	})
}

// benchClient is what a client makes, and gets, in one login.
type benchClient struct {
	pushAssertion, pushProof, tokenAssertion, tokenProof string
	token, userinfoProof                                 string // once it knows the token
}

func (w *benchWorld) newClient(b *testing.B, holder *benchHolder) benchClient {
	return benchClient{
		pushAssertion: w.assertion(b), pushProof: holder.proof(b, "POST", "/par", ""),
		tokenAssertion: w.assertion(b), tokenProof: holder.proof(b, "POST", "/token", ""),
	}
}

// fapi2Login takes a login up to the token.
func (w *benchWorld) fapi2Login(b *testing.B, c *benchClient, person func(*testing.B, string) string) {
	callback, err := url.Parse(person(b, w.push(b, c)))
	if err != nil {
		b.Fatal(err)
	}
	var tokens struct {
		AccessToken string `json:"access_token"`
	}
	w.call(b, "/token", url.Values{
		"grant_type": {"authorization_code"}, "code": {callback.Query().Get("code")},
		"redirect_uri": {"https://portal.example/callback"}, "code_verifier": {benchVerifier},
	}, c.tokenAssertion, c.tokenProof, http.StatusOK, &tokens)
	c.token = tokens.AccessToken
}

// push pushes the request of a login and returns what the browser is then sent to.
func (w *benchWorld) push(b *testing.B, c *benchClient) (authorize string) {
	request, err := url.ParseQuery(strings.TrimPrefix(benchAuthorize, "/authorize?"))
	if err != nil {
		b.Fatal(err)
	}
	var pushed struct {
		RequestURI string `json:"request_uri"`
	}
	w.call(b, "/par", request, c.pushAssertion, c.pushProof, http.StatusCreated, &pushed)
	return "/authorize?" + url.Values{"client_id": {"portal"}, "request_uri": {pushed.RequestURI}}.Encode()
}

// fapi2Userinfo is the end of a login.
func (w *benchWorld) fapi2Userinfo(b *testing.B, c *benchClient) {
	r := httptest.NewRequest("GET", benchIssuer+"/userinfo", nil)
	r.Header.Set("Authorization", "DPoP "+c.token)
	r.Header.Set("DPoP", c.userinfoProof)
	w.do(b, r, http.StatusOK)
}

// call sends a form to an endpoint that clients call.
func (w *benchWorld) call(b *testing.B, path string, form url.Values, assertion, proof string, status int, answer any) {
	form.Set("client_assertion_type", assertionType)
	form.Set("client_assertion", assertion)
	r := httptest.NewRequest("POST", benchIssuer+path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("DPoP", proof)
	if err := json.Unmarshal(w.do(b, r, status).Body.Bytes(), answer); err != nil {
		b.Fatal(err)
	}
}

// benchHolder makes DPoP proofs.
type benchHolder struct{ jose.Signer }

func newBenchHolder(b *testing.B) *benchHolder {
	options := (&jose.SignerOptions{EmbedJWK: true}).WithType("dpop+jwt")
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: benchKey(b, jose.ES256)}, options)
	if err != nil {
		b.Fatal(err)
	}
	return &benchHolder{signer}
}

func (h *benchHolder) proof(b *testing.B, method, path, token string) string {
	claims := map[string]any{"jti": rand.Text(), "htm": method, "htu": benchIssuer + path, "iat": time.Now().Unix()}
	if token != "" {
		claims["ath"] = digest(token)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		b.Fatal(err)
	}
	jws, err := h.Sign(payload)
	if err != nil {
		b.Fatal(err)
	}
	proof, err := jws.CompactSerialize()
	if err != nil {
		b.Fatal(err)
	}
	return proof
}
