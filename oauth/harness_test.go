package oauth_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/store"
	"github.com/gosignet/signet/store/memory"
)

const (
	issuer        = "https://id.example"
	verifier      = "a-verifier-of-the-forty-three-characters-it-needs"
	assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
)

var endpoints = oauth.Endpoints{
	Authorization: issuer + "/authorize",
	Token:         issuer + "/token",
	Introspection: issuer + "/introspect",
	Revocation:    issuer + "/revoke",
	JWKS:          issuer + "/jwks",
}

// provider is an authorization server and all that a test wants to see of it or do to it.
type provider struct {
	*oauth.Server
	config  oauth.Config
	clock   *clock
	store   *faultyStore
	clients *clients
	keys    *keystore.Memory
	events  *events
	logs    *buffer
	login   *login
	// portal and clinic are two clients.
	portal, clinic *party
}

// newProvider returns a provider with the two clients; changes are made to its configuration.
func newProvider(tb testing.TB, changes ...func(*oauth.Config)) *provider {
	tb.Helper()
	p := &provider{
		clock:   &clock{now: time.Date(2026, 1, 2, 3, 4, 5, 678_000_000, time.UTC)},
		events:  &events{},
		logs:    &buffer{},
		clients: &clients{byID: map[string]*oauth.Client{}},
		portal:  newParty(tb, "portal"),
		clinic:  newParty(tb, "clinic"),
	}
	backend, err := memory.New(memory.Config{Now: p.clock.Now})
	require.NoError(tb, err)
	p.store = &faultyStore{Ephemeral: backend}
	p.keys, err = keystore.Generate(jose.ES256)
	require.NoError(tb, err)
	for _, party := range []*party{p.portal, p.clinic} {
		party.clock = p.clock
		p.clients.put(party.client)
	}
	p.config = oauth.Config{
		Issuer: issuer, Endpoints: endpoints, Clients: p.clients, Keys: p.keys, Store: p.store,
		Scopes: []string{"openid", "records"}, Audit: p.events,
		Logger: slog.New(slog.NewTextHandler(p.logs, &slog.HandlerOptions{Level: slog.LevelDebug})), Now: p.clock.Now,
	}
	for _, change := range changes {
		change(&p.config)
	}
	p.Server = p.instance(tb)
	p.login = &login{server: p.Server, grant: p.grant()}
	return p
}

// instance returns another server over the same store, as it runs on another machine.
func (p *provider) instance(tb testing.TB) *oauth.Server {
	tb.Helper()
	s, err := oauth.New(p.config)
	require.NoError(tb, err)
	return s
}

func (p *provider) grant() oauth.Grant {
	return oauth.Grant{
		Subject: "pseudonym-7c1f", Scope: []string{"openid"}, AuthTime: p.clock.Now().Add(-time.Minute), ACR: "loa:2",
		AMR: []string{"otp"}, Transaction: "transaction-41", Data: json.RawMessage(`{"name":"Personal Data"}`),
	}
}

// authorize sends an authorization request by GET.
func (p *provider) authorize(query url.Values) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, "/authorize?"+query.Encode(), nil)
	return serve(p.AuthorizationHandler(p.login), r)
}

// code takes a person through the login at the client and returns the code that the client gets.
func (p *provider) code(tb testing.TB, c *party) string {
	tb.Helper()
	return response(tb, p.authorize(c.request())).Get("code")
}

// redeem exchanges a code and expects it to work.
func (p *provider) redeem(tb testing.TB, c *party, code string) tokenResponse {
	tb.Helper()
	rec := post(p.TokenHandler(), c.redemption(tb, code))
	require.Equal(tb, http.StatusOK, rec.Code, rec.Body)
	return decode[tokenResponse](tb, rec)
}

// live reports whether the access token still opens anything.
func (p *provider) live(tb testing.TB, token string) bool {
	tb.Helper()
	_, err := p.AccessToken(tb.Context(), token)
	if err != nil {
		require.Equal(tb, oauth.InvalidToken, oauth.AsError(err).Code, err)
	}
	return err == nil
}

