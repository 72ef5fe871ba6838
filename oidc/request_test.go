package oidc_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/oidc"
)

func TestParseRequestReadsEveryParameter(t *testing.T) {
	t.Parallel()
	r, err := newFixture(t).parse(t.Context(), "health", "openid profile",
		"nonce", "n-0S6_WzA2Mj",
		"display", "popup",
		"prompt", "login consent",
		"max_age", "300",
		"ui_locales", "km-KH en",
		"claims_locales", "km",
		"login_hint", "dara@example.org",
		"acr_values", "loa:2 loa:1",
		"claims", `{"userinfo": {"email": {"essential": true}}}`,
	)
	require.NoError(t, err)
	maxAge := 5 * time.Minute
	assert.Equal(t, &oidc.Request{
		OpenID:        true,
		Nonce:         "n-0S6_WzA2Mj",
		Display:       "popup",
		Prompt:        []string{oidc.PromptLogin, oidc.PromptConsent},
		MaxAge:        &maxAge,
		UILocales:     []string{"km-KH", "en"},
		ClaimsLocales: []string{"km"},
		LoginHint:     "dara@example.org",
		ACRValues:     []string{"loa:2", "loa:1"},
		Claims:        oidc.ClaimsParameter{Userinfo: map[string]oidc.ClaimRequest{"email": {Essential: true}}},
	}, r)
}

func TestParseRequestOfPlainOAuthIgnoresOpenIDConnect(t *testing.T) {
	t.Parallel()
	r, err := newFixture(t).parse(t.Context(), "health", "profile",
		"nonce", "\n", "prompt", "none login", "max_age", "-1", "claims", "{", "id_token_hint", "x",
		"claims_locales", "km", "ui_locales", "en", "login_hint", "me", "display", "page", "acr_values", "a")
	require.NoError(t, err)
	assert.Equal(t, &oidc.Request{
		UILocales: []string{"en"}, LoginHint: "me", Display: "page", ACRValues: []string{"a"},
	}, r)
}

func TestParseRequestIgnoresWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	r, err := newFixture(t).parse(t.Context(), "health", "openid",
		"display", "hologram", "prompt", "create dance", "ui_locales", "se x_y -- en", "extra", "foobar")
	require.NoError(t, err)
	assert.Equal(t, &oidc.Request{OpenID: true, UILocales: []string{"se", "en"}}, r)
}

