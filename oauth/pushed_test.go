package oauth_test

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/oauth"
)

func TestPushedRequestCompletesALogin(t *testing.T) {
	t.Parallel()
	p := newFAPI(t)
	holder := p.newHolder(t)
	answer := response(t, p.authorize(p.portal.reference(p.pushes(t, p.portal.pushRequest(t)))))
	require.Equal(t, issuer, answer.Get("iss"))
	require.Equal(t, "state-of-portal", answer.Get("state"))
	tokens := p.redeemBound(t, p.portal, answer.Get("code"), holder)
	require.Equal(t, "openid records", tokens.Scope)
}

// The rows of the Foundation's negative tests that are refused at PAR, under the names of their modules.
func TestPARRefuses(t *testing.T) {
	t.Parallel()
	p := newFAPI(t)
	a, b := p.newHolder(t), p.newHolder(t)
	request := func() url.Values { return p.portal.pushRequest(t) }
	asserting := func(changes map[string]any) url.Values {
		return with(request(), "client_assertion", p.portal.assertion(t, changes))
	}
	later := p.clock.Now().Add(61 * time.Second).Unix()
	for module, c := range map[string]struct {
		form   url.Values
		proofs []string
		status int
		code   oauth.ErrorCode
	}{
		"par-authorization-request-containing-request_uri-form-param": {
			form: with(request(), "request_uri", oauth.RequestURIPrefix+"x"), code: oauth.InvalidRequest},
		"par-ensure-pkce-required":                      {form: with(with(request(), "code_challenge"), "code_challenge_method"), code: oauth.InvalidRequest},
		"par-plain-pkce-rejected":                       {form: with(request(), "code_challenge_method", "plain"), code: oauth.InvalidRequest},
		"pkce without a method means plain":             {form: with(request(), "code_challenge_method"), code: oauth.InvalidRequest},
		"ensure-response-type-code-idtoken-fails":       {form: with(request(), "response_type", "code id_token"), code: oauth.UnsupportedResponseType},
		"ensure-response-type-token-fails":              {form: with(request(), "response_type", "token"), code: oauth.UnsupportedResponseType},
		"no response_type":                              {form: with(request(), "response_type"), code: oauth.InvalidRequest},
		"ensure-redirect-uri-in-authorization-request":  {form: with(request(), "redirect_uri"), code: oauth.InvalidRequest},
		"plain-fapi-tolerate-unregistered-redirect-uri": {form: with(request(), "redirect_uri", "https://portal.example/cb/x"), code: oauth.InvalidRequest},
		"the redirect URI of another client":            {form: with(request(), "redirect_uri", p.clinic.client.RedirectURIs[0]), code: oauth.InvalidRequest},
		"a scope that is not registered":                {form: with(request(), "scope", "openid admin"), code: oauth.InvalidScope},
		"a request object":                              {form: with(request(), "request", "e30.e30.e30"), code: oauth.RequestNotSupported},
		"a malformed dpop_jkt":                          {form: with(request(), "dpop_jkt", "x"), code: oauth.InvalidRequest},
		"a repeated dpop_jkt":                           {form: with(request(), "dpop_jkt", a.thumbprint(t), b.thumbprint(t)), code: oauth.InvalidRequest},
		"ensure-mismatched-dpop-jkt-fails":              {form: with(request(), "dpop_jkt", b.thumbprint(t)), proofs: []string{a.proof(t, pushEndpoint, nil)}, code: oauth.InvalidDPoPProof},
		"a proof for the token endpoint":                {form: request(), proofs: []string{a.proof(t, endpoints.Token, nil)}, code: oauth.InvalidDPoPProof},
		"a proof for GET":                               {form: request(), proofs: []string{a.proof(t, pushEndpoint, map[string]any{"htm": "GET"})}, code: oauth.InvalidDPoPProof},
		"an old proof":                                  {form: request(), proofs: []string{a.proof(t, pushEndpoint, map[string]any{"iat": 1})}, code: oauth.InvalidDPoPProof},
		"two proofs":                                    {form: request(), proofs: []string{a.proof(t, pushEndpoint, nil), b.proof(t, pushEndpoint, nil)}, code: oauth.InvalidDPoPProof},
		"an empty proof":                                {form: request(), proofs: []string{""}, code: oauth.InvalidDPoPProof},
		"an unknown nonce":                              {form: request(), proofs: []string{a.proof(t, pushEndpoint, map[string]any{"nonce": "x"})}, code: oauth.UseDPoPNonce},
		"par-test-array-as-audience-fails":              {form: asserting(map[string]any{"aud": []string{issuer, "https://other.example"}}), status: 401, code: oauth.InvalidClient},
		"an array of the issuer alone":                  {form: asserting(map[string]any{"aud": []string{issuer}}), status: 401, code: oauth.InvalidClient},
		"par-test-par-endpoint-url-as-audience-fails":   {form: asserting(map[string]any{"aud": pushEndpoint}), status: 401, code: oauth.InvalidClient},
		"par-test-token-endpoint-url-as-audience-fails": {form: asserting(map[string]any{"aud": endpoints.Token}), status: 401, code: oauth.InvalidClient},
		"par-ensure-jwt-client-assertions-nbf-over-60-seconds-in-the-future-fails": {
			form: asserting(map[string]any{"iat": later, "nbf": later, "exp": later + 60}), status: 401, code: oauth.InvalidClient},
		"the assertion of another client":   {form: with(request(), "client_assertion", p.clinic.assertion(t, nil)), status: 401, code: oauth.InvalidClient},
		"a proof in place of the assertion": {form: with(request(), "client_assertion", a.proof(t, pushEndpoint, nil)), status: 401, code: oauth.InvalidClient},
		"a client secret":                   {form: with(with(request(), "client_assertion"), "client_secret", "s3cret"), status: 401, code: oauth.InvalidClient},
	} {
		t.Run(module, func(t *testing.T) {
			t.Parallel()
			rec := postProved(p.pushHandler(), c.form, c.proofs...)
			requireRefused(t, rec, cmp.Or(c.status, 400), c.code)
			require.NotContains(t, rec.Body.String(), "request_uri\":")
		})
	}
}

