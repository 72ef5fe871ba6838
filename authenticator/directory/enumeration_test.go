package directory_test

import (
	"bytes"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/directory"
)

// walk asks for a code twice, answers wrongly until the code is dead, and once more in other ways. It returns all that
// somebody outside could see, and what the store was asked.
func walk(t *testing.T, id string) (receipt *authenticator.CodeReceipt, errs []error, calls []string) {
	t.Helper()
	f := newFixture(t)
	receipt, err := f.SendCode(t.Context(), codeRequest(exampleTxn, id))
	require.NoError(t, err)

	code := "000000"
	if id != unknownID && id != bareID {
		code = wrong((<-f.sender).Code)
	}
	_, err = f.SendCode(t.Context(), codeRequest(exampleTxn, id))
	errs = append(errs, err)
	_, err = f.Authenticate(t.Context(), answer(exampleTxn, id, otp(code), pwd("wrong")))
	errs = append(errs, err)
	for range maxTries {
		_, err = f.Authenticate(t.Context(), answer(exampleTxn, id, otp(code)))
		errs = append(errs, err)
	}
	for _, challenges := range [][]authenticator.Challenge{
		{pwd("wrong")}, {pwd("")}, {pinned("480268")}, {pinned("48")}, {known(answersNo)}, {known("{}")},
		{known(`{"name": "Sok Dara", "born": "1990-02-28"}`)}, {pwd("wrong"), pinned("480268"), known(answersNo), otp(code)},
	} {
		_, err = f.Authenticate(t.Context(), answer(exampleTxn, id, challenges...))
		errs = append(errs, err)
	}

	require.NoError(t, f.Close())
	assert.Empty(t, f.sender, "nothing is left to send")
	return receipt, errs, f.store.calls
}

func TestUnknownPeopleLookLikeKnownOnes(t *testing.T) {
	t.Parallel()
	wantReceipt, wantErrs, wantCalls := walk(t, sokID)
	requireReason(t, authenticator.TooSoon, wantErrs[0])
	requireReason(t, authenticator.WrongCredentials, wantErrs[1])
	requireReason(t, authenticator.CodeExpired, wantErrs[1+maxTries])

	for name, id := range map[string]string{"unknown": unknownID, "without address and password": bareID, "locked": lockedID} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			receipt, errs, calls := walk(t, id)
			assert.Equal(t, wantErrs, errs)
			assert.Equal(t, wantCalls, calls)
			require.Len(t, receipt.Destinations, 1)
			assert.Regexp(t, `^\+855 •• ••• [0-9]{3}$`, receipt.Destinations[0])
			receipt.Destinations = wantReceipt.Destinations
			assert.Equal(t, wantReceipt, receipt)
		})
	}
}

// A code is kept for them like for anyone, and may be guessed.
func TestTheRightCodeDoesNotHelpWhomItWasNotSentTo(t *testing.T) {
	t.Parallel()
	for name, id := range map[string]string{"unknown": unknownID, "without address": bareID} {
		f := newFixture(t, func(c *directory.Config) { c.Random = bytes.NewReader([]byte{0x01, 0xe2, 0x40}) })
		_, err := f.SendCode(t.Context(), codeRequest(exampleTxn, id))
		require.NoError(t, err)
		_, err = f.Authenticate(t.Context(), answer(exampleTxn, id, otp("123456")))
		assert.Equal(t, &authenticator.Error{Reason: authenticator.WrongCredentials}, err, name)
	}
}

func TestAnInventedDestinationStaysTheSame(t *testing.T) {
	t.Parallel()
	decoys := func(c *directory.Config) {
		c.Decoys = []directory.Contact{
			{Channel: directory.SMS, Address: "+85512000000"},
			{Channel: directory.Email, Address: "someone@example.org"},
		}
	}
	f, g := newFixture(t, decoys), newFixture(t, decoys)
	seen := map[string]bool{}
	for i := range 50 {
		id := unknownID[:8] + string(rune('0'+i/10)) + string(rune('0'+i%10))
		one, err := f.SendCode(t.Context(), codeRequest(exampleTxn, id))
		require.NoError(t, err)
		other, err := g.SendCode(t.Context(), codeRequest("transaction-2", id))
		require.NoError(t, err)
		assert.Equal(t, one.Destinations, other.Destinations, "in every transaction, on every instance")
		assert.Regexp(t, `^(\+855 •• ••• [0-9]{3}|[a-z]•••@e•••)$`, one.Destinations[0])
		seen[one.Destinations[0]] = true
	}
	assert.Greater(t, len(seen), 20, "different people have different ones")
}

