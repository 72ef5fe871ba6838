package login_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/login"
)

// FuzzWalk walks through a login as the bytes say, two bytes a step, as somebody would who sends whatever they like in
// whatever order. However they walk: no more than MaxAttempts wrong answers are tried, nothing is granted to anybody but
// the person who gave the right answers to all factors of an option, the end is final, and errors are the documented
// ones.
func FuzzWalk(f *testing.F) {
	for _, walk := range []string{
		"c\x00s\x00a\x10d\x00",             // by code
		"c\x01a\x11d\x00",                  // by password
		"c\x02a\x11s\x00a\x10d\x00d\x00x0", // by both, twice decided
		"c\x02a\x11s\x01a\x15a\x14d\x00",   // the second factor of somebody else
		"c\x01a\x01a\x01a\x01a\x01a\x01a\x11",
		"c\x00s\x00b0s\x00b0b0c\x01t\xffs\x00",
	} {
		f.Add([]byte(walk))
	}
	f.Fuzz(func(t *testing.T, walk []byte) {
		w := newWorld(t)
		handle := w.begin("")
		var end *login.State
		for i := 0; i+1 < len(walk) && i < 80; i += 2 {
			s, err := step(w, handle, walk[i], walk[i+1])
			if errors.Is(err, login.ErrUnknown) {
				require.Nil(t, s)
				return
			}
			if _, ok := errors.AsType[*authenticator.Error](err); !ok && err != nil {
				require.ErrorIs(t, err, login.ErrStep)
			}
			require.NotNil(t, s)
			if end != nil {
				require.Equal(t, end, s)
			} else if s.Step == login.StepDone {
				end = s
			}
		}
		wrong, proved := 0, map[authenticator.Identifier][]authenticator.Factor{}
		for _, r := range w.people.requests {
			c := r.Challenges[0]
			if c.Response == right(r.Identifier, c.Factor).Response {
				proved[r.Identifier] = append(proved[r.Identifier], c.Factor)
			} else {
				wrong++
			}
		}
		require.LessOrEqual(t, wrong, 5)
		require.LessOrEqual(t, len(w.people.codes), 3)
		for _, g := range w.authorizer.grants {
			var person authenticator.Identifier
			for _, id := range []authenticator.Identifier{alice, bob} {
				if g.Subject == w.openID.Subject(w.client, "person "+id.Value) {
					person = id
				}
			}
			for _, f := range w.ok(w.State(t.Context(), handle)).Succeeded {
				require.Contains(t, proved[person], f)
			}
		}
	})
}

// step is one step of a walk: what to do, and with what.
func step(w *world, handle string, what, with byte) (*login.State, error) {
	ctx := w.Context()
	id := []authenticator.Identifier{alice, bob, nobodyID, {Value: "\x00"}}[with>>2&3]
	factor := w.people.Factors()[with&1]
	switch what {
	case 'c':
		return w.Choose(ctx, handle, int(int8(with)))
	case 'b':
		steps := []login.Step{login.StepIdentify, login.StepVerify, login.StepConsent, login.StepChoose}
		return w.Back(ctx, handle, steps[with&3])
	case 's':
		return w.SendCode(ctx, handle, id)
	case 'a':
		c := wrong(factor)
		if with&0x10 != 0 {
			c = right(id, factor)
		}
		return w.Answer(ctx, handle, id, c)
	case 'd':
		return w.Decide(ctx, handle, login.Decision{Claims: []string{"name", string(with)}})
	case 'x':
		return w.Cancel(ctx, handle)
	case 't':
		w.clock.advance(time.Duration(with) * time.Second)
	}
	return w.State(ctx, handle)
}