func TestPARAcceptsWhatTheSuiteSends(t *testing.T) {
	t.Parallel()
	p := newFAPI(t)
	a := p.newHolder(t)
	now := p.clock.Now().Unix()
	request := func() url.Values { return p.portal.pushRequest(t) }
	for module, c := range map[string]struct {
		form   url.Values
		proofs []string
	}{
		"ensure-authorization-request-without-state-success": {form: with(request(), "state")},
		"ensure-authorization-request-with-long-state":       {form: with(request(), "state", strings.Repeat("s", 1000))},
		"ensure-other-scope-order-succeeds":                  {form: with(request(), "scope", "records openid")},
		"par-ensure-jwt-client-assertions-nbf-8-seconds-in-the-future-is-accepted": {
			form: with(request(), "client_assertion", p.portal.assertion(t, map[string]any{"iat": now + 8, "nbf": now + 8}))},
		"check-dpop-proof-nbf-exp":                         {request(), []string{a.proof(t, pushEndpoint, map[string]any{"nbf": now, "exp": now + 300})}},
		"ensure-dpopproof-with-iat-10seconds-before":       {request(), []string{a.proof(t, pushEndpoint, map[string]any{"iat": now - 10})}},
		"ensure-dpopproof-with-iat-10seconds-after":        {request(), []string{a.proof(t, pushEndpoint, map[string]any{"iat": now + 10})}},
		"ensure-dpopproof-at-par-endpoint-binding-success": {request(), []string{a.proof(t, pushEndpoint, nil)}},
		"ensure-dpop-auth-code-binding-success":            {with(request(), "dpop_jkt", a.thumbprint(t)), []string{a.proof(t, pushEndpoint, nil)}},
		"an unknown parameter":                             {form: with(request(), "extra", "foobar")},
	} {
		t.Run(module, func(t *testing.T) {
			t.Parallel()
			code := p.pushedCode(t, p.portal, c.form, c.proofs...)
			p.redeemBound(t, p.portal, code, a)
		})
	}
}

// RFC 9126 section 2: a client that no profile holds to the issuer may name any of the three.
func TestAudienceOfAnAssertionAtPAR(t *testing.T) {
	t.Parallel()
	p := newFAPI(t)
	for audience, status := range map[string]int{
		issuer: 201, pushEndpoint: 201, endpoints.Token: 201, endpoints.Revocation: 401, endpoints.Authorization: 401, "https://other.example": 401, "": 401,
	} {
		form := with(p.clinic.pushRequest(t), "client_assertion", p.clinic.assertion(t, map[string]any{"aud": audience}))
		require.Equal(t, status, post(p.pushHandler(), form).Code, audience)
	}
	form := p.clinic.redemption(t, p.code(t, p.clinic))
	form.Set("client_assertion", p.clinic.assertion(t, map[string]any{"aud": pushEndpoint}))
	requireRefused(t, post(p.TokenHandler(), form), 401, oauth.InvalidClient)
}

