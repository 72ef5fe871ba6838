package portal_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/examples/portal"
)

// assurance is what a provider announces that has verified claims.
func assurance() map[string]any {
	return map[string]any{
		"verified_claims_supported":           true,
		"claims_in_verified_claims_supported": []string{"name", "birthdate", "email"},
		"evidence_supported":                  []string{"document", "electronic_record"},
	}
}

func asksForVerified(c *portal.Config) {
	c.Claims = json.RawMessage(`{"userinfo":{"gender":null},"id_token":{"acr":null}}`)
	c.VerifiedClaims = []string{"name", "birthdate", "height"}
	c.Purpose = "to find your records"
}

func TestVerifiedClaimsAreAskedForAsTheProviderAnnouncesThem(t *testing.T) {
	t.Parallel()
	v := newVisit(t, asksForVerified)
	v.provider.assurance = assurance()
	var request struct {
		IDToken  map[string]any `json:"id_token"`
		Userinfo struct {
			Gender   *any `json:"gender"`
			Verified []struct {
				Verification map[string]any
				Claims       map[string]map[string]string
			} `json:"verified_claims"`
		}
	}
	require.NoError(t, json.Unmarshal([]byte(v.login("").Get("claims")), &request))
	assert.Contains(t, request.IDToken, "acr", "what was configured is still asked for")
	require.Len(t, request.Userinfo.Verified, 3, "one without evidence, and one for each type of it")
	for i, kind := range []string{"", "document", "electronic_record"} {
		element := request.Userinfo.Verified[i]
		assert.Contains(t, element.Verification, "trust_framework")
		assert.Nil(t, element.Verification["trust_framework"])
		purpose := map[string]string{"purpose": "to find your records"}
		assert.Equal(t, map[string]map[string]string{"name": purpose, "birthdate": purpose}, element.Claims, "only what is announced")
		if kind != "" {
			evidence := element.Verification["evidence"].([]any)[0].(map[string]any)
			assert.Equal(t, map[string]any{"value": kind}, evidence["type"])
		}
	}
}

func TestVerifiedClaimsAreNotAskedOfAProviderWithout(t *testing.T) {
	t.Parallel()
	for name, metadata := range map[string]map[string]any{
		"nothing announced": nil,
		"other claims":      {"verified_claims_supported": true, "claims_in_verified_claims_supported": []string{"email"}},
		"not supported":     {"verified_claims_supported": false, "claims_in_verified_claims_supported": []string{"name"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newVisit(t, asksForVerified)
			v.provider.assurance = metadata
			assert.Equal(t, `{"userinfo":{"gender":null},"id_token":{"acr":null}}`, v.login("").Get("claims"))
		})
	}
}

func TestVerifiedClaimsAreShownWithTheirEvidence(t *testing.T) {
	t.Parallel()
	v := newVisit(t)
	register := map[string]any{"trust_framework": "urn:example:register", "time": "2021-01-10T09:30:00Z", "assurance_level": "high"}
	withEvidence := map[string]any{"evidence": []any{
		map[string]any{"type": "document", "document_details": map[string]any{
			"type": "idcard", "issuer": map[string]any{"name": "City of Springfield"}, "date_of_expiry": "2031-01-09",
		}},
		map[string]any{"type": "electronic_record", "record": map[string]any{
			"type": "birth_registration", "source": map[string]any{"name": "Civil Register"},
		}},
	}}
	claims := map[string]any{"name": "Ada <b>Example</b>", "birthdate": "1990-05-17"}
	v.provider.userinfo = map[string]any{"verified_claims": []any{
		map[string]any{"verification": register, "claims": claims},
		map[string]any{"verification": merge(withEvidence, register), "claims": claims},
		map[string]any{"verification": map[string]any{"trust_framework": "urn:example:post"}, "claims": map[string]any{"email": "ada@example.org"}},
	}}
	status, body := v.respond(v.login(""), nil)
	assert.Equal(t, http.StatusOK, status)
	assert.Equal(t, 1, strings.Count(body, "urn:example:register</span>"), "what is said twice of one verification is shown once")
	assert.Contains(t, body, "urn:example:post</span>")
	assert.Contains(t, body, "<dd>10 January 2021</dd>")
	assert.Contains(t, body, "<dd>high</dd>")
	assert.Contains(t, body, "<dd>document: idcard, City of Springfield, valid until 2031-01-09</dd>")
	assert.Contains(t, body, "<dd>electronic record: birth registration, Civil Register</dd>")
	assert.Contains(t, body, "Ada &lt;b&gt;Example&lt;/b&gt;")
	assert.Contains(t, body, `<div class="verified-email">`)
	assert.NotContains(t, body, `id="claim-verified_claims"`)
}

func TestMalformedVerifiedClaimsAreNotShown(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]any{
		"a text":           "urn:example:register",
		"no framework":     map[string]any{"verification": map[string]any{}, "claims": map[string]any{"name": "Ada"}},
		"no claims":        map[string]any{"verification": map[string]any{"trust_framework": "urn:example:register"}, "claims": map[string]any{}},
		"evidence as text": map[string]any{"verification": map[string]any{"trust_framework": "urn:example:register", "evidence": "card"}, "claims": map[string]any{"name": "Ada"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newVisit(t)
			v.provider.userinfo = map[string]any{"verified_claims": answer}
			status, body := v.respond(v.login(""), nil)
			assert.Equal(t, http.StatusOK, status)
			assert.Contains(t, body, "Ada Example")
			assert.NotContains(t, body, `class="framework"`)
		})
	}
}

func TestWithdrawnConsentEndsWhatThePortalShows(t *testing.T) {
	t.Parallel()
	for name, query := range map[string]string{"plain": "", "FAPI 2.0": "?protocol=fapi2"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newVisit(t)
			v.login(query)
			_, body := v.respond(v.provider.request, nil)
			require.Contains(t, body, "Ada Example")
			assert.Equal(t, 1, v.provider.asked, "the first look needs no second answer")

			v.provider.userinfo = map[string]any{"name": "Ada Renamed"}
			_, body = v.get("/profile")
			assert.Contains(t, body, "Ada Renamed")

			v.provider.revoked = true
			status, body := v.get("/profile")
			assert.Equal(t, http.StatusOK, status)
			assert.Contains(t, body, "Access ended: you withdrew your consent")
			assert.NotRegexp(t, `\bAda\b`, body)
			asked := v.provider.asked
			_, body = v.get("/profile")
			assert.Contains(t, body, "Access ended")
			assert.Equal(t, asked, v.provider.asked, "a token that is worth nothing is not shown again")
		})
	}
}

func TestTokenThatIsOverSaysNothingOfConsent(t *testing.T) {
	t.Parallel()
	v := newVisit(t)
	v.respond(v.login(""), nil)
	v.provider.revoked = true
	v.late.Add(int64(11 * time.Minute))
	_, body := v.get("/profile")
	assert.Contains(t, body, "Ada Example")
	assert.NotContains(t, body, "Access ended")
}

func TestProfileOutlivesAProviderThatIsNotThere(t *testing.T) {
	t.Parallel()
	v := newVisit(t)
	v.respond(v.login(""), nil)
	v.provider.userinfo = map[string]any{"sub": "somebody-else", "name": "Eve of Nowhere"}
	_, body := v.get("/profile")
	assert.Contains(t, body, "Ada Example", "an answer that cannot be used changes nothing")
	assert.NotContains(t, body, "Eve of Nowhere")
}
