package directory_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/directory"
)

type replaced struct {
	id       authenticator.Identifier
	factor   authenticator.Factor
	old, new string
}

// withRehash gives a directory whose only person has the hashes, and what is replaced in it.
func withRehash(t *testing.T, change func(*directory.Config), passwordHash, pinHash string) (*directory.Directory, chan replaced) {
	t.Helper()
	calls := make(chan replaced, 16)
	c := directory.Config{
		PIN: true,
		Lookup: func(context.Context, authenticator.Identifier) (*directory.Person, error) {
			return &directory.Person{Subject: "person", PasswordHash: passwordHash, PINHash: pinHash}, nil
		},
		Rehash: func(_ context.Context, id authenticator.Identifier, f authenticator.Factor, oldHash, newHash string) error {
			calls <- replaced{id, f, oldHash, newHash}
			return nil
		},
		MaxHashing: 2,
	}
	change(&c)
	d, err := directory.New(c)
	require.NoError(t, err)
	return d, calls
}

func mustHash(t *testing.T, cost interface{ Hash(string) (string, error) }, secret string) string {
	t.Helper()
	hash, err := cost.Hash(secret)
	require.NoError(t, err)
	return hash
}

func TestHashesAreReplacedAtLoginWhenTheyAreWeakerThanConfigured(t *testing.T) {
	t.Parallel()
	dear := directory.Argon2id{Memory: 2048, Time: 2, Threads: 1}
	argon2id := func(c *directory.Config) { c.Argon2id = dear }
	pbkdf2 := func(c *directory.Config) { c.PBKDF2 = directory.PBKDF2{Iterations: 2000} }
	tests := []struct {
		name   string
		config func(*directory.Config)
		stored interface{ Hash(string) (string, error) }
		begins string // of the new hash; empty: there is none
	}{
		{"less memory", argon2id, directory.Argon2id{Memory: 1024, Time: 2, Threads: 1}, "$argon2id$v=19$m=2048,t=2,p=1$"},
		{"fewer passes", argon2id, directory.Argon2id{Memory: 2048, Time: 1, Threads: 1}, "$argon2id$v=19$m=2048,t=2,p=1$"},
		{"as it should be", argon2id, dear, ""},
		{"as much work in another way", argon2id, directory.Argon2id{Memory: 4096, Time: 1, Threads: 1}, ""},
		{"stronger", argon2id, directory.Argon2id{Memory: 4096, Time: 2, Threads: 1}, ""},
		{"PBKDF2 where Argon2id should be", argon2id, directory.PBKDF2{Iterations: 1000}, "$argon2id$v=19$m=2048,t=2,p=1$"},
		{"fewer iterations", pbkdf2, directory.PBKDF2{Iterations: 1000}, "$pbkdf2-sha256$i=2000$"},
		{"enough iterations", pbkdf2, directory.PBKDF2{Iterations: 2000}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			passwordHash, pinHash := mustHash(t, tt.stored, password), mustHash(t, tt.stored, pin)
			d, calls := withRehash(t, tt.config, passwordHash, pinHash)
			_, err := d.Authenticate(t.Context(), answer(exampleTxn, sokID, pwd(password), pinned("480 269")))
			require.NoError(t, err)
			require.NoError(t, d.Close())
			close(calls)
			if tt.begins == "" {
				assert.Empty(t, calls)
				return
			}
			got := map[authenticator.Factor]replaced{}
			for c := range calls {
				assert.Equal(t, sokID, c.id.Value)
				assert.Contains(t, c.new, tt.begins)
				got[c.factor] = c
			}
			require.Len(t, got, 2)
			assert.Equal(t, passwordHash, got[authenticator.Password].old)
			assert.Equal(t, pinHash, got[authenticator.PIN].old)

			// The new ones are of the same secrets, and good enough.
			d, calls = withRehash(t, tt.config, got[authenticator.Password].new, got[authenticator.PIN].new)
			_, err = d.Authenticate(t.Context(), answer(exampleTxn, sokID, pwd(password), pinned(pin)))
			require.NoError(t, err)
			require.NoError(t, d.Close())
			assert.Empty(t, calls)
		})
	}
}

func TestNothingIsReplacedUnlessAllAnswersAreRight(t *testing.T) {
	t.Parallel()
	stored := directory.PBKDF2{Iterations: 1000}
	d, calls := withRehash(t, func(c *directory.Config) { c.PBKDF2.Iterations = 2000 }, mustHash(t, stored, password), mustHash(t, stored, pin))
	for _, challenges := range [][]authenticator.Challenge{{pwd("wrong")}, {pwd(password), pinned("480268")}, {pwd("wrong"), pinned(pin)}} {
		_, err := d.Authenticate(t.Context(), answer(exampleTxn, sokID, challenges...))
		requireReason(t, authenticator.WrongCredentials, err)
	}
	require.NoError(t, d.Close())
	assert.Empty(t, calls)
}

func TestALoginDoesNotWaitForTheRegisterToTakeTheHash(t *testing.T) {
	t.Parallel()
	release, begun := make(chan struct{}), make(chan struct{})
	stored := mustHash(t, directory.PBKDF2{Iterations: 1000}, password)
	d, _ := withRehash(t, func(c *directory.Config) {
		c.PBKDF2.Iterations, c.MaxHashing = 2000, 1
		c.Rehash = func(ctx context.Context, _ authenticator.Identifier, _ authenticator.Factor, _, _ string) error {
			_, bounded := ctx.Deadline()
			assert.True(t, bounded)
			close(begun) // once: while it runs, others leave theirs to another login
			<-release
			assert.NoError(t, ctx.Err(), "it outlives the request of the person")
			return nil
		}
	}, stored, "")
	ctx, cancel := context.WithCancel(t.Context())
	for range 3 {
		_, err := d.Authenticate(ctx, answer(exampleTxn, sokID, pwd(password)))
		require.NoError(t, err)
	}
	cancel() // the person goes away
	<-begun
	close(release)
	require.NoError(t, d.Close())
}

func TestAHashThatCannotBeReplacedIsLogged(t *testing.T) {
	t.Parallel()
	for name, rehash := range map[string]directory.Rehash{
		"error": func(context.Context, authenticator.Identifier, authenticator.Factor, string, string) error {
			return errors.New("read-only")
		},
		"panic": func(_ context.Context, _ authenticator.Identifier, _ authenticator.Factor, _, newHash string) error {
			panic(newHash)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			d, _ := withRehash(t, func(c *directory.Config) {
				c.PBKDF2.Iterations, c.Rehash = 2000, rehash
				c.Logger = slog.New(slog.NewJSONHandler(&log, nil))
			}, mustHash(t, directory.PBKDF2{Iterations: 1000}, password), "")
			_, err := d.Authenticate(t.Context(), answer(exampleTxn, sokID, pwd(password)))
			require.NoError(t, err)
			require.NoError(t, d.Close())
			assert.Contains(t, log.String(), "hash was not replaced")
			for _, private := range []string{password, sokID, "pbkdf2-sha256$"} {
				assert.NotContains(t, log.String(), private)
			}
		})
	}
}
