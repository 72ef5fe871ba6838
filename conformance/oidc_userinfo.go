package conformance

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

const userinfoClause = "OpenID Connect Core 1.0, 5.3"

var oidcUserinfoChecks = []Check{
	{ID: "oidcc-userinfo-get", Title: "Userinfo answers a GET with the token in the header", Clause: userinfoClause, run: func(t *trial) {
		f := t.flow(1)
		tokens := f.tokens()
		f.goodUserinfo(f.get(tokens.access), tokens)
	}},
	{ID: "oidcc-userinfo-post-header", Title: "Userinfo answers a POST with the token in the header", Clause: userinfoClause, run: func(t *trial) {
		f := t.flow(1)
		tokens := f.tokens()
		req := t.newPost(t.endpoint("userinfo_endpoint"), url.Values{})
		req.Header.Set("Authorization", "Bearer "+tokens.access)
		f.goodUserinfo(t.send(req), tokens)
	}},
	{ID: "oidcc-userinfo-post-body", Title: "Userinfo answers a POST with the token in the form", Clause: "RFC 6750, 2.2", run: userinfoPostBody},
	{ID: "userinfo-refuses-strangers", Title: "Userinfo refuses requests without and with an invented token", Clause: "RFC 6750, 3.1", run: userinfoStrangers},
	{ID: "userinfo-refuses-query-token", Title: "Userinfo does not take the token from the query", Clause: "RFC 9700, 4.3.2", run: queryToken},
	{ID: "oidcc-scope-profile", Title: "The scope profile gives its claims at userinfo", Clause: "OpenID Connect Core 1.0, 5.4", run: scopeCheck("profile")},
	{ID: "oidcc-scope-email", Title: "The scope email gives its claims at userinfo", Clause: "OpenID Connect Core 1.0, 5.4", run: scopeCheck("email")},
	{ID: "oidcc-scope-address", Title: "The scope address gives its claims at userinfo", Clause: "OpenID Connect Core 1.0, 5.4", run: scopeCheck("address")},
	{ID: "oidcc-scope-phone", Title: "The scope phone gives its claims at userinfo", Clause: "OpenID Connect Core 1.0, 5.4", run: scopeCheck("phone")},
	{ID: "oidcc-scope-all", Title: "All scopes together give all claims", Clause: "OpenID Connect Core 1.0, 5.4", run: scopeCheck("profile", "email", "address", "phone")},
	{ID: "subject-is-stable", Title: "The sub of a client stays the same across logins", Clause: "OpenID Connect Core 1.0, 8.1", run: func(t *trial) {
		if first, second := t.flow(1).tokens().id["sub"], t.flow(1).tokens().id["sub"]; first != second {
			t.fail("two logins of one person have the subs %v and %v", first, second)
		}
	}},
}

func userinfoPostBody(t *trial) {
	f := t.flow(1)
	tokens := f.tokens()
	a := t.send(t.newPost(t.endpoint("userinfo_endpoint"), url.Values{"access_token": {tokens.access}}))
	if a.status != http.StatusOK {
		t.warn("the token in the form is not accepted: %v", a)
		return
	}
	f.goodUserinfo(a, tokens)
}

func userinfoStrangers(t *trial) {
	f := t.flow(1)
	for _, token := range []string{"", randomText(43, alphanumeric)} {
		req := t.newGet(t.endpoint("userinfo_endpoint"))
		if token != "" {
			req.Header.Set("Authorization", f.tokenType()+" "+token)
		}
		if a := t.send(req); a.status != http.StatusUnauthorized || a.header.Get("WWW-Authenticate") == "" {
			t.fail("a stranger must get 401 with WWW-Authenticate, and gets %v", a)
		}
	}
}

// queryToken sends the access token in the query alone. Neither profile allows it.
func queryToken(t *trial) {
	f := t.flow(1)
	tokens := f.tokens()
	u, err := url.Parse(t.resourceURL())
	if err != nil {
		t.fatal("%v", err)
	}
	query := u.Query()
	query.Set("access_token", tokens.access)
	u.RawQuery = query.Encode()
	req := t.newGet(u.String())
	if t.plan.fapi {
		req.Header.Set("DPoP", t.sign(f.dpopProof(req.Method, t.resourceURL(), tokens.access)))
	}
	a := t.send(req)
	if !slices.Contains([]int{http.StatusBadRequest, http.StatusUnauthorized, http.StatusRequestURITooLong}, a.status) {
		t.fail("a token in the query must be refused with 400, 401 or 414, and the answer is %v", a)
	}
}

// scopeCheck returns a check that the scopes give their claims. It is skipped if a scope is not announced.
func scopeCheck(scopes ...string) func(*trial) {
	return func(t *trial) {
		supported := t.metadata().list("scopes_supported")
		for _, scope := range scopes {
			if !slices.Contains(supported, scope) {
				t.skip("scopes_supported does not have %s", scope)
			}
		}
		f := t.flow(1)
		f.params.Set("scope", "openid "+strings.Join(scopes, " "))
		claims := f.goodResource(f.tokens())
		announced := t.metadata().list("claims_supported")
		for _, scope := range scopes {
			for _, name := range scopeClaims[scope] {
				if _, ok := claims[name]; !ok && (len(announced) == 0 || slices.Contains(announced, name)) {
					t.warn("the scope %s did not bring the claim %s at userinfo", scope, name)
				}
			}
		}
	}
}

// identityClaims checks fapi2-…-test-claims-parameter-identity-claims.
func identityClaims(t *trial) {
	if !t.metadata().flag("claims_parameter_supported") {
		t.skip("claims_parameter_supported is not true")
	}
	standard := map[string]any{}
	for _, names := range scopeClaims {
		for _, name := range names {
			if t.metadata().listHas("claims_supported", name) {
				standard[name] = nil
			}
		}
	}
	wanted := maps.Clone(standard)
	wanted["an_invented_claim"] = nil
	wanted["https://example.com/another"] = map[string]any{"essential": false}
	request, err := json.Marshal(map[string]any{"id_token": wanted, "userinfo": wanted})
	if err != nil {
		t.fatal("%v", err)
	}
	f := t.flow(1)
	f.params.Set("claims", string(request))
	tokens := f.tokens()
	claims := f.goodUserinfo(f.get(tokens.access), tokens)
	for name := range standard {
		if claims[name] == nil {
			t.warn("userinfo does not have the requested claim %s", name)
		}
		if tokens.id[name] == nil {
			t.warn("the ID Token does not have the requested claim %s", name)
		}
	}
}
