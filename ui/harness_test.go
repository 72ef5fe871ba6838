package ui_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
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
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/mock"
	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/oidc"
	"github.com/gosignet/signet/store/memory"
	"github.com/gosignet/signet/ui"
)

const (
	personID = "2740198356"
	password = "correct horse"
	callback = "https://portal.example.org/callback"
)

// clock is the provider's clock: the real one and what a test added.
type clock struct {
	mu    sync.Mutex
	added time.Duration
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.added)
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.added += d
}

// provider is a whole provider with the pages in front: the real flow, authorization server and store, and the mock
// identity system.
type provider struct {
	*httptest.Server
	clock *clock
}

// newProvider starts a provider. The pages can be configured; redirectURIs are those of the client, the first being
// the one that logins use.
func newProvider(tb testing.TB, configure func(*ui.Config), redirectURIs ...string) *provider {
	tb.Helper()
	if redirectURIs == nil {
		redirectURIs = []string{callback}
	}
	p := &provider{clock: &clock{}}
	mux := http.NewServeMux()
	p.Server = httptest.NewServer(mux)
	tb.Cleanup(p.Close)

	state, err := memory.New(memory.Config{Now: p.clock.now})
	require.NoError(tb, err)
	keys, err := keystore.Generate(jose.ES256)
	require.NoError(tb, err)
	people, err := mock.New(mock.Config{Password: password, Store: state, Now: p.clock.now})
	require.NoError(tb, err)
	clients := newClients(tb, redirectURIs)
	secret := make([]byte, 32)
	rand.Read(secret)
	acrs := authenticator.ACRs{
		{Value: "urn:example:code", Alternatives: []authenticator.FactorSet{{authenticator.OTP}}},
		{Value: "urn:example:password", Alternatives: []authenticator.FactorSet{{authenticator.Password}}},
		{Value: "urn:example:both", Alternatives: []authenticator.FactorSet{{authenticator.Password, authenticator.OTP}}},
	}
	openID, err := oidc.New(oidc.Config{
		Issuer: p.URL, UserinfoEndpoint: p.URL + "/userinfo", JWKSURI: p.URL + "/jwks", Keys: keys, Clients: clients,
		Claims: people, PairwiseSecret: secret, ACRValues: acrs.Values(), Now: p.clock.now,
	})
	require.NoError(tb, err)
	server, err := oauth.New(oauth.Config{
		Issuer: p.URL, Endpoints: oauth.Endpoints{Authorization: p.URL + "/authorize", Token: p.URL + "/token"},
		Clients: clients, Keys: keys, Store: state, Extension: openID, Now: p.clock.now,
	})
	require.NoError(tb, err)
	flow, err := login.New(login.Config{
		Authorizer: server, OpenID: openID, Clients: clients, Authenticator: people, ACRs: acrs, Store: state,
		Secret: secret, Now: p.clock.now, Delay: login.Delay{Free: 11}, // none
	})
	require.NoError(tb, err)

	config := ui.Config{Flow: flow, Now: p.clock.now}
	if configure != nil {
		configure(&config)
	}
	pages, err := ui.New(config)
	require.NoError(tb, err)
	mux.Handle("/authorize", server.AuthorizationHandler(pages))
	mux.Handle("/login/", pages)
	return p
}

func newClients(tb testing.TB, redirectURIs []string) oauth.ClientStore {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(tb, err)
	clients, err := oauth.NewStaticClients(&oauth.Client{
		ID:                 "portal",
		Names:              map[string]string{"": "Health Portal", "ar": "بوابة الصحة"},
		RedirectURIs:       redirectURIs,
		SectorIdentifier:   "portal.example.org",
		Keys:               jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "1"}}},
		AssertionAlgorithm: jose.ES256,
		Scopes:             []string{"openid", "profile", "email", "appointments"},
		PKCEOptional:       true,
	})
	require.NoError(tb, err)
	return clients
}

// request is the URL of an authorization request that asks for a name, an email address and a permission.
func (p *provider) request(extra ...string) string {
	q := url.Values{
		"client_id": {"portal"}, "response_type": {"code"}, "redirect_uri": {callback}, "state": {"s1"},
		"scope":  {"openid appointments"},
		"claims": {`{"userinfo":{"name":{"essential":true},"email":null}}`},
	}
	for i := 0; i+1 < len(extra); i += 2 {
		q.Set(extra[i], extra[i+1])
	}
	return "/authorize?" + q.Encode()
}

