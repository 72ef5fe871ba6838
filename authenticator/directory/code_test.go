package directory_test

import (
	"bytes"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/directory"
)

func TestACodeIsSentAndLogsIn(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	start := f.clock.Now()

	receipt, err := f.SendCode(t.Context(), codeRequest(exampleTxn, sokID))
	require.NoError(t, err)
	assert.Equal(t, &authenticator.CodeReceipt{
		Destinations: []string{"+855 •• ••• 269"},
		Length:       6,
		ExpiresAt:    start.Add(lifetime),
		ResendAfter:  start.Add(wait),
	}, receipt)

	m := <-f.sender
	assert.Regexp(t, `^[0-9]{6}$`, m.Code)
	assert.Equal(t, &directory.Message{
		Code:     m.Code,
		To:       directory.Contact{Channel: directory.SMS, Address: sokPhone},
		ClientID: exampleRP, Locales: []string{"km", "en"}, ExpiresAt: start.Add(lifetime),
	}, m)

	identity, err := f.Authenticate(t.Context(), answer(exampleTxn, sokID, otp(m.Code)))
	require.NoError(t, err)
	assert.Equal(t, "person-1", identity.Subject)
}

func TestACodeWorksOnce(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	code := f.send(t, exampleTxn, sokID)
	_, err := f.Authenticate(t.Context(), answer(exampleTxn, sokID, otp(code)))
	require.NoError(t, err)
	_, err = f.Authenticate(t.Context(), answer(exampleTxn, sokID, otp(code)))
	requireReason(t, authenticator.WrongCredentials, err)
}

func TestACodeIsReadAsPeopleWriteIt(t *testing.T) {
	t.Parallel()
	// A source that draws 123456: 20 bits in three bytes.
	drawn := func() []byte { return []byte{0x01, 0xe2, 0x40} }
	for _, written := range []string{"123456", " 123 456 ", "123-456", "١٢٣٤٥٦", "१२३४५६", "១២៣៤៥៦", "１２３４５６", "\u200e123456\u200f"} {
		t.Run(written, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, func(c *directory.Config) { c.Random = bytes.NewReader(drawn()) })
			f.send(t, exampleTxn, sokID)
			_, err := f.Authenticate(t.Context(), answer(exampleTxn, sokID, otp(written)))
			require.NoError(t, err)
		})
	}
}

func TestWhatIsNotTheCodeIsWrong(t *testing.T) {
	t.Parallel()
	for _, written := range []string{"", "123457", "12345", "1234567", "0123456", "123456a", "+123456", "1e5", string(bytes.Repeat([]byte{' '}, 300)) + "123456"} {
		t.Run(written, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, func(c *directory.Config) { c.Random = bytes.NewReader([]byte{0x01, 0xe2, 0x40}) })
			require.Equal(t, "123456", f.send(t, exampleTxn, sokID))
			_, err := f.Authenticate(t.Context(), answer(exampleTxn, sokID, otp(written)))
			requireReason(t, authenticator.WrongCredentials, err)
		})
	}
}

func TestACodeBelongsToItsTransactionAndIdentifier(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	code := f.send(t, exampleTxn, sokID)

	_, err := f.Authenticate(t.Context(), answer("transaction-2", sokID, otp(code)))
	requireReason(t, authenticator.WrongCredentials, err)
	_, err = f.Authenticate(t.Context(), answer(exampleTxn, chanID, otp(code)))
	requireReason(t, authenticator.WrongCredentials, err)
	typed := answer(exampleTxn, sokID, otp(code))
	typed.Identifier.Type = "phone"
	_, err = f.Authenticate(t.Context(), typed)
	requireReason(t, authenticator.WrongCredentials, err)

	_, err = f.Authenticate(t.Context(), answer(exampleTxn, sokID, otp(code)))
	require.NoError(t, err, "none of these was a try")
}

func TestACodeNeedsATransaction(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	_, err := f.SendCode(t.Context(), codeRequest("", sokID))
	requireReason(t, authenticator.Unavailable, err)
	_, err = f.Authenticate(t.Context(), answer("", sokID, otp("123456")))
	requireReason(t, authenticator.Unavailable, err)
}

