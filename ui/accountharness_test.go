package ui_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/consent"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/store"
	"github.com/gosignet/signet/ui"
)

const (
	asha      = "identity-of-asha"
	ravi      = "identity-of-ravi"
	clinicID  = "place-of-the-consent-of-asha-for-the-clinic.ONE"
	libraryID = "place-of-the-consent-of-asha-for-a-library.ONE"
)

var errAway = errors.New("away")

// bank is a provider of which all but the account pages is fake: whoever comes to its authorization endpoint is logged
// in as the person at once.
type bank struct {
	*httptest.Server
	clock   *clock
	account http.Handler

	mu       sync.Mutex
	person   string
	grant    func(*oauth.Grant)
	respond  func(url.Values)
	requests map[string]*oauth.AuthorizationRequest
	last     *oauth.AuthorizationRequest
	grants   map[string]*oauth.Grant
	// histories are the consents of people, by their ID.
	histories map[string]map[string][]*consent.Record
	passkeys  map[string][]ui.Passkey
	// logoURI is where the clinic's logo is.
	logoURI string
	broken  error
	tokens  error
	log     bytes.Buffer
}

func newBank(tb testing.TB, configure func(*ui.Config, *ui.AccountConfig)) *bank {
	tb.Helper()
	w := &bank{
		clock: &clock{}, person: asha, requests: map[string]*oauth.AuthorizationRequest{}, grants: map[string]*oauth.Grant{},
		histories: map[string]map[string][]*consent.Record{}, passkeys: map[string][]ui.Passkey{},
	}
	mux := http.NewServeMux()
	w.Server = httptest.NewServer(mux)
	tb.Cleanup(w.Close)
	config := ui.Config{Flow: newFakeFlow(), Now: w.clock.now, Logger: slog.New(slog.NewTextHandler(&w.log, nil))}
	account := ui.AccountConfig{
		Consents: w, Clients: w, Requests: w, Grants: w, Passkeys: bankPasskeys{w},
		Issuer: w.URL, AuthorizationEndpoint: w.URL + "/authorize", Secret: bytes.Repeat([]byte("s"), 32),
	}
	if configure != nil {
		configure(&config, &account)
	}
	pages, err := ui.New(config)
	require.NoError(tb, err)
	own, err := pages.Account(account)
	require.NoError(tb, err)
	w.account = own
	mux.Handle("/login/", pages)
	mux.Handle("/account/", own)
	mux.HandleFunc("/authorize", w.authorize)
	return w
}

func (w *bank) authorize(rw http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	req := w.requests[r.FormValue("request_uri")]
	if req == nil || r.FormValue("client_id") != req.ClientID {
		http.Error(rw, "no such request", http.StatusBadRequest)
		return
	}
	code := "code-" + strconv.Itoa(len(w.grants))
	g := &oauth.Grant{Subject: "pairwise", Person: w.person, AuthTime: w.clock.now()}
	if w.grant != nil {
		w.grant(g)
	}
	w.grants[code] = g
	q := url.Values{"code": {code}, "state": {req.State}, "iss": {w.URL}}
	if w.respond != nil {
		w.respond(q)
	}
	http.Redirect(rw, r, req.RedirectURI+"?"+q.Encode(), http.StatusSeeOther)
}

func (w *bank) Push(_ context.Context, req *oauth.AuthorizationRequest) (string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	uri := "urn:ietf:params:oauth:request_uri:" + strconv.Itoa(len(w.requests))
	w.requests[uri], w.last = req, req
	return uri, w.broken
}

// pushed reports whether a request had the challenge of the verifier.
func (w *bank) pushed(verifier string) bool {
	digest := sha256.Sum256([]byte(verifier))
	for _, req := range w.requests {
		if req.CodeChallenge == base64.RawURLEncoding.EncodeToString(digest[:]) {
			return true
		}
	}
	return false
}

func (w *bank) TakeGrant(_ context.Context, clientID, code, verifier string) (*oauth.Grant, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	g := w.grants[code]
	if w.grants[code] = nil; g == nil || clientID != ui.AccountClientID || !w.pushed(verifier) {
		return nil, &oauth.Error{Code: oauth.InvalidGrant}
	}
	return g, nil
}

func (w *bank) Client(_ context.Context, id string) (*oauth.Client, error) {
	if id != "clinic" {
		return nil, oauth.ErrUnknownClient
	}
	return &oauth.Client{
		ID: id, Names: map[string]string{"": "Clinic", "ar": "عيادة"}, RedirectURIs: []string{"https://clinic.example/callback"},
		LogoURIs: map[string]string{"": w.logoURI},
	}, nil
}

