package passkey_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/passkey"
	"github.com/gosignet/signet/internal/postgrestest"
	"github.com/gosignet/signet/store"
	"github.com/gosignet/signet/store/memory"
	"github.com/gosignet/signet/store/postgres"
)

// onEveryLedger runs a test with two Methods, as two instances have, over one backend.
func onEveryLedger(t *testing.T, test func(t *testing.T, a, b *world)) {
	t.Parallel()
	run := func(name string, open func(t *testing.T) (a, b store.Ledger)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			first, second := open(t)
			test(t,
				newWorld(t, func(c *passkey.Config) { c.Ledger = first }),
				newWorld(t, func(c *passkey.Config) { c.Ledger = second }))
		})
	}
	run("memory", func(t *testing.T) (a, b store.Ledger) {
		s, err := memory.New(memory.Config{})
		require.NoError(t, err)
		return s, s
	})
	run("postgres", func(t *testing.T) (a, b store.Ledger) {
		dsn := postgrestest.Shared(t).NewDatabase(t)
		open := func() *postgres.Store {
			s, err := postgres.New(postgres.Config{DSN: dsn})
			require.NoError(t, err)
			t.Cleanup(func() { _ = s.Close() })
			return s
		}
		first, second := open(), open()
		_, _, err := first.Migrate(t.Context())
		require.NoError(t, err)
		return first, second
	})
}

func TestTwoInstancesNeverAcceptOneCounter(t *testing.T) {
	onEveryLedger(t, func(t *testing.T, a, b *world) {
		d := a.enrolled(grace)
		const rounds, devices = 4, 8
		for range rounds {
			d.counter++
			var group sync.WaitGroup
			results := make([]error, devices)
			for i := range devices {
				w := []*world{a, b}[i%2]
				c := w.challenge()
				response := d.clone().get(c.Options)
				group.Go(func() { _, results[i] = w.answer(c.State, response) })
			}
			group.Wait()
			accepted := 0
			for _, err := range results {
				if err == nil {
					accepted++
					continue
				}
				require.ErrorIs(t, err, passkey.ErrCloned)
			}
			assert.Equal(t, 1, accepted)
		}
	})
}

func TestLoginsAtOnceWithoutACounterAllSucceed(t *testing.T) {
	onEveryLedger(t, func(t *testing.T, a, b *world) {
		d := newDevice(t, "ES256")
		d.counter = 0
		require.NoError(t, a.enroll(grace, d))
		for _, w := range []*world{a, b} {
			w.clock.advance(48 * time.Hour) // so that there is something to write
		}
		var group sync.WaitGroup
		for i := range 8 {
			w := []*world{a, b}[i%2]
			c := w.challenge()
			response := d.get(c.Options)
			group.Go(func() {
				_, err := w.answer(c.State, response)
				assert.NoError(t, err)
			})
		}
		group.Wait()
	})
}

func TestNobodyHasMorePasskeysThanAllowed(t *testing.T) {
	onEveryLedger(t, func(t *testing.T, a, b *world) {
		limit := func(c *passkey.Config) { c.MaxPerPerson = 3 }
		a, b = newWorld(t, limit, func(c *passkey.Config) { c.Ledger = a.ledger }), newWorld(t, limit, func(c *passkey.Config) { c.Ledger = b.ledger })
		requests := make([]*authenticator.EnrollmentRequest, 8)
		for i := range requests {
			var options json.RawMessage
			requests[i], options = a.begin(grace)
			requests[i].Response = newDevice(t, "ES256").create(options)
		}
		var group sync.WaitGroup
		results := make([]error, len(requests))
		for i, r := range requests {
			w := []*world{a, b}[i%2]
			group.Go(func() { results[i] = w.FinishEnrollment(t.Context(), r) })
		}
		group.Wait()
		registered := 0
		for _, err := range results {
			if err == nil {
				registered++
				continue
			}
			refused(t, err, authenticator.Unsupported)
			require.ErrorIs(t, err, passkey.ErrTooMany)
		}
		passkeys, err := a.List(t.Context(), &grace)
		require.NoError(t, err)
		assert.Len(t, passkeys, registered)
		assert.LessOrEqual(t, registered, 3)

		for range 3 - registered {
			require.NoError(t, a.enroll(grace, newDevice(t, "ES256")))
		}
		_, err = b.BeginEnrollment(t.Context(), b.enrollment(grace))
		refused(t, err, authenticator.Unsupported)
		require.ErrorIs(t, err, passkey.ErrTooMany)
		require.NoError(t, b.enroll(amelie, newDevice(t, "ES256")), "others are not concerned")
	})
}

