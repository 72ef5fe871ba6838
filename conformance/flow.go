package conformance

import (
	"cmp"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// flow is the client side of one authorization flow, from the request to the resource. Its fields can be changed
// between the steps, to send what a good client does not send.
type flow struct {
	t       *trial
	number  int
	client  *Client
	key     jose.JSONWebKey
	browser *browser

	// params are the authorization request's parameters, the redirect URI among them.
	params url.Values
	// outside is what the browser carries beside client_id and request_uri: harmless duplicates, unless changed.
	outside url.Values
	// verifier is the PKCE code verifier. Empty: the token request has none.
	verifier string

	// assertion and object change the client assertion and the request object.
	assertion, object edit
	// unsignedPush pushes plain parameters where signed ones are due.
	unsignedPush bool
	// form and header change what is posted, when it is otherwise complete.
	form   func(url.Values)
	header func(http.Header)

	// dpopKey signs DPoP proofs, and proof changes them.
	dpopKey jose.JSONWebKey
	proof   edit
	// proofAtPAR sends a proof with the pushed request; noProof sends none with the token request.
	proofAtPAR, noProof bool
	// plainErrors allows errors that are not signed, where the fault leaves the provider without a client to sign for.
	plainErrors bool
	// nonces are the DPoP nonces of each endpoint.
	nonces map[string]string
}

// flow returns a flow of the first or the second client, with a fresh browser.
func (t *trial) flow(number int) *flow { return t.flowOf(t.client(number), number) }

// flowOf returns a flow of another client, that is otherwise one of the first or the second.
func (t *trial) flowOf(c *Client, number int) *flow {
	key, err := c.key()
	if err != nil {
		t.fatal("%v", err)
	}
	f := &flow{t: t, number: number, client: c, key: key, browser: t.newBrowser(), nonces: map[string]string{}}
	f.params = url.Values{
		"response_type": {"code"},
		"client_id":     {c.ID},
		"redirect_uri":  {c.RedirectURI},
		"scope":         {"openid"},
		"state":         {randomText(10, alphanumeric)},
	}
	if number == 2 {
		f.params.Set("state", randomText(124, unreserved)+"-._~")
	}
	if t.plan.openid {
		f.params.Set("nonce", randomText(map[int]int{1: 10, 2: 43}[number], alphanumeric))
	}
	if t.plan.pkce {
		f.withPKCE()
	}
	if t.plan.fapi {
		f.params.Set("scope", c.Scope)
		f.withPKCE()
		f.dpopKey = t.newDPoPKey()
		f.outside = url.Values{}
		for _, name := range []string{"response_type", "scope", "redirect_uri"} {
			f.outside.Set(name, f.params.Get(name))
		}
	}
	if t.plan.jarm {
		f.params.Set("response_mode", "jwt")
	}
	return f
}

// again returns another flow of the same client in the same browser, with new values.
func (f *flow) again() *flow {
	next := f.t.flowOf(f.client, f.number)
	next.browser = f.browser
	next.params.Set("scope", f.params.Get("scope"))
	return next
}

func (f *flow) withPKCE() {
	f.verifier = randomText(64, unreserved)
	f.params.Set("code_challenge", challenge(f.verifier))
	f.params.Set("code_challenge_method", "S256")
}

// redirectURI is where the answer is expected.
func (f *flow) redirectURI() string {
	return cmp.Or(f.params.Get("redirect_uri"), f.client.RedirectURI)
}

// begin returns the URL that starts the flow: the authorization endpoint's, after a push where the profile wants one.
func (f *flow) begin() string {
	if !f.t.plan.fapi {
		return f.requestURL()
	}
	return f.pushedURL(f.pushed())
}

// requestURL has all parameters in the query.
func (f *flow) requestURL() string { return f.authorizationURL(f.params) }

// pushedURL has the request_uri, and the duplicates.
func (f *flow) pushedURL(requestURI string) string {
	query := url.Values{"client_id": {f.client.ID}, "request_uri": {requestURI}}
	maps.Copy(query, f.outside)
	return f.authorizationURL(query)
}

func (f *flow) authorizationURL(query url.Values) string {
	u, err := url.Parse(f.t.endpoint("authorization_endpoint"))
	if err != nil {
		f.t.fatal("authorization_endpoint: %v", err)
	}
	all := u.Query()
	maps.Copy(all, query)
	u.RawQuery = all.Encode()
	return u.String()
}

// push posts the authorization request.
func (f *flow) push() *answer {
	return f.post(f.t.endpoint("pushed_authorization_request_endpoint"), f.proofAtPAR, func() url.Values {
		form := cloneValues(f.params)
		if f.number == 2 && !f.proofAtPAR && !form.Has("dpop_jkt") {
			form.Set("dpop_jkt", f.thumbprint())
		}
		if f.t.plan.signed && !f.unsignedPush {
			form = url.Values{"request": {f.t.sign(f.requestObject(form), f.object)}, "client_id": {f.client.ID}}
		}
		return form
	})
}

// pushed is push for a request that must be accepted. It returns the request_uri.
func (f *flow) pushed() string { return f.t.goodPush(f.push()) }

// requestObject returns the parameters as a request object (RFC 9101 and FAPI 2.0 Message Signing 5.3.1).
func (f *flow) requestObject(params url.Values) *jws {
	now := time.Now()
	claims := map[string]any{
		"iss": f.client.ID, "aud": f.t.target.Issuer,
		"nbf": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(),
	}
	for name := range params {
		claims[name] = claimOf(name, params.Get(name))
	}
	typ := "oauth-authz-req+jwt"
	if f.number == 2 {
		typ = randomCase(typ)
	}
	return newJWS(f.key, typ, claims)
}

// redeem posts the token request for the code.
func (f *flow) redeem(code string) *answer {
	return f.post(f.t.endpoint("token_endpoint"), f.t.plan.fapi && !f.noProof, func() url.Values {
		form := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {f.redirectURI()}}
		if f.verifier != "" {
			form.Set("code_verifier", f.verifier)
		}
		return form
	})
}

