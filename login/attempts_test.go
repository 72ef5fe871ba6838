package login_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/store/memory"
)

func TestWrongAnswersEndTheLogin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	handle := w.begin(acrPassword)
	for left := 4; left > 0; left-- {
		s, err := w.Answer(t.Context(), handle, alice, wrong(authenticator.Password))
		require.Equal(t, authenticator.WrongCredentials, reasonOf(t, err))
		require.Equal(t, login.StepVerify, s.Step)
		require.Equal(t, left, s.AttemptsLeft)
		require.Equal(t, alice, s.Identifier, "to be shown again")
		w.clock.advance(time.Minute)
	}
	s := w.ok(w.Answer(t.Context(), handle, alice, wrong(authenticator.Password)))
	require.Equal(t, login.StepDone, s.Step)
	require.Equal(t, "access_denied", s.Response.Parameters.Get("error"))

	s, err := w.Answer(t.Context(), handle, alice, right(alice, authenticator.Password))
	require.ErrorIs(t, err, login.ErrStep, "the right answer comes too late")
	require.Equal(t, login.StepDone, s.Step)
	answers, _ := w.people.asked()
	require.Equal(t, 5, answers)
}

func TestWhileTheLastAnswerIsLookedAtNoOtherIs(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *login.Config) { c.MaxAttempts = 1 })
	handle := w.begin(acrPassword)
	asked, verdict := make(chan struct{}), make(chan struct{})
	w.people.authenticate = func(context.Context, *authenticator.Request) (*authenticator.Identity, error) {
		close(asked)
		<-verdict
		return nil, &authenticator.Error{Reason: authenticator.WrongCredentials}
	}
	var first sync.WaitGroup
	first.Go(func() {
		s, err := w.Answer(t.Context(), handle, alice, wrong(authenticator.Password))
		assert.NoError(t, err)
		assert.Equal(t, login.StepDone, s.Step)
	})
	<-asked
	s, err := w.Answer(t.Context(), handle, alice, wrong(authenticator.Password))
	assert.ErrorIs(t, err, login.ErrLastAnswer)
	assert.Equal(t, login.StepVerify, s.Step)
	close(verdict)
	first.Wait()
}

func TestRightAnswerIsGivenBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	handle := w.begin(acrBoth)
	_, err := w.Answer(t.Context(), handle, alice, wrong(authenticator.Password))
	require.Error(t, err)
	s := w.ok(w.Answer(t.Context(), handle, alice, right(alice, authenticator.Password)))
	require.Equal(t, 4, s.AttemptsLeft)
}

func TestConcurrentGuessesReachTheIdentitySystemNoMoreThanAllowed(t *testing.T) {
	t.Parallel()
	const guesses = 64
	for name, test := range map[string]struct {
		logins  int
		config  login.Config
		allowed int32
	}{
		"in one login":   {1, login.Config{IdentifierLimit: login.Limit{Attempts: guesses}}, 5},
		"in many logins": {guesses, login.Config{}, 10},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(c *login.Config) { c.IdentifierLimit, c.Delay.Free = test.config.IdentifierLimit, guesses })
			var handles []string
			for range test.logins {
				handles = append(handles, w.begin(acrPassword))
			}
			// No verdict is given before every guess has reached the identity system or was held back.
			var asked, settled atomic.Int32
			verdicts := make(chan struct{})
			settle := func() {
				if settled.Add(1) == guesses {
					close(verdicts)
				}
			}
			w.people.authenticate = func(context.Context, *authenticator.Request) (*authenticator.Identity, error) {
				asked.Add(1)
				settle()
				<-verdicts
				return nil, &authenticator.Error{Reason: authenticator.WrongCredentials}
			}
			together(guesses, func(i int) {
				s, err := w.Answer(t.Context(), handles[i%len(handles)], alice, wrong(authenticator.Password))
				if e, ok := errors.AsType[*authenticator.Error](err); ok && e.Reason == authenticator.Locked {
					settle()
				}
				assert.NotNil(t, s)
			})
			require.Equal(t, test.allowed, asked.Load())
			if test.logins == 1 {
				require.Equal(t, login.StepDone, w.ok(w.State(t.Context(), handles[0])).Step)
			}
		})
	}
}

func TestConcurrentRightAnswersSucceedOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *login.Config) { c.MaxAttempts, c.IdentifierLimit.Attempts, c.Delay.Free = 64, 64, 65 })
	handle := w.begin(acrBoth)
	together(64, func(int) {
		s, err := w.Answer(t.Context(), handle, alice, right(alice, authenticator.Password))
		assert.NoError(t, err)
		assert.Equal(t, login.StepIdentify, s.Step)
		assert.Equal(t, []authenticator.Factor{authenticator.Password}, s.Succeeded)
	})
}

// A code is right once: the second of two requests of a double click hears "wrong" while the first is on its way.
func TestDoubleClickOnARightCodeSucceeds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	handle := w.begin(acrCode)
	w.ok(w.SendCode(t.Context(), handle, alice))
	var used atomic.Bool
	var first *login.State
	w.people.authenticate = func(ctx context.Context, _ *authenticator.Request) (*authenticator.Identity, error) {
		if !used.Swap(true) {
			return &authenticator.Identity{Subject: "alice"}, nil
		}
		return nil, &authenticator.Error{Reason: authenticator.WrongCredentials}
	}
	second := w.people.authenticate
	w.people.authenticate = func(ctx context.Context, r *authenticator.Request) (*authenticator.Identity, error) {
		w.people.authenticate = second
		first = w.ok(w.Answer(ctx, handle, nobodyID, right(alice, authenticator.OTP)))
		return second(ctx, r)
	}
	s := w.ok(w.Answer(t.Context(), handle, nobodyID, right(alice, authenticator.OTP)))
	require.Equal(t, login.StepConsent, first.Step)
	require.Equal(t, login.StepConsent, s.Step)
}

func TestIdentifierIsLockedAcrossLogins(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *login.Config) { c.IdentifierLimit = login.Limit{Attempts: 3, Window: time.Minute} })
	began := w.clock.Now()
	spellings := []authenticator.Identifier{
		{Type: "national_id", Value: "12-34"}, {Type: "phone", Value: "12 34"}, {Value: "១២៣៤"},
	}
	for _, id := range spellings {
		_, err := w.Answer(t.Context(), w.begin(acrPassword), id, wrong(authenticator.Password))
		require.Equal(t, authenticator.WrongCredentials, reasonOf(t, err))
		w.clock.advance(time.Second)
	}
	id := authenticator.Identifier{Value: "1234"}
	handle := w.begin(acrPassword)
	s, err := w.Answer(t.Context(), handle, id, right(id, authenticator.Password))
	locked, ok := errors.AsType[*authenticator.Error](err)
	require.True(t, ok)
	require.Equal(t, authenticator.Locked, locked.Reason)
	require.True(t, locked.RetryAt.Equal(began.Add(time.Minute)), "the window began with the first attempt")
	require.Equal(t, 5, s.AttemptsLeft, "an attempt that was not made is not counted")
	answers, _ := w.people.asked()
	require.Equal(t, 3, answers)
	require.Contains(t, w.trail.lines(), "authentication_attempted refused locked")

	w.ok(w.Answer(t.Context(), w.begin(acrPassword), bob, right(bob, authenticator.Password)))
	w.clock.advance(time.Minute)
	w.ok(w.Answer(t.Context(), handle, id, right(id, authenticator.Password)))
}

