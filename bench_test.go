package signet_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/uuid"

	"github.com/gosignet/signet"
	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/oauth"
)

const benchIssuer = "https://id.example"

// BenchmarkLogin is a complete login through the handlers: authorization request, one-time code, consent, token and
// userinfo, with the memory store. "protocol" skips the pages and drives the login as a JSON face would; "pages" fetches
// every page and sends every form. The metric x-floor is its processor time over that of the cryptography that it cannot
// do without (see floor). "FAPI2" is the same login under the FAPI 2.0 Security Profile: pushed, and bound to a key.
func BenchmarkLogin(b *testing.B) {
	for _, alg := range []jose.SignatureAlgorithm{jose.ES256, jose.RS256} {
		b.Run(string(alg), func(b *testing.B) {
			w := newBenchWorld(b, alg, oauth.ProfileNone)
			b.Run("floor", func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					w.floor(b, ordinary)
				}
			})
			for _, way := range w.ways() {
				b.Run(way.name, func(b *testing.B) { w.measure(b, ordinary, w.logins(b, b.N, nil, way)) })
			}
		})
	}
	b.Run("FAPI2", benchmarkFAPI2)
}

type benchWorld struct {
	provider *signet.Provider
	backend  benchBackend
	workers  int          // how many logins go on at the same time; 0 is one
	people   atomic.Int64 // how many have logged in, each once
	alg      jose.SignatureAlgorithm
	client   jose.Signer
	keys     *keystore.Memory
	floorKey crypto.Signer
	digest   [32]byte
	sig      []byte
}

func newBenchWorld(b testing.TB, alg jose.SignatureAlgorithm, profile oauth.Profile) *benchWorld {
	return newBenchWorldOver(b, alg, profile, newMemoryBackend(b))
}

func newBenchWorldOver(b testing.TB, alg jose.SignatureAlgorithm, profile oauth.Profile, backend benchBackend) *benchWorld {
	w := &benchWorld{alg: alg, backend: backend}
	w.floorKey = benchKey(b, alg)
	clientKey := benchKey(b, alg)
	var err error
	if w.client, err = jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: clientKey}, nil); err != nil {
		b.Fatal(err)
	}
	if w.keys, err = keystore.Generate(alg); err != nil {
		b.Fatal(err)
	}
	clients := backend.register(b, &oauth.Client{
		ID: "portal", Names: map[string]string{"": "Portal"},
		RedirectURIs:       []string{"https://portal.example/callback"},
		Keys:               jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: clientKey.Public(), KeyID: "1"}}},
		AssertionAlgorithm: alg,
		Scopes:             []string{"openid", "profile"},
	})
	secret := make([]byte, 32)
	rand.Read(secret)
	w.provider, err = signet.New(signet.Config{
		Issuer: benchIssuer, Clients: clients, Authenticator: benchPeople{}, Keys: w.keys, Store: backend.state,
		PairwiseSecret: secret, Algorithm: alg, Profile: profile,
		SourceLimit: login.Limit{Attempts: 60_000}, // everybody comes from the same place
	})
	if err != nil {
		b.Fatal(err)
	}
	w.digest = sha256.Sum256(make([]byte, 512))
	w.sig = w.sign(b)
	return w
}

func benchKey(b testing.TB, alg jose.SignatureAlgorithm) crypto.Signer {
	var key crypto.Signer
	var err error
	if alg == jose.RS256 {
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	} else {
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	}
	if err != nil {
		b.Fatal(err)
	}
	return key
}

func (w *benchWorld) sign(b testing.TB) []byte {
	sig, err := w.floorKey.Sign(rand.Reader, w.digest[:], crypto.SHA256)
	if err != nil {
		b.Fatal(err)
	}
	return sig
}

// work is what the specifications demand of one login beside its three signatures: how many JWTs are verified, and how
// many hashes are made beside those of what is signed.
type work struct{ verifications, hashes int }

// ordinary is the work of a login with bearer tokens: the client's assertion; the code verifier and at_hash.
var ordinary = work{verifications: 1, hashes: 2}

