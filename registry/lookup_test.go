package registry_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/registry"
	"github.com/gosignet/signet/store"
)

func TestClientIsReadOnceAndThenServedFromMemory(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.instance(t, deaf)
	w.create(t, r, clinic)
	first := requireServed(t, r, "clinic")
	assert.Equal(t, parse(t, clinic), first)
	reads := w.reads.Load()
	for range 100 {
		assert.Same(t, first, requireServed(t, r, "clinic"))
	}
	assert.Equal(t, reads, w.reads.Load())

	w.clock.pass(5 * time.Second)
	assert.Same(t, first, requireServed(t, r, "clinic"), "it is the same version still")
	assert.Equal(t, reads+1, w.reads.Load())
}

func TestChangesAreSeenAtOnceWhereTheyAreMade(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.instance(t, deaf)
	requireUnknown(t, r, "clinic")
	w.create(t, r, clinic)
	requireServed(t, r, "clinic")
	_, err := r.Patch(t.Context(), admin, "clinic", []byte(`{"client_name": "City Clinic"}`), 0)
	require.NoError(t, err)
	assert.Equal(t, "City Clinic", requireServed(t, r, "clinic").Names[""])
	_, err = r.Deactivate(t.Context(), admin, "clinic", 0)
	require.NoError(t, err)
	requireUnknown(t, r, "clinic")
	_, err = r.Activate(t.Context(), admin, "clinic", 0)
	require.NoError(t, err)
	requireServed(t, r, "clinic")
}

func TestDeactivationIsFinalWhereItWasMadeThoughTheLedgerGoesAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.instance(t)
	w.create(t, r, clinic)
	requireServed(t, r, "clinic")
	_, err := r.Deactivate(t.Context(), admin, "clinic", 0)
	require.NoError(t, err)
	w.outage.Store(true)
	_, err = r.Client(t.Context(), "clinic")
	require.ErrorIs(t, err, errOutage)
}

// The clock stands still, so that nothing is read again for its age.
func TestOtherInstancesHearOfChanges(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	here, there := w.instance(t), w.instance(t)
	heard := func(id string, want error) {
		t.Helper()
		require.Eventually(t, func() bool {
			_, err := there.Client(t.Context(), id)
			return err == want
		}, time.Minute, time.Millisecond)
	}
	requireUnknown(t, there, "clinic")
	w.create(t, here, clinic)
	heard("clinic", nil)
	_, err := here.Deactivate(t.Context(), admin, "clinic", 0)
	require.NoError(t, err)
	heard("clinic", oauth.ErrUnknownClient)
}

func TestInstanceThatHearsOfNothingReadsAgainAfterAFewSeconds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	here, there := w.instance(t), w.instance(t, deaf)
	requireUnknown(t, there, "clinic")
	w.create(t, here, clinic)
	w.clock.pass(4 * time.Second)
	requireUnknown(t, there, "clinic")
	w.clock.pass(time.Second)
	requireServed(t, there, "clinic")
	_, err := here.Deactivate(t.Context(), admin, "clinic", 0)
	require.NoError(t, err)
	w.clock.pass(5 * time.Second)
	requireUnknown(t, there, "clinic")
}

// A Notifier that cannot be subscribed to at first.
type lateNotifier struct {
	store.Notifier
	refusals int
}

func (n *lateNotifier) Subscribe(ctx context.Context, topic string) (<-chan struct{}, error) {
	if n.refusals--; n.refusals >= 0 {
		return nil, errOutage
	}
	return n.Notifier.Subscribe(ctx, topic)
}

func TestInstanceSubscribesUntilItHears(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		here := w.instance(t)
		there := w.instance(t, func(c *registry.Config) { c.Notifier = &lateNotifier{w, 3} })
		requireUnknown(t, there, "clinic")
		<-time.After(10 * time.Second)
		synctest.Wait()
		w.create(t, here, clinic)
		synctest.Wait()
		requireServed(t, there, "clinic")
		assert.Contains(t, w.logs.String(), "changes of clients are not heard of")
		require.NoError(t, here.Close())
		require.NoError(t, there.Close())
	})
}

