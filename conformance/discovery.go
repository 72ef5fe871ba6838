package conformance

import (
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/text/language"
)

const (
	discoveryClause = "OpenID Connect Discovery 1.0, 3 and 4"
	metadataClause  = "RFC 8414, 2 and 3"
)

// commonDiscoveryChecks hold for every document.
var commonDiscoveryChecks = []Check{
	{ID: "discovery-response", Title: "The document is answered with 200 and application/json", Clause: metadataClause, run: discoveryResponse},
	{ID: "discovery-issuer", Title: "issuer is the document's URL without the well-known suffix", Clause: metadataClause, run: discoveryIssuer},
	{ID: "discovery-member-types", Title: "Arrays are arrays of strings, booleans booleans, URLs strings", Clause: metadataClause, run: discoveryMemberTypes},
	{ID: "discovery-endpoints-https", Title: "Every endpoint is an https URL", Clause: metadataClause, run: discoveryEndpoints},
	{ID: "discovery-required-endpoints", Title: "The endpoints that every provider has are there", Clause: metadataClause, run: discoveryRequired},
	{ID: "discovery-locales", Title: "ui_locales_supported and claims_locales_supported are language tags", Clause: "RFC 5646, 2.1", run: discoveryLocales},
}

// oidcDiscoveryChecks are the rows of oidcc-discovery-endpoint-verification.
var oidcDiscoveryChecks = append(slices.Clone(commonDiscoveryChecks), []Check{
	{ID: "discovery-response-types", Title: "response_types_supported has an OpenID Connect response type", Clause: discoveryClause, run: func(t *trial) {
		t.listed("response_types_supported", "code", "id_token", "code id_token", "code token", "id_token token", "code id_token token")
	}},
	{ID: "discovery-subject-types", Title: "subject_types_supported has public or pairwise", Clause: discoveryClause, run: subjectTypes},
	{ID: "discovery-id-token-algorithms", Title: "id_token_signing_alg_values_supported has RS256", Clause: discoveryClause, run: func(t *trial) {
		t.listed("id_token_signing_alg_values_supported", "RS256")
	}},
	{ID: "discovery-userinfo-algorithms", Title: "userinfo_signing_alg_values_supported is an array, if it is there", Clause: discoveryClause, run: func(t *trial) {
		t.arrayIfPresent("userinfo_signing_alg_values_supported")
	}},
	{ID: "discovery-userinfo-endpoint", Title: "There is a userinfo endpoint", Clause: discoveryClause, run: func(t *trial) {
		if !t.metadata().has("userinfo_endpoint") {
			t.warn("there is no userinfo_endpoint")
		}
	}},
	{ID: "discovery-scopes", Title: "scopes_supported has openid", Clause: discoveryClause, run: func(t *trial) {
		if !t.metadata().has("scopes_supported") {
			t.warn("there is no scopes_supported")
		} else {
			t.listed("scopes_supported", "openid")
		}
	}},
	{ID: "discovery-claims", Title: "claims_supported is there", Clause: discoveryClause, run: func(t *trial) {
		if len(t.metadata().list("claims_supported")) == 0 {
			t.warn("there is no claims_supported")
		}
	}},
	{ID: "discovery-grant-types", Title: "grant_types_supported is a non-empty array, if it is there", Clause: discoveryClause, run: func(t *trial) {
		if m := t.metadata(); m.has("grant_types_supported") && len(m.list("grant_types_supported")) == 0 {
			t.fail("grant_types_supported is not a non-empty array")
		}
	}},
	{ID: "discovery-request-object-algorithms", Title: "request_object_signing_alg_values_supported has RS256", Clause: discoveryClause, run: func(t *trial) {
		if !t.metadata().listHas("request_object_signing_alg_values_supported", "RS256") {
			t.warn("request_object_signing_alg_values_supported does not have RS256")
		}
	}},
	{ID: "discovery-code-challenge-methods", Title: "code_challenge_methods_supported has S256 and plain only, if it is there", Clause: "RFC 8414, 2", run: func(t *trial) {
		t.arrayIfPresent("code_challenge_methods_supported")
		for _, method := range t.metadata().list("code_challenge_methods_supported") {
			t.oneOf("a member of code_challenge_methods_supported", method, []string{"S256", "plain"})
		}
	}},
	{ID: "discovery-parameter-support", Title: "Support of claims, request and request_uri is noted", Clause: discoveryClause, run: func(t *trial) {
		for _, name := range []string{"claims_parameter_supported", "request_parameter_supported", "request_uri_parameter_supported"} {
			t.note("%s: %v", name, t.metadata().raw[name])
		}
	}},
}...)

