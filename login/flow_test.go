package login_test

import (
	"context"
	"encoding/json"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/oidc"
	"github.com/gosignet/signet/store"
)

func TestLoginByCode(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	handle := w.begin("")

	s := w.ok(w.State(t.Context(), handle))
	assert.Equal(t, login.StepChoose, s.Step)
	assert.Equal(t, login.ID(handle), s.ID)
	assert.Same(t, w.client, s.Client)
	assert.Equal(t, callback, s.RedirectURI)
	assert.Equal(t, []authenticator.FactorSet{
		{authenticator.OTP}, {authenticator.Password}, {authenticator.Password, authenticator.OTP},
	}, s.Options)
	assert.Equal(t, -1, s.Option)
	assert.Equal(t, w.clock.Now().Add(10*time.Minute), s.ExpiresAt)

	s = w.ok(w.Choose(t.Context(), handle, 0))
	assert.Equal(t, login.StepIdentify, s.Step)
	assert.Equal(t, authenticator.OTP, s.Factor)
	assert.Equal(t, 3, s.CodesLeft)

	s = w.ok(w.SendCode(t.Context(), handle, authenticator.Identifier{Type: alice.Type, Value: "  " + alice.Value + "\n"}))
	assert.Equal(t, login.StepVerify, s.Step)
	assert.Equal(t, alice, s.Identifier, "white space around it is not typed on purpose")
	assert.Equal(t, []string{"** *** 321"}, s.Code.Destinations)
	assert.Equal(t, 2, s.CodesLeft)
	assert.Equal(t, 5, s.AttemptsLeft)

	s = w.ok(w.Answer(t.Context(), handle, nobodyID, right(alice, authenticator.OTP)))
	assert.Equal(t, login.StepConsent, s.Step)
	assert.Equal(t, []authenticator.Factor{authenticator.OTP}, s.Succeeded)
	assert.Contains(t, s.Voluntary, "given_name")
	assert.Empty(t, s.Essential)
	assert.Empty(t, s.Scopes, "the scope profile only asks for claims")

	w.clock.advance(time.Minute)
	s = w.ok(w.Decide(t.Context(), handle, login.Decision{Claims: []string{"given_name"}}))
	assert.Equal(t, login.StepDone, s.Step)
	assert.Equal(t, callback, s.Response.RedirectURI)
	assert.Equal(t, "af0ifjsldkj", s.Response.Parameters.Get("state"))
	assert.Len(t, s.Response.Parameters.Get("code"), 43)

	grant := w.authorizer.lastGrant(t)
	assert.Equal(t, w.openID.Subject(w.client, "person "+alice.Value), grant.Subject)
	assert.Equal(t, acrCode, grant.ACR)
	assert.Equal(t, []string{"otp"}, grant.AMR)
	assert.Equal(t, []string{"openid", "profile"}, grant.Scope)
	assert.Equal(t, login.ID(handle), grant.Transaction)
	assert.True(t, grant.AuthTime.Equal(w.clock.Now().Add(-time.Minute)), "the time of the proof, not of the consent")
	var authorization oidc.Authorization
	require.NoError(t, json.Unmarshal(grant.Data, &authorization))
	assert.Equal(t, "n-0S6_WzA2Mj", authorization.Nonce)
	assert.Equal(t, []oidc.ConsentedClaim{{Name: "given_name"}}, authorization.Userinfo)

	assert.Equal(t, []string{
		"authorization_requested success", "code_sent success", "authentication_attempted success",
		"authenticated success", "consent_decided success", "authorization_granted success",
	}, w.trail.lines())
	for _, e := range w.trail.events {
		assert.Equal(t, login.ID(handle), e.Transaction)
		assert.Equal(t, "clinic", e.ClientID)
	}
	request := w.people.requests[0]
	assert.Equal(t, login.ID(handle), request.Transaction)
	assert.Equal(t, alice, request.Identifier)
}

