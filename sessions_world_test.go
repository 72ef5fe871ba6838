package signet_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet"
	"github.com/gosignet/signet/audit"
	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/mock"
	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/store"
	"github.com/gosignet/signet/store/memory"
)

const (
	acrCode     = "urn:example:code"
	acrPassword = "urn:example:password"
	acrBoth     = "urn:example:both"

	password = "correct horse"

	// alice and bob are two of the mock's people.
	alice, bob = "2740198356", "3185507412"
)

// sessionWorld is a provider with single sign-on behind TLS, and two clients of different sectors.
type sessionWorld struct {
	*testing.T
	*httptest.Server
	provider *signet.Provider
	keys     *keystore.Memory
	clock    *testClock
	store    *recordingStore
	trail    *auditTrail
	portal   *relyingParty
	clinic   *relyingParty
}

func newSessionWorld(t *testing.T, configure ...func(*signet.Config)) *sessionWorld {
	t.Helper()
	w := &sessionWorld{T: t, clock: &testClock{}, trail: &auditTrail{}}
	w.Server = httptest.NewTLSServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.provider.ServeHTTP(rw, r)
	}))
	t.Cleanup(w.Close)
	w.portal, w.clinic = newRelyingParty(t, "portal"), newRelyingParty(t, "clinic")
	backend, err := memory.New(memory.Config{Now: w.clock.now})
	require.NoError(t, err)
	t.Cleanup(func() { backend.Close() })
	w.store = &recordingStore{Ephemeral: backend}
	people, err := mock.New(mock.Config{Password: password, Store: backend, Now: w.clock.now})
	require.NoError(t, err)
	w.keys, err = keystore.Generate(jose.ES256)
	require.NoError(t, err)
	clients, err := oauth.NewStaticClients(w.portal.Client, w.clinic.Client)
	require.NoError(t, err)
	secret := make([]byte, 32)
	rand.Read(secret)
	c := signet.Config{
		Issuer: w.URL, Clients: clients, Authenticator: people, Keys: w.keys, Store: w.store, PairwiseSecret: secret,
		ACRs: authenticator.ACRs{
			{Value: acrCode, Alternatives: []authenticator.FactorSet{{authenticator.OTP}}},
			{Value: acrPassword, Alternatives: []authenticator.FactorSet{{authenticator.Password}}},
			{Value: acrBoth, Alternatives: []authenticator.FactorSet{{authenticator.Password, authenticator.OTP}}},
		},
		Sessions: login.Sessions{Idle: 30 * time.Minute, Total: 8 * time.Hour}, AllowPrivateBackchannel: true,
		Audit: w.trail, Now: w.clock.now,
	}
	for _, change := range configure {
		change(&c)
	}
	w.provider, err = signet.New(c)
	require.NoError(t, err)
	return w
}

// testClock is the real clock and what a test added.
type testClock struct {
	mu    sync.Mutex
	added time.Duration
}

func (c *testClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.added)
}

func (c *testClock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.added += d
}

// recordingStore remembers everything that was ever written.
type recordingStore struct {
	store.Ephemeral
	mu      sync.Mutex
	written strings.Builder
	keys    []string
}

func (s *recordingStore) note(key string, value []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys = append(s.keys, key)
	s.written.WriteString(key)
	s.written.Write(value)
}

func (s *recordingStore) Put(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	s.note(key, value)
	return s.Ephemeral.Put(ctx, key, value, ttl)
}

func (s *recordingStore) Add(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	s.note(key, value)
	return s.Ephemeral.Add(ctx, key, value, ttl)
}

func (s *recordingStore) Replace(ctx context.Context, key string, old, new []byte, ttl time.Duration) error {
	s.note(key, new)
	return s.Ephemeral.Replace(ctx, key, old, new, ttl)
}

func (s *recordingStore) Increment(ctx context.Context, key string, delta int64, ttl time.Duration) (store.Counter, error) {
	s.note(key, nil)
	return s.Ephemeral.Increment(ctx, key, delta, ttl)
}

// auditTrail keeps the events.
type auditTrail struct {
	mu     sync.Mutex
	events []audit.Event
}

func (a *auditTrail) Record(_ context.Context, e audit.Event) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.events = append(a.events, e)
}

func (a *auditTrail) of(typ audit.Type) []audit.Event {
	a.mu.Lock()
	defer a.mu.Unlock()
	var found []audit.Event
	for _, e := range a.events {
		if e.Type == typ {
			found = append(found, e)
		}
	}
	return found
}

