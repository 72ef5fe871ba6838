package conformance_test

import (
	"context"
	"net/url"
	"slices"

	"github.com/go-jose/go-jose/v4"

	"github.com/gosignet/signet/conformance"
	"github.com/gosignet/signet/conformance/internal/model"
)

func idToken(change func(map[string]any)) model.Tamper  { return model.Tamper{IDToken: change} }
func userinfo(change func(map[string]any)) model.Tamper { return model.Tamper{Userinfo: change} }

// without leaves a claim out of userinfo, which costs a warning.
func without(name string, checks ...string) []defect {
	return tampers("oidc", "userinfo without "+name, userinfo(func(m map[string]any) { delete(m, name) }), conformance.Warned, checks...)
}

func oidcDefects() []defect {
	const g, failed, warned = "oidc", conformance.Failed, conformance.Warned
	announcesNone := model.Tamper{Metadata: func(m map[string]any) { m["request_object_signing_alg_values_supported"] = []any{"none"} }}
	refusesObjects := defect{name: "announced, and refused as invalid", group: g, want: failed,
		check:  "oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported",
		config: model.Config{Tamper: announcesNone, Broken: model.RequestUnsupported}}
	inventedNonce := idToken(func(m map[string]any) { m["nonce"] = "invented" })
	return slices.Concat(
		tampers(g, "the ID Token is for another", idToken(func(m map[string]any) { m["aud"] = "another" }), failed, "oidcc-server", "id-token-audience"),
		tampers(g, "an extra member", model.Tamper{Callback: func(p url.Values) { p.Set("extra", "x") }}, warned, "oidcc-server", "authorization-response-members"),
		tampers(g, "no expires_in", model.Tamper{TokenResponse: func(m map[string]any) { delete(m, "expires_in") }}, warned, "oidcc-server"),
		breaks(g, model.ScopeOrder, failed, "oidcc-alternate-happy-flow"),
		breaks(g, model.CodeOnce, warned, "oidcc-codereuse"),
		breaks(g, model.CodeOnce, failed, "oidcc-codereuse-30seconds"),
		breaks(g, model.CodeReplayRevokes, warned, "oidcc-codereuse-30seconds"),
		breaks(g, model.TokenErrorStatus, failed, "oidcc-codereuse", "token-error-response"),
		breaks(g, model.GrantTypeRequired, failed, "token-error-response"),
		breaks(g, model.CodeBoundToClient, failed, "authorization-code-is-bound-to-client"),
		breaks(g, model.PKCES256Accepted, failed, "oidcc-ensure-request-with-valid-pkce-succeeds"),
		breaks(g, model.PKCEVerifier, failed, "pkce-verifier-is-checked"),
		breaks(g, model.PKCEVerifierRequired, failed, "pkce-verifier-is-checked"),
		breaks(g, model.AssertionIssuerAccepted, warned, "oidcc-ensure-client-assertion-with-iss-aud-succeeds"),
		breaks(g, model.AssertionSignature, failed, "client-assertion-of-another-client-fails"),
		breaks(g, model.AssertionAudience, failed, "client-assertion-with-wrong-aud-fails"),
		breaks(g, model.AssertionOnce, failed, "client-assertion-is-used-once"),
		rotationDefects(),

		tampers(g, "an invented nonce", inventedNonce, failed, "oidcc-ensure-request-without-nonce-succeeds-for-code-flow", "id-token-nonce"),
		breaks(g, model.NoInventedState, failed, "request-without-state-succeeds"),
		breaks(g, model.DisplayIgnored, failed, "oidcc-display-page", "oidcc-display-popup", "oidcc-login-hint", "oidcc-ui-locales", "oidcc-claims-locales"),
		tampers(g, "another acr", idToken(func(m map[string]any) { m["acr"] = "another" }), warned, "oidcc-ensure-request-with-acr-values-succeeds"),
		breaks(g, model.UnknownParameters, failed, "oidcc-ensure-request-with-unknown-parameter-succeeds"),
		without("name", "oidcc-claims-essential", "oidcc-scope-profile", "oidcc-scope-all"),
		tampers(g, "name in the ID Token", idToken(func(m map[string]any) { m["name"] = "Ada" }), warned, "oidcc-claims-essential", "id-token-claims", "oidcc-server"),
		breaks(g, model.PostAuthorize, failed, "oidcc-ensure-post-request-succeeds"),
		breaks(g, model.StateReturned, failed, "form-post-response"),
		[]defect{refusesObjects},
		tampers(g, "announced, and ignored", announcesNone, failed, "oidcc-ensure-request-object-with-redirect-uri"),

		tampers(g, "another sub at userinfo", userinfo(func(m map[string]any) { m["sub"] = "another" }), failed, "oidcc-userinfo-get"),
		breaks(g, model.UserinfoPost, failed, "oidcc-userinfo-post-header"),
		breaks(g, model.UserinfoPostBody, warned, "oidcc-userinfo-post-body"),
		breaks(g, model.TokenChecked, failed, "userinfo-refuses-strangers"),
		breaks(g, model.NoQueryToken, failed, "userinfo-refuses-query-token"),
		without("email", "oidcc-scope-email"),
		without("address", "oidcc-scope-address"),
		without("phone_number", "oidcc-scope-phone"),
		breaks(g, model.SubjectStable, failed, "subject-is-stable"),
		tampers(g, "a claim is null", userinfo(func(m map[string]any) { m["gender"] = nil }), failed, "userinfo-claim-formats"),
		tampers(g, "a wrong birthdate", userinfo(func(m map[string]any) { m["birthdate"] = "10.12.1815" }), failed, "userinfo-claim-formats"),
		tampers(g, "a future birthdate", userinfo(func(m map[string]any) { m["birthdate"] = "2999" }), failed, "userinfo-claim-formats"),
		tampers(g, "a text as boolean", userinfo(func(m map[string]any) { m["email_verified"] = "true" }), failed, "userinfo-claim-formats"),
		tampers(g, "a text as address", userinfo(func(m map[string]any) { m["address"] = "12 St James's Square" }), failed, "userinfo-claim-formats"),
		tampers(g, "a date as updated_at", userinfo(func(m map[string]any) { m["updated_at"] = "2020-01-01" }), failed, "userinfo-claim-formats"),

		breaks(g, model.PromptLogin, failed, "oidcc-prompt-login"),
		breaks(g, model.PromptNoneError, failed, "oidcc-prompt-none-not-logged-in"),
		breaks(g, model.PromptNone, failed, "oidcc-prompt-none-logged-in", "oidcc-id-token-hint"),
		breaks(g, model.ConsentKept, failed, "oidcc-prompt-none-logged-in"),
		breaks(g, model.MaxAge, failed, "oidcc-max-age-1"),
		breaks(g, model.AuthTime, failed, "oidcc-max-age-1", "oidcc-max-age-10000"),
		breaks(g, model.MaxAgeYoung, failed, "oidcc-max-age-10000"),
		breaks(g, model.AuthTimeStable, failed, "oidcc-max-age-10000", "oidcc-prompt-none-logged-in"),
		breaks(g, model.DistinctPages, failed, "login-pages"),

		breaks(g, model.ResponseTypeRequired, failed, "oidcc-response-type-missing"),
		breaks(g, model.RedirectURIExact, failed, "oidcc-ensure-registered-redirect-uri", "oidcc-redirect-uri-query-added"),
		breaks(g, model.RedirectURIQueryExact, failed, "oidcc-redirect-uri-query-added"),
		breaks(g, model.AuthorizeErrorStatus, failed, "oidcc-ensure-registered-redirect-uri"),
		breaks(g, model.AuthorizeErrorCode, failed, "oidcc-ensure-registered-redirect-uri"),
		breaks(g, model.KnownClients, failed, "unknown-client-gets-an-error-page"),
		breaks(g, model.PromptNoneAlone, failed, "prompt-none-with-another-prompt-fails"),
		breaks(g, model.Cancel, failed, "user-rejects-authentication"),
		breaks(g, model.ClientErrors, failed, "user-rejects-authentication", "oidcc-prompt-none-not-logged-in"),

		breaks(g, model.StateReturned, failed, "authorization-response-state", "error-response-is-complete"),
		breaks(g, model.IssuerReturned, failed, "authorization-response-issuer"),
		breaks(g, model.RegisteredQuery, failed, "authorization-response-keeps-registered-query"),
		breaks(g, model.QueryMode, failed, "authorization-response-members"),
		breaks(g, model.CodeUnguessable, failed, "authorization-code-is-unguessable"),
		breaks(g, model.ErrorCharacters, failed, "error-response-is-complete", "token-error-response"),
		breaks(g, model.NoStore, failed, "token-response-is-not-stored"),
		tampers(g, "another token_type", model.Tamper{TokenResponse: func(m map[string]any) { m["token_type"] = "mac" }}, failed, "token-response-members"),
		tampers(g, "expires_in as text", model.Tamper{TokenResponse: func(m map[string]any) { m["expires_in"] = "600" }}, failed, "token-response-members"),
		breaks(g, model.TokenUnguessable, failed, "access-token-is-unguessable"),
		breaks("fapi2-security-oauth", model.NoIDTokenWithoutOpenID, failed, "no-id-token-without-openid"),

		breaks(g, model.IDTokenSigned, failed, "id-token-signature"),
		breaks("fapi2-security", model.IDTokenAlgorithm, failed, "id-token-signature"),
		tampers(g, "no kid fits", keySet(func(keys []map[string]any) []map[string]any { return append(keys, keys...) }), failed, "id-token-signature"),
		tampers(g, "another iss", idToken(func(m map[string]any) { m["iss"] = issuer + "/" }), failed, "id-token-issuer"),
		tampers(g, "expired", idToken(func(m map[string]any) { m["exp"] = 1 }), failed, "id-token-times"),
		tampers(g, "an hour old", idToken(func(m map[string]any) { m["iat"] = m["iat"].(int64) - 3600 }), failed, "id-token-times"),
		tampers(g, "no nonce", idToken(func(m map[string]any) { delete(m, "nonce") }), failed, "id-token-nonce"),
		tampers(g, "no sub", idToken(func(m map[string]any) { m["sub"] = "" }), failed, "id-token-subject"),
		tampers(g, "a sub that is not ASCII", idToken(func(m map[string]any) { m["sub"] = "Ada Lovelacé" }), failed, "id-token-subject"),
		tampers(g, "a wrong at_hash", idToken(func(m map[string]any) { m["at_hash"] = "x" }), failed, "id-token-hashes"),
	)
}

