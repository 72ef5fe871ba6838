package login_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/login"
)

func TestAPersonCanHaveMoreTimeTenTimes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	handle := w.begin(acrPassword)
	for left := 9; left >= 0; left-- {
		w.clock.advance(9 * time.Minute)
		s := w.ok(w.Extend(t.Context(), handle))
		require.Equal(t, left, s.ExtensionsLeft)
		require.WithinDuration(t, w.clock.Now().Add(10*time.Minute), s.ExpiresAt, 0)
	}
	w.clock.advance(9 * time.Minute)
	s, err := w.Extend(t.Context(), handle)
	require.ErrorIs(t, err, login.ErrStep)
	require.WithinDuration(t, w.clock.Now().Add(time.Minute), s.ExpiresAt, 0, "what there was is left")
	require.Equal(t, login.StepConsent, w.ok(w.Answer(t.Context(), handle, alice, right(alice, authenticator.Password))).Step)
	w.clock.advance(time.Minute)
	_, err = w.State(t.Context(), handle)
	require.ErrorIs(t, err, login.ErrUnknown, "it ends all the same")
}

func TestMoreTimeIsNoMoreAttempts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *login.Config) { c.IdentifierLimit = login.Limit{Attempts: 100, Window: time.Minute} })
	handle := w.begin(acrPassword)
	for left := 4; left > 0; left-- {
		s, err := w.Answer(t.Context(), handle, alice, wrong(authenticator.Password))
		require.Equal(t, authenticator.WrongCredentials, reasonOf(t, err))
		require.Equal(t, left, s.AttemptsLeft)
		w.clock.advance(9 * time.Minute)
		w.ok(w.Extend(t.Context(), handle))
	}
	s := w.ok(w.Answer(t.Context(), handle, alice, wrong(authenticator.Password)))
	require.Equal(t, login.StepDone, s.Step)
	answers, _ := w.people.asked()
	require.Equal(t, 5, answers)
	_, err := w.Extend(t.Context(), handle)
	require.ErrorIs(t, err, login.ErrStep, "it is over")
}

func TestMoreTimeIsNoMoreCodes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *login.Config) {
		c.MaxCodes = 2
		c.IdentifierLimit = login.Limit{Attempts: 100, Window: time.Minute}
	})
	handle := w.begin(acrCode)
	for range 2 {
		w.ok(w.SendCode(t.Context(), handle, alice))
		w.clock.advance(9 * time.Minute)
		w.ok(w.Extend(t.Context(), handle))
	}
	_, err := w.SendCode(t.Context(), handle, alice)
	require.Equal(t, authenticator.Locked, reasonOf(t, err))
}

func TestMoreTimeThatIsAskedForTwiceIsGivenOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	handle := w.begin(acrPassword)
	require.Equal(t, 10, w.ok(w.Extend(t.Context(), handle)).ExtensionsLeft, "nothing is gone yet")
	w.clock.advance(5 * time.Minute)
	require.Equal(t, 9, w.ok(w.Extend(t.Context(), handle)).ExtensionsLeft)
	w.clock.advance(time.Second)
	require.Equal(t, 9, w.ok(w.Extend(t.Context(), handle)).ExtensionsLeft)
}

func TestALoginWithAllItsExtensionsEndsBeforeItsRequestIsForgotten(t *testing.T) {
	t.Parallel()
	for lifetime, want := range map[time.Duration]int{time.Minute: 10, 20 * time.Minute: 4, time.Hour: 0} {
		w := newWorld(t, func(c *login.Config) { c.Lifetime = lifetime })
		s := w.ok(w.State(t.Context(), w.begin(acrPassword)))
		assert.Equal(t, want, s.ExtensionsLeft, lifetime)
	}
	w := newWorld(t, func(c *login.Config) { c.MaxExtensions = -1 })
	handle := w.begin(acrPassword)
	w.clock.advance(9 * time.Minute)
	_, err := w.Extend(t.Context(), handle)
	require.ErrorIs(t, err, login.ErrStep)
}

func TestThereIsNoMoreTimeForALoginThatIsNone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, err := w.Extend(t.Context(), "nobody's")
	require.ErrorIs(t, err, login.ErrUnknown)
}
