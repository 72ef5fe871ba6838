package directory_test

import (
	"bytes"
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/directory"
)

const bothID = "6203918457" // has two telephones and an e-mail address

// both changes a fixture to one with two channels.
func both(c *directory.Config) {
	c.Decoys = []directory.Contact{
		{Channel: directory.SMS, Address: "+85512000000"}, {Channel: directory.Email, Address: "someone@example.org"},
	}
	lookup := c.Lookup
	c.Lookup = func(ctx context.Context, id authenticator.Identifier) (*directory.Person, error) {
		if id.Value != bothID {
			return lookup(ctx, id)
		}
		return &directory.Person{Subject: "person-6", Contacts: []directory.Contact{
			{Channel: directory.Email, Address: chanEmail}, {Channel: directory.SMS, Address: "+85512000457"},
			{Channel: directory.SMS, Address: "+85512000458"},
		}}, nil
	}
}

func choose(id string, channels ...directory.Channel) *authenticator.CodeRequest {
	r := codeRequest(exampleTxn, id)
	r.Channels = channels
	return r
}

func TestChannelsAreThoseOfTheDecoysUnlessConfigured(t *testing.T) {
	t.Parallel()
	assert.Equal(t, []directory.Channel{directory.SMS, directory.Email}, newFixture(t, both).Channels())
	assert.Equal(t, []directory.Channel{directory.Email}, newFixture(t, both, func(c *directory.Config) {
		c.Channels = []directory.Channel{directory.Email}
	}).Channels())
	assert.Empty(t, withHash(t, "").Channels(), "without a sender")
}

func TestACodeGoesByTheChannelsThatThePersonChose(t *testing.T) {
	t.Parallel()
	const phone, email = "+855 •• ••• 457", "s•••@e•••"
	onlyEmail := func(c *directory.Config) { c.DefaultChannels = []directory.Channel{directory.Email} }
	all := func(c *directory.Config) { c.DefaultChannels = []directory.Channel{directory.SMS, directory.Email} }
	tests := []struct {
		name   string
		config func(*directory.Config)
		chosen []directory.Channel
		sent   []string
		shown  []string
	}{
		{"phone", nil, []directory.Channel{directory.SMS}, []string{"+85512000457"}, []string{phone}},
		{"email", nil, []directory.Channel{directory.Email}, []string{chanEmail}, []string{email}},
		{"both", nil, []directory.Channel{directory.SMS, directory.Email}, []string{"+85512000457", chanEmail}, []string{phone, email}},
		{"one twice", nil, []directory.Channel{directory.SMS, directory.SMS}, []string{"+85512000457"}, []string{phone}},
		{"no choice: the first contact", nil, nil, []string{chanEmail}, []string{email}},
		{"no choice: the configured one", onlyEmail, nil, []string{chanEmail}, []string{email}},
		{"no choice: all that are configured", all, nil, []string{"+85512000457", chanEmail}, []string{phone, email}},
		{"a choice in spite of a configured one", onlyEmail, []directory.Channel{directory.SMS}, []string{"+85512000457"}, []string{phone}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, both, func(c *directory.Config) {
				if tt.config != nil {
					tt.config(c)
				}
			})
			receipt, err := f.SendCode(t.Context(), choose(bothID, tt.chosen...))
			require.NoError(t, err)
			assert.Equal(t, tt.shown, receipt.Destinations)
			require.NoError(t, f.Close())
			close(f.sender)
			var sent []string
			codes := map[string]bool{}
			for m := range f.sender {
				sent = append(sent, m.To.Address)
				codes[m.Code] = true
			}
			assert.ElementsMatch(t, tt.sent, sent)
			require.Len(t, codes, 1, "one code, whatever the way")
			for code := range codes {
				_, err = f.Authenticate(t.Context(), answer(exampleTxn, bothID, otp(code)))
				require.NoError(t, err)
			}
		})
	}
}

func TestAChannelThatThereIsNotIsUnsupportedForEverybody(t *testing.T) {
	t.Parallel()
	f := newFixture(t, both)
	_, known := f.SendCode(t.Context(), choose(bothID, directory.SMS, "post"))
	requireReason(t, authenticator.Unsupported, known)
	_, unknown := f.SendCode(t.Context(), choose(unknownID, directory.SMS, "post"))
	assert.Equal(t, known, unknown)
	assert.Empty(t, f.store.calls)
	assert.Empty(t, f.sender)
}

