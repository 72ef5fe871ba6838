package signet_test

import (
	"bytes"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet"
	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/oauth"
)

func TestFAPI2Login(t *testing.T) {
	t.Parallel()
	for name, w := range map[string]*fapiWorld{
		"of a client": newFAPIWorld(t),
		"of a server": newFAPIWorld(t, func(c *signet.Config) { c.Profile = oauth.ProfileFAPI2 }),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w.t = t
			a := w.portal.begin()
			callback := w.newVisitor().login(a.url())
			assert.Equal(t, "portal.example", callback.Host)
			q := callback.Query()
			assert.Equal(t, []string{"7"}, q["tenant"], "the registered query survives")
			assert.Equal(t, []string{w.issuer}, q["iss"])
			assert.Equal(t, []string{a.state}, q["state"])
			assert.Len(t, q, 4)
			assert.GreaterOrEqual(t, len(q.Get("code")), 43)
			assert.Empty(t, callback.Fragment)

			tokens := a.tokens(callback)
			assert.Equal(t, "DPoP", tokens["token_type"])
			assert.Equal(t, "openid email", tokens["scope"])
			access := tokens["access_token"].(string)
			jkt := thumbprint(t, w.portal.dpop)
			assert.Equal(t, map[string]any{"jkt": jkt}, w.claims(access)["cnf"])
			id := w.claims(tokens["id_token"].(string))
			assert.Equal(t, "portal", id["aud"])
			assert.Equal(t, a.nonce, id["nonce"])

			info := w.userinfo(access, w.portal.dpop)
			require.Equal(t, http.StatusOK, info.status, info.body)
			claims := w.claims(info.body)
			assert.Equal(t, id["sub"], claims["sub"])
			assert.Equal(t, w.person.Claims["email"], claims["email"])

			answer := w.portal.call("/introspect", url.Values{"token": {access}}).json(t)
			assert.Equal(t, true, answer["active"])
			assert.Equal(t, map[string]any{"jkt": jkt}, answer["cnf"])
		})
	}
}

func TestFAPI2LoginInPlainOAuth(t *testing.T) {
	t.Parallel()
	w := newFAPIWorld(t)
	a := w.portal.begin(func(f url.Values) { f.Set("scope", "records"); f.Del("nonce") })
	tokens := a.tokens(w.newVisitor().login(a.url()))
	assert.Equal(t, "DPoP", tokens["token_type"])
	assert.Equal(t, "records", tokens["scope"])
	assert.NotContains(t, tokens, "id_token")
	access := tokens["access_token"].(string)
	assert.Equal(t, "records", w.claims(access)["scope"])
	info := w.userinfo(access, w.portal.dpop)
	assert.Equal(t, http.StatusForbidden, info.status)
}

func TestFAPI2LoginWithNonces(t *testing.T) {
	t.Parallel()
	w := newFAPIWorld(t, func(c *signet.Config) { c.RequireDPoPNonces = true })
	a := w.portal.begin()
	code := a.accept(w.newVisitor().login(a.url()))
	form := a.redemption(code)
	form.Set("client_assertion_type", assertionType)
	form.Set("client_assertion", w.portal.assertion())
	demand := w.portal.call("/token", form, w.proof(w.portal.dpop, "POST", w.issuer+"/token"))
	demand.refused(t, 400, oauth.UseDPoPNonce)
	nonce := map[string]any{"nonce": demand.header.Get("DPoP-Nonce")}
	redeemed := w.portal.call("/token", form, w.proof(w.portal.dpop, "POST", w.issuer+"/token", nonce))
	require.Equal(t, http.StatusOK, redeemed.status, "the same assertion and the same code: %s", redeemed.body)
	access := redeemed.json(t)["access_token"].(string)
	ath := map[string]any{"ath": digest(access)}
	demand = w.show("DPoP "+access, w.proof(w.portal.dpop, "GET", w.issuer+"/userinfo", ath))
	require.Equal(t, http.StatusUnauthorized, demand.status)
	require.Equal(t, nonce["nonce"], demand.header.Get("DPoP-Nonce"))
	info := w.show("DPoP "+access, w.proof(w.portal.dpop, "GET", w.issuer+"/userinfo", ath, nonce))
	require.Equal(t, http.StatusOK, info.status)
}

func TestNonceSecretsRotateWithoutRefusingANonce(t *testing.T) {
	t.Parallel()
	secret := func(b byte) []byte { return bytes.Repeat([]byte{b}, 32) }
	w := newFAPIWorld(t, func(c *signet.Config) { c.RequireDPoPNonces, c.NonceSecrets = true, [][]byte{secret('a')} })
	// push pushes a request with a proof that has the nonce, and returns the answer.
	push := func(nonce string) *answer {
		proof := w.proof(w.portal.dpop, "POST", w.issuer+"/par", map[string]any{"nonce": nonce})
		return w.portal.push(w.portal.attempt().request(), proof)
	}
	nonce := push("none").header.Get("DPoP-Nonce")
	require.NotEmpty(t, nonce)
	w.restart(func(c *signet.Config) { c.NonceSecrets = [][]byte{secret('b'), secret('a')} })
	res := push(nonce)
	require.Equal(t, http.StatusCreated, res.status, res.body)
	w.restart(func(c *signet.Config) { c.NonceSecrets = [][]byte{secret('b')} })
	push(nonce).refused(t, http.StatusBadRequest, oauth.UseDPoPNonce)
}

