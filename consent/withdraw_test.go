package consent_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/audit"
	"github.com/gosignet/signet/consent"
	"github.com/gosignet/signet/store"
)

func TestWithdrawalEndsTheTokensThatLiveOnIt(t *testing.T) {
	t.Parallel()
	everyLedger(t, func(t *testing.T, w *world) {
		r := w.instance(t)
		a := decide(t, r, asks(), grants())
		withdrawn, err := r.Withdraw(t.Context(), person, a.Record.ID)
		require.NoError(t, err)
		assert.Equal(t, consent.Withdrawn, withdrawn.Status)
		assert.Equal(t, a.Record.Choices, withdrawn.Choices, "what there was")
		assert.Equal(t, []string{a.Record.ID}, w.tokens.take())
		require.ErrorIs(t, r.Check(t.Context(), a.Record.ID), consent.ErrEnded)
		assert.Equal(t, consent.AfterWithdrawal, recall(t, r, asks()).Reason)

		again, err := r.Withdraw(t.Context(), person, a.Record.ID)
		require.NoError(t, err)
		assert.Equal(t, withdrawn, again, "once")
		assert.Equal(t, []string{a.Record.ID}, w.tokens.take(), "and the tokens again")

		after := decide(t, r, asks(func(q *consent.Question) { q.Asked.Verified = nil }), grants())
		assert.NotEqual(t, a.Record.ID, after.Record.ID, "tokens that were ended do not come back")
		assert.Equal(t, consent.Widened, recall(t, r, asks()).Reason, "what was withdrawn is forgotten")
		_, err = r.Withdraw(t.Context(), person, a.Record.ID)
		require.NoError(t, err)
		require.NoError(t, r.Check(t.Context(), after.Record.ID), "a late repetition does not reach the next consent")

		history, err := r.History(t.Context(), person, after.Record.ID)
		require.NoError(t, err)
		require.Len(t, history, 3)
		assert.Equal(t, []*consent.Record{after.Record, withdrawn, a.Record}, history)
	})
}

func TestTheLedgerIsFirstToKnowOfAWithdrawal(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.instance(t)
	id := decide(t, r, asks(), grants()).Record.ID

	w.outage.Store(true)
	_, err := r.Withdraw(t.Context(), person, id)
	require.ErrorIs(t, err, errOutage)
	assert.Empty(t, w.tokens.take(), "nothing happened")
	w.outage.Store(false)

	w.tokens.fail(true)
	withdrawn, err := r.Withdraw(t.Context(), person, id)
	require.ErrorIs(t, err, consent.ErrTokens)
	require.ErrorIs(t, err, errOutage)
	assert.Equal(t, consent.Withdrawn, withdrawn.Status)
	w.tokens.fail(false)
	_, err = r.Withdraw(t.Context(), person, id)
	require.NoError(t, err)
	assert.Equal(t, []string{id}, w.tokens.take())
}

func TestTokensAreEndedByTheNextDecisionIfTheyCouldNotBeBefore(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.instance(t)
	id := decide(t, r, asks(), grants()).Record.ID
	w.tokens.fail(true)
	_, err := r.Withdraw(t.Context(), person, id)
	require.ErrorIs(t, err, consent.ErrTokens)
	w.tokens.fail(false)
	decide(t, r, asks(), grants())
	assert.Equal(t, []string{id}, w.tokens.take())
}

func TestADecisionThatTakesBackEndsTheTokensOfTheEarlierOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.instance(t)
	first := decide(t, r, asks(), grants())
	same := decide(t, r, asks(), grants())
	all := grants()
	all.Claims = append(all.Claims, "phone_number")
	more := decide(t, r, asks(), all)
	assert.Equal(t, first.Record.ID, same.Record.ID)
	assert.Equal(t, first.Record.ID, more.Record.ID, "what is granted grew")
	assert.Empty(t, w.tokens.take())

	w.tokens.fail(true)
	less, err := r.Decide(t.Context(), asks(), grants(), by(person))
	require.ErrorIs(t, err, consent.ErrTokens)
	assert.NotEqual(t, first.Record.ID, less.Record.ID)
	require.ErrorIs(t, r.Check(t.Context(), first.Record.ID), consent.ErrEnded)
	w.tokens.fail(false)
	decide(t, r, asks(), grants())
	assert.Equal(t, []string{first.Record.ID}, w.tokens.take())

	shorter := decide(t, r, asks(policy(consent.Policy{Remember: consent.ForDuration, Duration: time.Minute})), grants())
	assert.NotEqual(t, less.Record.ID, shorter.Record.ID, "tokens do not outlive the shorter consent")
	assert.Contains(t, w.tokens.take(), less.Record.ID)
}

func TestWhatHasExpiredIsNotTakenBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.instance(t)
	q := asks(policy(consent.Policy{Remember: consent.ForDuration, Duration: time.Minute}))
	first := decide(t, r, q, grants())
	w.clock.pass(time.Minute)
	assert.Equal(t, first.Record.ID, decide(t, r, q, consent.Decision{}).Record.ID)
	assert.Empty(t, w.tokens.take())
}

func TestTokensAreEndedEvenIfTheCallerHasGone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := decide(t, w.instance(t), asks(), grants()).Record.ID
	ctx, cancel := context.WithCancel(t.Context())
	r := w.instance(t, func(c *consent.Config) { c.Ledger = leaving{w, cancel} })
	_, err := r.Withdraw(ctx, person, id)
	require.NoError(t, err)
	require.Error(t, ctx.Err())
	assert.Equal(t, []string{id}, w.tokens.take())
}

// leaving is a ledger whose callers go when they have written.
type leaving struct {
	*world
	leave func()
}

func (l leaving) Write(ctx context.Context, collection string, r store.Record) (store.Record, error) {
	written, err := l.world.Write(ctx, collection, r)
	if collection == "consents" {
		l.leave()
	}
	return written, err
}

func TestAWithdrawalNeedsNoKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.instance(t)
	id := decide(t, r, asks(), grants()).Record.ID
	w.keys.outage.Store(true)
	withdrawn, err := r.Withdraw(t.Context(), person, id)
	require.NoError(t, err)
	assert.Empty(t, withdrawn.Receipt)
	_, err = r.Decide(t.Context(), asks(), grants(), by(person))
	require.Error(t, err, "a decision without a receipt is none")
}

func TestPeopleReachTheirOwnConsentsOnly(t *testing.T) {
	t.Parallel()
	everyLedger(t, func(t *testing.T, w *world) {
		r, ctx := w.instance(t), t.Context()
		clinic := decide(t, r, asks(), grants()).Record
		office := decide(t, r, asks(func(q *consent.Question) { q.Asked.ClientID = "tax-office" }), grants()).Record
		other, err := r.Decide(ctx, asks(func(q *consent.Question) { q.Asked.Subject = "of another" }), grants(), by("another"))
		require.NoError(t, err)

		all, err := r.List(ctx, person)
		require.NoError(t, err)
		assert.ElementsMatch(t, []*consent.Record{clinic, office}, all)
		for _, id := range []string{
			other.Record.ID, "", "x", clinic.ID + "x", clinic.ID[:len(clinic.ID)-1], strings.Repeat("é", 30),
			strings.Repeat("A", 43) + ".AAAAAAAAAAAAAAAA",
		} {
			_, err := r.Get(ctx, person, id)
			require.ErrorIs(t, err, store.ErrNotFound)
			_, err = r.History(ctx, person, id)
			require.ErrorIs(t, err, store.ErrNotFound)
			_, err = r.Withdraw(ctx, person, id)
			require.ErrorIs(t, err, store.ErrNotFound)
			if id != other.Record.ID {
				require.ErrorIs(t, r.Check(ctx, id), consent.ErrEnded)
			}
		}
		require.NoError(t, r.Check(ctx, other.Record.ID))
	})
}

func TestEraseLeavesNothing(t *testing.T) {
	t.Parallel()
	everyLedger(t, func(t *testing.T, w *world) {
		r, ctx := w.instance(t), t.Context()
		clinic := decide(t, r, asks(), grants()).Record
		decide(t, r, asks(func(q *consent.Question) { q.Asked.ClientID = "tax-office" }), grants())
		other, err := r.Decide(ctx, asks(func(q *consent.Question) { q.Asked.Subject = "of another" }), grants(), by("another"))
		require.NoError(t, err)

		w.tokens.fail(true)
		require.ErrorIs(t, r.Erase(ctx, person), consent.ErrTokens)
		w.tokens.fail(false)
		require.NoError(t, r.Erase(ctx, person))
		assert.True(t, w.tokens.has(clinic.ID))
		all, err := r.List(ctx, person)
		require.NoError(t, err)
		assert.Empty(t, all)
		_, err = r.History(ctx, person, clinic.ID)
		require.ErrorIs(t, err, store.ErrNotFound)
		assert.Equal(t, consent.First, recall(t, r, asks()).Reason)
		require.NoError(t, r.Check(ctx, other.Record.ID))
		assert.NotEqual(t, clinic.ID, decide(t, r, asks(), grants()).Record.ID)
	})
}

