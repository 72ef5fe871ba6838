// Package storetest checks that a backend keeps the contract of [store.Ephemeral].
//
// Whoever writes a backend calls [Run] in a test, and knows that it is right, under concurrency too. The checks go
// through two handles on one backend, as two instances of a provider would: a backend that leans on a mutex in the
// process passes through one handle and fails through two.
package storetest

import (
	"context"
	"crypto/rand"
	"slices"
	"testing"
	"time"

	"github.com/gosignet/signet/store"
)

// Backend is a backend under test.
type Backend struct {
	// A and B are two handles on the same backend, as independent of each other as two processes: each with its own
	// connections, caches and locks. An implementation that can only live in one process gives the same handle twice.
	A, B store.Ephemeral
	// Advance makes the given time pass for the backend. Nil means that the backend has a clock of its own, and waits.
	Advance func(d time.Duration)
}

// Run checks the backend that open returns against every rule of [store.Ephemeral], and of [store.Batcher] if its
// handles implement that, each rule in a subtest named for it. A failure tells the rule, why it exists and what was
// seen.
//
// Rules run in parallel. Run calls open once for each of them, with the subtest's T for clean-up; backends may share a
// database, because no two rules use the same keys, but not a clock that Advance turns.
func Run(t *testing.T, open func(t testing.TB) Backend) {
	run(t, rules, func(t testing.TB) *subject { return newSubject(open(t)) })
}

func run[S any](t *testing.T, rules []rule[S], open func(t testing.TB) S) {
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			if err := r.check(t.Context(), open(t)); err != nil {
				t.Errorf("\nrule: %s\nwhy:  %s\nseen: %v", r.rule, r.why, err)
			}
		})
	}
}

// rule is one sentence of a contract, and how to check it on an S.
type rule[S any] struct {
	name, rule, why string
	check           func(ctx context.Context, s S) error
}

// rules are all rules of [Run].
var rules = slices.Concat(valueRules, expiryRules, argumentRules, raceRules, counterRules, batchRules)

// subject is a backend with keys that nobody else uses.
type subject struct {
	Backend
	prefix string
}

func newSubject(b Backend) *subject {
	if b.Advance == nil {
		b.Advance = wait
	}
	return &subject{Backend: b, prefix: "storetest:" + rand.Text() + ":"}
}

func wait(d time.Duration) { <-time.After(d) }

// key returns this subject's own key for name.
func (s *subject) key(name string) string { return s.prefix + name }

// handles returns both handles with names for messages.
func (s *subject) handles() map[string]store.Ephemeral {
	return map[string]store.Ephemeral{"handle A": s.A, "handle B": s.B}
}
