package conformance

import "net/url"

// params are the parameters of an authorization response, out of its JWT if it is signed.
type params struct{ url.Values }

// raw returns what the provider tells the client, without judging it. No response ends the check.
func (f *flow) raw(l *landing) params {
	if l.callback == nil {
		f.t.fatal("the login should lead to the client with a code, and ends at %v", l)
	}
	claims := jwtClaims(l.callback.params.Get("response"))
	if claims == nil {
		return params{l.callback.params}
	}
	inner := url.Values{}
	for name, value := range claims {
		if text, ok := value.(string); ok {
			inner.Set(name, text)
		}
	}
	return params{inner}
}

// rawCode returns the code of an authorization response. Without one the check ends.
func (f *flow) rawCode(l *landing) string {
	code := f.raw(l).Get("code")
	if code == "" {
		f.t.fatal("the authorization response has no code: %v", l)
	}
	return code
}

// rawTokens runs the flow up to a token response that has an access token at least, without judging it.
func (f *flow) rawTokens() map[string]any {
	a := f.redeem(f.rawCode(f.login()))
	m := a.object()
	if text, _ := m["access_token"].(string); text == "" {
		f.t.fatal("the token response has no access_token: %v", a)
	}
	if text, _ := m["id_token"].(string); text == "" && f.t.plan.openid {
		f.t.fatal("the token response has no id_token: %v", a)
	}
	return m
}

// rawIDToken returns the claims of the ID Token without verifying it.
func (f *flow) rawIDToken(response map[string]any) map[string]any {
	text, _ := response["id_token"].(string)
	claims := jwtClaims(text)
	if claims == nil {
		f.t.fatal("the ID Token is not a signed JWT: %s", short(text))
	}
	return claims
}
