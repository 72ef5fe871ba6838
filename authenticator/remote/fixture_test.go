package remote_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/remote"
	"github.com/gosignet/signet/store/memory"
)

// people is an Authenticator that knows Grace, and keeps what it was asked.
type people struct {
	mu    sync.Mutex
	asked []any

	identity *authenticator.Identity
	receipt  *authenticator.CodeReceipt
	claims   *authenticator.Claims
	device   *authenticator.Device
	keys     json.RawMessage
	binding  *authenticator.KeyBinding
	verified []authenticator.VerifiedClaims
	err      error
	// before, if set, is called by each method that the server is asked for.
	before func(context.Context)
}

func newPeople() *people {
	at := time.Date(2026, 3, 1, 12, 5, 0, 0, time.UTC)
	return &people{
		identity: &authenticator.Identity{Subject: "grace-1", State: []byte{0, 0xff, 'k', 'y', 'c'}},
		receipt: &authenticator.CodeReceipt{
			Destinations: []string{"+254 ** *** 820"}, Length: 6, ExpiresAt: at, ResendAfter: at.Add(-4 * time.Minute),
		},
		claims: &authenticator.Claims{Values: map[string]json.RawMessage{
			"name": json.RawMessage(`"Grace Wanjiru Otieno"`), "address": json.RawMessage(`{"country":"Kenya"}`),
		}, Verified: []authenticator.VerifiedClaims{{
			Verification: json.RawMessage(`{"trust_framework":"ke_register","time":"2026-02-01T08:00Z"}`),
			Values:       map[string]json.RawMessage{"name": json.RawMessage(`"Grace Wanjiru Otieno"`)},
		}}, Sources: []authenticator.ClaimSource{
			{Names: []string{"tax_number"}, JWT: "e30.e30.AA"},
			{Names: []string{"diploma", "grade"}, Endpoint: "https://university.example.org/claims", AccessToken: "kyc-1"},
		}, Original: "e30.e30.AA"},
		device: &authenticator.Device{Options: json.RawMessage(`{"challenge":"AAAA"}`), State: []byte{0, 1, 2}},
		keys:   must(json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "1", Use: "sig"}}})),
		binding: &authenticator.KeyBinding{
			Identity: authenticator.Identity{Subject: "grace-1", State: []byte{0, 0xff}}, Certificate: []byte{0x30, 0, 0xff},
		},
		verified: []authenticator.VerifiedClaims{
			{Verification: json.RawMessage(`{"trust_framework":"ke_register","time":"2026-02-01T08:00Z"}`), Values: nulls("name", "name#sw")},
			{Verification: json.RawMessage(`{"trust_framework":"ke_telecom"}`), Values: nulls("phone_number")},
			{Values: nulls("address", "email")},
		},
	}
}

func (p *people) hear(ctx context.Context, r any) {
	p.mu.Lock()
	p.asked = append(p.asked, r)
	p.mu.Unlock()
	if p.before != nil {
		p.before(ctx)
	}
}

func (*people) Factors() []authenticator.Factor {
	return []authenticator.Factor{authenticator.OTP, authenticator.Password, authenticator.Knowledge, authenticator.Passkey}
}

func (*people) Channels() []authenticator.Channel {
	return []authenticator.Channel{authenticator.Phone, authenticator.Email}
}

func (*people) Traits(f authenticator.Factor) authenticator.Traits {
	return authenticator.Traits{Identifies: f == authenticator.Passkey, MaxResponse: 5000}
}

func (p *people) Challenge(ctx context.Context, r *authenticator.DeviceRequest) (*authenticator.Device, error) {
	if r.Factor != authenticator.Passkey {
		return nil, &authenticator.Error{Reason: authenticator.Unsupported}
	}
	if r.ClientID != "" { // otherwise the server asks what there is
		p.hear(ctx, r)
	}
	return p.device, p.err
}

func (p *people) Recall(ctx context.Context, earlier *authenticator.Identity) (*authenticator.Identity, error) {
	p.hear(ctx, earlier)
	return p.identity, p.err
}