// Whoever asks learns from no answer by which channels a person can be reached, or that there is such a person.
func TestPeopleWhoCannotBeReachedByAChannelLookLikeThoseWhoCan(t *testing.T) {
	t.Parallel()
	for _, channels := range [][]directory.Channel{
		{directory.SMS}, {directory.Email}, {directory.SMS, directory.Email}, {directory.Email, directory.SMS},
	} {
		want := newFixture(t, both)
		wantReceipt, err := want.SendCode(t.Context(), choose(bothID, channels...))
		require.NoError(t, err)
		_, wantErr := want.Authenticate(t.Context(), answer(exampleTxn, bothID, otp("12345")))
		for name, id := range map[string]string{"phone only": sokID, "e-mail only": chanID, "neither": bareID, "unknown": unknownID} {
			f := newFixture(t, both)
			receipt, err := f.SendCode(t.Context(), choose(id, channels...))
			require.NoError(t, err, name)
			_, err = f.Authenticate(t.Context(), answer(exampleTxn, id, otp("12345")))
			assert.Equal(t, wantErr, err, name)
			assert.Equal(t, want.store.calls, f.store.calls, name)

			require.Len(t, receipt.Destinations, len(channels), name)
			for i, channel := range channels {
				pattern := `^\+855 •• ••• [0-9]{3}$`
				if channel == directory.Email {
					pattern = `^[a-z]•••@e•••$`
				}
				assert.Regexp(t, pattern, receipt.Destinations[i], name)
			}
			receipt.Destinations = wantReceipt.Destinations
			assert.Equal(t, wantReceipt, receipt, name)
		}
	}
}

func TestAnInventedDestinationIsTheSameHoweverItIsChosen(t *testing.T) {
	t.Parallel()
	f := newFixture(t, both)
	receipts := make([]*authenticator.CodeReceipt, 4)
	for i, channels := range [][]directory.Channel{nil, {directory.SMS}, {directory.Email}, {directory.Email, directory.SMS}} {
		r := choose(unknownID, channels...)
		r.Transaction += string(rune('a' + i))
		var err error
		receipts[i], err = f.SendCode(t.Context(), r)
		require.NoError(t, err)
	}
	phone, email := receipts[1].Destinations[0], receipts[2].Destinations[0]
	assert.Equal(t, []string{email, phone}, receipts[3].Destinations)
	assert.Subset(t, []string{phone, email}, receipts[0].Destinations)
}

func TestACodeThatWentNowhereDoesNotHelp(t *testing.T) {
	t.Parallel()
	f := newFixture(t, both, func(c *directory.Config) { c.Random = bytes.NewReader([]byte{0x01, 0xe2, 0x40}) })
	_, err := f.SendCode(t.Context(), choose(sokID, directory.Email))
	require.NoError(t, err)
	_, err = f.Authenticate(t.Context(), answer(exampleTxn, sokID, otp("123456")))
	requireReason(t, authenticator.WrongCredentials, err)
	require.NoError(t, f.Close())
	assert.Empty(t, f.sender)
}

// Two messages take two places, and somebody unknown takes as many to be answered.
func TestPlacesForMessagesAreCountedByTheChannelsAlone(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	f := newFixture(t, both, func(c *directory.Config) {
		c.MaxSending = 3
		c.Sender = senderFunc(func(context.Context, *directory.Message) error { <-release; return nil })
	})
	defer close(release)
	_, err := f.SendCode(t.Context(), choose(bothID, directory.SMS, directory.Email))
	require.NoError(t, err)
	for _, id := range []string{bothID, unknownID} {
		r := choose(id, directory.SMS, directory.Email)
		r.Transaction = "transaction-2"
		_, err = f.SendCode(t.Context(), r)
		requireReason(t, authenticator.Unavailable, err)
	}
	_, err = f.SendCode(t.Context(), choose(unknownID, directory.SMS))
	require.NoError(t, err)
}
