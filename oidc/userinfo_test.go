package oidc_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/audit"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/oidc"
)

// call sends a request to userinfo. The headers are given as name, value, name, value.
func (f *fixture) call(method, target, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	f.UserinfoHandler(f.tokens).ServeHTTP(w, r)
	return w
}

const form = "application/x-www-form-urlencoded"

func TestUserinfoIsSigned(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	x := f.extended(t, "health", "openid profile email")
	w := f.call("GET", "/userinfo", "", "Authorization", "Bearer "+x.AccessToken)
	require.Equal(t, http.StatusOK, w.Code)
	assert.Equal(t, "application/jwt", w.Header().Get("Content-Type"))
	assert.Equal(t, "no-store", w.Header().Get("Cache-Control"))
	header, claims := open(t, w.Body.String())
	assert.Equal(t, "ES256", header.Algorithm)
	assert.Equal(t, "JWT", header.ExtraHeaders[jose.HeaderType])
	assert.Equal(t, map[string]any{
		"iss": issuer, "aud": "health", "sub": x.Grant.Subject, "name": "Sok Dara", "given_name": "Dara",
		"email": "dara@example.org", "email_verified": true, "birthdate": "1990-05-17",
	}, claims)
}

func TestUserinfoAsJSON(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.clients["health"].UserinfoJSON = true
	x := f.extended(t, "health", "openid address")
	w := f.call("GET", "/userinfo", "", "Authorization", "Bearer "+x.AccessToken)
	require.Equal(t, http.StatusOK, w.Code)
	assert.Equal(t, "application/json", w.Header().Get("Content-Type"))
	assert.JSONEq(t, `{"sub": "`+x.Grant.Subject+`", "address": {"region": "Kandal", "country": "KH"}}`, w.Body.String())
}

func TestUserinfoWithoutClaimsHasTheSubject(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.clients["health"].UserinfoJSON = true
	x := f.extended(t, "health", "openid")
	w := f.call("GET", "/userinfo", "", "Authorization", "Bearer "+x.AccessToken)
	assert.JSONEq(t, `{"sub": "`+x.Grant.Subject+`"}`, w.Body.String())
}

func TestUserinfoAlgorithmIsTheClients(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		client oauth.Client
		want   string
	}{
		"default":         {want: "ES256"},
		"of the ID Token": {client: oauth.Client{IDTokenAlgorithm: jose.PS256}, want: "PS256"},
		"of userinfo":     {client: oauth.Client{IDTokenAlgorithm: jose.PS256, UserinfoAlgorithm: jose.EdDSA}, want: "EdDSA"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			tc.client.ID, tc.client.SectorIdentifier = "health", "health.example"
			f.clients["health"] = &tc.client
			x := f.extended(t, "health", "openid")
			header, _ := open(t, f.call("GET", "/userinfo", "", "Authorization", "Bearer "+x.AccessToken).Body.String())
			assert.Equal(t, tc.want, header.Algorithm)
		})
	}
}

func TestUserinfoTakesTheTokenFrom(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	x := f.extended(t, "health", "openid")
	bearer := "Bearer " + x.AccessToken
	for name, w := range map[string]*httptest.ResponseRecorder{
		"the header of a GET":           f.call("GET", "/userinfo", "", "Authorization", bearer),
		"the header of a POST":          f.call("POST", "/userinfo", "", "Authorization", bearer),
		"a header in another case":      f.call("GET", "/userinfo", "", "authorization", "bEARER "+x.AccessToken),
		"a header with spaces":          f.call("GET", "/userinfo", "", "Authorization", "Bearer   "+x.AccessToken+" "),
		"a form":                        f.call("POST", "/userinfo", "access_token="+x.AccessToken, "Content-Type", form),
		"a form with a charset":         f.call("POST", "/userinfo", "a=b&access_token="+x.AccessToken, "Content-Type", form+"; charset=UTF-8"),
		"the header beside a JSON body": f.call("POST", "/userinfo", `{"access_token":1}`, "Authorization", bearer, "Content-Type", "application/json"),
		"the header beside a form":      f.call("POST", "/userinfo", "a=b&access_token=", "Authorization", bearer, "Content-Type", form),
		"a form beside another scheme":  f.call("POST", "/userinfo", "access_token="+x.AccessToken, "Content-Type", form, "Authorization", "Basic eDp5"),
	} {
		assert.Equal(t, http.StatusOK, w.Code, name)
	}
}