// refresh posts the token request for the refresh token.
func (f *flow) refresh(refreshToken string) *answer {
	return f.post(f.t.endpoint("token_endpoint"), f.t.plan.fapi && !f.noProof, func() url.Values {
		return url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refreshToken}}
	})
}

// post posts a form with the client's authentication. A demand for a nonce is met once, with a new assertion.
func (f *flow) post(endpoint string, withProof bool, parameters func() url.Values) *answer {
	a := f.postOnce(endpoint, withProof, f.authenticated(parameters()))
	if withProof && isNonceDemand(a) {
		a = f.postOnce(endpoint, withProof, f.authenticated(parameters()))
	}
	return a
}

func (f *flow) postOnce(endpoint string, withProof bool, form url.Values) *answer {
	body := form.Encode()
	if f.number == 2 {
		body = reversed(body)
	}
	req := f.t.newPostBody(endpoint, body)
	if withProof {
		req.Header.Set("DPoP", f.t.sign(f.dpopProof(req.Method, endpoint, ""), f.proof))
	}
	if f.header != nil {
		f.header(req.Header)
	}
	a := f.t.send(req)
	f.keepNonce(endpoint, a)
	return a
}

// authenticated adds a client assertion.
func (f *flow) authenticated(form url.Values) url.Values {
	form.Set("client_id", f.client.ID)
	form.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
	form.Set("client_assertion", f.t.sign(f.clientAssertion(), f.assertion))
	if f.form != nil {
		f.form(form)
	}
	return form
}

// clientAssertion returns an assertion (RFC 7523) for the issuer under FAPI, and for the token endpoint otherwise.
func (f *flow) clientAssertion() *jws {
	audience := f.t.target.Issuer
	if !f.t.plan.fapi {
		audience = f.t.endpoint("token_endpoint")
	}
	now := time.Now().Unix()
	return newJWS(f.key, "", map[string]any{
		"iss": f.client.ID, "sub": f.client.ID, "aud": audience, "jti": randomText(24, alphanumeric),
		"iat": now, "nbf": now, "exp": now + 60,
	})
}

// login lets the person log in, and returns where the browser ends.
func (f *flow) login() *landing { return f.browser.login(f.begin(), LogIn) }

// code runs the flow up to a good authorization response and returns the code.
func (f *flow) code() string { return f.goodCallback(f.login()) }

// tokens runs the flow up to a good token response.
func (f *flow) tokens() *tokens { return f.goodTokens(f.redeem(f.code())) }

// complete runs the whole flow.
func (f *flow) complete() *tokens {
	tokens := f.tokens()
	f.goodResource(tokens)
	return tokens
}

func cloneValues(v url.Values) url.Values {
	c := url.Values{}
	for name, values := range v {
		c[name] = slices.Clone(values)
	}
	return c
}

// reversed returns an encoded form with its parameters in reverse order.
func reversed(form string) string {
	parts := strings.Split(form, "&")
	slices.Reverse(parts)
	return strings.Join(parts, "&")
}
