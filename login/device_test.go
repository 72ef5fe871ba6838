package login_test

import (
	"context"
	"encoding/json"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/login"
)

const (
	passkey = authenticator.Passkey
	face    = authenticator.Biometrics
)

func TestLoginByPasskeyNeedsNoIdentifier(t *testing.T) {
	t.Parallel()
	w, d := newDeviceWorld(t)
	handle := w.begin(acrPasskey)
	s := w.ok(w.State(t.Context(), handle))
	require.Equal(t, login.StepVerify, s.Step)
	require.True(t, s.Identifies)
	require.True(t, s.Device)
	require.Nil(t, s.Form)

	options := w.given(handle, passkey)
	require.JSONEq(t, `{"challenge":"1"}`, string(options))
	s = w.ok(w.Answer(t.Context(), handle, bob, signed(options, alice, passkey)))
	require.Equal(t, login.StepConsent, s.Step)
	require.Empty(t, s.Identifier, "what stood in a field beside it was not proved")
	w.ok(w.Decide(t.Context(), handle, login.Decision{}))
	grant := w.authorizer.lastGrant(t)
	require.Equal(t, w.openID.Subject(w.client, "person "+alice.Value), grant.Subject)
	require.Equal(t, acrPasskey, grant.ACR)
	require.Equal(t, []string{"pop"}, grant.AMR)

	require.Empty(t, d.requests[0].Identifier)
	require.Equal(t, []string{acrPasskey}, d.requests[0].ACRs)
	require.Equal(t, login.ID(handle), d.challenges[0].Transaction)
	require.Equal(t, []string{acrPasskey}, d.challenges[0].ACRs)
	answers, _ := w.people.asked()
	require.Zero(t, answers, "each factor has its own method")
}

// A factor after a passkey asks who the person is, if it needs to know, and has to be the same person's.
func TestFactorAfterAPasskeyIsOfTheSamePerson(t *testing.T) {
	t.Parallel()
	w, _ := newDeviceWorld(t)
	handle := w.begin(acrTwoSteps)
	s := w.ok(w.Answer(t.Context(), handle, nobodyID, signed(w.given(handle, passkey), alice, passkey)))
	require.Equal(t, login.StepIdentify, s.Step)
	require.False(t, s.IdentifierFixed)

	_, err := w.SendCode(t.Context(), handle, nobodyID)
	require.Equal(t, authenticator.WrongCredentials, reasonOf(t, err))
	w.ok(w.SendCode(t.Context(), handle, bob))
	_, err = w.Answer(t.Context(), handle, bob, right(bob, authenticator.OTP))
	require.ErrorIs(t, err, login.ErrOtherPerson)
	w.ok(w.SendCode(t.Context(), handle, alice))
	s = w.ok(w.Answer(t.Context(), handle, nobodyID, right(alice, authenticator.OTP)))
	require.Equal(t, login.StepConsent, s.Step)
}

func TestDeviceHearsWhoProvedAnEarlierFactor(t *testing.T) {
	t.Parallel()
	const both = "urn:example:password-and-passkey"
	w, d := newDeviceWorld(t, func(c *login.Config) {
		c.ACRs = append(c.ACRs, authenticator.ACR{
			Value: both, Alternatives: []authenticator.FactorSet{{authenticator.Password, passkey}},
		})
	})
	handle := w.begin(both)
	_, err := w.Challenge(t.Context(), handle, passkey)
	require.ErrorIs(t, err, login.ErrStep, "it is not asked for yet")
	w.ok(w.Answer(t.Context(), handle, alice, right(alice, authenticator.Password)))
	options := w.given(handle, passkey)
	require.Equal(t, alice, d.challenges[0].Identifier)
	s := w.ok(w.Answer(t.Context(), handle, nobodyID, signed(options, alice, passkey)))
	require.Equal(t, login.StepConsent, s.Step)
	require.Equal(t, alice, s.Identifier)
	require.Equal(t, alice, d.requests[0].Identifier)
}

func TestAnswerWithoutAChallengeIsRefused(t *testing.T) {
	t.Parallel()
	for _, factor := range []authenticator.Factor{passkey, face} {
		t.Run(string(factor), func(t *testing.T) {
			t.Parallel()
			w, d := newDeviceWorld(t)
			handle := w.begin(map[authenticator.Factor]string{passkey: acrPasskey, face: acrFace}[factor])
			c := authenticator.Challenge{Factor: factor, Response: alice.Value + " signs mine", State: []byte("mine")}
			s, err := w.Answer(t.Context(), handle, alice, c)
			require.ErrorIs(t, err, login.ErrStep)
			require.Equal(t, 5, s.AttemptsLeft)
			require.Empty(t, d.requests)

			w.given(handle, factor)
			_, err = w.Answer(t.Context(), handle, alice, c)
			require.Equal(t, authenticator.WrongCredentials, reasonOf(t, err), "what it was given is not for the browser to say")
		})
	}
}

