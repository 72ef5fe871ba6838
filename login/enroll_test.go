package login_test

import (
	"context"
	"encoding/json"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/login"
)

// atEnroll is a login in which alice proved who she is with a code, and wished to register a passkey.
func (w *world) atEnroll(req ...string) (handle string) {
	w.Helper()
	handle = w.begin(acrCode)
	if len(req) > 0 {
		r := request(acrCode)
		r.Scope = req
		var err error
		handle, _, err = w.Begin(w.Context(), r, "")
		require.NoError(w, err)
	}
	s := w.ok(w.WishToEnroll(w.Context(), handle, passkey))
	require.Equal(w, passkey, s.Enrolling)
	w.ok(w.SendCode(w.Context(), handle, alice))
	s = w.ok(w.Answer(w.Context(), handle, nobodyID, right(alice, authenticator.OTP)))
	require.Equal(w, login.StepEnroll, s.Step)
	require.Equal(w, passkey, s.Enrolling)
	return handle
}

// made is the credential that alice's device makes.
func made(options json.RawMessage) string { return signed(options, alice, passkey).Response }

func TestEnrollment(t *testing.T) {
	t.Parallel()
	w, d := newDeviceWorld(t)
	handle := w.atEnroll()
	_, err := w.Decide(t.Context(), handle, login.Decision{})
	require.ErrorIs(t, err, login.ErrStep)
	options, err := w.EnrollmentOptions(t.Context(), handle)
	require.NoError(t, err)
	again, err := w.EnrollmentOptions(t.Context(), handle)
	require.NoError(t, err)
	require.JSONEq(t, string(options), string(again))
	require.Len(t, d.begun, 1)

	s := w.ok(w.Enroll(t.Context(), handle, made(options)))
	require.Equal(t, login.StepConsent, s.Step)
	require.Empty(t, s.Enrolling)
	r := d.finished[0]
	require.Equal(t, login.ID(handle), r.Transaction)
	require.Equal(t, "clinic", r.ClientID)
	require.Equal(t, passkey, r.Factor)
	require.Equal(t, "person "+alice.Value, r.Identity.Subject)
	require.Equal(t, []byte("state of otp"), r.Identity.State)
	require.Equal(t, "••••678", r.Account)
	require.Equal(t, given(1).State, r.State)
	require.Contains(t, w.trail.lines(), "device_enrolled success")

	s = w.ok(w.Enroll(t.Context(), handle, made(options)))
	require.Equal(t, login.StepConsent, s.Step, "who repeats it changes nothing")
	require.Len(t, d.finished, 1)
	w.ok(w.Decide(t.Context(), handle, login.Decision{}))
	require.Equal(t, []string{"otp"}, w.authorizer.lastGrant(t).AMR)
}

func TestLoginThatAsksForNothingWaitsForTheEnrollment(t *testing.T) {
	t.Parallel()
	w, _ := newDeviceWorld(t)
	handle := w.atEnroll("openid")
	s := w.ok(w.State(t.Context(), handle))
	require.Equal(t, login.StepEnroll, s.Step)
	s = w.ok(w.Enroll(t.Context(), handle, ""))
	require.Equal(t, login.StepDone, s.Step)
	require.NotEmpty(t, s.Response.Parameters.Get("code"))
	require.Equal(t, login.StepDone, w.ok(w.Enroll(t.Context(), handle, "")).Step)
}

func TestWhatMayBeEnrolled(t *testing.T) {
	t.Parallel()
	allowed := []authenticator.Factor{passkey}
	for name, test := range map[string]struct {
		acr    string
		config func(*login.Config)
		want   []authenticator.Factor
	}{
		"with a sufficient context":   {acrCode, nil, allowed},
		"with one that is stronger":   {acrBoth, nil, allowed},
		"with one that is too weak":   {acrPassword, nil, nil},
		"what the option itself asks": {acrTwoSteps, nil, nil},
		"where nobody may":            {acrCode, func(c *login.Config) { c.EnrollmentACRs = nil }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if test.config == nil {
				test.config = func(*login.Config) {}
			}
			w, _ := newDeviceWorld(t, test.config)
			handle := w.begin(test.acr)
			require.Equal(t, test.want, w.ok(w.State(t.Context(), handle)).Enrollable)
			s, err := w.WishToEnroll(t.Context(), handle, passkey)
			if test.want == nil {
				require.ErrorIs(t, err, login.ErrStep)
				require.Empty(t, s.Enrolling)
			} else {
				require.NoError(t, err)
				require.Equal(t, passkey, s.Enrolling)
			}
			_, err = w.WishToEnroll(t.Context(), handle, card)
			require.ErrorIs(t, err, login.ErrStep, "no device can be registered for it")
		})
	}
}