func TestParseRequestRefuses(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for name, p := range map[string][2]string{
		"a nonce that is too long":             {"nonce", strings.Repeat("n", 513)},
		"a nonce with a control character":     {"nonce", "a\x00b"},
		"a nonce that is not ASCII":            {"nonce", "ñ"},
		"prompt none with login":               {"prompt", "none login"},
		"prompt login with none":               {"prompt", "login none"},
		"prompt none with an unknown one":      {"prompt", "none dance"},
		"prompt none twice":                    {"prompt", "none none"},
		"a negative max_age":                   {"max_age", "-1"},
		"max_age with a sign":                  {"max_age", "+1"},
		"max_age with a fraction":              {"max_age", "1.5"},
		"max_age with an exponent":             {"max_age", "1e3"},
		"max_age in hexadecimal":               {"max_age", "0x10"},
		"max_age that is no number":            {"max_age", "soon"},
		"max_age with spaces":                  {"max_age", " 1"},
		"a login_hint that is too long":        {"login_hint", strings.Repeat("h", 257)},
		"a login_hint with a line break":       {"login_hint", "a\nb"},
		"a login_hint that is not UTF-8":       {"login_hint", "\xff"},
		"too many acr_values":                  {"acr_values", strings.Repeat("a ", 33)},
		"acr_values that are not UTF-8":        {"acr_values", "loa:1 \xff"},
		"an id_token_hint that is no token":    {"id_token_hint", "garbage"},
		"claims that ask for an acr by number": {"claims", `{"id_token":{"acr":{"value":2}}}`},
		"claims that ask for a null acr":       {"claims", `{"id_token":{"acr":{"values":[null]}}}`},
		"claims that ask for a sub by number":  {"claims", `{"id_token":{"sub":{"value":248}}}`},
		"claims that ask for an empty sub":     {"claims", `{"userinfo":{"sub":{"value":""}}}`},
		"claims that ask for two subjects":     {"claims", `{"userinfo":{"sub":{"value":"a"}},"id_token":{"sub":{"value":"b"}}}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := f.parse(t.Context(), "health", "openid", p[0], p[1])
			requireCode(t, oauth.InvalidRequest, err)
		})
	}
}

func TestParseRequestAcceptsTheLongestNonce(t *testing.T) {
	t.Parallel()
	nonce := strings.Repeat("~", 512)
	r, err := newFixture(t).parse(t.Context(), "health", "openid", "nonce", nonce)
	require.NoError(t, err)
	assert.Equal(t, nonce, r.Nonce)
}

func TestParseRequestBoundsMaxAge(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for value, want := range map[string]time.Duration{
		"0": 0, "1": time.Second, "15000": 15000 * time.Second,
		"99999999999999999999999999": 100 * 365 * 24 * time.Hour,
	} {
		r, err := f.parse(t.Context(), "health", "openid", "max_age", value)
		require.NoError(t, err)
		require.NotNil(t, r.MaxAge)
		assert.Equal(t, want, *r.MaxAge)
	}
}

func TestParseRequestKeepsSixteenLocales(t *testing.T) {
	t.Parallel()
	r, err := newFixture(t).parse(t.Context(), "health", "openid",
		"ui_locales", "en en a b c d e f g h i j k l m n o p q r s t u v w x y z")
	require.NoError(t, err)
	assert.Len(t, r.UILocales, 16)
	assert.Equal(t, "en", r.UILocales[0])
}

func TestParseRequestPrefersTheACROfTheClaimsParameter(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for name, tc := range map[string]struct {
		claims    string
		want      []string
		essential bool
	}{
		"value":               {`{"id_token":{"acr":{"value":"loa:2"}}}`, []string{"loa:2"}, false},
		"essential value":     {`{"id_token":{"acr":{"essential":true,"value":"loa:2"}}}`, []string{"loa:2"}, true},
		"essential values":    {`{"id_token":{"acr":{"essential":true,"values":["b","a"]}}}`, []string{"b", "a"}, true},
		"null":                {`{"id_token":{"acr":null}}`, []string{"loa:1"}, false},
		"essential of any":    {`{"id_token":{"acr":{"essential":true}}}`, []string{"loa:1"}, false},
		"acr of the userinfo": {`{"userinfo":{"acr":{"value":"loa:2"}}}`, []string{"loa:1"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := f.parse(t.Context(), "health", "openid", "acr_values", "loa:1", "claims", tc.claims)
			require.NoError(t, err)
			assert.Equal(t, tc.want, r.ACRValues)
			assert.Equal(t, tc.essential, r.ACREssential)
		})
	}
}

func TestParseRequestRestrictsTheLoginToTheRequestedSubject(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	r, err := f.parse(t.Context(), "health", "openid",
		"claims", `{"id_token":{"sub":{"values":["a","b"]}},"userinfo":{"sub":{"values":["b","c"]}}}`)
	require.NoError(t, err)
	assert.Equal(t, []string{"b"}, r.Subjects)
	assert.True(t, r.AcceptsSubject("b"))
	assert.False(t, r.AcceptsSubject("a"))

	r, err = f.parse(t.Context(), "health", "openid", "claims", `{"id_token":{"sub":null}}`)
	require.NoError(t, err)
	assert.True(t, r.AcceptsSubject("anybody"))
}

func TestCheckRequest(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		parameters []string
		client     oauth.Client
		want       oauth.ErrorCode
	}{
		"malformed":                 {parameters: []string{"claims", "[]"}, want: oauth.InvalidRequest},
		"prompt none":               {parameters: []string{"prompt", "none"}, want: oauth.LoginRequired},
		"essential acr unknown":     {parameters: []string{"claims", `{"id_token":{"acr":{"essential":true,"value":"loa:9"}}}`}, want: oauth.UnmetAuthenticationRequirements},
		"essential acr not allowed": {parameters: []string{"claims", `{"id_token":{"acr":{"essential":true,"value":"loa:2"}}}`}, client: oauth.Client{ACRValues: []string{"loa:1"}}, want: oauth.UnmetAuthenticationRequirements},
		"ID Token algorithm":        {client: oauth.Client{IDTokenAlgorithm: "RS512"}, want: oauth.UnauthorizedClient},
		"userinfo algorithm":        {client: oauth.Client{UserinfoAlgorithm: "RS512"}, want: oauth.UnauthorizedClient},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			requireCode(t, tc.want, newFixture(t).CheckRequest(t.Context(), &tc.client, request("", "openid", tc.parameters...)))
		})
	}
	for name, parameters := range map[string][]string{
		"nothing":               nil,
		"voluntary unknown acr": {"acr_values", "1 2"},
		"voluntary acr value":   {"claims", `{"id_token":{"acr":{"value":"loa:9"}}}`},
		"essential known acr":   {"claims", `{"id_token":{"acr":{"essential":true,"values":["loa:9","loa:1"]}}}`},
	} {
		t.Run("accepts "+name, func(t *testing.T) {
			t.Parallel()
			require.NoError(t, newFixture(t).CheckRequest(t.Context(), &oauth.Client{}, request("", "openid", parameters...)))
		})
	}
}

func TestParametersNamesWhatParseRequestReads(t *testing.T) {
	t.Parallel()
	assert.ElementsMatch(t, []string{
		"nonce", "display", "prompt", "max_age", "ui_locales", "claims_locales", "id_token_hint", "login_hint",
		"acr_values", "claims",
	}, newFixture(t).Parameters())
}