func (p *people) BindKey(ctx context.Context, r *authenticator.KeyBindingRequest) (*authenticator.KeyBinding, error) {
	p.hear(ctx, r)
	return p.binding, p.err
}

func (p *people) Verifications(ctx context.Context, r *authenticator.ClaimsRequest) ([]authenticator.VerifiedClaims, error) {
	p.hear(ctx, r)
	return p.verified, p.err
}

// nulls are claims without their values.
func nulls(names ...string) map[string]json.RawMessage {
	values := make(map[string]json.RawMessage)
	for _, name := range names {
		values[name] = json.RawMessage("null")
	}
	return values
}

func (p *people) PublicKeys(ctx context.Context) (json.RawMessage, error) {
	p.hear(ctx, "keys")
	return p.keys, p.err
}

func (p *people) Authenticate(ctx context.Context, r *authenticator.Request) (*authenticator.Identity, error) {
	p.hear(ctx, r)
	return p.identity, p.err
}

func (p *people) Claims(ctx context.Context, r *authenticator.ClaimsRequest) (*authenticator.Claims, error) {
	p.hear(ctx, r)
	return p.claims, p.err
}

func (p *people) SendCode(ctx context.Context, r *authenticator.CodeRequest) (*authenticator.CodeReceipt, error) {
	p.hear(ctx, r)
	return p.receipt, p.err
}

func (*people) Form(_ context.Context, f authenticator.Factor) (*authenticator.Form, error) {
	if f != authenticator.Knowledge {
		return nil, &authenticator.Error{Reason: authenticator.Unsupported}
	}
	return &authenticator.Form{
		Identifier: &authenticator.FormField{Name: "policyNumber", Type: authenticator.FieldDigits, MaxLength: 8},
		Fields: []authenticator.FormField{
			{Name: "fullName", Labels: map[string]string{"en": "Full name", "km": "ឈ្មោះ"}, Pattern: "[^0-9]+"},
			{Name: "dob", Type: authenticator.FieldDate, Format: "dd/MM/yyyy"},
			{
				Name: "village", Hints: map[string]string{"en": "Where you were born"}, Placeholders: map[string]string{"en": "Kisumu"},
				Languages: []string{"eng"}, OptionalLanguages: []string{"khm"}, Group: "birth",
				Rules: []authenticator.FormRule{{Pattern: "^[A-Z]", Errors: map[string]string{"en": "A capital first"}, Language: "eng"}},
			},
			{Name: "district", Type: authenticator.FieldChoice, Optional: true, Group: "birth", Options: []authenticator.FormOption{
				{Value: "north", Labels: map[string]string{"en": "North"}}, {Value: "south"},
			}},
			{Name: "telephone", Type: authenticator.FieldPhone, Prefixes: []string{"+254", "+855"}, MaxLength: 9},
			{Name: "country", Value: "Kenya", Fixed: true},
			{Name: "secret", Type: authenticator.FieldPassword, Confirm: true, CapsLock: true},
			{Name: "terms", Type: authenticator.FieldCheckbox},
			{Name: "portrait", Type: authenticator.FieldPhoto, MaxLength: 1 << 10},
		},
		Messages: map[authenticator.Message]authenticator.Texts{authenticator.MessageRequired: {"en": "It is needed"}},
	}, nil
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

var key = must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))

func login() *authenticator.Request {
	return &authenticator.Request{
		Transaction: "tx-1", ClientID: "health-portal",
		Identifier: authenticator.Identifier{Type: "national_id", Value: "4409173820"},
		Challenges: []authenticator.Challenge{{Factor: authenticator.Password, Response: "jacaranda-44"}},
		ACRs:       []string{"urn:example:loa:2"},
		Locales:    []string{"sw", "en"},
	}
}

