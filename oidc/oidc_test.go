package oidc_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/audit"
	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/oidc"
)

const issuer = "https://id.example"

var (
	allAlgorithms = []jose.SignatureAlgorithm{jose.ES256, jose.ES384, jose.EdDSA, jose.PS256, jose.RS256}
	testKeys      = sync.OnceValue(func() *keystore.Memory {
		keys, err := keystore.Generate(allAlgorithms...)
		if err != nil {
			panic(err)
		}
		return keys
	})
	now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
)

var _ oidc.TokenSource = (*oauth.Server)(nil)

// fixture is a provider with everything around it.
type fixture struct {
	*oidc.Provider
	clients clientStore
	people  *people
	events  *events
	tokens  tokens
}

func newFixture(tb testing.TB, change ...func(*oidc.Config)) *fixture {
	tb.Helper()
	f := &fixture{
		clients: clientStore{},
		people: &people{values: map[string]string{
			"name": `"Sok Dara"`, "given_name": `"Dara"`, "email": `"dara@example.org"`, "email_verified": `true`,
			"birthdate": `"1990-05-17"`, "address": `{"region": "Kandal",  "country": "KH"}`,
		}},
		events: &events{},
		tokens: tokens{},
	}
	for _, c := range []*oauth.Client{
		{ID: "health", RedirectURIs: []string{"https://health.example/callback"}},
		{ID: "health-app", RedirectURIs: []string{"https://app.example/cb"}, SectorIdentifier: "health.example"},
		{ID: "bank", RedirectURIs: []string{"https://bank.example/callback"}},
	} {
		f.clients[c.ID] = c
	}
	config := configFor(f)
	for _, c := range change {
		c(&config)
	}
	var err error
	f.Provider, err = oidc.New(config)
	require.NoError(tb, err)
	return f
}

func configFor(f *fixture) oidc.Config {
	return oidc.Config{
		Issuer:           issuer,
		UserinfoEndpoint: issuer + "/userinfo",
		JWKSURI:          issuer + "/jwks",
		Keys:             testKeys(),
		Clients:          f.clients,
		Claims:           f.people,
		PairwiseSecret:   []byte("0123456789abcdef0123456789abcdef"),
		ACRValues:        []string{"loa:2", "loa:1"},
		Algorithms:       allAlgorithms,
		Audit:            f.events,
		Now:              func() time.Time { return now },
	}
}

// parse reads a request with the scopes, and with the parameters given as name, value, name, value.
func (f *fixture) parse(ctx context.Context, client, scope string, parameters ...string) (*oidc.Request, error) {
	return f.ParseRequest(ctx, f.clients[client], request(client, scope, parameters...))
}

func request(client, scope string, parameters ...string) *oauth.AuthorizationRequest {
	req := &oauth.AuthorizationRequest{
		ClientID: client, Scope: strings.Fields(scope), Parameters: map[string]string{},
	}
	for i := 0; i < len(parameters); i += 2 {
		req.Parameters[parameters[i]] = parameters[i+1]
	}
	return req
}

// exchange is a login of the person "person-1" up to the exchange of the code, in which they share all that is asked.
func (f *fixture) exchange(tb testing.TB, client, scope string, parameters ...string) *oauth.Exchange {
	tb.Helper()
	r, err := f.parse(tb.Context(), client, scope, parameters...)
	require.NoError(tb, err)
	c, scopes := f.clients[client], strings.Fields(scope)
	asked := f.Asked(c, r, scopes)
	return f.exchangeFor(tb, c, r, scopes, append(asked.Essential, asked.Voluntary...))
}

func (f *fixture) exchangeFor(
	tb testing.TB, c *oauth.Client, r *oidc.Request, scope, consented []string,
) *oauth.Exchange {
	tb.Helper()
	person := &authenticator.Identity{Subject: "person-1", State: []byte("kyc-token")}
	a, err := f.Authorize(c, r, scope, person, consented)
	require.NoError(tb, err)
	data, err := json.Marshal(a)
	require.NoError(tb, err)
	return &oauth.Exchange{
		Client: c,
		Grant: &oauth.Grant{
			Subject:     f.Subject(c, person.Subject),
			Scope:       scope,
			AuthTime:    now.Add(-time.Minute),
			ACR:         "loa:2",
			AMR:         []string{"otp"},
			Transaction: "transaction-1",
			Data:        data,
		},
		AccessToken: "token-of-" + c.ID,
		IssuedAt:    now,
	}
}

// extended is an exchange that [oidc.Provider.Extend] was called for. Its access token can be used at userinfo.
func (f *fixture) extended(tb testing.TB, client, scope string, parameters ...string) *oauth.Exchange {
	tb.Helper()
	x := f.exchange(tb, client, scope, parameters...)
	f.extend(tb, x)
	return x
}

func (f *fixture) extend(tb testing.TB, x *oauth.Exchange) {
	tb.Helper()
	require.NoError(tb, f.Extend(tb.Context(), x))
	grant := *x.Grant
	grant.Data = nil
	f.tokens[x.AccessToken] = &oauth.AccessToken{ClientID: x.Client.ID, Grant: grant, IssuedAt: now, Data: x.Data}
}