type tokenResponse struct {
	AccessToken string `json:"access_token"`
	TokenType   string `json:"token_type"`
	ExpiresIn   int64  `json:"expires_in"`
	Scope       string `json:"scope"`
}

// party is a relying party with its key.
type party struct {
	client *oauth.Client
	key    *ecdsa.PrivateKey
	clock  *clock
}

func newParty(tb testing.TB, id string) *party {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(tb, err)
	return &party{key: key, client: &oauth.Client{
		ID:                 id,
		Names:              map[string]string{"": id},
		RedirectURIs:       []string{"https://" + id + ".example/cb"},
		Keys:               jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: id + "-1"}}},
		AssertionAlgorithm: jose.ES256,
		Scopes:             []string{"openid", "records"},
	}}
}

// request is an honest authorization request.
func (c *party) request() url.Values {
	return url.Values{
		"response_type":         {"code"},
		"client_id":             {c.client.ID},
		"redirect_uri":          {c.client.RedirectURIs[0]},
		"scope":                 {"openid records"},
		"state":                 {"state-of-" + c.client.ID},
		"code_challenge":        {challenge(verifier)},
		"code_challenge_method": {"S256"},
	}
}

// challenge is the S256 challenge of a verifier.
func challenge(verifier string) string {
	digest := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(digest[:])
}

// redemption is an honest token request, with an assertion of its own.
func (c *party) redemption(tb testing.TB, code string) url.Values {
	return c.authenticated(tb, endpoints.Token, url.Values{
		"grant_type":    {"authorization_code"},
		"code":          {code},
		"redirect_uri":  {c.client.RedirectURIs[0]},
		"code_verifier": {verifier},
	})
}

// authenticated adds a fresh assertion for the endpoint to the form.
func (c *party) authenticated(tb testing.TB, endpoint string, form url.Values) url.Values {
	form = maps.Clone(form)
	form.Set("client_assertion_type", assertionType)
	form.Set("client_assertion", c.assertion(tb, map[string]any{"aud": endpoint}))
	return form
}

// assertion mints a client assertion; changes replace its claims, or remove them if they are nil.
func (c *party) assertion(tb testing.TB, changes map[string]any) string {
	tb.Helper()
	claims := map[string]any{
		"iss": c.client.ID, "sub": c.client.ID, "aud": issuer, "jti": rand.Text(),
		"iat": c.clock.Now().Unix(), "exp": c.clock.Now().Add(time.Minute).Unix(),
	}
	maps.Copy(claims, changes)
	maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
	return sign(tb, jose.ES256, jose.JSONWebKey{Key: c.key, KeyID: c.client.ID + "-1"}, "", claims)
}

// sign makes a JWT with go-jose.
func sign(tb testing.TB, alg jose.SignatureAlgorithm, key any, typ string, claims any) string {
	tb.Helper()
	options := &jose.SignerOptions{}
	if typ != "" {
		options.WithType(jose.ContentType(typ))
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, options)
	require.NoError(tb, err)
	payload, err := json.Marshal(claims)
	require.NoError(tb, err)
	jws, err := signer.Sign(payload)
	require.NoError(tb, err)
	token, err := jws.CompactSerialize()
	require.NoError(tb, err)
	return token
}

// login is a scripted Interaction: everybody agrees to the grant at once, and errors are shown as their code.
type login struct {
	server *oauth.Server
	grant  oauth.Grant

	mu    sync.Mutex
	begun *oauth.AuthorizationRequest
	shown *oauth.Error
}

func (l *login) Begin(w http.ResponseWriter, r *http.Request, req *oauth.AuthorizationRequest) {
	l.mu.Lock()
	l.begun = req
	l.mu.Unlock()
	grant := l.grant
	grant.Scope = req.Scope
	response, err := l.server.Approve(r.Context(), req, grant, store.NewHandle())
	if err != nil {
		l.ShowError(w, r, oauth.AsError(err))
		return
	}
	response.Write(w)
}

