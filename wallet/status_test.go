package wallet_test

import (
	"bytes"
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/store"
	"github.com/gosignet/signet/store/memory"
	"github.com/gosignet/signet/wallet"
)

// inRealTime is an instance whose clock is that of the machine, or of the bubble of a test.
func inRealTime(t testing.TB, notifier func(store.Notifier) store.Notifier, change ...func(*wallet.LinkerConfig)) *world {
	c := &clock{now: now}
	m, err := memory.New(memory.Config{})
	require.NoError(t, err)
	n := store.Notifier(m)
	if notifier != nil {
		n = notifier(m)
	}
	return newInstance(t, backend{m, m, n}, c, change...)
}

// deaf loses all notifications, or cannot even be subscribed to.
type deaf struct {
	store.Notifier
	err error
}

func (deaf) Notify(context.Context, string) error { return nil }

func (d deaf) Subscribe(ctx context.Context, topic string) (<-chan struct{}, error) {
	if d.err != nil {
		return nil, d.err
	}
	return d.Notifier.Subscribe(ctx, topic)
}

func TestABrowserLooksByItselfIfNotificationsGetLost(t *testing.T) {
	t.Parallel()
	for name, notifier := range map[string]func(store.Notifier) store.Notifier{
		"Lost":     func(n store.Notifier) store.Notifier { return deaf{Notifier: n} },
		"NoServer": func(n store.Notifier) store.Notifier { return deaf{n, errors.New("connection refused")} },
		"None":     func(store.Notifier) store.Notifier { return nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := inRealTime(t, notifier)
				handle := w.begin()
				code, err := w.linker.LinkCode(t.Context(), handle)
				require.NoError(t, err)
				began := time.Now()
				time.AfterFunc(time.Second/2, func() {
					_, err := w.linker.Link(t.Context(), code.Code)
					assert.NoError(t, err)
				})
				s, err := w.linker.Status(t.Context(), handle, code.Code, wallet.Unlinked, 25*time.Second)
				require.NoError(t, err)
				assert.Equal(t, wallet.Linked, s.Stage)
				assert.LessOrEqual(t, time.Since(began), 10*time.Second)
			})
		})
	}
}

func TestABrowserIsWokenAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := inRealTime(t, nil, unaided)
		p := w.bound(grace)
		handle := w.begin()
		code, err := w.linker.LinkCode(t.Context(), handle)
		require.NoError(t, err)
		began := time.Now()
		var stage wallet.Stage
		wait := func() {
			s, err := w.linker.Status(t.Context(), handle, code.Code, stage, 25*time.Second)
			assert.NoError(t, err)
			stage = s.Stage
		}
		go wait()
		synctest.Wait()
		transaction, err := w.linker.Link(t.Context(), code.Code)
		require.NoError(t, err)
		synctest.Wait()
		assert.Equal(t, wallet.Linked, stage)
		go wait()
		synctest.Wait()
		_, err = w.linker.Authenticate(t.Context(), transaction.Handle, authenticator.Identifier{}, p.proof(now))
		require.NoError(t, err)
		_, err = w.linker.Consent(t.Context(), transaction.Handle, p.decision(nil, nil))
		require.NoError(t, err)
		synctest.Wait()
		assert.Equal(t, wallet.Done, stage)
		assert.Equal(t, began, time.Now())
	})
}

