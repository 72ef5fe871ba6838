package login_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/audit"
	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/oidc"
)

// newSessionWorld is a world with single sign-on; what clients are told is kept.
func newSessionWorld(t testing.TB, config ...func(*login.Config)) (*world, *told) {
	t.Helper()
	told := &told{}
	config = append([]func(*login.Config){func(c *login.Config) {
		c.Sessions, c.Logout = login.Sessions{Idle: 30 * time.Minute, Total: 8 * time.Hour}, told
	}}, config...)
	return newWorld(t, config...), told
}

// told is who is told of logouts.
type told struct {
	mu      sync.Mutex
	logouts []oidc.Logout
}

func (t *told) NotifyLogout(_ context.Context, logouts []oidc.Logout) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.logouts = append(t.logouts, logouts...)
}

// enter is a whole login by password that begins with the session, and the one that is kept after it.
func (w *world) enter(session string, id authenticator.Identifier) (kept string) {
	w.Helper()
	handle, _, err := w.Begin(w.Context(), request(acrPassword), session)
	require.NoError(w, err)
	s := w.ok(w.State(w.Context(), handle))
	if s.Step == login.StepVerify {
		s = w.ok(w.Answer(w.Context(), handle, id, right(id, authenticator.Password)))
	}
	if s.Step == login.StepConsent {
		s = w.ok(w.Decide(w.Context(), handle, login.Decision{Claims: []string{"name"}}))
	}
	require.Equal(w, login.StepDone, s.Step)
	kept, err = w.KeepSession(w.Context(), handle, session)
	require.NoError(w, err)
	require.NotEmpty(w, kept)
	return kept
}

// silent is the error of a login without a page, or empty.
func (w *world) silent(session string) oauth.ErrorCode {
	w.Helper()
	req := request("")
	req.Parameters["prompt"] = "none"
	handle, _, err := w.Begin(w.Context(), req, session)
	if err != nil {
		return oauth.AsError(err).Code
	}
	s := w.ok(w.State(w.Context(), handle))
	require.Equal(w, login.StepDone, s.Step)
	return oauth.ErrorCode(s.Response.Parameters.Get("error"))
}

func TestSessionsHaveDefaultsAndBounds(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		sessions login.Sessions
		problem  bool
	}{
		{"off", login.Sessions{}, false},
		{"idle alone", login.Sessions{Idle: time.Minute}, false},
		{"total alone", login.Sessions{Total: time.Minute}, false},
		{"longer idle than the default total", login.Sessions{Idle: 9 * time.Hour}, false},
		{"a day", login.Sessions{Idle: 24 * time.Hour, Total: 24 * time.Hour}, false},
		{"more than a day", login.Sessions{Total: 25 * time.Hour}, true},
		{"idle longer than total", login.Sessions{Idle: 2 * time.Hour, Total: time.Hour}, true},
		{"negative", login.Sessions{Idle: -1}, true},
		{"negative total", login.Sessions{Total: -time.Hour}, true},
		{"too short", login.Sessions{Idle: time.Millisecond}, true},
	} {
		_, err := login.New(login.Config{Sessions: c.sessions})
		assert.Equal(t, c.problem, strings.Contains(fmt.Sprint(err), "Sessions"), c.name)
	}
}

func TestConcurrentRepetitionsKeepOneSession(t *testing.T) {
	t.Parallel()
	w, told := newSessionWorld(t)
	old := w.enter("", alice)
	req := request(acrPassword)
	req.Parameters["prompt"] = "login"
	handle, _, err := w.Begin(t.Context(), req, old)
	require.NoError(t, err)
	w.ok(w.Answer(t.Context(), handle, alice, right(alice, authenticator.Password)))
	kept := make([]string, 16)
	together(len(kept), func(i int) {
		_, err := w.Decide(t.Context(), handle, login.Decision{Claims: []string{"name"}})
		assert.NoError(t, err)
		kept[i], err = w.KeepSession(t.Context(), handle, old)
		assert.NoError(t, err)
	})
	for _, token := range kept {
		assert.Equal(t, kept[0], token)
	}
	assert.NotEqual(t, old, kept[0])
	assert.Empty(t, w.silent(kept[0]))
	assert.Equal(t, oauth.LoginRequired, w.silent(old))
	assert.Empty(t, told.logouts, "nobody was logged out")
}

func TestALogoutBeatsTheRepetitionsOfALogin(t *testing.T) {
	t.Parallel()
	w, _ := newSessionWorld(t)
	handle := w.atConsent(request(""))
	w.ok(w.Decide(t.Context(), handle, login.Decision{}))
	token, err := w.KeepSession(t.Context(), handle, "")
	require.NoError(t, err)
	together(8, func(i int) {
		if i == 0 {
			assert.NoError(t, w.LogOut(t.Context(), token))
			return
		}
		_, err := w.KeepSession(t.Context(), handle, token)
		assert.NoError(t, err)
	})
	assert.Equal(t, oauth.LoginRequired, w.silent(token))
}

