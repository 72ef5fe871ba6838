package captcha_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/captcha"
	"github.com/gosignet/signet/store"
	"github.com/gosignet/signet/store/memory"
)

var (
	altchaSecret = []byte(strings.Repeat("k", 32))
	began        = time.Date(2031, 3, 14, 9, 26, 53, 0, time.UTC)
	nowhere      netip.Addr
)

// clock is a clock that stands still until it is moved.
type clock struct{ now atomic.Pointer[time.Time] }

func newClock(t time.Time) *clock {
	c := &clock{}
	c.now.Store(&t)
	return c
}

func (c *clock) Now() time.Time { return *c.now.Load() }

func (c *clock) advance(d time.Duration) {
	t := c.Now().Add(d)
	c.now.Store(&t)
}

func newMemory(t testing.TB, now func() time.Time) store.Ephemeral {
	t.Helper()
	s, err := memory.New(memory.Config{Now: now})
	require.NoError(t, err)
	t.Cleanup(func() { s.Close() })
	return s
}

// newAltcha is an instance that is easy to solve.
func newAltcha(t testing.TB, s store.Ephemeral, now func() time.Time) *captcha.Altcha {
	t.Helper()
	a, err := captcha.NewAltcha(captcha.AltchaConfig{Secret: altchaSecret, Store: s, MaxNumber: 500, Now: now})
	require.NoError(t, err)
	return a
}

// solution is a challenge as the device gets it, and, with Number, as it is given back.
type solution struct {
	Algorithm string `json:"algorithm"`
	Challenge string `json:"challenge"`
	MaxNumber int    `json:"maxnumber,omitempty"`
	Number    int64  `json:"number"`
	Salt      string `json:"salt"`
	Signature string `json:"signature"`
}

// solve does the work of a device.
func solve(t testing.TB, v captcha.Verifier) solution {
	t.Helper()
	w, err := v.Widget(t.Context())
	require.NoError(t, err)
	var s solution
	require.NoError(t, json.Unmarshal(w.Challenge, &s))
	for ; s.Number <= int64(s.MaxNumber); s.Number++ {
		if hash(fmt.Sprint(s.Salt, s.Number)) == s.Challenge {
			return s
		}
	}
	require.Fail(t, "the challenge has no solution")
	return s
}

func (s solution) response() string {
	j, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return base64.StdEncoding.EncodeToString(j)
}

func hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

func sign(secret []byte, s string) string {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(s))
	return hex.EncodeToString(mac.Sum(nil))
}

func TestChallengeIsWhatTheProtocolSays(t *testing.T) {
	t.Parallel()
	a := newAltcha(t, newMemory(t, nil), newClock(began).Now)
	w, err := a.Widget(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "altcha", w.Kind)
	assert.Empty(t, w.SiteKey+w.ScriptURL)
	assert.Empty(t, w.Origins)
	var fields map[string]any
	require.NoError(t, json.Unmarshal(w.Challenge, &fields))
	assert.Len(t, fields, 5, "and no number")
	assert.Equal(t, "SHA-256", fields["algorithm"])
	assert.EqualValues(t, 500, fields["maxnumber"])
	assert.Regexp(t, fmt.Sprintf(`^[0-9A-Z]{26}\?expires=%d&$`, began.Add(20*time.Minute).Unix()), fields["salt"])
	assert.Regexp(t, `^[0-9a-f]{64}$`, fields["challenge"])
	assert.Equal(t, sign(altchaSecret, fields["challenge"].(string)), fields["signature"])

	again, err := a.Widget(t.Context())
	require.NoError(t, err)
	assert.NotEqual(t, w.Challenge, again.Challenge)
}

func TestSolutionCountsOnceAcrossInstances(t *testing.T) {
	t.Parallel()
	shared := newMemory(t, nil)
	instances := []*captcha.Altcha{newAltcha(t, shared, nil), newAltcha(t, shared, nil)}
	response := solve(t, instances[0]).response()
	var accepted atomic.Int32
	var group sync.WaitGroup
	for i := range 64 {
		group.Go(func() {
			ok, err := instances[i%2].Verify(t.Context(), response, nowhere)
			assert.NoError(t, err)
			if ok {
				accepted.Add(1)
			}
		})
	}
	group.Wait()
	require.EqualValues(t, 1, accepted.Load())
}