// ensure-unsigned-authorization-request-without-using-par-fails
func TestRequestThatWasNotPushedIsRefused(t *testing.T) {
	t.Parallel()
	for name, p := range map[string]*provider{
		"by the profile of the client": newFAPI(t),
		"by the profile of the server": newProvider(t, pushing(t), func(c *oauth.Config) { c.Profile = oauth.ProfileFAPI2 }),
		"by the server":                newProvider(t, pushing(t), func(c *oauth.Config) { c.RequirePushedRequests = true }),
		"by the registration": func() *provider {
			p := newProvider(t, pushing(t))
			p.portal.client.RequirePushedRequests = true
			return p
		}(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, request := range []url.Values{
				p.portal.request(),
				with(p.portal.request(), "request_uri", "https://portal.example/request.jwt"),
				with(p.portal.request(), "request_uri", ""),
				with(p.portal.request(), "request", "e30.e30.e30"),
			} {
				answer := response(t, p.authorize(request))
				require.Equal(t, "invalid_request", answer.Get("error"))
				require.Equal(t, "state-of-portal", answer.Get("state"))
				require.Equal(t, issuer, answer.Get("iss"))
				require.Empty(t, answer.Get("code"))
			}
			require.Nil(t, p.login.begun)
		})
	}
}

// Anybody on the way can write into the query: nothing there but the reference counts.
func TestTamperedParametersOutsideThePushedRequestDoNotCount(t *testing.T) {
	t.Parallel()
	p := newFAPI(t, func(c *oauth.Config) { c.Extension = &extension{parameters: []string{"nonce"}} })
	a, b := p.newHolder(t), p.newHolder(t)
	pushed := with(with(p.portal.pushRequest(t), "nonce", "pushed"), "dpop_jkt", a.thumbprint(t))
	for name, value := range map[string]string{
		"state": "tampered", "nonce": "tampered", "scope": "openid", "response_type": "token", "response_mode": "fragment",
		"redirect_uri": "https://evil.example/cb", "code_challenge": challenge("another"), "code_challenge_method": "plain",
		"dpop_jkt": b.thumbprint(t), "request": "e30.e30.e30", "registration": "{}", "extra": "x",
	} {
		form := with(pushed, "client_assertion", p.portal.assertion(t, nil))
		query := p.portal.reference(p.pushes(t, form))
		query[name] = []string{value, value + "2"}
		rec := p.authorize(query)
		answer := response(t, rec)
		require.NotEmpty(t, answer.Get("code"), name)
		require.Equal(t, "state-of-portal", answer.Get("state"), name)
		require.True(t, strings.HasPrefix(rec.Header().Get("Location"), "https://portal.example/cb?"), name)
		require.Equal(t, []string{"openid", "records"}, p.login.begun.Scope, name)
		require.Equal(t, map[string]string{"nonce": "pushed"}, p.login.begun.Parameters, name)
		require.Equal(t, challenge(verifier), p.login.begun.CodeChallenge, name)
		require.Equal(t, a.thumbprint(t), p.login.begun.DPoPThumbprint, name)
	}
}

// state-only-outside-request-object-not-used
func TestStateOutsideThePushedRequestIsNotUsed(t *testing.T) {
	t.Parallel()
	p := newFAPI(t)
	query := with(p.portal.reference(p.pushes(t, with(p.portal.pushRequest(t), "state"))), "state", "outside")
	answer := response(t, p.authorize(query))
	require.NotEmpty(t, answer.Get("code"))
	require.False(t, answer.Has("state"))
}

