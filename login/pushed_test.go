package login_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/oauth"
)

// The request_uri of a pushed request is spent in the same batch that ends the login, of which any part may fail.

// push returns a request as the authorization endpoint finds it under its request_uri.
func (w *world) push() *oauth.AuthorizationRequest {
	w.Helper()
	req := request("")
	uri, err := w.pushed.Push(w.Context(), req)
	require.NoError(w, err)
	req.RequestURI = uri
	return req
}

func codeOf(s *login.State) string { return s.Response.Parameters.Get("code") }

func TestOneOfManyLoginsOfAPushedRequestGetsACode(t *testing.T) {
	t.Parallel()
	const logins = 32
	w := newWorld(t)
	req := w.push()
	handles := make([]string, logins)
	for i := range handles {
		handles[i] = w.atConsent(req)
	}
	decided := make([]*login.State, logins)
	together(logins, func(i int) {
		s, err := w.Decide(t.Context(), handles[i], login.Decision{Claims: []string{"name"}})
		if assert.NoError(t, err) {
			decided[i] = s
		}
	})
	codes := 0
	for i, s := range decided {
		require.Equal(t, login.StepDone, s.Step)
		require.Equal(t, s, w.ok(w.State(t.Context(), handles[i])), "a reload shows the same")
		require.Equal(t, s, w.ok(w.Decide(t.Context(), handles[i], login.Decision{})), "and so does another decision")
		if codeOf(s) != "" {
			codes++
			continue
		}
		require.Equal(t, "invalid_request_uri", s.Response.Parameters.Get("error"))
		require.Equal(t, req.State, s.Response.Parameters.Get("state"))
	}
	require.Equal(t, 1, codes)
}

func TestLoginThatLostThePushedRequestBeginsNoSession(t *testing.T) {
	t.Parallel()
	w, _ := newSessionWorld(t)
	req := w.push()
	first, second := w.atConsent(req), w.atConsent(req)
	require.NotEmpty(t, codeOf(w.ok(w.Decide(t.Context(), first, login.Decision{}))))
	require.Empty(t, codeOf(w.ok(w.Decide(t.Context(), second, login.Decision{}))))
	kept, err := w.KeepSession(t.Context(), second, "")
	require.NoError(t, err)
	require.Empty(t, kept)
	kept, err = w.KeepSession(t.Context(), first, "")
	require.NoError(t, err)
	require.NotEmpty(t, kept)
}

// An instance dies between the batch that ended the login and its answer, and the batch did not get as far as to spend
// the request_uri. Whoever comes next finds out whose it is before anybody sees a code.
func TestLoginWhoseInstanceDiedWhileItEnded(t *testing.T) {
	t.Parallel()
	for name, other := range map[string]bool{"alone": false, "overtaken by another login": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			req := w.push()
			first, second := w.atConsent(req), w.atConsent(req)
			w.store.breakKeys("par-spent:")
			w.store.cutAfter(4) // read the login, remove the request, store the code, end the login
			_, err := w.Decide(t.Context(), first, login.Decision{})
			require.ErrorIs(t, err, errOutage)
			w.store.cut(false)
			_, err = w.State(t.Context(), first)
			require.ErrorIs(t, err, errOutage, "as long as nobody knows whose request it is, nobody sees a code")
			w.store.breakKeys("")

			if other {
				require.NotEmpty(t, codeOf(w.ok(w.Decide(t.Context(), second, login.Decision{}))))
				s := w.ok(w.State(t.Context(), first))
				require.Equal(t, "invalid_request_uri", s.Response.Parameters.Get("error"))
				require.Equal(t, s, w.ok(w.Answer(t.Context(), first, alice, right(alice, authenticator.Password))))
				return
			}
			require.NotEmpty(t, codeOf(w.ok(w.State(t.Context(), first))))
			require.Empty(t, codeOf(w.ok(w.Decide(t.Context(), second, login.Decision{}))))
		})
	}
}

// A code that could not be stored is worth nothing, and so the login has not ended.
func TestDecisionIsTakenBackIfItsCodeCannotBeStored(t *testing.T) {
	t.Parallel()
	for _, broken := range []string{"code:", "par-spent:", "par:"} {
		t.Run(broken, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			handle := w.atConsent(w.push())
			w.store.breakKeys(broken)
			s, err := w.Decide(t.Context(), handle, login.Decision{Claims: []string{"name"}})
			require.ErrorIs(t, err, errOutage)
			require.Nil(t, s)
			w.store.breakKeys("")
			require.Equal(t, login.StepConsent, w.ok(w.State(t.Context(), handle)).Step)
			s = w.ok(w.Decide(t.Context(), handle, login.Decision{Claims: []string{"name"}}))
			require.NotEmpty(t, codeOf(s))
			require.Equal(t, s, w.ok(w.State(t.Context(), handle)))
		})
	}
}

// Two logins of one request, of which one is over and the other canceled: a denial is the other's to give.
func TestCanceledLoginOfASpentRequestStaysCanceled(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	req := w.push()
	first, second := w.atConsent(req), w.atConsent(req)
	canceled := w.ok(w.Cancel(t.Context(), first))
	require.Equal(t, "access_denied", canceled.Response.Parameters.Get("error"))
	s := w.ok(w.Decide(t.Context(), second, login.Decision{}))
	require.Equal(t, "invalid_request_uri", s.Response.Parameters.Get("error"), "the cancellation spent it")
	require.Equal(t, canceled, w.ok(w.State(t.Context(), first)))
}
