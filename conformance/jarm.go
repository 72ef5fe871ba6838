package conformance

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strings"
	"time"
)

var jarmChecks = []Check{
	{ID: "jarm-response", Title: "A successful response is one JWT for the client, with exp from 10 s to 10 min ahead", Clause: "JARM, 2.1 and 2.3.1", only: onlyJARM, run: jarmResponse},
	{ID: "jarm-algorithm", Title: "The JWT is signed with an algorithm that FAPI 2.0 allows and discovery announces", Clause: "FAPI 2.0 Message Signing, 5.4.1", only: onlyJARM, run: jarmAlgorithm},
	{ID: "jarm-error-response", Title: "An error is one JWT for the client too", Clause: "JARM, 2.3.1", only: onlyJARM, run: jarmErrorResponse},
}

// openJARM verifies the signed response (JARM 2.4) and returns its parameters.
func (f *flow) openJARM(params url.Values) url.Values {
	t := f.t
	for name := range params {
		if name != "response" {
			t.fail("a signed authorization response has %s beside response", name)
		}
	}
	_, claims := t.verified("the authorization response", params.Get("response"))
	if claims["iss"] != t.target.Issuer {
		t.fail("the iss of the authorization response is %v and not the issuer", claims["iss"])
	}
	f.forMe("the authorization response", claims)
	exp, ok := claims["exp"].(float64)
	if left := until(exp); !ok || left < 10*time.Second || left > 10*time.Minute {
		t.fail("the exp of the authorization response must be 10 s to 10 min ahead: %v", claims["exp"])
	}
	inner := url.Values{}
	for name, value := range claims {
		switch text, isText := value.(string); {
		case name == "aud", name == "exp", name == "iat", name == "nbf", name == "jti", name == "sub":
		case !isText:
			t.fail("the member %s of the authorization response is not a string: %v", name, value)
		default:
			inner.Set(name, text)
		}
	}
	return inner
}

// jwtClaims returns the claims of a JWT without verifying anything, or nil.
func jwtClaims(text string) map[string]any {
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return nil
	}
	var claims map[string]any
	if json.Unmarshal(raw, &claims) != nil {
		return nil
	}
	return claims
}

func jarmResponse(t *trial) {
	for _, number := range []int{1, 2} {
		t.flow(number).code()
	}
}

func jarmAlgorithm(t *trial) {
	f := t.flow(1)
	l := f.login()
	f.goodCallback(l)
	alg, _ := jwsHeader(l.callback.params.Get("response"))["alg"].(string)
	if !t.metadata().listHas("authorization_signing_alg_values_supported", alg) {
		t.fail("the authorization response is signed with %s, which authorization_signing_alg_values_supported does not have", alg)
	}
}

func jarmErrorResponse(t *trial) {
	f := t.flow(2)
	l := f.browser.login(f.begin(), Refuse)
	if l.callback == nil {
		t.fatal("cancelling must lead to the client, and leads to %v", l)
	}
	if !l.callback.params.Has("response") {
		t.fatal("the error must come as a signed response: %v", l)
	}
	f.errorCallback(l.callback, []string{"access_denied"})
}