func TestWaitingEnds(t *testing.T) {
	t.Parallel()
	begin := func(t *testing.T) (*world, string, string) {
		w := inRealTime(t, nil)
		handle := w.begin()
		code, err := w.linker.LinkCode(t.Context(), handle)
		require.NoError(t, err)
		return w, handle, code.Code
	}
	t.Run("WithTheTimeThatTheBrowserWaits", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			w, handle, code := begin(t)
			began := time.Now()
			s, err := w.linker.Status(t.Context(), handle, code, wallet.Unlinked, 25*time.Second)
			require.NoError(t, err)
			assert.Equal(t, wallet.Unlinked, s.Stage)
			assert.Equal(t, 25*time.Second, time.Since(began))
		})
	})
	t.Run("WithTheLongestTime", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			w, handle, code := begin(t)
			began := time.Now()
			_, err := w.linker.Status(t.Context(), handle, code, wallet.Unlinked, time.Hour)
			require.NoError(t, err)
			assert.Equal(t, wallet.MaxWait, time.Since(began))
		})
	})
	t.Run("WithTheContextAtOnce", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			w, handle, code := begin(t)
			ctx, cancel := context.WithCancel(t.Context())
			began := time.Now()
			time.AfterFunc(time.Second, cancel)
			_, err := w.linker.Status(ctx, handle, code, wallet.Unlinked, 25*time.Second)
			require.ErrorIs(t, err, context.Canceled)
			assert.Equal(t, time.Second, time.Since(began))
			synctest.Wait() // and nothing is left: the bubble would not end
		})
	})
	t.Run("WithTheCode", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			w, handle, code := begin(t)
			time.AfterFunc(time.Second, func() { w.clock.advance(time.Minute) })
			_, err := w.linker.Status(t.Context(), handle, code, wallet.Unlinked, 25*time.Second)
			require.ErrorIs(t, err, wallet.ErrCode)
		})
	})
	t.Run("WithTheInstance", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			w, handle, code := begin(t)
			began := time.Now()
			time.AfterFunc(time.Second, func() {
				w.linker.Release()
				w.linker.Release() // which is no mistake
			})
			for range 2 { // one that waits, and one that comes after the end
				s, err := w.linker.Status(t.Context(), handle, code, wallet.Unlinked, 25*time.Second)
				require.NoError(t, err)
				assert.Equal(t, wallet.Unlinked, s.Stage)
				assert.Equal(t, time.Second, time.Since(began))
			}
		})
	})
	t.Run("WithAnotherPage", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			w, handle, code := begin(t)
			time.AfterFunc(time.Second, func() {
				_, err := w.flow.Cancel(t.Context(), handle)
				assert.NoError(t, err)
			})
			s, err := w.linker.Status(t.Context(), handle, code, wallet.Unlinked, 25*time.Second)
			require.NoError(t, err)
			assert.Equal(t, wallet.Done, s.Stage)
		})
	})
}

// shown are so many logins and the link codes that their pages show.
func shown(w *world, n int) [][2]string {
	logins := make([][2]string, n)
	for i := range logins {
		handle := w.begin()
		code, err := w.linker.LinkCode(w.Context(), handle)
		require.NoError(w, err)
		logins[i] = [2]string{handle, code.Code}
	}
	return logins
}

// waiting has the browsers of the logins wait, in w, until the context ends.
func waiting(ctx context.Context, tb testing.TB, w *world, logins [][2]string) *sync.WaitGroup {
	var all sync.WaitGroup
	for _, l := range logins {
		all.Go(func() {
			_, err := w.linker.Status(ctx, l[0], l[1], wallet.Unlinked, wallet.MaxWait)
			assert.ErrorIs(tb, err, context.Canceled)
		})
	}
	return &all
}

// counting counts subscriptions that have not ended.
type counting struct {
	store.Notifier
	open *atomic.Int64
}

func (c counting) Subscribe(ctx context.Context, topic string) (<-chan struct{}, error) {
	c.open.Add(1)
	context.AfterFunc(ctx, func() { c.open.Add(-1) })
	return c.Notifier.Subscribe(ctx, topic)
}

func TestWaitingBrowsersLeaveNothingBehind(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var open atomic.Int64
		w := inRealTime(t, func(n store.Notifier) store.Notifier { return counting{n, &open} })
		ctx, cancel := context.WithCancel(t.Context())
		before := runtime.NumGoroutine()
		all := waiting(ctx, t, w, shown(w, 300))
		synctest.Wait()
		assert.EqualValues(t, 300, open.Load())
		assert.Less(t, runtime.NumGoroutine()-before, 600)
		cancel()
		all.Wait()
		synctest.Wait()
		assert.Zero(t, open.Load())
	})
}

// BenchmarkWaiting says what ten thousand waiting browsers take, and their logins in the memory store, beside their
// HTTP connections.
func BenchmarkWaiting(b *testing.B) {
	const browsers = 10_000
	memoryOf := func() uint64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapInuse + m.StackInuse
	}
	for b.Loop() {
		var open atomic.Int64
		w := inRealTime(b, func(n store.Notifier) store.Notifier { return counting{n, &open} })
		ctx, cancel := context.WithCancel(b.Context())
		none := memoryOf()
		logins := shown(w, browsers)
		before := memoryOf()
		all := waiting(ctx, b, w, logins)
		require.Eventually(b, func() bool { return open.Load() == browsers }, time.Minute, 10*time.Millisecond)
		after := memoryOf()
		b.ReportMetric(float64(after-before)/(1<<20), "MB-waiting")
		b.ReportMetric(float64(before-none)/(1<<20), "MB-logins")
		cancel()
		all.Wait()
	}
}

