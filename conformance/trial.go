package conformance

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"sync"
	"time"
)

// Status says how a check ended.
type Status int

// The outcomes of a check.
const (
	Passed Status = iota
	// Warned means that the provider may do what it does, but should not.
	Warned
	Failed
	// Skipped means that the check does not concern the provider.
	Skipped
)

// String returns the outcome in lower case.
func (s Status) String() string {
	return [...]string{"passed", "warning", "failed", "skipped"}[s]
}

// Check is one behaviour that a provider must show.
type Check struct {
	// ID is the name of the check: that of the module of the OpenID Foundation's suite where there is one.
	ID string
	// Title says what must happen.
	Title string
	// Clause is where the demand comes from: a specification and a section in it.
	Clause string

	// only limits the check to some groups. Nil means all that the check is registered for.
	only func(plan) bool
	run  func(*trial)
}

// Result is the outcome of a check.
type Result struct {
	Check
	// Group is the group that the check ran in.
	Group  string
	Status Status
	// Failures, Warnings and Skipped are the reasons for the status.
	Failures, Warnings []string
	Skipped            string
	// Log is what was sent and answered, one line each, and remarks. It holds codes and tokens.
	Log      []string
	Duration time.Duration
}

// trial is a check that is running. Its methods are those of testing.T by other names: fatal and skip end the goroutine.
type trial struct {
	ctx     context.Context
	target  *Target
	profile *Profile
	plan    plan
	// discovery is shared by the checks of a group.
	discovery func() (*metadata, error)
	transport http.RoundTripper
	person    Person

	mu     sync.Mutex
	result *Result
	keys   *keySet
}

func (t *trial) fail(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.result.Failures = appendNew(t.result.Failures, fmt.Sprintf(format, args...))
}

func (t *trial) fatal(format string, args ...any) {
	t.fail(format, args...)
	runtime.Goexit()
}

func (t *trial) warn(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.result.Warnings = appendNew(t.result.Warnings, fmt.Sprintf(format, args...))
}

func (t *trial) skip(format string, args ...any) {
	t.mu.Lock()
	t.result.Skipped = fmt.Sprintf(format, args...)
	t.mu.Unlock()
	runtime.Goexit()
}

func (t *trial) note(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.result.Log = append(t.result.Log, fmt.Sprintf(format, args...))
}

// wait passes the time that the check is about.
func (t *trial) wait(d time.Duration) {
	t.note("wait %v", d)
	if err := pause(t.ctx, d); err != nil {
		t.fatal("stopped while waiting: %v", err)
	}
}

// client returns the first or the second client of the profile.
func (t *trial) client(number int) *Client { return t.profile.Clients[number-1] }

// finish sets the status from what was reported.
func (r *Result) finish(strict bool) {
	if strict {
		r.Failures = append(r.Failures, r.Warnings...)
		r.Warnings = nil
	}
	switch {
	case len(r.Failures) > 0:
		r.Status = Failed
	case r.Skipped != "":
		r.Status = Skipped
	case len(r.Warnings) > 0:
		r.Status = Warned
	}
}

// appendNew keeps one reason from being told once for each flow of a check.
func appendNew(reasons []string, reason string) []string {
	if slices.Contains(reasons, reason) {
		return reasons
	}
	return append(reasons, reason)
}