func TestDeviceThatNeedsNothingIsNotGivenAnything(t *testing.T) {
	t.Parallel()
	w, d := newDeviceWorld(t)
	for range 2 {
		handle := w.begin(acrCard)
		require.False(t, w.ok(w.State(t.Context(), handle)).Device)
		c := right(alice, card)
		c.State = []byte("of the browser")
		w.ok(w.Answer(t.Context(), handle, alice, c))
		require.Empty(t, d.requests[0].Challenges[0].State)
	}
	require.Len(t, d.challenges, 1, "that is asked once")
	_, err := w.Challenge(t.Context(), w.begin(acrCard), card)
	require.Equal(t, authenticator.Unsupported, reasonOf(t, err))
}

func TestChallengeServesReloadsForAWhile(t *testing.T) {
	t.Parallel()
	w, d := newDeviceWorld(t)
	handle := w.begin(acrPasskey)
	first := w.given(handle, passkey)
	w.clock.advance(5*time.Minute - 1)
	require.JSONEq(t, string(first), string(w.given(handle, passkey)))
	require.Len(t, d.challenges, 1)
	w.clock.advance(1)
	require.NotEqual(t, first, w.given(handle, passkey))
	_, err := w.Answer(t.Context(), handle, nobodyID, signed(first, alice, passkey))
	require.Equal(t, authenticator.WrongCredentials, reasonOf(t, err))
}

func TestChallengeIsForWhoThePersonSaysTheyAre(t *testing.T) {
	t.Parallel()
	w, d := newDeviceWorld(t)
	handle := w.begin("")
	w.ok(w.Choose(t.Context(), handle, 0))
	w.given(handle, face)
	w.given(handle, passkey)
	w.ok(w.SendCode(t.Context(), handle, alice))
	w.given(handle, face)
	w.given(handle, passkey)
	require.Len(t, d.challenges, 3, "a passkey tells by itself")
	require.Empty(t, d.challenges[0].Identifier)
	require.Equal(t, alice, d.challenges[2].Identifier)
}

func TestWrongAnswerForgetsTheChallenge(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*world, *devices, string){
		"a wrong answer": func(w *world, _ *devices, handle string) {
			_, err := w.Answer(w.Context(), handle, nobodyID, wrong(passkey))
			require.Equal(w, authenticator.WrongCredentials, reasonOf(w, err))
		},
		"a fault": func(w *world, d *devices, handle string) {
			d.wait = func() { panic("of the method") }
			_, err := w.Answer(w.Context(), handle, nobodyID, wrong(passkey))
			require.Equal(w, authenticator.Unavailable, reasonOf(w, err))
			d.wait = nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, d := newDeviceWorld(t)
			handle := w.begin(acrPasskey)
			used := w.given(handle, passkey)
			spoil(w, d, handle)
			s, err := w.Answer(t.Context(), handle, nobodyID, signed(used, alice, passkey))
			require.ErrorIs(t, err, login.ErrStep)
			require.Equal(t, login.StepVerify, s.Step)
			fresh := w.given(handle, passkey)
			require.NotEqual(t, used, fresh)
			w.ok(w.Answer(t.Context(), handle, nobodyID, signed(fresh, alice, passkey)))
		})
	}
}

// However many answers to one challenge are under way at once: once one was wrong, none is right any more.
func TestConcurrentAnswersToOneChallenge(t *testing.T) {
	t.Parallel()
	const right = 63
	w, d := newDeviceWorld(t, func(c *login.Config) { c.MaxAttempts = 1000 })
	handle := w.begin(acrPasskey)
	options := w.given(handle, passkey)
	var asked atomic.Int32
	refused := make(chan struct{})
	d.wait = func() { // all reach the method, and the wrong one is refused before there is a verdict on the others
		if asked.Add(1) <= right {
			<-refused
		}
	}
	together(right+1, func(i int) {
		if i == 0 {
			for asked.Load() < right {
				runtime.Gosched()
			}
			_, err := w.Answer(t.Context(), handle, nobodyID, wrong(passkey))
			assert.Equal(t, authenticator.WrongCredentials, reasonOf(t, err))
			close(refused)
			return
		}
		s, err := w.Answer(t.Context(), handle, nobodyID, signed(options, alice, passkey))
		assert.Error(t, err)
		assert.Equal(t, login.StepVerify, s.Step)
	})
	require.Empty(t, w.ok(w.State(t.Context(), handle)).Succeeded)
}

func TestConcurrentRightAnswersToOneChallengeSucceedOnce(t *testing.T) {
	t.Parallel()
	w, _ := newDeviceWorld(t, func(c *login.Config) { c.MaxAttempts = 1000 })
	handle := w.begin(acrPasskey)
	options := w.given(handle, passkey)
	together(64, func(int) {
		s, err := w.Answer(t.Context(), handle, nobodyID, signed(options, alice, passkey))
		if assert.NoError(t, err) {
			assert.Equal(t, []authenticator.Factor{passkey}, s.Succeeded)
		}
	})
}

