package login_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/consent"
	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/store"
	"github.com/gosignet/signet/store/memory"
)

// memoryOf is a world whose consents are remembered, in a ledger that can fail.
type memoryOf struct {
	*world
	registry *consent.Registry
	ledger   *faultyLedger
	// ended are the consents whose tokens were ended; failing to is an error while unending is set.
	mu       sync.Mutex
	ended    []string
	unending bool
}

func newMemory(t testing.TB, config ...func(*login.Config)) *memoryOf {
	t.Helper()
	m := &memoryOf{ledger: &faultyLedger{}}
	m.world, _ = newSessionWorld(t, append([]func(*login.Config){func(c *login.Config) {
		backend, err := memory.New(memory.Config{Now: c.Now})
		require.NoError(t, err)
		m.ledger.Ledger = backend
		ring, err := keys()
		require.NoError(t, err)
		m.registry, err = consent.New(consent.Config{
			Ledger: m.ledger, Keys: ring, Issuer: "https://id.example.org", Secret: secret, Tokens: m, Audit: c.Audit, Now: c.Now,
		})
		require.NoError(t, err)
		c.Consents = m.registry
	}}, config...)...)
	return m
}

func (m *memoryOf) EndTokens(_ context.Context, id string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.unending {
		return errOutage
	}
	m.ended = append(m.ended, id)
	return nil
}

const alicesSubject = "person 1234 5678"

// versions is how many decisions the ledger has of alice.
func (m *memoryOf) versions() int64 {
	m.Helper()
	records, err := m.registry.List(context.WithoutCancel(m.Context()), alicesSubject)
	require.NoError(m, err)
	if len(records) == 0 {
		return 0
	}
	require.Len(m, records, 1)
	return records[0].Version
}

// faultyLedger lets so many calls through before it goes down, or, lost, carries the last one out and loses the answer.
type faultyLedger struct {
	store.Ledger
	mu          sync.Mutex
	counting    bool
	left, calls int
	lost        bool
}

func (l *faultyLedger) cutAfter(calls int, lost bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.counting, l.left, l.lost = true, calls, lost
}

func (l *faultyLedger) heal() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.counting = false
}

// call reports whether a call is carried out, and the error that it returns.
func (l *faultyLedger) call() (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls++
	if !l.counting {
		return true, nil
	}
	if l.left--; l.left >= 0 {
		return true, nil
	}
	return l.lost, fmt.Errorf("%w: the ledger", errOutage)
}

func (l *faultyLedger) Read(ctx context.Context, collection, id string) (store.Record, error) {
	if _, err := l.call(); err != nil {
		return store.Record{}, err
	}
	return l.Ledger.Read(ctx, collection, id)
}

func (l *faultyLedger) Write(ctx context.Context, collection string, r store.Record) (store.Record, error) {
	carried, err := l.call()
	if !carried {
		return store.Record{}, err
	}
	written, writeErr := l.Ledger.Write(ctx, collection, r)
	return written, errors.Join(err, writeErr)
}

// requireDurable expects a code, and that its consent holds and was decided once.
func (m *memoryOf) requireDurable(s *login.State) {
	m.Helper()
	require.NotNil(m, s.Response)
	code := s.Response.Parameters.Get("code")
	require.NotEmpty(m, code, s.Response.Parameters)
	grant, err := m.authorizer.TakeGrant(m.Context(), "clinic", code, "")
	require.NoError(m, err)
	require.NotEmpty(m, grant.ID)
	require.Equal(m, alicesSubject, grant.Person)
	require.NoError(m, m.registry.Check(m.Context(), grant.ID))
	require.EqualValues(m, 1, m.versions(), "one decision")
}

// Wherever the ledger or the store fails, there is no code without a consent that lasts; and once they are back the same
// decision ends the login, and is in the ledger once.
func TestNoFailureGivesACodeWithoutADurableConsent(t *testing.T) {
	t.Parallel()
	all := login.Decision{Claims: []string{"name", "birthdate"}}
	for calls := range 6 {
		for _, lost := range []bool{false, true} {
			m := newMemory(t)
			handle := m.atConsent(request(""))
			m.ledger.cutAfter(calls, lost)
			s, err := m.Decide(t.Context(), handle, all)
			m.ledger.heal()
			if err != nil {
				require.ErrorIs(t, err, errOutage)
				require.Empty(t, m.store.keysOf("code:"), "a code before the consent is certain")
				s = m.ok(m.Decide(t.Context(), handle, all))
			} else {
				require.GreaterOrEqual(t, calls, 3)
			}
			m.requireDurable(s)
		}
	}
	for calls := range 8 {
		m := newMemory(t)
		handle := m.atConsent(request(""))
		m.store.cutAfter(calls)
		s, err := m.Decide(t.Context(), handle, all)
		m.store.cut(false)
		if len(m.store.keysOf("code:")) > 0 {
			require.EqualValues(t, 1, m.versions())
		}
		if err != nil {
			require.ErrorIs(t, err, errOutage)
			s = m.ok(m.Decide(t.Context(), handle, all))
		}
		m.requireDurable(s)
		require.Len(t, m.store.keysOf("code:"), 1, "the same decision has the same code")
	}
}

