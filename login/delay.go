package login

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/store"
)

// Delay slows down whoever goes on guessing at one identifier: after some wrong answers, one answer is looked at, and the
// next only when a time is over that doubles with each. It counts as [Config].IdentifierLimit does, across all logins;
// answers on which there is no verdict yet count too.
type Delay struct {
	// Free is how many answers go wrong before the first delay. Zero means a third of IdentifierLimit.Attempts and at
	// least 2: 3 of 10. The last of them, and each one after it, takes one more round trip to the store. More than
	// IdentifierLimit.Attempts means that there are no delays.
	Free int
	// First is how long the next answer has to wait then. Zero means a second.
	First time.Duration
	// Max is how long delays become. Zero means a minute.
	Max time.Duration
}

func (d *Delay) setDefaults(limit Limit) {
	if d.Free == 0 {
		d.Free = max(2, limit.Attempts/3)
	}
	if d.First == 0 {
		d.First = time.Second
	}
	if d.Max == 0 {
		d.Max = max(d.First, time.Minute)
	}
}

// after is how long nobody is looked at after the n-th answer.
func (d Delay) after(n int) time.Duration {
	if n < d.Free {
		return 0
	}
	wait := d.First
	for range n - d.Free {
		if wait >= d.Max {
			break
		}
		wait *= 2
	}
	return min(wait, d.Max)
}

// turn is the right of one answer to be looked at. As long as it is held, no other answer for the identifier is.
type turn struct {
	limiter *limiter
	key     string
	value   []byte
	until   time.Time
}

// turn takes the turn for the n-th answer for an identifier, or returns an *[authenticator.Error] that says when to try
// again. It is nil, without asking the store, as long as so many answers are free.
func (l *limiter) turn(ctx context.Context, id authenticator.Identifier, n int) (*turn, error) {
	wait := l.delay.after(n)
	if wait == 0 {
		return nil, nil
	}
	now := l.now()
	t := &turn{limiter: l, key: l.turnOf(id), until: now.Add(wait)}
	t.value = strconv.AppendInt(nil, t.until.UnixNano(), 10)
	var b store.Batch
	added := b.Queue(l.store, store.Operation{Verb: store.VerbAdd, Key: t.key, Value: t.value, TTL: wait})
	holder := b.Queue(l.store, store.Operation{Verb: store.VerbGet, Key: t.key})
	b.Do(ctx)
	switch {
	case added.Err == nil:
		return t, nil
	case !errors.Is(added.Err, store.ErrExists):
		return nil, outage(added.Err)
	}
	retryAt := now.Add(l.delay.First)
	if until, err := strconv.ParseInt(string(holder.Value), 10, 64); err == nil {
		retryAt = time.Unix(0, until).In(now.Location())
	}
	return nil, &authenticator.Error{Reason: authenticator.TooSoon, RetryAt: retryAt}
}

// turnOf is the key of the turn of an identifier.
func (l *limiter) turnOf(id authenticator.Identifier) string { return l.name("turn", fold(id.Value)) }

// giveBack ends, in a batch, a turn that was not used, or whose answer was right, unless it is over and another has it.
func (t *turn) giveBack(b *store.Batch) {
	if t != nil { // of a turn there is no removing but by who holds it
		b.Queue(t.limiter.store, store.Operation{
			Verb: store.VerbReplace, Key: t.key, Old: t.value, Value: t.value, TTL: time.Millisecond,
		})
	}
}