func TestALogoutIsFinalForARepetitionUnderWay(t *testing.T) {
	t.Parallel()
	w, _ := newSessionWorld(t)
	handle := w.atConsent(request(""))
	w.ok(w.Decide(t.Context(), handle, login.Decision{}))
	w.store.before = func(key string) { // another request keeps the session meanwhile, and yet another ends it
		require.Contains(t, key, "session")
		token, err := w.KeepSession(t.Context(), handle, "")
		require.NoError(t, err)
		require.NoError(t, w.LogOut(t.Context(), token))
	}
	token, err := w.KeepSession(t.Context(), handle, "")
	require.NoError(t, err)
	assert.Equal(t, oauth.LoginRequired, w.silent(token))
}

func TestADeniedLoginBeginsNoSession(t *testing.T) {
	t.Parallel()
	w, _ := newSessionWorld(t)
	handle := w.atConsent(request(""))
	w.ok(w.Cancel(t.Context(), handle))
	token, err := w.KeepSession(t.Context(), handle, "")
	require.NoError(t, err)
	assert.Empty(t, token)
	assert.Empty(t, w.store.keysOf("session"))
}

func TestALoginCanJoinTheSessionLater(t *testing.T) {
	t.Parallel()
	w, _ := newSessionWorld(t)
	session := w.enter("", alice)
	handle, _, err := w.Begin(t.Context(), request(acrPassword), "")
	require.NoError(t, err)
	require.Equal(t, login.StepVerify, w.ok(w.State(t.Context(), handle)).Step)
	assert.Equal(t, login.StepVerify, w.ok(w.Join(t.Context(), handle, "an invention")).Step)
	s := w.ok(w.Join(t.Context(), handle, session))
	assert.Equal(t, login.StepDone, s.Step)
	assert.Equal(t, s, w.ok(w.Join(t.Context(), handle, session)))
}

func TestWhoeverIsSomebodyElseIsNotJoinedToTheSessionAgain(t *testing.T) {
	t.Parallel()
	w, _ := newSessionWorld(t)
	session := w.enter("", alice)
	req := request(acrPassword)
	req.Parameters["prompt"] = "login"
	handle, _, err := w.Begin(t.Context(), req, session)
	require.NoError(t, err)
	s := w.ok(w.State(t.Context(), handle))
	assert.True(t, s.CanSwitch)
	assert.Equal(t, "••••678", s.Account)
	s = w.ok(w.SelectAccount(t.Context(), handle, true))
	assert.False(t, s.CanSwitch)
	assert.Empty(t, s.Account)
	assert.Empty(t, w.ok(w.SelectAccount(t.Context(), handle, true)).Account, "again")
	assert.Empty(t, w.ok(w.SelectAccount(t.Context(), handle, false)).Account, "there is no way back")
	assert.Empty(t, w.ok(w.Join(t.Context(), handle, session)).Account)
	w.ok(w.Answer(t.Context(), handle, bob, right(bob, authenticator.Password)))
	s = w.ok(w.SelectAccount(t.Context(), handle, true))
	assert.Equal(t, login.StepConsent, s.Step, "who proved who they are stays who they are")
}

func TestNothingOfASessionPassesToAnotherPerson(t *testing.T) {
	t.Parallel()
	w, told := newSessionWorld(t)
	session := w.enter("", alice)
	require.Empty(t, w.silent(session), "alice consented")
	req := request("")
	handle, _, err := w.Begin(t.Context(), req, "") // as one that began before alice's was over
	require.NoError(t, err)
	w.ok(w.Choose(t.Context(), handle, 0))
	w.ok(w.SendCode(t.Context(), handle, bob))
	w.ok(w.Answer(t.Context(), handle, nobodyID, right(bob, authenticator.OTP)))
	w.ok(w.Decide(t.Context(), handle, login.Decision{}))
	session, err = w.KeepSession(t.Context(), handle, session)
	require.NoError(t, err)
	require.Len(t, told.logouts, 1, "alice is logged out")

	handle, _, err = w.Begin(t.Context(), request(acrPassword), session)
	require.NoError(t, err)
	s := w.ok(w.State(t.Context(), handle))
	assert.Equal(t, authenticator.Password, s.Factor, "the password was alice's")
	require.NoError(t, w.LogOut(t.Context(), session))
	require.Len(t, told.logouts, 2)
	assert.NotEqual(t, told.logouts[0].Subject, told.logouts[1].Subject)
}

func TestAStepUpCannotChangeThePersonHalfway(t *testing.T) {
	t.Parallel()
	w, _ := newSessionWorld(t)
	session := w.enter("", alice)
	req := request(acrBoth)
	req.Parameters["prompt"] = "consent"
	handle, _, err := w.Begin(t.Context(), req, session)
	require.NoError(t, err)
	w.ok(w.SendCode(t.Context(), handle, alice))
	s := w.ok(w.Answer(t.Context(), handle, nobodyID, right(alice, authenticator.OTP)))
	require.Equal(t, login.StepConsent, s.Step)
	assert.False(t, s.CanSwitch)
	assert.Equal(t, s, w.ok(w.SelectAccount(t.Context(), handle, true)))
}