// An instance whose clock is behind still thinks that the challenge is good, and must know that it was solved.
func TestSolutionCountsOnceAcrossClocks(t *testing.T) {
	t.Parallel()
	ahead, behind := newClock(began), newClock(began.Add(-59*time.Second))
	shared := newMemory(t, ahead.Now)
	response := solve(t, newAltcha(t, shared, ahead.Now)).response()
	ahead.advance(20*time.Minute - time.Second)
	behind.advance(20*time.Minute - time.Second)
	ok, err := newAltcha(t, shared, ahead.Now).Verify(t.Context(), response, nowhere)
	require.NoError(t, err)
	require.True(t, ok)
	ahead.advance(59 * time.Second)
	behind.advance(59 * time.Second)
	ok, err = newAltcha(t, shared, behind.Now).Verify(t.Context(), response, nowhere)
	require.NoError(t, err)
	require.False(t, ok)
}

func TestChallengeExpires(t *testing.T) {
	t.Parallel()
	c := newClock(began)
	a := newAltcha(t, newMemory(t, c.Now), c.Now)
	first, second := solve(t, a).response(), solve(t, a).response()
	c.advance(20*time.Minute - time.Second)
	ok, err := a.Verify(t.Context(), first, nowhere)
	require.NoError(t, err)
	require.True(t, ok)
	c.advance(time.Second)
	ok, err = a.Verify(t.Context(), second, nowhere)
	require.NoError(t, err)
	require.False(t, ok)
}

func TestWhatIsNoSolution(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*solution){
		"another number":    func(s *solution) { s.Number++ },
		"a negative number": func(s *solution) { s.Number = -1 },
		"another algorithm": func(s *solution) { s.Algorithm = "SHA-512" },
		"no algorithm":      func(s *solution) { s.Algorithm = "" },
		"another salt":      func(s *solution) { s.Salt = "X" + s.Salt },
		"an own challenge": func(s *solution) {
			s.Salt = strings.Replace(s.Salt, "expires=", "expires=1", 1)
			s.Challenge = hash(fmt.Sprint(s.Salt, s.Number))
		},
		"an own signature": func(s *solution) { s.Signature = sign([]byte(strings.Repeat("x", 32)), s.Challenge) },
		"no signature":     func(s *solution) { s.Signature = "" },
		"upper case":       func(s *solution) { s.Challenge = strings.ToUpper(s.Challenge) },
		"a longer life, of digits of the number": func(s *solution) {
			digits := fmt.Sprint(s.Number)
			s.Salt += digits[:1]
			s.Number = 0
			fmt.Sscan(digits[1:], &s.Number)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAltcha(t, newMemory(t, nil), nil)
			s := solve(t, a)
			for s.Number < 10 || fmt.Sprint(s.Number)[1] == '0' { // two digits that can be taken apart
				s = solve(t, a)
			}
			right := s.response()
			change(&s)
			ok, err := a.Verify(t.Context(), s.response(), nowhere)
			require.NoError(t, err)
			require.False(t, ok)
			ok, err = a.Verify(t.Context(), right, nowhere)
			require.NoError(t, err)
			require.True(t, ok, "the right one is not used up")
		})
	}
}

// A challenge without the "&" at its end, as libraries made them once, would lend the digits of its number to its expiry.
func TestSaltThatDoesNotEndIsNoSolution(t *testing.T) {
	t.Parallel()
	a := newAltcha(t, newMemory(t, nil), nil)
	later := time.Now().Add(time.Minute).Unix()
	for _, salt := range []string{
		fmt.Sprintf("X?expires=%d", later), fmt.Sprintf("X?expires=%d&a=b&", later), "X?expires=&", "X&", "X", "",
		fmt.Sprintf("X?expire=%d&", later), "X?expires=99999999999999999999&", "X?expires=1&",
	} {
		challenge := hash(salt + "7")
		ok, err := a.Verify(t.Context(), solution{
			Algorithm: "SHA-256", Challenge: challenge, Number: 7, Salt: salt, Signature: sign(altchaSecret, challenge),
		}.response(), nowhere)
		require.NoError(t, err)
		require.False(t, ok, salt)
	}
}