func (w *bank) List(_ context.Context, person string) (all []*consent.Record, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for id, history := range w.histories[person] {
		if history[0].ID == id {
			all = append(all, history[0])
		}
	}
	return all, w.broken
}

func (w *bank) History(_ context.Context, person, id string) ([]*consent.Record, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if history := w.histories[person][id]; history != nil || w.broken != nil {
		return history, w.broken
	}
	return nil, store.ErrNotFound
}

func (w *bank) Withdraw(_ context.Context, person, id string) (*consent.Record, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	history := w.histories[person][id]
	if history == nil {
		return nil, store.ErrNotFound
	}
	if w.broken != nil {
		return nil, w.broken
	}
	if history[0].ID == id && history[0].Status == consent.Active {
		rec := *history[0]
		rec.Version, rec.Status, rec.ChangedAt = rec.Version+1, consent.Withdrawn, w.clock.now()
		w.histories[person][id] = append([]*consent.Record{&rec}, history...)
	}
	return w.histories[person][id][0], w.tokens
}

// bankPasskeys are the passkeys of the bank.
type bankPasskeys struct{ *bank }

func (p bankPasskeys) List(_ context.Context, person string) ([]ui.Passkey, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.passkeys[person], p.broken
}

func (p bankPasskeys) Remove(_ context.Context, person, id string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var left []ui.Passkey
	for _, k := range p.passkeys[person] {
		if k.ID != id {
			left = append(left, k)
		}
	}
	p.passkeys[person] = left
	return p.broken
}

// set changes what the bank does.
func (w *bank) set(change func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change()
}

// choice is one that was granted when the bank opened.
func (w *bank) choice(kind consent.Kind, name string, change ...func(*consent.Choice)) consent.Choice {
	c := consent.Choice{Item: consent.Item{Kind: kind, Name: name}, Granted: true, DecidedAt: day(1)}
	for _, f := range change {
		f(&c)
	}
	return c
}

func day(n int) time.Time { return time.Date(2026, 2, n, 9, 0, 0, 0, time.UTC) }

func refused(c *consent.Choice) { c.Granted = false }

// put makes the versions, the present one first, the person's consent.
func (w *bank) put(person string, history ...*consent.Record) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.histories[person] == nil {
		w.histories[person] = map[string][]*consent.Record{}
	}
	for _, rec := range history {
		w.histories[person][rec.ID] = history
	}
}

// putClinic gives Asha a consent for the clinic with everything in it.
func (w *bank) putClinic() {
	w.put(asha, &consent.Record{
		ID: clinicID, Version: 1, ClientID: "clinic", Subject: "asha-at-clinic", Status: consent.Active, ChangedAt: day(1), Receipt: "a.receipt.1",
		Choices: []consent.Choice{
			w.choice(consent.Claim, "name"),
			w.choice(consent.Claim, "email", func(c *consent.Choice) { c.ExpiresAt = w.clock.now().Add(48 * time.Hour) }),
			w.choice(consent.VerifiedClaim, "birthdate", func(c *consent.Choice) { c.Purpose, c.TrustFrameworks = "To know <your> age", []string{"eidas"} }),
			w.choice(consent.Scope, "appointments", func(c *consent.Choice) { c.Resource = "https://api.example" }),
			w.choice(consent.Claim, "phone_number", refused),
		},
	})
}

// walk opens a page and follows redirects, through the authorization endpoint too.
func (b *browser) walk(path string) *answer {
	b.tb.Helper()
	a := b.send(http.MethodGet, path, "")
	for range 8 {
		if a.status != http.StatusSeeOther {
			return a
		}
		a = b.send(http.MethodGet, strings.TrimPrefix(a.header.Get("Location"), b.base), "")
	}
	b.tb.Fatal("too many redirects")
	return nil
}

// press sends the form of a page that goes to the path, and opens what follows.
func (b *browser) press(a *answer, path string) *answer {
	b.tb.Helper()
	require.Contains(b.tb, a.body, `<form method="post" action="`+path+`">`)
	sent := b.send(http.MethodPost, path, url.Values{"csrf": {a.csrf(b.tb)}}.Encode())
	require.Equal(b.tb, http.StatusSeeOther, sent.status, sent.body)
	return b.walk(strings.TrimPrefix(sent.header.Get("Location"), b.base))
}
