package signet_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet"
	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/consent"
	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/store/memory"
)

// consentWorld is a provider that remembers consents, with a client that is registered as a test wants it.
type consentWorld struct {
	*sessionWorld
	person authenticator.Identifier
}

func newConsentWorld(t *testing.T, register func(*oauth.Client), configure ...func(*signet.Config)) *consentWorld {
	t.Helper()
	w := newSessionWorld(t, append([]func(*signet.Config){func(c *signet.Config) {
		ledger, err := memory.New(memory.Config{Now: c.Now})
		require.NoError(t, err)
		t.Cleanup(func() { ledger.Close() })
		c.Ledger, c.Clients = ledger, registered{c.Clients, register}
	}}, configure...)...)
	return &consentWorld{w, authenticator.Identifier{Value: alice}}
}

// registered changes what clients are registered for.
type registered struct {
	oauth.ClientStore
	change func(*oauth.Client)
}

func (r registered) Client(ctx context.Context, id string) (*oauth.Client, error) {
	c, err := r.ClientStore.Client(ctx, id)
	if err != nil || r.change == nil {
		return c, err
	}
	changed := *c
	r.change(&changed)
	return &changed, nil
}

// request is an authorization request of the portal with the scopes, and further parameters.
func (w *consentWorld) request(scope []string, parameters ...string) *oauth.AuthorizationRequest {
	r := &oauth.AuthorizationRequest{
		ClientID: "portal", RedirectURI: w.portal.RedirectURIs[0], Scope: append([]string{"openid"}, scope...),
		Parameters: map[string]string{"acr_values": acrPassword},
	}
	for i := 0; i+1 < len(parameters); i += 2 {
		r.Parameters[parameters[i]] = parameters[i+1]
	}
	return r
}

// reach takes the person to where they are asked for consent, or the login is over.
func (w *consentWorld) reach(r *oauth.AuthorizationRequest, session string) (handle string, s *login.State) {
	w.Helper()
	handle, s, err := w.provider.Login.Begin(w.Context(), r, session)
	require.NoError(w, err)
	if s.Step == login.StepVerify {
		s, err = w.provider.Login.Answer(w.Context(), handle, w.person, authenticator.Challenge{
			Factor: authenticator.Password, Response: password,
		})
		require.NoError(w, err)
	}
	return handle, s
}

// decide expects that the person is asked, and is their answer.
func (w *consentWorld) decide(r *oauth.AuthorizationRequest, d login.Decision) (asked, done *login.State) {
	w.Helper()
	handle, asked := w.reach(r, "")
	require.Equal(w, login.StepConsent, asked.Step)
	done, err := w.provider.Login.Decide(w.Context(), handle, d)
	require.NoError(w, err)
	require.Equal(w, login.StepDone, done.Step)
	return asked, done
}

// tokens redeems the code, and returns the access token with its payload.
func (w *consentWorld) tokens(s *login.State) (string, map[string]any) {
	w.Helper()
	_, access := w.redeem(w.portal, s.Response.Parameters)
	var claims map[string]any
	w.verify(access, &claims)
	return access, claims
}

// live reports whether userinfo and introspection take the access token; they must agree.
func (w *consentWorld) live(access string) bool {
	w.Helper()
	r, err := http.NewRequestWithContext(w.Context(), http.MethodGet, w.URL+"/userinfo", nil)
	require.NoError(w, err)
	r.Header.Set("Authorization", "Bearer "+access)
	info, err := w.Client().Do(r)
	require.NoError(w, err)
	info.Body.Close()
	answer, err := w.Client().PostForm(w.URL+"/introspect", w.authenticated(url.Values{"token": {access}}))
	require.NoError(w, err)
	defer answer.Body.Close()
	var introspected struct {
		Active bool `json:"active"`
	}
	require.NoError(w, json.NewDecoder(answer.Body).Decode(&introspected))
	require.Equal(w, info.StatusCode == http.StatusOK, introspected.Active)
	return introspected.Active
}

