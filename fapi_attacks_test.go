package signet_test

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

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
		assert.NotContains(t, shown.body, "sub", name)
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

// The attacker exchanges keys between what belongs together.
func TestSwappedKeys(t *testing.T) {
	t.Parallel()
	w := newFAPIWorld(t)
	mine := w.newKey()
	tokenURL := w.issuer + "/token"

	form := w.portal.attempt().request()
	form.Set("dpop_jkt", thumbprint(t, w.portal.dpop))
	w.portal.push(form, w.proof(mine, "POST", w.issuer+"/par")).refused(t, 400, oauth.InvalidDPoPProof)

	for name, begin := range map[string]func() *attempt{
		"dpop_jkt": func() *attempt {
			return w.portal.begin(func(f url.Values) { f.Set("dpop_jkt", thumbprint(t, w.portal.dpop)) })
		},
		"a proof at PAR": func() *attempt {
			a := w.portal.attempt()
			pushed := w.portal.push(a.request(), w.proof(w.portal.dpop, "POST", w.issuer+"/par"))
			a.requestURI = pushed.json(t)["request_uri"].(string)
			return a
		},
	} {
		a := begin()
		callback := w.newVisitor().login(a.url())
		code := a.accept(callback)
		a.redeem(code, mine).refused(t, 400, oauth.InvalidDPoPProof)
		a.redeem(code, w.clinic.dpop).refused(t, 400, oauth.InvalidDPoPProof)
		a.redeem(code, w.portal.key).refused(t, 400, oauth.InvalidDPoPProof) // the key of the assertions is another
		redemption := a.redemption(code)
		w.portal.call("/token", redemption).refused(t, 400, oauth.InvalidDPoPProof)
		redemption.Set("client_assertion_type", assertionType)
		redemption.Set("client_assertion", w.jwt(w.portal.dpop, nil, map[string]any{ // the key of the proofs is no client's
			"iss": "portal", "sub": "portal", "aud": w.issuer, "jti": "1", "exp": w.now().Add(time.Minute).Unix(),
		}))
		w.portal.call("/token", redemption, w.proof(w.portal.dpop, "POST", tokenURL)).refused(t, 401, oauth.InvalidClient)
		token := a.tokens(callback)["access_token"].(string)
		for _, key := range []*party{{dpop: mine}, w.clinic, {dpop: w.portal.key}} {
			require.Equal(t, http.StatusUnauthorized, w.userinfo(token, key.dpop).status, name)
		}
		require.Equal(t, http.StatusOK, w.userinfo(token, w.portal.dpop).status, name)
	}
}

// The attacker read a request with its proof, and sends it again, there or elsewhere.
func TestReplayedProof(t *testing.T) {
	t.Parallel()
	w := newFAPIWorld(t)
	a := w.portal.attempt()
	pushProof := w.proof(w.portal.dpop, "POST", w.issuer+"/par")
	pushed := w.portal.push(a.request(), pushProof)
	require.Equal(t, http.StatusCreated, pushed.status)
	a.requestURI = pushed.json(t)["request_uri"].(string)
	w.portal.push(a.request(), pushProof).refused(t, 400, oauth.InvalidDPoPProof)

	code := a.accept(w.newVisitor().login(a.url()))
	w.portal.call("/token", a.redemption(code), pushProof).refused(t, 400, oauth.InvalidDPoPProof) // made for PAR
	tokenProof := w.proof(w.portal.dpop, "POST", w.issuer+"/token")
	redeemed := w.portal.call("/token", a.redemption(code), tokenProof)
	require.Equal(t, http.StatusOK, redeemed.status, redeemed.body)
	other := w.portal.begin()
	otherCode := other.accept(w.newVisitor().login(other.url()))
	w.portal.call("/token", other.redemption(otherCode), tokenProof).refused(t, 400, oauth.InvalidDPoPProof)
	require.Equal(t, http.StatusOK, other.redeem(otherCode, w.portal.dpop).status)

	token := redeemed.json(t)["access_token"].(string)
	ath := map[string]any{"ath": digest(token)}
	proof := w.proof(w.portal.dpop, "GET", w.issuer+"/userinfo", ath)
	require.Equal(t, http.StatusOK, w.show("DPoP "+token, proof).status)
	for name, replayed := range map[string]string{
		"used before":      proof,
		"made for /token":  tokenProof,
		"without ath":      w.proof(w.portal.dpop, "GET", w.issuer+"/userinfo"),
		"made for a POST":  w.proof(w.portal.dpop, "POST", w.issuer+"/userinfo", ath),
		"an hour old":      w.proof(w.portal.dpop, "GET", w.issuer+"/userinfo", ath, map[string]any{"iat": w.now().Add(-time.Hour).Unix()}),
		"for another host": w.proof(w.portal.dpop, "GET", "https://api.example/userinfo", ath),
	} {
		require.Equal(t, http.StatusUnauthorized, w.show("DPoP "+token, replayed).status, name)
	}
	require.Equal(t, http.StatusOK, w.userinfo(token, w.portal.dpop).status)
}

