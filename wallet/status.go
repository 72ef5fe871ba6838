package wallet

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/store"
)

// Stage says how far a login by wallet has come, for the browser that waits.
type Stage int

// The stages, in their order.
const (
	// Unlinked: no wallet used a link code yet.
	Unlinked Stage = iota
	// Linked: a wallet has the login, and the person is busy with it.
	Linked
	// Done: the login is over, and its response is there.
	Done
)

// Status is what the browser learns.
type Status struct {
	Stage Stage
	// Login is the login as the browser's page shows it. In Done it has the Response, the same each time.
	Login *login.State
	// ExpiresAt is when this stage is over: of the newest link code, the link transaction, or the login.
	ExpiresAt time.Time
}

// MaxWait is the longest time that Status waits in one call.
const MaxWait = time.Minute

// Status waits until the login is further than the stage that the browser has seen, at most for the given time and at most
// [MaxWait], and returns where it then stands: perhaps where it stood. It may be asked as often as the browser likes, in any
// instance. When the context ends, so does the waiting, and with [Linker.Release] all.
//
// If the code is not empty it must be one that the login has, and a wallet may link it: otherwise, and when it expires, the
// error is ErrCode. Without one it is ErrCode when no code works any more. When the wallet's time is over the error is
// ErrTransaction, when that of the login is, [login.ErrUnknown].
func (l *Linker) Status(ctx context.Context, handle, code string, seen Stage, wait time.Duration) (*Status, error) {
	s, err := l.look(ctx, handle, code)
	if err != nil || s.Stage > seen || s.Stage == Done || wait <= 0 {
		return s, err
	}
	ctx, cancel := context.WithCancel(ctx) // which ends the subscription
	defer cancel()
	var hints <-chan struct{}
	if l.config.Notifier != nil {
		if hints, err = l.config.Notifier.Subscribe(ctx, topic(handle)); err != nil {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			l.config.Logger.WarnContext(ctx, "a browser cannot be notified, and looks by itself", "error", err)
		}
	}
	return l.await(ctx, handle, code, seen, min(wait, MaxWait), hints)
}

// Linked reports whether a wallet has the login, so that a browser has no say in it: until the wallet's time is over, and once
// it began to prove who the person is, for good.
func (l *Linker) Linked(ctx context.Context, handle string) (bool, error) {
	r, err := l.links.Get(ctx, handle)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("wallet: the store: %w", err)
	}
	return r.taken(l.config.Now()), nil
}

// Release ends all waiting in this instance, as if its time were over: whoever waits is answered at once, and nobody waits
// any more. It is for the end of a server, which would wait for its requests; see [net/http.Server.RegisterOnShutdown].
func (l *Linker) Release() { l.release() }

// await looks at once, for what happened before the subscription, whenever there is a hint, and when time has passed. While
// it waits it holds on to nothing.
func (l *Linker) await(
	ctx context.Context, handle, code string, seen Stage, wait time.Duration, hints <-chan struct{},
) (*Status, error) {
	until := time.Now().Add(wait)
	for {
		s, pause, err := l.glance(ctx, handle, code, seen, until)
		if err != nil || pause <= 0 {
			return s, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-l.released:
			until = time.Time{}
		case <-hints:
		case <-time.After(pause):
		}
	}
}

// glance looks, and says how long to wait then; not at all if the browser has its answer. It does so on a stack of its own, so
// that the stack of the caller, who then waits, stays small.
func (l *Linker) glance(
	ctx context.Context, handle, code string, seen Stage, until time.Time,
) (s *Status, pause time.Duration, err error) {
	var looking sync.WaitGroup
	var panicked any
	looking.Go(func() {
		defer func() { panicked = recover() }()
		s, err = l.look(ctx, handle, code)
	})
	looking.Wait()
	if panicked != nil {
		panic(panicked) // to whoever recovers for the caller
	}
	if err != nil || s.Stage > seen {
		return s, 0, err
	}
	ends := max(s.ExpiresAt.Sub(l.config.Now()), time.Millisecond)
	return s, min(time.Until(until), ends, l.config.Poll), nil
}

// look returns where the login stands now.
func (l *Linker) look(ctx context.Context, handle, code string) (*Status, error) {
	state, err := l.config.Flow.State(ctx, handle)
	if state == nil {
		return nil, err
	}
	r, err := l.links.Get(ctx, handle)
	switch {
	case errors.Is(err, store.ErrNotFound) && code != "":
		return nil, ErrCode
	case err != nil && !errors.Is(err, store.ErrNotFound):
		return nil, fmt.Errorf("wallet: the store: %w", err)
	}
	now := l.config.Now()
	s := &Status{Login: state, ExpiresAt: state.ExpiresAt}
	codes := r.Codes
	if r.Transaction == "" {
		codes = r.live(now)
	}
	known := false
	for _, c := range codes {
		if code == "" || c.Code == code {
			known, s.ExpiresAt = true, c.ExpiresAt
		}
	}
	switch {
	case !known && (code != "" || state.Step != login.StepDone):
		return nil, ErrCode
	case state.Step == login.StepDone:
		s.Stage, s.ExpiresAt = Done, state.ExpiresAt
	case r.Transaction != "" && !now.Before(r.ExpiresAt):
		return nil, ErrTransaction
	case r.Transaction != "":
		s.Stage, s.ExpiresAt = Linked, r.ExpiresAt
	}
	return s, nil
}
