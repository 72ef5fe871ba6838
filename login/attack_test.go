package login_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/login"
)

// from is a context of a request from the address.
func from(t testing.TB, address string) context.Context {
	return login.WithSource(t.Context(), netip.MustParseAddr(address))
}

// instances are two instances of one provider, over one store.
func instances(t testing.TB, config ...func(*login.Config)) (*world, []*login.Flow) {
	t.Helper()
	w := newWorld(t, config...)
	second, err := login.New(w.config)
	require.NoError(t, err)
	return w, []*login.Flow{w.Flow, second}
}

// reasons counts why answers were refused.
type reasons struct{ wrong, soon, locked atomic.Int32 }

func (r *reasons) count(t testing.TB, err error) {
	e, ok := errors.AsType[*authenticator.Error](err)
	if !assert.True(t, ok, "%v", err) {
		return
	}
	switch e.Reason {
	case authenticator.WrongCredentials:
		r.wrong.Add(1)
	case authenticator.TooSoon:
		r.soon.Add(1)
		assert.False(t, e.RetryAt.IsZero())
	case authenticator.Locked:
		r.locked.Add(1)
		assert.False(t, e.RetryAt.IsZero())
	default:
		assert.Fail(t, "refused", e.Reason)
	}
}

// Two hundred at once, from fifty sources, over two instances, each in a login of its own: three answers are looked at,
// then one after each delay, until ten are used up. When the window is over the person gets in.
func TestManyGuessAtOnePerson(t *testing.T) {
	t.Parallel()
	const guesses = 200
	w, flows := instances(t, func(c *login.Config) { c.Lifetime = time.Hour })
	began := w.clock.Now()
	honest := w.begin(acrPassword)
	for minute := range 9 {
		var r reasons
		together(guesses, func(i int) {
			ctx := from(t, fmt.Sprintf("192.0.2.%d", i%50))
			handle, _, err := flows[i%2].Begin(ctx, request(acrPassword), "")
			assert.NoError(t, err)
			_, err = flows[(i+1)%2].Answer(ctx, handle, alice, wrong(authenticator.Password))
			r.count(t, err)
		})
		answers, _ := w.people.asked()
		require.Equal(t, min(3+minute, 10), answers, "minute %d", minute)
		require.EqualValues(t, guesses, r.wrong.Load()+r.soon.Load()+r.locked.Load())
		w.clock.advance(time.Minute)
	}
	_, err := w.Answer(from(t, "198.51.100.7"), honest, alice, right(alice, authenticator.Password))
	locked, _ := errors.AsType[*authenticator.Error](err)
	require.Equal(t, authenticator.Locked, reasonOf(t, err))
	require.True(t, locked.RetryAt.Equal(began.Add(15*time.Minute)), "the end is visible")
	w.clock.advance(locked.RetryAt.Sub(w.clock.Now()))
	w.ok(w.Answer(from(t, "198.51.100.7"), honest, alice, right(alice, authenticator.Password)))
}

// One source tries a leaked list: a hundred answers are looked at, whoever they are for, and others are not concerned.
func TestOneSourceGuessesAtManyPeople(t *testing.T) {
	t.Parallel()
	const guesses = 300
	w, flows := instances(t, func(c *login.Config) { c.Lifetime = time.Hour })
	began := w.clock.Now()
	var handles []string
	for range guesses {
		handles = append(handles, w.begin(acrPassword))
	}
	var r reasons
	together(guesses, func(i int) {
		ctx := from(t, fmt.Sprintf("2001:db8:0:1::%x", i+1)) // all of one network
		id := authenticator.Identifier{Value: fmt.Sprintf("person %d", i)}
		_, err := flows[i%2].Answer(ctx, handles[i], id, wrong(authenticator.Password))
		r.count(t, err)
	})
	answers, _ := w.people.asked()
	require.Equal(t, 100, answers)
	require.EqualValues(t, 200, r.locked.Load())

	handle := w.begin(acrPassword)
	_, err := w.Answer(from(t, "2001:db8:0:1:ffff::1"), handle, alice, right(alice, authenticator.Password))
	locked, _ := errors.AsType[*authenticator.Error](err)
	require.Equal(t, authenticator.Locked, reasonOf(t, err))
	require.True(t, locked.RetryAt.Equal(began.Add(15*time.Minute)))
	w.ok(w.Answer(from(t, "2001:db8:0:2::1"), w.begin(acrPassword), bob, right(bob, authenticator.Password)))
	w.clock.advance(15 * time.Minute)
	w.ok(w.Answer(from(t, "2001:db8:0:1:ffff::1"), handle, alice, right(alice, authenticator.Password)))
}

// Two hundred logins send one person codes: ten arrive in the window, and a person who has a password gets in meanwhile.
func TestManySendCodesToOnePhone(t *testing.T) {
	t.Parallel()
	const senders = 200
	w, flows := instances(t, func(c *login.Config) { c.Lifetime = time.Hour })
	phone := authenticator.Identifier{Type: "phone", Value: "+855 12 345 678"}
	var handles []string
	for range senders {
		handles = append(handles, w.begin(acrCode))
	}
	together(senders, func(i int) {
		_, _ = flows[i%2].SendCode(from(t, fmt.Sprintf("192.0.2.%d", i%50)), handles[i], phone)
	})
	_, codes := w.people.asked()
	require.Equal(t, 10, codes)
	w.ok(w.Answer(t.Context(), w.begin(acrPassword), phone, right(phone, authenticator.Password)))

	honest := w.begin(acrCode)
	_, err := w.SendCode(from(t, "198.51.100.7"), honest, phone)
	require.Equal(t, authenticator.Locked, reasonOf(t, err))
	w.clock.advance(15 * time.Minute)
	w.ok(w.SendCode(from(t, "198.51.100.7"), honest, phone))
	w.ok(w.Answer(from(t, "198.51.100.7"), honest, nobodyID, right(phone, authenticator.OTP)))
}

// One source sends codes to everybody: ten in the window for each wrong answer that it is allowed.
func TestOneSourceSendsCodesToManyPhones(t *testing.T) {
	t.Parallel()
	w, flows := instances(t, func(c *login.Config) { c.SourceLimit.Attempts = 10 })
	together(200, func(i int) {
		handle, _, err := flows[i%2].Begin(t.Context(), request(acrCode), "")
		assert.NoError(t, err)
		id := authenticator.Identifier{Value: fmt.Sprintf("person %d", i)}
		_, _ = flows[i%2].SendCode(from(t, "192.0.2.1"), handle, id)
	})
	_, codes := w.people.asked()
	require.Equal(t, 100, codes)
	w.ok(w.Answer(from(t, "192.0.2.1"), w.begin(acrPassword), alice, right(alice, authenticator.Password)))
}