func TestRequestURIThatCannotBeUsedEndsOnThePage(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		tamper func(p *provider, query url.Values)
		code   oauth.ErrorCode
	}{
		"par-attempt-to-use-expired-request_uri":              {func(p *provider, _ url.Values) { p.clock.advance(time.Minute) }, oauth.InvalidRequestURI},
		"par-attempt-to-use-request_uri-for-different-client": {func(_ *provider, q url.Values) { q.Set("client_id", "clinic") }, oauth.InvalidRequestURI},
		"par-attempt-reuse-request_uri":                       {func(p *provider, q url.Values) { response(t, p.authorize(q)) }, oauth.InvalidRequestURI},
		"a guess":                                             {func(_ *provider, q url.Values) { q.Set("request_uri", oauth.RequestURIPrefix+strings.Repeat("A", 43)) }, oauth.InvalidRequestURI},
		"an unknown client":                                   {func(_ *provider, q url.Values) { q.Set("client_id", "nobody") }, oauth.InvalidRequest},
		"no client":                                           {func(_ *provider, q url.Values) { q.Del("client_id") }, oauth.InvalidRequest},
		"two clients":                                         {func(_ *provider, q url.Values) { q.Add("client_id", "clinic") }, oauth.InvalidRequest},
		"two request_uris":                                    {func(_ *provider, q url.Values) { q.Add("request_uri", q.Get("request_uri")) }, oauth.InvalidRequest},
		"the client was removed":                              {func(p *provider, _ url.Values) { p.clients.remove("portal") }, oauth.InvalidRequest},
		"the redirect URI was changed": {func(p *provider, _ url.Values) {
			changed := *p.portal.client
			changed.RedirectURIs = []string{"https://portal.example/new"}
			p.clients.put(&changed)
		}, oauth.InvalidRequestURI},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newFAPI(t)
			query := p.portal.reference(p.pushes(t, p.portal.pushRequest(t)))
			// What the page must not follow, though the query has it.
			query.Set("redirect_uri", p.portal.client.RedirectURIs[0])
			query.Set("response_type", "code")
			c.tamper(p, query)
			p.login.shown = nil
			rec := p.authorize(query)
			require.Equal(t, http.StatusBadRequest, rec.Code)
			require.Empty(t, rec.Header().Get("Location"))
			require.NotNil(t, p.login.shown)
			require.Equal(t, c.code, p.login.shown.Code)
		})
	}
}

func TestRequestURIIsSpentByALoginThatWasDenied(t *testing.T) {
	t.Parallel()
	p := newFAPI(t)
	query := p.portal.reference(p.pushes(t, p.portal.pushRequest(t)))
	held := &holdingLogin{}
	serve(p.AuthorizationHandler(held), getRequest(query))
	p.Deny(t.Context(), held.req, &oauth.Error{Code: oauth.AccessDenied}, "login-1")
	p.authorize(query)
	require.Equal(t, oauth.InvalidRequestURI, p.login.shown.Code)
}

// Two browsers opened the request_uri before either login was completed: the second to finish gets no code.
func TestOneOfTwoLoginsWithARequestURIGetsACode(t *testing.T) {
	t.Parallel()
	p := newFAPI(t)
	query := p.portal.reference(p.pushes(t, p.portal.pushRequest(t)))
	first, second := &holdingLogin{}, &holdingLogin{}
	serve(p.AuthorizationHandler(first), getRequest(query))
	serve(p.AuthorizationHandler(second), getRequest(query))
	grant := p.grant()
	grant.Transaction = "login-2"
	wonCode, lostCode := newCode(), newCode()
	won, err := p.Approve(t.Context(), second.req, grant, wonCode)
	require.NoError(t, err)
	require.NotEmpty(t, won.Parameters.Get("code"))
	grant.Transaction = "login-1"
	lost, err := p.Approve(t.Context(), first.req, grant, lostCode)
	require.NoError(t, err)
	require.Equal(t, "invalid_request_uri", lost.Parameters.Get("error"))
	require.Equal(t, "state-of-portal", lost.Parameters.Get("state"))
	require.Equal(t, issuer, lost.Parameters.Get("iss"))
	require.Empty(t, lost.Parameters.Get("code"))
	require.NotContains(t, p.logs.String(), "WARN", "it is nothing that an operator could do anything about")

	holder := p.newHolder(t)
	rec := postProved(p.TokenHandler(), p.portal.fapiRedemption(t, lostCode), holder.proof(t, endpoints.Token, nil))
	requireRefused(t, rec, 400, oauth.InvalidGrant)
	p.redeemBound(t, p.portal, wonCode, holder)
}

