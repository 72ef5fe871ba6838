package login_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/oauth"
)

// beginIn begins a login for the request in the session, and returns where it stands.
func (w *world) beginIn(session string, req *oauth.AuthorizationRequest) (handle string, s *login.State) {
	w.Helper()
	handle, s, err := w.Begin(w.Context(), req, session)
	require.NoError(w, err)
	return handle, s
}

func TestAStepUpDoesNotAskWhoThePersonIs(t *testing.T) {
	t.Parallel()
	w, _ := newSessionWorld(t)
	handle, s := w.beginIn(w.enter("", alice), request(acrBoth))
	assert.Equal(t, login.StepIdentify, s.Step)
	assert.True(t, s.IdentifierKnown)
	assert.Empty(t, s.Identifier, "no page has any use for it")
	assert.Equal(t, "••••678", s.Account)
	assert.True(t, s.CanSwitch)

	s = w.ok(w.SendCode(t.Context(), handle, nobodyID))
	require.Equal(t, login.StepVerify, s.Step)
	assert.Equal(t, alice, w.people.codes[0].Identifier)
	s = w.ok(w.Answer(t.Context(), handle, nobodyID, right(alice, authenticator.OTP)))
	assert.Equal(t, login.StepDone, s.Step)
}

func TestALoginForWhichNothingOfTheSessionStandsAsksWhoThePersonIs(t *testing.T) {
	t.Parallel()
	w, _ := newSessionWorld(t)
	session := w.enter("", alice)
	w.clock.advance(2 * time.Minute)
	old, again := request(acrPassword), request(acrPassword)
	old.Parameters["max_age"] = "60"
	again.Parameters["prompt"] = "login"
	for name, req := range map[string]*oauth.AuthorizationRequest{"max_age": old, "prompt=login": again} {
		handle, s := w.beginIn(session, req)
		assert.False(t, s.IdentifierKnown, name)
		assert.Empty(t, s.Identifier, name)
		_, err := w.Answer(t.Context(), handle, nobodyID, right(alice, authenticator.Password))
		assert.Equal(t, authenticator.WrongCredentials, reasonOf(t, err), name)
		s = w.ok(w.Answer(t.Context(), handle, alice, right(alice, authenticator.Password)))
		assert.Equal(t, login.StepDone, s.Step, name)
	}
}

func TestAStepUpTakesNoAnswerOfAnotherPerson(t *testing.T) {
	t.Parallel()
	w, _ := newSessionWorld(t)
	handle, _ := w.beginIn(w.enter("", alice), request(acrBoth))
	w.ok(w.SendCode(t.Context(), handle, nobodyID))
	_, err := w.Answer(t.Context(), handle, nobodyID, right(bob, authenticator.OTP))
	assert.Equal(t, authenticator.WrongCredentials, reasonOf(t, err), "it is looked at as one of alice's")
	w.clock.advance(time.Minute)
	w.ok(w.SendCode(t.Context(), handle, bob))
	s, err := w.Answer(t.Context(), handle, bob, right(bob, authenticator.OTP))
	require.ErrorIs(t, err, login.ErrOtherPerson)
	assert.Empty(t, s.Succeeded)
	assert.Equal(t, bob, s.Identifier, "what was typed is shown again")
	assert.False(t, s.IdentifierKnown)
}

func TestWhoeverIsSomebodyElseIsAskedWhoTheyAre(t *testing.T) {
	t.Parallel()
	w, _ := newSessionWorld(t)
	handle, _ := w.beginIn(w.enter("", alice), request(acrBoth))
	w.ok(w.SendCode(t.Context(), handle, nobodyID))
	s := w.ok(w.SelectAccount(t.Context(), handle, true))
	assert.False(t, s.IdentifierKnown)
	assert.Empty(t, s.Identifier)
	_, err := w.Answer(t.Context(), handle, nobodyID, right(alice, authenticator.Password))
	assert.Equal(t, authenticator.WrongCredentials, reasonOf(t, err), "nothing of alice is left")
	s = w.ok(w.Answer(t.Context(), handle, bob, right(bob, authenticator.Password)))
	assert.Equal(t, bob, s.Identifier)
}

