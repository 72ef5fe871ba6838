package storetest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gosignet/signet/store"
)

// OutageBackend is a backend that can be taken away: a server that the test stops and starts, or a connection to it that
// the test cuts.
type OutageBackend struct {
	// Ephemeral, Ledger and Notifier are handles on the backend. What it does not implement is nil.
	Ephemeral store.Ephemeral
	Ledger    store.Ledger
	Notifier  store.Notifier
	// Stop takes the backend away and returns when it is gone. Start brings it back, and with it every record of the
	// Ledger; short-lived state may be gone. The handles are not opened again.
	Stop, Start func()
}

// RunOutage takes the backend that open returns away and brings it back. Each rule has a subtest that opens a backend of
// its own, which nobody else uses.
//
// When a handle returns from a call whose context has ended is not a matter of a few milliseconds: a call fails the test
// when it still has not returned long after.
func RunOutage(t *testing.T, open func(t testing.TB) OutageBackend) {
	run(t, outageRules, func(t testing.TB) *outage { return newOutage(open(t), patience) })
}

// outageRules are all rules of [RunOutage].
var outageRules = []rule[*outage]{
	{
		name:  "FailsClosed",
		rule:  "while the backend is away, every method returns within its context an error that is none of package store's",
		why:   "an outage that looks like an absent value accepts a code twice; one that looks like a success loses a consent",
		check: checkFailsClosed,
	},
	{
		name:  "FailsMidway",
		rule:  "calls that are under way when the backend goes away do so too, and none that may have been carried out is repeated",
		why:   "an Add that is sent again finds itself, and tells an honest client that its proof was used before",
		check: checkFailsMidway,
	},
	{
		name:  "Heals",
		rule:  "when the backend is back, everything works through the same handles, after one outage and after the next",
		why:   "nobody should have to restart the provider",
		check: checkHeals,
	},
	{
		name:  "KeepsRecords",
		rule:  "every record whose write was acknowledged is there with its history when the ledger is back",
		why:   "a consent that was given and is lost is a consent that was never given",
		check: checkKeepsRecords,
	},
	{
		name:  "WakesAfterOutage",
		rule:  "whoever was subscribed is woken when the backend is back, and subscribed still",
		why:   "a hint that came during the outage is lost: everybody has to look again",
		check: checkWakesAfterOutage,
	},
}

// outage is a backend under test with keys, a collection and topics of its own.
type outage struct {
	OutageBackend
	patience time.Duration
	ledger   *ledger
	notifier *notifier
}

func newOutage(b OutageBackend, patience time.Duration) *outage {
	return &outage{b, patience, newLedger(LedgerBackend{A: b.Ledger, B: b.Ledger}),
		newNotifier(NotifierBackend{A: b.Notifier, B: b.Notifier}, patience)}
}

// attempt is how long a call may take while the backend is away.
const attempt = time.Second

// notSentinel describes err if it says anything about the state that the backend keeps.
func notSentinel(what string, err error) error {
	for _, sentinel := range []error{store.ErrNotFound, store.ErrExists, store.ErrConflict, store.ErrFull, store.ErrInvalid} {
		if errors.Is(err, sentinel) {
			return fmt.Errorf("%s returned the error %q when the backend was away", what, err)
		}
	}
	return nil
}

// inTime makes a call with a context that soon ends, and fails if the call does not return.
func (o *outage) inTime(ctx context.Context, call func(ctx context.Context) error) (returned error, late error) {
	ctx, cancel := context.WithTimeout(ctx, attempt)
	done := make(chan error, 1)
	go func() {
		defer cancel()
		done <- call(ctx)
	}()
	stuck := time.NewTimer(attempt + o.patience)
	defer stuck.Stop()
	select {
	case err := <-done:
		return err, nil
	case <-stuck.C:
		return nil, fmt.Errorf("a call has not returned %s after its context ended", o.patience)
	}
}

// call is a call of a method that a backend answers without an error.
type call struct {
	name string
	do   func(ctx context.Context) error
}