func TestACodeEndsAfterItsLifetime(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	code := f.send(t, exampleTxn, sokID)

	f.clock.Advance(lifetime)
	_, err := f.Authenticate(t.Context(), answer(exampleTxn, sokID, otp(code)))
	requireReason(t, authenticator.CodeExpired, err)

	f.clock.Advance(lifetime)
	_, err = f.Authenticate(t.Context(), answer(exampleTxn, sokID, otp(code)))
	requireReason(t, authenticator.WrongCredentials, err)
}

func TestACodeEndsAfterItsTries(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	code := f.send(t, exampleTxn, sokID)
	for range maxTries {
		_, err := f.Authenticate(t.Context(), answer(exampleTxn, sokID, otp(wrong(code))))
		requireReason(t, authenticator.WrongCredentials, err)
	}
	_, err := f.Authenticate(t.Context(), answer(exampleTxn, sokID, otp(code)))
	requireReason(t, authenticator.CodeExpired, err)
}

func TestTheLastTryMayBeRight(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	code := f.send(t, exampleTxn, sokID)
	for range maxTries - 1 {
		_, err := f.Authenticate(t.Context(), answer(exampleTxn, sokID, otp(wrong(code))))
		requireReason(t, authenticator.WrongCredentials, err)
	}
	_, err := f.Authenticate(t.Context(), answer(exampleTxn, sokID, otp(code)))
	require.NoError(t, err)
}

func TestANewCodeReplacesTheOldOne(t *testing.T) {
	t.Parallel()
	// Each request draws the next number, the one that comes too soon too.
	f := newFixture(t, func(c *directory.Config) { c.Random = bytes.NewReader([]byte{0, 0, 1, 0, 0, 2, 0, 0, 3}) })
	require.Equal(t, "000001", f.send(t, exampleTxn, sokID))
	sent := f.clock.Now()

	f.clock.Advance(wait - time.Second)
	_, err := f.SendCode(t.Context(), codeRequest(exampleTxn, sokID))
	failure := requireReason(t, authenticator.TooSoon, err)
	assert.True(t, failure.RetryAt.Equal(sent.Add(wait)), "%v", failure.RetryAt)

	// A try that is used up now is given back with the new code.
	_, err = f.Authenticate(t.Context(), answer(exampleTxn, sokID, otp("999999")))
	requireReason(t, authenticator.WrongCredentials, err)

	f.clock.Advance(time.Second)
	require.Equal(t, "000003", f.send(t, exampleTxn, sokID))
	_, err = f.Authenticate(t.Context(), answer(exampleTxn, sokID, otp("000001")))
	requireReason(t, authenticator.WrongCredentials, err)

	// The new code lives as long as any.
	f.clock.Advance(lifetime - time.Second)
	_, err = f.Authenticate(t.Context(), answer(exampleTxn, sokID, otp("000003")))
	require.NoError(t, err)
}

func TestCodesAreDrawnWithoutBias(t *testing.T) {
	t.Parallel()
	// 20 random bits above 999999 are drawn again, not folded back. Leading zeros stay.
	f := newFixture(t, func(c *directory.Config) { c.Random = bytes.NewReader([]byte{0xff, 0xff, 0xff, 0, 0, 7}) })
	assert.Equal(t, "000007", f.send(t, exampleTxn, sokID))
}

func TestCodesHaveTheConfiguredLength(t *testing.T) {
	t.Parallel()
	for _, length := range []int{6, 8, 10} {
		f := newFixture(t, func(c *directory.Config) { c.CodeLength = length })
		receipt, err := f.SendCode(t.Context(), codeRequest(exampleTxn, sokID))
		require.NoError(t, err)
		assert.Equal(t, length, receipt.Length)
		code := (<-f.sender).Code
		assert.Len(t, code, length)
		_, err = f.Authenticate(t.Context(), answer(exampleTxn, sokID, otp(code)))
		require.NoError(t, err)
	}
}

func TestWithoutRandomnessNothingIsSent(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(c *directory.Config) { c.Random = iotest.ErrReader(errors.New("no entropy")) })
	_, err := f.SendCode(t.Context(), codeRequest(exampleTxn, sokID))
	requireReason(t, authenticator.Unavailable, err)
	require.NoError(t, f.Close())
	assert.Empty(t, f.sender)
}

