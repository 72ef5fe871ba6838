package conformance

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// resourceURL is where access tokens are used.
func (t *trial) resourceURL() string {
	if t.profile.Resource != "" {
		return t.profile.Resource
	}
	return t.endpoint("userinfo_endpoint")
}

// get uses the access token at the resource, as the profile says. A demand for a nonce is met once.
func (f *flow) get(accessToken string) *answer {
	a := f.getOnce(accessToken)
	if f.t.plan.fapi && isResourceNonceDemand(a) {
		a = f.getOnce(accessToken)
	}
	return a
}

func (f *flow) getOnce(accessToken string) *answer {
	req := f.t.newGet(f.t.resourceURL())
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Authorization", f.tokenType()+" "+accessToken)
	if f.t.plan.fapi {
		req.Header.Set("DPoP", f.t.sign(f.dpopProof(req.Method, req.URL.String(), accessToken), f.proof))
		f.fapiHeaders(req.Header)
	}
	if f.header != nil {
		f.header(req.Header)
	}
	a := f.t.send(req)
	f.keepNonce(req.URL.String(), a)
	return a
}

// fapiHeaders are those that a client may send with a request for a resource. They vary between the two clients.
func (f *flow) fapiHeaders(h http.Header) {
	h.Set("x-fapi-auth-date", time.Now().UTC().Format(http.TimeFormat))
	h.Set("x-fapi-interaction-id", newUUID())
	h.Set("x-fapi-customer-ip-address", "198.51.100.119")
	if f.number == 2 {
		h.Set("x-fapi-customer-ip-address", "2001:db8::1893:25c8:1946")
		h.Set("Accept", "application/json;q=0.9, */*;q=0.5")
		h.Set("Accept-Charset", "utf-8, iso-8859-1;q=0.5")
	}
}

// goodResource uses the tokens at the resource and checks the answer; at the userinfo endpoint that is the person's
// claims, which it returns.
func (f *flow) goodResource(tokens *tokens) map[string]any {
	a := f.get(tokens.access)
	f.goodResourceAnswer(a)
	if !f.t.plan.openid || f.t.profile.Resource != "" {
		return nil
	}
	return f.goodUserinfo(a, tokens)
}

// goodResourceAnswer checks what holds for every resource.
func (f *flow) goodResourceAnswer(a *answer) {
	t := f.t
	if a.status != http.StatusOK && a.status != http.StatusCreated {
		t.fatal("the resource does not accept the access token: %v", a)
	}
	if !t.plan.fapi {
		return
	}
	if sent, got := a.request.Header.Get("x-fapi-interaction-id"), a.header.Get("x-fapi-interaction-id"); got != "" && !strings.EqualFold(sent, got) {
		t.fail("the x-fapi-interaction-id of the answer is %q and not the %q of the request", got, sent)
	}
	date, err := http.ParseTime(a.header.Get("Date"))
	if err != nil {
		t.fail("the resource's Date header %q is missing or not a date", a.header.Get("Date"))
	} else if off := time.Since(date).Abs(); off > 5*time.Minute {
		t.fail("the resource's Date header is %v off", off)
	}
}

// goodUserinfo checks an answer of the userinfo endpoint (OpenID Connect Core 5.3.2) and returns its claims.
func (f *flow) goodUserinfo(a *answer, tokens *tokens) map[string]any {
	t := f.t
	if a.status != http.StatusOK || a.object() == nil {
		t.fatal("userinfo must answer with 200 and a JSON object, not with %v", a)
	}
	if !a.isJSON() {
		t.fail("userinfo is not application/json but %q", a.header.Get("Content-Type"))
	}
	claims := a.object()
	if sub, _ := claims["sub"].(string); sub == "" {
		t.fail("userinfo has no sub")
	} else if tokens.id != nil && sub != tokens.id["sub"] {
		t.fail("the sub of userinfo is %q and that of the ID Token %v", sub, tokens.id["sub"])
	}
	t.claimFormats("userinfo", claims)
	return claims
}

// newUUID returns a version 4 UUID.
func newUUID() string {
	b := make([]byte, 16)
	rand.Read(b)
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
