package login_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/audit"
	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/oidc"
	"github.com/gosignet/signet/par"
	"github.com/gosignet/signet/store"
	"github.com/gosignet/signet/store/memory"
)

const (
	acrCode     = "urn:example:code"
	acrPassword = "urn:example:password"
	acrBoth     = "urn:example:both"

	callback = "https://clinic.example.org/callback"
)

var (
	alice    = authenticator.Identifier{Type: "national_id", Value: "1234 5678"}
	bob      = authenticator.Identifier{Type: "national_id", Value: "8765 4321"}
	nobodyID = authenticator.Identifier{}

	secret = []byte(strings.Repeat("s", 32))
	keys   = sync.OnceValues(func() (*keystore.Memory, error) { return keystore.Generate(jose.ES256) })
)

// right is a person's right answer to the factor; wrong is a wrong one.
func right(id authenticator.Identifier, f authenticator.Factor) authenticator.Challenge {
	return authenticator.Challenge{Factor: f, Response: string(f) + " of " + id.Value}
}

func wrong(f authenticator.Factor) authenticator.Challenge {
	return authenticator.Challenge{Factor: f, Response: "a wrong guess"}
}

// world is a provider with everything that a login needs: the authorization server and OpenID Connect are the real ones,
// the identity system and the clock do as the test says, and the store can fail.
type world struct {
	// config is that of the Flow.
	config login.Config
	testing.TB
	*login.Flow
	clock      *clock
	store      *faultyStore
	people     *people
	authorizer *authorizer
	openID     *oidc.Provider
	pushed     *par.Requests
	trail      *trail
	client     *oauth.Client
	other      *oauth.Client // nil if there is no other
}

// newWorld returns a world whose Flow is configured as config says, where it differs from the default.
func newWorld(t testing.TB, config ...func(*login.Config)) *world {
	t.Helper()
	w := &world{
		TB:    t,
		clock: &clock{now: time.Date(2031, 3, 14, 9, 26, 53, 0, time.UTC)},
		trail: &trail{},
		client: &oauth.Client{
			ID:           "clinic",
			Names:        map[string]string{"": "Clinic"},
			RedirectURIs: []string{callback},
			Scopes:       []string{"openid", "profile", "email", "appointments", "records"},
		},
	}
	backend, err := memory.New(memory.Config{Now: w.clock.Now})
	require.NoError(t, err)
	w.store = &faultyStore{Ephemeral: backend, values: map[string][]byte{}}
	w.people = &people{clock: w.clock}
	ring, err := keys()
	require.NoError(t, err)
	acrs := authenticator.ACRs{
		{Value: acrCode, Alternatives: []authenticator.FactorSet{{authenticator.OTP}}},
		{Value: acrPassword, Alternatives: []authenticator.FactorSet{{authenticator.Password}}},
		{Value: acrBoth, Alternatives: []authenticator.FactorSet{{authenticator.Password, authenticator.OTP}}},
	}
	c := login.Config{
		Clients: w, Authenticator: w.people, ACRs: acrs, Store: w.store, Secret: secret, Audit: w.trail, Now: w.clock.Now,
	}
	for _, change := range config {
		change(&c)
	}
	w.openID, err = oidc.New(oidc.Config{
		Issuer: "https://id.example.org", UserinfoEndpoint: "https://id.example.org/userinfo",
		JWKSURI: "https://id.example.org/jwks", Keys: ring, Clients: w, Claims: w.people, PairwiseSecret: secret,
		ACRValues: c.ACRs.Values(), Now: w.clock.Now,
		Assurance: oidc.Assurance{TrustFrameworks: []string{"gold", "silver"}, Claims: []string{"name", "birthdate", "email"}},
	})
	require.NoError(t, err)
	w.pushed, err = par.New(par.Config{Store: w.store, Now: w.clock.Now})
	require.NoError(t, err)
	server, err := oauth.New(oauth.Config{
		Issuer: "https://id.example.org",
		Endpoints: oauth.Endpoints{
			Authorization: "https://id.example.org/authorize", Token: "https://id.example.org/token",
			PushedRequests: "https://id.example.org/par",
		},
		Clients: w, Keys: ring, Store: w.store, Extension: w.openID, Audit: w.trail, Now: w.clock.Now, Pushed: w.pushed,
	})
	require.NoError(t, err)
	w.authorizer = &authorizer{Server: server}
	c.Authorizer, c.OpenID = w.authorizer, w.openID
	w.config = c
	w.Flow, err = login.New(c)
	require.NoError(t, err)
	return w
}

// Client makes the world an [oauth.ClientStore].
func (w *world) Client(ctx context.Context, id string) (*oauth.Client, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	for _, c := range []*oauth.Client{w.client, w.other} {
		if c != nil && c.ID == id {
			return c, nil
		}
	}
	return nil, oauth.ErrUnknownClient
}

// request is an authorization request for the scopes "openid profile" that ends in the ACR, or in any if it is empty.
func request(acr string) *oauth.AuthorizationRequest {
	return &oauth.AuthorizationRequest{
		ClientID: "clinic", RedirectURI: callback, Scope: []string{"openid", "profile"}, State: "af0ifjsldkj",
		Parameters: map[string]string{"acr_values": acr, "nonce": "n-0S6_WzA2Mj"},
	}
}

// begin begins a login for request(acr).
func (w *world) begin(acr string) (handle string) {
	w.Helper()
	handle, _, err := w.Begin(w.Context(), request(acr), "")
	require.NoError(w, err)
	return handle
}

