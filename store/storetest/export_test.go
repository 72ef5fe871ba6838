package storetest

import (
	"context"
	"time"
)

// Broken returns the rules of Run that the backend breaks, and what was seen.
func Broken(ctx context.Context, open func() Backend) map[string]error {
	broken := map[string]error{}
	for _, r := range rules {
		if err := r.check(ctx, newSubject(open())); err != nil {
			broken[r.name] = err
		}
	}
	return broken
}

// CheckLedger checks one rule of RunLedger.
func CheckLedger(ctx context.Context, rule string, b LedgerBackend) error {
	return check(ctx, ledgerRules, rule, newLedger(b))
}

// CheckNotifier checks one rule of RunNotifier.
func CheckNotifier(ctx context.Context, rule string, patience time.Duration, b NotifierBackend) error {
	return check(ctx, notifierRules, rule, newNotifier(b, patience))
}

// CheckOutage checks one rule of RunOutage.
func CheckOutage(ctx context.Context, rule string, patience time.Duration, b OutageBackend) error {
	return check(ctx, outageRules, rule, newOutage(b, patience))
}

func check[S any](ctx context.Context, rules []rule[S], name string, s S) error {
	for _, r := range rules {
		if r.name == name {
			return r.check(ctx, s)
		}
	}
	panic("no rule " + name)
}

// LedgerRules, NotifierRules and OutageRules are the names of the rules.
func LedgerRules() []string   { return names(ledgerRules) }
func NotifierRules() []string { return names(notifierRules) }
func OutageRules() []string   { return names(outageRules) }

func names[S any](rules []rule[S]) (names []string) {
	for _, r := range rules {
		names = append(names, r.name)
	}
	return names
}