// The window of a counter is the time to live that it has in the store, whose clock all instances share.
func TestWindowEndsByTheStoresClock(t *testing.T) {
	t.Parallel()
	elsewhere := &clock{now: time.Unix(0, 0)}
	backend, err := memory.New(memory.Config{Now: elsewhere.Now})
	require.NoError(t, err)
	w := newWorld(t, func(c *login.Config) {
		c.Store = backend
		c.IdentifierLimit = login.Limit{Attempts: 1, Window: time.Minute}
	})
	answer := func(c authenticator.Challenge) error {
		_, err := w.Answer(t.Context(), w.begin(acrPassword), alice, c)
		return err
	}
	require.Equal(t, authenticator.WrongCredentials, reasonOf(t, answer(wrong(authenticator.Password))))
	w.clock.advance(time.Minute)
	err = answer(right(alice, authenticator.Password))
	require.Equal(t, authenticator.Locked, reasonOf(t, err))
	locked, _ := errors.AsType[*authenticator.Error](err)
	require.True(t, locked.RetryAt.Equal(w.clock.Now().Add(time.Minute)), "by our clock the window has not begun to pass")
	elsewhere.advance(time.Minute)
	require.NoError(t, answer(right(alice, authenticator.Password)))
}

// A right answer that took longer than the window is given back to nobody: the attempts of the next window are others'.
func TestUseIsNotGivenBackToTheNextWindow(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *login.Config) { c.IdentifierLimit = login.Limit{Attempts: 2, Window: time.Minute} })
	guess := func() authenticator.Reason {
		_, err := w.Answer(t.Context(), w.begin(acrPassword), alice, wrong(authenticator.Password))
		return reasonOf(t, err)
	}
	w.people.authenticate = func(context.Context, *authenticator.Request) (*authenticator.Identity, error) {
		w.people.authenticate = nil
		w.clock.advance(time.Minute)
		require.Equal(t, authenticator.WrongCredentials, guess())
		return &authenticator.Identity{Subject: "alice"}, nil
	}
	w.ok(w.Answer(t.Context(), w.begin(acrPassword), alice, right(alice, authenticator.Password)))
	require.Equal(t, authenticator.WrongCredentials, guess())
	require.Equal(t, authenticator.Locked, guess())
}

// Two hundred people who share an identifier, or one with two hundred tabs, all get in at once.
func TestConcurrentLoginsOfOneIdentifierWithinTheLimit(t *testing.T) {
	t.Parallel()
	const logins = 200
	w := newWorld(t, func(c *login.Config) { c.IdentifierLimit.Attempts, c.Delay.Free = logins, logins+1 })
	together(logins, func(int) {
		handle, _, err := w.Begin(t.Context(), request(acrCode), "")
		assert.NoError(t, err)
		_, err = w.SendCode(t.Context(), handle, alice)
		assert.NoError(t, err)
		s, err := w.Answer(t.Context(), handle, alice, right(alice, authenticator.OTP))
		if assert.NoError(t, err) {
			assert.Equal(t, login.StepConsent, s.Step)
		}
	})
	_, err := w.SendCode(t.Context(), w.begin(acrCode), alice)
	require.Equal(t, authenticator.Locked, reasonOf(t, err), "every code was counted")
}

func TestRightAnswersLockNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *login.Config) { c.IdentifierLimit.Attempts = 2 })
	for range 5 {
		w.ok(w.Answer(t.Context(), w.begin(acrPassword), alice, right(alice, authenticator.Password)))
	}
}

func TestCodesOfALoginAreLimited(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	handle := w.begin(acrCode)
	for left := 2; left >= 0; left-- {
		s := w.ok(w.SendCode(t.Context(), handle, alice))
		require.Equal(t, left, s.CodesLeft)
		w.clock.advance(30 * time.Second)
	}
	s, err := w.SendCode(t.Context(), handle, nobodyID)
	require.Equal(t, authenticator.Locked, reasonOf(t, err))
	require.Equal(t, login.StepVerify, s.Step, "the last code still serves")
	w.ok(w.Answer(t.Context(), handle, nobodyID, right(alice, authenticator.OTP)))
}

