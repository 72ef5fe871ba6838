package signet_test

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/oauth"
)

// The cases of the FAPI 2.0 Attacker Model. Each test says what the attacker has, and at the end the honest login still
// works, unless losing a race is what happens to it.

// The client believes that it talks to the attacker's authorization server, and the person's browser was led to ours. The
// response says whose it is. A client that does not look hands everything to the attacker, for whom it is not enough.
func TestMixUp(t *testing.T) {
	t.Parallel()
	w := newFAPIWorld(t)
	a := w.portal.begin()
	callback := w.newVisitor().login(a.url())
	require.Equal(t, w.issuer, callback.Query().Get("iss"), "a client that waits for another issuer stops here")
	denied := w.portal.begin()
	v := w.newVisitor()
	v.open(denied.url())
	require.Equal(t, w.issuer, v.submit("cancel", url.Values{}).Query().Get("iss"), "of an error too")

	const attacker = "https://attacker.example"
	code := callback.Query().Get("code")
	stolen := a.redemption(code) // the verifier is in it
	stolen.Set("client_assertion_type", assertionType)
	stolen.Set("client_assertion", w.portal.assertion(map[string]any{"aud": attacker}))
	proof := w.proof(w.portal.dpop, "POST", attacker+"/token")
	w.portal.call("/token", stolen, proof).refused(t, 401, oauth.InvalidClient)
	stolen.Set("client_assertion", w.portal.assertion(map[string]any{"aud": []string{attacker, w.issuer}}))
	w.portal.call("/token", stolen, proof).refused(t, 401, oauth.InvalidClient)

	stolen = a.redemption(code)
	w.portal.call("/token", stolen, proof).refused(t, 400, oauth.InvalidDPoPProof) // an assertion for us, a proof for them
	w.clinic.call("/token", stolen, w.proof(w.clinic.dpop, "POST", w.issuer+"/token")).refused(t, 400, oauth.InvalidGrant)
	a.tokens(callback)
}

// The attacker read the authorization response.
func TestStolenCode(t *testing.T) {
	t.Parallel()
	w := newFAPIWorld(t)
	for name, bind := range map[string]func(url.Values){
		"not bound to a key": func(url.Values) {},
		"bound to a key":     func(f url.Values) { f.Set("dpop_jkt", thumbprint(t, w.portal.dpop)) },
	} {
		a := w.portal.begin(bind)
		callback := w.newVisitor().login(a.url())
		code := callback.Query().Get("code")
		mine := w.clinic.begin() // the attacker is a client too, with a login of its own
		for _, form := range []url.Values{a.redemption(code), mine.redemption(code)} {
			w.clinic.call("/token", form, w.proof(w.clinic.dpop, "POST", w.issuer+"/token")).refused(t, 400, oauth.InvalidGrant)
		}
		w.library.call("/token", a.redemption(code)).refused(t, 400, oauth.InvalidGrant)

		form := a.redemption(code)
		form.Set("client_id", "portal")
		form.Set("client_assertion_type", assertionType)
		for _, assertion := range []string{"", "e30.e30.", w.clinic.assertion(), w.clinic.assertion(map[string]any{"iss": "portal", "sub": "portal"})} {
			form.Set("client_assertion", assertion)
			w.portal.call("/token", form, w.proof(w.portal.dpop, "POST", w.issuer+"/token")).refused(t, 401, oauth.InvalidClient)
		}

		// Code injection: the attacker brings the stolen code to the client in a session of their own.
		own := w.portal.begin(bind)
		require.Empty(t, own.accept(callback), "%s: the state is another session's", name)
		own.redeem(code, w.portal.dpop).refused(t, 400, oauth.InvalidGrant) // and so is the verifier
		a.tokens(callback)
	}
}

// A code that comes twice revokes what came of it: one of the two is a thief's.
func TestStolenCodeThatIsReplayedRevokesTheToken(t *testing.T) {
	t.Parallel()
	w := newFAPIWorld(t)
	a := w.portal.begin()
	callback := w.newVisitor().login(a.url())
	token := a.tokens(callback)["access_token"].(string)
	require.Equal(t, http.StatusOK, w.userinfo(token, w.portal.dpop).status)
	a.redeem(callback.Query().Get("code"), w.newKey()).refused(t, 400, oauth.InvalidGrant)
	require.Equal(t, http.StatusUnauthorized, w.userinfo(token, w.portal.dpop).status)
}

// The attacker read a token, say in the log of a resource server, and has keys, but not the one.
func TestStolenToken(t *testing.T) {
	t.Parallel()
	w := newFAPIWorld(t)
	token := w.portal.login()
	ath := map[string]any{"ath": digest(token)}
	mine := w.newKey()
	for name, shown := range map[string]*answer{
		"as a bearer token":                w.show("Bearer " + token),
		"as a bearer token with a proof":   w.show("Bearer "+token, w.proof(mine, "GET", w.issuer+"/userinfo", ath)),
		"without a proof":                  w.show("DPoP " + token),
		"with a proof by another key":      w.show("DPoP "+token, w.proof(mine, "GET", w.issuer+"/userinfo", ath)),
		"with a proof that names the key":  w.show("DPoP "+token, forged(t, w, ath)),
		"with two proofs":                  w.show("DPoP "+token, w.proof(mine, "GET", w.issuer+"/userinfo", ath), w.proof(mine, "GET", w.issuer+"/userinfo", ath)),
		"in the URL":                       w.send(w.server.Client(), "GET", w.issuer+"/userinfo?access_token="+url.QueryEscape(token), ""),
		"in a form":                        w.send(w.server.Client(), "POST", w.issuer+"/userinfo", url.Values{"access_token": {token}}.Encode()),
		"bound to another key in its text": w.userinfo(rebound(t, token, thumbprint(t, mine)), mine),
	} {
		assert.Contains(t, []int{400, 401}, shown.status, name)
		assert.NotContains(t, shown.body, `"sub"`, name)
	}
	for _, other := range []*party{w.clinic, w.library} {
		require.Equal(t, map[string]any{"active": false}, other.call("/introspect", url.Values{"token": {token}}).json(t))
		require.Equal(t, http.StatusOK, other.call("/revoke", url.Values{"token": {token}}).status)
	}
	require.Equal(t, http.StatusOK, w.userinfo(token, w.portal.dpop).status, "nothing of it harmed the token")
}