func TestUserinfoRefuses(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	token := f.extended(t, "health", "openid").AccessToken
	f.tokens["plain"] = &oauth.AccessToken{ClientID: "health", Grant: oauth.Grant{Subject: "s", Scope: []string{"profile"}}}
	f.tokens["orphan"] = &oauth.AccessToken{ClientID: "gone", Grant: oauth.Grant{Subject: "s", Scope: []string{"openid"}}}
	bearer := "Bearer " + token
	for name, tc := range map[string]struct {
		response *httptest.ResponseRecorder
		status   int
		code     string // none if the client has not tried to authenticate
	}{
		"no credentials":                {f.call("GET", "/userinfo", ""), 401, ""},
		"no credentials in a POST":      {f.call("POST", "/userinfo", "", "Content-Type", form), 401, ""},
		"another scheme":                {f.call("GET", "/userinfo", "", "Authorization", "Basic eDp5"), 401, ""},
		"a scheme that begins alike":    {f.call("GET", "/userinfo", "", "Authorization", "Bearerx "+token), 401, ""},
		"a token in the body of a GET":  {f.call("GET", "/userinfo", "access_token="+token, "Content-Type", form), 401, ""},
		"a token in JSON":               {f.call("POST", "/userinfo", `{"access_token":"`+token+`"}`, "Content-Type", "application/json"), 401, ""},
		"a token in plain text":         {f.call("POST", "/userinfo", "access_token="+token, "Content-Type", "text/plain"), 401, ""},
		"a form without its type":       {f.call("POST", "/userinfo", "access_token="+token), 401, ""},
		"a token in the URL":            {f.call("GET", "/userinfo?access_token="+token, ""), 400, "invalid_request"},
		"an empty token in the URL":     {f.call("GET", "/userinfo?access_token=", ""), 400, "invalid_request"},
		"a token in a malformed URL":    {f.call("GET", "/userinfo?a=%zz&access_token="+token, ""), 400, "invalid_request"},
		"tokens in header and URL":      {f.call("GET", "/userinfo?access_token="+token, "", "Authorization", bearer), 400, "invalid_request"},
		"tokens in header and form":     {f.call("POST", "/userinfo", "access_token="+token, "Content-Type", form, "Authorization", bearer), 400, "invalid_request"},
		"two tokens in a form":          {f.call("POST", "/userinfo", "access_token="+token+"&access_token="+token, "Content-Type", form), 400, "invalid_request"},
		"two headers":                   {f.call("GET", "/userinfo", "", "Authorization", bearer, "Authorization", bearer), 400, "invalid_request"},
		"a header without a token":      {f.call("GET", "/userinfo", "", "Authorization", "Bearer"), 400, "invalid_request"},
		"a header of spaces":            {f.call("GET", "/userinfo", "", "Authorization", "Bearer   "), 400, "invalid_request"},
		"a malformed form":              {f.call("POST", "/userinfo", "access_token=%zz", "Content-Type", form), 400, "invalid_request"},
		"a huge form":                   {f.call("POST", "/userinfo", "a="+strings.Repeat("a", 16<<10), "Content-Type", form), 400, "invalid_request"},
		"an unknown token":              {f.call("GET", "/userinfo", "", "Authorization", "Bearer unknown"), 401, "invalid_token"},
		"a token with spaces":           {f.call("GET", "/userinfo", "", "Authorization", bearer+" "+token), 401, "invalid_token"},
		"a token with quotes":           {f.call("GET", "/userinfo", "", "Authorization", `Bearer "`+token+`"`), 401, "invalid_token"},
		"a token that is not ASCII":     {f.call("GET", "/userinfo", "", "Authorization", "Bearer tökén"), 401, "invalid_token"},
		"a huge token":                  {f.call("GET", "/userinfo", "", "Authorization", "Bearer "+strings.Repeat("a", 8<<10+1)), 401, "invalid_token"},
		"a token of a client long gone": {f.call("GET", "/userinfo", "", "Authorization", "Bearer orphan"), 401, "invalid_token"},
		"a token without openid":        {f.call("GET", "/userinfo", "", "Authorization", "Bearer plain"), 403, "insufficient_scope"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := tc.response
			assert.Equal(t, tc.status, w.Code)
			assert.Equal(t, "no-store", w.Header().Get("Cache-Control"))
			challenge := w.Header().Get("WWW-Authenticate")
			if tc.code == "" {
				assert.Equal(t, "Bearer", challenge)
				assert.Empty(t, w.Body.String())
				return
			}
			assert.True(t, strings.HasPrefix(challenge, `Bearer error="`+tc.code+`", error_description="`), challenge)
			assert.Equal(t, tc.code == "insufficient_scope", strings.HasSuffix(challenge, `, scope="openid"`), challenge)
			var body map[string]string
			require.NoError(t, json.Unmarshal(w.Body.Bytes(), &body))
			assert.Equal(t, tc.code, body["error"])
			assert.NotContains(t, challenge+w.Body.String(), token)
		})
	}
}