// relyingParty is a client with its key.
type relyingParty struct {
	*oauth.Client
	signer jose.Signer
}

func newRelyingParty(t *testing.T, id string) *relyingParty {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key}, nil)
	require.NoError(t, err)
	return &relyingParty{signer: signer, Client: &oauth.Client{
		ID: id, Names: map[string]string{"": strings.ToUpper(id)},
		RedirectURIs:           []string{"https://" + id + ".example/callback"},
		PostLogoutRedirectURIs: []string{"https://" + id + ".example/bye"},
		Keys:                   jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "1"}}},
		AssertionAlgorithm:     jose.ES256, PKCEOptional: true,
		Scopes: []string{"openid", "profile", "email", "phone", "appointments"},
	}}
}

// request is the path of an authorization request.
func (p *relyingParty) request(extra ...string) string {
	q := url.Values{
		"client_id": {p.ID}, "response_type": {"code"}, "redirect_uri": {p.RedirectURIs[0]}, "scope": {"openid email"},
		"state": {"s1"}, "nonce": {"n1"},
	}
	for i := 0; i+1 < len(extra); i += 2 {
		q.Set(extra[i], extra[i+1])
	}
	return "/authorize?" + q.Encode()
}

// idToken is what the tests read of an ID Token; raw is all of it.
type idToken struct {
	Subject  string   `json:"sub"`
	AuthTime int64    `json:"auth_time"`
	ACR      string   `json:"acr"`
	AMR      []string `json:"amr"`
	SID      string   `json:"sid"`
	Nonce    string   `json:"nonce"`
	raw      string
}

// redeem exchanges the code of a callback.
func (w *sessionWorld) redeem(p *relyingParty, callback url.Values) (idToken, string) {
	w.Helper()
	require.NotEmpty(w, callback.Get("code"), "no code but %v", callback)
	now := w.clock.now()
	claims, err := json.Marshal(map[string]any{
		"iss": p.ID, "sub": p.ID, "aud": w.URL, "jti": uuid.NewString(), "iat": now.Unix(), "exp": now.Add(time.Minute).Unix(),
	})
	require.NoError(w, err)
	jws, err := p.signer.Sign(claims)
	require.NoError(w, err)
	assertion, err := jws.CompactSerialize()
	require.NoError(w, err)
	response, err := w.Client().PostForm(w.URL+"/token", url.Values{
		"grant_type": {"authorization_code"}, "code": {callback.Get("code")}, "redirect_uri": {p.RedirectURIs[0]},
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}, "client_assertion": {assertion},
	})
	require.NoError(w, err)
	defer response.Body.Close()
	require.Equal(w, http.StatusOK, response.StatusCode)
	var tokens struct {
		IDToken     string `json:"id_token"`
		AccessToken string `json:"access_token"`
	}
	require.NoError(w, json.NewDecoder(response.Body).Decode(&tokens))
	token := idToken{raw: tokens.IDToken}
	w.verify(tokens.IDToken, &token)
	return token, tokens.AccessToken
}

// verify checks the signature of a token of the provider, and reads its claims.
func (w *sessionWorld) verify(token string, claims any) (typ any) {
	w.Helper()
	jws, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.ES256})
	require.NoError(w, err)
	keys, err := w.keys.Keys(w.Context())
	require.NoError(w, err)
	payload, err := jws.Verify(keys[0])
	require.NoError(w, err)
	require.NoError(w, json.Unmarshal(payload, claims))
	return jws.Signatures[0].Header.ExtraHeaders[jose.HeaderType]
}

// browser keeps cookies, and follows redirects for as long as they stay at the provider.
type browser struct {
	*sessionWorld
	client *http.Client
}