// calls are one of each method. What they read is stored under key.
func (o *outage) calls(key string) (calls []call) {
	add := func(name string, do func(ctx context.Context) error) { calls = append(calls, call{name, do}) }
	value := []byte("0")
	if h := o.Ephemeral; h != nil {
		add("Put", func(ctx context.Context) error { return h.Put(ctx, rand.Text(), value, long) })
		add("Add", func(ctx context.Context) error { return h.Add(ctx, rand.Text(), value, long) })
		add("Get", func(ctx context.Context) error {
			_, err := h.Get(ctx, key)
			return err
		})
		add("Take", func(ctx context.Context) error {
			_, err := h.Take(ctx, key+"-taken")
			return err
		})
		add("Replace", func(ctx context.Context) error { return h.Replace(ctx, key, value, value, long) })
		add("Increment", func(ctx context.Context) error {
			_, err := h.Increment(ctx, key, 1, long)
			return err
		})
		for _, verb := range []store.Verb{store.VerbAdd, store.VerbIncrement} {
			add("Do", func(ctx context.Context) error {
				result := store.Do(ctx, h, store.Operation{Verb: verb, Key: rand.Text(), Delta: 1, TTL: long},
					store.Operation{Verb: store.VerbGet, Key: key})
				return errors.Join(result[0].Err, result[1].Err)
			})
		}
	}
	if h := o.Ledger; h != nil {
		c := o.ledger.collection
		add("Write", func(ctx context.Context) error {
			_, err := h.Write(ctx, c, record(rand.Text(), 0, "0"))
			return err
		})
		add("Read", func(ctx context.Context) error {
			_, err := h.Read(ctx, c, key)
			return err
		})
		add("List", func(ctx context.Context) error {
			_, err := h.List(ctx, c, store.Query{})
			return err
		})
		add("History", func(ctx context.Context) error {
			_, err := h.History(ctx, c, key)
			return err
		})
		add("Erase", func(ctx context.Context) error { return h.Erase(ctx, c, key+"-erased") })
	}
	if h := o.Notifier; h != nil {
		add("Notify", func(ctx context.Context) error { return h.Notify(ctx, o.notifier.topic("topic")) })
	}
	return calls
}

// prepare stores what calls read.
func (o *outage) prepare(ctx context.Context, key string) error {
	if h := o.Ephemeral; h != nil {
		if err := errors.Join(h.Put(ctx, key, []byte("0"), long), h.Put(ctx, key+"-taken", nil, long)); err != nil {
			return expectError("Put", err, nil)
		}
	}
	if h := o.Ledger; h != nil {
		if _, err := h.Write(ctx, o.ledger.collection, record(key, 0, "0")); err != nil {
			return expectError("Write", err, nil)
		}
	}
	return nil
}

// expectAway makes each call several times, as many at once as a pool has connections.
func (o *outage) expectAway(ctx context.Context, key string) error {
	var all sync.WaitGroup
	var mu sync.Mutex
	var errs []error
	for _, c := range o.calls(key) {
		for range rounds {
			all.Go(func() {
				returned, err := o.inTime(ctx, c.do)
				switch {
				case err != nil:
				case returned == nil:
					err = fmt.Errorf("%s returned no error while the backend was away", c.name)
				default:
					err = notSentinel(c.name, returned)
				}
				mu.Lock()
				defer mu.Unlock()
				errs = append(errs, err)
			})
		}
	}
	all.Wait()
	return errors.Join(errs...)
}

// expectBack calls everything, many at once, until nothing fails any more.
func (o *outage) expectBack(ctx context.Context) error {
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for late := time.After(o.patience); ; {
		errs := race(o, o, func(o *outage, _ int) error {
			key := rand.Text()
			for _, c := range append([]call{{"", func(ctx context.Context) error { return o.prepare(ctx, key) }}}, o.calls(key)...) {
				returned, err := o.inTime(ctx, c.do)
				if err := errors.Join(returned, err); err != nil {
					return fmt.Errorf("%s: %w", c.name, err)
				}
			}
			return nil
		})
		err := errors.Join(errs...)
		if err == nil {
			return nil
		}
		select {
		case <-again.C:
		case <-late:
			return fmt.Errorf("%s after the backend came back: %.500s", o.patience, err.Error())
		}
	}
}

func checkFailsClosed(ctx context.Context, o *outage) error {
	key := rand.Text()
	if err := o.prepare(ctx, key); err != nil {
		return err
	}
	o.Stop()
	defer o.Start()
	return o.expectAway(ctx, key)
}