func TestAHintWithoutASessionIsForItsPersonOnly(t *testing.T) {
	t.Parallel()
	w, _ := newSessionWorld(t)
	session := w.enter("", alice)
	subject := w.authorizer.lastGrant(t).Subject
	for hinted, want := range map[string]bool{subject: true, w.openID.Subject(w.client, "person "+bob.Value): false} {
		s, err := w.Session(t.Context(), session, &oidc.LogoutRequest{Client: w.client, Subject: hinted})
		require.NoError(t, err)
		assert.Equal(t, want, s.Hinted)
	}
}

func TestAnotherPersonsAnswerIsAWrongOne(t *testing.T) {
	t.Parallel()
	w, _ := newSessionWorld(t)
	session := w.enter("", alice)
	handle, _, err := w.Begin(t.Context(), request(acrBoth), session)
	require.NoError(t, err)
	s := w.ok(w.SendCode(t.Context(), handle, bob))
	require.Equal(t, login.StepVerify, s.Step)
	s, err = w.Answer(t.Context(), handle, nobodyID, right(bob, authenticator.OTP))
	require.ErrorIs(t, err, login.ErrOtherPerson)
	assert.Equal(t, authenticator.WrongCredentials, reasonOf(t, err))
	assert.Equal(t, 4, s.AttemptsLeft)
	assert.Empty(t, s.Succeeded)
}

func TestASessionHasRoomForManyClientsAndTellsThoseItForgets(t *testing.T) {
	t.Parallel()
	told := &told{}
	w := newWorld(t, func(c *login.Config) {
		c.Sessions, c.Logout, c.Clients = login.Sessions{Idle: time.Hour}, told, anyClient{}
	})
	var session string
	for i := range 40 {
		w.clock.advance(time.Second)
		req := request(acrPassword)
		req.ClientID, req.Scope = fmt.Sprintf("client-%02d", i), []string{"openid"}
		handle, _, err := w.Begin(t.Context(), req, session)
		require.NoError(t, err)
		s := w.ok(w.State(t.Context(), handle))
		if i == 0 {
			s = w.ok(w.Answer(t.Context(), handle, alice, right(alice, authenticator.Password)))
		}
		require.Equal(t, login.StepDone, s.Step)
		session, err = w.KeepSession(t.Context(), handle, session)
		require.NoError(t, err)
	}
	forgotten := len(told.logouts)
	assert.Equal(t, 8, forgotten)
	assert.Equal(t, "client-00", told.logouts[0].Client.ID, "the one unused for longest")
	require.NoError(t, w.LogOut(t.Context(), session))
	assert.Len(t, told.logouts, 40, "everybody is told once")
}

// anyClient knows whatever client one asks for.
type anyClient struct{}

func (anyClient) Client(_ context.Context, id string) (*oauth.Client, error) {
	return &oauth.Client{ID: id, RedirectURIs: []string{callback}, Scopes: []string{"openid"}, SectorIdentifier: "example.org"}, nil
}

func TestALogoutIsAuditedAndToldToEachClient(t *testing.T) {
	t.Parallel()
	w, told := newSessionWorld(t)
	session := w.enter("", alice)
	grant := w.authorizer.lastGrant(t)
	require.NoError(t, w.LogOut(t.Context(), session))
	require.NoError(t, w.LogOut(t.Context(), session), "again")
	require.NoError(t, w.LogOut(t.Context(), "an invention"))
	require.Len(t, told.logouts, 1)
	assert.Equal(t, grant.Subject, told.logouts[0].Subject)
	assert.Contains(t, string(grant.Data), `"sid":"`+told.logouts[0].SessionID+`"`)
	last := w.trail.events[len(w.trail.events)-1]
	assert.Equal(t, audit.LoggedOut, last.Type)
	assert.Equal(t, grant.Subject, last.Subject)
	_, err := w.Session(t.Context(), session, nil)
	assert.ErrorIs(t, err, login.ErrUnknown)
}

func TestSessionsFailClosedAndHeal(t *testing.T) {
	t.Parallel()
	w, _ := newSessionWorld(t)
	session := w.enter("", alice)
	w.store.cut(true)
	_, _, err := w.Begin(t.Context(), request(acrPassword), session)
	require.ErrorIs(t, err, errOutage)
	_, err = w.Session(t.Context(), session, nil)
	require.ErrorIs(t, err, errOutage)
	require.ErrorIs(t, w.LogOut(t.Context(), session), errOutage)
	w.store.cut(false)
	assert.Empty(t, w.silent(session))

	// A session whose login can be ended, but not be kept, at whatever point, is kept by the next call.
	for calls := range 9 {
		handle := w.atConsent(request(""))
		w.ok(w.Decide(t.Context(), handle, login.Decision{Claims: []string{"name"}}))
		w.store.cutAfter(calls)
		_, err := w.KeepSession(t.Context(), handle, session)
		w.store.cut(false)
		if err == nil {
			return
		}
		require.ErrorIs(t, err, errOutage)
		session, err = w.KeepSession(t.Context(), handle, session)
		require.NoError(t, err)
		require.NotEmpty(t, session)
		require.Empty(t, w.silent(session))
	}
	t.Fatal("it never came through")
}
