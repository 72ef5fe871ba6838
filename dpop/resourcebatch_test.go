package dpop_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/dpop"
	"github.com/gosignet/signet/store"
)

// A proof, and a token that is kept in the same store, cost one round trip.
func TestTokenIsReadWithTheProof(t *testing.T) {
	t.Parallel()
	c := newClock()
	trips := &roundTrips{Ephemeral: newStore(c)}
	kept := store.Bucket[dpop.Token]{Store: trips, Name: "token", Now: c.Now}
	token, err := kept.Create(t.Context(), dpop.Token{Thumbprint: thumbprint(ecKey()), Claims: "somebody"}, time.Minute)
	require.NoError(t, err)
	guarded := resource(t, newVerifier(t, c, func(c *dpop.Config) { c.Store = trips }), func(c *dpop.ResourceConfig) {
		c.Tokens, c.TokensIn = nil, func(b *store.Batch, token string) func(context.Context) (*dpop.Token, error) {
			held := kept.HoldIn(b, token)
			return func(context.Context) (*dpop.Token, error) {
				h, err := held()
				if err != nil {
					return nil, fmt.Errorf("%w: %w", dpop.ErrInvalidToken, err)
				}
				return &h.Value, nil
			}
		}
	})
	proof := newDraft("GET", resourceURL, c.Now()).withToken(token).sign()
	trips.n = 0
	assert.Equal(t, http.StatusOK, get(guarded, "DPoP "+token, proof).Code)
	assert.Equal(t, 1, trips.n)
	assert.Equal(t, 15*time.Second, trips.age, "a store that forgot what it knew then must not take the proof for unused")
	assert.Equal(t, http.StatusUnauthorized, get(guarded, "DPoP "+token, proof).Code, "the proof is used up")
	assert.Equal(t, 2, trips.n)
}

// roundTrips counts batches, and keeps the age of what was last marked as used.
type roundTrips struct {
	store.Ephemeral
	n   int
	age time.Duration
}

func (s *roundTrips) Do(ctx context.Context, operations []store.Operation) []store.Result {
	s.n++
	for _, o := range operations {
		if o.Verb == store.VerbAdd {
			s.age = o.Age
		}
	}
	return store.Do(ctx, s.Ephemeral, operations...)
}