func TestClientIsServedForAMinuteWithoutTheLedgerAndThenNoLonger(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.instance(t, deaf)
	w.create(t, r, clinic)
	requireServed(t, r, "clinic")
	w.outage.Store(true)
	_, err := r.Client(t.Context(), "hospital")
	require.ErrorIs(t, err, errOutage, "what is not in memory is not served")
	w.clock.pass(30 * time.Second)
	requireServed(t, r, "clinic")
	w.clock.pass(29 * time.Second)
	requireServed(t, r, "clinic")
	w.clock.pass(time.Second)
	require.Eventually(t, func() bool {
		_, err = r.Client(t.Context(), "clinic")
		return err != nil
	}, time.Minute, time.Millisecond)
	require.ErrorIs(t, err, errOutage)
	require.ErrorContains(t, err, `client "clinic" was read 1m0s ago`)
	assert.Equal(t, 1, strings.Count(w.logs.String(), "client could not be read again"))

	w.outage.Store(false)
	requireServed(t, r, "clinic")
}

func TestNobodyWaitsForALedgerThatDidNotAnswerAMomentAgo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.instance(t, deaf)
	w.create(t, r, clinic)
	requireServed(t, r, "clinic")
	w.outage.Store(true)
	w.clock.pass(10 * time.Second)
	requireServed(t, r, "clinic")
	reads := w.reads.Load()
	for range 100 {
		requireServed(t, r, "clinic")
	}
	assert.Equal(t, reads, w.reads.Load(), "nor is it asked again")

	release := w.hold()
	w.clock.pass(2 * time.Second)
	requireServed(t, r, "clinic") // the read is held up
	w.outage.Store(false)
	release()
	require.Eventually(t, func() bool {
		requireServed(t, r, "clinic")
		return w.reads.Load() == reads+1
	}, time.Minute, time.Millisecond)
}

func TestInstanceCanBeToldToServeNothingStale(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.instance(t, deaf, func(c *registry.Config) { c.StaleFor = -1 })
	w.create(t, r, clinic)
	requireServed(t, r, "clinic")
	w.outage.Store(true)
	requireServed(t, r, "clinic")
	w.clock.pass(5 * time.Second)
	_, err := r.Client(t.Context(), "clinic")
	require.ErrorIs(t, err, errOutage)
}

func TestMissesOfManyAtOnceAreOneRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.create(t, w.instance(t), clinic)
	r := w.instance(t, deaf)
	reads := w.reads.Load()
	release := w.hold()
	var all sync.WaitGroup
	for range 64 {
		all.Go(func() { _, err := r.Client(t.Context(), "clinic"); assert.NoError(t, err) })
	}
	require.Eventually(t, func() bool { return w.reads.Load() == reads+1 }, time.Minute, time.Millisecond)
	gone, leave := context.WithCancel(t.Context())
	leave()
	_, err := r.Client(gone, "clinic")
	require.ErrorIs(t, err, context.Canceled, "who leaves does not wait")
	release()
	all.Wait()
	assert.Equal(t, reads+1, w.reads.Load())
}

func TestReadThatBeganBeforeAChangeIsNotBelievedAfterIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.instance(t, deaf)
	w.create(t, r, clinic)
	old := make(chan store.Record, 1)
	slow := &slowLedger{Ledger: w, read: old, goOn: make(chan struct{})}
	r = w.instance(t, deaf, func(c *registry.Config) { c.Ledger = slow })
	early := make(chan error, 1)
	go func() {
		_, err := r.Client(t.Context(), "clinic")
		early <- err
	}()
	<-old // the read has the answer, and is not done
	_, err := r.Deactivate(t.Context(), admin, "clinic", 0)
	require.NoError(t, err)
	late := make(chan error, 1)
	go func() {
		_, err := r.Client(t.Context(), "clinic")
		late <- err
	}()
	close(slow.goOn)
	require.NoError(t, <-early)
	require.ErrorIs(t, <-late, oauth.ErrUnknownClient)
	requireUnknown(t, r, "clinic")
}

