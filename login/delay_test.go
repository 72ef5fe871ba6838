package login_test

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/login"
)

func TestDelaysGrow(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *login.Config) {
		c.IdentifierLimit.Attempts, c.Delay = 20, login.Delay{Free: 3, Max: 5 * time.Second}
	})
	guess := func() error {
		_, err := w.Answer(t.Context(), w.begin(acrPassword), alice, wrong(authenticator.Password))
		return err
	}
	for range 2 {
		require.Equal(t, authenticator.WrongCredentials, reasonOf(t, guess()))
	}
	for _, delay := range []time.Duration{1, 2, 4, 5, 5} {
		require.Equal(t, authenticator.WrongCredentials, reasonOf(t, guess()))
		until := w.clock.Now().Add(delay * time.Second)
		w.clock.advance(delay*time.Second - 1)
		err := guess()
		require.Equal(t, authenticator.TooSoon, reasonOf(t, err))
		soon, _ := errors.AsType[*authenticator.Error](err)
		require.True(t, soon.RetryAt.Equal(until), "%s instead of %s", soon.RetryAt, until)
		w.clock.advance(1)
	}
	require.Contains(t, w.trail.lines(), "authentication_attempted refused too_soon")
}

func TestDelayIsShownAndEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	handle := w.begin(acrPassword)
	for range 2 {
		s, _ := w.Answer(t.Context(), handle, alice, wrong(authenticator.Password))
		require.Zero(t, s.RetryAt)
	}
	until := w.clock.Now().Add(time.Second)
	s, err := w.Answer(t.Context(), handle, alice, wrong(authenticator.Password))
	require.Equal(t, authenticator.WrongCredentials, reasonOf(t, err))
	require.True(t, until.Equal(s.RetryAt))
	require.True(t, until.Equal(w.ok(w.State(t.Context(), handle)).RetryAt), "after a reload")

	s, err = w.Answer(t.Context(), handle, alice, right(alice, authenticator.Password))
	require.Equal(t, authenticator.TooSoon, reasonOf(t, err), "it is not looked at")
	require.Equal(t, 2, s.AttemptsLeft, "and costs nothing")
	s, _ = w.Answer(t.Context(), handle, bob, wrong(authenticator.Password))
	require.Zero(t, s.RetryAt, "another person does not wait")
	w.clock.advance(time.Second)
	w.ok(w.Answer(t.Context(), handle, alice, right(alice, authenticator.Password)))
}

// A person with two factors is not slowed down by their own right answer to the first.
func TestRightAnswerEndsItsTurn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 3 {
		_, err := w.Answer(t.Context(), w.begin(acrPassword), alice, wrong(authenticator.Password))
		require.Equal(t, authenticator.WrongCredentials, reasonOf(t, err))
	}
	w.clock.advance(time.Second)
	handle := w.begin(acrBoth)
	w.ok(w.Answer(t.Context(), handle, alice, right(alice, authenticator.Password)))
	w.ok(w.SendCode(t.Context(), handle, nobodyID))
	w.clock.advance(time.Millisecond)
	w.ok(w.Answer(t.Context(), handle, nobodyID, right(alice, authenticator.OTP)))
	w.clock.advance(time.Millisecond)
	_, err := w.Answer(t.Context(), w.begin(acrPassword), alice, wrong(authenticator.Password))
	require.Equal(t, authenticator.WrongCredentials, reasonOf(t, err), "of the fourth wrong answer")
	w.clock.advance(2*time.Second - 1)
	_, err = w.Answer(t.Context(), w.begin(acrPassword), alice, wrong(authenticator.Password))
	require.Equal(t, authenticator.TooSoon, reasonOf(t, err), "the wrong ones of others are not forgotten")
}

