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
	hash := Argon2id{Memory: 1024, Time: 1, Threads: 1}.dummy()

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

// A hash comes from the register, which another department fills.
func FuzzParsePasswordHash(f *testing.F) {
	for _, s := range []string{
		"$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
		"$argon2id$v=19$m=4294967296,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
		"$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ\n$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
		"$argon2id$v=19$m=1024,t=1,p=1$$", "$$$$$", "",
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
		if h.cost.Memory > 128<<10 || h.cost.Time > 8 || h.cost.Threads > 8 || h.cost.Time == 0 || h.cost.Threads == 0 {
			t.Fatalf("%q costs %+v", s, h.cost)
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