// atConsent is a login in which alice proved who she is.
func (w *world) atConsent(req *oauth.AuthorizationRequest) (handle string) {
	w.Helper()
	req.Parameters["acr_values"] = acrPassword
	handle, _, err := w.Begin(w.Context(), req, "")
	require.NoError(w, err)
	s := w.ok(w.Answer(w.Context(), handle, alice, right(alice, authenticator.Password)))
	require.Equal(w, login.StepConsent, s.Step)
	return handle
}

// ok is the state of a call that must have no error.
func (w *world) ok(s *login.State, err error) *login.State {
	w.Helper()
	require.NoError(w, err)
	require.NotNil(w, s)
	return s
}

// clock is a clock that stands still until it is moved.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// people is an identity system that knows everybody, by the answers of [right].
type people struct {
	clock *clock
	// authenticate and send, where they are set, do the work instead.
	authenticate func(context.Context, *authenticator.Request) (*authenticator.Identity, error)
	send         func(context.Context, *authenticator.CodeRequest) (*authenticator.CodeReceipt, error)

	// verifications say how claims are verified, for Claims and Verifications; said are the values of claims.
	verifications func(*authenticator.ClaimsRequest) ([]authenticator.VerifiedClaims, error)
	said          map[string]json.RawMessage

	mu       sync.Mutex
	requests []authenticator.Request
	codes    []authenticator.CodeRequest
}

func (p *people) Factors() []authenticator.Factor {
	return []authenticator.Factor{authenticator.OTP, authenticator.Password}
}

func (p *people) Authenticate(ctx context.Context, r *authenticator.Request) (*authenticator.Identity, error) {
	p.mu.Lock()
	p.requests = append(p.requests, *r)
	p.mu.Unlock()
	if p.authenticate != nil {
		return p.authenticate(ctx, r)
	}
	for _, c := range r.Challenges {
		if c.Response != right(r.Identifier, c.Factor).Response {
			return nil, &authenticator.Error{Reason: authenticator.WrongCredentials}
		}
	}
	return &authenticator.Identity{
		Subject: "person " + r.Identifier.Value,
		State:   []byte("state of " + string(r.Challenges[0].Factor)),
	}, nil
}

func (p *people) SendCode(ctx context.Context, r *authenticator.CodeRequest) (*authenticator.CodeReceipt, error) {
	p.mu.Lock()
	p.codes = append(p.codes, *r)
	p.mu.Unlock()
	if p.send != nil {
		return p.send(ctx, r)
	}
	return &authenticator.CodeReceipt{
		Destinations: []string{"** *** 321"}, Length: 6, ResendAfter: p.clock.Now().Add(30 * time.Second),
	}, nil
}

func (p *people) Claims(ctx context.Context, r *authenticator.ClaimsRequest) (*authenticator.Claims, error) {
	verified, err := p.Verifications(ctx, r)
	return &authenticator.Claims{Values: p.said, Verified: verified}, err
}

func (p *people) Verifications(
	_ context.Context, r *authenticator.ClaimsRequest,
) ([]authenticator.VerifiedClaims, error) {
	if p.verifications == nil {
		return nil, nil
	}
	return p.verifications(r)
}

// asked is how often an answer, and a code, reached the identity system.
func (p *people) asked() (answers, codes int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.requests), len(p.codes)
}

// authorizer is the authorization server; it notes the grants, lets a test do something before each, and fails when it is
// told to.
type authorizer struct {
	*oauth.Server
	fail   error
	before func()

	mu       sync.Mutex
	grants   []oauth.Grant
	requests []oauth.AuthorizationRequest
}

func (a *authorizer) ApproveIn(
	ctx context.Context, b *store.Batch, req *oauth.AuthorizationRequest, g oauth.Grant, code string,
) (*oauth.AuthorizationResponse, func(context.Context) error, error) {
	a.mu.Lock()
	a.grants, a.requests = append(a.grants, g), append(a.requests, *req)
	a.mu.Unlock()
	if a.before != nil {
		a.before()
	}
	if a.fail != nil {
		return nil, nil, a.fail
	}
	return a.Server.ApproveIn(ctx, b, req, g, code)
}

func (a *authorizer) lastGrant(t testing.TB) oauth.Grant {
	a.mu.Lock()
	defer a.mu.Unlock()
	require.NotEmpty(t, a.grants, "nothing was granted")
	return a.grants[len(a.grants)-1]
}

// trail keeps the security events.
type trail struct {
	mu     sync.Mutex
	events []audit.Event
}

func (t *trail) Record(_ context.Context, e audit.Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.events = append(t.events, e)
}

// lines are the events in short: type, outcome and reason.
func (t *trail) lines() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var lines []string
	for _, e := range t.events {
		lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s %s %s", e.Type, e.Outcome, e.Reason)))
	}
	return lines
}

// together runs f in n goroutines at once.
func together(n int, f func(i int)) {
	var ready, done sync.WaitGroup
	start := make(chan struct{})
	ready.Add(n)
	for i := range n {
		done.Go(func() {
			ready.Done()
			<-start
			f(i)
		})
	}
	ready.Wait()
	close(start)
	done.Wait()
}

// reasonOf is the reason that the person hears.
func reasonOf(t testing.TB, err error) authenticator.Reason {
	t.Helper()
	e, ok := errors.AsType[*authenticator.Error](err)
	require.True(t, ok, "the person hears nothing of %v", err)
	return e.Reason
}