// The same for a login that needs no decision: it ends only on a consent that is found.
func TestNoFailureGivesACodeWithoutARememberedConsent(t *testing.T) {
	t.Parallel()
	for calls := range 4 {
		m := newMemory(t)
		m.ok(m.Decide(t.Context(), m.atConsent(request("")), login.Decision{Claims: []string{"name"}}))
		codes := len(m.store.keysOf("code:"))
		handle := m.begin(acrPassword)
		m.ledger.cutAfter(calls, false)
		s, err := m.Answer(t.Context(), handle, alice, right(alice, authenticator.Password))
		if calls == 0 {
			require.ErrorIs(t, err, errOutage)
			_, err = m.State(t.Context(), handle)
			require.ErrorIs(t, err, errOutage)
			require.Len(t, m.store.keysOf("code:"), codes)
			m.ledger.heal()
			s, err = m.State(t.Context(), handle)
		}
		m.ok(s, err)
		m.ledger.heal()
		m.requireDurable(s)
	}
}

func TestRepeatedDecisionsAreOneInTheLedger(t *testing.T) {
	t.Parallel()
	m := newMemory(t)
	handle := m.atConsent(request(""))
	together(32, func(int) {
		s, err := m.Decide(t.Context(), handle, login.Decision{Claims: []string{"name"}})
		if assert.NoError(t, err) {
			assert.NotEmpty(t, s.Response.Parameters.Get("code"))
		}
	})
	require.EqualValues(t, 1, m.versions())
	require.Len(t, m.store.keysOf("code:"), 1)
	var decided int
	for _, line := range m.trail.lines() {
		if strings.HasPrefix(line, "consent_decided") {
			decided++
		}
	}
	require.Equal(t, 1, decided, "and one in the audit trail")
}

// A person who decides differently after a failure is not held to the first decision, nor is its code good for anything.
func TestAChangedDecisionIsTheOneThatCounts(t *testing.T) {
	t.Parallel()
	m := newMemory(t)
	handle := m.atConsent(request(""))
	all, less := login.Decision{Claims: []string{"name", "birthdate"}}, login.Decision{Claims: []string{"name"}}
	for _, d := range []login.Decision{all, less} {
		m.store.cutAfter(2) // read the login and store the code, then lose the store
		_, err := m.Decide(t.Context(), handle, d)
		require.ErrorIs(t, err, errOutage)
		m.store.cut(false)
	}
	first := m.authorizer.grants[0].ID
	require.Equal(t, []string{first}, m.ended)
	s := m.ok(m.Decide(t.Context(), handle, all))
	grant, err := m.authorizer.TakeGrant(t.Context(), "clinic", s.Response.Parameters.Get("code"), "")
	require.NoError(t, err)
	require.NotEqual(t, first, grant.ID, "not the code of the consent that ended")
	require.NoError(t, m.registry.Check(t.Context(), grant.ID))
}

func TestTokensThatCouldNotBeEndedDoNotStopTheLogin(t *testing.T) {
	t.Parallel()
	m := newMemory(t)
	m.ok(m.Decide(t.Context(), m.atConsent(request("")), login.Decision{Claims: []string{"name"}}))
	again := request("")
	again.Parameters["prompt"] = "consent"
	handle := m.atConsent(again)
	m.unending = true
	s := m.ok(m.Decide(t.Context(), handle, login.Decision{}))
	require.NotEmpty(t, s.Response.Parameters.Get("code"))
	require.Contains(t, m.trail.lines(), "token_revoked failed unavailable")
}

// The page shows what it showed until the person decides; what is settled without them is looked up in that moment.
func TestAConsentThatIsTakenBackMeanwhileIsAskedFor(t *testing.T) {
	t.Parallel()
	m := newMemory(t)
	m.ok(m.Decide(t.Context(), m.atConsent(request("")), login.Decision{Claims: []string{"name"}}))
	records, err := m.registry.List(t.Context(), alicesSubject)
	require.NoError(t, err)
	withdraw := func() {
		_, err := m.registry.Withdraw(t.Context(), alicesSubject, records[0].ID)
		require.NoError(t, err)
	}
	session := m.enter("", alice)
	silent := request("")
	silent.Parameters["prompt"] = "none"
	m.authorizer.fail = errOutage
	handle := m.begin(acrPassword)
	_, err = m.Answer(t.Context(), handle, alice, right(alice, authenticator.Password))
	require.ErrorIs(t, err, errOutage)
	_, _, err = m.Begin(t.Context(), silent, session)
	require.ErrorIs(t, err, errOutage)
	m.authorizer.fail = nil
	withdraw()
	s := m.ok(m.State(t.Context(), handle))
	require.Equal(t, login.StepConsent, s.Step)
	require.Equal(t, consent.AfterWithdrawal, s.AskedBecause)
	_, _, err = m.Begin(t.Context(), silent, session)
	require.Equal(t, oauth.ConsentRequired, oauth.AsError(err).Code)
}

