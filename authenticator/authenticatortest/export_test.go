package authenticatortest

import (
	"context"
	"time"
)

// Broken returns the rules of Run that the Authenticator breaks, and what was seen.
func Broken(ctx context.Context, patience time.Duration, open func() Subject) map[string]error {
	broken := map[string]error{}
	for _, r := range rules {
		s := &subject{Subject: open(), patience: patience}
		if err := s.check(ctx, r); err != nil {
			broken[r.name] = err
		}
	}
	return broken
}

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