func TestConcurrentCodesAreLimited(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.people.send = func(context.Context, *authenticator.CodeRequest) (*authenticator.CodeReceipt, error) {
		return &authenticator.CodeReceipt{}, nil
	}
	handle := w.begin(acrCode)
	together(64, func(int) { _, _ = w.SendCode(t.Context(), handle, alice) })
	_, codes := w.people.asked()
	require.Equal(t, 3, codes)
}

func TestCodesToAnIdentifierAreLimitedAcrossLogins(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 10 {
		w.ok(w.SendCode(t.Context(), w.begin(acrCode), alice))
	}
	handle := w.begin(acrCode)
	s, err := w.SendCode(t.Context(), handle, alice)
	require.Equal(t, authenticator.Locked, reasonOf(t, err))
	require.Equal(t, login.StepIdentify, s.Step)
	require.Equal(t, 3, s.CodesLeft)

	w.ok(w.SendCode(t.Context(), handle, bob))
	w.ok(w.Answer(t.Context(), w.begin(acrPassword), alice, right(alice, authenticator.Password)))
}

func TestCodeIsNotSentAgainTooSoon(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	handle := w.begin(acrCode)
	sent := w.ok(w.SendCode(t.Context(), handle, alice))
	w.clock.advance(29 * time.Second)
	s, err := w.SendCode(t.Context(), handle, alice)
	soon, ok := errors.AsType[*authenticator.Error](err)
	require.True(t, ok)
	require.Equal(t, authenticator.TooSoon, soon.Reason)
	require.True(t, soon.RetryAt.Equal(sent.Code.ResendAfter))
	require.Equal(t, login.StepVerify, s.Step)
	_, codes := w.people.asked()
	require.Equal(t, 1, codes)

	w.clock.advance(time.Second)
	w.ok(w.SendCode(t.Context(), handle, nobodyID))
}

func TestCodeThatWasNotSentIsGivenBack(t *testing.T) {
	t.Parallel()
	for _, reason := range []authenticator.Reason{authenticator.TooSoon, authenticator.Unavailable, authenticator.Locked} {
		t.Run(string(reason), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.people.send = func(context.Context, *authenticator.CodeRequest) (*authenticator.CodeReceipt, error) {
				return nil, &authenticator.Error{Reason: reason, RetryAt: w.clock.Now().Add(time.Hour)}
			}
			s, err := w.SendCode(t.Context(), w.begin(acrCode), alice)
			require.Equal(t, reason, reasonOf(t, err))
			require.Equal(t, login.StepIdentify, s.Step)
			require.Equal(t, 3, s.CodesLeft)
			require.Equal(t, alice, s.Identifier)
		})
	}
}

func TestMalformedInputIsNotAskedAbout(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	password, code := w.begin(acrPassword), w.begin(acrCode)
	for _, id := range []authenticator.Identifier{
		{}, {Value: " "}, {Value: "a\x00b"}, {Value: fmt.Sprintf("%0300d", 1)}, {Type: "No Name", Value: "1"},
	} {
		s, err := w.Answer(t.Context(), password, id, wrong(authenticator.Password))
		require.Equal(t, authenticator.WrongCredentials, reasonOf(t, err))
		require.Equal(t, 5, s.AttemptsLeft)
		s, err = w.SendCode(t.Context(), code, id)
		require.Equal(t, authenticator.WrongCredentials, reasonOf(t, err))
		require.Equal(t, 3, s.CodesLeft)
	}
	for _, response := range []string{"", fmt.Sprintf("%05000d", 1)} {
		_, err := w.Answer(t.Context(), password, alice,
			authenticator.Challenge{Factor: authenticator.Password, Response: response})
		require.Equal(t, authenticator.WrongCredentials, reasonOf(t, err))
	}
	answers, codes := w.people.asked()
	require.Zero(t, answers+codes)
}