func TestWhatIsNoResponse(t *testing.T) {
	t.Parallel()
	a := newAltcha(t, newMemory(t, nil), nil)
	encode := base64.StdEncoding.EncodeToString
	for _, response := range []string{
		"", "null", "%%%", encode(nil), encode([]byte("null")), encode([]byte("[]")), encode([]byte(`{"number":"1"}`)),
		encode([]byte(`{"number":1e400}`)), solve(t, a).response()[1:], strings.Repeat("A", 1<<20),
	} {
		ok, err := a.Verify(t.Context(), response, nowhere)
		require.NoError(t, err)
		require.False(t, ok)
	}
}

// failing is a store that cannot be reached, or lost what it knew.
type failing struct {
	store.Ephemeral
	err error
}

func (f failing) Add(context.Context, string, []byte, time.Duration) error { return f.err }

func TestOutageOfTheStoreIsAnError(t *testing.T) {
	t.Parallel()
	gone := errors.New("backend is gone")
	a := newAltcha(t, failing{err: gone}, nil)
	ok, err := a.Verify(t.Context(), solve(t, a).response(), nowhere)
	require.ErrorIs(t, err, gone)
	require.False(t, ok)
}

func TestStoreThatForgotAcceptsNothingOld(t *testing.T) {
	t.Parallel()
	a := newAltcha(t, failing{err: store.ErrForgotten}, nil)
	ok, err := a.Verify(t.Context(), solve(t, a).response(), nowhere)
	require.NoError(t, err)
	require.False(t, ok)
}

// aging notes how old a store was told that a mark may be.
type aging struct {
	store.Ephemeral
	last *store.Operation
}

func (s aging) Do(ctx context.Context, operations []store.Operation) []store.Result {
	*s.last = operations[0]
	return store.Do(ctx, s.Ephemeral, operations...)
}

func TestStoreHearsHowOldTheChallengeIs(t *testing.T) {
	t.Parallel()
	c := newClock(began)
	var last store.Operation
	a := newAltcha(t, aging{newMemory(t, c.Now), &last}, c.Now)
	s := solve(t, a)
	c.advance(5 * time.Minute)
	ok, err := a.Verify(t.Context(), s.response(), nowhere)
	require.NoError(t, err)
	require.True(t, ok)
	assert.Equal(t, 5*time.Minute, last.Age)
	assert.Equal(t, 16*time.Minute, last.TTL)
	assert.Equal(t, "altcha:"+s.Challenge, last.Key)
}

func TestNewAltchaReportsEveryMistakeAtOnce(t *testing.T) {
	t.Parallel()
	_, err := captcha.NewAltcha(captcha.AltchaConfig{Secret: []byte("short"), MaxNumber: -1, Lifetime: 2 * time.Hour})
	for _, field := range []string{"Secret", "Store", "MaxNumber", "Lifetime"} {
		require.ErrorContains(t, err, "AltchaConfig."+field)
	}
	require.NotContains(t, err.Error(), "short")
}

// Nothing but a solution of a challenge of our own is ever accepted, and nothing a stranger sends is an error.
func FuzzAltchaVerify(f *testing.F) {
	a, err := captcha.NewAltcha(captcha.AltchaConfig{
		Secret: altchaSecret, Store: newMemory(f, nil), MaxNumber: 50, Lifetime: time.Hour,
	})
	require.NoError(f, err)
	s := solve(f, a)
	f.Add(s.response())
	s.Salt += "1"
	f.Add(s.response())
	s.Algorithm = "SHA-1"
	f.Add(s.response())
	f.Add("")
	f.Add("bnVsbA==")
	f.Fuzz(func(t *testing.T, response string) {
		ok, err := a.Verify(t.Context(), response, nowhere)
		require.NoError(t, err)
		if ok {
			var s solution
			decoded, err := base64.StdEncoding.DecodeString(response)
			require.NoError(t, err)
			require.NoError(t, json.Unmarshal(decoded, &s))
			require.Equal(t, sign(altchaSecret, hash(fmt.Sprint(s.Salt, s.Number))), s.Signature)
		}
	})
}
