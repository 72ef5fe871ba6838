package signet_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet"
	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/keystore/keystoretest"
	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/oauth"
)

// elsewhere is another browser at the same provider.
func (w *esWorld) elsewhere() *esWorld {
	w.Helper()
	other, client := *w, *w.browser
	other.browse(&client)
	return &other
}

// eSignet's pages find the transaction in their address, so that anybody can send a person to one of their own, wait until the
// person proved who they are, and take the code.
func TestNobodyProvesWhoTheyAreInATransactionOfAnotherBrowser(t *testing.T) {
	t.Parallel()
	w := newESWorld(t, func(c *signet.Config) {
		c.Keys = keystoretest.WithBindingCA(t, c.Keys, time.Now())
		c.Wallet = &signet.Wallet{Accept: []authenticator.FactorSet{{authenticator.Password}}}
	})
	tx, _ := w.begin("a nonce")
	victim := w.elsewhere()
	assert.Equal(t, "invalid_transaction", victim.sendOTP(tx, alice).code())
	assert.Equal(t, "invalid_transaction", victim.authenticate(tx, alice, "111111").code())
	assert.Equal(t, "invalid_transaction", victim.post("/linked-authorization/link-code", esTransaction{}, map[string]any{"transactionId": tx.id}).code())
	assert.Equal(t, "invalid_transaction", victim.post("/authorization/auth-code", tx, map[string]any{"transactionId": tx.id, "acceptedClaims": []any{"name"}}).code())

	require.Empty(t, w.sendOTP(tx, alice).Errors, "the browser that began goes on")
	require.Empty(t, w.authenticate(tx, alice, "111111").Errors)
	assert.Empty(t, w.send(http.MethodGet, "/authorization/claim-details", tx, nil).Errors)
	w.redeem(w.code(tx, "name"))
}

// What a person approves in their wallet is one login, of whoever sits before the browser, who would decide on all others.
func TestAPersonInTheirWalletLeavesNoSessionInTheBrowser(t *testing.T) {
	t.Parallel()
	w := newESWorld(t, func(c *signet.Config) {
		c.Keys = keystoretest.WithBindingCA(t, c.Keys, time.Now())
		c.Wallet = &signet.Wallet{Accept: []authenticator.FactorSet{{authenticator.Password}}, UnsignedConsent: true}
		c.Sessions = login.Sessions{Idle: 30 * time.Minute, Total: 8 * time.Hour}
	})
	tx, _ := w.begin("a nonce")
	p := w.pagesOf(tx)
	code := w.member(w.post("/linked-authorization/link-code", esTransaction{}, map[string]any{"transactionId": tx.id}), "linkCode")
	linked := w.member(w.post("/linked-authorization/v2/link-transaction", esTransaction{}, map[string]any{"linkCode": code}), "linkTransactionId")
	w.member(w.post("/linked-authorization/send-otp", esTransaction{}, map[string]any{
		"transactionId": linked, "individualId": alice, "otpChannels": []any{"email"},
	}), "transactionId")
	w.member(w.post("/linked-authorization/v2/authenticate", esTransaction{}, map[string]any{
		"linkedTransactionId": linked, "individualId": alice, "challengeList": []any{esCode},
	}), "consentAction")
	w.member(w.post("/linked-authorization/consent", esTransaction{}, map[string]any{
		"linkedTransactionId": linked, "acceptedClaims": []any{"name"}, "permittedAuthorizeScopes": []any{},
	}), "linkedTransactionId")

	res, err := p.client.Get(p.base + "/")
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.Contains(t, res.Header.Get("Location"), "https://rp.example/cb?code=", "this login is over")
	for _, c := range res.Cookies() {
		assert.NotContains(t, c.Name, "session")
	}
	res, err = w.browser.Get(w.URL + "/authorize?" + w.pushForm().Encode())
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	assert.False(t, strings.HasSuffix(res.Request.URL.Path, "/consent"), "the next asks who it is: %s", res.Request.URL)
}

func TestNoAddressForTokensGoesAroundPKCEOrDPoP(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/oauth/token", "/oauth/v2/token"} {
		for name, c := range map[string]struct {
			bound  bool
			change func(url.Values)
		}{
			"without the verifier":      {false, func(f url.Values) { f.Del("code_verifier") }},
			"with another verifier":     {false, func(f url.Values) { f.Set("code_verifier", strings.Repeat("w", 43)) }},
			"bound, without a proof":    {true, func(url.Values) {}},
			"bound, and neither of two": {true, func(f url.Values) { f.Del("code_verifier") }},
		} {
			t.Run(path+" "+name, func(t *testing.T) {
				t.Parallel()
				w := newESWorld(t)
				request := w.details("a nonce")
				if c.bound {
					request["dpopJkt"] = strings.Repeat("k", 43)
				}
				tx, _ := w.beginAs(request)
				require.Empty(t, w.sendOTP(tx, alice).Errors)
				require.Empty(t, w.authenticate(tx, alice, "111111").Errors)
				form := w.tokenForm(w.code(tx, "name"))
				c.change(form)
				res, body := w.form(path, form, "")
				assert.Equal(t, http.StatusBadRequest, res.StatusCode)
				assert.NotContains(t, body, "access_token")
			})
		}
	}
}

func TestTheAPITakesNoOpenRequestsOfClientsThatPush(t *testing.T) {
	t.Parallel()
	w := newESWorld(t, func(c *signet.Config) {
		portal, err := c.Clients.Client(t.Context(), "portal")
		require.NoError(t, err)
		pushing := *portal
		pushing.RequirePushedRequests = true
		c.Clients, err = oauth.NewStaticClients(&pushing)
		require.NoError(t, err)
	})
	for _, version := range []string{"", "v2/", "v3/"} {
		assert.NotEmpty(t, w.post("/authorization/"+version+"oauth-details", esTransaction{}, w.details(version)).code(), version)
	}
}