func TestADumpOfTheLedgerShowsNoPerson(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.instance(t)
	a := decide(t, r, asks(policy(consent.Policy{Remember: consent.Session})), grants())
	_, err := r.Withdraw(t.Context(), person, a.Record.ID)
	require.NoError(t, err)
	for _, collection := range []string{"consents", "consent-keys"} {
		records, err := w.List(t.Context(), collection, store.Query{})
		require.NoError(t, err)
		require.NotEmpty(t, records)
		for _, present := range records {
			versions, err := w.History(t.Context(), collection, present.ID)
			require.NoError(t, err)
			dump, err := json.Marshal(versions)
			require.NoError(t, err)
			for _, v := range versions {
				dump = append(dump, v.Value...)
			}
			for _, personal := range []string{person, "asha@", "session-1", string(secret)} {
				assert.NotContains(t, string(dump), personal)
			}
		}
	}
}

func TestRecordsAreKeptForAWhileAfterTheyEnd(t *testing.T) {
	t.Parallel()
	keepFor := func(c *consent.Config) { c.KeepFor = 24 * time.Hour }
	for name, test := range map[string]struct {
		policy   consent.Policy
		withdraw bool
		keeps    time.Duration // zero: for ever
	}{
		"always":    {consent.Policy{}, false, 0},
		"duration":  {consent.Policy{Remember: consent.ForDuration, Duration: time.Hour}, false, 25 * time.Hour},
		"session":   {consent.Policy{Remember: consent.Session}, false, 24 * time.Hour},
		"never":     {consent.Policy{Remember: consent.Never}, false, 24 * time.Hour},
		"withdrawn": {consent.Policy{}, true, 24 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			r := w.instance(t, keepFor)
			id := decide(t, r, asks(policy(test.policy)), grants()).Record.ID
			if test.withdraw {
				_, err := r.Withdraw(t.Context(), person, id)
				require.NoError(t, err)
			}
			if test.keeps == 0 {
				w.clock.pass(50 * 365 * 24 * time.Hour)
				_, err := r.Get(t.Context(), person, id)
				require.NoError(t, err)
				return
			}
			w.clock.pass(test.keeps - time.Millisecond)
			_, err := r.Get(t.Context(), person, id)
			require.NoError(t, err)
			w.clock.pass(time.Millisecond)
			_, err = r.Get(t.Context(), person, id)
			require.ErrorIs(t, err, store.ErrNotFound)
		})
	}
}

func TestNoDecisionIsLostWhenManyAreMadeAtOnce(t *testing.T) {
	t.Parallel()
	everyLedger(t, func(t *testing.T, w *world) {
		const deciders = 6
		var wg sync.WaitGroup
		made := make([]*consent.Record, deciders)
		for i := range deciders {
			r := w.instance(t)
			wg.Go(func() {
				q := asks(func(q *consent.Question) { q.Asked.Voluntary = []string{fmt.Sprint("claim-", i)} })
				a, err := r.Decide(t.Context(), q, consent.Decision{Claims: q.Asked.Voluntary}, by(person))
				if assert.NoError(t, err) {
					made[i] = a.Record
				}
			})
		}
		wg.Wait()
		r := w.instance(t)
		history, err := r.History(t.Context(), person, made[0].ID)
		require.NoError(t, err)
		assert.ElementsMatch(t, made, history)
		for i := range deciders {
			a := recall(t, r, asks(func(q *consent.Question) {
				q.Asked = consent.Asked{ClientID: q.Asked.ClientID, Subject: q.Asked.Subject, Voluntary: []string{fmt.Sprint("claim-", i)}}
			}))
			assert.Empty(t, a.Reason)
			assert.NotEmpty(t, a.Decision.Claims)
		}
	})
}

