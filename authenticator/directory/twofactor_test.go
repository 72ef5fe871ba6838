package directory_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
)

func TestTwoFactorsMustBothBeRight(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	code := f.send(t, exampleTxn, sokID)

	_, err := f.Authenticate(t.Context(), answer(exampleTxn, sokID, otp(code), pwd("wrong")))
	requireReason(t, authenticator.WrongCredentials, err)
	_, err = f.Authenticate(t.Context(), answer(exampleTxn, sokID, pwd(password), otp(wrong(code))))
	requireReason(t, authenticator.WrongCredentials, err)

	_, err = f.Authenticate(t.Context(), answer(exampleTxn, sokID, otp(code), pwd(password)))
	require.NoError(t, err, "a wrong password did not consume the code")
	_, err = f.Authenticate(t.Context(), answer(exampleTxn, sokID, otp(code), pwd(password)))
	requireReason(t, authenticator.WrongCredentials, err)
}

// Otherwise a wrong password would make the code guessable without end.
func TestAnAnswerWithAWrongPasswordIsATryToo(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	code := f.send(t, exampleTxn, sokID)
	for range maxTries {
		_, err := f.Authenticate(t.Context(), answer(exampleTxn, sokID, otp(code), pwd("wrong")))
		requireReason(t, authenticator.WrongCredentials, err)
	}
	_, err := f.Authenticate(t.Context(), answer(exampleTxn, sokID, otp(code), pwd(password)))
	requireReason(t, authenticator.CodeExpired, err)
}

func TestChallengesThatCannotBeAnsweredAreUnsupported(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	code := f.send(t, exampleTxn, sokID)
	for name, challenges := range map[string][]authenticator.Challenge{
		"none":             nil,
		"unknown factor":   {{Factor: "wla", Response: "1234"}},
		"one factor twice": {otp(code), otp(code)},
		"known and not":    {pwd(password), {Factor: "wla", Response: "1234"}},
	} {
		_, err := f.Authenticate(t.Context(), answer(exampleTxn, sokID, challenges...))
		failure := requireReason(t, authenticator.Unsupported, err)
		require.Error(t, failure.Err, name)
	}
}

func TestALockedPersonHearsSoAfterRightAnswersOnly(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	_, err := f.Authenticate(t.Context(), answer(exampleTxn, lockedID, pwd("wrong")))
	requireReason(t, authenticator.WrongCredentials, err)
	_, err = f.Authenticate(t.Context(), answer(exampleTxn, lockedID, pwd(password)))
	requireReason(t, authenticator.Locked, err)

	code := f.send(t, exampleTxn, lockedID)
	_, err = f.Authenticate(t.Context(), answer(exampleTxn, lockedID, otp(wrong(code))))
	requireReason(t, authenticator.WrongCredentials, err)
	_, err = f.Authenticate(t.Context(), answer(exampleTxn, lockedID, otp(code)))
	requireReason(t, authenticator.Locked, err)
}