func checkFailsMidway(ctx context.Context, o *outage) error {
	stopped := make(chan struct{})
	var started, ended sync.WaitGroup
	errs := make([]error, racers)
	started.Add(racers)
	for i := range racers {
		ended.Go(func() { errs[i] = o.callUntilAway(ctx, started.Done, stopped) })
	}
	started.Wait()
	o.Stop()
	close(stopped)
	ended.Wait()
	o.Start()
	return errors.Join(append(errs, o.expectBack(ctx))...)
}

// callUntilAway makes calls that a backend answers without an error until one fails, and then until the backend is known
// to be away.
func (o *outage) callUntilAway(ctx context.Context, started func(), stopped <-chan struct{}) error {
	for i := 0; ; i++ {
		key := rand.Text()
		if err := o.prepare(ctx, key); err != nil {
			if i == 0 {
				started()
			}
			return notSentinel("Put or Write", err)
		}
		for _, c := range o.calls(key) {
			returned, err := o.inTime(ctx, c.do)
			if err == nil {
				err = notSentinel(c.name, returned)
			}
			if err != nil || returned != nil {
				if i == 0 {
					started()
				}
				return err
			}
		}
		if i == 0 {
			started()
		}
		select {
		case <-stopped:
			return errors.New("calls still succeed when the backend is away")
		default:
		}
	}
}

func checkHeals(ctx context.Context, o *outage) error {
	for range 2 {
		key := rand.Text()
		if err := o.prepare(ctx, key); err != nil {
			return err
		}
		o.Stop()
		err := o.expectAway(ctx, key)
		o.Start()
		if err != nil {
			return err
		}
		if err := o.expectBack(ctx); err != nil {
			return err
		}
	}
	return nil
}

func checkKeepsRecords(ctx context.Context, o *outage) error {
	if o.Ledger == nil {
		return nil
	}
	// Writes go on until the backend is gone, so that some were acknowledged just before.
	written := make([]store.Record, racers)
	var started, ended sync.WaitGroup
	started.Add(racers)
	for i := range racers {
		ended.Go(func() {
			id := fmt.Sprint("id-", i)
			for {
				r, err := o.Ledger.Write(ctx, o.ledger.collection, record(id, written[i].Version, "0"))
				if written[i].Version == 0 {
					started.Done()
				}
				if err != nil {
					return
				}
				written[i] = r
			}
		})
	}
	started.Wait()
	o.Stop()
	ended.Wait()
	o.Start()
	if err := o.expectBack(ctx); err != nil {
		return err
	}
	for i, want := range written {
		if want.Version == 0 {
			return fmt.Errorf("Write of record %d failed before the backend was away", i)
		}
		history, err := o.Ledger.History(ctx, o.ledger.collection, want.ID)
		if err != nil {
			return expectError(fmt.Sprintf("History after %d versions were acknowledged", want.Version), err, nil)
		}
		// The write that failed may have been carried out.
		if n := int64(len(history)); n < min(want.Version, store.MaxList) || history[0].Version < want.Version {
			return fmt.Errorf("after %d versions were acknowledged, the history has %d, up to version %d", want.Version, n, history[0].Version)
		}
	}
	return nil
}

func checkWakesAfterOutage(ctx context.Context, o *outage) error {
	if o.Notifier == nil {
		return nil
	}
	subscribers := make([]<-chan struct{}, racers)
	for i := range subscribers {
		var err error
		if subscribers[i], err = o.notifier.subscribe(ctx, o.Notifier, strings.Repeat("x", i+1)); err != nil {
			return err
		}
	}
	o.Stop()
	o.Start()
	for _, hints := range subscribers {
		if err := o.notifier.woken(hints); err != nil {
			return fmt.Errorf("when the backend was back: %w", err)
		}
	}
	if err := o.expectBack(ctx); err != nil {
		return err
	}
	for i, hints := range subscribers {
		if _, err := hinted(hints); err != nil { // of the outage
			return err
		}
		if err := o.notifier.notify(ctx, o.Notifier, strings.Repeat("x", i+1)); err != nil {
			return err
		}
		if err := o.notifier.woken(hints); err != nil {
			return fmt.Errorf("by a Notify after the outage: %w", err)
		}
	}
	return nil
}
