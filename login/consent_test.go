package login_test

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/oidc"
)

func TestConsentShowsWhatIsAsked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	req := request("")
	req.Scope = []string{"openid", "email", "appointments", "records"}
	req.Parameters["claims"] = `{"userinfo":{"given_name":{"essential":true}},"id_token":{"birthdate":null,"acr":null}}`
	s := w.ok(w.State(t.Context(), w.atConsent(req)))
	require.Equal(t, []string{"given_name"}, s.Essential)
	require.Equal(t, []string{"email", "birthdate"}, s.Voluntary)
	require.Equal(t, []string{"appointments", "records"}, s.Scopes)
}

// Invariant 7: no claim leaves without consent that covers it.
func TestOnlyWhatThePersonChoseIsGranted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	req := request("")
	req.Scope = []string{"openid", "email", "appointments", "records"}
	req.Parameters["claims"] = `{"userinfo":{"given_name":{"essential":true}},"id_token":{"birthdate":null}}`
	handle := w.atConsent(req)
	w.ok(w.Decide(t.Context(), handle, login.Decision{
		Claims: []string{"email", "phone_number", "sub"}, Scopes: []string{"records", "admin", "openid"},
	}))
	grant := w.authorizer.lastGrant(t)
	require.Equal(t, []string{"openid", "email", "records"}, grant.Scope)
	var authorization oidc.Authorization
	require.NoError(t, json.Unmarshal(grant.Data, &authorization))
	require.Equal(t, []oidc.ConsentedClaim{{Name: "email"}, {Name: "email_verified"}}, authorization.Userinfo)
	require.Empty(t, authorization.IDToken)
}

func TestALoginKeepsNoParametersThatWereRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	req := request("")
	req.Parameters["login_hint"] = alice.Value
	w.ok(w.Decide(t.Context(), w.atConsent(req), login.Decision{}))
	require.Len(t, w.authorizer.requests, 1)
	require.Empty(t, w.authorizer.requests[0].Parameters)
	require.Equal(t, req.RedirectURI, w.authorizer.requests[0].RedirectURI)
	require.NotEmpty(t, req.Parameters, "the caller's stay")
}

// Invariant 7: no claim leaves without authentication in this transaction.
func TestNothingIsGrantedBeforeThePersonIsKnown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	decision := login.Decision{Claims: []string{"name"}}
	for _, acr := range []string{"", acrCode, acrPassword, acrBoth} {
		_, err := w.Decide(t.Context(), w.begin(acr), decision)
		require.ErrorIs(t, err, login.ErrStep)
	}
	half := w.begin(acrBoth)
	w.ok(w.Answer(t.Context(), half, alice, right(alice, authenticator.Password)))
	_, err := w.Decide(t.Context(), half, decision)
	require.ErrorIs(t, err, login.ErrStep)
	require.Empty(t, w.authorizer.grants)
}

func TestRepeatedDecisionGetsTheFirstResponse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	handle := w.atConsent(request(""))
	first := w.ok(w.Decide(t.Context(), handle, login.Decision{Claims: []string{"name"}}))
	for _, d := range []login.Decision{{Claims: []string{"name"}}, {}} {
		require.Equal(t, first, w.ok(w.Decide(t.Context(), handle, d)))
	}
	require.Equal(t, first, w.ok(w.Cancel(t.Context(), handle)), "it is too late to cancel")
	require.Len(t, w.store.keysOf("code:"), 1)
}

func TestConcurrentDecisionsMakeOneCode(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	handle := w.atConsent(request(""))
	codes := make([]string, 64)
	together(64, func(i int) {
		s, err := w.Decide(t.Context(), handle, login.Decision{Claims: []string{"name"}})
		if assert.NoError(t, err) {
			codes[i] = s.Response.Parameters.Get("code")
		}
	})
	require.NotEmpty(t, codes[0])
	for _, code := range codes {
		require.Equal(t, codes[0], code)
	}
	require.Len(t, w.store.keysOf("code:"), 1)
}

func TestConcurrentDecisionsThatDifferGetOneResponse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	handle := w.atConsent(request(""))
	responses := make([]*oauth.AuthorizationResponse, 64)
	together(64, func(i int) {
		var s *login.State
		var err error
		switch i % 3 {
		case 0:
			s, err = w.Decide(t.Context(), handle, login.Decision{Claims: []string{"name"}})
		case 1:
			s, err = w.Decide(t.Context(), handle, login.Decision{})
		case 2:
			s, err = w.Cancel(t.Context(), handle)
		}
		if assert.NoError(t, err) {
			responses[i] = s.Response
		}
	})
	for _, r := range responses {
		require.Equal(t, responses[0], r)
	}
}

func TestDecisionThatOvertookAnotherIsTheOneThatCounts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	handle := w.atConsent(request(""))
	w.authorizer.before = func() {
		w.authorizer.before = nil
		w.ok(w.Cancel(t.Context(), handle))
	}
	s := w.ok(w.Decide(t.Context(), handle, login.Decision{}))
	require.Equal(t, "access_denied", s.Response.Parameters.Get("error"))
	require.Equal(t, s, w.ok(w.State(t.Context(), handle)))
}

func TestDecisionThatFailedMayBeRepeatedOrChanged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	handle := w.atConsent(request(""))
	all := login.Decision{Claims: []string{"name", "birthdate"}}

	w.authorizer.fail = errors.New("lost")
	_, err := w.Decide(t.Context(), handle, all)
	require.ErrorIs(t, err, w.authorizer.fail)
	require.Equal(t, login.StepConsent, w.ok(w.State(t.Context(), handle)).Step)
	w.authorizer.fail = nil

	// Read the login and store the code, then lose the store: the code exists, and nobody was told.
	for _, d := range []login.Decision{all, all, {Claims: []string{"birthdate", "sub", "name", "name"}}} {
		w.store.cutAfter(2)
		_, err = w.Decide(t.Context(), handle, d)
		require.ErrorIs(t, err, errOutage)
		w.store.cut(false)
	}
	require.Len(t, w.store.keysOf("code:"), 1, "the same decision has the same code")

	s := w.ok(w.Decide(t.Context(), handle, login.Decision{Claims: []string{"name"}}))
	require.Equal(t, login.StepDone, s.Step)
	require.Len(t, w.store.keysOf("code:"), 2, "the code of the first decision must not serve the second")
	var authorization oidc.Authorization
	require.NoError(t, json.Unmarshal(w.authorizer.lastGrant(t).Data, &authorization))
	require.Equal(t, []oidc.ConsentedClaim{{Name: "name"}}, authorization.Userinfo)
}

func TestLoginWithoutConsentIsFinishedByAReload(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	req := request(acrPassword)
	req.Scope = []string{"openid"}
	handle, _, err := w.Begin(t.Context(), req, "")
	require.NoError(t, err)
	w.authorizer.fail = errors.New("lost")
	_, err = w.Answer(t.Context(), handle, alice, right(alice, authenticator.Password))
	require.ErrorIs(t, err, w.authorizer.fail)
	w.authorizer.fail = nil
	s := w.ok(w.State(t.Context(), handle))
	require.Equal(t, login.StepDone, s.Step)
	require.NotEmpty(t, s.Response.Parameters.Get("code"))
}