// forged is a proof that has the victim's public key in its header and the attacker's signature.
func forged(t *testing.T, w *fapiWorld, ath map[string]any) string {
	t.Helper()
	honest := strings.Split(w.proof(w.portal.dpop, "GET", w.issuer+"/userinfo", ath), ".")
	mine := strings.Split(w.proof(w.newKey(), "GET", w.issuer+"/userinfo", ath), ".")
	return honest[0] + "." + honest[1] + "." + mine[2]
}

// rebound is the token with another key in its cnf claim, and the signature of the original.
func rebound(t *testing.T, token, thumbprint string) string {
	t.Helper()
	parts := strings.Split(token, ".")
	claims, err := base64.RawURLEncoding.DecodeString(parts[1])
	require.NoError(t, err)
	before, rest, found := strings.Cut(string(claims), `"jkt":"`)
	require.True(t, found)
	_, after, _ := strings.Cut(rest, `"`)
	parts[1] = base64.RawURLEncoding.EncodeToString([]byte(before + `"jkt":"` + thumbprint + `"` + after))
	return strings.Join(parts, ".")
}

// The attacker read the request_uri on its way through the browser. Two browsers can be in the login at once; the one
// that is first to finish gets the code, which is good for the session of the client that began it and for no other.
func TestStolenRequestURI(t *testing.T) {
	t.Parallel()
	w := newFAPIWorld(t)
	a := w.portal.begin()
	victim, thief := w.newVisitor(), w.newVisitor()
	victim.open(a.url())
	thief.open(a.url())
	require.NotEqual(t, victim.at.url.Path, thief.at.url.Path, "the thief gets a login of their own, not the victim's")
	victim.identify()
	thief.identify()
	callback := victim.consent()
	lost := thief.consent()
	require.Equal(t, "invalid_request_uri", lost.Query().Get("error"))
	require.Equal(t, a.state, lost.Query().Get("state"))
	require.Equal(t, w.issuer, lost.Query().Get("iss"))
	require.Empty(t, lost.Query().Get("code"))
	a.tokens(callback)
	thief.showsError(a.url(), oauth.InvalidRequestURI)
}

// Without any state the thief may be the first; the victim then learns it, and the client gets one code at most.
func TestStolenRequestURIThatWins(t *testing.T) {
	t.Parallel()
	w := newFAPIWorld(t)
	a := w.portal.begin()
	victim := w.newVisitor()
	victim.open(a.url())
	victim.identify()
	stolen := w.newVisitor().login(a.url())
	lost := victim.consent()
	require.Equal(t, "invalid_request_uri", lost.Query().Get("error"))
	require.NotEmpty(t, stolen.Query().Get("code"))
	// In the thief's browser the client has no session that waits for this state.
	require.Empty(t, w.portal.begin().accept(stolen))
}

// A request_uri is for one client. Whoever presents it as another's gets nothing and breaks nothing, even in the browser
// that is in the middle of the login.
func TestStolenRequestURIOfAnotherClient(t *testing.T) {
	t.Parallel()
	w := newFAPIWorld(t)
	a := w.portal.begin()
	v := w.newVisitor()
	require.Nil(t, v.open(a.url()))
	login := v.at
	stolen := w.issuer + "/authorize?" + url.Values{"client_id": {"clinic"}, "request_uri": {a.requestURI}}.Encode()
	v.showsError(stolen, oauth.InvalidRequestURI)
	w.newVisitor().showsError(stolen, oauth.InvalidRequestURI)
	v.at = login
	v.identify()
	a.tokens(v.consent())
}

func TestRaceOfManyBrowsersWithOneRequestURI(t *testing.T) {
	t.Parallel()
	w := newFAPIWorld(t)
	a := w.portal.begin()
	visitors := make([]*visitor, 6)
	for i := range visitors { // a person each: one alone would exceed the limit of codes
		visitors[i] = w.newVisitor()
		visitors[i].open(a.url())
		visitors[i].person = w.people[i].NationalID
		visitors[i].identify()
	}
	callbacks := make([]*url.URL, len(visitors))
	var group sync.WaitGroup
	for i, v := range visitors {
		group.Go(func() { callbacks[i] = v.consent() })
	}
	group.Wait()
	codes := 0
	for _, c := range callbacks {
		if c.Query().Has("code") {
			codes++
			a.tokens(c)
			continue
		}
		require.Equal(t, "invalid_request_uri", c.Query().Get("error"))
	}
	require.Equal(t, 1, codes)
}