func TestLoginByPassword(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	handle := w.begin(acrPassword)
	s := w.ok(w.State(t.Context(), handle))
	require.Equal(t, login.StepVerify, s.Step, "the only way to log in need not be chosen")
	require.Equal(t, 0, s.Option)
	require.Equal(t, authenticator.Password, s.Factor)

	s = w.ok(w.Answer(t.Context(), handle, alice, right(alice, authenticator.Password)))
	require.Equal(t, login.StepConsent, s.Step)
	w.ok(w.Decide(t.Context(), handle, login.Decision{}))
	grant := w.authorizer.lastGrant(t)
	require.Equal(t, acrPassword, grant.ACR)
	require.Equal(t, []string{"pwd"}, grant.AMR)
}

func TestLoginByTwoFactors(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	handle := w.begin(acrBoth)

	s := w.ok(w.Answer(t.Context(), handle, alice, right(alice, authenticator.Password)))
	require.Equal(t, login.StepIdentify, s.Step)
	require.Equal(t, authenticator.OTP, s.Factor)
	require.Equal(t, []authenticator.Factor{authenticator.Password}, s.Succeeded)
	require.True(t, s.IdentifierFixed)
	require.Equal(t, alice, s.Identifier)

	_, err := w.SendCode(t.Context(), handle, bob)
	require.ErrorIs(t, err, login.ErrStep, "the second factor is that of the same person")
	_, codes := w.people.asked()
	require.Zero(t, codes)

	s = w.ok(w.SendCode(t.Context(), handle, nobodyID))
	require.Equal(t, login.StepVerify, s.Step)
	s = w.ok(w.Answer(t.Context(), handle, alice, right(alice, authenticator.OTP)))
	require.Equal(t, login.StepConsent, s.Step)
	w.ok(w.Decide(t.Context(), handle, login.Decision{}))

	grant := w.authorizer.lastGrant(t)
	require.Equal(t, acrBoth, grant.ACR)
	require.Equal(t, []string{"pwd", "otp", "mfa"}, grant.AMR)
	var authorization oidc.Authorization
	require.NoError(t, json.Unmarshal(grant.Data, &authorization))
	require.Equal(t, "state of otp", string(authorization.Identity.State), "the last factor's state is the one that counts")
}

func TestSecondFactorMustBeTheSamePerson(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	handle := w.begin(acrBoth)
	w.ok(w.Answer(t.Context(), handle, alice, right(alice, authenticator.Password)))
	w.ok(w.SendCode(t.Context(), handle, nobodyID))
	w.people.authenticate = func(_ context.Context, _ *authenticator.Request) (*authenticator.Identity, error) {
		return &authenticator.Identity{Subject: "person " + bob.Value}, nil
	}
	s, err := w.Answer(t.Context(), handle, nobodyID, right(alice, authenticator.OTP))
	require.Equal(t, authenticator.WrongCredentials, reasonOf(t, err))
	require.Equal(t, login.StepVerify, s.Step)
	require.Equal(t, 4, s.AttemptsLeft)
}

// While one tab waits for the verdict on a code of alice, another tab takes the option in which a password comes first,
// with the password of bob. The code of alice must not become bob's second factor.
func TestFactorsOfTwoTabsAreNotMixed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	handle := w.begin("")
	w.ok(w.Choose(t.Context(), handle, 0))
	w.ok(w.SendCode(t.Context(), handle, alice))
	var other *login.State
	w.people.authenticate = func(_ context.Context, r *authenticator.Request) (*authenticator.Identity, error) {
		if r.Identifier == alice {
			w.ok(w.Choose(t.Context(), handle, 2))
			other = w.ok(w.Answer(t.Context(), handle, bob, right(bob, authenticator.Password)))
		}
		return &authenticator.Identity{Subject: "person " + r.Identifier.Value}, nil
	}
	s, err := w.Answer(t.Context(), handle, nobodyID, right(alice, authenticator.OTP))
	require.ErrorIs(t, err, login.ErrStep)
	require.Equal(t, login.StepIdentify, other.Step)
	require.Equal(t, login.StepIdentify, s.Step)
	require.Equal(t, []authenticator.Factor{authenticator.Password}, s.Succeeded)
	require.Equal(t, bob, s.Identifier)
}