// browser is a browser without JavaScript that does not follow redirects by itself.
type browser struct {
	tb     testing.TB
	base   string
	client *http.Client
	header http.Header
}

func newBrowser(tb testing.TB, base string) *browser {
	tb.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(tb, err)
	return &browser{tb: tb, base: base, header: http.Header{}, client: &http.Client{
		Jar:           jar,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// answer is a response, and the page that it carries.
type answer struct {
	status int
	header http.Header
	body   string
	path   string
}

func (b *browser) send(method, path, body string) *answer {
	b.tb.Helper()
	r, err := http.NewRequestWithContext(b.tb.Context(), method, b.base+path, strings.NewReader(body))
	require.NoError(b.tb, err)
	r.Header = b.header.Clone()
	if method == http.MethodPost && r.Header.Get("Content-Type") == "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	response, err := b.client.Do(r)
	require.NoError(b.tb, err)
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	require.NoError(b.tb, err)
	return &answer{status: response.StatusCode, header: response.Header, body: string(content), path: path}
}

// open gets a page and follows redirects within the provider.
func (b *browser) open(path string) *answer {
	b.tb.Helper()
	a := b.send(http.MethodGet, path, "")
	for range 5 {
		if a.status != http.StatusSeeOther || !strings.HasPrefix(a.header.Get("Location"), "/") {
			return a
		}
		a = b.send(http.MethodGet, a.header.Get("Location"), "")
	}
	b.tb.Fatal("too many redirects")
	return nil
}

// submit sends the first form of a page that goes to the action, which is the last part of its URL, and opens what
// follows.
func (b *browser) submit(a *answer, action string, fields ...string) *answer {
	b.tb.Helper()
	sent := b.post(a, action, fields...)
	require.Equal(b.tb, http.StatusSeeOther, sent.status, sent.body)
	if strings.HasPrefix(sent.header.Get("Location"), "/") {
		return b.open(sent.header.Get("Location"))
	}
	return sent
}

func (b *browser) post(a *answer, action string, fields ...string) *answer {
	b.tb.Helper()
	form := url.Values{"csrf": {a.csrf(b.tb)}}
	if m := languageField.FindStringSubmatch(a.body); m != nil {
		form.Set("language", m[1])
	}
	for i := 0; i+1 < len(fields); i += 2 {
		form.Add(fields[i], fields[i+1])
	}
	require.Contains(b.tb, a.body, `action="`+a.login()+"/"+action+`"`)
	return b.send(http.MethodPost, a.login()+"/"+action, form.Encode())
}

var (
	languageField = regexp.MustCompile(`name="language" value="([^"]+)"`)

	csrfField = regexp.MustCompile(`name="csrf" value="([^"]+)"`)
	markup    = regexp.MustCompile(`<[^>]*>|\s+`)
)

func (a *answer) csrf(tb testing.TB) string {
	tb.Helper()
	found := csrfField.FindStringSubmatch(a.body)
	require.NotNil(tb, found, "the page has no form: %s", a.body)
	return html.UnescapeString(found[1])
}

// login is the path of the login that the page is of.
func (a *answer) login() string {
	parts := strings.Split(a.path, "/")
	return strings.Join(parts[:3], "/")
}

// page is the path of the page below its login.
func (a *answer) page() string {
	path, _, _ := strings.Cut(a.path, "?")
	return strings.TrimPrefix(path, a.login()+"/")
}

// text is what a person reads.
func (a *answer) text() string {
	_, body, _ := strings.Cut(a.body, "<body>")
	return strings.Join(strings.Fields(html.UnescapeString(markup.ReplaceAllString(body, " "))), " ")
}

// atCode walks to the page that asks for the code.
func (b *browser) atCode(p *provider) *answer {
	b.tb.Helper()
	identify := b.submit(b.open(p.request()), "choose", "option", "0")
	return b.submit(identify, "identify/otp", "identifier", personID)
}

// atConsent walks to the consent.
func (b *browser) atConsent(p *provider) *answer {
	b.tb.Helper()
	return b.submit(b.atCode(p), "verify/otp", "response", mock.OTP)
}
