package storetest

import (
	"context"
	"time"
)

// Broken returns the rules of Run that the backend breaks, and what was seen.
func Broken(ctx context.Context, open func() Backend) map[string]error {
	return broken(ctx, rules, func() *subject { return newSubject(open()) })
}

// BrokenLedger does so for RunLedger.
func BrokenLedger(ctx context.Context, open func() LedgerBackend) map[string]error {
	return broken(ctx, ledgerRules, func() *ledger { return newLedger(open()) })
}

// BrokenNotifier does so for RunNotifier.
func BrokenNotifier(ctx context.Context, patience time.Duration, open func() NotifierBackend) map[string]error {
	return broken(ctx, notifierRules, func() *notifier { return newNotifier(open(), patience) })
}

// BrokenOutage does so for RunOutage.
func BrokenOutage(ctx context.Context, patience time.Duration, open func() OutageBackend) map[string]error {
	return broken(ctx, outageRules, func() *outage { return newOutage(open(), patience) })
}

func broken[S any](ctx context.Context, rules []rule[S], open func() S) map[string]error {
	broken := map[string]error{}
	for _, r := range rules {
		if err := r.check(ctx, open()); err != nil {
			broken[r.name] = err
		}
	}
	return broken
}