func TestRequestThatAsksForNothingNeedsNoConsent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	req := request(acrPassword)
	req.Scope = []string{"openid"}
	handle, _, err := w.Begin(t.Context(), req, "")
	require.NoError(t, err)
	s := w.ok(w.Answer(t.Context(), handle, alice, right(alice, authenticator.Password)))
	require.Equal(t, login.StepDone, s.Step)
	require.NotEmpty(t, s.Response.Parameters.Get("code"))
	require.Equal(t, []string{"openid"}, w.authorizer.lastGrant(t).Scope)
	require.NotContains(t, w.trail.lines(), "consent_decided success")
}

func TestRequestIsShownAsItWishes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	req := request("")
	req.Parameters["ui_locales"], req.Parameters["login_hint"], req.Parameters["display"] = "km en", alice.Value, "touch"
	handle, _, err := w.Begin(t.Context(), req, "")
	require.NoError(t, err)
	s := w.ok(w.State(t.Context(), handle))
	require.Equal(t, []string{"km", "en"}, s.UILocales)
	require.Equal(t, alice.Value, s.LoginHint)
	require.Equal(t, "touch", s.Display)
	w.ok(w.Choose(t.Context(), handle, 0))
	w.ok(w.SendCode(t.Context(), handle, alice))
	require.Equal(t, []string{"km", "en"}, w.people.codes[0].Locales)
}

func TestBeginRefuses(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(*world, *oauth.AuthorizationRequest)
		code   oauth.ErrorCode
	}{
		"a client that is gone": {
			func(_ *world, r *oauth.AuthorizationRequest) { r.ClientID = "gone" }, oauth.UnauthorizedClient,
		},
		"a login without pages": {
			func(_ *world, r *oauth.AuthorizationRequest) { r.Parameters["prompt"] = "none" }, oauth.LoginRequired,
		},
		"a malformed claims parameter": {
			func(_ *world, r *oauth.AuthorizationRequest) { r.Parameters["claims"] = "{" }, oauth.InvalidRequest,
		},
		"an essential acr that nothing meets": {
			func(_ *world, r *oauth.AuthorizationRequest) {
				r.Parameters["claims"] = `{"id_token":{"acr":{"essential":true,"value":"urn:example:unheard"}}}`
			}, oauth.UnmetAuthenticationRequirements,
		},
		"a client registered for acrs that nothing meets": {
			func(w *world, _ *oauth.AuthorizationRequest) { w.client.ACRValues = []string{"urn:example:unheard"} },
			oauth.UnmetAuthenticationRequirements,
		},
		"a store that is gone": {
			func(w *world, _ *oauth.AuthorizationRequest) { w.store.cut(true) }, oauth.ServerError,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			req := request("")
			test.change(w, req)
			handle, _, err := w.Begin(t.Context(), req, "")
			require.Error(t, err)
			require.Empty(t, handle)
			response := w.Refuse(t.Context(), req, err)
			require.Equal(t, callback, response.RedirectURI)
			require.Equal(t, string(test.code), response.Parameters.Get("error"))
			require.Equal(t, "af0ifjsldkj", response.Parameters.Get("state"))
			require.NotContains(t, response.Parameters.Encode(), "gone", "internals stay inside")
		})
	}
}

func TestVoluntaryACRThatNothingMeetsIsIgnored(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	handle := w.begin("urn:example:unheard")
	require.Len(t, w.ok(w.State(t.Context(), handle)).Options, 3)
}

func TestPersonOfAnotherSubjectIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	wish := func(id authenticator.Identifier) *oauth.AuthorizationRequest {
		req := request(acrPassword)
		req.Parameters["claims"] = `{"id_token":{"sub":{"value":"` + w.openID.Subject(w.client, "person "+id.Value) + `"}}}`
		return req
	}
	handle, _, err := w.Begin(t.Context(), wish(alice), "")
	require.NoError(t, err)
	s := w.ok(w.Answer(t.Context(), handle, bob, right(bob, authenticator.Password)))
	require.Equal(t, login.StepDone, s.Step)
	require.Equal(t, "login_required", s.Response.Parameters.Get("error"))
	require.Empty(t, w.authorizer.grants)

	handle, _, err = w.Begin(t.Context(), wish(bob), "")
	require.NoError(t, err)
	s = w.ok(w.Answer(t.Context(), handle, bob, right(bob, authenticator.Password)))
	require.Equal(t, login.StepConsent, s.Step)
}