// floor does the signatures, verifications and hashes that the specifications demand of one login, and nothing else: it
// signs the access token, the ID Token and the userinfo response, and does what the work says; it hashes the inputs of
// all these and the pairwise subject. What seals the state is not part of it.
func (w *benchWorld) floor(b *testing.B, work work) {
	input := make([]byte, 512)
	for range 3 {
		w.digest = sha256.Sum256(input)
		w.sign(b)
	}
	for range work.verifications {
		w.digest = sha256.Sum256(input)
		switch key := w.floorKey.Public().(type) {
		case *ecdsa.PublicKey:
			if !ecdsa.VerifyASN1(key, w.digest[:], w.sig) {
				b.Fatal("signature does not verify")
			}
		case *rsa.PublicKey:
			if rsa.VerifyPKCS1v15(key, crypto.SHA256, w.digest[:], w.sig) != nil {
				b.Fatal("signature does not verify")
			}
		}
	}
	for range work.hashes {
		sha256.Sum256(input[:64])
	}
	mac := hmac.New(sha256.New, input[:32]) // pairwise subject
	mac.Write(input[:64])
	mac.Sum(nil)
}

// way is how a person is taken from an authorization request to the callback.
type way struct {
	name   string
	person func(b *testing.B, authorize *http.Request) (callback string)
}

// benchLogin is what the client of a login sends next, and what it got last.
type benchLogin struct {
	request  *http.Request
	answer   *httptest.ResponseRecorder
	callback string
}

// phase is a part of the logins. What the client does for it, such as making assertions and requests and reading answers,
// is done while the clock stands.
type phase struct{ prepare, run func(i int) }

// logins are the phases of so many logins. With a holder they are pushed and bound to its key.
func (w *benchWorld) logins(b *testing.B, n int, holder *benchHolder, way way) []phase {
	logins := make([]benchLogin, n)
	phases := []phase{{
		prepare: func(i int) { logins[i].request = w.authorizeRequest(b, holder, logins[i].answer) },
		run:     func(i int) { logins[i].callback = way.person(b, logins[i].request) },
	}, {
		prepare: func(i int) { logins[i].request = w.tokenRequest(b, holder, logins[i].callback) },
		run:     func(i int) { logins[i].answer = w.do(b, logins[i].request, http.StatusOK) },
	}, {
		prepare: func(i int) { logins[i].request = w.userinfoRequest(b, holder, logins[i].answer) },
		run:     func(i int) { w.do(b, logins[i].request, http.StatusOK) },
	}}
	if holder == nil {
		return phases
	}
	return append([]phase{{
		prepare: func(i int) { logins[i].request = w.pushRequest(b, holder) },
		run:     func(i int) { logins[i].answer = w.do(b, logins[i].request, http.StatusCreated) },
	}}, phases...)
}

// measure reports the processor time of a login, garbage collection included, and what multiple of the floor's it is.
//
// As many logins as fit into the lifetimes of requests and codes go through the phases together. The floor is measured
// in between, for what else the machine does makes both dearer.
func (w *benchWorld) measure(b *testing.B, work work, phases []phase) {
	const together, floors = 256, 64
	b.ReportAllocs()
	b.StopTimer()
	b.ResetTimer()
	var spent, floor time.Duration
	measured := 0
	for from := 0; from < b.N; from += together {
		start := cpuTime()
		for range floors {
			w.floor(b, work)
		}
		floor += cpuTime() - start
		measured += floors
		n := min(together, b.N-from)
		for _, p := range phases {
			for i := range n {
				p.prepare(from + i)
			}
			runtime.GC() // what the client leaves behind
			start := cpuTime()
			b.StartTimer()
			w.each(n, func(i int) { p.run(from + i) })
			b.StopTimer()
			spent += cpuTime() - start
		}
	}
	spent, floor = spent/time.Duration(b.N), floor/time.Duration(measured)
	b.ReportMetric(float64(spent), "cpu-ns/op")
	b.ReportMetric(float64(spent)/float64(floor), "x-floor")
}