// A login has to have a name, or one could not be told from another, and all would be the one.
func TestApproveOfAPushedRequestNeedsATransaction(t *testing.T) {
	t.Parallel()
	p := newFAPI(t)
	held := &holdingLogin{}
	serve(p.AuthorizationHandler(held), getRequest(p.portal.reference(p.pushes(t, p.portal.pushRequest(t)))))
	grant := p.grant()
	grant.Transaction = ""
	_, err := p.Approve(t.Context(), held.req, grant, newCode())
	require.ErrorContains(t, err, "transaction")
}

// An instance that was configured without pushed requests cannot know whether one was spent.
func TestServerWithoutPushedRequestsCompletesNone(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	req := &oauth.AuthorizationRequest{ClientID: "portal", RedirectURI: "https://portal.example/cb", RequestURI: oauth.RequestURIPrefix + "x", Scope: []string{"openid"}}
	_, err := p.Approve(t.Context(), req, p.grant(), newCode())
	require.ErrorContains(t, err, "Pushed")
	p.authorize(with(p.portal.reference(oauth.RequestURIPrefix+strings.Repeat("A", 43)), "redirect_uri", p.portal.client.RedirectURIs[0]))
	require.Nil(t, p.login.begun)
}

// What Begin would answer, a Resumer that has the login answers instead; it is told whose request it is.
func TestResumerIsAskedFirst(t *testing.T) {
	t.Parallel()
	p := newFAPI(t)
	uri := p.pushes(t, p.portal.pushRequest(t))
	r := &resumer{resumes: true}
	rec := serve(p.AuthorizationHandler(r), getRequest(p.portal.reference(uri)))
	require.Equal(t, http.StatusTeapot, rec.Code)
	require.Equal(t, []string{"portal", uri}, r.asked)
	require.Nil(t, r.req)

	r = &resumer{}
	serve(p.AuthorizationHandler(r), getRequest(p.portal.reference(uri)))
	require.Equal(t, uri, r.req.RequestURI)

	for _, query := range []url.Values{
		with(p.portal.reference(uri), "client_id"), with(p.portal.reference(uri), "client_id", "portal", "clinic"),
		with(p.portal.reference(uri), "request_uri", uri, uri),
	} {
		r = &resumer{resumes: true}
		rec := serve(p.AuthorizationHandler(r), getRequest(query))
		require.Equal(t, http.StatusBadRequest, rec.Code)
		require.Nil(t, r.asked)
	}
}

func TestPushIsAudited(t *testing.T) {
	t.Parallel()
	p := newFAPI(t)
	p.events.take()
	p.pushes(t, p.portal.pushRequest(t))
	post(p.pushHandler(), with(p.portal.pushRequest(t), "response_type", "token"))
	post(p.pushHandler(), with(p.portal.pushRequest(t), "client_assertion", p.clinic.assertion(t, nil)))
	var seen []string
	for _, e := range p.events.take() {
		seen = append(seen, strings.Join([]string{string(e.Type), string(e.Outcome), e.ClientID, e.Reason}, " "))
	}
	require.Equal(t, []string{
		"client_authenticated success portal ", "request_pushed success portal ",
		"client_authenticated success portal ", "request_pushed refused portal unsupported_response_type",
		"client_authenticated refused clinic invalid_client",
	}, seen)
}

// An outage costs the client neither its assertion nor its proof, and a refusal costs both.
func TestPushThatFailsUsesUpNoMoreThanItMust(t *testing.T) {
	t.Parallel()
	p := newFAPI(t)
	a := p.newHolder(t)
	form, proof := p.portal.pushRequest(t), a.proof(t, pushEndpoint, nil)
	p.store.failWith(func(int, string) error { return errors.New("connection refused") })
	requireRefused(t, postProved(p.pushHandler(), form, proof), 503, oauth.ServerError)
	p.store.failWith(nil)
	p.pushes(t, form, proof)
	requireRefused(t, postProved(p.pushHandler(), form, a.proof(t, pushEndpoint, nil)), 401, oauth.InvalidClient)
	requireRefused(t, postProved(p.pushHandler(), p.portal.pushRequest(t), proof), 400, oauth.InvalidDPoPProof)

	refused := with(p.portal.pushRequest(t), "response_type", "token")
	requireRefused(t, post(p.pushHandler(), refused), 400, oauth.UnsupportedResponseType)
	requireRefused(t, post(p.pushHandler(), with(refused, "response_type", "code")), 401, oauth.InvalidClient)
}
