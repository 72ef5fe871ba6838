package directory_test

import (
	"crypto/fips140"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/directory"
)

// Argon2id is not approved. "make fips" runs this test in FIPS 140-3 mode too.
func TestArgon2idIsForProvidersWithoutFIPS(t *testing.T) {
	t.Parallel()
	hash, err := directory.HashPassword(password)
	require.NoError(t, err)
	_, newErr := directory.New(directory.Config{Lookup: noLookup, Argon2id: cheap})
	_, hashErr := cheap.Hash(password)
	if !fips140.Enabled() {
		assert.Contains(t, hash, "$argon2id$")
		assert.NoError(t, newErr)
		assert.NoError(t, hashErr)
		return
	}
	assert.Contains(t, hash, "$pbkdf2-sha256$i=600000$")
	assert.ErrorContains(t, newErr, "argon2id is not approved in FIPS 140-3 mode: hash passwords with PBKDF2")
	assert.ErrorContains(t, hashErr, "argon2id is not approved in FIPS 140-3 mode")

	d := withCost(t, directory.PBKDF2{Iterations: 1000}, "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc")
	_, err = d.Authenticate(t.Context(), answer(exampleTxn, sokID, pwd("password")))
	failure := requireReason(t, authenticator.WrongCredentials, err)
	assert.ErrorContains(t, failure.Err, "argon2id is not approved in FIPS 140-3 mode", "the operator hears of it")
}

func TestPasswordsAreHashedWithPBKDF2UnderFIPS(t *testing.T) {
	t.Parallel()
	cost := directory.PBKDF2{Iterations: 1000}
	hash, err := cost.Hash(password)
	require.NoError(t, err)
	assert.Regexp(t, `^\$pbkdf2-sha256\$i=1000\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$`, hash)
	d := withCost(t, cost, hash)
	_, err = d.Authenticate(t.Context(), answer(exampleTxn, sokID, pwd(password)))
	require.NoError(t, err)
	_, err = d.Authenticate(t.Context(), answer(exampleTxn, sokID, pwd(password+"x")))
	requireReason(t, authenticator.WrongCredentials, err)

	for _, bad := range []string{
		strings.Replace(hash, "i=1000", "i=01000", 1), strings.Replace(hash, "i=1000", "i=999", 1),
		strings.Replace(hash, "i=1000", "i=5000001", 1), strings.Replace(hash, "i=1000", "i=99999999999", 1),
		strings.Replace(hash, "sha256", "sha1", 1), strings.Replace(hash, "i=1000", "1000", 1), hash + "$", " " + hash,
	} {
		_, err = withCost(t, cost, bad).Authenticate(t.Context(), answer(exampleTxn, sokID, pwd(password)))
		require.Error(t, requireReason(t, authenticator.WrongCredentials, err).Err, bad)
	}
}

func TestPBKDF2HasBounds(t *testing.T) {
	t.Parallel()
	for _, iterations := range []int{-1, 999, 5_000_001} {
		_, err := directory.PBKDF2{Iterations: iterations}.Hash(password)
		require.ErrorContains(t, err, "PBKDF2 iterations are not within")
		_, err = directory.New(directory.Config{Lookup: noLookup, PBKDF2: directory.PBKDF2{Iterations: iterations}})
		require.ErrorContains(t, err, "PBKDF2 iterations are not within")
	}
	_, err := directory.New(directory.Config{Lookup: noLookup, Argon2id: cheap, PBKDF2: directory.PBKDF2{Iterations: 1000}})
	require.ErrorContains(t, err, "exclude each other")
}
