package oauth_test

import (
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/store"
)

func TestCodeIsExchangedForAnAccessToken(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	rec := post(p.TokenHandler(), p.portal.redemption(t, p.code(t, p.portal)))
	require.Equal(t, http.StatusOK, rec.Code, rec.Body)
	require.Equal(t, "application/json", rec.Header().Get("Content-Type"))
	require.Equal(t, "no-store", rec.Header().Get("Cache-Control"))
	require.Equal(t, "no-cache", rec.Header().Get("Pragma"))
	body := decode[map[string]any](t, rec)
	require.Len(t, body, 4)
	require.Equal(t, "Bearer", body["token_type"])
	require.EqualValues(t, 600, body["expires_in"])
	require.Equal(t, "openid records", body["scope"])
	require.True(t, p.live(t, body["access_token"].(string)))
}

func TestScopeOfTheResponseIsTheGrantedOne(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	response(t, p.authorize(p.portal.request()))
	code := store.NewHandle()
	_, err := p.Approve(t.Context(), p.login.begun, p.grant(), code) // openid of openid and records
	require.NoError(t, err)
	require.Equal(t, "openid", p.redeem(t, p.portal, code).Scope)
}

func TestTokenRequestIsRefused(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	code := p.code(t, p.portal)
	for name, c := range map[string]struct {
		change func(v url.Values) url.Values
		code   oauth.ErrorCode
		status int
	}{
		"no grant type":       {without("grant_type"), oauth.InvalidRequest, 400},
		"unknown grant type":  {to("grant_type", zebra), oauth.UnsupportedGrantType, 400},
		"grant type password": {to("grant_type", "password"), oauth.UnsupportedGrantType, 400},
		"grant type of clients": {
			to("grant_type", "client_credentials"), oauth.UnsupportedGrantType, 400,
		},
		"grant type twice":              {to("grant_type", "authorization_code", "authorization_code"), oauth.InvalidRequest, 400},
		"no code":                       {without("code"), oauth.InvalidRequest, 400},
		"empty code":                    {to("code", ""), oauth.InvalidRequest, 400},
		"unknown code":                  {to("code", strings.Repeat("z", 42)+"A"), oauth.InvalidGrant, 400},
		"code that is none":             {to("code", zebra), oauth.InvalidGrant, 400},
		"code with a NUL":               {to("code", code+"\x00"), oauth.InvalidGrant, 400},
		"code with a line break":        {to("code", code+"\n"), oauth.InvalidGrant, 400},
		"code too long":                 {to("code", strings.Repeat("z", 1<<15)), oauth.InvalidGrant, 400},
		"code not in UTF-8":             {to("code", "\xff"), oauth.InvalidRequest, 400},
		"code twice":                    {to("code", code, code), oauth.InvalidRequest, 400},
		"no redirect URI":               {without("redirect_uri"), oauth.InvalidGrant, 400},
		"wrong redirect URI":            {to("redirect_uri", "https://zebra.example/cb"), oauth.InvalidGrant, 400},
		"redirect URI twice":            {to("redirect_uri", "a", "b"), oauth.InvalidRequest, 400},
		"no verifier":                   {without("code_verifier"), oauth.InvalidGrant, 400},
		"wrong verifier":                {to("code_verifier", verifier+"x"), oauth.InvalidGrant, 400},
		"verifier too short":            {to("code_verifier", verifier[:42]), oauth.InvalidGrant, 400},
		"verifier too long":             {to("code_verifier", strings.Repeat("z", 129)), oauth.InvalidGrant, 400},
		"verifier is the challenge":     {to("code_verifier", p.portal.request().Get("code_challenge")), oauth.InvalidGrant, 400},
		"verifier twice":                {to("code_verifier", verifier, verifier), oauth.InvalidRequest, 400},
		"no assertion":                  {without("client_assertion"), oauth.InvalidClient, 401},
		"assertion that is none":        {to("client_assertion", zebra), oauth.InvalidClient, 401},
		"assertion too long":            {to("client_assertion", strings.Repeat("z", 1<<15)), oauth.InvalidClient, 401},
		"assertion twice":               {to("client_assertion", "a.b.c", "a.b.c"), oauth.InvalidRequest, 400},
		"no assertion type":             {without("client_assertion_type"), oauth.InvalidClient, 401},
		"unknown assertion type":        {to("client_assertion_type", zebra), oauth.InvalidClient, 401},
		"assertion type of SAML":        {to("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"), oauth.InvalidClient, 401},
		"client_id of another":          {to("client_id", "clinic"), oauth.InvalidClient, 401},
		"client_id twice":               {to("client_id", "portal", "portal"), oauth.InvalidRequest, 400},
		"a client secret too":           {to("client_secret", zebra), oauth.InvalidClient, 401},
		"nothing but a client_id":       {func(url.Values) url.Values { return url.Values{"client_id": {"portal"}} }, oauth.InvalidClient, 401},
		"a client secret for assertion": {func(url.Values) url.Values { return url.Values{"client_id": {"portal"}, "client_secret": {zebra}} }, oauth.InvalidClient, 401},
		"nothing":                       {func(url.Values) url.Values { return url.Values{} }, oauth.InvalidClient, 401},
	} {
		t.Run(name, func(t *testing.T) {
			rec := post(p.TokenHandler(), c.change(p.portal.redemption(t, code)))
			requireRefused(t, rec, c.status, c.code)
			require.NotContains(t, rec.Body.String(), zebra)
			require.Empty(t, rec.Header().Get("WWW-Authenticate"))
		})
	}
	p.redeem(t, p.portal, code) // after all this the code is as good as before
}

