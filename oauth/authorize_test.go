package oauth_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/store"
)

// zebra stands for what a stranger sends: no error may repeat it.
const zebra = "zebra"

func TestAuthorizationRequestReachesTheInteractionAsItWasSent(t *testing.T) {
	t.Parallel()
	for name, send := range map[string]func(p *provider, v url.Values) *httptest.ResponseRecorder{
		"GET": (*provider).authorize,
		"POST": func(p *provider, v url.Values) *httptest.ResponseRecorder {
			return post(p.AuthorizationHandler(p.login), v)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProvider(t)
			query := p.portal.request()
			query.Set("scope", "records openid records")
			query.Set("unknown", "ignored")
			query["resource"] = []string{"unknown parameters", "may be repeated"}

			parameters := response(t, send(p, query))
			require.Equal(t, &oauth.AuthorizationRequest{
				ClientID: "portal", RedirectURI: "https://portal.example/cb", Scope: []string{"records", "openid"},
				State: "state-of-portal", CodeChallenge: query.Get("code_challenge"),
			}, p.login.begun)
			require.Len(t, parameters, 3)
			require.Len(t, parameters.Get("code"), 43)
			require.Equal(t, "state-of-portal", parameters.Get("state"))
			require.Equal(t, issuer, parameters.Get("iss"))
		})
	}
}

func TestAuthorizationParametersOfTheExtensionAreKept(t *testing.T) {
	t.Parallel()
	p := newProvider(t, func(c *oauth.Config) { c.Extension = &extension{parameters: []string{"nonce", "display", "prompt"}} })
	query := p.portal.request()
	query.Set("nonce", "  n\u00e9 ")
	query.Set("display", "")
	query.Set("claims", "{}")
	response(t, p.authorize(query))
	require.Equal(t, map[string]string{"nonce": "  n\u00e9 "}, p.login.begun.Parameters)
}

// An error about the client or the redirect URI is shown to the person: nothing is sent to an address that is not known
// to be the client's.
func TestAuthorizationErrorBeforeTheRedirectURIIsVerifiedIsShown(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	good := p.portal.request()
	for name, query := range map[string]url.Values{
		"no client":                   with(good, "client_id"),
		"empty client":                with(good, "client_id", ""),
		"unknown client":              with(good, "client_id", zebra),
		"client twice":                with(good, "client_id", "portal", "portal"),
		"client with a NUL":           with(good, "client_id", "portal\x00"),
		"client not in UTF-8":         with(good, "client_id", "portal\xff"),
		"client too long":             with(good, "client_id", strings.Repeat("z", 1<<14)),
		"no redirect URI":             with(good, "redirect_uri"),
		"unregistered redirect URI":   with(good, "redirect_uri", "https://zebra.example/cb"),
		"redirect URI of another":     with(good, "redirect_uri", "https://clinic.example/cb"),
		"redirect URI twice":          with(good, "redirect_uri", "https://portal.example/cb", "https://portal.example/cb"),
		"redirect URI with a query":   with(good, "redirect_uri", "https://portal.example/cb?x=1"),
		"redirect URI in capitals":    with(good, "redirect_uri", "https://PORTAL.example/cb"),
		"redirect URI with a slash":   with(good, "redirect_uri", "https://portal.example/cb/"),
		"redirect URI with a port":    with(good, "redirect_uri", "https://portal.example:443/cb"),
		"redirect URI with dots":      with(good, "redirect_uri", "https://portal.example/x/../cb"),
		"redirect URI escaped":        with(good, "redirect_uri", "https://portal.example/c%62"),
		"redirect URI with a user":    with(good, "redirect_uri", "https://portal.example@zebra.example/cb"),
		"redirect URI with fragment":  with(good, "redirect_uri", "https://portal.example/cb#"),
		"prefix of the redirect URI":  with(good, "redirect_uri", "https://portal.example/c"),
		"redirect URI that is script": with(good, "redirect_uri", "javascript:alert(1)"),
	} {
		t.Run(name, func(t *testing.T) {
			rec := p.authorize(query)
			require.Equal(t, http.StatusBadRequest, rec.Code)
			require.Empty(t, rec.Header().Get("Location"))
			require.Equal(t, oauth.InvalidRequest, p.login.shown.Code)
			requireDescription(t, p.login.shown.Description)
			require.NotContains(t, p.login.shown.Error(), zebra)
		})
	}
}

