package signet_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/oauth"
)

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