func (l *login) ShowError(w http.ResponseWriter, _ *http.Request, e *oauth.Error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.shown = e
	w.WriteHeader(e.StatusCode())
	fmt.Fprint(w, e.Code)
}

func serve(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// post sends a form, as a client does.
func post(h http.Handler, form url.Values) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return serve(h, r)
}

func decode[T any](tb testing.TB, rec *httptest.ResponseRecorder) (v T) {
	tb.Helper()
	require.NoError(tb, json.Unmarshal(rec.Body.Bytes(), &v), rec.Body)
	return v
}

// with returns the values with one of them replaced, or removed if there are no new ones.
func with(values url.Values, name string, new ...string) url.Values {
	values = maps.Clone(values)
	if delete(values, name); len(new) > 0 {
		values[name] = new
	}
	return values
}

// response returns the parameters of the authorization response that a redirect carries.
func response(tb testing.TB, rec *httptest.ResponseRecorder) url.Values {
	tb.Helper()
	require.Equal(tb, http.StatusSeeOther, rec.Code, rec.Body)
	u, err := url.Parse(rec.Header().Get("Location"))
	require.NoError(tb, err)
	return u.Query()
}

// registered are the error codes of each endpoint: RFC 6749 sections 4.1.2.1 and 5.2, RFC 9101, OpenID Connect Core.
var (
	registeredAtAuthorization = []oauth.ErrorCode{
		oauth.InvalidRequest, oauth.UnauthorizedClient, oauth.AccessDenied, oauth.UnsupportedResponseType,
		oauth.InvalidScope, oauth.ServerError, oauth.TemporarilyUnavailable, oauth.RequestNotSupported,
		oauth.RequestURINotSupported, oauth.RegistrationNotSupported,
	}
	registeredAtToken = []oauth.ErrorCode{
		oauth.InvalidRequest, oauth.InvalidClient, oauth.InvalidGrant, oauth.UnauthorizedClient,
		oauth.UnsupportedGrantType, oauth.InvalidScope, oauth.ServerError, oauth.InvalidDPoPProof, oauth.UseDPoPNonce,
		oauth.UnsupportedResponseType, oauth.RequestNotSupported, // at PAR
	}
)

// requireDescription checks the characters of an error_description (RFC 6749 section 5.2).
func requireDescription(tb testing.TB, description string) {
	tb.Helper()
	for _, r := range description {
		require.True(tb, r >= ' ' && r <= '~' && r != '"' && r != '\\', "%q in %q", r, description)
	}
}

// requireRefused expects the error answer of an endpoint that clients call (RFC 6749 section 5.2) and returns it.
func requireRefused(tb testing.TB, rec *httptest.ResponseRecorder, status int, code oauth.ErrorCode) map[string]string {
	tb.Helper()
	require.Equal(tb, status, rec.Code, rec.Body)
	require.Equal(tb, "application/json", rec.Header().Get("Content-Type"))
	require.Equal(tb, "no-store", rec.Header().Get("Cache-Control"))
	body := decode[map[string]string](tb, rec)
	require.Equal(tb, string(code), body["error"], rec.Body)
	require.True(tb, slices.Contains(registeredAtToken, code), code)
	requireDescription(tb, body["error_description"])
	for member := range body {
		require.Contains(tb, []string{"error", "error_description"}, member)
	}
	return body
}

// jwk returns the public key as it is registered.
func jwk(key crypto.Signer, kid string) jose.JSONWebKey {
	return jose.JSONWebKey{Key: key.Public(), KeyID: kid}
}

// race runs f n times at once.
func race(n int, f func(i int)) {
	var group sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		group.Go(func() {
			<-start
			f(i)
		})
	}
	close(start)
	group.Wait()
}
