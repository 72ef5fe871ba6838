package login_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/oauth"
)

// FuzzSessions walks through logins of two people in one browser as the bytes say: with whatever prompts, steps in
// whatever order, logouts and time in between. However they walk, nobody is granted anything whose factors they did not
// all prove, in the same login, or since the last logout and not before the login whose end auth_time is.
func FuzzSessions(f *testing.F) {
	for _, walk := range []string{
		"npdk" + "ndk" + "ldk",      // log in, continue, log out
		"npdk" + "Lpdk" + "Bcodk",   // again with prompt=login, step up
		"npdk" + "Ledk" + "Bxodk",   // the same without the identifier
		"npdk" + "LEzEPdk" + "LEdk", // and with another person
		"npdk" + "Sydk" + "SzPdk",   // select account: the same, another
		"npd" + "lk" + "nd",         // an old page after the logout
		"npdkn" + "l" + "dkpd",      // logged out with a login open
		"npdk" + "Ntttt" + "nPzPdk", // none, time, other person
	} {
		f.Add([]byte(walk))
	}
	f.Fuzz(func(t *testing.T, walk []byte) {
		w, _ := newSessionWorld(t)
		b := &sessionWalk{world: w}
		for _, what := range walk[:min(len(walk), 60)] {
			w.clock.advance(time.Second)
			b.step(what)
		}
	})
}

// sessionWalk is the browser of a walk, and what is known of the people.
type sessionWalk struct {
	*world
	handle, session  string
	begun, loggedOut time.Time
	proofs           []walkProof
	granted          int
}

type walkProof struct {
	id     authenticator.Identifier
	factor authenticator.Factor
	at     time.Time
}

func (b *sessionWalk) step(what byte) {
	ctx, now := b.Context(), b.clock.Now()
	begin := func(acr, prompt string) {
		req := request(acr)
		req.Parameters["prompt"] = prompt
		handle, _, err := b.Begin(ctx, req, b.session)
		if err != nil {
			require.Equal(b, "none", prompt)
			return
		}
		b.handle, b.begun = handle, now
		b.finish(b.State(ctx, handle))
	}
	answer := func(typed, id authenticator.Identifier, f authenticator.Factor) {
		before := len(b.people.requests)
		b.finish(b.Answer(ctx, b.handle, typed, right(id, f)))
		if len(b.people.requests) > before {
			b.proofs = append(b.proofs, walkProof{b.people.requests[before].Identifier, f, now})
		}
	}
	switch what {
	case 'n':
		begin(acrPassword, "")
	case 'N':
		begin("", "none")
	case 'L':
		begin(acrPassword, "login")
	case 'S':
		begin(acrPassword, "select_account")
	case 'B':
		begin(acrBoth, "")
	case 'p':
		answer(alice, alice, authenticator.Password)
	case 'P':
		answer(bob, bob, authenticator.Password)
	case 'o':
		answer(alice, alice, authenticator.OTP)
	case 'c':
		_, _ = b.SendCode(ctx, b.handle, alice)
	case 'e', 'E': // whom the session knows need not say who they are
		answer(nobodyID, map[byte]authenticator.Identifier{'e': alice, 'E': bob}[what], authenticator.Password)
	case 'x':
		_, _ = b.SendCode(ctx, b.handle, nobodyID)
	case 'y', 'z':
		b.finish(b.SelectAccount(ctx, b.handle, what == 'z'))
	case 'j':
		b.finish(b.Join(ctx, b.handle, b.session))
	case 'd':
		b.finish(b.Decide(ctx, b.handle, login.Decision{Claims: []string{"name"}}))
	case 'k':
		b.keep()
	case 'l':
		require.NoError(b, b.LogOut(ctx, b.session))
		b.loggedOut = now
	case 't':
		b.clock.advance(11 * time.Minute)
	}
	for ; b.granted < len(b.authorizer.grants); b.granted++ {
		b.check(b.authorizer.grants[b.granted])
	}
}

// finish does what a face does when a login is over.
func (b *sessionWalk) finish(s *login.State, _ error) {
	if s != nil && s.Step == login.StepDone {
		b.keep()
	}
}

func (b *sessionWalk) keep() {
	kept, err := b.KeepSession(b.Context(), b.handle, b.session)
	if err != nil || kept == "" || kept == b.session {
		return
	}
	b.session = kept
	if b.begun.Before(b.loggedOut) { // a logout does not reach logins that are under way by themselves
		b.loggedOut = b.begun
	}
}

// check makes sure that the grant has the proofs that it says.
func (b *sessionWalk) check(g oauth.Grant) {
	for _, method := range g.AMR {
		if method == "mfa" {
			continue
		}
		proved := false
		for _, p := range b.proofs {
			own := b.openID.Subject(b.client, "person "+p.id.Value) == g.Subject
			here := !p.at.Before(b.begun)
			inSession := p.at.After(b.loggedOut) && !p.at.Before(g.AuthTime.Add(-10*time.Minute)) // a login takes time
			proved = proved || own && string(p.factor) == method && (here || inSession)
		}
		require.True(b, proved, "%s was not proved: %+v", method, g)
	}
}