// A client assertion is used once too, wherever it was used.
func TestReplayedAssertion(t *testing.T) {
	t.Parallel()
	w := newFAPIWorld(t)
	a := w.portal.begin()
	code := a.accept(w.newVisitor().login(a.url()))
	form := w.portal.attempt().request()
	form.Set("client_assertion_type", assertionType)
	form.Set("client_assertion", w.portal.assertion())
	require.Equal(t, http.StatusCreated, w.portal.push(form).status)
	w.portal.push(form).refused(t, 401, oauth.InvalidClient)
	redemption := a.redemption(code)
	redemption.Set("client_assertion_type", assertionType)
	redemption.Set("client_assertion", form.Get("client_assertion"))
	w.portal.call("/token", redemption, w.proof(w.portal.dpop, "POST", w.issuer+"/token")).refused(t, 401, oauth.InvalidClient)
	require.Equal(t, http.StatusOK, a.redeem(code, a.dpop).status)
}

// The attacker takes PKCE out, or makes it weak, on one side or the other.
func TestPKCEDowngrade(t *testing.T) {
	t.Parallel()
	w := newFAPIWorld(t)
	for _, downgrade := range []func(url.Values){
		func(f url.Values) { f.Del("code_challenge"); f.Del("code_challenge_method") },
		func(f url.Values) { f.Del("code_challenge") },
		func(f url.Values) { f.Del("code_challenge_method") },
		func(f url.Values) { f.Set("code_challenge_method", "plain") },
		func(f url.Values) { f.Set("code_challenge_method", "s256") },
		func(f url.Values) { f.Set("code_challenge", "") },
		func(f url.Values) { f.Set("code_challenge", "short") },
		func(f url.Values) { f.Add("code_challenge_method", "plain") },
	} {
		form := w.portal.attempt().request()
		downgrade(form)
		w.portal.push(form).refused(t, 400, oauth.InvalidRequest)
	}
	a := w.portal.begin()
	v := w.newVisitor() // the challenge that counts is the pushed one
	callback := v.login(a.url() + "&code_challenge_method=plain&code_challenge=" + a.verifier)
	code := a.accept(callback)
	for _, verifier := range []string{"", digest(a.verifier), a.verifier + "x", strings.ToLower(a.verifier), w.portal.attempt().verifier} {
		form := a.redemption(code)
		form.Set("code_verifier", verifier)
		w.portal.call("/token", form, w.proof(w.portal.dpop, "POST", w.issuer+"/token")).refused(t, 400, oauth.InvalidGrant)
	}
	form := a.redemption(code)
	form.Del("code_verifier")
	w.portal.call("/token", form, w.proof(w.portal.dpop, "POST", w.issuer+"/token")).refused(t, 400, oauth.InvalidGrant)
	a.tokens(callback)
}

// The attacker writes into the query of the authorization request, or replaces it altogether.
func TestTamperedParametersOutsideThePushedRequest(t *testing.T) {
	t.Parallel()
	w := newFAPIWorld(t)
	a := w.portal.begin()
	tampered := url.Values{
		"scope": {"openid email records"}, "redirect_uri": {"https://evil.example/cb"}, "state": {"tampered"}, "nonce": {"tampered"},
		"response_type": {"token"}, "response_mode": {"form_post"}, "dpop_jkt": {thumbprint(t, w.clinic.dpop)}, "claims": {`{"userinfo":{"birthdate":{"essential":true}}}`},
		"request": {"e30.e30."}, "prompt": {"none"}, "max_age": {"0"}, "login_hint": {"evil"},
	}
	v := w.newVisitor()
	callback := v.login(a.url() + "&" + tampered.Encode())
	require.Equal(t, "portal.example", callback.Host)
	tokens := a.tokens(callback) // the key, the state, the verifier
	require.Equal(t, "openid email", tokens["scope"])
	require.Equal(t, a.nonce, w.claims(tokens["id_token"].(string))["nonce"])

	// Without the reference it is a request that nobody vouches for.
	refused := w.newVisitor().open(w.issuer + "/authorize?" + w.portal.attempt().request().Encode())
	require.Equal(t, "invalid_request", refused.Query().Get("error"))
	require.Empty(t, refused.Query().Get("code"))
	b := w.portal.begin()
	for name, query := range map[string]string{
		"two request_uris": b.url() + "&request_uri=" + url.QueryEscape(w.portal.begin().requestURI),
		"two client_ids":   b.url() + "&client_id=clinic",
		"no client_id":     w.issuer + "/authorize?request_uri=" + url.QueryEscape(b.requestURI),
	} {
		v := w.newVisitor()
		require.Nil(t, v.open(query), name)
		require.Equal(t, http.StatusBadRequest, v.at.status, name)
	}
	b.tokens(w.newVisitor().login(b.url()))
}

