package directory_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/directory"
)

func TestAPINLogsInInTheDigitsOfAnyScript(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, typed := range []string{pin, "480 269", "480-269", "٤٨٠٢٦٩", "៤៨០២៦៩", "４８０２６９"} {
		identity, err := f.Authenticate(t.Context(), answer(exampleTxn, sokID, pinned(typed)))
		require.NoError(t, err, typed)
		assert.Equal(t, "person-1", identity.Subject)
	}
	for _, typed := range []string{"", "480268", "48026", "4802690", "48026a", "+480269", strings.Repeat("4", 33), password} {
		_, err := f.Authenticate(t.Context(), answer(exampleTxn, sokID, pinned(typed)))
		requireReason(t, authenticator.WrongCredentials, err)
	}
}

func TestAPINIsNoPassword(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	_, err := f.Authenticate(t.Context(), answer(exampleTxn, sokID, pwd(pin)))
	requireReason(t, authenticator.WrongCredentials, err)
	_, err = f.Authenticate(t.Context(), answer(exampleTxn, chanID, pinned(pin)))
	requireReason(t, authenticator.WrongCredentials, err)
}

func TestHashPINHashesASCIIDigits(t *testing.T) {
	t.Parallel()
	hash, err := directory.HashPIN("៤៨០ ២៦៩")
	require.NoError(t, err)
	_, err = withHash(t, hash).Authenticate(t.Context(), answer(exampleTxn, sokID, pwd(pin)))
	require.NoError(t, err)
	for _, bad := range []string{"", "123", "12a4", strings.Repeat("1", 33)} {
		_, err := directory.HashPIN(bad)
		require.ErrorContains(t, err, "a PIN has 4 to 32 digits")
	}
}

func TestPINsAreNoFactorUnlessConfigured(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(c *directory.Config) { c.PIN = false })
	assert.NotContains(t, f.Factors(), authenticator.PIN)
	_, err := f.Authenticate(t.Context(), answer(exampleTxn, sokID, pinned(pin)))
	requireReason(t, authenticator.Unsupported, err)
}