func to(name string, values ...string) func(url.Values) url.Values {
	return func(v url.Values) url.Values { return with(v, name, values...) }
}

func without(name string) func(url.Values) url.Values { return to(name) }

func TestTokenRequestMustBeAForm(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	form := p.portal.redemption(t, p.code(t, p.portal)).Encode()
	for name, c := range map[string]struct {
		contentType, body string
		status            int
	}{
		"no content type":     {"", form, 415},
		"JSON":                {"application/json", `{"grant_type":"authorization_code"}`, 415},
		"multipart":           {"multipart/form-data; boundary=x", form, 415},
		"broken content type": {"application/x-www-form-urlencoded; charset", form, 415},
		"broken escape":       {"application/x-www-form-urlencoded", form + "&x=%z", 400},
		"too large":           {"application/x-www-form-urlencoded", form + "&x=" + strings.Repeat("z", 64<<10), 413},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodPost, "/token", strings.NewReader(c.body))
			r.Header.Set("Content-Type", c.contentType)
			requireRefused(t, serve(p.TokenHandler(), r), c.status, oauth.InvalidRequest)
		})
	}
	r := httptest.NewRequest(http.MethodPost, "/token?"+form, nil) // where logs and histories keep it
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	requireRefused(t, serve(p.TokenHandler(), r), 401, oauth.InvalidClient)

	r = httptest.NewRequest(http.MethodPost, "/token", strings.NewReader(form))
	r.Header.Set("Content-Type", "Application/X-WWW-Form-Urlencoded; charset=UTF-8")
	require.Equal(t, http.StatusOK, serve(p.TokenHandler(), r).Code)
}

func TestEndlessBodyIsNotReadToItsEnd(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	body := &endless{}
	r := httptest.NewRequest(http.MethodPost, "/token", body)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	requireRefused(t, serve(p.TokenHandler(), r), 413, oauth.InvalidRequest)
	require.Less(t, body.read, 128<<10)
}

// endless is a body that ends when more of it was read than anybody should.
type endless struct{ read int }

func (e *endless) Read(b []byte) (int, error) {
	if e.read > 1<<20 {
		return 0, io.EOF
	}
	e.read += len(b)
	return copy(b, strings.Repeat("x", len(b))), nil
}