// The attacker wants the victim to act in the attacker's login, or the other way round.
func TestLoginCSRF(t *testing.T) {
	t.Parallel()
	w := newFAPIWorld(t)
	attacker, victim := w.newVisitor(), w.newVisitor()
	evil := w.portal.begin()
	require.Nil(t, attacker.open(evil.url()))
	page := attacker.at

	// The attacker's form, sent by the victim's browser: it has no part in that login.
	path := page.url.String()
	csrf := csrfValue.FindStringSubmatch(page.body)[1]
	form := url.Values{"csrf": {csrf}, "identifier": {w.person.NationalID}}.Encode()
	for _, site := range []string{"same-origin", "cross-site", "none"} {
		sent := w.send(victim.http, http.MethodPost, path, form, "Sec-Fetch-Site", site)
		require.Equal(t, http.StatusBadRequest, sent.status, site)
	}
	require.Equal(t, http.StatusBadRequest, w.send(victim.http, http.MethodGet, path, "").status)

	// A form that another site made in the victim's own login, with and without the attacker's token.
	own := w.portal.begin()
	require.Nil(t, victim.open(own.url()))
	for name, headers := range map[string][]string{
		"from another site":        {"Sec-Fetch-Site", "cross-site"},
		"from another origin":      {"Origin", "https://evil.example"},
		"with the attacker's csrf": {"Sec-Fetch-Site", "same-origin"},
	} {
		sent := w.send(victim.http, http.MethodPost, victim.at.url.String(), form, headers...)
		require.Equal(t, http.StatusForbidden, sent.status, name)
	}

	// The attacker completes their own login and gives the victim's browser the callback: the victim's session at the
	// client waits for another state, and its verifier is another.
	attacker.identify()
	callback := attacker.consent()
	require.Empty(t, own.accept(callback))
	own.redeem(callback.Query().Get("code"), w.portal.dpop).refused(t, 400, oauth.InvalidGrant)
	victim.identify()
	own.tokens(victim.consent())
}

// A login is in the browser that began it: cookies of another login, or under another name, open nothing.
func TestSwappedCookies(t *testing.T) {
	t.Parallel()
	w := newFAPIWorld(t)
	one, two := w.newVisitor(), w.newVisitor()
	one.open(w.portal.begin().url())
	two.open(w.portal.begin().url())
	u, err := url.Parse(w.issuer)
	require.NoError(t, err)
	mine, yours := one.http.Jar.Cookies(u)[0], two.http.Jar.Cookies(u)[0]
	for name, cookie := range map[string]string{
		"of another login":               mine.Name + "=" + mine.Value,
		"of another login under my name": yours.Name + "=" + mine.Value,
		"of nobody":                      yours.Name + "=" + strings.Repeat("A", len(mine.Value)),
		"without a name":                 "=" + yours.Value,
	} {
		shown := w.send(w.server.Client(), http.MethodGet, two.at.url.String(), "", "Cookie", cookie)
		require.Equal(t, http.StatusBadRequest, shown.status, name)
	}
	require.Equal(t, http.StatusOK, w.send(w.server.Client(), http.MethodGet, two.at.url.String(), "", "Cookie", yours.Name+"="+yours.Value).status)
}

// A client that is not held to the profile gets what it is registered for, and no way around the profile of another.
func TestOrdinaryClientIsNoWayAroundTheProfile(t *testing.T) {
	t.Parallel()
	w := newFAPIWorld(t)
	a := w.portal.begin()
	callback := w.newVisitor().login(a.url())
	code := a.accept(callback)
	w.library.call("/token", a.redemption(code)).refused(t, 400, oauth.InvalidGrant)
	form := a.redemption(code)
	form.Set("client_id", "portal")
	w.library.call("/token", form).refused(t, 401, oauth.InvalidClient)
	form = w.library.attempt().request()
	form.Set("client_id", "portal")
	w.library.push(form).refused(t, 401, oauth.InvalidClient)
	form.Set("client_id", "library")
	form.Set("redirect_uri", w.portal.client.RedirectURIs[0])
	w.library.push(form).refused(t, 400, oauth.InvalidRequest)
	a.tokens(callback)
}
