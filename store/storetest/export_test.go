package storetest

import "context"

// Broken returns the rules of Run that the backend breaks, and what was seen.
func Broken(ctx context.Context, open func() Backend) map[string]error {
	return broken(ctx, rules, func() *subject { return newSubject(open()) })
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