func claimsOf(i authenticator.Identity) *authenticator.ClaimsRequest {
	return &authenticator.ClaimsRequest{
		Transaction: "tx-1", ClientID: "health-portal", Identity: i, Names: []string{"name", "address"},
		Verified: []string{"name"}, Locales: []string{"en"},
	}
}

func codeFor() *authenticator.CodeRequest {
	return &authenticator.CodeRequest{
		Transaction: "tx-1", ClientID: "health-portal",
		Identifier: authenticator.Identifier{Type: "national_id", Value: "4409173820"},
		Channels:   []authenticator.Channel{authenticator.Email}, ACRs: []string{"urn:example:loa:2"}, Locales: []string{"sw"},
	}
}

func deviceFor(f authenticator.Factor) *authenticator.DeviceRequest {
	return &authenticator.DeviceRequest{
		Transaction: "tx-1", ClientID: "health-portal", Factor: f,
		Identifier: authenticator.Identifier{Type: "national_id", Value: "4409173820"}, ACRs: []string{"urn:example:loa:2"}, Locales: []string{"sw"},
	}
}

func bindingFor() *authenticator.KeyBindingRequest {
	return &authenticator.KeyBindingRequest{
		Request: *login(), Factor: authenticator.Wallet, Key: json.RawMessage(`{"kty":"OKP","crv":"Ed25519","x":"11qY"}`),
		Header: map[string]string{"partner-id": "health-partner"},
	}
}

// late is a handler that is set after its address is known.
type late struct{ http.Handler }

// world is a Client with signed requests, and the server it asks. The seams let a test go between them.
type world struct {
	people       *people
	server       *httptest.Server
	handler      *late
	serverConfig remote.ServerConfig
	config       remote.Config
	logs         *logs
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{people: newPeople(), handler: &late{}, logs: &logs{}}
	w.server = httptest.NewUnstartedServer(w.handler)
	w.server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	w.server.StartTLS()
	t.Cleanup(w.server.Close)
	w.serverConfig = remote.ServerConfig{
		Keys: []crypto.PublicKey{key.Public()}, BaseURL: w.server.URL, Replays: must(memory.New(memory.Config{})),
		Logger: slog.New(slog.NewTextHandler(w.logs, nil)),
	}
	w.handler.Handler = must(remote.Handler(w.people, w.serverConfig))
	w.config = remote.Config{
		BaseURL: w.server.URL, Signer: key, Transport: w.server.Client().Transport,
		Logger: slog.New(slog.NewTextHandler(w.logs, nil)),
	}
	return w
}

func (w *world) client(t testing.TB) *remote.Client {
	t.Helper()
	c, err := remote.New(t.Context(), w.config)
	require.NoError(t, err)
	return c
}

// intercept lets a function answer requests of the path in place of the Handler.
func (w *world) intercept(path string, answer http.HandlerFunc) {
	next := w.handler.Handler
	w.handler.Handler = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path == path {
			answer(rw, r)
			return
		}
		next.ServeHTTP(rw, r)
	})
}

// says answers with a status and a body, as the right kind.
func says(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Authenticator-Version", "1")
		w.Header().Set("Content-Type", "application/json")
		if status >= 400 {
			w.Header().Set("Content-Type", "application/problem+json")
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

func requireReason(t *testing.T, err error, reason authenticator.Reason) *authenticator.Error {
	t.Helper()
	var e *authenticator.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, reason, e.Reason, "%v", err)
	return e
}

// logs is what was logged.
type logs struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// noPersonalData fails if a text has anything that a person typed or the server knows.
func noPersonalData(t *testing.T, text string) {
	t.Helper()
	for _, personal := range []string{"4409173820", "jacaranda", "Grace", "grace-1", "Otieno", "+254", "** 820", "Kenya", "kyc"} {
		assert.NotContains(t, text, personal)
	}
}

func reasons() []authenticator.Reason {
	return []authenticator.Reason{
		authenticator.WrongCredentials, authenticator.CodeExpired, authenticator.TooSoon, authenticator.Locked,
		authenticator.Unsupported, authenticator.Unavailable,
	}
}