// authenticated adds the portal's authentication to a form.
func (w *consentWorld) authenticated(form url.Values) url.Values {
	now := w.clock.now()
	claims, err := json.Marshal(map[string]any{
		"iss": "portal", "sub": "portal", "aud": w.URL, "jti": uuid.NewString(), "iat": now.Unix(), "exp": now.Add(time.Minute).Unix(),
	})
	require.NoError(w, err)
	jws, err := w.portal.signer.Sign(claims)
	require.NoError(w, err)
	assertion, err := jws.CompactSerialize()
	require.NoError(w, err)
	form.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
	form.Set("client_assertion", assertion)
	return form
}

// list is what the person sees of their consents.
func (w *consentWorld) list(person string) []*consent.Record {
	w.Helper()
	records, err := w.provider.Consents.List(w.Context(), person)
	require.NoError(w, err)
	return records
}

var email = login.Decision{Claims: []string{"email"}, Language: "fr"}

func TestTheSecondLoginDoesNotAsk(t *testing.T) {
	t.Parallel()
	w := newConsentWorld(t, nil)
	asked, done := w.decide(w.request([]string{"email", "appointments"}), login.Decision{
		Claims: []string{"email"}, Scopes: []string{"appointments"}, Language: "fr",
	})
	require.Equal(t, consent.First, asked.AskedBecause)
	require.Equal(t, []string{"appointments", "email"}, asked.New)
	require.False(t, asked.Required)
	access, claims := w.tokens(done)
	require.True(t, w.live(access))

	_, s := w.reach(w.request([]string{"email", "appointments"}), "")
	require.Equal(t, login.StepDone, s.Step, "in another browser")
	again, claimsAgain := w.tokens(s)
	require.True(t, w.live(again))
	require.Equal(t, claims["grant_id"], claimsAgain["grant_id"])
	require.Equal(t, "openid email appointments", claimsAgain["scope"])

	_, s = w.reach(w.request([]string{"appointments"}), "")
	require.Equal(t, login.StepDone, s.Step, "less is asked")
}

// What was refused is remembered too.
func TestTheSecondLoginGetsNoMoreThanTheFirst(t *testing.T) {
	t.Parallel()
	w := newConsentWorld(t, nil)
	_, done := w.decide(w.request([]string{"email", "appointments"}), login.Decision{})
	_, claims := w.tokens(done)
	require.Equal(t, "openid email", claims["scope"])
	_, s := w.reach(w.request([]string{"email", "appointments"}), "")
	require.Equal(t, login.StepDone, s.Step)
	access, claims := w.tokens(s)
	require.Equal(t, "openid email", claims["scope"])
	require.NotContains(t, (&browser{w.sessionWorld, w.Client()}).userinfo(access), "email")
}

func TestALargerRequestAsksForWhatIsNew(t *testing.T) {
	t.Parallel()
	w := newConsentWorld(t, nil)
	w.decide(w.request([]string{"email"}), email)
	asked, done := w.decide(w.request([]string{"email", "phone", "appointments"}), email)
	require.Equal(t, consent.Widened, asked.AskedBecause)
	require.Equal(t, []string{"appointments", "phone_number"}, asked.New)
	require.Equal(t, []string{"email", "phone_number"}, asked.Voluntary)
	w.tokens(done)
	_, s := w.reach(w.request([]string{"phone", "email"}), "")
	require.Equal(t, login.StepDone, s.Step)
}