func TestAuthorizationHeaderIsAnsweredInKind(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	for name, handler := range map[string]http.Handler{
		"token": p.TokenHandler(), "introspection": p.IntrospectionHandler(), "revocation": p.RevocationHandler(),
	} {
		t.Run(name, func(t *testing.T) {
			form := p.portal.authenticated(t, issuer, url.Values{"token": {"x"}})
			r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(form.Encode()))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.SetBasicAuth("portal", zebra)
			rec := serve(handler, r)
			requireRefused(t, rec, 401, oauth.InvalidClient)
			require.True(t, strings.HasPrefix(rec.Header().Get("WWW-Authenticate"), `Basic realm="`))
		})
	}
}

// None of these may cost the client its code: each could be sent by somebody who has seen it on its way.
func TestCodeSurvivesWhatIsNotItsRedemption(t *testing.T) {
	t.Parallel()
	for name, send := range map[string]func(t *testing.T, p *provider, code string) url.Values{
		"a wrong verifier": func(t *testing.T, p *provider, code string) url.Values {
			return with(p.portal.redemption(t, code), "code_verifier", strings.Repeat("x", 43))
		},
		"no verifier": func(t *testing.T, p *provider, code string) url.Values {
			return with(p.portal.redemption(t, code), "code_verifier")
		},
		"a wrong redirect URI": func(t *testing.T, p *provider, code string) url.Values {
			return with(p.portal.redemption(t, code), "redirect_uri", "https://clinic.example/cb")
		},
		"another client": func(t *testing.T, p *provider, code string) url.Values {
			return p.clinic.redemption(t, code)
		},
		"another client with the right redirect URI": func(t *testing.T, p *provider, code string) url.Values {
			return with(p.clinic.redemption(t, code), "redirect_uri", "https://portal.example/cb")
		},
		"an expired assertion": func(t *testing.T, p *provider, code string) url.Values {
			assertion := p.portal.assertion(t, map[string]any{"exp": p.clock.Now().Add(-time.Second).Unix()})
			return with(p.portal.redemption(t, code), "client_assertion", assertion)
		},
		"an assertion that was used": func(t *testing.T, p *provider, code string) url.Values {
			form := p.portal.redemption(t, code)
			requireRefused(t, post(p.TokenHandler(), with(form, "code_verifier")), 400, oauth.InvalidGrant)
			return form
		},
		"an unknown grant type": func(t *testing.T, p *provider, code string) url.Values {
			return with(p.portal.redemption(t, code), "grant_type", "refresh_token")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProvider(t)
			code := p.code(t, p.portal)
			require.NotEqual(t, http.StatusOK, post(p.TokenHandler(), send(t, p, code)).Code)
			require.True(t, p.live(t, p.redeem(t, p.portal, code).AccessToken))
		})
	}
}

func TestCodeLivesAMinute(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	late, inTime := p.code(t, p.portal), p.code(t, p.portal)
	p.clock.advance(59 * time.Second)
	p.redeem(t, p.portal, inTime)
	p.clock.advance(time.Second)
	requireRefused(t, post(p.TokenHandler(), p.portal.redemption(t, late)), 400, oauth.InvalidGrant)
}

// A verifier for a code without a challenge means that somebody removed the challenge on the way (RFC 9700 4.8.2).
func TestVerifierWithoutAChallengeIsRefused(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	p.portal.client.PKCEOptional = true
	request := with(with(p.portal.request(), "code_challenge"), "code_challenge_method")
	code := response(t, p.authorize(request)).Get("code")
	requireRefused(t, post(p.TokenHandler(), p.portal.redemption(t, code)), 400, oauth.InvalidGrant)
	require.Equal(t, http.StatusOK, post(p.TokenHandler(), with(p.portal.redemption(t, code), "code_verifier")).Code)
}