func TestAnInventedDestinationDependsOnTheSecret(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	g := newFixture(t, func(c *directory.Config) { c.Secret = []byte(strings.Repeat("another secret ", 3)) })
	differs := false
	for _, id := range []string{"1000000001", "1000000002", "1000000003"} { // three digits each: one may agree by chance
		one, err := f.SendCode(t.Context(), codeRequest(exampleTxn, id))
		require.NoError(t, err)
		other, err := g.SendCode(t.Context(), codeRequest(exampleTxn, id))
		require.NoError(t, err)
		differs = differs || one.Destinations[0] != other.Destinations[0]
	}
	assert.True(t, differs)
}

func TestSpellingsThatNormalizeJoinsAreOnePersonKnownOrNot(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(c *directory.Config) {
		c.Normalize = func(id authenticator.Identifier) authenticator.Identifier {
			id.Value = strings.ReplaceAll(id.Value, " ", "")
			return id
		}
	})
	for _, spellings := range [][2]string{{sokID, "80514 37269"}, {unknownID, "10000 00000"}} {
		one, err := f.SendCode(t.Context(), codeRequest(exampleTxn, spellings[0]))
		require.NoError(t, err)
		_, err = f.SendCode(t.Context(), codeRequest(exampleTxn, spellings[1]))
		requireReason(t, authenticator.TooSoon, err)
		other, err := f.SendCode(t.Context(), codeRequest("transaction-2", spellings[1]))
		require.NoError(t, err)
		assert.Equal(t, one.Destinations, other.Destinations)
	}
}

func TestAnIllFormedIdentifierIsWrongWithoutALookup(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(c *directory.Config) { c.Lookup = unreachable(t) })
	for _, id := range []string{"", " 1", "a\x00b", "\xff", strings.Repeat("9", 257)} {
		_, err := f.SendCode(t.Context(), codeRequest(exampleTxn, id))
		requireReason(t, authenticator.WrongCredentials, err)
		_, err = f.Authenticate(t.Context(), answer(exampleTxn, id, pwd(password)))
		requireReason(t, authenticator.WrongCredentials, err)
	}
}

// An unknown person costs the memory of a hash, as a known one does. This test counts what the process allocates, and
// so does not run beside others.
func TestUnknownPeopleCostAHash(t *testing.T) {
	f := newFixture(t)
	for name, id := range map[string]string{"known": sokID, "unknown": unknownID, "without password": bareID, "broken hash": brokenID} {
		for what, challenges := range map[string][]authenticator.Challenge{
			"password": {pwd("wrong")}, "PIN": {pinned("480268")}, "both": {pwd("wrong"), pinned("480268")},
			"a wrong answer before": {known(answersNo), pwd(password)},
		} {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := f.Authenticate(t.Context(), answer(exampleTxn, id, challenges...))
			runtime.ReadMemStats(&after)
			requireReason(t, authenticator.WrongCredentials, err)
			hashes := uint64(1)
			if what == "both" {
				hashes = 2
			}
			cost := after.TotalAlloc - before.TotalAlloc
			assert.GreaterOrEqual(t, cost, hashes*uint64(cheap.Memory)<<10, "%s, %s", name, what)
			assert.Less(t, cost, (hashes+1)*uint64(cheap.Memory)<<10, "%s, %s", name, what)
		}
	}
}

// A register whose hashes are being replaced has weaker ones for a while. Like the test above, this one counts what is
// allocated.
func TestAWeakHashCostsAsMuchAsNobodys(t *testing.T) {
	f := newFixture(t, func(c *directory.Config) { c.Argon2id = directory.Argon2id{Memory: 8 << 10, Time: 1, Threads: 1} })
	for name, id := range map[string]string{"weak": sokID, "unknown": unknownID} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := f.Authenticate(t.Context(), answer(exampleTxn, id, pwd("wrong")))
		runtime.ReadMemStats(&after)
		requireReason(t, authenticator.WrongCredentials, err)
		cost := after.TotalAlloc - before.TotalAlloc
		assert.GreaterOrEqual(t, cost, uint64(8<<20), name)
		assert.Less(t, cost, uint64(9<<20), name)
	}
}
