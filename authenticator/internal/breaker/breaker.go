// Package breaker keeps a system that fails or hangs from taking its callers with it: only so many calls are under way
// at once, and after a row of failures none is made for a while.
package breaker

import (
	"errors"
	"net"
	"sync"
	"time"
)

// ErrBusy says that as many calls are under way as are allowed.
var ErrBusy = errors.New("breaker: too many calls are under way")

// OpenError says that no calls are made for now, because the last ones failed.
type OpenError struct {
	// Until is when the next call may be made. Zero: when the one that is being tried succeeds.
	Until time.Time
}

// Error says so, without the time.
func (*OpenError) Error() string { return "breaker: calls are suspended after a row of failures" }

// Refused reports whether an error of Acquire is why a call was not made.
func Refused(err error) bool {
	_, open := errors.AsType[*OpenError](err)
	return open || errors.Is(err, ErrBusy)
}

// Unmade reports whether an error says that a call reached nobody: it was not made, or there was no connection to make it on.
func Unmade(err error) bool {
	e, ok := errors.AsType[*net.OpError](err)
	return Refused(err) || ok && e.Op == "dial"
}

// Config configures a Breaker.
type Config struct {
	// MaxInFlight is how many calls may be under way at once. At least 1.
	MaxInFlight int
	// Failures is how many calls in a row have to fail until there are none. At least 1.
	Failures int
	// Pause is how long there are none. Then one call is let through, which decides how it goes on.
	Pause time.Duration
	// Now is the clock. Required.
	Now func() time.Time
	// OnChange hears, one after the other, that calls were suspended (true) and that they are made again (false). It
	// must not use the Breaker. Nil means that nobody does.
	OnChange func(open bool)
}

// Breaker decides whether a call may be made. It is safe for concurrent use.
type Breaker struct {
	config Config

	mu       sync.Mutex
	inFlight int
	failures int       // in a row
	open     bool      // no calls until the next field, then one
	until    time.Time // set when open
	trying   bool      // the one call is under way
	era      uint64    // counts the changes, so that calls from before them decide nothing
}

// New returns a Breaker that lets calls through.
func New(c Config) *Breaker { return &Breaker{config: c} }

// Outcome is how a call ended.
type Outcome int

const (
	// Unknown says nothing of the system: the caller gave up, say.
	Unknown Outcome = iota
	// Success means that the system works.
	Success
	// Failure means that it does not.
	Failure
)

// Acquire asks to make a call. The error is ErrBusy or an *OpenError; otherwise the call is made, and release says how
// it ended. Only the first call of release counts, and it must not be forgotten.
func (b *Breaker) Acquire() (release func(Outcome), err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.open {
		switch {
		case b.trying:
			return nil, &OpenError{}
		case b.config.Now().Before(b.until):
			return nil, &OpenError{Until: b.until}
		}
	}
	if b.inFlight >= b.config.MaxInFlight {
		return nil, ErrBusy
	}
	b.inFlight++
	b.trying = b.open
	era, released := b.era, false
	return func(o Outcome) {
		b.mu.Lock()
		defer b.mu.Unlock()
		if released {
			return
		}
		released = true
		b.inFlight--
		if era == b.era {
			b.judge(o)
		}
	}, nil
}

// judge follows a call that began in the present era.
func (b *Breaker) judge(o Outcome) {
	b.trying = false
	switch {
	case o == Success && b.open:
		b.change(false)
	case o == Success:
		b.failures = 0
	case o == Failure && b.open:
		b.until = b.config.Now().Add(b.config.Pause)
	case o == Failure:
		if b.failures++; b.failures >= b.config.Failures {
			b.until = b.config.Now().Add(b.config.Pause)
			b.change(true)
		}
	}
}

func (b *Breaker) change(open bool) {
	b.open, b.failures = open, 0
	b.era++
	if b.config.OnChange != nil {
		b.config.OnChange(open)
	}
}
