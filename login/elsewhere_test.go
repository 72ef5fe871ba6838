package login_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/login"
)

func TestWhatIsProvedElsewhereMakesNoSession(t *testing.T) {
	t.Parallel()
	w, _ := newSessionWorld(t)
	handle, _ := w.beginIn("", request(acrPassword))
	s := w.ok(w.Answer(login.WithPersonElsewhere(t.Context()), handle, alice, right(alice, authenticator.Password)))
	require.Equal(t, login.StepConsent, s.Step)
	s = w.ok(w.Decide(t.Context(), handle, login.Decision{Claims: s.Essential}))
	require.Equal(t, login.StepDone, s.Step)
	token, err := w.KeepSession(t.Context(), handle, "")
	require.NoError(t, err)
	assert.Empty(t, token)
}

func TestWhatIsProvedElsewhereAddsNothingToASession(t *testing.T) {
	t.Parallel()
	w, _ := newSessionWorld(t)
	session := w.enter("", alice)
	handle, _ := w.beginIn(session, request(acrBoth))
	w.ok(w.SendCode(t.Context(), handle, nobodyID))
	s := w.ok(w.Answer(login.WithPersonElsewhere(t.Context()), handle, nobodyID, right(alice, authenticator.OTP)))
	require.Equal(t, login.StepDone, s.Step)
	token, err := w.KeepSession(t.Context(), handle, session)
	require.NoError(t, err)
	assert.Equal(t, session, token, "it is the same, with one client more")
	_, s = w.beginIn(session, request(acrBoth))
	assert.Equal(t, login.StepIdentify, s.Step, "the code is asked for again")
	_, s = w.beginIn(session, request(acrPassword))
	assert.Equal(t, login.StepDone, s.Step)
}