func TestWhatOnePersonRemembersIsNothingForAnother(t *testing.T) {
	t.Parallel()
	m := newMemory(t)
	session := m.enter("", alice)
	req := request(acrPassword)
	req.Parameters["prompt"] = "select_account"
	handle, s, err := m.Begin(t.Context(), req, session)
	require.NoError(t, err)
	require.Equal(t, login.StepAccount, s.Step)
	m.ok(m.SelectAccount(t.Context(), handle, true))
	s = m.ok(m.Answer(t.Context(), handle, bob, right(bob, authenticator.Password)))
	require.Equal(t, login.StepConsent, s.Step)
	require.Equal(t, consent.First, s.AskedBecause)
}

func TestARequestThatNobodyCanBeAskedIsRefused(t *testing.T) {
	t.Parallel()
	m := newMemory(t)
	var scopes []string
	for i := range 300 {
		scopes = append(scopes, fmt.Sprint("s", i))
	}
	m.client.Scopes = append(m.client.Scopes, scopes...)
	req := request(acrPassword)
	req.Scope = append(req.Scope, scopes...)
	handle, _, err := m.Begin(t.Context(), req, "")
	require.NoError(t, err)
	s := m.ok(m.Answer(t.Context(), handle, alice, right(alice, authenticator.Password)))
	require.Equal(t, "invalid_request", s.Response.Parameters.Get("error"))
}

func TestTheLanguageOfAPageIsBelievedIfItCanBeOne(t *testing.T) {
	t.Parallel()
	for given, kept := range map[string]string{"fr": "fr", "zh-Hant": "zh-Hant", "f\nr": "", strings.Repeat("x", 36): "", "": ""} {
		m := newMemory(t)
		m.ok(m.Decide(t.Context(), m.atConsent(request("")), login.Decision{Language: given}))
		records, err := m.registry.List(t.Context(), alicesSubject)
		require.NoError(t, err)
		require.Equal(t, kept, records[0].Language, given)
	}
}

func TestAConsentNamesTheClientAsThePageDid(t *testing.T) {
	t.Parallel()
	for language, want := range map[string]string{"fr-CA": "Portail", "km": "វេបសាយ", "en": "Portal", "f\nr": "Portal"} {
		m := newMemory(t)
		m.client.Names = map[string]string{"": "Portal", "fra": "Portail", "khm": "វេបសាយ"}
		m.client.PolicyURIs = map[string]string{"": "https://portal.example/Portal", "fra": "https://portal.example/Portail", "khm": "https://portal.example/វេបសាយ"}
		m.ok(m.Decide(t.Context(), m.atConsent(request("")), login.Decision{Language: language}))
		records, err := m.registry.List(t.Context(), alicesSubject)
		require.NoError(t, err)
		require.Equal(t, want, records[0].Controller.Name, language)
		require.Equal(t, "https://portal.example/"+want, records[0].Controller.PolicyURI, language)
	}
}

func TestTheRegistrationOfAClientOverridesThePolicy(t *testing.T) {
	t.Parallel()
	hour, never := time.Hour, time.Duration(0)
	for name, test := range map[string]struct {
		register func(*oauth.Client)
		policy   consent.Policy
		after    time.Duration
		asked    bool
	}{
		"nothing":             {policy: consent.Policy{}, after: 23 * time.Hour},
		"policy never":        {policy: consent.Policy{Remember: consent.Never}, asked: true},
		"client never":        {register: func(c *oauth.Client) { c.ConsentMaxAge = &never }, asked: true},
		"client an hour":      {register: func(c *oauth.Client) { c.ConsentMaxAge = &hour }, after: time.Hour - time.Second},
		"an hour later":       {register: func(c *oauth.Client) { c.ConsentMaxAge = &hour }, after: time.Hour, asked: true},
		"over never":          {register: func(c *oauth.Client) { c.ConsentMaxAge = &hour }, policy: consent.Policy{Remember: consent.Never}},
		"the session":         {register: func(c *oauth.Client) { c.ConsentForSession = true }, asked: true},
		"the session, of all": {register: func(c *oauth.Client) { c.ConsentForSession = true }, policy: consent.Policy{Remember: consent.Never}, asked: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMemory(t, func(c *login.Config) { c.ConsentPolicy = test.policy })
			if test.register != nil {
				test.register(m.client)
			}
			m.ok(m.Decide(t.Context(), m.atConsent(request("")), login.Decision{Claims: []string{"name"}}))
			m.clock.advance(test.after)
			s := m.ok(m.Answer(t.Context(), m.begin(acrPassword), alice, right(alice, authenticator.Password)))
			require.Equal(t, test.asked, s.Step == login.StepConsent)
		})
	}
}
