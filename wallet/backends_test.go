package wallet_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/internal/postgrestest"
	"github.com/gosignet/signet/internal/redistest"
	"github.com/gosignet/signet/store/memory"
	"github.com/gosignet/signet/store/postgres"
	"github.com/gosignet/signet/store/redis"
	"github.com/gosignet/signet/wallet"
)

// unaided makes browsers wait for notifications alone.
func unaided(c *wallet.LinkerConfig) { c.Poll = time.Hour }

// backends are what two instances can share. The databases have clocks of their own, so that there it is today.
func backends(testing.TB) map[string]func(testing.TB) (a, b *world) {
	return map[string]func(testing.TB) (a, b *world){
		"Memory": func(t testing.TB) (a, b *world) {
			c := &clock{now: now}
			m, err := memory.New(memory.Config{Now: c.Now})
			require.NoError(t, err)
			return newInstance(t, backend{m, m, m}, c, unaided), newInstance(t, backend{m, m, m}, c, unaided)
		},
		"PostgreSQL": func(t testing.TB) (a, b *world) {
			dsn := postgrestest.Shared(t).NewDatabase(t)
			c := &clock{now: now}
			open := func() *world {
				s := postgresStore(t, dsn)
				return newInstance(t, backend{s, s, s}, c, unaided)
			}
			_, _, err := postgresStore(t, dsn).Migrate(t.Context())
			require.NoError(t, err)
			return open(), open()
		},
		"Redis": func(t testing.TB) (a, b *world) {
			server := redistest.Start(t)
			c := &clock{now: now}
			ledger, err := memory.New(memory.Config{Now: c.Now})
			require.NoError(t, err)
			open := func() *world {
				s, err := redis.New(redis.Config{URL: server.URL()})
				require.NoError(t, err)
				t.Cleanup(func() { s.Close() })
				require.NoError(t, s.Begin(t.Context()))
				return newInstance(t, backend{s, ledger, s}, c, unaided)
			}
			return open(), open()
		},
	}
}

func postgresStore(t testing.TB, dsn string) *postgres.Store {
	s, err := postgres.New(postgres.Config{DSN: dsn})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, s.Close()) })
	return s
}

// The hazard H19 of eSignet: a message reached one instance, and perhaps not the one in which the browser waited.
func TestTheBrowserIsWokenInAnotherInstance(t *testing.T) {
	t.Parallel()
	for name, instances := range backends(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, b := instances(t)
			p := a.bound(grace)
			handle := a.begin()
			code, err := b.linker.LinkCode(t.Context(), handle)
			require.NoError(t, err)
			wait := func(seen wallet.Stage) <-chan *wallet.Status {
				heard := make(chan *wallet.Status, 1)
				go func() {
					s, err := a.linker.Status(t.Context(), handle, code.Code, seen, time.Minute)
					assert.NoError(t, err)
					heard <- s
				}()
				return heard
			}
			linked := wait(wallet.Unlinked)
			transaction, err := b.linker.Link(t.Context(), code.Code)
			require.NoError(t, err)
			assert.Equal(t, wallet.Linked, (<-linked).Stage)
			done := wait(wallet.Linked)
			_, err = b.linker.Authenticate(t.Context(), transaction.Handle, authenticator.Identifier{}, p.proof(now))
			require.NoError(t, err)
			_, err = b.linker.Consent(t.Context(), transaction.Handle, p.decision(nil, nil))
			require.NoError(t, err)
			s := <-done
			assert.Equal(t, wallet.Done, s.Stage)
			assert.NotEmpty(t, s.Login.Response.Parameters.Get("code"))
		})
	}
}

func TestOfTwoBindingsOfAPersonAtOnceOneStays(t *testing.T) {
	t.Parallel()
	for name, instances := range backends(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, b := instances(t)
			phones := []*phone{newPhone(t, grace), newPhone(t, grace)}
			errs := make(chan error, 2)
			for i, w := range []*world{a, b} {
				go func() {
					_, err := phones[i].bind(w)
					errs <- err
				}()
			}
			require.NoError(t, <-errs)
			require.NoError(t, <-errs)
			found, err := a.WalletBindings(t.Context(), grace)
			require.NoError(t, err)
			require.Len(t, found, 1)
			same := 0
			for _, p := range phones {
				if p.certificate.Equal(found[0].Certificate) {
					same++
				}
			}
			assert.Equal(t, 1, same)
		})
	}
}
