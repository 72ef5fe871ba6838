package signet_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet"
	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/store"
	"github.com/gosignet/signet/store/memory"
)

// countingLedger counts round trips with those to the store.
type countingLedger struct {
	store.Ledger
	counted *countingStore
}

func (l *countingLedger) Read(ctx context.Context, collection, id string) (store.Record, error) {
	l.counted.trip("ledger: read " + collection)
	return l.Ledger.Read(ctx, collection, id)
}

func (l *countingLedger) Write(ctx context.Context, collection string, r store.Record) (store.Record, error) {
	l.counted.trip("ledger: write " + collection)
	return l.Ledger.Write(ctx, collection, r)
}

// trips are those of the last step with the name that begin so.
func (s *countingStore) trips(step, begin string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, counted := range s.steps {
		if counted.name == step {
			n = 0
			for _, trip := range counted.trips {
				if strings.HasPrefix(trip, begin) {
					n++
				}
			}
		}
	}
	return n
}

// What remembering consents costs: the first login reads the ledger once to learn that the person must be asked, whatever
// pages follow, and writes the decision; the next one reads it once, and has no decision.
func TestRoundTripsOfLoginsWithRememberedConsents(t *testing.T) {
	t.Parallel()
	w, counted := newCountedWorld(t, authenticator.Password, func(c *signet.Config) {
		ledger, err := memory.New(memory.Config{Now: c.Now})
		require.NoError(t, err)
		t.Cleanup(func() { ledger.Close() })
		c.Ledger = &countingLedger{ledger, c.Store.(*countingStore)}
	})
	login := func(asked bool) (total int, story string) {
		counted.mu.Lock()
		counted.steps = nil
		counted.mu.Unlock()
		counted.step("PAR")
		a := w.portal.attempt()
		pushed := w.portal.push(a.request(), w.proof(w.portal.dpop, http.MethodPost, w.issuer+"/par"))
		require.Equal(t, http.StatusCreated, pushed.status, pushed.body)
		a.requestURI = pushed.json(t)["request_uri"].(string)
		b := w.newVisitor()
		counted.step("authorize, page")
		require.Nil(t, b.open(a.url()))
		counted.step("answer, page")
		callback := b.submit("verify/pwd", url.Values{"identifier": {b.person}, "response": {"password"}})
		if asked {
			require.Nil(t, callback)
			counted.step("decide")
			callback = b.consent()
		}
		require.NotNil(t, callback, b.at.body)
		counted.step("token")
		access := a.tokens(callback)["access_token"].(string)
		counted.step("userinfo")
		require.Equal(t, http.StatusOK, w.userinfo(access, a.dpop).status)
		return counted.total()
	}
	n, story := login(true) // and the key of the receipts is published
	t.Log("\n" + story)
	require.Equal(t, 1, counted.trips("answer, page", "ledger: "), story)
	require.Equal(t, 1, counted.trips("decide", "ledger: read consents"), story)
	require.Equal(t, 1, counted.trips("decide", "ledger: write consents"), story)
	require.LessOrEqual(t, n, maxRoundTrips+4, story)

	n, story = login(false)
	require.Equal(t, 1, counted.trips("answer, page", "ledger: "), story)
	require.LessOrEqual(t, n, maxRoundTrips, "\n"+story)
	t.Log("\n" + story)
}
