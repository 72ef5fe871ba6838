package oidc_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/oidc"
)

func FuzzClaimsParameter(f *testing.F) {
	for _, seed := range []string{
		`{}`, `null`, `{"userinfo":{"given_name":{"essential":true},"nickname":null}}`,
		`{"id_token":{"acr":{"essential":true,"values":["loa:1","loa:2"]},"sub":{"value":"248"}}}`,
		`{"userinfo":{"name#km":null,"name":{"value":{"a":[1,2.5,"x",null,true]}}},"x":{}}`,
		`{"userinfo":{"verified_claims":[{}]}}`, `{"userinfo":{"a":null,"a":null}}`, `{"a":[[[[[[[[1]]]]]]]]}`, `[[`, "\xff",
	} {
		f.Add(seed)
	}
	fx := newFixture(f)
	c, scope := fx.clients["health"], []string{"openid", "profile"}
	f.Fuzz(func(t *testing.T, claims string) {
		r, err := fx.parse(t.Context(), "health", "openid profile", "claims", claims)
		if err != nil {
			requireCode(t, oauth.InvalidRequest, err)
			return
		}
		if claims != "" && !json.Valid([]byte(claims)) {
			t.Fatal("malformed JSON was accepted")
		}
		set := fx.Asked(c, r, scope)
		all := slices.Concat(set.Essential, set.Voluntary)
		for _, name := range slices.Concat(set.Userinfo, set.IDToken) {
			if !slices.Contains(all, name) || name == "sub" {
				t.Fatalf("%q is delivered and was not asked", name)
			}
		}
		slices.Sort(all)
		if len(slices.Compact(slices.Clone(all))) != len(all) {
			t.Fatal("a claim is asked twice")
		}
		roundTrip(t, r)
	})
}

func FuzzParseRequest(f *testing.F) {
	f.Add("openid", "n", "popup", "login consent", "300", "en km", "km", "me@example.org", "loa:1 loa:2", "x.y.z")
	f.Add("openid", "", "", "none", "0", "", "", "", "", "")
	f.Add("profile", "\x00", "x", "none login", "-1", "a-b", "--", "\xff", strings.Repeat("a ", 40), "")
	f.Add("openid", "", "", "", "99999999999999999999", "", "", "", "", "")
	fx := newFixture(f)
	f.Add("openid", "", "", "", "", "", "", "", "", fx.extended(f, "health", "openid").Response["id_token"])
	f.Fuzz(func(t *testing.T, scope, nonce, display, prompt, maxAge, ui, claims, hint, acr, idTokenHint string) {
		r, err := fx.parse(t.Context(), "health", scope, "nonce", nonce, "display", display, "prompt", prompt,
			"max_age", maxAge, "ui_locales", ui, "claims_locales", claims, "login_hint", hint, "acr_values", acr,
			"id_token_hint", idTokenHint)
		if err != nil {
			requireCode(t, oauth.InvalidRequest, err)
			return
		}
		if r.HasPrompt(oidc.PromptNone) && len(r.Prompt) != 1 {
			t.Fatal("prompt none stands with others")
		}
		if r.MaxAge != nil && *r.MaxAge < 0 {
			t.Fatal("max_age is negative")
		}
		if len(r.UILocales) > 16 || len(r.ACRValues) > 32 || len(r.Nonce) > 512 {
			t.Fatal("a bound does not hold")
		}
		roundTrip(t, r)
	})
}

// roundTrip makes sure that a login that stores the request finds the same again.
func roundTrip(t *testing.T, r *oidc.Request) {
	t.Helper()
	stored, err := json.Marshal(r)
	require.NoError(t, err)
	var again oidc.Request
	require.NoError(t, json.Unmarshal(stored, &again))
	restored, err := json.Marshal(&again)
	require.NoError(t, err)
	require.Equal(t, string(stored), string(restored))
}

func FuzzUserinfo(f *testing.F) {
	fx := newFixture(f)
	token := fx.extended(f, "health", "openid").AccessToken
	f.Add(true, "", "Bearer "+token, "", "")
	f.Add(true, "", "", form, "access_token="+token)
	f.Add(false, "access_token=x", "bearer", "", "")
	f.Add(true, "a=%zz", "Basic eDp5", form+"; charset=\"", "access_token=%zz&&;")
	handler := fx.UserinfoHandler(fx.tokens)
	f.Fuzz(func(t *testing.T, post bool, query, authorization, contentType, body string) {
		r := httptest.NewRequest(http.MethodGet, "/userinfo", strings.NewReader(body))
		if post {
			r.Method = http.MethodPost
		}
		r.URL.RawQuery = query
		r.Header.Set("Authorization", authorization)
		r.Header.Set("Content-Type", contentType)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		switch w.Code {
		case http.StatusOK:
			if !strings.Contains(authorization+body, token) && !strings.Contains(body, "%") {
				t.Fatal("claims were released without the token")
			}
		case http.StatusBadRequest, http.StatusUnauthorized:
			if !strings.HasPrefix(w.Header().Get("WWW-Authenticate"), "Bearer") {
				t.Fatal("no challenge")
			}
		default:
			t.Fatalf("status %d", w.Code)
		}
	})
}
