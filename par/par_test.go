package par_test

import (
	"context"
	"fmt"
	"math"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/par"
)

func TestNewReportsEveryMistakeAtOnce(t *testing.T) {
	t.Parallel()
	_, err := par.New(par.Config{Lifetime: time.Second})
	require.ErrorContains(t, err, "Store")
	require.ErrorContains(t, err, "Lifetime")
}

func TestLifetimeIsOneToTenMinutes(t *testing.T) {
	t.Parallel()
	for lifetime, valid := range map[time.Duration]bool{
		0: true, time.Minute: true, 90 * time.Second: true, 10 * time.Minute: true,
		-time.Minute: false, time.Nanosecond: false, time.Minute - 1: false, 10*time.Minute + 1: false, math.MaxInt64: false,
	} {
		_, err := par.New(par.Config{Store: newWorld(t).store, Lifetime: lifetime})
		require.Equal(t, valid, err == nil, lifetime)
	}
}

func TestPushedRequestIsOpenedByItsURI(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	uri := w.push(t)
	for range 3 { // as often as the browser is sent again
		req, err := w.Request(t.Context(), "portal", uri)
		require.NoError(t, err)
		require.Equal(t, pushed(), req)
	}
	req, err := w.instance(t).Request(t.Context(), "portal", uri)
	require.NoError(t, err)
	require.Equal(t, pushed(), req)
}

func TestWhatIsOpenedIsACopy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	uri := w.push(t)
	req, err := w.Request(t.Context(), "portal", uri)
	require.NoError(t, err)
	req.Scope[0], req.RedirectURI, req.Parameters["nonce"] = "everything", "https://evil.example", "other"
	req, err = w.Request(t.Context(), "portal", uri)
	require.NoError(t, err)
	require.Equal(t, pushed(), req)
}

// The Foundation's suite estimates entropy from the frequency of characters: 96 bits are the least it lets pass.
func TestRequestURIHas256RandomBitsInBase64URL(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	seen := map[string]bool{}
	for range 200 {
		uri := w.push(t)
		require.Regexp(t, `^urn:ietf:params:oauth:request_uri:[A-Za-z0-9_-]{43}$`, uri)
		require.False(t, seen[uri])
		seen[uri] = true
		require.Greater(t, entropy(strings.TrimPrefix(uri, oauth.RequestURIPrefix)), 96.0, uri)
	}
}

func entropy(s string) float64 {
	count := map[rune]float64{}
	for _, r := range s {
		count[r]++
	}
	var bits float64
	for _, n := range count {
		bits -= n * math.Log2(n/float64(len(s)))
	}
	return bits
}

func TestRequestURIThatLeadsNowhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	uri := w.push(t)
	for name, uri := range map[string]string{
		"empty":              "",
		"the prefix alone":   oauth.RequestURIPrefix,
		"without its prefix": strings.TrimPrefix(uri, oauth.RequestURIPrefix),
		"a URL":              "https://portal.example/request.jwt",
		"unknown":            oauth.RequestURIPrefix + strings.Repeat("A", 43),
		"changed":            uri[:len(uri)-2] + "AA",
		"cut":                uri[:len(uri)-1],
		"with more":          uri + "A",
		"in another case":    strings.ToUpper(uri[:3]) + uri[3:],
		"with bytes":         oauth.RequestURIPrefix + "\x00\xff" + strings.Repeat("A", 41),
		"too long":           oauth.RequestURIPrefix + strings.Repeat("A", 1<<16),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := w.Request(t.Context(), "portal", uri)
			requireInvalid(t, err)
		})
	}
	_, err := w.Request(t.Context(), "portal", uri)
	require.NoError(t, err)
}

func TestRequestURIOfAnotherClient(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	uri := w.push(t)
	for _, id := range []string{"clinic", "", "PORTAL", "portal "} {
		_, err := w.Request(t.Context(), id, uri)
		requireInvalid(t, err)
	}
	_, err := w.Request(t.Context(), "portal", uri)
	require.NoError(t, err, "the failed attempts change nothing")
}

func TestRequestURIExpires(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	uri := w.push(t)
	w.clock.advance(time.Minute - time.Nanosecond)
	_, err := w.Request(t.Context(), "portal", uri)
	require.NoError(t, err)
	w.clock.advance(time.Nanosecond)
	_, err = w.Request(t.Context(), "portal", uri)
	requireInvalid(t, err)
}

// A login that was begun in time may take longer than the request_uri lives.
func TestLoginIsCompletedAfterItsRequestURIExpired(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	uri := w.push(t)
	w.clock.advance(time.Hour)
	require.NoError(t, w.Spend(t.Context(), uri, "login-1"))
	requireInvalid(t, w.Spend(t.Context(), uri, "login-2"))
	w.clock.advance(time.Hour) // the longest login
	requireInvalid(t, w.Spend(t.Context(), uri, "login-2"))
	require.NoError(t, w.Spend(t.Context(), uri, "login-1"))
}

