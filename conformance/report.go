package conformance

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// Report is what the checks found.
type Report struct {
	Issuer   string
	Started  time.Time
	Duration time.Duration
	// Results are in the order of the groups and of the checks in them.
	Results []*Result
}

// Passed says whether no check failed.
func (r *Report) Passed() bool { return r.Count(Failed) == 0 }

// Count returns how many checks have the status.
func (r *Report) Count(s Status) int {
	n := 0
	for _, result := range r.Results {
		if result.Status == s {
			n++
		}
	}
	return n
}

// Groups returns the names of the groups that ran.
func (r *Report) Groups() []string {
	var names []string
	for _, result := range r.Results {
		if !slices.Contains(names, result.Group) {
			names = append(names, result.Group)
		}
	}
	return names
}

// Group returns the results of one group.
func (r *Report) Group(name string) []*Result {
	var results []*Result
	for _, result := range r.Results {
		if result.Group == name {
			results = append(results, result)
		}
	}
	return results
}

// Summary counts the outcomes in one line.
func (r *Report) Summary() string {
	return fmt.Sprintf("%d checks: %d passed, %d failed, %d with warnings, %d skipped",
		len(r.Results), r.Count(Passed), r.Count(Failed), r.Count(Warned), r.Count(Skipped))
}

// WriteText writes the report for a terminal: a line for each check, and reasons where not all is well. Verbose adds
// what was sent and answered.
func (r *Report) WriteText(w io.Writer, verbose bool) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", r.Issuer)
	for _, group := range r.Groups() {
		fmt.Fprintf(&b, "\n%s\n", group)
		for _, result := range r.Group(group) {
			fmt.Fprintf(&b, "  %-8s %s\n", result.Status, result.ID)
			for _, reason := range result.Failures {
				fmt.Fprintf(&b, "           failed: %s\n", reason)
			}
			for _, reason := range result.Warnings {
				fmt.Fprintf(&b, "           warning: %s\n", reason)
			}
			if result.Skipped != "" {
				fmt.Fprintf(&b, "           skipped: %s\n", result.Skipped)
			}
			if result.Status == Failed {
				fmt.Fprintf(&b, "           %s (%s)\n", result.Title, result.Clause)
			}
			if verbose {
				for _, line := range result.Log {
					fmt.Fprintf(&b, "             %s\n", line)
				}
			}
		}
	}
	fmt.Fprintf(&b, "\n%s in %v\n", r.Summary(), r.Duration.Round(time.Millisecond))
	_, err := io.WriteString(w, b.String())
	return err
}
