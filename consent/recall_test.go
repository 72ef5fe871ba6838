package consent_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/consent"
)

func TestThePersonIsAskedOnce(t *testing.T) {
	t.Parallel()
	everyLedger(t, func(t *testing.T, w *world) {
		r := w.instance(t)
		a := recall(t, r, asks())
		assert.Equal(t, consent.First, a.Reason)
		assert.Equal(t, asks().Asked.Items(), a.New)
		assert.Nil(t, a.Record)

		d := decide(t, r, asks(), consent.Decision{
			Claims: []string{"email", "name", "salary"}, Verified: []string{"birthdate"}, Scopes: []string{"appointments", "surgery"},
		})
		assert.Equal(t, grants(), sorted(d.Decision), "and nothing that was not asked")

		again := recall(t, w.instance(t), asks())
		assert.Empty(t, again.Reason)
		assert.Empty(t, again.New)
		assert.Equal(t, d.Decision, again.Decision)
		assert.Zero(t, again.ExpiresAt)
		assert.Equal(t, d.Record, again.Record)
		assert.Equal(t, "fr", again.Record.Language)
		assert.Equal(t, asks().Asked.Hash(), again.Record.AskedHash)
		for _, c := range again.Record.Choices {
			assert.Equal(t, c.Name != "phone_number", c.Granted, c.Name)
		}
		require.NoError(t, r.Check(t.Context(), again.Record.ID))
	})
}

// sorted puts a decision into the order of grants.
func sorted(d consent.Decision) consent.Decision {
	if len(d.Claims) == 2 && d.Claims[0] == "email" {
		d.Claims[0], d.Claims[1] = d.Claims[1], d.Claims[0]
	}
	return d
}