// A right answer that took longer than its turn does not end the turn of the one that came after it.
func TestSlowAnswerEndsNobodysTurn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	guess := func() authenticator.Reason {
		_, err := w.Answer(t.Context(), w.begin(acrPassword), alice, wrong(authenticator.Password))
		return reasonOf(t, err)
	}
	require.Equal(t, authenticator.WrongCredentials, guess())
	require.Equal(t, authenticator.WrongCredentials, guess())
	w.people.authenticate = func(context.Context, *authenticator.Request) (*authenticator.Identity, error) {
		w.people.authenticate = nil
		w.clock.advance(time.Second)
		require.Equal(t, authenticator.WrongCredentials, guess())
		return &authenticator.Identity{Subject: "alice"}, nil
	}
	w.ok(w.Answer(t.Context(), w.begin(acrPassword), alice, right(alice, authenticator.Password)))
	w.clock.advance(time.Second)
	require.Equal(t, authenticator.TooSoon, guess())
}

func TestDelaysFailClosed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 2 {
		_, _ = w.Answer(t.Context(), w.begin(acrPassword), alice, wrong(authenticator.Password))
	}
	for calls := 0; ; calls++ {
		handle := w.begin(acrPassword)
		before, _ := w.people.asked()
		w.store.cutAfter(calls)
		s, err := w.Answer(t.Context(), handle, alice, right(alice, authenticator.Password))
		w.store.cut(false)
		if err == nil {
			require.Greater(t, calls, 5, "reading, counting twice, taking the turn, and writing")
			return
		}
		require.Nil(t, s)
		require.ErrorIs(t, err, errOutage)
		if after, _ := w.people.asked(); after > before {
			require.GreaterOrEqual(t, calls, 4, "it was asked without a turn")
		}
		w.clock.advance(15 * time.Minute) // what could not be given back
		for range 2 {
			_, _ = w.Answer(t.Context(), w.begin(acrPassword), alice, wrong(authenticator.Password))
		}
		require.Less(t, calls, 20, "it does not end")
	}
}

// Two addresses of one source share their limit; mapped ones and zones are none of their own.
func TestWhatIsOneSource(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		first, second string
		one           bool
	}{
		"an address":               {"192.0.2.1", "192.0.2.1", true},
		"a mapped address":         {"192.0.2.1", "::ffff:192.0.2.1", true},
		"neighbours":               {"192.0.2.1", "192.0.2.2", false},
		"a network of IPv6":        {"2001:db8::1", "2001:db8::ffff:1", true},
		"a neighbouring network":   {"2001:db8:0:1::1", "2001:db8:0:2::1", false},
		"an interface":             {"fe80::1%eth0", "fe80::1", true},
		"addresses of both worlds": {"192.0.2.1", "::1", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(c *login.Config) { c.SourceLimit = login.Limit{Attempts: 1, Window: time.Minute} })
			_, err := w.Answer(from(t, test.first), w.begin(acrPassword), alice, wrong(authenticator.Password))
			require.Equal(t, authenticator.WrongCredentials, reasonOf(t, err))
			s, err := w.Answer(from(t, test.second), w.begin(acrPassword), bob, right(bob, authenticator.Password))
			if !test.one {
				require.NoError(t, err)
				return
			}
			require.Equal(t, authenticator.Locked, reasonOf(t, err))
			require.Equal(t, 5, s.AttemptsLeft)
			for key, value := range w.store.values {
				require.False(t, bytes.Contains(append([]byte(key), value...), []byte(test.first)), "the address is at rest")
			}
			w.clock.advance(time.Minute)
			w.ok(w.Answer(from(t, test.second), w.begin(acrPassword), bob, right(bob, authenticator.Password)))
		})
	}
}

func TestRightAnswersLockNoSource(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *login.Config) { c.SourceLimit.Attempts = 1 })
	for range 5 {
		w.ok(w.Answer(from(t, "192.0.2.1"), w.begin(acrPassword), alice, right(alice, authenticator.Password)))
	}
}

func TestWithoutASourceNothingIsCountedForIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *login.Config) { c.SourceLimit.Attempts = 1 })
	for _, id := range []authenticator.Identifier{alice, bob} {
		_, err := w.Answer(t.Context(), w.begin(acrPassword), id, wrong(authenticator.Password))
		assert.Equal(t, authenticator.WrongCredentials, reasonOf(t, err))
	}
}