// rotationDefects are operators who rotate keys badly.
func rotationDefects() []defect {
	rotation := func(name string, want conformance.Status, rotate func(*model.Provider)) defect {
		return defect{name: name, group: "oidc", check: "oidcc-server-rotate-keys", want: want,
			target: func(op *model.Provider, target *conformance.Target) {
				target.RotateKeys = func(context.Context) error { rotate(op); return nil }
			}}
	}
	next := keys()["provider-next"]
	return []defect{
		rotation("nothing new", conformance.Failed, func(*model.Provider) {}),
		rotation("the old one gone", conformance.Warned, func(op *model.Provider) { op.Keys = []jose.JSONWebKey{next} }),
		rotation("well done", conformance.Passed, func(op *model.Provider) { op.AddKey(next) }),
	}
}

func logoutDefects() []defect {
	const g, failed = "oidc-logout", conformance.Failed
	const rp = "oidcc-rp-initiated-logout"
	token := func(name string, change func(map[string]any)) []defect {
		return tampers(g, name, model.Tamper{LogoutToken: change}, failed, "oidcc-backchannel-rp-initiated-logout")
	}
	return slices.Concat(
		member(g, "frontchannel_logout_session_supported", false, failed, "oidcc-logout-discovery"),
		breaks(g, model.LogoutEndsSession, failed, rp),
		breaks(g, model.LogoutState, failed, rp, rp+"-no-state"),
		breaks(g, model.LogoutRedirectExact, failed, rp+"-bad-post-logout-redirect-uri", rp+"-query-added-to-post-logout-redirect-uri"),
		breaks(g, model.LogoutHint, failed, rp+"-bad-id-token-hint", rp+"-modified-id-token-hint"),
		breaks(g, model.LogoutHintRequired, failed, rp+"-no-id-token-hint"),
		breaks(g, model.LogoutStays, failed, rp+"-no-params", rp+"-no-post-logout-redirect-uri", rp+"-only-state"),
		breaks(g, model.LogoutFrames, failed, "oidcc-frontchannel-rp-initiated-logout"),
		breaks(g, model.LogoutFrameSession, failed, "oidcc-frontchannel-rp-initiated-logout"),
		token("a nonce", func(m map[string]any) { m["nonce"] = "x" }),
		token("no events", func(m map[string]any) { delete(m, "events") }),
		token("another sub", func(m map[string]any) { m["sub"] = "another" }),
		token("another aud", func(m map[string]any) { m["aud"] = "another" }),
	)
}
