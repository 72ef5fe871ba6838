package dpop_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/dpop"
	"github.com/gosignet/signet/store"
)

func tokenRequest(proof string) dpop.Request {
	return dpop.Request{Header: header(proof), Method: "POST", URL: tokenURL}
}

func TestAProofIsUsedOnceOnAllInstances(t *testing.T) {
	t.Parallel()
	c := newClock()
	shared := newStore(c)
	share := func(c *dpop.Config) { c.Store = shared }
	here, there := newVerifier(t, c, share), newVerifier(t, c, share)
	r := tokenRequest(newDraft("POST", tokenURL, start).sign())

	first, err := here.Verify(r)
	require.NoError(t, err)
	second, err := there.Verify(r)
	require.NoError(t, err, "a proof that was only verified is not used up")
	require.NoError(t, second.Consume(t.Context()))
	refusedWith(t, first.Consume(t.Context()), dpop.InvalidProof)
	refusedWith(t, second.Consume(t.Context()), dpop.InvalidProof)
}

func TestOfManyRacingUsesOfAProofOneSucceeds(t *testing.T) {
	t.Parallel()
	c := newClock()
	shared := newStore(c)
	share := func(c *dpop.Config) { c.Store = shared }
	verifiers := []*dpop.Verifier{newVerifier(t, c, share), newVerifier(t, c, share)}
	r := tokenRequest(newDraft("POST", tokenURL, start).sign())
	var wins, losses atomic.Int32
	var group sync.WaitGroup
	for i := range 64 {
		group.Go(func() {
			proof, err := verifiers[i%2].Verify(r)
			if !assert.NoError(t, err) {
				return
			}
			var e *dpop.Error
			switch err := proof.Consume(t.Context()); {
			case err == nil:
				wins.Add(1)
			case errors.As(err, &e) && e.Code == dpop.InvalidProof:
				losses.Add(1)
			}
		})
	}
	group.Wait()
	assert.EqualValues(t, 1, wins.Load())
	assert.EqualValues(t, 63, losses.Load())
}

func TestAJTIIsTheKeysOwn(t *testing.T) {
	t.Parallel()
	c := newClock()
	v := newVerifier(t, c, nil)
	use := func(change func(*draft)) error {
		d := newDraft("POST", tokenURL, start)
		d.claims["jti"] = "fixed"
		change(d)
		proof, err := v.Verify(tokenRequest(d.sign()))
		require.NoError(t, err)
		return proof.Consume(t.Context())
	}
	require.NoError(t, use(func(*draft) {}))
	refusedWith(t, use(func(d *draft) { d.claims["x"] = "another proof" }), dpop.InvalidProof)
	refusedWith(t, use(func(d *draft) { d.claims["htu"] = "HTTPS://ID.EXAMPLE:443/oauth/%74oken?x" }), dpop.InvalidProof)
	require.NoError(t, use(func(d *draft) {
		d.key = newECKey()
		d.header["jwk"] = jose.JSONWebKey{Key: d.key.Public()}
	}), "a stranger cannot use up another's jti")
}

// TestAProofIsRememberedAsLongAsItIsAccepted turns the clock from the first moment in which a proof is accepted to the
// last: it is refused all the time, first as used and then as too old.
func TestAProofIsRememberedAsLongAsItIsAccepted(t *testing.T) {
	t.Parallel()
	c := newClock()
	v := newVerifier(t, c, nil)
	r := tokenRequest(newDraft("POST", tokenURL, start.Add(15*time.Second)).sign())
	proof, err := v.Verify(r)
	require.NoError(t, err)
	require.NoError(t, proof.Consume(t.Context()))
	used, old := 0, 0
	for range 150 {
		c.Advance(time.Second)
		proof, err := v.Verify(r)
		if err != nil {
			refusedWith(t, err, dpop.InvalidProof)
			old++
			continue
		}
		refusedWith(t, proof.Consume(t.Context()), dpop.InvalidProof)
		used++
	}
	assert.Equal(t, 75, used)
	assert.Equal(t, 75, old)
}

// broken is a store that cannot be reached.
type broken struct{ store.Ephemeral }

var errDown = errors.New("the store is down")

func (broken) Add(context.Context, string, []byte, time.Duration) error { return errDown }

func TestAnOutageOfTheStoreFailsClosed(t *testing.T) {
	t.Parallel()
	v := newVerifier(t, newClock(), func(c *dpop.Config) { c.Store = broken{} })
	proof, err := v.Verify(tokenRequest(newDraft("POST", tokenURL, start).sign()))
	require.NoError(t, err)
	err = proof.Consume(t.Context())
	require.ErrorIs(t, err, errDown)
	var e *dpop.Error
	assert.NotErrorAs(t, err, &e)
	assert.Error(t, new(dpop.Proof).Consume(t.Context()))
}
