package conformance

import "slices"

// plan is a group of checks, and what it demands of a flow.
type plan struct {
	name, title string
	// needsClients is false for groups that only read metadata.
	needsClients bool
	// fapi means PAR, PKCE, DPoP and assertions for the issuer; otherwise plain queries and bearer tokens.
	fapi bool
	// openid means ID Tokens and userinfo; otherwise plain OAuth.
	openid bool
	// pkce means PKCE without FAPI.
	pkce bool
	// signed means signed request objects, and jarm signed responses.
	signed, jarm bool
	sets         [][]Check
}

// plans are the groups, in the order in which they run.
var plans = []plan{
	{name: "oidc-config", title: "OpenID Connect Config OP", openid: true,
		sets: [][]Check{oidcDiscoveryChecks, jwksChecks}},
	{name: "oidc", title: "OpenID Connect, comprehensive plan, static client, private_key_jwt, code", needsClients: true, openid: true,
		sets: [][]Check{
			oidcCodeChecks, oidcRequestChecks, oidcUserinfoChecks, oidcSessionChecks, oidcRefusalChecks,
			responseChecks, idTokenChecks, refreshChecks,
		}},
	{name: "oidc-logout", title: "OpenID Connect logout", needsClients: true, openid: true,
		sets: [][]Check{logoutChecks}},
	{name: "identity-assurance", title: "OpenID Identity Assurance, static client, private_key_jwt, code", needsClients: true, openid: true, pkce: true,
		sets: [][]Check{assuranceDiscoveryChecks, assuranceChecks, userinfoEncryptionChecks}},
	{name: "fapi2-security", title: "FAPI 2.0 Security Profile Final, OpenID, private_key_jwt, DPoP", needsClients: true, fapi: true, openid: true,
		sets: fapiSets},
	{name: "fapi2-security-oauth", title: "FAPI 2.0 Security Profile Final, plain OAuth, private_key_jwt, DPoP", needsClients: true, fapi: true,
		sets: fapiSets},
	{name: "fapi2-message-signing", title: "FAPI 2.0 Message Signing Final, plain response", needsClients: true, fapi: true, openid: true, signed: true,
		sets: fapiSets},
	{name: "fapi2-message-signing-jarm", title: "FAPI 2.0 Message Signing Final, JARM", needsClients: true, fapi: true, openid: true, signed: true, jarm: true,
		sets: fapiSets},
	{name: "fapi2-tls", title: "FAPI 2.0, TLS of the provider's hosts",
		sets: [][]Check{tlsChecks}},
}

var fapiSets = [][]Check{
	fapiDiscoveryChecks, jwksChecks, fapiFlowChecks, fapiProofTimeChecks, responseChecks, parChecks, fapiCodeChecks,
	idTokenChecks, fapiAuthorizationChecks, fapiAssertionChecks, requestObjectChecks, jarmChecks, fapiTokenChecks,
	dpopChecks, nonceChecks, resourceChecks, refreshChecks,
}

// GroupInfo describes a group of checks.
type GroupInfo struct {
	Name, Title string
	Checks      []Check
}

// Groups returns the groups of checks, in the order in which they run.
func Groups() []GroupInfo {
	all := make([]GroupInfo, len(plans))
	for i, p := range plans {
		all[i] = GroupInfo{Name: p.name, Title: p.title, Checks: p.checks()}
	}
	return all
}

func group(name string) (plan, bool) {
	i := slices.IndexFunc(plans, func(p plan) bool { return p.name == name })
	if i < 0 {
		return plan{}, false
	}
	return plans[i], true
}

// checks returns the checks that concern the group.
func (p plan) checks() []Check {
	var all []Check
	for _, set := range p.sets {
		for _, c := range set {
			if c.only == nil || c.only(p) {
				all = append(all, c)
			}
		}
	}
	return all
}

func onlyOpenID(p plan) bool { return p.openid }
func onlySigned(p plan) bool { return p.signed }
func onlyJARM(p plan) bool   { return p.jarm }
func onlyPlain(p plan) bool  { return !p.jarm }
func onlyFAPI(p plan) bool   { return p.fapi }
