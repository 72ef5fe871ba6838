package conformance

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

const refreshClause = "RFC 6749, 6"

// refreshChecks are the steps of the suite's modules refresh-token. They are skipped if no refresh token is issued.
var refreshChecks = []Check{
	{ID: "refresh-token/metadata", Title: "grant_types_supported has refresh_token exactly if refresh tokens are issued", Clause: metadataClause, run: refreshMetadata},
	{ID: "refresh-token/success", Title: "A refresh gives new tokens, bound to the DPoP key of the refresh", Clause: "RFC 9449, 5", run: refreshSuccess},
	{ID: "refresh-token/replaced-token-still-works", Title: "A refresh token that was replaced works for 30 seconds more", Clause: "FAPI 2.0 Security Profile, 5.3.2.1", only: onlyFAPI, run: replacedRefreshToken},
	{ID: "refresh-token/without-client-authentication", Title: "A refresh without client authentication is refused", Clause: refreshClause, run: func(t *trial) {
		f, tokens := refreshable(t, 1)
		f.form = dropAssertion
		t.jsonRefusal(tokenPlace, f.refresh(tokens.refresh), []string{"invalid_client", "invalid_grant", "invalid_request"}, http.StatusBadRequest, http.StatusUnauthorized)
	}},
	{ID: "refresh-token/without-proof", Title: "A refresh without a proof is refused", Clause: "FAPI 2.0 Security Profile, 5.3.2.1", only: onlyFAPI, run: func(t *trial) {
		f, tokens := refreshable(t, 1)
		f.noProof = true
		t.jsonRefusal(tokenPlace, f.refresh(tokens.refresh), boundCodes, http.StatusBadRequest)
	}},
	{ID: "refresh-token/of-another-client", Title: "Another client cannot use the refresh token", Clause: refreshClause, run: func(t *trial) {
		_, tokens := refreshable(t, 2)
		t.jsonRefusal(tokenPlace, t.flow(1).refresh(tokens.refresh), []string{"invalid_grant"}, http.StatusBadRequest)
	}},
}

// refreshable runs a flow that should give a refresh token, and skips the check if it does not.
func refreshable(t *trial, number int) (*flow, *tokens) {
	f := t.flow(number)
	if slices.Contains(strings.Fields(f.client.Scope), "offline_access") {
		f.params.Set("scope", f.client.Scope)
		f.params.Set("prompt", "consent")
	}
	tokens := f.tokens()
	if tokens.refresh == "" {
		t.skip("the provider issues no refresh token")
	}
	return f, tokens
}

func refreshMetadata(t *trial) {
	m := t.metadata()
	announced := m.listHas("grant_types_supported", "refresh_token")
	f := t.flow(1)
	if slices.Contains(strings.Fields(f.client.Scope), "offline_access") {
		f.params.Set("scope", f.client.Scope)
		f.params.Set("prompt", "consent")
	}
	if issued := f.tokens().refresh != ""; issued != announced && m.has("grant_types_supported") {
		t.warn("grant_types_supported has refresh_token: %v; a refresh token was issued: %v", announced, issued)
	}
}

func refreshSuccess(t *trial) {
	for _, number := range []int{1, 2} {
		f, first := refreshable(t, number)
		if t.plan.fapi {
			f.dpopKey = t.newDPoPKey()
			f.nonces = map[string]string{}
		}
		m := f.goodTokenResponse(f.refresh(first.refresh))
		access, _ := m["access_token"].(string)
		if a := f.get(access); a.status != http.StatusOK && a.status != http.StatusCreated {
			t.fail("the new access token does not work with the key of the refresh: %v", a)
		}
		text, ok := m["id_token"].(string)
		switch {
		case ok && !t.plan.openid:
			t.fail("the refresh gives an id_token without the scope openid")
		case ok:
			f.sameLogin(first, text)
		}
		if t.plan.fapi {
			f.dpopKey = t.newDPoPKey()
			if a := f.get(access); a.status/100 != 4 {
				t.fail("the new access token works with another key: %v", a)
			}
		}
	}
}

// sameLogin checks the ID Token of a refresh (OpenID Connect Core 12.2).
func (f *flow) sameLogin(first *tokens, text string) {
	_, claims := f.t.verified("the ID Token of the refresh", text)
	f.forMe("the ID Token of the refresh", claims)
	for _, name := range []string{"iss", "sub", "azp", "auth_time"} {
		if claims[name] != first.id[name] {
			f.t.fail("the %s of the ID Token changed with the refresh from %v to %v", name, first.id[name], claims[name])
		}
	}
	before, _ := first.id["iat"].(float64)
	if after, _ := claims["iat"].(float64); after < before {
		f.t.fail("the iat of the refreshed ID Token is earlier than the first one")
	}
}

func replacedRefreshToken(t *trial) {
	f, first := refreshable(t, 1)
	m := f.goodTokenResponse(f.refresh(first.refresh))
	if replaced, _ := m["refresh_token"].(string); replaced == "" || replaced == first.refresh {
		return
	}
	t.wait(30 * time.Second)
	if a := f.refresh(first.refresh); a.status != http.StatusOK {
		t.fail("the replaced refresh token does not work any more: %v", a)
	}
}