func TestAPersonLooksAfterTheirPasskeys(t *testing.T) {
	onEveryLedger(t, func(t *testing.T, w, other *world) {
		day := w.clock.Now().UTC().Truncate(24 * time.Hour)
		first := newDevice(t, "ES256")
		first.flags |= backupEligible | backedUp
		require.NoError(t, w.enroll(grace, first))
		w.clock.advance(25 * time.Hour)
		second := newDevice(t, "EdDSA")
		second.aaguid = [16]byte{}
		require.NoError(t, w.enroll(grace, second))
		amelies := w.enrolled(amelie)

		passkeys, err := w.List(t.Context(), &grace)
		require.NoError(t, err)
		require.Len(t, passkeys, 2)
		assert.Equal(t, []passkey.Passkey{
			{
				ID: passkeys[0].ID, CreatedAt: day.Add(12 * time.Hour), UsedOn: day,
				AAGUID: "fbfc3007-154e-4ecc-8c0b-6e020557d7bd", BackedUp: true,
			},
			{ID: passkeys[1].ID, CreatedAt: day.Add(37 * time.Hour), UsedOn: day.Add(24 * time.Hour)},
		}, passkeys)

		first.counter++
		first.flags &^= backedUp
		_, err = w.login(first)
		require.NoError(t, err)
		passkeys, err = w.List(t.Context(), &grace)
		require.NoError(t, err)
		assert.Equal(t, day.Add(24*time.Hour), passkeys[0].UsedOn)
		assert.False(t, passkeys[0].BackedUp)

		for _, id := range []string{passkeys[0].ID, "unheard-of", "", "not a key"} {
			require.ErrorIs(t, w.Remove(t.Context(), &amelie, id), passkey.ErrUnknown)
		}
		require.NoError(t, other.Remove(t.Context(), &grace, passkeys[0].ID))
		require.ErrorIs(t, w.Remove(t.Context(), &grace, passkeys[0].ID), passkey.ErrUnknown)
		first.counter++
		_, err = w.login(first)
		assert.Contains(t, refused(t, err, authenticator.WrongCredentials), "not registered")
		for _, d := range []*device{second, amelies} {
			d.counter++
			_, err = w.login(d)
			require.NoError(t, err)
		}
		require.NoError(t, w.enroll(amelie, first), "what was removed is nobody's")
	})
}

func TestALoginWithoutNewsWritesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := newDevice(t, "ES256")
	d.counter = 0
	require.NoError(t, w.enroll(grace, d))
	version := func() int64 {
		records, err := w.ledger.List(t.Context(), "passkeys", store.Query{})
		require.NoError(t, err)
		require.Len(t, records, 1)
		return records[0].Version
	}
	for range 3 {
		_, err := w.login(d)
		require.NoError(t, err)
	}
	assert.EqualValues(t, 1, version())
	w.clock.advance(24 * time.Hour)
	for range 3 {
		_, err := w.login(d)
		require.NoError(t, err)
	}
	assert.EqualValues(t, 2, version())
}

func TestAPasskeyThatIsNotUsedEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *passkey.Config) { c.Retention = 30 * 24 * time.Hour })
	d := w.enrolled(grace)
	w.clock.advance(20 * 24 * time.Hour)
	_, err := w.login(d)
	require.NoError(t, err)
	w.clock.advance(20 * 24 * time.Hour)
	d.counter++
	_, err = w.login(d)
	require.NoError(t, err)
	w.clock.advance(30 * 24 * time.Hour)
	d.counter++
	_, err = w.login(d)
	assert.Contains(t, refused(t, err, authenticator.WrongCredentials), "not registered")
}

func TestADumpOfTheLedgerTellsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.enrolled(grace)
	_, err := w.login(d)
	require.NoError(t, err)

	records, err := w.ledger.List(t.Context(), "passkeys", store.Query{})
	require.NoError(t, err)
	require.Len(t, records, 1)
	history, err := w.ledger.History(t.Context(), "passkeys", records[0].ID)
	require.NoError(t, err)
	require.Len(t, history, 2)
	dump, err := json.Marshal(history)
	require.NoError(t, err)
	for _, r := range history {
		var value struct{ Sealed []byte }
		require.NoError(t, json.Unmarshal(r.Value, &value))
		dump = append(append(dump, r.Value...), value.Sealed...)
	}
	key := d.publicKey()
	for name, secret := range map[string][]byte{
		"subject": []byte(grace.Subject), "State": grace.State, "account": []byte("356"),
		"credential": d.id, "user handle": d.handle, "public key": key[len(key)-32:], "AAGUID": d.aaguid[:],
	} {
		assert.False(t, bytes.Contains(dump, secret), name)
		for _, encoding := range []*base64.Encoding{base64.RawURLEncoding, base64.StdEncoding} {
			assert.False(t, bytes.Contains(dump, []byte(encoding.EncodeToString(secret))), name)
		}
	}
}

func TestARecordThatWasTamperedWithIsNotUsed(t *testing.T) {
	t.Parallel()
	tests := map[string]func(r, other *store.Record){
		"another's content": func(r, other *store.Record) { r.Value = other.Value },
		"another's owner":   func(r, other *store.Record) { r.Owner = other.Owner },
		"format": func(r, _ *store.Record) {
			r.Value = bytes.Replace(r.Value, []byte(`"format":1`), []byte(`"format":2`), 1)
		},
		"nothing":   func(r, _ *store.Record) { r.Value = []byte("{}") },
		"no record": func(r, _ *store.Record) { r.Value = []byte("[]") },
	}
	for name, tamper := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			d := w.enrolled(grace)
			mine, err := w.ledger.List(t.Context(), "passkeys", store.Query{})
			require.NoError(t, err)
			w.enrolled(amelie)
			all, err := w.ledger.List(t.Context(), "passkeys", store.Query{})
			require.NoError(t, err)
			other := all[0]
			if other.ID == mine[0].ID {
				other = all[1]
			}
			r := mine[0]
			tamper(&r, &other)
			_, err = w.ledger.Write(t.Context(), "passkeys", r)
			require.NoError(t, err)

			_, err = w.login(d)
			refused(t, err, authenticator.Unavailable)
			_, err = w.List(t.Context(), map[bool]*authenticator.Identity{true: &amelie, false: &grace}[r.Owner == other.Owner])
			refused(t, err, authenticator.Unavailable)
		})
	}
}