func TestOrdinaryClientLogsInBesideFAPIClients(t *testing.T) {
	t.Parallel()
	w := newFAPIWorld(t)
	a := w.library.attempt()
	callback := w.newVisitor().login(w.issuer + "/authorize?" + a.request().Encode())
	redeemed := a.call("/token", a.redemption(a.accept(callback)))
	require.Equal(t, http.StatusOK, redeemed.status, redeemed.body)
	tokens := redeemed.json(t)
	assert.Equal(t, "Bearer", tokens["token_type"])
	assert.Equal(t, http.StatusOK, w.show("Bearer "+tokens["access_token"].(string)).status)
}

// A reload, the back button or a second click on the link leads to where the login stands.
func TestReloadOfTheAuthorizationRequestResumesTheLogin(t *testing.T) {
	t.Parallel()
	w := newFAPIWorld(t)
	a := w.portal.begin()
	b := w.newVisitor()
	b.open(a.url())
	first := b.at.url.Path
	b.open(a.url())
	require.Equal(t, first, b.at.url.Path)
	b.identify()
	consent := b.at.url.Path
	w.pass(2 * time.Minute) // the request_uri has expired, the login has not
	b.open(a.url())
	require.Equal(t, consent, b.at.url.Path)
	a.tokens(b.consent())
}

func TestRequestURIIsRefusedAfterTheLogin(t *testing.T) {
	t.Parallel()
	w := newFAPIWorld(t)
	a := w.portal.begin()
	b := w.newVisitor()
	a.tokens(b.login(a.url()))
	b.showsError(a.url(), oauth.InvalidRequestURI)
	w.newVisitor().showsError(a.url(), oauth.InvalidRequestURI)
}

func TestRequestURIIsRefusedAfterACancelledLogin(t *testing.T) {
	t.Parallel()
	w := newFAPIWorld(t)
	a := w.portal.begin()
	b := w.newVisitor()
	b.open(a.url())
	callback := b.submit("cancel", url.Values{})
	require.Equal(t, "access_denied", callback.Query().Get("error"))
	require.Equal(t, a.state, callback.Query().Get("state"))
	require.Equal(t, w.issuer, callback.Query().Get("iss"))
	b.showsError(a.url(), oauth.InvalidRequestURI)
}

func TestRequestURIIsRefusedAfterItsTime(t *testing.T) {
	t.Parallel()
	w := newFAPIWorld(t)
	a := w.portal.begin()
	w.pass(61 * time.Second)
	w.newVisitor().showsError(a.url(), oauth.InvalidRequestURI)
}

// The code, too, is gone after a minute, and the grant with it.
func TestCodeIsRefusedAfterItsTime(t *testing.T) {
	t.Parallel()
	w := newFAPIWorld(t)
	a := w.portal.begin()
	code := a.accept(w.newVisitor().login(a.url()))
	w.pass(62 * time.Second)
	a.redeem(code, a.dpop).refused(t, 400, oauth.InvalidGrant)
}

func TestMetadataOfAServerUnderTheProfile(t *testing.T) {
	t.Parallel()
	w := newFAPIWorld(t, func(c *signet.Config) { c.Profile = oauth.ProfileFAPI2 })
	for _, path := range []string{"/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"} {
		m := w.send(w.server.Client(), http.MethodGet, w.issuer+path, "").json(t)
		assert.Equal(t, w.issuer, m["issuer"])
		assert.Equal(t, w.issuer+"/par", m["pushed_authorization_request_endpoint"])
		assert.Equal(t, true, m["require_pushed_authorization_requests"])
		assert.Equal(t, true, m["authorization_response_iss_parameter_supported"])
		assert.Equal(t, []any{"ES256", "PS256", "EdDSA"}, m["dpop_signing_alg_values_supported"])
		assert.Equal(t, []any{"S256"}, m["code_challenge_methods_supported"])
		assert.NotContains(t, m["token_endpoint_auth_signing_alg_values_supported"], "RS256")
	}
}

func TestNewRefusesWhatTheProfileForbids(t *testing.T) {
	t.Parallel()
	keys, err := keystore.Generate(jose.ES256, jose.RS256)
	require.NoError(t, err)
	for want, change := range map[string]func(*signet.Config){
		"does not allow RS256": func(c *signet.Config) {
			c.Keys, c.Algorithms = keys, []jose.SignatureAlgorithm{jose.ES256, jose.RS256}
		},
		"not allow RS256": func(c *signet.Config) {
			c.Keys, c.Algorithm = keys, jose.RS256
		},
		"RequestLifetime": func(c *signet.Config) { c.RequestLifetime = 10 * time.Minute },
		`unknown profile`: func(c *signet.Config) { c.Profile = "fapi1" },
		`client "library"`: func(c *signet.Config) {
			library := (&fapiWorld{t: t}).newParty("library")
			library.client.PKCEOptional = true
			clients, err := oauth.NewStaticClients(library.client)
			require.NoError(t, err)
			c.Clients = clients
		},
	} {
		newFAPIWorld(t, func(c *signet.Config) {
			broken := *c
			broken.Profile = oauth.ProfileFAPI2
			_, err := signet.New(broken)
			require.NoError(t, err)
			change(&broken)
			_, err = signet.New(broken)
			require.ErrorContains(t, err, want)
		})
	}
}
