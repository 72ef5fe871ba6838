// Package conformance checks from outside, over HTTP alone, that a provider does what FAPI 2.0 and OpenID Connect demand
// of it.
//
// Each check is one behaviour, with the clause that it comes from. They are grouped as the plans of the OpenID
// Foundation's conformance suite are, carry the names of its modules where it has one, and ask what those ask; running
// the suite itself remains the proof. The command conformance/cmd/conform does from a shell what [Run] does in a test.
package conformance

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"
)

// Run checks the target and reports each check as a subtest named for its group and ID. Warnings are logged, and fail
// the test if the target is strict; skipped checks are logged with the reason.
func Run(t *testing.T, target Target) {
	t.Helper()
	report, err := target.Check(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	report.Test(t)
}

// Test repeats each result as a subtest named for its group and ID, for checks that ran elsewhere, such as in the bubble
// of a synctest, in which waiting takes no time.
func (r *Report) Test(t *testing.T) {
	t.Helper()
	for _, g := range r.Groups() {
		t.Run(g, func(t *testing.T) {
			for _, result := range r.Group(g) {
				t.Run(result.ID, func(t *testing.T) { tell(t, result) })
			}
		})
	}
}

// tell repeats a result as that of a test.
func tell(t *testing.T, r *Result) {
	t.Helper()
	for _, reason := range r.Warnings {
		t.Logf("warning: %s", reason)
	}
	if r.Skipped != "" {
		t.Logf("skipped: %s", r.Skipped)
	}
	for _, reason := range r.Failures {
		t.Error(reason)
	}
	if len(r.Failures) > 0 {
		t.Logf("%s (%s)", r.Title, r.Clause)
		for _, line := range r.Log {
			t.Log(line)
		}
	}
}

// Check runs the checks of all groups that the target has a profile for. It returns an error only if the target is
// incomplete.
func (target Target) Check(ctx context.Context) (*Report, error) {
	if err := target.Validate(); err != nil {
		return nil, err
	}
	concurrency := target.Concurrency
	if concurrency <= 0 {
		concurrency = 8
	}
	report := &Report{Issuer: target.Issuer, Started: time.Now()}
	var trials []*trial
	for _, g := range plans {
		if profile, ok := target.Profiles[g.name]; ok {
			trials = append(trials, target.trials(ctx, g, profile)...)
		}
	}
	var running sync.WaitGroup
	slots := make(chan struct{}, concurrency)
	for _, t := range trials {
		report.Results = append(report.Results, t.result)
		slots <- struct{}{}
		running.Go(func() {
			defer func() { <-slots }()
			t.conduct()
		})
	}
	running.Wait()
	report.Duration = time.Since(report.Started)
	return report, nil
}

// trials returns the checks of a group, ready to run.
func (target *Target) trials(ctx context.Context, g plan, profile *Profile) []*trial {
	transport := target.Transport
	if transport == nil {
		transport = http.DefaultTransport
	}
	person := target.Person
	if person == nil {
		person = &target.Login
	}
	discovery := sync.OnceValues(func() (*metadata, error) {
		return fetchMetadata(ctx, transport, target.Issuer, g)
	})
	var all []*trial
	for _, check := range g.checks() {
		if target.Only != nil && !target.Only(g.name, check.ID) {
			continue
		}
		all = append(all, &trial{
			ctx: ctx, target: target, profile: profile, plan: g,
			discovery: discovery, transport: transport, person: person,
			result: &Result{Check: check, Group: g.name},
		})
	}
	return all
}

// conduct runs the check to its end. It runs in a goroutine of its own, because fatal and skip end one.
func (t *trial) conduct() {
	started := time.Now()
	ctx, cancel := context.WithCancel(t.ctx)
	defer cancel()
	t.ctx = ctx
	done := make(chan struct{})
	go func() {
		defer close(done)
		t.result.run(t)
	}()
	<-done
	t.result.Duration = time.Since(started)
	t.result.finish(t.target.Strict)
}