func TestConcurrentPagesGetOneChallenge(t *testing.T) {
	t.Parallel()
	w, _ := newDeviceWorld(t)
	handle := w.begin(acrPasskey)
	got := make([]string, 64)
	together(len(got), func(i int) { got[i] = string(w.given(handle, passkey)) })
	for _, options := range got {
		require.JSONEq(t, got[0], options)
	}
}

// A passkey may be offered beside whatever is asked for; who answers with it chooses it first.
func TestPasskeyIsOfferedBesideOtherFactors(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		to   func(*world, string)
		step login.Step
	}{
		"at the choice":     {func(*world, string) {}, login.StepChoose},
		"at the identifier": {func(w *world, h string) { w.ok(w.Choose(w.Context(), h, 0)) }, login.StepIdentify},
		"at the password":   {func(w *world, h string) { w.ok(w.Choose(w.Context(), h, 1)) }, login.StepVerify},
		"after a code": {func(w *world, h string) {
			w.ok(w.Choose(w.Context(), h, 0))
			w.ok(w.SendCode(w.Context(), h, bob))
		}, login.StepVerify},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, _ := newDeviceWorld(t)
			handle := w.begin("")
			test.to(w, handle)
			s := w.ok(w.State(t.Context(), handle))
			require.Equal(t, test.step, s.Step)
			require.Equal(t, []authenticator.Factor{passkey}, s.DeviceFactors)
			options := w.given(handle, passkey)
			_, err := w.Answer(t.Context(), handle, nobodyID, signed(options, alice, passkey))
			require.ErrorIs(t, err, login.ErrStep, "it is not chosen")
			s = w.ok(w.Choose(t.Context(), handle, 3))
			require.Empty(t, s.DeviceFactors, "it is asked for")
			w.ok(w.Answer(t.Context(), handle, nobodyID, signed(options, alice, passkey)))
			_, err = w.Challenge(t.Context(), handle, passkey)
			require.ErrorIs(t, err, login.ErrStep)
		})
	}
}

func TestNoDeviceIsOfferedOnceAFactorSucceeded(t *testing.T) {
	t.Parallel()
	w, _ := newDeviceWorld(t)
	handle := w.begin("")
	w.ok(w.Choose(t.Context(), handle, 2))
	s := w.ok(w.Answer(t.Context(), handle, alice, right(alice, authenticator.Password)))
	require.Empty(t, s.DeviceFactors)
	_, err := w.Challenge(t.Context(), handle, passkey)
	require.ErrorIs(t, err, login.ErrStep)
	_, err = w.Challenge(t.Context(), handle, authenticator.OTP)
	require.ErrorIs(t, err, login.ErrStep)
}

func TestFaultsOfTheChallengerAreContained(t *testing.T) {
	t.Parallel()
	for name, device := range map[string]*authenticator.Device{
		"nothing":          nil,
		"no options":       {},
		"no JSON":          {Options: json.RawMessage("{")},
		"too many options": {Options: json.RawMessage(`"` + strings.Repeat("o", 8<<10) + `"`)},
		"too much state":   {Options: json.RawMessage("{}"), State: make([]byte, 4<<10+1)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, d := newDeviceWorld(t)
			d.challenge = func(context.Context, *authenticator.DeviceRequest) (*authenticator.Device, error) { return device, nil }
			handle := w.begin(acrFace)
			require.True(t, w.ok(w.State(t.Context(), handle)).Device, "which then says what is wrong")
			_, err := w.Challenge(t.Context(), handle, face)
			require.Equal(t, authenticator.Unavailable, reasonOf(t, err))
			require.Contains(t, w.trail.lines(), "factor_unavailable failed unavailable")
			s, err := w.Answer(t.Context(), handle, alice, wrong(face))
			require.Equal(t, authenticator.Unavailable, reasonOf(t, err))
			require.Equal(t, 5, s.AttemptsLeft)
		})
	}
}

func TestAnswersMayBeAsLongAsTheirFactorAllows(t *testing.T) {
	t.Parallel()
	w, d := newDeviceWorld(t)
	for factor, test := range map[authenticator.Factor]struct {
		acr string
		max int
	}{passkey: {acrPasskey, 16 << 10}, face: {acrFace, 2 << 20}, card: {acrCard, 4 << 10}} {
		handle := w.begin(test.acr)
		if factor != card {
			w.given(handle, factor)
		}
		before := len(d.requests)
		answer := func(length int) {
			_, err := w.Answer(t.Context(), handle, alice,
				authenticator.Challenge{Factor: factor, Response: strings.Repeat("x", length)})
			require.Equal(t, authenticator.WrongCredentials, reasonOf(t, err))
		}
		answer(test.max + 1)
		require.Len(t, d.requests, before, factor)
		answer(test.max)
		require.Len(t, d.requests, before+1, factor)
	}
}