func TestMalformedAuthorizationRequestIsShown(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	many := p.portal.request()
	for i := range 101 {
		many.Set("p"+strings.Repeat("x", i), "")
	}
	for name, c := range map[string]struct {
		query  string
		status int
	}{
		"broken escape":       {p.portal.request().Encode() + "&state=%zz", 400},
		"semicolon":           {p.portal.request().Encode() + ";state=1", 400},
		"too many parameters": {many.Encode(), 400},
		"too large":           {p.portal.request().Encode() + "&x=" + strings.Repeat("z", 64<<10), 413},
		"nothing":             {"", 400},
	} {
		t.Run(name, func(t *testing.T) {
			for _, r := range []*http.Request{
				httptest.NewRequest(http.MethodGet, "/authorize?"+c.query, nil),
				httptest.NewRequest(http.MethodPost, "/authorize", strings.NewReader(c.query)),
			} {
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				rec := serve(p.AuthorizationHandler(p.login), r)
				require.Equal(t, c.status, rec.Code)
				require.Empty(t, rec.Header().Get("Location"))
				require.Equal(t, oauth.InvalidRequest, p.login.shown.Code)
			}
		})
	}
}

func TestAuthorizationErrorAfterTheRedirectURIIsVerifiedGoesToTheClient(t *testing.T) {
	t.Parallel()
	p := newProvider(t, func(c *oauth.Config) { c.Extension = &extension{parameters: []string{"nonce"}} })
	good := p.portal.request()
	challenge := good.Get("code_challenge")
	for name, c := range map[string]struct {
		query url.Values
		code  oauth.ErrorCode
	}{
		"no response type":               {with(good, "response_type"), oauth.InvalidRequest},
		"unknown response type":          {with(good, "response_type", zebra), oauth.UnsupportedResponseType},
		"response type token":            {with(good, "response_type", "token"), oauth.UnsupportedResponseType},
		"response type code id_token":    {with(good, "response_type", "code id_token"), oauth.UnsupportedResponseType},
		"response type none":             {with(good, "response_type", "none"), oauth.UnsupportedResponseType},
		"response type twice":            {with(good, "response_type", "code", "code"), oauth.InvalidRequest},
		"response mode fragment":         {with(good, "response_mode", "fragment"), oauth.InvalidRequest},
		"response mode fragment.jwt":     {with(good, "response_mode", "fragment.jwt"), oauth.InvalidRequest},
		"unknown response mode":          {with(good, "response_mode", zebra), oauth.InvalidRequest},
		"response mode twice":            {with(good, "response_mode", "query", "query"), oauth.InvalidRequest},
		"request object":                 {with(good, "request", zebra), oauth.RequestNotSupported},
		"request twice":                  {with(good, "request", "a", "b"), oauth.InvalidRequest},
		"request_uri":                    {with(good, "request_uri", "urn:zebra"), oauth.RequestURINotSupported},
		"registration":                   {with(good, "registration", "{}"), oauth.RegistrationNotSupported},
		"unregistered scope":             {with(good, "scope", "openid zebra"), oauth.InvalidScope},
		"scope in capitals":              {with(good, "scope", "OpenID"), oauth.InvalidScope},
		"scope with a quote":             {with(good, "scope", `openid "zebra"`), oauth.InvalidScope},
		"scope with a backslash":         {with(good, "scope", `zebra\`), oauth.InvalidScope},
		"scope with two spaces":          {with(good, "scope", "openid  records"), oauth.InvalidScope},
		"scope with a tab":               {with(good, "scope", "openid\trecords"), oauth.InvalidScope},
		"scope too long":                 {with(good, "scope", strings.Repeat("openid ", 1000)+"openid"), oauth.InvalidScope},
		"scope twice":                    {with(good, "scope", "openid", "records"), oauth.InvalidRequest},
		"scope not in UTF-8":             {with(good, "scope", "\xff"), oauth.InvalidRequest},
		"no challenge":                   {with(with(good, "code_challenge"), "code_challenge_method"), oauth.InvalidRequest},
		"no challenge but a method":      {with(good, "code_challenge"), oauth.InvalidRequest},
		"empty challenge":                {with(good, "code_challenge", ""), oauth.InvalidRequest},
		"no challenge method":            {with(good, "code_challenge_method"), oauth.InvalidRequest},
		"challenge method plain":         {with(good, "code_challenge_method", "plain"), oauth.InvalidRequest},
		"challenge method s256":          {with(good, "code_challenge_method", "s256"), oauth.InvalidRequest},
		"challenge too short":            {with(good, "code_challenge", challenge[:42]), oauth.InvalidRequest},
		"challenge too long":             {with(good, "code_challenge", challenge+"A"), oauth.InvalidRequest},
		"challenge with padding":         {with(good, "code_challenge", challenge[:42]+"="), oauth.InvalidRequest},
		"challenge with a line break":    {with(good, "code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-A\n"), oauth.InvalidRequest},
		"challenge with stray bits":      {with(good, "code_challenge", strings.Repeat("_", 43)), oauth.InvalidRequest},
		"challenge of other characters":  {with(good, "code_challenge", strings.Repeat("+", 43)), oauth.InvalidRequest},
		"challenge twice":                {with(good, "code_challenge", challenge, challenge), oauth.InvalidRequest},
		"challenge method twice":         {with(good, "code_challenge_method", "S256", "S256"), oauth.InvalidRequest},
		"parameter of extension twice":   {with(good, "nonce", "a", "b"), oauth.InvalidRequest},
		"parameter of extension, binary": {with(good, "nonce", "\xff"), oauth.InvalidRequest},
	} {
		t.Run(name, func(t *testing.T) {
			rec := p.authorize(c.query)
			parameters := requireAuthorizationError(t, rec, c.code)
			require.True(t, strings.HasPrefix(rec.Header().Get("Location"), "https://portal.example/cb?"))
			require.Equal(t, "state-of-portal", parameters.Get("state"))
		})
	}
}

// requireAuthorizationError expects an error response at the client and returns its parameters.
func requireAuthorizationError(tb testing.TB, rec *httptest.ResponseRecorder, code oauth.ErrorCode) url.Values {
	tb.Helper()
	parameters := response(tb, rec)
	require.Equal(tb, string(code), parameters.Get("error"), parameters)
	require.Contains(tb, registeredAtAuthorization, code)
	require.Equal(tb, []string{issuer}, parameters["iss"])
	require.NotContains(tb, parameters, "code")
	requireDescription(tb, parameters.Get("error_description"))
	require.NotContains(tb, parameters.Get("error_description"), zebra)
	require.Equal(tb, "no-store", rec.Header().Get("Cache-Control"))
	require.Equal(tb, "no-referrer", rec.Header().Get("Referrer-Policy"))
	require.Empty(tb, rec.Body)
	return parameters
}

func TestStateComesBackExactly(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	for name, state := range map[string]string{
		"1000 characters":  strings.Repeat("0123456789", 100),
		"2048 characters":  strings.Repeat("s", 2048),
		"reserved":         `a+b c&d=e#f?g/h:i;j%k"l\m'n<o>`,
		"escaped":          "%41%2B%20",
		"control":          "line\r\nbreak\x00",
		"other scripts":    "ಕನ್ನಡ ខ្មែរ العربية 🇰🇭",
		"surrounding room": "  s  ",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			query := with(p.portal.request(), "state", state)
			success := p.authorize(query)
			require.Equal(t, state, response(t, success).Get("state"))
			failure := p.authorize(with(query, "scope", "unregistered"))
			require.Equal(t, state, requireAuthorizationError(t, failure, oauth.InvalidScope).Get("state"))
			// A reader that takes a plus sign for itself, and one that takes it for a space, understand the same.
			for _, rec := range []*httptest.ResponseRecorder{success, failure} {
				require.NotContains(t, rec.Header().Get("Location"), "+")
			}
		})
	}
}

