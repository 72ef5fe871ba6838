package storetest

import "context"

// Broken returns the names of the rules that the backend breaks.
func Broken(ctx context.Context, open func() Backend) map[string]error {
	broken := map[string]error{}
	for _, r := range rules {
		if err := r.check(ctx, newSubject(open())); err != nil {
			broken[r.name] = err
		}
	}
	return broken
}