// slowLedger returns the first read late.
type slowLedger struct {
	store.Ledger
	second atomic.Bool
	read   chan store.Record
	goOn   chan struct{}
}

func (l *slowLedger) Read(ctx context.Context, collection, id string) (store.Record, error) {
	r, err := l.Ledger.Read(ctx, collection, id)
	if !l.second.Swap(true) {
		l.read <- r
		<-l.goOn
	}
	return r, err
}

func TestUnknownClientIsNotAskedForAgainAndAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.instance(t, deaf)
	for range 100 {
		requireUnknown(t, r, "nobody")
	}
	assert.EqualValues(t, 1, w.reads.Load())
	for _, id := range []string{"", "a b", "é", "\x00", strings.Repeat("x", 257)} {
		requireUnknown(t, r, id)
	}
	assert.EqualValues(t, 1, w.reads.Load(), "what no client can be called never reaches the ledger")
}

func TestScanForClientsTakesAFewConnectionsOnlyAndNoneOfTheKnown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.create(t, w.instance(t), clinic)
	r := w.instance(t, deaf)
	requireServed(t, r, "clinic")
	reads := w.reads.Load()
	release := w.hold()
	var scan sync.WaitGroup
	for i := range 200 {
		scan.Go(func() { requireUnknown(t, r, fmt.Sprintf("guess-%d", i)) })
	}
	require.Eventually(t, func() bool { return w.reads.Load() == reads+8 }, time.Minute, time.Millisecond)
	w.clock.pass(time.Minute / 2)
	known := make(chan error, 1)
	go func() {
		_, err := r.Client(t.Context(), "clinic")
		known <- err
	}()
	require.Eventually(t, func() bool { return w.reads.Load() == reads+9 }, time.Minute, time.Millisecond,
		"a client in memory is read again without waiting for the strangers")
	release()
	scan.Wait()
	require.NoError(t, <-known)
	assert.Equal(t, reads+201, w.reads.Load())
}

func TestScanTakesBoundedMemory(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.instance(t, deaf)
	for i := range 10_000 {
		requireUnknown(t, r, fmt.Sprintf("guess-%d", i))
	}
	reads := w.reads.Load()
	remembered := int64(10_000)
	for i := range 10_000 {
		requireUnknown(t, r, fmt.Sprintf("guess-%d", 9_999-i))
		if w.reads.Load() > reads {
			remembered = int64(i)
			break
		}
	}
	assert.GreaterOrEqual(t, remembered, int64(1000), "the latest are remembered")
	assert.LessOrEqual(t, remembered, int64(8192), "but not all")
}

func TestCacheIsBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	writer := w.instance(t)
	r := w.instance(t, deaf, func(c *registry.Config) { c.MaxCached = 64 })
	const clients = 200
	for i := range clients {
		w.create(t, writer, with(t, `"client_id": "clinic"`, fmt.Sprintf(`"client_id": "clinic-%d"`, i)))
		requireServed(t, r, fmt.Sprintf("clinic-%d", i))
	}
	reads := w.reads.Load()
	for i := range clients {
		requireServed(t, r, fmt.Sprintf("clinic-%d", i))
	}
	assert.GreaterOrEqual(t, w.reads.Load()-reads, int64(clients-64))
}

// As it is when a record was written by a later version of this package.
func TestRecordThatIsNotUnderstoodIsNotServed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for id, value := range map[string]string{
		"clinic":   `{"status":"active","metadata":` + with(t, `"scope"`, `"require_more": true, "scope"`) + `}`,
		"hospital": `{"status":"active","metadata":` + clinic + `}`,
	} {
		_, err := w.Write(t.Context(), "clients", store.Record{ID: id, Value: []byte(value)})
		require.NoError(t, err)
		r := w.instance(t)
		requireUnknown(t, r, id)
		all, err := r.List(t.Context(), "", 0)
		require.NoError(t, err)
		assert.NotEmpty(t, all, "it is shown for all that")
	}
	assert.Contains(t, w.logs.String(), "require_more: unknown or unsupported")
	assert.Contains(t, w.logs.String(), "registered under another ID")
}