func TestWithoutTheStoreNothingIsSentAndNothingAccepted(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	code := f.send(t, exampleTxn, sokID)
	f.store.broken = errors.New("connection refused")

	_, err := f.SendCode(t.Context(), codeRequest("transaction-2", sokID))
	requireReason(t, authenticator.Unavailable, err)
	_, err = f.Authenticate(t.Context(), answer(exampleTxn, sokID, otp(code)))
	requireReason(t, authenticator.Unavailable, err)
	require.ErrorIs(t, err, f.store.broken)
	require.NoError(t, f.Close())
	assert.Empty(t, f.sender)
}

// race runs f for 64 callers at once, and returns how often each reason was given ("" for success).
func race(t *testing.T, f func(i int) error) map[authenticator.Reason]int {
	t.Helper()
	var (
		mu      sync.Mutex
		reasons = map[authenticator.Reason]int{}
		group   sync.WaitGroup
		start   = make(chan struct{})
	)
	for i := range 64 {
		group.Go(func() {
			<-start
			var reason authenticator.Reason
			var failure *authenticator.Error
			if err := f(i); errors.As(err, &failure) {
				reason = failure.Reason
			} else if err != nil {
				reason = authenticator.Reason(err.Error())
			}
			mu.Lock()
			defer mu.Unlock()
			reasons[reason]++
		})
	}
	close(start)
	group.Wait()
	return reasons
}

func TestGuessesAtOnceAreBoundedAcrossInstances(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	instances := []*directory.Directory{f.Directory, f.another(t)}
	code := f.send(t, exampleTxn, sokID)

	reasons := race(t, func(i int) error {
		_, err := instances[i%2].Authenticate(t.Context(), answer(exampleTxn, sokID, otp(wrong(code))))
		return err
	})
	assert.Equal(t, map[authenticator.Reason]int{
		authenticator.WrongCredentials: maxTries,
		authenticator.CodeExpired:      64 - maxTries,
	}, reasons)
}

// The right answer among the guesses is looked at only if it is one of the first MaxTries.
func TestTheRightGuessIsOneOfTheTries(t *testing.T) {
	t.Parallel()
	for round := range 20 {
		f := newFixture(t)
		instances := []*directory.Directory{f.Directory, f.another(t)}
		code := f.send(t, exampleTxn, sokID)
		reasons := race(t, func(i int) error {
			guess := wrong(code)
			if i == round {
				guess = code
			}
			_, err := instances[i%2].Authenticate(t.Context(), answer(exampleTxn, sokID, otp(guess)))
			return err
		})
		// After a success the code is used, and the rest is wrong without having been compared.
		if reasons[""] == 0 {
			assert.Equal(t, maxTries, reasons[authenticator.WrongCredentials], "%v", reasons)
		}
		assert.LessOrEqual(t, reasons[""], 1)
	}
}

func TestRightAnswersAtOnceGiveOneSuccess(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	instances := []*directory.Directory{f.Directory, f.another(t)}
	code := f.send(t, exampleTxn, sokID)

	reasons := race(t, func(i int) error {
		_, err := instances[i%2].Authenticate(t.Context(), answer(exampleTxn, sokID, otp(code)))
		return err
	})
	assert.Equal(t, map[authenticator.Reason]int{"": 1, authenticator.WrongCredentials: 63}, reasons)
}

func TestRequestsAtOnceSendOneCode(t *testing.T) {
	t.Parallel()
	for _, before := range []time.Duration{0, wait} { // a first code, and a later one
		t.Run(fmt.Sprint(before), func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			instances := []*directory.Directory{f.Directory, f.another(t)}
			if before > 0 {
				f.send(t, exampleTxn, sokID)
				f.clock.Advance(before)
			}
			reasons := race(t, func(i int) error {
				_, err := instances[i%2].SendCode(t.Context(), codeRequest(exampleTxn, sokID))
				return err
			})
			assert.Equal(t, map[authenticator.Reason]int{"": 1, authenticator.TooSoon: 63}, reasons)
			_, err := f.Authenticate(t.Context(), answer(exampleTxn, sokID, otp((<-f.sender).Code)))
			require.NoError(t, err, "the code that was sent is the one that is kept")
		})
	}
}
