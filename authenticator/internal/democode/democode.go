// Package democode lets the mock fix the one-time codes of a directory.
//
// It is internal on purpose: code outside this module cannot import it, so no configuration of a deployment, however
// wrong, makes its codes predictable.
package democode

import "context"

type key struct{}

// With returns a context in which a directory sends the given code instead of a random one.
func With(ctx context.Context, code string) context.Context {
	return context.WithValue(ctx, key{}, code)
}

// From returns the code that the context fixes, if it does.
func From(ctx context.Context) (code string, ok bool) {
	code, ok = ctx.Value(key{}).(string)
	return code, ok
}