// each runs so many logins, as many at the same time as there are workers.
func (w *benchWorld) each(logins int, run func(i int)) {
	var next atomic.Int64
	var group sync.WaitGroup
	for range max(w.workers, 1) {
		group.Go(func() {
			for i := next.Add(1); i <= int64(logins); i = next.Add(1) {
				run(int(i - 1))
			}
		})
	}
	group.Wait()
}

// identifier is that of the next person. Each logs in once, as in a country: what counts attempts finds nobody again.
func (w *benchWorld) identifier() string { return fmt.Sprintf("%010d", 1_000_000_000+w.people.Add(1)) }

func (w *benchWorld) assertion(b *testing.B) string {
	claims, err := json.Marshal(map[string]any{
		"iss": "portal", "sub": "portal", "aud": benchIssuer, "jti": uuid.NewString(),
		"iat": time.Now().Unix(), "exp": time.Now().Add(10 * time.Minute).Unix(),
	})
	if err != nil {
		b.Fatal(err)
	}
	jws, err := w.client.Sign(claims)
	if err != nil {
		b.Fatal(err)
	}
	token, err := jws.CompactSerialize()
	if err != nil {
		b.Fatal(err)
	}
	return token
}

const benchVerifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"

var benchAuthorize = "/authorize?" + url.Values{
	"client_id": {"portal"}, "redirect_uri": {"https://portal.example/callback"}, "response_type": {"code"},
	"scope": {"openid profile"}, "state": {"af0ifjsldkj"}, "nonce": {"n-0S6_WzA2Mj"},
	"code_challenge": {"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}, "code_challenge_method": {"S256"},
}.Encode()

func (w *benchWorld) do(b *testing.B, r *http.Request, status int) *httptest.ResponseRecorder {
	rec := httptest.NewRecorder()
	w.provider.ServeHTTP(rec, r)
	if rec.Code != status {
		b.Fatalf("%s %s: %d %s", r.Method, r.URL.Path, rec.Code, rec.Body)
	}
	return rec
}

// throughPages goes through the pages as a browser does.
func (w *benchWorld) throughPages(b *testing.B, authorize *http.Request) (callback string) {
	rec := w.do(b, authorize, http.StatusSeeOther)
	cookie, _, _ := strings.Cut(rec.Header().Get("Set-Cookie"), ";")
	next := rec.Header().Get("Location")
	get := func(status int) *httptest.ResponseRecorder {
		r := httptest.NewRequest("GET", benchIssuer+next, nil)
		r.Header.Set("Cookie", cookie)
		rec := w.do(b, r, status)
		if status == http.StatusSeeOther {
			next = rec.Header().Get("Location")
		}
		return rec
	}
	send := func(page string, fields url.Values) {
		_, rest, _ := strings.Cut(page, `name="csrf" value="`)
		csrf, _, _ := strings.Cut(rest, `"`)
		_, rest, _ = strings.Cut(page, `method="post" action="`)
		action, _, _ := strings.Cut(rest, `"`)
		fields.Set("csrf", csrf)
		r := httptest.NewRequest("POST", benchIssuer+action, strings.NewReader(fields.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		r.Header.Set("Cookie", cookie)
		next = w.do(b, r, http.StatusSeeOther).Header().Get("Location")
	}
	send(get(http.StatusOK).Body.String(), url.Values{"identifier": {w.identifier()}})
	send(get(http.StatusOK).Body.String(), url.Values{"response": {"111111"}})
	send(get(http.StatusOK).Body.String(), url.Values{"claim": {"name", "given_name", "birthdate"}})
	return next
}

// throughFlow takes the person through login.Flow without pages.
func (w *benchWorld) throughFlow(b *testing.B, authorize *http.Request) (callback string) {
	rec := w.do(b, authorize, http.StatusSeeOther)
	cookie, _, _ := strings.Cut(rec.Header().Get("Set-Cookie"), ";")
	_, handle, _ := strings.Cut(cookie, "=")
	handle, _, _ = strings.Cut(handle, ".")
	ctx := b.Context()
	person := authenticator.Identifier{Value: w.identifier()}
	if _, err := w.provider.Login.SendCode(ctx, handle, person); err != nil {
		b.Fatal(err)
	}
	answer := authenticator.Challenge{Factor: authenticator.OTP, Response: "111111"}
	state, err := w.provider.Login.Answer(ctx, handle, person, answer)
	if err != nil {
		b.Fatal(err)
	}
	state, err = w.provider.Login.Decide(ctx, handle, login.Decision{Claims: state.Voluntary})
	if err != nil {
		b.Fatal(err)
	}
	return state.Response.URL()
}

// ways are those of a wallet or a JSON face, and of a browser.
func (w *benchWorld) ways() []way {
	return []way{{"protocol", w.throughFlow}, {"pages", w.throughPages}}
}

// form is a request of the client with the fields, an assertion, and the proof of the holder if there is one.
func (w *benchWorld) form(b *testing.B, holder *benchHolder, path string, fields url.Values) *http.Request {
	fields.Set("client_assertion_type", assertionType)
	fields.Set("client_assertion", w.assertion(b))
	r := httptest.NewRequest("POST", benchIssuer+path, strings.NewReader(fields.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if holder != nil {
		r.Header.Set("DPoP", holder.proof(b, "POST", path, ""))
	}
	return r
}

// authorizeRequest sends the browser to the provider, with the answer to the pushed request if there is a holder.
func (w *benchWorld) authorizeRequest(b *testing.B, holder *benchHolder, pushed *httptest.ResponseRecorder) *http.Request {
	query := benchAuthorize
	if holder != nil {
		var answer struct {
			RequestURI string `json:"request_uri"`
		}
		decode(b, pushed, &answer)
		query = "/authorize?" + url.Values{"client_id": {"portal"}, "request_uri": {answer.RequestURI}}.Encode()
	}
	return httptest.NewRequest("GET", benchIssuer+query, nil)
}

func (w *benchWorld) tokenRequest(b *testing.B, holder *benchHolder, callback string) *http.Request {
	u, err := url.Parse(callback)
	if err != nil {
		b.Fatal(err)
	}
	return w.form(b, holder, "/token", url.Values{
		"grant_type": {"authorization_code"}, "code": {u.Query().Get("code")},
		"redirect_uri": {"https://portal.example/callback"}, "code_verifier": {benchVerifier},
	})
}

func (w *benchWorld) userinfoRequest(b *testing.B, holder *benchHolder, tokens *httptest.ResponseRecorder) *http.Request {
	var answer struct {
		AccessToken string `json:"access_token"`
		TokenType   string `json:"token_type"`
	}
	decode(b, tokens, &answer)
	r := httptest.NewRequest("GET", benchIssuer+"/userinfo", nil)
	r.Header.Set("Authorization", answer.TokenType+" "+answer.AccessToken)
	if holder != nil {
		r.Header.Set("DPoP", holder.proof(b, "GET", "/userinfo", answer.AccessToken))
	}
	return r
}

func decode(b *testing.B, rec *httptest.ResponseRecorder, answer any) {
	if err := json.Unmarshal(rec.Body.Bytes(), answer); err != nil {
		b.Fatal(err)
	}
}

// benchPeople is an identity system that costs nothing.
type benchPeople struct{}

func (benchPeople) Factors() []authenticator.Factor { return []authenticator.Factor{authenticator.OTP} }

func (benchPeople) SendCode(context.Context, *authenticator.CodeRequest) (*authenticator.CodeReceipt, error) {
	return &authenticator.CodeReceipt{Destinations: []string{"+000 •• ••• 321"}, Length: 6}, nil
}

func (benchPeople) Authenticate(_ context.Context, r *authenticator.Request) (*authenticator.Identity, error) {
	return &authenticator.Identity{Subject: r.Identifier.Value}, nil
}

func (benchPeople) Claims(context.Context, *authenticator.ClaimsRequest) (*authenticator.Claims, error) {
	return &authenticator.Claims{Values: map[string]json.RawMessage{
		"name": json.RawMessage(`"Grace Wanjiru Otieno"`), "given_name": json.RawMessage(`"Grace"`),
		"birthdate": json.RawMessage(`"1987-02-11"`),
	}}, nil
}