func TestUserinfoAllowsGetAndPost(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	token := f.extended(t, "health", "openid").AccessToken
	for _, method := range []string{"HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"} {
		w := f.call(method, "/userinfo", "", "Authorization", "Bearer "+token)
		assert.Equal(t, http.StatusMethodNotAllowed, w.Code, method)
		assert.Equal(t, "GET, POST", w.Header().Get("Allow"), method)
	}
}

func TestUserinfoFailsClosedWhenABackendIsDown(t *testing.T) {
	t.Parallel()
	live := newFixture(t)
	token := live.extended(t, "health", "openid email").AccessToken
	for name, tc := range map[string]struct {
		change func(*oidc.Config)
		tokens oidc.TokenSource
	}{
		"tokens":  {tokens: brokenBackend{}},
		"clients": {change: func(c *oidc.Config) { c.Clients = brokenBackend{} }},
		"keys":    {change: func(c *oidc.Config) { c.Keys = brokenBackend{} }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			if tc.change != nil {
				f = newFixture(t, tc.change)
			}
			source := tc.tokens
			if source == nil {
				source = live.tokens
			}
			r := httptest.NewRequest("GET", "/userinfo", nil)
			r.Header.Set("Authorization", "Bearer "+token)
			w := httptest.NewRecorder()
			f.UserinfoHandler(source).ServeHTTP(w, r)
			assert.Equal(t, http.StatusServiceUnavailable, w.Code)
			assert.Empty(t, w.Header().Get("WWW-Authenticate"))
			assert.Equal(t, "no-store", w.Header().Get("Cache-Control"))
			assert.NotContains(t, w.Body.String(), "10.1.2.3")
			assert.NotContains(t, w.Body.String(), "dara")
		})
	}
}

func TestUserinfoIsAudited(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	x := f.extended(t, "health", "openid email")
	f.tokens["plain"] = &oauth.AccessToken{ClientID: "health", Grant: oauth.Grant{Subject: "s", Transaction: "t"}}
	f.call("GET", "/userinfo", "", "Authorization", "Bearer "+x.AccessToken)
	f.call("GET", "/userinfo", "", "Authorization", "Bearer plain")
	f.call("GET", "/userinfo", "", "Authorization", "Bearer unknown")
	f.call("GET", "/userinfo", "")
	assert.Equal(t, &events{
		{
			Time: now, Type: audit.ClaimsReleased, Outcome: audit.Success,
			ClientID: "health", Subject: x.Grant.Subject, Transaction: "transaction-1",
		},
		{
			Time: now, Type: audit.ClaimsReleased, Outcome: audit.Refused,
			ClientID: "health", Subject: "s", Transaction: "t", Reason: "insufficient_scope",
		},
	}, f.events, "what strangers try is no event")
}

func TestUserinfoFailuresAreAudited(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(c *oidc.Config) { c.Keys = brokenBackend{} })
	_, err := f.Userinfo(t.Context(), &oauth.AccessToken{ClientID: "health", Grant: oauth.Grant{Scope: []string{"openid"}}})
	require.ErrorIs(t, err, errBackend)
	require.Len(t, *f.events, 1)
	assert.Equal(t, audit.Failed, (*f.events)[0].Outcome)
}

func TestUserinfoLooksUpWellFormedTokensOnly(t *testing.T) {
	t.Parallel()
	handler := newFixture(t).UserinfoHandler(brokenBackend{})
	for token, status := range map[string]int{
		"abc.-_~+/09==": 503, "a b": 401, `a"b`: 401, "a,b": 401, "tökén": 401, strings.Repeat("a", 8<<10+1): 401,
	} {
		r := httptest.NewRequest("GET", "/userinfo", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		assert.Equal(t, status, w.Code)
	}
}

func TestUserinfoIsNotReadBeyondItsBound(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	endless := &counter{}
	r := httptest.NewRequest("POST", "/userinfo", endless)
	r.Header.Set("Content-Type", form)
	w := httptest.NewRecorder()
	f.UserinfoHandler(f.tokens).ServeHTTP(w, r)
	assert.Equal(t, http.StatusBadRequest, w.Code)
	assert.Less(t, endless.read, 64<<10)
}

type counter struct{ read int }

func (c *counter) Read(p []byte) (int, error) {
	c.read += len(p)
	return len(p), nil
}
