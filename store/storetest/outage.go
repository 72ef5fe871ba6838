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
			for _, c := range o.preparedCalls(rand.Text()) {
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

// callUntilAway makes calls that a backend answers without an error until one fails.
func (o *outage) callUntilAway(ctx context.Context, started func(), stopped <-chan struct{}) error {
	started = sync.OnceFunc(started)
	defer started()
	for {
		away := false
		select {
		case <-stopped:
			away = true
		default:
		}
		key := rand.Text()
		for _, c := range o.preparedCalls(key) {
			returned, err := o.inTime(ctx, c.do)
			if err == nil {
				err = notSentinel(c.name, returned)
			}
			if err != nil || returned != nil {
				return err
			}
		}
		if away {
			return errors.New("no method returned an error while the backend was away")
		}
		started()
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
	written := make([]store.Record, racers)
	for i := range written {
		var err error
		if written[i], err = o.Ledger.Write(ctx, o.ledger.collection, record(fmt.Sprint("id-", i), 0, "0")); err != nil {
			return fmt.Errorf("a Write before the backend was away: %w", err)
		}
	}
	// Writes go on until the backend is gone, so that some were acknowledged just before.
	var started, ended sync.WaitGroup
	started.Add(racers)
	for i := range written {
		ended.Go(func() {
			for first := true; ; first = false {
				var r store.Record
				returned, late := o.inTime(ctx, func(ctx context.Context) (err error) {
					r, err = o.Ledger.Write(ctx, o.ledger.collection, record(written[i].ID, written[i].Version, "0"))
					return err
				})
				if first {
					started.Done()
				}
				if returned != nil || late != nil {
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
	for _, want := range written {
		history, err := o.Ledger.History(ctx, o.ledger.collection, want.ID)
		if err != nil {
			return expectError(fmt.Sprintf("History after %d versions were acknowledged", want.Version), err, nil)
		}
		// The write that failed may have been carried out.
		if n := int64(len(history)); n < min(want.Version, store.MaxList) || history[0].Version < want.Version {
			return fmt.Errorf("after %d versions were acknowledged, the history has %d or ends earlier", want.Version, n)
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
	// Who comes now may be refused, or else is woken like the others.
	var late <-chan struct{}
	refused, err := o.inTime(ctx, func(ctx context.Context) (err error) {
		late, err = o.Notifier.Subscribe(context.WithoutCancel(ctx), o.notifier.topic("late"))
		return err
	})
	o.Start()
	if err := errors.Join(err, notSentinel("Subscribe", refused)); err != nil {
		return err
	}
	if refused == nil {
		if err := o.notifier.woken(late); err != nil {
			return fmt.Errorf("subscribed while the backend was away: %w", err)
		}
	}
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