func TestAWrongAnswerInAStepUpCountsForTheIdentifier(t *testing.T) {
	t.Parallel()
	w, _ := newSessionWorld(t, func(c *login.Config) { c.IdentifierLimit = login.Limit{Attempts: 2, Window: time.Hour} })
	session := w.enter("", alice)
	for range 2 {
		handle, _ := w.beginIn(session, request(acrBoth))
		w.ok(w.SendCode(t.Context(), handle, nobodyID))
		_, err := w.Answer(t.Context(), handle, nobodyID, wrong(authenticator.OTP))
		assert.Equal(t, authenticator.WrongCredentials, reasonOf(t, err))
		w.clock.advance(time.Minute)
	}
	handle, _ := w.beginIn(session, request(acrBoth))
	_, err := w.SendCode(t.Context(), handle, nobodyID)
	assert.Equal(t, authenticator.Locked, reasonOf(t, err))
}

func withSessions(c *login.Config) { c.Sessions = login.Sessions{Idle: time.Hour} }

// So do the sessions of an earlier version, which have none either.
func TestASessionOfSomebodyWhoTypedNoIdentifierAsksForIt(t *testing.T) {
	t.Parallel()
	w, _ := newDeviceWorld(t, withSessions)
	handle := w.begin(acrPasskey)
	w.ok(w.Answer(t.Context(), handle, nobodyID, signed(w.given(handle, passkey), alice, passkey)))
	w.ok(w.Decide(t.Context(), handle, login.Decision{Claims: []string{"name"}}))
	session, err := w.KeepSession(t.Context(), handle, "")
	require.NoError(t, err)
	require.NotEmpty(t, session)

	handle, s := w.beginIn(session, request(acrPassword))
	assert.NotEmpty(t, s.Account)
	assert.False(t, s.IdentifierKnown)
	_, err = w.Answer(t.Context(), handle, nobodyID, right(alice, authenticator.Password))
	assert.Equal(t, authenticator.WrongCredentials, reasonOf(t, err))
	s = w.ok(w.Answer(t.Context(), handle, alice, right(alice, authenticator.Password)))
	assert.NotEmpty(t, s.Succeeded)
}

func TestAPasskeyInAStepUpLeavesTheIdentifierKnown(t *testing.T) {
	t.Parallel()
	w, d := newDeviceWorld(t, withSessions)
	session := w.enter("", alice)
	handle, s := w.beginIn(session, request(acrTwoSteps))
	require.Equal(t, passkey, s.Factor)
	s = w.ok(w.Answer(t.Context(), handle, nobodyID, signed(w.given(handle, passkey), alice, passkey)))
	assert.Empty(t, d.requests[0].Identifier, "the answer alone says who it is")
	require.Equal(t, login.StepIdentify, s.Step)
	assert.True(t, s.IdentifierKnown)
	w.ok(w.SendCode(t.Context(), handle, nobodyID))
	w.ok(w.Answer(t.Context(), handle, nobodyID, right(alice, authenticator.OTP)))
	session, err := w.KeepSession(t.Context(), handle, session)
	require.NoError(t, err)
	_, s = w.beginIn(session, request(acrFace))
	assert.True(t, s.IdentifierKnown)
	assert.Equal(t, "••••678", s.Account)
}

func TestTheIdentifierOfASessionIsSealedAndGoneWithIt(t *testing.T) {
	t.Parallel()
	w, _ := newSessionWorld(t)
	session := w.enter("", alice)
	handle, _ := w.beginIn(session, request(acrBoth))
	w.store.mu.Lock()
	for key, value := range w.store.values {
		assert.False(t, bytes.Contains(value, []byte(alice.Value)), key)
	}
	w.store.mu.Unlock()
	require.NoError(t, w.LogOut(t.Context(), session))
	_, s := w.beginIn(session, request(acrBoth))
	assert.False(t, s.IdentifierKnown)
	w.ok(w.Cancel(t.Context(), handle))
	assert.Empty(t, w.ok(w.State(t.Context(), handle)).Account, "a login that is over knows nobody")
}