func TestVerifierHasTheCharactersOfRFC7636(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	for name, c := range map[string]struct {
		verifier string
		status   int
	}{
		"all kinds":      {"ABCXYZabcxyz0189-._~ABCXYZabcxyz0189-._~ABC", 200},
		"43 characters":  {strings.Repeat("v", 43), 200},
		"128 characters": {strings.Repeat("v", 128), 200},
		"42 characters":  {strings.Repeat("v", 42), 400},
		"129 characters": {strings.Repeat("v", 129), 400},
		"plus":           {strings.Repeat("+", 43), 400},
		"space":          {strings.Repeat("v", 43) + " ", 400},
		"line break":     {strings.Repeat("v", 43) + "\n", 400},
		"in the middle":  {strings.Repeat("v", 30) + "=" + strings.Repeat("v", 30), 400},
	} {
		t.Run(name, func(t *testing.T) {
			code := response(t, p.authorize(with(p.portal.request(), "code_challenge", challenge(c.verifier)))).Get("code")
			rec := post(p.TokenHandler(), with(p.portal.redemption(t, code), "code_verifier", c.verifier))
			require.Equal(t, c.status, rec.Code, rec.Body)
		})
	}
}

func TestClientThatChangesBetweenCodeAndToken(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(p *provider)
		status int
		code   oauth.ErrorCode
	}{
		"deactivated": {func(p *provider) { p.clients.remove("portal") }, 401, oauth.InvalidClient},
		"redirect URI removed": {func(p *provider) {
			c := *p.portal.client
			c.RedirectURIs = []string{"https://portal.example/other"}
			p.clients.put(&c)
		}, 400, oauth.InvalidGrant},
		"key replaced": {func(p *provider) {
			c := *p.portal.client
			c.Keys = p.clinic.client.Keys
			p.clients.put(&c)
		}, 401, oauth.InvalidClient},
		"algorithm replaced": {func(p *provider) {
			c := *p.portal.client
			c.AssertionAlgorithm = "ES384"
			p.clients.put(&c)
		}, 401, oauth.InvalidClient},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProvider(t)
			code := p.code(t, p.portal)
			c.change(p)
			requireRefused(t, post(p.TokenHandler(), p.portal.redemption(t, code)), c.status, c.code)
			p.clients.put(p.portal.client)
			p.redeem(t, p.portal, code)
		})
	}
}

func TestTokenDoesNotOutliveItsGrant(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	for name, c := range map[string]struct {
		left time.Duration
		want int64 // expires_in, or 0 for a refusal
	}{
		"long":        {time.Hour, 600},
		"short":       {90*time.Second + 700*time.Millisecond, 90},
		"one second":  {time.Second, 1},
		"less":        {999 * time.Millisecond, 0},
		"none":        {-time.Millisecond, 0},
		"long past":   {-24 * time.Hour, 0},
		"much longer": {1000 * time.Hour, 600},
	} {
		t.Run(name, func(t *testing.T) {
			response(t, p.authorize(p.portal.request()))
			grant := p.grant()
			grant.ExpiresAt = p.clock.Now().Add(c.left)
			code := store.NewHandle()
			_, err := p.Approve(t.Context(), p.login.begun, grant, code)
			require.NoError(t, err)
			rec := post(p.TokenHandler(), p.portal.redemption(t, code))
			if c.want == 0 {
				requireRefused(t, rec, 400, oauth.InvalidGrant)
				return
			}
			token := decode[tokenResponse](t, rec)
			require.Equal(t, c.want, token.ExpiresIn)
			record, err := p.AccessToken(t.Context(), token.AccessToken)
			require.NoError(t, err)
			require.False(t, record.ExpiresAt.After(grant.ExpiresAt))
		})
	}
}

func TestUnknownParametersOfTheTokenRequestAreIgnored(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	form := p.portal.redemption(t, p.code(t, p.portal))
	maps.Copy(form, url.Values{"scope": {"everything"}, "x": {"1", "2"}, "client_secret": {""}, "client_id": {"portal"}})
	rec := post(p.TokenHandler(), form)
	require.Equal(t, http.StatusOK, rec.Code, rec.Body)
	require.Equal(t, "openid records", decode[tokenResponse](t, rec).Scope)
}
