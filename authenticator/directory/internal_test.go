package directory

import (
	"context"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/store/memory"
	"github.com/gosignet/signet/store/storetest"
)

// Hashing cannot be held up from outside, so this looks inside.
func TestHashingWaitsForAPlaceAsLongAsTheContextAllows(t *testing.T) {
	t.Parallel()
	h := &hasher{slots: make(chan struct{}, 1)}
	hash := dummy(PBKDF2{Iterations: 1000})

	h.slots <- struct{}{}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := h.verify(ctx, hash, "password")
	var failure *authenticator.Error
	require.ErrorAs(t, err, &failure)
	assert.Equal(t, authenticator.Unavailable, failure.Reason)
	require.ErrorIs(t, err, context.Canceled)

	<-h.slots
	for range 2 { // the place is given back
		matches, err := h.verify(t.Context(), hash, "password")
		require.NoError(t, err)
		assert.False(t, matches)
	}
}

// Otherwise a register whose hashes are being replaced would tell by the time who has a hash in it.
func TestAWeakHashTakesTheWorkOfOneThatIsAsItShouldBe(t *testing.T) {
	t.Parallel()
	work := func(c cost) float64 {
		switch c := c.(type) {
		case Argon2id:
			return float64(c.Memory) * float64(c.Time)
		case PBKDF2:
			return float64(c.Iterations)
		}
		return 0
	}
	should := Argon2id{Memory: 19456, Time: 2, Threads: 1}
	for _, memory := range []uint32{1024, 4096, 9728, 19456, 30000} {
		for passes := range uint32(4) {
			weak := Argon2id{Memory: memory, Time: passes + 1, Threads: 1}
			if work(weak) < work(should) {
				assert.InEpsilon(t, work(should), work(weak)+work(weak.upTo(should)), 0.001, "%v", weak)
			} else {
				assert.Nil(t, weak.upTo(should), "%v", weak)
			}
		}
	}
	assert.Equal(t, PBKDF2{Iterations: 400}, PBKDF2{Iterations: 600}.upTo(PBKDF2{Iterations: 1000}))
	assert.Nil(t, PBKDF2{Iterations: 1000}.upTo(PBKDF2{Iterations: 1000}))
	assert.Nil(t, PBKDF2{Iterations: 1000}.upTo(should))
	assert.Nil(t, should.upTo(PBKDF2{Iterations: 1000}))
}

// A hash comes from the register, which another department fills.
func FuzzParsePasswordHash(f *testing.F) {
	for _, s := range []string{
		"$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
		"$argon2id$v=19$m=4294967296,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
		"$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ\n$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
		"$argon2id$v=19$m=1024,t=1,p=1$$", "$$$$$", "",
		"$pbkdf2-sha256$i=1000$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc", "$pbkdf2-sha256$i=01000$$",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		h, err := parsePasswordHash(s)
		if err != nil {
			return
		}
		if h.String() != s {
			t.Fatalf("%q reads as %q", s, h)
		}
		switch c := h.cost.(type) {
		case Argon2id:
			if c.Memory > 128<<10 || c.Time > 8 || c.Threads > 8 || c.Time == 0 || c.Threads == 0 {
				t.Fatalf("%q costs %+v", s, c)
			}
		case PBKDF2:
			if c.Iterations < 1000 || c.Iterations > 5_000_000 {
				t.Fatalf("%q costs %+v", s, c)
			}
		}
		if len(h.digest) < 16 || len(h.digest) > 64 || len(h.salt) < 8 || len(h.salt) > 64 {
			t.Fatalf("%q has a salt of %d and a digest of %d bytes", s, len(h.salt), len(h.digest))
		}
	})
}

func FuzzNormalizeAnswer(f *testing.F) {
	for _, s := range []string{"123 456", "١٢٣٤٥٦", "\xff123456", "𝟏23456", "", "123456\u202c"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := normalize(s)
		if len(s) > maxAnswerBytes && got != "" {
			t.Fatalf("%d bytes were looked at", len(s))
		}
		if strings.ContainsFunc(got, unicode.IsSpace) {
			t.Fatalf("%q leaves white space: %q", s, got)
		}
	})
}

func FuzzMask(f *testing.F) {
	for _, s := range []string{"+85512345321", "012 345 321", "+14155550123", "sok@example.org", "@", "", "+1", "\xff@\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, address string) {
		for _, channel := range []Channel{SMS, Email} {
			shown := mask(Contact{Channel: channel, Address: address})
			if shown == "" || channel == SMS && len(address) > 6 && shown == address {
				t.Fatalf("%q is shown as %q", address, shown)
			}
		}
	})
}

func TestRecordOfACodeSurvivesTheStore(t *testing.T) {
	t.Parallel()
	backend, err := memory.New(memory.Config{})
	require.NoError(t, err)
	storetest.Record[codeRecord](t, backend)
}