func TestLoginExpires(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	handle := w.begin(acrPassword)
	w.clock.advance(10*time.Minute - time.Second)
	w.ok(w.Answer(t.Context(), handle, alice, right(alice, authenticator.Password)))
	w.clock.advance(time.Second)
	unreachable(t, w, handle)
	require.Empty(t, w.authorizer.grants)
}

func TestUnknownHandleReachesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	handle := w.begin("")
	for _, h := range []string{"", login.ID(handle), store.NewHandle(), handle + "A", handle[1:]} {
		unreachable(t, w, h)
	}
}

func unreachable(t *testing.T, w *world, handle string) {
	t.Helper()
	for name, call := range calls(w, handle) {
		s, err := call()
		assert.ErrorIs(t, err, login.ErrUnknown, name)
		assert.Nil(t, s, name)
	}
}

// calls is every method of a Flow, for a login by password.
func calls(w *world, handle string) map[string]func() (*login.State, error) {
	ctx := w.Context()
	return map[string]func() (*login.State, error){
		"State":    func() (*login.State, error) { return w.State(ctx, handle) },
		"Choose":   func() (*login.State, error) { return w.Choose(ctx, handle, 1) },
		"Back":     func() (*login.State, error) { return w.Back(ctx, handle, login.StepVerify) },
		"SendCode": func() (*login.State, error) { return w.SendCode(ctx, handle, alice) },
		"Answer": func() (*login.State, error) {
			return w.Answer(ctx, handle, alice, right(alice, authenticator.Password))
		},
		"Decide": func() (*login.State, error) { return w.Decide(ctx, handle, login.Decision{}) },
		"Cancel": func() (*login.State, error) { return w.Cancel(ctx, handle) },
		"Challenge": func() (*login.State, error) {
			_, err := w.Challenge(ctx, handle, authenticator.Passkey)
			return nil, err
		},
		"WishToEnroll": func() (*login.State, error) { return w.WishToEnroll(ctx, handle, authenticator.Passkey) },
		"EnrollmentOptions": func() (*login.State, error) {
			_, err := w.EnrollmentOptions(ctx, handle)
			return nil, err
		},
		"Enroll": func() (*login.State, error) { return w.Enroll(ctx, handle, "credential") },
	}
}

func TestIDNamesTheLoginAndOpensNothing(t *testing.T) {
	t.Parallel()
	a, b := store.NewHandle(), store.NewHandle()
	require.Regexp(t, regexp.MustCompile(`^[A-Za-z0-9_-]{22}$`), login.ID(a))
	require.Equal(t, login.ID(a), login.ID(a))
	require.NotEqual(t, login.ID(a), login.ID(b))
	require.NotContains(t, a, login.ID(a)[:6])
}

func TestCancelTellsTheClient(t *testing.T) {
	t.Parallel()
	for name, at := range map[string]func(w *world) string{
		"at the choice":  func(w *world) string { return w.begin("") },
		"at the answer":  func(w *world) string { return w.begin(acrPassword) },
		"at the consent": func(w *world) string { return w.atConsent(request("")) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			handle := at(w)
			s := w.ok(w.Cancel(t.Context(), handle))
			require.Equal(t, login.StepDone, s.Step)
			require.Equal(t, "access_denied", s.Response.Parameters.Get("error"))
			require.Equal(t, "af0ifjsldkj", s.Response.Parameters.Get("state"))

			require.Equal(t, s, w.ok(w.Cancel(t.Context(), handle)), "canceling again changes nothing")
			require.Equal(t, s, w.ok(w.Decide(t.Context(), handle, login.Decision{})), "and it is too late for a decision")
			require.Empty(t, w.authorizer.grants)
			lines := w.trail.lines()
			require.Equal(t, "authorization_denied refused access_denied", lines[len(lines)-1])
			if name == "at the consent" {
				require.Equal(t, "consent_decided refused", lines[len(lines)-2])
			}
		})
	}
}
