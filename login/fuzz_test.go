package login_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
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
		"c\x03g\x02a\x12d\x00",                              // by passkey
		"c\x03g\x02a\x02a\x12g\x02a\x12d\x00",               // with a challenge that was used
		"c\x06g\x02a\x12s\x00a\x10d\x00",                    // and a code
		"c\x04g\x03a\x13d\x00",                              // by face
		"c\x00e\x02s\x00a\x10oom\x00r\x01r\x00o0r\x02d\x00", // registering a passkey
	} {
		f.Add([]byte(walk))
	}
	f.Fuzz(func(t *testing.T, walk []byte) {
		w, d := newDeviceWorld(t)
		handle := w.begin("")
		var options json.RawMessage // that the person's devices saw last
		var end *login.State
		for i := 0; i+1 < len(walk) && i < 80; i += 2 {
			s, err := step(w, handle, walk[i], walk[i+1], &options)
			if errors.Is(err, login.ErrUnknown) {
				require.Nil(t, s)
				return
			}
			if _, ok := errors.AsType[*authenticator.Error](err); !ok && err != nil {
				require.ErrorIs(t, err, login.ErrStep)
			}
			if s == nil {
				require.Contains(t, "go", string(walk[i]), "what gives nothing but options")
				continue
			}
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
		used := map[string]bool{} // what was given to devices, once there was a wrong answer to it
		for _, r := range d.requests {
			c := r.Challenges[0]
			require.False(t, c.Factor != card && used[string(c.State)], "a challenge is good for one answer")
			used[string(c.State)] = true
			answered := false
			for _, id := range []authenticator.Identifier{alice, bob} {
				if strings.HasPrefix(c.Response, id.Value) && strings.HasSuffix(c.Response, string(c.State)) {
					proved[id], answered = append(proved[id], c.Factor), true
				}
			}
			if !answered {
				wrong++
			}
		}
		for _, r := range d.finished {
			require.False(t, used["enroll "+string(r.State)], "a credential is made for one registration")
			used["enroll "+string(r.State)] = true
			require.Equal(t, passkey, r.Factor)
			code := false // which is what EnrollmentACRs demand
			for _, id := range []authenticator.Identifier{alice, bob} {
				code = code || r.Identity.Subject == "person "+id.Value && slices.Contains(proved[id], authenticator.OTP)
			}
			require.True(t, code)
		}
		require.LessOrEqual(t, len(d.finished), 5)
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
func step(w *world, handle string, what, with byte, options *json.RawMessage) (*login.State, error) {
	ctx := w.Context()
	saw := func(o json.RawMessage, err error) (*login.State, error) {
		if err == nil {
			*options = o
		}
		return nil, err
	}
	id := []authenticator.Identifier{alice, bob, nobodyID, {Value: "\x00"}}[with>>2&3]
	factor := []authenticator.Factor{authenticator.OTP, authenticator.Password, passkey, face}[with&3]
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
			if with&2 != 0 {
				c = signed(*options, id, factor)
			}
		}
		return w.Answer(ctx, handle, id, c)
	case 'g':
		return saw(w.Challenge(ctx, handle, factor))
	case 'e':
		return w.WishToEnroll(ctx, handle, factor)
	case 'o':
		return saw(w.EnrollmentOptions(ctx, handle))
	case 'r':
		return w.Enroll(ctx, handle, []string{"", "a wrong credential", made(*options)}[with%3])
	case 'd':
		return w.Decide(ctx, handle, login.Decision{Claims: []string{"name", string(with)}})
	case 'x':
		return w.Cancel(ctx, handle)
	case 't':
		w.clock.advance(time.Duration(with) * time.Second)
	}
	return w.State(ctx, handle)
}
