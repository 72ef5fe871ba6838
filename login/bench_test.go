package login_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/login"
)

// BenchmarkLogin is a login by password, from the request to the code, as pages drive it: with a look at the state
// before each step. It reports how often it asks the store.
func BenchmarkLogin(b *testing.B) {
	w := newWorld(b)
	ctx := b.Context()
	req := request(acrPassword)
	challenge := right(alice, authenticator.Password)
	decision := login.Decision{Claims: []string{"name", "birthdate"}}
	w.store.values = nil
	b.ReportAllocs()
	for b.Loop() {
		handle, _, err := w.Begin(ctx, req, "")
		require.NoError(b, err)
		w.ok(w.State(ctx, handle))
		w.ok(w.Answer(ctx, handle, alice, challenge))
		w.ok(w.State(ctx, handle))
		s := w.ok(w.Decide(ctx, handle, decision))
		require.Equal(b, login.StepDone, s.Step)
	}
	b.ReportMetric(float64(w.store.calls)/float64(b.N), "storecalls/op")
}
