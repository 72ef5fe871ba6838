package directory_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/directory"
)

// withHash gives a directory in which everybody has the hash.
func withHash(t *testing.T, hash string) *directory.Directory {
	t.Helper()
	d, err := directory.New(directory.Config{
		Lookup: func(context.Context, authenticator.Identifier) (*directory.Person, error) {
			return &directory.Person{Subject: "person", PasswordHash: hash}, nil
		},
		Argon2id: cheap,
	})
	require.NoError(t, err)
	return d
}

// withCost is withHash where PBKDF2 is usual.
func withCost(t *testing.T, cost directory.PBKDF2, hash string) *directory.Directory {
	t.Helper()
	d, err := directory.New(directory.Config{
		Lookup: func(context.Context, authenticator.Identifier) (*directory.Person, error) {
			return &directory.Person{Subject: "person", PasswordHash: hash}, nil
		},
		PBKDF2: cost,
	})
	require.NoError(t, err)
	return d
}

func noLookup(context.Context, authenticator.Identifier) (*directory.Person, error) {
	return nil, directory.ErrUnknown
}

func TestAPasswordLogsIn(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for range 2 { // as often as one likes
		identity, err := f.Authenticate(t.Context(), answer(exampleTxn, sokID, pwd(password)))
		require.NoError(t, err)
		assert.Equal(t, "person-1", identity.Subject)
	}
	for _, wrong := range []string{"", "Correct horse", "correct horse ", strings.Repeat("x", 1024), strings.Repeat("x", 1025)} {
		_, err := f.Authenticate(t.Context(), answer(exampleTxn, sokID, pwd(wrong)))
		requireReason(t, authenticator.WrongCredentials, err)
	}
}

func TestHashPasswordGivesAStringThatVerifies(t *testing.T) {
	t.Parallel()
	for _, password := range []string{"x", "ពាក្យសម្ងាត់", strings.Repeat("x", 1024)} {
		hash, err := directory.HashPassword(password)
		require.NoError(t, err)
		assert.Regexp(t, `^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$`, hash)

		d := withHash(t, hash)
		_, err = d.Authenticate(t.Context(), answer(exampleTxn, sokID, pwd(password)))
		require.NoError(t, err)
		_, err = d.Authenticate(t.Context(), answer(exampleTxn, sokID, pwd(password[:len(password)-1]+"y")))
		requireReason(t, authenticator.WrongCredentials, err)
	}
}

func TestHashesAreSalted(t *testing.T) {
	t.Parallel()
	one, err := cheap.Hash(password)
	require.NoError(t, err)
	other, err := cheap.Hash(password)
	require.NoError(t, err)
	assert.NotEqual(t, one, other)
}

func TestHashRefusesWhatCouldNotBeVerified(t *testing.T) {
	t.Parallel()
	for _, password := range []string{"", strings.Repeat("x", 1025)} {
		_, err := directory.HashPassword(password)
		require.ErrorContains(t, err, "1 to 1024 bytes")
	}
	for _, cost := range []directory.Argon2id{{Memory: 1023}, {Memory: 131073}, {Time: 9}, {Threads: 9}} {
		_, err := cost.Hash("password")
		require.ErrorContains(t, err, "cost is not within", "%+v", cost)
	}
}

// The string is from the tests of the reference implementation of Argon2.
func TestHashesOfOtherImplementationsVerify(t *testing.T) {
	t.Parallel()
	d := withHash(t, "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc")
	_, err := d.Authenticate(t.Context(), answer(exampleTxn, sokID, pwd("password")))
	require.NoError(t, err)
}

func TestAHashThatCannotBeUsedIsAWrongPasswordWithACause(t *testing.T) {
	t.Parallel()
	const salt, digest = "c29tZXNhbHQ", "CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	tests := map[string]string{
		"not a hash":                "password",
		"four gigabytes of memory":  "$argon2id$v=19$m=4194304,t=1,p=1$" + salt + "$" + digest,
		"memory beyond 32 bits":     "$argon2id$v=19$m=4294968320,t=1,p=1$" + salt + "$" + digest,
		"hours of passes":           "$argon2id$v=19$m=1024,t=4294967295,p=1$" + salt + "$" + digest,
		"no passes":                 "$argon2id$v=19$m=1024,t=0,p=1$" + salt + "$" + digest,
		"no lanes":                  "$argon2id$v=19$m=1024,t=1,p=0$" + salt + "$" + digest,
		"lanes beyond 8 bits":       "$argon2id$v=19$m=1024,t=1,p=257$" + salt + "$" + digest,
		"a leading zero":            "$argon2id$v=19$m=01024,t=1,p=1$" + salt + "$" + digest,
		"a sign":                    "$argon2id$v=19$m=+1024,t=1,p=1$" + salt + "$" + digest,
		"another order":             "$argon2id$v=19$t=1,m=1024,p=1$" + salt + "$" + digest,
		"a missing cost":            "$argon2id$v=19$m=1024,t=1$" + salt + "$" + digest,
		"another cost":              "$argon2id$v=19$m=1024,t=1,p=1,x=1$" + salt + "$" + digest,
		"argon2i":                   "$argon2i$v=19$m=1024,t=1,p=1$" + salt + "$" + digest,
		"bcrypt":                    "$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy",
		"an old version":            "$argon2id$v=16$m=1024,t=1,p=1$" + salt + "$" + digest,
		"no version":                "$argon2id$m=1024,t=1,p=1$" + salt + "$" + digest,
		"an empty digest":           "$argon2id$v=19$m=1024,t=1,p=1$" + salt + "$",
		"a short digest":            "$argon2id$v=19$m=1024,t=1,p=1$" + salt + "$c29tZXNhbHQ",
		"a short salt":              "$argon2id$v=19$m=1024,t=1,p=1$c2FsdA$" + digest,
		"padding":                   "$argon2id$v=19$m=1024,t=1,p=1$" + salt + "=$" + digest,
		"a line break in base64":    "$argon2id$v=19$m=1024,t=1,p=1$" + salt + "\n$" + digest,
		"stray bits in base64":      "$argon2id$v=19$m=1024,t=1,p=1$c29tZXNhbHR$" + digest,
		"another field":             "$argon2id$v=19$m=1024,t=1,p=1$" + salt + "$" + digest + "$",
		"something before the hash": " $argon2id$v=19$m=1024,t=1,p=1$" + salt + "$" + digest,
		"a long digest":             "$argon2id$v=19$m=1024,t=1,p=1$" + salt + "$" + strings.Repeat("A", 1<<20),
	}
	for name, hash := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := withHash(t, hash).Authenticate(t.Context(), answer(exampleTxn, sokID, pwd("password")))
			failure := requireReason(t, authenticator.WrongCredentials, err)
			require.Error(t, failure.Err, "the operator hears of it")
			assert.NotContains(t, failure.Err.Error(), digest[:20], "but not the hash")
		})
	}
}

func TestWithoutASenderThereAreOnlyPasswords(t *testing.T) {
	t.Parallel()
	d := withHash(t, "")
	assert.Equal(t, []authenticator.Factor{authenticator.Password}, d.Factors())
	_, err := d.SendCode(t.Context(), codeRequest(exampleTxn, sokID))
	requireReason(t, authenticator.Unsupported, err)
	_, err = d.Authenticate(t.Context(), answer(exampleTxn, sokID, otp("123456")))
	requireReason(t, authenticator.Unsupported, err)
	require.NoError(t, d.Close())
}