func discoveryResponse(t *trial) {
	m := t.metadata()
	t.note("%s", m.answer.line())
	if m.answer.status != http.StatusOK {
		t.fail("%s is answered with status %d", m.url, m.answer.status)
	}
	if !m.answer.isJSON() {
		t.fail("%s is not application/json but %q", m.url, m.answer.header.Get("Content-Type"))
	}
}

func discoveryIssuer(t *trial) {
	m := t.metadata()
	issuer := m.text("issuer")
	if issuer != t.target.Issuer {
		t.fail("issuer is %q and %q was asked", issuer, t.target.Issuer)
	}
	u, err := url.Parse(issuer)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || strings.ContainsAny(issuer, "?#") {
		t.fail("issuer %q is not an https URL with a host, without user info, query and fragment", issuer)
		return
	}
	want := strings.TrimSuffix(issuer, "/") + m.suffix
	if m.suffix == oauthSuffix {
		u.Path = oauthSuffix + strings.TrimSuffix(u.Path, "/")
		want = u.String()
	}
	if m.url != want {
		t.fail("issuer %q does not lead to %s, where the document is", issuer, m.url)
	}
}

var (
	arrayMember = regexp.MustCompile(`_supported$|^display_values`)
	boolMembers = []string{
		"claims_parameter_supported", "request_parameter_supported", "request_uri_parameter_supported",
		"require_request_uri_registration", "require_pushed_authorization_requests", "require_signed_request_object",
		"authorization_response_iss_parameter_supported", "tls_client_certificate_bound_access_tokens",
		"frontchannel_logout_supported", "frontchannel_logout_session_supported", "backchannel_logout_supported", "verified_claims_supported",
		"backchannel_logout_session_supported",
	}
	urlMember = regexp.MustCompile(`(_endpoint|_uri|_iframe)$`)
)

func discoveryMemberTypes(t *trial) {
	for name, value := range t.metadata().raw {
		switch {
		case slices.Contains(boolMembers, name):
			if _, ok := value.(bool); !ok {
				t.fail("%s is not a boolean: %v", name, value)
			}
		case arrayMember.MatchString(name):
			if array, ok := value.([]any); !ok || len(stringsOf(value)) != len(array) {
				t.fail("%s is not an array of strings: %v", name, value)
			}
		case urlMember.MatchString(name), name == "issuer", name == "service_documentation":
			if !isText(value) {
				t.fail("%s is not a URL: %v", name, value)
			}
		}
	}
}

func discoveryEndpoints(t *trial) {
	m := t.metadata()
	for _, name := range slices.Sorted(maps.Keys(m.raw)) {
		if strings.HasSuffix(name, "_endpoint") || name == "jwks_uri" {
			if u, err := url.Parse(m.text(name)); err != nil || u.Scheme != "https" || u.Host == "" {
				t.fail("%s is not an https URL: %v", name, m.raw[name])
			}
		}
	}
}

func discoveryRequired(t *trial) {
	for _, name := range []string{"authorization_endpoint", "token_endpoint", "jwks_uri"} {
		if t.metadata().text(name) == "" {
			t.fail("there is no %s", name)
		}
	}
}

func discoveryLocales(t *trial) {
	for _, name := range []string{"ui_locales_supported", "claims_locales_supported"} {
		t.arrayIfPresent(name)
		for _, tag := range t.metadata().list(name) {
			parsed, err := language.Raw.Parse(tag)
			if err != nil {
				t.fail("%s has %q, which is not a language tag", name, tag)
			} else if parsed.String() != tag {
				t.warn("%s has %q, usually written %q", name, tag, parsed)
			}
		}
	}
}

func subjectTypes(t *trial) { t.listed("subject_types_supported", "public", "pairwise") }

// listed fails unless the array has one of the values.
func (t *trial) listed(name string, anyOf ...string) {
	if m := t.metadata(); !m.listHas(name, anyOf...) {
		t.fail("%s must have %s, and is %v", name, strings.Join(anyOf, " or "), m.raw[name])
	}
}

func (t *trial) listedIfPresent(name string, anyOf ...string) {
	if t.metadata().has(name) {
		t.listed(name, anyOf...)
	}
}

func (t *trial) arrayIfPresent(name string) {
	if m := t.metadata(); m.has(name) {
		if array, ok := m.raw[name].([]any); !ok || len(stringsOf(m.raw[name])) != len(array) {
			t.fail("%s is not an array of strings: %v", name, m.raw[name])
		}
	}
}
