package login_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/login"
)

func TestOptionMayBeChangedUntilAFactorSucceeded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	handle := w.begin("")
	require.Equal(t, login.StepIdentify, w.ok(w.Choose(t.Context(), handle, 0)).Step)
	require.Equal(t, login.StepVerify, w.ok(w.Choose(t.Context(), handle, 1)).Step)
	w.ok(w.Choose(t.Context(), handle, 2))
	w.ok(w.Answer(t.Context(), handle, alice, right(alice, authenticator.Password)))

	s, err := w.Choose(t.Context(), handle, 0)
	require.ErrorIs(t, err, login.ErrStep)
	require.Equal(t, 2, s.Option)
	require.Equal(t, s, w.ok(w.Choose(t.Context(), handle, 2)), "the choice that was made may be repeated")
}

func TestOptionThatIsNotOfferedCannotBeChosen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	handle := w.begin("")
	for _, option := range []int{-2, 3, 1 << 40} {
		s, err := w.Choose(t.Context(), handle, option)
		require.ErrorIs(t, err, login.ErrStep)
		require.Equal(t, login.StepChoose, s.Step)
	}
}

func TestBackGoesOneStepFromWhereThePageWas(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	handle := w.begin("")
	w.ok(w.Choose(t.Context(), handle, 0))
	w.ok(w.SendCode(t.Context(), handle, alice))

	s := w.ok(w.Back(t.Context(), handle, login.StepVerify))
	require.Equal(t, login.StepIdentify, s.Step)
	require.Equal(t, alice, s.Identifier)
	require.Equal(t, s, w.ok(w.Back(t.Context(), handle, login.StepVerify)), "twice from one page is once")

	s = w.ok(w.Back(t.Context(), handle, login.StepIdentify))
	require.Equal(t, login.StepChoose, s.Step)
	s, err := w.Back(t.Context(), handle, login.StepChoose)
	require.ErrorIs(t, err, login.ErrStep)
	require.Equal(t, login.StepChoose, s.Step)
}

// A code that was sent is not in the way of going back from another factor.
func TestBackFromAnotherFactorThanTheCode(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	handle := w.begin("")
	w.ok(w.Choose(t.Context(), handle, 0))
	w.ok(w.SendCode(t.Context(), handle, alice))
	w.ok(w.Choose(t.Context(), handle, 1))
	require.Equal(t, login.StepChoose, w.ok(w.Back(t.Context(), handle, login.StepVerify)).Step)
}

func TestNoWayBackBehindTheFirstStepOrAProof(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	only := w.begin(acrPassword)
	s, err := w.Back(t.Context(), only, login.StepVerify)
	require.ErrorIs(t, err, login.ErrStep)
	require.Equal(t, login.StepVerify, s.Step)

	handle := w.begin("")
	w.ok(w.Choose(t.Context(), handle, 2))
	w.ok(w.Answer(t.Context(), handle, alice, right(alice, authenticator.Password)))
	s, err = w.Back(t.Context(), handle, login.StepIdentify)
	require.ErrorIs(t, err, login.ErrStep)
	require.Equal(t, login.StepIdentify, s.Step)
	require.Equal(t, 2, s.Option)
}

func TestCodeStillServesAfterGoingBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	handle := w.begin("")
	w.ok(w.Choose(t.Context(), handle, 0))
	sent := w.ok(w.SendCode(t.Context(), handle, alice))
	w.ok(w.Back(t.Context(), handle, login.StepVerify))
	require.Equal(t, sent, w.ok(w.SendCode(t.Context(), handle, alice)), "the same person again")

	w.ok(w.Choose(t.Context(), handle, 1))
	w.ok(w.Choose(t.Context(), handle, 0))
	require.Equal(t, sent, w.ok(w.SendCode(t.Context(), handle, alice)))
	_, codes := w.people.asked()
	require.Equal(t, 1, codes)

	w.ok(w.Back(t.Context(), handle, login.StepVerify))
	s := w.ok(w.SendCode(t.Context(), handle, bob))
	require.Equal(t, bob, s.Identifier)
	_, codes = w.people.asked()
	require.Equal(t, 2, codes, "another person needs another code")
}

func TestAnswerOfAnOldPageIsNotTried(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	handle := w.begin("")
	w.ok(w.Choose(t.Context(), handle, 0))
	w.ok(w.SendCode(t.Context(), handle, alice))

	s, err := w.Answer(t.Context(), handle, alice, right(alice, authenticator.Password))
	require.ErrorIs(t, err, login.ErrStep, "a password is no code")
	require.Equal(t, login.StepVerify, s.Step)
	_, err = w.Answer(t.Context(), handle, bob, right(bob, authenticator.OTP))
	require.ErrorIs(t, err, login.ErrStep, "the code went to alice")

	w.ok(w.Choose(t.Context(), handle, 1))
	_, err = w.SendCode(t.Context(), handle, alice)
	require.ErrorIs(t, err, login.ErrStep, "a password needs no code")
	answers, codes := w.people.asked()
	require.Zero(t, answers)
	require.Equal(t, 1, codes)
}

