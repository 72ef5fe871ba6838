package login_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/login"
)

// choosy are people who choose by which channel a code comes.
type choosy struct {
	*people
	channels []authenticator.Channel
}

func (c choosy) Channels() []authenticator.Channel { return c.channels }

func newChannelWorld(t testing.TB, channels ...authenticator.Channel) *world {
	t.Helper()
	return newWorld(t, func(c *login.Config) { c.Authenticator = choosy{c.Authenticator.(*people), channels} })
}

func TestCodeComesByTheChosenChannels(t *testing.T) {
	t.Parallel()
	w := newChannelWorld(t, authenticator.Phone, authenticator.Email)
	handle := w.begin(acrCode)
	s := w.ok(w.State(t.Context(), handle))
	require.Equal(t, []authenticator.Channel{authenticator.Phone, authenticator.Email}, s.Channels)
	s = w.ok(w.SendCode(t.Context(), handle, alice, authenticator.Email, authenticator.Email))
	require.Nil(t, s.Channels)
	require.Equal(t, []authenticator.Channel{authenticator.Email}, w.people.codes[0].Channels)
	require.Equal(t, []string{acrCode}, w.people.codes[0].ACRs)

	w.clock.advance(30 * time.Second)
	w.ok(w.SendCode(t.Context(), handle, nobodyID))
	require.Equal(t, []authenticator.Channel{authenticator.Email}, w.people.codes[1].Channels, "again is as the last time")
	w.clock.advance(30 * time.Second)
	w.ok(w.SendCode(t.Context(), handle, nobodyID, authenticator.Phone, authenticator.Email))
	require.ElementsMatch(t, []authenticator.Channel{authenticator.Phone, authenticator.Email}, w.people.codes[2].Channels)
}

func TestCodeByAnotherChannelIsAnotherCode(t *testing.T) {
	t.Parallel()
	w := newChannelWorld(t, authenticator.Phone, authenticator.Email)
	handle := w.begin(acrCode)
	w.ok(w.SendCode(t.Context(), handle, alice, authenticator.Email))
	w.ok(w.Back(t.Context(), handle, login.StepVerify))
	s, err := w.SendCode(t.Context(), handle, alice, authenticator.Phone)
	require.Equal(t, authenticator.TooSoon, reasonOf(t, err))
	require.Equal(t, login.StepIdentify, s.Step)
	s = w.ok(w.SendCode(t.Context(), handle, alice, authenticator.Email))
	require.Equal(t, login.StepVerify, s.Step, "the code that was sent still serves")
	require.Len(t, w.people.codes, 1)

	w.clock.advance(30 * time.Second)
	w.ok(w.Back(t.Context(), handle, login.StepVerify))
	w.ok(w.SendCode(t.Context(), handle, alice, authenticator.Phone))
	require.Equal(t, []authenticator.Channel{authenticator.Phone}, w.people.codes[1].Channels)
}

func TestCodeComesByNoUnknownChannel(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		w       *world
		channel authenticator.Channel
	}{
		"unknown":        {newChannelWorld(t, authenticator.Phone, authenticator.Email), "pigeon"},
		"where none are": {newWorld(t), authenticator.Email},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := test.w.SendCode(t.Context(), test.w.begin(acrCode), alice, test.channel)
			require.ErrorIs(t, err, login.ErrStep)
			require.Equal(t, 3, s.CodesLeft)
			require.Empty(t, test.w.people.codes)
		})
	}
}

func TestOneChannelIsNoChoice(t *testing.T) {
	t.Parallel()
	w := newChannelWorld(t, authenticator.Phone)
	handle := w.begin(acrCode)
	require.Nil(t, w.ok(w.State(t.Context(), handle)).Channels)
	w.ok(w.SendCode(t.Context(), handle, alice, authenticator.Phone))
}
