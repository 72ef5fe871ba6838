package mock

import (
	"context"
	"sync"
	"time"

	"github.com/gosignet/signet/authenticator"
)

// Operation is something that the mock does, and can be made to do slowly or wrongly.
type Operation string

// The operations of the Authenticator. Verifying an answer is [Answering] its factor.
const (
	Sending   Operation = "SendCode"
	Releasing Operation = "Claims"
	Recalling Operation = "Recall"
)

// Answering is the operation of verifying answers to the factor.
func Answering(f authenticator.Factor) Operation { return Operation("Authenticate " + string(f)) }

// Calling is the operation of an endpoint of the HTTP API: "/send-otp", "/v2/kyc-auth", "/identity".
func Calling(endpoint string) Operation { return Operation("HTTP " + endpoint) }

// Fault is how an operation goes wrong. What is set happens in the order of the fields.
type Fault struct {
	// Delay is how long the operation takes before anything else happens, unless its context ends first.
	Delay time.Duration
	// Panic makes it panic.
	Panic bool
	// Err is what it returns. The HTTP API answers with status 500 and "unknown_error".
	Err error
	// Nonsense makes it succeed with a result that breaks its contract: an empty identity, claims that are no JSON, a
	// receipt with an address that is not masked, or over HTTP a page that is no JSON.
	Nonsense bool
}

// Faults are those that the mock has at the moment. The zero value has none. They may be changed while the mock works, and
// are safe for concurrent use.
type Faults struct {
	mu  sync.RWMutex
	all map[Operation]Fault
}

// Set gives the operation a fault, in place of another. The zero Fault heals it.
func (f *Faults) Set(o Operation, fault Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.all == nil {
		f.all = make(map[Operation]Fault)
	}
	f.all[o] = fault
}

// happen does to the operation what its fault says, and reports whether its result has to be nonsense.
func (f *Faults) happen(ctx context.Context, o Operation) (nonsense bool, err error) {
	if f == nil {
		return false, nil
	}
	f.mu.RLock()
	fault := f.all[o]
	f.mu.RUnlock()
	if fault.Delay > 0 {
		timer := time.NewTimer(fault.Delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return false, &authenticator.Error{Reason: authenticator.Unavailable, Err: ctx.Err()}
		}
	}
	if fault.Panic {
		panic("mock: a fault that was asked for")
	}
	return fault.Nonsense, fault.Err
}