func TestWhenThePersonIsAskedAgain(t *testing.T) {
	t.Parallel()
	type change = func(*consent.Question)
	session := policy(consent.Policy{Remember: consent.Session})
	minutes := policy(consent.Policy{Remember: consent.ForDuration, Duration: 10 * time.Minute})
	hasty := policy(consent.Policy{Remember: consent.Session, Duration: 10 * time.Minute})
	never := policy(consent.Policy{Remember: consent.Never})
	strict := policy(consent.Policy{Essential: consent.MustGrant})
	nothing := func(*consent.Question) {}
	for name, test := range map[string]struct {
		decided, asked change
		after          time.Duration
		reason         consent.Reason
		new            []string
	}{
		"the same":             {nothing, nothing, 1000 * 24 * time.Hour, "", nil},
		"less":                 {nothing, func(q *consent.Question) { q.Asked.Voluntary, q.Asked.Verified = nil, nil }, 0, "", nil},
		"a new claim":          {nothing, func(q *consent.Question) { q.Asked.Voluntary = append(q.Asked.Voluntary, "gender") }, 0, consent.Widened, []string{"gender"}},
		"a new scope":          {nothing, func(q *consent.Question) { q.Asked.Scopes = append(q.Asked.Scopes, "records") }, 0, consent.Widened, []string{"records"}},
		"another resource":     {nothing, func(q *consent.Question) { q.Asked.Resources = []string{"https://other.example"} }, 0, consent.Widened, []string{"appointments"}},
		"anywhere":             {nothing, func(q *consent.Question) { q.Asked.Resources = nil }, 0, consent.Widened, []string{"appointments"}},
		"another purpose":      {nothing, func(q *consent.Question) { q.Asked.Verified[0].Purpose = "Advertising" }, 0, consent.Widened, []string{"birthdate"}},
		"another framework":    {nothing, func(q *consent.Question) { q.Asked.Verified[0].TrustFrameworks = nil }, 0, consent.Widened, []string{"birthdate"}},
		"with evidence":        {nothing, func(q *consent.Question) { q.Asked.Verified[0].Evidence = true }, 0, consent.Widened, []string{"birthdate"}},
		"plain for verified":   {nothing, func(q *consent.Question) { q.Asked.Voluntary = []string{"birthdate"} }, 0, consent.Widened, []string{"birthdate"}},
		"granted, essential":   {nothing, func(q *consent.Question) { q.Asked.Essential = []string{"name", "email"} }, 0, "", nil},
		"refused, essential":   {nothing, func(q *consent.Question) { q.Asked.Essential = []string{"phone_number"} }, 0, consent.Widened, []string{"phone_number"}},
		"another client":       {nothing, func(q *consent.Question) { q.Asked.ClientID = "tax-office" }, 0, consent.First, nil},
		"another subject":      {nothing, func(q *consent.Question) { q.Asked.Subject = "of another" }, 0, consent.First, nil},
		"prompt=consent":       {nothing, func(q *consent.Question) { q.Prompt = true }, 0, consent.Prompted, nil},
		"policy: never":        {nothing, never, 0, consent.EachTime, nil},
		"it was never":         {never, nothing, 0, consent.Expired, nil},
		"minutes":              {minutes, minutes, 10*time.Minute - time.Millisecond, "", nil},
		"minutes later":        {minutes, minutes, 10 * time.Minute, consent.Expired, nil},
		"it was minutes":       {minutes, nothing, 10 * time.Minute, consent.Expired, nil},
		"now minutes":          {nothing, minutes, 10 * time.Minute, consent.Expired, nil},
		"session":              {session, session, time.Hour, "", nil},
		"session, minutes":     {hasty, hasty, 10*time.Minute - time.Millisecond, "", nil},
		"session, later":       {hasty, hasty, 10 * time.Minute, consent.Expired, nil},
		"another session":      {session, func(q *consent.Question) { session(q); q.SessionID = "session-2" }, 0, consent.Expired, nil},
		"no session":           {session, func(q *consent.Question) { session(q); q.SessionID = "" }, 0, consent.Expired, nil},
		"without sessions":     {func(q *consent.Question) { session(q); q.SessionID = "" }, func(q *consent.Question) { session(q); q.SessionID = "" }, 0, consent.Expired, nil},
		"it was for a session": {session, func(q *consent.Question) { q.SessionID = "session-2" }, 0, consent.Expired, nil},
		"now for a session":    {nothing, session, 0, consent.Expired, nil},
		"now, and no session":  {nothing, func(q *consent.Question) { session(q); q.SessionID = "" }, 0, consent.Expired, nil},
		"it had no session":    {func(q *consent.Question) { session(q); q.SessionID = "" }, nothing, 0, consent.Expired, nil},
		"another text":         {nothing, policy(consent.Policy{TextVersion: "2"}), 0, consent.NewText, nil},
		"essential granted":    {strict, strict, 0, "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			r := w.instance(t)
			decide(t, r, asks(test.decided), grants())
			w.clock.pass(test.after)
			a := recall(t, r, asks(test.asked))
			assert.Equal(t, test.reason, a.Reason)
			if test.new != nil {
				var new []string
				for _, item := range a.New {
					new = append(new, item.Name)
				}
				assert.Equal(t, test.new, new)
			}
			if test.reason != "" {
				assert.Zero(t, a.Decision, "nothing is granted without asking")
			}
		})
	}
}

func TestNothingIsAskedWhereNothingIsShared(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.outage.Store(true)
	a := recall(t, w.instance(t), &consent.Question{
		Asked: consent.Asked{ClientID: "clinic", Subject: "s", Resources: []string{"https://api.example"}}, Prompt: true,
	})
	assert.Equal(t, &consent.Answer{}, a)
}

func TestWhatWasDecidedAboutOneRequestIsRememberedAfterAnother(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.instance(t)
	one := asks(func(q *consent.Question) { q.Asked.Voluntary = []string{"email"} },
		policy(consent.Policy{Remember: consent.ForDuration, Duration: time.Hour}))
	two := asks(func(q *consent.Question) { q.Asked.Essential, q.Asked.Voluntary = nil, []string{"gender"} })
	first := decide(t, r, one, grants())
	w.clock.pass(30 * time.Minute)
	second := decide(t, r, two, consent.Decision{})
	assert.NotEqual(t, first.Record.ID, second.Record.ID, "the scope was taken back")

	a := recall(t, r, asks(func(q *consent.Question) { q.Asked = one.Asked }))
	assert.Empty(t, a.Reason)
	assert.Equal(t, consent.Decision{Claims: []string{"name", "email"}}, a.Decision)
	assert.Equal(t, w.clock.Now().Add(30*time.Minute), a.ExpiresAt, "the second decision was not about it")
	assert.Empty(t, recall(t, r, two).Reason)
	w.clock.pass(30 * time.Minute)
	assert.Equal(t, consent.Expired, recall(t, r, one).Reason)
	assert.Empty(t, recall(t, r, two).Reason)
}