// flaky fails while told so.
type flaky struct {
	store.Ephemeral
	down *atomic.Bool
}

var errDown = errors.New("connection refused")

func (f flaky) Get(ctx context.Context, key string) ([]byte, error) {
	if f.down.Load() {
		return nil, errDown
	}
	return f.Ephemeral.Get(ctx, key)
}

func (f flaky) Replace(ctx context.Context, key string, old, new []byte, ttl time.Duration) error {
	if f.down.Load() {
		return errDown
	}
	return f.Ephemeral.Replace(ctx, key, old, new, ttl)
}

func TestALoginGoesOnAfterTheStoreWasAway(t *testing.T) {
	t.Parallel()
	c := &clock{now: now}
	m, err := memory.New(memory.Config{Now: c.Now})
	require.NoError(t, err)
	down := &atomic.Bool{}
	w := newInstance(t, backend{flaky{m, down}, m, m}, c)
	p := w.bound(grace)
	handle, tx := w.linked()
	for _, step := range []func() error{
		func() error {
			_, err := w.linker.Authenticate(t.Context(), tx, authenticator.Identifier{}, p.proof(now))
			return err
		},
		func() error {
			_, err := w.linker.Consent(t.Context(), tx, p.decision(nil, nil))
			return err
		},
		func() error {
			_, err := w.linker.Status(t.Context(), handle, "", wallet.Linked, time.Second)
			return err
		},
	} {
		down.Store(true)
		require.ErrorIs(t, step(), errDown)
		down.Store(false)
		require.NoError(t, step())
	}
}

func TestAWalletThatWasCutOffAsksAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.bound(grace)
	_, tx := w.linked()
	gone, hangUp := context.WithCancel(t.Context())
	hangUp()
	proof := p.proof(now)
	_, err := w.linker.Authenticate(gone, tx, authenticator.Identifier{}, proof)
	require.ErrorIs(t, err, context.Canceled)
	_, err = w.linker.Authenticate(t.Context(), tx, authenticator.Identifier{}, proof)
	require.NoError(t, err)
	shown, err := w.linker.Authenticate(t.Context(), tx, authenticator.Identifier{}, proof)
	require.NoError(t, err, "a proof counts once, and its repetition changes nothing")
	assert.Equal(t, login.StepConsent, shown.Step)
}

// recording keeps all that is written.
type recording struct {
	store.Ephemeral
	store.Ledger
	mu  sync.Mutex
	all bytes.Buffer
}

func (r *recording) note(key string, value []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all.WriteString(key)
	r.all.Write(value)
}

func (r *recording) Put(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	r.note(key, value)
	return r.Ephemeral.Put(ctx, key, value, ttl)
}

func (r *recording) Add(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	r.note(key, value)
	return r.Ephemeral.Add(ctx, key, value, ttl)
}

func (r *recording) Replace(ctx context.Context, key string, old, new []byte, ttl time.Duration) error {
	r.note(key, new)
	return r.Ephemeral.Replace(ctx, key, old, new, ttl)
}

func (r *recording) Write(ctx context.Context, collection string, record store.Record) (store.Record, error) {
	r.note(collection+record.ID+record.Owner, record.Value)
	return r.Ledger.Write(ctx, collection, record)
}

func TestACopyOfTheStoreNamesNobodyAndOpensNothing(t *testing.T) {
	t.Parallel()
	c := &clock{now: now}
	m, err := memory.New(memory.Config{Now: c.Now})
	require.NoError(t, err)
	r := &recording{Ephemeral: m, Ledger: m}
	w := newInstance(t, backend{r, r, m}, c)
	p := w.bound(grace)
	handle, tx := w.linked()
	_, err = w.linker.Authenticate(t.Context(), tx, authenticator.Identifier{}, p.proof(now))
	require.NoError(t, err)
	_, err = w.linker.Consent(t.Context(), tx, p.decision([]string{"name"}, nil))
	require.NoError(t, err)
	s, err := w.linker.Status(t.Context(), handle, "", wallet.Linked, 0)
	require.NoError(t, err)
	for _, secret := range []string{grace, "person", "bound\"", handle, tx, s.Login.Response.Parameters.Get("code")} {
		assert.NotContains(t, r.all.String(), secret)
	}
	assert.Contains(t, r.all.String(), "wallet-bindings", "something was recorded")
}
