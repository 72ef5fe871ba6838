package signet_test

import (
	"bytes"
	"context"
	"html"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet"
	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/mock"
	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/oauth"
)

// factorsIssuer is a name of which a passkey can be, and not an address.
const factorsIssuer = "https://id.example"

// factorsACR names the context that is reached by the factors.
func factorsACR(factors ...authenticator.Factor) string {
	names := make([]string, len(factors))
	for i, f := range factors {
		names[i] = string(f)
	}
	return "urn:example:" + strings.Join(names, "+")
}

func factorsACRs(sets ...authenticator.FactorSet) (acrs authenticator.ACRs) {
	for _, set := range sets {
		acrs = append(acrs, authenticator.ACR{Value: factorsACR(set...), Alternatives: []authenticator.FactorSet{set}})
	}
	return acrs
}

// factorsWorld is a provider with all factors of the mock, of which two instances share a store. Browsers reach them in turn,
// from whatever address, without a network between.
type factorsWorld struct {
	*sessionWorld
	config    signet.Config
	system    *identitySystem
	logs      *logLines
	instances [2]*signet.Provider
	requests  atomic.Uint32
}

func newFactorsWorld(t *testing.T, changes ...func(*signet.Config)) *factorsWorld {
	t.Helper()
	w := &factorsWorld{logs: &logLines{}}
	w.sessionWorld = newSessionWorld(t, func(c *signet.Config) {
		people, err := mock.New(mock.Config{Password: password, Store: c.Store, Factors: mock.AllFactors(), Now: c.Now})
		require.NoError(t, err)
		w.system = &identitySystem{Mock: people}
		c.Issuer, c.Authenticator, c.Logger = factorsIssuer, w.system, slog.New(slog.NewJSONHandler(w.logs, nil))
		c.ACRs = factorsACRs(
			authenticator.FactorSet{authenticator.Password, authenticator.OTP}, authenticator.FactorSet{authenticator.OTP},
			authenticator.FactorSet{authenticator.Password}, authenticator.FactorSet{authenticator.PIN},
			authenticator.FactorSet{authenticator.Knowledge}, authenticator.FactorSet{authenticator.Biometrics},
		)
		for _, change := range changes {
			change(c)
		}
		w.config = *c
	})
	second, err := signet.New(w.config)
	require.NoError(t, err)
	w.instances = [2]*signet.Provider{w.provider, second}
	w.URL = factorsIssuer
	w.Client().Transport = &direct{w, "192.0.2.200:443"}
	return w
}

// from is a new browser at the address.
func (w *factorsWorld) from(address string) *browser {
	w.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(w, err)
	return &browser{w.sessionWorld, &http.Client{
		Jar: jar, Transport: &direct{w, net.JoinHostPort(address, "1024")},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// direct is the way from an address to the instances.
type direct struct {
	w      *factorsWorld
	source string
}

func (d *direct) RoundTrip(r *http.Request) (*http.Response, error) {
	var body bytes.Buffer
	if r.Body != nil {
		if _, err := body.ReadFrom(r.Body); err != nil {
			return nil, err
		}
	}
	request := httptest.NewRequestWithContext(r.Context(), r.Method, r.URL.String(), &body)
	request.Header, request.RemoteAddr = r.Header.Clone(), d.source
	recorder := httptest.NewRecorder()
	d.w.instances[d.w.requests.Add(1)%2].ServeHTTP(recorder, request)
	return recorder.Result(), nil
}

// identitySystem is the mock, which counts what it is asked, and does otherwise if the test says so.
type identitySystem struct {
	*mock.Mock
	answers, codes atomic.Int32

	mu           sync.Mutex
	authenticate func(context.Context, *authenticator.Request) (*authenticator.Identity, error)
	sendCode     func(context.Context, *authenticator.CodeRequest) (*authenticator.CodeReceipt, error)
}

// set makes the system do otherwise. Nil makes it do as the mock.
func (s *identitySystem) set(
	authenticate func(context.Context, *authenticator.Request) (*authenticator.Identity, error),
	sendCode func(context.Context, *authenticator.CodeRequest) (*authenticator.CodeReceipt, error),
) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.authenticate, s.sendCode = authenticate, sendCode
}

func (s *identitySystem) Authenticate(ctx context.Context, r *authenticator.Request) (*authenticator.Identity, error) {
	s.answers.Add(1)
	s.mu.Lock()
	otherwise := s.authenticate
	s.mu.Unlock()
	if otherwise != nil {
		return otherwise(ctx, r)
	}
	return s.Mock.Authenticate(ctx, r)
}

func (s *identitySystem) SendCode(ctx context.Context, r *authenticator.CodeRequest) (*authenticator.CodeReceipt, error) {
	s.codes.Add(1)
	s.mu.Lock()
	otherwise := s.sendCode
	s.mu.Unlock()
	if otherwise != nil {
		return otherwise(ctx, r)
	}
	return s.Mock.SendCode(ctx, r)
}

// logLines keeps what was logged.
type logLines struct {
	mu    sync.Mutex
	lines []string
}

func (l *logLines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, string(b))
	return len(b), nil
}

func (l *logLines) all() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.lines)
}

var (
	bannerText = regexp.MustCompile(`(?s)id="error-banner-message">(.*?)</(?:p|ul)>`)
	markup     = regexp.MustCompile(`<[^>]*>`)
)

// banner is what the page says went wrong; empty if nothing did.
func (s *shown) banner() string {
	found := bannerText.FindStringSubmatch(s.body)
	if found == nil {
		return ""
	}
	return html.UnescapeString(strings.TrimSpace(markup.ReplaceAllString(found[1], "")))
}

// begin takes the browser to the first page of a login by the factors.
func (b *browser) begin(factors ...authenticator.Factor) *shown {
	b.Helper()
	return b.open(b.portal.request("acr_values", factorsACR(factors...)))
}

// logIn logs the person in by password, and returns the ID Token.
func (b *browser) logIn(person string, extra ...string) idToken {
	b.Helper()
	token, _ := b.login(b.portal, person, append([]string{"acr_values", factorsACR(authenticator.Password)}, extra...)...)
	return token
}

// beginFlow begins a login without pages.
func (w *factorsWorld) beginFlow(client *relyingParty, factors ...authenticator.Factor) string {
	w.Helper()
	handle, state, err := w.provider.Login.Begin(w.Context(), &oauth.AuthorizationRequest{
		ClientID: client.ID, RedirectURI: client.RedirectURIs[0], Scope: []string{"openid", "email"},
		Parameters: map[string]string{"acr_values": factorsACR(factors...)},
	}, "")
	require.NoError(w, err)
	require.Equal(w, []authenticator.FactorSet{factors}, state.Options)
	return handle
}

// answer answers in a login without pages.
func (w *factorsWorld) answer(handle, person string, f authenticator.Factor, response string) (*login.State, error) {
	return w.instances[w.requests.Add(1)%2].Login.Answer(w.Context(), handle, authenticator.Identifier{Value: person},
		authenticator.Challenge{Factor: f, Response: response})
}