func TestTokensEndNoLaterThanTheConsent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.instance(t)
	q := asks(policy(consent.Policy{Remember: consent.ForDuration, Duration: 10 * time.Minute}))
	until := w.clock.Now().Add(10 * time.Minute)
	a := decide(t, r, q, grants())
	assert.Equal(t, until, a.ExpiresAt)
	w.clock.pass(9 * time.Minute)
	assert.Equal(t, until, recall(t, r, q).ExpiresAt)
	shorter := asks(policy(consent.Policy{Remember: consent.ForDuration, Duration: 9*time.Minute + time.Second}))
	assert.Equal(t, until.Add(-59*time.Second), recall(t, r, shorter).ExpiresAt)
	require.NoError(t, r.Check(t.Context(), a.Record.ID))
	w.clock.pass(time.Minute)
	require.ErrorIs(t, r.Check(t.Context(), a.Record.ID), consent.ErrEnded)
}

func TestEssentialClaims(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.instance(t)
	refuses := consent.Decision{Claims: []string{"email"}}
	a := decide(t, r, asks(), refuses)
	assert.Equal(t, refuses, a.Decision, "OpenID Connect: the person may refuse")
	assert.Empty(t, recall(t, r, asks()).Reason, "and is not asked again")

	strict := asks(policy(consent.Policy{Essential: consent.MustGrant}))
	assert.Equal(t, consent.Refused, recall(t, r, strict).Reason)
	_, err := r.Decide(t.Context(), strict, refuses, by(person))
	require.ErrorIs(t, err, consent.ErrEssential)
	present, err := r.Get(t.Context(), person, a.Record.ID)
	require.NoError(t, err)
	assert.Equal(t, a.Record, present, "nothing was kept")
}

func TestItemsOfOneNameThatWereDecidedDifferentlyAreAskedTogether(t *testing.T) {
	t.Parallel()
	r := newWorld(t).instance(t)
	at := func(resources ...string) *consent.Question {
		return &consent.Question{Asked: consent.Asked{ClientID: "c", Subject: "s", Scopes: []string{"read"}, Resources: resources}}
	}
	decide(t, r, at("https://a"), consent.Decision{Scopes: []string{"read"}})
	decide(t, r, at("https://b"), consent.Decision{})
	assert.Equal(t, []string{"read"}, recall(t, r, at("https://a")).Decision.Scopes)
	assert.Empty(t, recall(t, r, at("https://b")).Decision.Scopes)
	both := recall(t, r, at("https://a", "https://b"))
	assert.Equal(t, consent.Widened, both.Reason)
	assert.Len(t, both.New, 2)
}

// Whatever was asked and decided before, nothing is recalled that the last decision on it did not grant.
func TestNothingIsRecalledThatWasNotGranted(t *testing.T) {
	t.Parallel()
	for range 60 {
		w := newWorld(t)
		r := w.instance(t)
		last := map[string]bool{}
		for range 8 {
			q := &consent.Question{Asked: randomAsked()}
			items := q.Asked.Items()
			a := recall(t, r, q)
			require.Equal(t, len(a.New) == 0, a.Reason == "")
			for _, item := range items {
				granted, decided := last[key(item)]
				asked := a.Reason != ""
				require.True(t, decided || asked, "what was never decided is asked")
				require.False(t, !asked && covers(a.Decision, item) != granted)
				require.False(t, asked && covers(a.Decision, item))
			}
			if below(3) == 0 {
				if a.Record != nil {
					_, err := r.Withdraw(t.Context(), person, a.Record.ID)
					require.NoError(t, err)
				}
				clear(last)
				continue
			}
			d := consent.Decision{Claims: some(names), Verified: some(names), Scopes: some([]string{"read", "write"})}
			if len(items) == 0 {
				continue
			}
			made := decide(t, r, q, d)
			for _, item := range items {
				require.Equal(t, covers(d, item), covers(made.Decision, item))
				last[key(item)] = covers(d, item)
			}
		}
	}
}

// key tells items apart.
func key(item consent.Item) string {
	item.Essential = false
	data, err := json.Marshal(item)
	if err != nil {
		panic(err)
	}
	return string(data)
}

// covers reports whether a decision grants the item.
func covers(d consent.Decision, item consent.Item) bool {
	return slices.Contains(map[consent.Kind][]string{
		consent.Scope: d.Scopes, consent.Claim: d.Claims, consent.VerifiedClaim: d.Verified,
	}[item.Kind], item.Name)
}
