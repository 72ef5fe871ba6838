package oidc_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
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

// maxFuzzed is what an input may have in all: what is longer finds nothing more and is minimised for ever.
const maxFuzzed = 4 << 10

// FuzzVerifiedClaims asks for what a stranger wants of a verification, and matches it with what an identity system says.
func FuzzVerifiedClaims(f *testing.F) {
	f.Add(`{"trust_framework":{"value":"gold"}}`, `{"name":{"essential":true,"purpose":"to greet you"}}`)
	f.Add(`{"trust_framework":null,"time":{"max_age":0},"evidence":[{"type":{"value":"document"},"document_details":{"type":{"values":["passport"]},"issuer":{"country":null}},"check_details":[{"check_method":null}],"derived_claims":{"given_name":null}}]}`, `{"given_name#km":null}`)
	f.Add(`{"trust_framework":{"values":["gold"]},"assurance_process":{"policy":{"value":"gpg45"},"assurance_details":[{"evidence_ref":[{"check_id":null}]}]},"custom":{"deep":{"x":{"value":1}}}}`, `{"birthdate":{"value":"1990-05-17"}}`)
	f.Add(`{"trust_framework":{"pattern":"x"}}`, `null`)
	f.Add(`{"trust_framework":{},"evidence":[{"type":{"value":"vouch"},"attachments":null}]}`, `{"email_verified":{"values":[true]}}`)
	fx := newFixture(f, assured)
	verifiedPeople(fx)
	c, scope := fx.clients["health"], []string{"openid"}
	c.IDTokenAlgorithm = jose.EdDSA // the same signature each time, and so the same coverage
	f.Fuzz(func(t *testing.T, verification, claims string) {
		if len(verification)+len(claims) > maxFuzzed {
			return
		}
		r, err := fx.parse(t.Context(), "health", "openid", "claims", requestFor(verification, claims))
		if err != nil {
			requireCode(t, oauth.InvalidRequest, err)
			return
		}
		roundTrip(t, r)
		set := fx.Asked(c, r, scope)
		x := fx.exchangeFor(t, c, r, scope, slices.Concat(set.Essential, set.Voluntary))
		require.NoError(t, fx.Extend(t.Context(), x))
		requireValidAnswer(t, x.Data)
		missing, err := fx.Missing(t.Context(), c, r, &authenticator.Claims{Verified: fx.people.verified})
		require.NoError(t, err)
		for _, name := range missing {
			if strings.Contains(string(x.Data), `"`+name+`":`) && !strings.Contains(verification, "derived_claims") {
				t.Fatalf("%s is missing and there", name)
			}
		}
		fx.people.asked, *fx.events = nil, nil
	})
}

// FuzzRelease releases whatever an identity system says.
func FuzzRelease(f *testing.F) {
	f.Add(verification, `"Sok Dara"`, `{"country":"KH"}`, `"data:image/png;base64,AAAA"`, signed(es256, `{"gender":"x"}`), "https://a.example", "t")
	f.Add(`{"trust_framework":"gold","time":"2026-02-28T10:00Z","evidence":[{"type":"document","check_details":[{}]}]}`, `null`, `"Kandal"`, `"javascript:x"`, "a.b.c", "http://a.example", "\n")
	f.Add(`{"trust_framework":"gold","evidence":[{"type":"vouch","attestation":{"voucher":{"birthdate":"x"}}}]}`, `""`, `{"region":{}}`, `"https://a.example/p"`, "", "https://a.example", "")
	f.Add(`{`, `{`, `[`, `1`, `..`, "%", "")
	fx := newFixture(f, assured, sources)
	fx.clients["health"].IDTokenAlgorithm = jose.EdDSA // the same signature each time, and so the same coverage
	const asked = `{"userinfo":{"name":null,"address":null,"picture":null,"gender":null,"birthdate":null,"verified_claims":{
		"verification":{"trust_framework":null,"time":null,"assurance_level":null,"assurance_process":{"policy":null,
			"assurance_details":null},"evidence":[{"type":{"value":"document"},"check_details":[{"check_method":null,
			"time":null}],"document_details":{"type":null,"date_of_expiry":null,"issuer":{"country":null}},
			"derived_claims":{"name":null,"address":null}},{"type":{"value":"vouch"},"attestation":{"voucher":{
			"birthdate":null}}}]},
		"claims":{"name":null,"address":null}}}}`
	x := fx.exchange(f, "health", "openid", "claims", asked)
	f.Fuzz(func(t *testing.T, verification, name, address, picture, jwt, endpoint, token string) {
		if len(verification)+len(name)+len(address)+len(picture)+len(jwt) > maxFuzzed {
			return
		}
		said := map[string]json.RawMessage{"name": json.RawMessage(name), "address": json.RawMessage(address)}
		fx.people.values = map[string]string{"name": name, "address": address, "picture": picture}
		fx.people.verified = []authenticator.VerifiedClaims{{Verification: json.RawMessage(verification), Values: said}}
		fx.people.sources = []authenticator.ClaimSource{
			{Names: []string{"gender"}, JWT: jwt}, {Names: []string{"birthdate"}, Endpoint: endpoint, AccessToken: token},
		}
		fx.people.asked, *fx.events = nil, nil
		if err := fx.Extend(t.Context(), x); err != nil {
			requireCode(t, oauth.ServerError, oauth.AsError(err))
			return
		}
		if !json.Valid(x.Data) {
			t.Fatal("userinfo is not JSON")
		}
		requireValidAnswer(t, x.Data)
		if strings.Contains(string(x.Data), `"http://`) && !strings.Contains(verification+name+address, "http") {
			t.Fatal("an address in clear was released")
		}
	})
}
