package authenticatortest

import (
	"context"
	"time"
)

// Check checks one rule.
func Check(ctx context.Context, name string, patience time.Duration, s Subject) error {
	for _, r := range rules {
		if r.name == name {
			return (&subject{Subject: s, patience: patience}).check(ctx, r)
		}
	}
	panic("no rule " + name)
}

// Rules are the names of the rules.
func Rules() []string {
	names := make([]string, len(rules))
	for i, r := range rules {
		names[i] = r.name
	}
	return names
}