func TestAWithdrawalEndsTheTokensAndIsAskedAgain(t *testing.T) {
	t.Parallel()
	w := newConsentWorld(t, nil)
	_, done := w.decide(w.request([]string{"email"}), email)
	access, claims := w.tokens(done)
	_, waiting := w.reach(w.request([]string{"email"}), "")
	require.Equal(t, login.StepDone, waiting.Step)
	require.True(t, w.live(access))

	person := w.account()
	records := w.list(person)
	require.Len(t, records, 1)
	require.Equal(t, claims["grant_id"], records[0].ID)
	require.Equal(t, "fr", records[0].Language)
	require.Equal(t, "PORTAL", records[0].Controller.Name)
	_, err := w.provider.Consents.Verify(t.Context(), records[0].Receipt)
	require.NoError(t, err)
	_, err = w.provider.Consents.Withdraw(t.Context(), person, records[0].ID)
	require.NoError(t, err)
	require.False(t, w.live(access))
	response, err := w.Client().PostForm(w.URL+"/token", w.authenticated(url.Values{
		"grant_type": {"authorization_code"}, "code": {waiting.Response.Parameters.Get("code")},
		"redirect_uri": {w.portal.RedirectURIs[0]},
	}))
	require.NoError(t, err)
	response.Body.Close()
	require.Equal(t, http.StatusBadRequest, response.StatusCode, "a code that was not redeemed yet")

	asked, done := w.decide(w.request([]string{"email"}), email)
	require.Equal(t, consent.AfterWithdrawal, asked.AskedBecause)
	renewed, claims := w.tokens(done)
	require.True(t, w.live(renewed))
	require.NotEqual(t, records[0].ID, claims["grant_id"])
	require.False(t, w.live(access))
}

// account is the name of alice in the identity system, which a page of the provider finds in her grant.
func (w *consentWorld) account() string {
	w.Helper()
	_, s := w.reach(w.request([]string{"email"}), "")
	require.Equal(w, login.StepDone, s.Step)
	grant, err := w.provider.OAuth.TakeGrant(w.Context(), "portal", s.Response.Parameters.Get("code"), "")
	require.NoError(w, err)
	require.NotEmpty(w, grant.Person)
	return grant.Person
}

const essentialEmail = `{"userinfo":{"email":{"essential":true},"name":null}}`

func TestAnEssentialClaimMayBeRefusedUnlessTheClientIsRegisteredOtherwise(t *testing.T) {
	t.Parallel()
	r := func(w *consentWorld) *oauth.AuthorizationRequest { return w.request(nil, "claims", essentialEmail) }
	lenient := newConsentWorld(t, nil)
	asked, done := lenient.decide(r(lenient), login.Decision{})
	require.False(t, asked.Required)
	lenient.tokens(done)

	strict := newConsentWorld(t, func(c *oauth.Client) { c.RequireEssentialClaims = true })
	handle, asked := strict.reach(r(strict), "")
	require.True(t, asked.Required)
	s, err := strict.provider.Login.Decide(t.Context(), handle, login.Decision{Claims: []string{"name"}})
	require.ErrorIs(t, err, login.ErrEssential)
	require.Equal(t, asked, s, "the page explains, with all that it showed before")
	s, err = strict.provider.Login.Decide(t.Context(), handle, login.Decision{Claims: []string{"email"}})
	require.NoError(t, err)
	strict.tokens(s)
	require.Len(t, strict.list(strict.account()), 1, "and nothing was kept of the refusal")

	handle, _ = strict.reach(r(strict), "") // name is refused, email is not
	s, err = strict.provider.Login.State(t.Context(), handle)
	require.NoError(t, err)
	require.Equal(t, login.StepDone, s.Step)
	handle, _ = strict.reach(strict.request(nil, "claims", essentialEmail, "prompt", "consent"), "")
	s, err = strict.provider.Login.Cancel(t.Context(), handle)
	require.NoError(t, err)
	require.Equal(t, "access_denied", s.Response.Parameters.Get("error"))
}

func TestAnAccessTokenDoesNotOutliveTheConsent(t *testing.T) {
	t.Parallel()
	minutes := 3 * time.Minute
	w := newConsentWorld(t, func(c *oauth.Client) { c.ConsentMaxAge = &minutes })
	_, done := w.decide(w.request([]string{"email"}), email)
	access, claims := w.tokens(done)
	require.LessOrEqual(t, claims["exp"].(float64)-claims["iat"].(float64), minutes.Seconds())
	w.clock.advance(2 * time.Minute)
	_, s := w.reach(w.request([]string{"email"}), "")
	require.Equal(t, login.StepDone, s.Step)
	_, claims = w.tokens(s)
	require.LessOrEqual(t, claims["exp"].(float64)-claims["iat"].(float64), time.Minute.Seconds(), "what is left")
	require.True(t, w.live(access))
	w.clock.advance(time.Minute)
	require.False(t, w.live(access))
	asked, _ := w.decide(w.request([]string{"email"}), email)
	require.Equal(t, consent.Expired, asked.AskedBecause)
}