// What counts in the end is what was proved, not what the person aimed at when they wished.
func TestWishIsNotGrantedByAWeakerLogin(t *testing.T) {
	t.Parallel()
	w, d := newDeviceWorld(t)
	handle := w.begin("")
	w.ok(w.Choose(t.Context(), handle, 0))
	w.ok(w.WishToEnroll(t.Context(), handle, passkey))
	s := w.ok(w.Choose(t.Context(), handle, 1))
	require.Empty(t, s.Enrolling)
	s = w.ok(w.Answer(t.Context(), handle, alice, right(alice, authenticator.Password)))
	require.Equal(t, login.StepConsent, s.Step)
	_, err := w.EnrollmentOptions(t.Context(), handle)
	require.ErrorIs(t, err, login.ErrStep)
	_, err = w.Enroll(t.Context(), handle, "credential")
	require.ErrorIs(t, err, login.ErrStep)
	require.Empty(t, d.begun)
}

func TestWishIsTakenBack(t *testing.T) {
	t.Parallel()
	w, _ := newDeviceWorld(t)
	handle := w.begin(acrCode)
	w.ok(w.WishToEnroll(t.Context(), handle, passkey))
	require.Empty(t, w.ok(w.WishToEnroll(t.Context(), handle, "")).Enrolling)
	w.ok(w.SendCode(t.Context(), handle, alice))
	s := w.ok(w.Answer(t.Context(), handle, nobodyID, right(alice, authenticator.OTP)))
	require.Equal(t, login.StepConsent, s.Step)
	_, err := w.WishToEnroll(t.Context(), handle, passkey)
	require.ErrorIs(t, err, login.ErrStep, "it comes too late")
}

func TestEnrollmentThatFailsNeverFailsTheLogin(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		finish func() error
		reason authenticator.Reason
		event  string
	}{
		"wrong credential": {func() error { return &authenticator.Error{Reason: authenticator.WrongCredentials} },
			authenticator.WrongCredentials, "device_enrolled refused wrong_credentials"},
		"outage": {func() error { return errOutage }, authenticator.Unavailable, "device_enrolled failed unavailable"},
		"panic":  {func() error { panic(errOutage) }, authenticator.Unavailable, "device_enrolled failed unavailable"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, d := newDeviceWorld(t, func(c *login.Config) { c.MaxAttempts = 3 })
			d.finish = func(context.Context, *authenticator.EnrollmentRequest) error { return test.finish() }
			handle := w.atEnroll()
			for range 2 {
				options, err := w.EnrollmentOptions(t.Context(), handle)
				require.NoError(t, err)
				s, err := w.Enroll(t.Context(), handle, made(options))
				require.Equal(t, test.reason, reasonOf(t, err))
				require.Equal(t, login.StepEnroll, s.Step)
				require.Contains(t, w.trail.lines(), test.event)
				_, err = w.Enroll(t.Context(), handle, made(options))
				require.ErrorIs(t, err, login.ErrStep, "a credential is made anew for each try")
			}
			options, err := w.EnrollmentOptions(t.Context(), handle)
			require.NoError(t, err)
			s := w.ok(w.Enroll(t.Context(), handle, made(options)))
			require.Equal(t, login.StepConsent, s.Step, "after the last try it goes on without")
			w.ok(w.Decide(t.Context(), handle, login.Decision{}))
			require.Equal(t, 3, d.registered())
		})
	}
}

func TestEnrollmentThatCannotBeginCanBeLeft(t *testing.T) {
	t.Parallel()
	w, d := newDeviceWorld(t)
	d.begin = func(context.Context, *authenticator.EnrollmentRequest) (*authenticator.Device, error) {
		return nil, nil
	}
	handle := w.atEnroll()
	_, err := w.EnrollmentOptions(t.Context(), handle)
	require.Equal(t, authenticator.Unavailable, reasonOf(t, err))
	require.Contains(t, w.trail.lines(), "device_enrolled failed unavailable")
	require.Equal(t, login.StepConsent, w.ok(w.Enroll(t.Context(), handle, "")).Step)
}

func TestCredentialThatIsTooLongIsNotRegistered(t *testing.T) {
	t.Parallel()
	w, d := newDeviceWorld(t)
	handle := w.atEnroll()
	_, err := w.EnrollmentOptions(t.Context(), handle)
	require.NoError(t, err)
	s, err := w.Enroll(t.Context(), handle, string(make([]byte, 16<<10+1)))
	require.Equal(t, authenticator.WrongCredentials, reasonOf(t, err))
	require.Equal(t, login.StepEnroll, s.Step)
	require.Zero(t, d.registered())
}