func TestRequestURIIsSpentByOneLogin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	uri, other := w.push(t), w.push(t)
	require.NoError(t, w.Spend(t.Context(), uri, "login-1"))
	_, err := w.Request(t.Context(), "portal", uri)
	requireInvalid(t, err)
	for range 2 {
		requireInvalid(t, w.Spend(t.Context(), uri, "login-2"))
		requireInvalid(t, w.instance(t).Spend(t.Context(), uri, "login-2"))
		requireInvalid(t, w.Spend(t.Context(), uri, ""))
		require.NoError(t, w.Spend(t.Context(), uri, "login-1"), "a login that repeats its last step stays the one")
		require.NoError(t, w.instance(t).Spend(t.Context(), uri, "login-1"))
	}
	_, err = w.Request(t.Context(), "portal", other)
	require.NoError(t, err)
}

// Logins without a name cannot be told from each other, and so only one of them counts.
func TestLoginWithoutANameSpendsOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	uri := w.push(t)
	require.NoError(t, w.Spend(t.Context(), uri, ""))
	requireInvalid(t, w.Spend(t.Context(), uri, ""))
	requireInvalid(t, w.Spend(t.Context(), uri, "login-1"))
}

func TestSpendRefusesWhatIsNoRequestURI(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	requireInvalid(t, w.Spend(t.Context(), "https://portal.example/request.jwt", "login-1"))
	require.Error(t, w.Spend(t.Context(), oauth.RequestURIPrefix+"x", "login-1"))
}

func TestOneOf64LoginsSpendsTheRequestURI(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	instances := []*par.Requests{w.instance(t), w.instance(t)}
	uri := w.push(t)
	var won atomic.Int32
	var winner atomic.Int32
	var group sync.WaitGroup
	start := make(chan struct{})
	for i := range 64 {
		group.Go(func() {
			<-start
			err := instances[i%2].Spend(t.Context(), uri, fmt.Sprint("login-", i))
			if err == nil {
				won.Add(1)
				winner.Store(int32(i))
				return
			}
			if e := oauth.AsError(err); e.Code != oauth.InvalidRequestURI {
				t.Error(err)
			}
		})
	}
	close(start)
	group.Wait()
	require.EqualValues(t, 1, won.Load())
	for i := range 64 {
		err := instances[(i+1)%2].Spend(t.Context(), uri, fmt.Sprint("login-", i))
		require.Equal(t, int32(i) == winner.Load(), err == nil)
	}
}

// Whatever operation of the store fails, nobody gets in, the error is no answer about the request_uri, and the same call
// works afterwards.
func TestOutageFailsClosedAndHealsByItself(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, failing string
		before        func(t *testing.T, w *world, uri string)
		call          func(ctx context.Context, w *world, uri string) error
	}{
		{"push", "Add", nil, func(ctx context.Context, w *world, _ string) error { _, err := w.Push(ctx, pushed()); return err }},
		{"open", "Get", nil, func(ctx context.Context, w *world, uri string) error {
			_, err := w.Request(ctx, "portal", uri)
			return err
		}},
		{"spend", "Add", nil, func(ctx context.Context, w *world, uri string) error { return w.Spend(ctx, uri, "login-1") }},
		{"remove what is spent", "Take", nil, func(ctx context.Context, w *world, uri string) error { return w.Spend(ctx, uri, "login-1") }},
		{"spend again", "Get", func(t *testing.T, w *world, uri string) { require.NoError(t, w.Spend(t.Context(), uri, "login-1")) },
			func(ctx context.Context, w *world, uri string) error { return w.Spend(ctx, uri, "login-1") }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			uri := w.push(t)
			if c.before != nil {
				c.before(t, w, uri)
			}
			w.store.fail(c.failing)
			err := c.call(t.Context(), w, uri)
			require.ErrorIs(t, err, errOutage)
			require.Equal(t, oauth.ServerError, oauth.AsError(err).Code)
			w.store.fail("")
			require.NoError(t, c.call(t.Context(), w, uri))
		})
	}
}

// What was spent while the request could not be removed cannot be opened once the login is completed after all.
func TestRepeatedSpendRemovesTheRequest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	uri := w.push(t)
	w.store.fail("Take")
	require.Error(t, w.Spend(t.Context(), uri, "login-1"))
	requireInvalid(t, w.Spend(t.Context(), uri, "login-2"))
	w.store.fail("")
	require.NoError(t, w.Spend(t.Context(), uri, "login-1"))
	_, err := w.Request(t.Context(), "portal", uri)
	requireInvalid(t, err)
}

func TestCanceledContextSpendsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	uri := w.push(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, w.Spend(ctx, uri, "login-1"), context.Canceled)
	require.NoError(t, w.Spend(t.Context(), uri, "login-2"))
}

func TestNothingIsStoredInClear(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	uri := w.push(t)
	require.NoError(t, w.Spend(t.Context(), uri, "login-1"))
	stored := w.store.written.String()
	for _, secret := range []string{strings.TrimPrefix(uri, oauth.RequestURIPrefix), "a-state-to-find-again", "portal", "login-1"} {
		require.NotContains(t, stored, secret)
	}
}