func (w *sessionWorld) browser() *browser {
	jar, err := cookiejar.New(nil)
	require.NoError(w, err)
	return &browser{w, &http.Client{
		Jar: jar, Transport: w.Client().Transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// shown is where a walk of the browser ended: at a page, or at a client.
type shown struct {
	status int
	path   string
	body   string
	// client is the URI at the client, and its query; empty on a page.
	client string
	query  url.Values
	header http.Header
}

func (b *browser) do(method, path string, form url.Values, headers ...string) *shown {
	b.Helper()
	for range 6 {
		r, err := http.NewRequestWithContext(b.Context(), method, b.URL+path, strings.NewReader(form.Encode()))
		require.NoError(b, err)
		if method == http.MethodPost {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		for i := 0; i+1 < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		response, err := b.client.Do(r)
		require.NoError(b, err)
		body, err := io.ReadAll(response.Body)
		response.Body.Close()
		require.NoError(b, err)
		s := &shown{status: response.StatusCode, path: path, body: string(body), header: response.Header}
		location := response.Header.Get("Location")
		if response.StatusCode != http.StatusSeeOther {
			return s
		}
		if !strings.HasPrefix(location, "/") {
			u, err := url.Parse(location)
			require.NoError(b, err)
			s.query = u.Query()
			u.RawQuery = ""
			s.client = u.String()
			return s
		}
		method, path, form = http.MethodGet, location, nil
	}
	b.Fatal("too many redirects")
	return nil
}

func (b *browser) open(path string) *shown { b.Helper(); return b.do(http.MethodGet, path, nil) }

var (
	formAction  = regexp.MustCompile(`<form[^>]* action="([^"]+)"`)
	hiddenField = regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)">`)
	checkbox    = regexp.MustCompile(`<input type="checkbox" name="([^"]+)" value="([^"]*)"`)
)

// submit sends the form of the page whose action ends so, with its hidden fields.
func (b *browser) submit(s *shown, action string, fields ...string) *shown {
	b.Helper()
	for _, part := range strings.Split(s.body, "</form>") {
		found := formAction.FindStringSubmatch(part)
		if found == nil || !strings.HasSuffix(found[1], action) {
			continue
		}
		form := url.Values{}
		for _, f := range hiddenField.FindAllStringSubmatch(part, -1) {
			form.Add(f[1], html.UnescapeString(f[2]))
		}
		for i := 0; i+1 < len(fields); i += 2 {
			form.Add(fields[i], fields[i+1])
		}
		return b.do(http.MethodPost, html.UnescapeString(found[1]), form, "Sec-Fetch-Site", "same-origin")
	}
	b.Fatalf("no form %s at %s: %s", action, s.path, s.body)
	return nil
}

// page is the last part of the path: choose, verify/pwd, consent, account; empty at a client.
func (s *shown) page() string {
	if s.client != "" {
		return ""
	}
	path, _, _ := strings.Cut(s.path, "?")
	parts := strings.SplitN(path, "/", 4)
	return parts[len(parts)-1]
}

// walk answers every page as the person would, by password where there is a choice, and shares everything, until the
// browser is at the client. It notes the pages.
func (b *browser) walk(s *shown, person string) (end *shown, pages []string) {
	b.Helper()
	for range 10 {
		if s.client != "" {
			return s, pages
		}
		pages = append(pages, s.page())
		switch s.page() {
		case "choose":
			s = b.submit(s, "/choose", "option", "1")
		case "identify/otp":
			s = b.submit(s, "/identify/otp", "identifier", person, "channel", "phone")
		case "verify/otp":
			s = b.submit(s, "/verify/otp", "response", mock.OTP)
		case "verify/pwd":
			s = b.submit(s, "/verify/pwd", "identifier", person, "response", password)
		case "consent":
			var all []string
			for _, box := range checkbox.FindAllStringSubmatch(s.body, -1) {
				all = append(all, box[1], box[2])
			}
			s = b.submit(s, "/consent", all...)
		default:
			b.Fatalf("%s is no page of a login: %s", s.page(), s.body)
		}
	}
	b.Fatalf("the login does not end: %v %s", pages, s.body)
	return nil, nil
}

// login logs the person in to the client and returns the ID Token and the pages on the way.
func (b *browser) login(p *relyingParty, person string, extra ...string) (idToken, []string) {
	b.Helper()
	s, pages := b.walk(b.open(p.request(extra...)), person)
	require.Equal(b, p.RedirectURIs[0], s.client)
	token, _ := b.redeem(p, s.query)
	return token, pages
}

const sessionCookie = "__Host-signet-session"

// session is the token in the browser's cookie.
func (b *browser) session() string {
	u, err := url.Parse(b.URL)
	require.NoError(b, err)
	for _, c := range b.client.Jar.Cookies(u) {
		if c.Name == sessionCookie {
			return c.Value
		}
	}
	return ""
}

func (b *browser) setSession(token string) {
	u, err := url.Parse(b.URL)
	require.NoError(b, err)
	b.client.Jar.SetCookies(u, []*http.Cookie{{Name: sessionCookie, Value: token, Path: "/", Secure: true}})
}