func TestConcurrentEnrollmentsRegisterOneDevice(t *testing.T) {
	t.Parallel()
	w, d := newDeviceWorld(t)
	handle := w.atEnroll()
	options, err := w.EnrollmentOptions(t.Context(), handle)
	require.NoError(t, err)
	var done atomic.Int32
	together(64, func(int) {
		s, err := w.Enroll(t.Context(), handle, made(options))
		switch {
		case err == nil:
			done.Add(1)
			assert.Equal(t, login.StepConsent, s.Step)
		default:
			assert.ErrorIs(t, err, login.ErrStep)
		}
	})
	require.Positive(t, done.Load())
	require.Equal(t, 1, d.registered())
	require.Equal(t, login.StepConsent, w.ok(w.State(t.Context(), handle)).Step)
}

// Whoever leaves while a device is being registered has left.
func TestEnrollmentThatWasLeftStaysSo(t *testing.T) {
	t.Parallel()
	w, d := newDeviceWorld(t)
	handle := w.atEnroll()
	options, err := w.EnrollmentOptions(t.Context(), handle)
	require.NoError(t, err)
	d.finish = func(ctx context.Context, _ *authenticator.EnrollmentRequest) error {
		_, err := w.Enroll(ctx, handle, "")
		return err
	}
	require.Equal(t, login.StepConsent, w.ok(w.Enroll(t.Context(), handle, made(options))).Step)
}

// A session may stand for factors of the login in which a device is registered, but not for all of them; and not any more
// once it ended.
func TestEnrollmentInASession(t *testing.T) {
	t.Parallel()
	w, _ := newSessionWorld(t, func(c *login.Config) {
		d := &devices{}
		c.Methods, c.EnrollmentACRs = []authenticator.Method{d}, []string{acrPassword, acrBoth}
	})
	session := w.enter("", alice)
	again, _, err := w.Begin(t.Context(), request(acrPassword), session)
	require.NoError(t, err)
	require.Empty(t, w.ok(w.State(t.Context(), again)).Enrollable)
	_, err = w.WishToEnroll(t.Context(), again, passkey)
	require.ErrorIs(t, err, login.ErrStep, "nothing is proved in this login")

	stepUp := func() (handle string) {
		handle, s, err := w.Begin(t.Context(), request(acrBoth), session)
		require.NoError(t, err)
		require.Equal(t, login.StepIdentify, s.Step)
		w.ok(w.WishToEnroll(t.Context(), handle, passkey))
		w.ok(w.SendCode(t.Context(), handle, alice))
		s = w.ok(w.Answer(t.Context(), handle, nobodyID, right(alice, authenticator.OTP)))
		require.Equal(t, login.StepEnroll, s.Step)
		return handle
	}
	handle := stepUp()
	options, err := w.EnrollmentOptions(t.Context(), handle)
	require.NoError(t, err)
	w.ok(w.Enroll(t.Context(), handle, made(options)))

	handle = stepUp()
	require.NoError(t, w.LogOut(t.Context(), session))
	_, err = w.EnrollmentOptions(t.Context(), handle)
	require.ErrorIs(t, err, login.ErrStep)
	require.Equal(t, login.StepVerify, w.ok(w.State(t.Context(), handle)).Step, "the password is missing now")
}

func TestCanceledLoginEnrollsNothing(t *testing.T) {
	t.Parallel()
	w, d := newDeviceWorld(t)
	handle := w.atEnroll()
	w.ok(w.Cancel(t.Context(), handle))
	_, err := w.EnrollmentOptions(t.Context(), handle)
	require.ErrorIs(t, err, login.ErrStep)
	require.Empty(t, d.begun)
}

func TestEnrollmentOptionsAreRenewed(t *testing.T) {
	t.Parallel()
	w, d := newDeviceWorld(t)
	handle := w.atEnroll()
	_, err := w.EnrollmentOptions(t.Context(), handle)
	require.NoError(t, err)
	w.clock.advance(5 * time.Minute)
	_, err = w.EnrollmentOptions(t.Context(), handle)
	require.NoError(t, err)
	require.Len(t, d.begun, 2)
}

// Invariant 12, for what only logins with devices do.
func TestOutageOfTheStoreDuringAnEnrollment(t *testing.T) {
	t.Parallel()
	for calls := 0; ; calls++ {
		w, d := newDeviceWorld(t)
		handle := w.atEnroll()
		options, err := w.EnrollmentOptions(t.Context(), handle)
		require.NoError(t, err)
		w.store.cutAfter(calls)
		s, err := w.Enroll(t.Context(), handle, made(options))
		w.store.cut(false)
		if err == nil {
			require.Positive(t, calls)
			return
		}
		require.ErrorIs(t, err, errOutage)
		require.Nil(t, s)
		require.LessOrEqual(t, d.registered(), 1)
		if s, err = w.Enroll(t.Context(), handle, made(options)); errors.Is(err, login.ErrStep) {
			s, err = w.Enroll(t.Context(), handle, "")
		}
		require.Equal(t, login.StepConsent, w.ok(s, err).Step)
		require.Less(t, calls, 10, "it does not end")
	}
}