// open verifies a token of the provider with go-jose.
func open(tb testing.TB, token string) (header jose.Header, claims map[string]any) {
	tb.Helper()
	jws, err := jose.ParseSignedCompact(token, allAlgorithms)
	require.NoError(tb, err)
	keys, err := testKeys().Keys(tb.Context())
	require.NoError(tb, err)
	header = jws.Signatures[0].Header
	matching := (&jose.JSONWebKeySet{Keys: keys}).Key(header.KeyID)
	require.Len(tb, matching, 1, "the kid selects exactly one key")
	payload, err := jws.Verify(matching[0])
	require.NoError(tb, err)
	require.NoError(tb, json.Unmarshal(payload, &claims))
	return header, claims
}

func requireCode(tb testing.TB, want oauth.ErrorCode, err error) {
	tb.Helper()
	e, ok := errors.AsType[*oauth.Error](err)
	require.True(tb, ok, "%v is no *oauth.Error", err)
	require.Equal(tb, want, e.Code, e.Description)
	assert.NotContains(tb, e.Description, `"`)
	assert.NotContains(tb, e.Description, `\`)
}

type clientStore map[string]*oauth.Client

func (s clientStore) Client(_ context.Context, id string) (*oauth.Client, error) {
	if c := s[id]; c != nil {
		return c, nil
	}
	return nil, oauth.ErrUnknownClient
}

// people releases the same claims for everybody, whatever it is asked for.
type people struct {
	values   map[string]string
	verified []authenticator.VerifiedClaims
	sources  []authenticator.ClaimSource
	original string
	err      error
	asked    []*authenticator.ClaimsRequest
}

func (p *people) Claims(_ context.Context, r *authenticator.ClaimsRequest) (*authenticator.Claims, error) {
	p.asked = append(p.asked, r)
	if p.err != nil {
		return nil, p.err
	}
	claims := &authenticator.Claims{
		Values: map[string]json.RawMessage{}, Verified: p.verified, Sources: p.sources, Original: p.original,
	}
	for name, value := range p.values {
		claims.Values[name] = json.RawMessage(value)
	}
	return claims, nil
}

type events []audit.Event

func (e *events) Record(_ context.Context, event audit.Event) { *e = append(*e, event) }

type tokens map[string]*oauth.AccessToken

func (t tokens) AccessToken(_ context.Context, token string) (*oauth.AccessToken, error) {
	if live := t[token]; live != nil {
		return live, nil
	}
	return nil, &oauth.Error{Code: oauth.InvalidToken, Description: "the access token is not valid", Status: 401}
}

var errBackend = errors.New("dial tcp 10.1.2.3:5432: connection refused")

// brokenBackend is a keystore, a client store and a source of tokens that does not answer.
type brokenBackend struct{}

func (brokenBackend) Signer(context.Context, keystore.Role, jose.SignatureAlgorithm) (*keystore.Key, error) {
	return nil, errBackend
}
func (brokenBackend) Keys(context.Context) ([]jose.JSONWebKey, error)       { return nil, errBackend }
func (brokenBackend) Client(context.Context, string) (*oauth.Client, error) { return nil, errBackend }
func (brokenBackend) AccessToken(context.Context, string) (*oauth.AccessToken, error) {
	return nil, errBackend
}

func TestNewReportsAllProblemsAtOnce(t *testing.T) {
	t.Parallel()
	_, err := oidc.New(oidc.Config{
		Issuer:           "http://id.example",
		UserinfoEndpoint: "https://id.example",
		PairwiseSecret:   make([]byte, 31),
		ClaimsSupported:  []string{"sub", `a"b`, "name#km"},
		Algorithms:       []jose.SignatureAlgorithm{"HS256"},
		IDTokenLifetime:  -1,
		DocumentMaxAge:   -1,
	})
	require.Error(t, err)
	for _, problem := range []string{
		"Issuer", "UserinfoEndpoint", "JWKSURI", "Keys", "Clients", "Claims is required", "PairwiseSecret", `"sub"`,
		`"a\"b"`, `"name#km"`, "HS256", "DefaultAlgorithm", "IDTokenLifetime", "DocumentMaxAge",
	} {
		assert.ErrorContains(t, err, problem)
	}
}

func TestNewRefusesEndpointsThatClientsCannotTrust(t *testing.T) {
	t.Parallel()
	for _, endpoint := range []string{
		"", "/userinfo", "http://id.example/userinfo", "https://id.example/userinfo?x=1",
		"https://id.example/userinfo#x", "https://me@id.example/userinfo", "ftp://id.example/userinfo",
	} {
		config := configFor(&fixture{people: &people{}, events: &events{}, clients: clientStore{}})
		config.UserinfoEndpoint = endpoint
		_, err := oidc.New(config)
		assert.ErrorContains(t, err, "UserinfoEndpoint", endpoint)
	}
}

func TestNewAcceptsLoopbackForDevelopment(t *testing.T) {
	t.Parallel()
	newFixture(t, func(c *oidc.Config) {
		c.Issuer = "http://localhost:8080"
		c.UserinfoEndpoint = "http://localhost:8080/userinfo"
		c.JWKSURI = "http://127.0.0.1:8080/jwks"
	})
}
