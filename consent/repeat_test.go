package consent_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/consent"
)

// A double click, or a try after an answer that got lost, is no second decision.
func TestARepeatedDecisionIsKeptOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.instance(t)
	in := by(person)
	minutes := asks(policy(consent.Policy{Remember: consent.ForDuration, Duration: 10 * time.Minute}))
	first, err := r.Decide(t.Context(), minutes, grants(), in)
	require.NoError(t, err)
	w.clock.pass(time.Minute)
	again, err := r.Decide(t.Context(), minutes, grants(), in)
	require.NoError(t, err)
	assert.Equal(t, first, again)

	less := grants()
	less.Claims = []string{"name"}
	changed, err := r.Decide(t.Context(), minutes, less, in)
	require.NoError(t, err)
	assert.EqualValues(t, 2, changed.Record.Version, "another decision")
	in.Transaction = "another login"
	other, err := r.Decide(t.Context(), minutes, less, in)
	require.NoError(t, err)
	assert.EqualValues(t, 3, other.Record.Version, "the same decision in another login")
	in.Transaction = ""
	for version := range int64(2) {
		other, err = r.Decide(t.Context(), minutes, less, in)
		require.NoError(t, err)
		assert.Equal(t, 4+version, other.Record.Version, "nobody knows whether it is a repetition")
	}
}

// A click that is still on its way when the person takes the consent back does not bring it back.
func TestARepetitionDoesNotUndoAWithdrawal(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.instance(t)
	in := by(person)
	first, err := r.Decide(t.Context(), asks(), grants(), in)
	require.NoError(t, err)
	_, err = r.Withdraw(t.Context(), person, first.Record.ID)
	require.NoError(t, err)
	_, err = r.Decide(t.Context(), asks(), grants(), in)
	require.ErrorIs(t, err, consent.ErrEnded)
	assert.Equal(t, consent.AfterWithdrawal, recall(t, r, asks()).Reason)
	assert.Equal(t, consent.Active, decide(t, r, asks(), grants()).Record.Status, "another login may decide anew")
}