func TestAConsentForTheSessionIsForTheSession(t *testing.T) {
	t.Parallel()
	w := newConsentWorld(t, func(c *oauth.Client) { c.ConsentForSession = true })
	r := w.request([]string{"email"})
	handle, _ := w.reach(r, "")
	_, err := w.provider.Login.Decide(t.Context(), handle, email)
	require.NoError(t, err)
	session, err := w.provider.Login.KeepSession(t.Context(), handle, "")
	require.NoError(t, err)
	_, s := w.reach(r, session)
	require.Equal(t, login.StepDone, s.Step)
	_, s = w.reach(w.request([]string{"email"}, "prompt", "login"), session)
	require.Equal(t, login.StepDone, s.Step, "the person proves again who they are, in the same session")
	_, s = w.reach(r, "")
	require.Equal(t, login.StepConsent, s.Step, "another browser")
	require.Equal(t, consent.Expired, s.AskedBecause)
	require.NoError(t, w.provider.Login.LogOut(t.Context(), session))
	_, s = w.reach(r, session)
	require.Equal(t, login.StepConsent, s.Step, "after the session")
}

func TestAClientMayHaveThePersonAskedEachTime(t *testing.T) {
	t.Parallel()
	var never time.Duration
	w := newConsentWorld(t, func(c *oauth.Client) { c.ConsentMaxAge = &never })
	for range 2 {
		asked, done := w.decide(w.request([]string{"email"}), email)
		require.Equal(t, consent.EachTime, asked.AskedBecause)
		w.tokens(done)
	}
}

func TestPromptsAndRememberedConsents(t *testing.T) {
	t.Parallel()
	w := newConsentWorld(t, nil)
	flow := w.provider.Login
	silent := w.request([]string{"email"}, "prompt", "none")
	handle, _ := w.reach(w.request(nil), "")
	session, err := flow.KeepSession(t.Context(), handle, "")
	require.NoError(t, err)
	_, _, err = flow.Begin(t.Context(), silent, session)
	require.Equal(t, oauth.ConsentRequired, oauth.AsError(err).Code)

	w.decide(w.request([]string{"email"}), email)
	_, s, err := flow.Begin(t.Context(), silent, session)
	require.NoError(t, err, "the consent was given in another browser")
	w.tokens(s)
	asked, _ := w.decide(w.request([]string{"email"}, "prompt", "consent"), email)
	require.Equal(t, consent.Prompted, asked.AskedBecause)
	require.Empty(t, asked.New)

	person := w.account()
	_, err = w.provider.Consents.Withdraw(t.Context(), person, w.list(person)[0].ID)
	require.NoError(t, err)
	_, _, err = flow.Begin(t.Context(), silent, session)
	require.Equal(t, oauth.ConsentRequired, oauth.AsError(err).Code)
}

// A request for nothing is nothing to consent to, and the page of consents that asks for nothing still knows the person.
func TestALoginThatSharesNothingIsNoConsent(t *testing.T) {
	t.Parallel()
	w := newConsentWorld(t, nil)
	_, s := w.reach(w.request(nil), "")
	grant, err := w.provider.OAuth.TakeGrant(t.Context(), "portal", s.Response.Parameters.Get("code"), "")
	require.NoError(t, err)
	require.Empty(t, grant.ID)
	require.Empty(t, w.list(grant.Person))
	_, done := w.decide(w.request(nil, "prompt", "consent"), login.Decision{})
	_, claims := w.tokens(done)
	require.NotContains(t, claims, "grant_id")
	require.Empty(t, w.list(grant.Person))
}

func TestTheLedgerNamesNobody(t *testing.T) {
	t.Parallel()
	w := newConsentWorld(t, nil)
	w.decide(w.request([]string{"email"}), email)
	person := w.account()
	shown, err := json.Marshal(w.list(person))
	require.NoError(t, err)
	require.NotContains(t, string(shown), person)
	require.NotContains(t, string(shown), alice)
	require.Empty(t, w.list(rand.Text()))
}