func TestStateThatCannotComeBackIsRefusedAndLeftOut(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	for name, state := range map[string][]string{
		"too long":     {strings.Repeat("s", 2049)},
		"twice":        {"a", "b"},
		"not in UTF-8": {"\xff"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rec := p.authorize(with(p.portal.request(), "state", state...))
			require.NotContains(t, requireAuthorizationError(t, rec, oauth.InvalidRequest), "state")
		})
	}
}

func TestStateIsNotInvented(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	for _, query := range []url.Values{with(p.portal.request(), "state"), with(p.portal.request(), "state", "")} {
		require.NotContains(t, response(t, p.authorize(query)), "state")
		query.Set("scope", "unregistered")
		require.NotContains(t, requireAuthorizationError(t, p.authorize(query), oauth.InvalidScope), "state")
	}
}

func TestRegisteredQueryOfTheRedirectURISurvives(t *testing.T) {
	t.Parallel()
	for registered, want := range map[string]string{
		"https://portal.example/cb?a=1&b=%20+x": "https://portal.example/cb?a=1&b=%20+x&",
		"https://portal.example/cb?":            "https://portal.example/cb?",
		"http://127.0.0.1:8080/cb":              "http://127.0.0.1:8080/cb?",
		"example.portal.app:/cb":                "example.portal.app:/cb?",
	} {
		t.Run(registered, func(t *testing.T) {
			t.Parallel()
			p := newProvider(t)
			p.portal.client.RedirectURIs = []string{registered}
			require.NoError(t, p.portal.client.Validate())
			success := p.authorize(p.portal.request())
			require.True(t, strings.HasPrefix(success.Header().Get("Location"), want+"code="), success.Header())
			failure := p.authorize(with(p.portal.request(), "response_type"))
			require.True(t, strings.HasPrefix(failure.Header().Get("Location"), want+"error="), failure.Header())
		})
	}
}