// Whichever of a decision and a withdrawal is later counts, and no token lives on a consent that ended.
func TestDecisionsAndWithdrawalsAtOnce(t *testing.T) {
	t.Parallel()
	everyLedger(t, func(t *testing.T, w *world) {
		for range 15 {
			r := w.instance(t)
			id := decide(t, r, asks(), grants()).Record.ID
			var wg sync.WaitGroup
			var decided *consent.Answer
			var withdrawn *consent.Record
			wg.Go(func() {
				var err error
				decided, err = w.instance(t).Decide(t.Context(), asks(), grants(), by(person))
				assert.NoError(t, err)
			})
			wg.Go(func() {
				var err error
				withdrawn, err = w.instance(t).Withdraw(t.Context(), person, id)
				assert.NoError(t, err)
			})
			wg.Wait()
			present, err := r.Get(t.Context(), person, id)
			require.NoError(t, err)
			require.NotEqual(t, decided.Record.Version, withdrawn.Version, "one came first")
			if decided.Record.Version > withdrawn.Version {
				require.Equal(t, decided.Record, present)
				require.NotEqual(t, id, decided.Record.ID, "it does not live on what was withdrawn")
				require.NoError(t, r.Check(t.Context(), decided.Record.ID))
			} else {
				require.Equal(t, withdrawn, present)
				require.Equal(t, id, decided.Record.ID)
				require.ErrorIs(t, r.Check(t.Context(), decided.Record.ID), consent.ErrEnded)
			}
			require.True(t, w.tokens.has(id))
			require.Equal(t, present.Status == consent.Active, !w.tokens.has(present.ID))
		}
	})
}

func TestADecisionWhoseAnswerWasLostMayBeRepeated(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.instance(t)
	decide(t, r, asks(), consent.Decision{})
	w.silent.Store(true)
	_, err := r.Decide(t.Context(), asks(), grants(), by(person))
	require.ErrorIs(t, err, errOutage)
	w.silent.Store(false)
	a := decide(t, r, asks(), grants())
	assert.Equal(t, int64(3), a.Record.Version)
	assert.Equal(t, a.Decision, recall(t, r, asks()).Decision)
}

func TestAnOutageNeverLooksLikeAnAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.instance(t)
	id := decide(t, r, asks(), grants()).Record.ID
	w.outage.Store(true)
	_, err := r.Recall(t.Context(), asks())
	require.ErrorIs(t, err, errOutage)
	_, err = r.Decide(t.Context(), asks(), grants(), by(person))
	require.ErrorIs(t, err, errOutage)
	require.ErrorIs(t, r.Check(t.Context(), id), errOutage)
}

func TestDecisionsAndWithdrawalsAreAudited(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.instance(t)
	in := by(person)
	in.Transaction = "tx"
	var id string
	for range 2 { // one decision
		a, err := r.Decide(t.Context(), asks(), grants(), in)
		require.NoError(t, err)
		id = a.Record.ID
	}
	for range 2 { // one withdrawal
		_, err := r.Withdraw(t.Context(), person, id)
		require.NoError(t, err)
	}
	w.outage.Store(true)
	_, err := r.Decide(t.Context(), asks(), grants(), in)
	require.Error(t, err)
	common := audit.Event{Time: w.clock.Now(), Type: audit.ConsentDecided, ClientID: "clinic", Subject: asks().Asked.Subject}
	granted, withdrawn, failed := common, common, common
	granted.Outcome, granted.Transaction, granted.Factors = audit.Success, "tx", []string{"otp"}
	withdrawn.Outcome, withdrawn.Reason = audit.Success, "withdrawn"
	failed.Outcome, failed.Reason, failed.Transaction = audit.Failed, "unavailable", "tx"
	assert.Equal(t, []audit.Event{granted, withdrawn, failed}, w.events.take())
}

func TestNewNamesEverythingThatIsWrong(t *testing.T) {
	t.Parallel()
	_, err := consent.New(consent.Config{Algorithm: "HS256", Issuer: "id.example", Secret: secret[:31], KeepFor: -1})
	for _, field := range []string{"Ledger", "Keys", "Algorithm", "Issuer", "Secret", "KeepFor"} {
		require.ErrorContains(t, err, "Config."+field)
	}
	assert.NotContains(t, err.Error(), string(secret[:31]))
}