func TestStepsThatDoNotFit(t *testing.T) {
	t.Parallel()
	all := []string{"Choose", "SendCode", "Answer", "Decide", "WishToEnroll", "Enroll"}
	for name, test := range map[string]struct {
		at   func(*world) string
		fits []string
	}{
		"choice":   {func(w *world) string { return w.begin("") }, []string{"Choose"}},
		"identify": {func(w *world) string { return w.begin(acrCode) }, []string{"SendCode"}},
		"verify":   {func(w *world) string { return w.begin(acrPassword) }, []string{"Answer"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, method := range all {
				w := newWorld(t)
				handle := test.at(w)
				before := w.ok(w.State(t.Context(), handle))
				s, err := calls(w, handle)[method]()
				if len(test.fits) > 0 && test.fits[0] == method {
					require.NoError(t, err, method)
					continue
				}
				require.ErrorIs(t, err, login.ErrStep, method)
				require.Equal(t, before, s, method)
			}
		})
	}
}

func TestRightAnswerMayBeRepeated(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	handle := w.begin(acrBoth)
	password := right(alice, authenticator.Password)
	s := w.ok(w.Answer(t.Context(), handle, alice, password))
	require.Equal(t, s, w.ok(w.Answer(t.Context(), handle, alice, password)))
	w.ok(w.SendCode(t.Context(), handle, nobodyID))
	s = w.ok(w.Answer(t.Context(), handle, nobodyID, right(alice, authenticator.OTP)))
	require.Equal(t, s, w.ok(w.Answer(t.Context(), handle, alice, password)))
	require.Equal(t, s, w.ok(w.SendCode(t.Context(), handle, nobodyID)))
	s = w.ok(w.Decide(t.Context(), handle, login.Decision{}))
	require.Equal(t, s, w.ok(w.Answer(t.Context(), handle, alice, password)))
	answers, codes := w.people.asked()
	require.Equal(t, 2, answers)
	require.Equal(t, 1, codes)
}

// Two requests to send a code pass each other; the identity system sends the first and finds the second too soon.
func TestDoubleClickOnSendShowsTheCodeStep(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	handle := w.begin(acrCode)
	w.people.send = func(ctx context.Context, r *authenticator.CodeRequest) (*authenticator.CodeReceipt, error) {
		w.people.send = nil
		w.ok(w.SendCode(ctx, handle, alice))
		return nil, &authenticator.Error{Reason: authenticator.TooSoon, RetryAt: w.clock.Now().Add(time.Minute)}
	}
	s := w.ok(w.SendCode(t.Context(), handle, alice))
	assert.Equal(t, login.StepVerify, s.Step)
	assert.Equal(t, 2, s.CodesLeft)
}

func TestCodeThatOvertookAnotherIsNotShown(t *testing.T) {
	t.Parallel()
	for name, meanwhile := range map[string]func(*world, string){
		"sent to another person": func(w *world, handle string) { w.ok(w.SendCode(w.Context(), handle, bob)) },
		"of another option":      func(w *world, handle string) { w.ok(w.Choose(w.Context(), handle, 1)) },
		"of a login that ended":  func(w *world, handle string) { w.ok(w.Cancel(w.Context(), handle)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			handle := w.begin("")
			w.ok(w.Choose(t.Context(), handle, 0))
			var present *login.State
			w.people.send = func(ctx context.Context, r *authenticator.CodeRequest) (*authenticator.CodeReceipt, error) {
				w.people.send = nil
				meanwhile(w, handle)
				present = w.ok(w.State(ctx, handle))
				return receipt("** *** 999"), nil
			}
			s, err := w.SendCode(t.Context(), handle, alice)
			require.ErrorIs(t, err, login.ErrStep)
			require.Equal(t, present, s)
			require.Equal(t, s, w.ok(w.State(t.Context(), handle)))
		})
	}
}

func TestCodeIsNotShownWithAnotherFactor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	handle := w.begin("")
	w.ok(w.Choose(t.Context(), handle, 0))
	w.ok(w.SendCode(t.Context(), handle, alice))
	s := w.ok(w.Choose(t.Context(), handle, 1))
	require.Equal(t, login.StepVerify, s.Step)
	require.Nil(t, s.Code)
}

func TestReloadShowsTheSame(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	handle := w.begin("")
	for _, step := range []func() (*login.State, error){
		func() (*login.State, error) { return w.State(t.Context(), handle) },
		func() (*login.State, error) { return w.Choose(t.Context(), handle, 0) },
		func() (*login.State, error) { return w.SendCode(t.Context(), handle, alice) },
		func() (*login.State, error) {
			return w.Answer(t.Context(), handle, nobodyID, right(alice, authenticator.OTP))
		},
		func() (*login.State, error) {
			return w.Decide(t.Context(), handle, login.Decision{Claims: []string{"name"}})
		},
	} {
		s := w.ok(step())
		require.Equal(t, s, w.ok(w.State(t.Context(), handle)))
		require.Equal(t, s, w.ok(w.State(t.Context(), handle)))
	}
}