func TestPKCEIsOptionalOnlyForAClientThatIsRegisteredSo(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	p.portal.client.PKCEOptional = true
	bare := with(with(p.portal.request(), "code_challenge"), "code_challenge_method")
	require.NotEmpty(t, response(t, p.authorize(bare)).Get("code"))
	require.Empty(t, p.login.begun.CodeChallenge)
	// Half of it is not none of it.
	requireAuthorizationError(t, p.authorize(with(p.portal.request(), "code_challenge")), oauth.InvalidRequest)
	requireAuthorizationError(t, p.authorize(with(p.portal.request(), "code_challenge_method")), oauth.InvalidRequest)
}

func TestExtensionRefusesAtTheClient(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err  error
		code oauth.ErrorCode
	}{
		"with an error for the client": {&oauth.Error{Code: oauth.AccessDenied, Description: "bad \"\\\u00e9 text"}, oauth.AccessDenied},
		"with another error":           {errors.New("zebra: connection refused"), oauth.ServerError},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProvider(t, func(config *oauth.Config) { config.Extension = &extension{checkErr: c.err} })
			parameters := requireAuthorizationError(t, p.authorize(p.portal.request()), c.code)
			require.Equal(t, "state-of-portal", parameters.Get("state"))
		})
	}
}

func TestDenyTellsTheClient(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	req := &oauth.AuthorizationRequest{ClientID: "portal", RedirectURI: "https://portal.example/cb", State: "s"}
	denied := p.Deny(t.Context(), req, &oauth.Error{Code: oauth.AccessDenied, Cause: errors.New(zebra)}, "transaction-41")
	require.Equal(t, "https://portal.example/cb?error=access_denied&iss=https%3A%2F%2Fid.example&state=s", denied.URL())
}

func TestApproveAgainWithTheSameCodeIsTheSameAnswer(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	response(t, p.authorize(p.portal.request()))
	code := store.NewHandle()
	p.events.take()
	first, err := p.Approve(t.Context(), p.login.begun, p.grant(), code)
	require.NoError(t, err)
	again, err := p.instance(t).Approve(t.Context(), p.login.begun, p.grant(), code)
	require.NoError(t, err)
	require.Equal(t, first.URL(), again.URL())
	require.Len(t, p.events.take(), 1)
	p.redeem(t, p.portal, code)
	_, err = p.Approve(t.Context(), p.login.begun, p.grant(), code)
	require.NoError(t, err)
	requireRefused(t, post(p.TokenHandler(), p.portal.redemption(t, code)), 400, oauth.InvalidGrant)
}

func TestApproveRefusesAGrantThatIsNotOne(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	response(t, p.authorize(with(p.portal.request(), "scope", "openid")))
	for name, change := range map[string]func(*oauth.Grant){
		"no subject":                func(g *oauth.Grant) { g.Subject = "" },
		"subject too long":          func(g *oauth.Grant) { g.Subject = strings.Repeat("s", 256) },
		"subject not in ASCII":      func(g *oauth.Grant) { g.Subject = "soph\u00e9ak" },
		"more scope than requested": func(g *oauth.Grant) { g.Scope = []string{"openid", "records"} },
		"data that is not JSON":     func(g *oauth.Grant) { g.Data = []byte("{") },
		"data beyond all bounds":    func(g *oauth.Grant) { g.Data = []byte(`"` + strings.Repeat("x", 64<<10) + `"`) },
	} {
		t.Run(name, func(t *testing.T) {
			grant := p.grant()
			change(&grant)
			_, err := p.Approve(t.Context(), p.login.begun, grant, store.NewHandle())
			require.Error(t, err)
		})
	}
	_, err := p.Approve(t.Context(), p.login.begun, p.grant(), "no-handle")
	require.Error(t, err)
}
