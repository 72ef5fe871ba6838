package signet_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet"
	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/keystore/keystoretest"
	wallets "github.com/gosignet/signet/wallet"
)

// Whoever shows a person the code of a login of theirs must not decide in the place of the person's wallet.
func TestBrowserHasNoSayInALoginThatAWalletHas(t *testing.T) {
	t.Parallel()
	w := newESWorld(t, func(c *signet.Config) {
		c.Keys = keystoretest.WithBindingCA(t, c.Keys, time.Now())
		c.Wallet = &signet.Wallet{Accept: []authenticator.FactorSet{{authenticator.Password}}, UnsignedConsent: true}
	})
	member := func(a esAnswer, name string) string {
		t.Helper()
		require.Empty(t, a.Errors)
		var members map[string]any
		require.NoError(t, json.Unmarshal(a.Response, &members))
		return members[name].(string)
	}
	tx, _ := w.begin("a nonce")
	code := member(w.post("/linked-authorization/link-code", esTransaction{}, map[string]any{"transactionId": tx.id}), "linkCode")
	linked := member(w.post("/linked-authorization/v2/link-transaction", esTransaction{}, map[string]any{"linkCode": code}), "linkTransactionId")
	assert.Equal(t, "invalid_transaction", w.sendOTP(tx, alice).code())
	assert.Equal(t, "invalid_transaction", w.authenticate(tx, alice, "111111").code())
	member(w.post("/linked-authorization/send-otp", esTransaction{}, map[string]any{
		"transactionId": linked, "individualId": alice, "otpChannels": []any{"email"},
	}), "transactionId")
	action := member(w.post("/linked-authorization/v2/authenticate", esTransaction{}, map[string]any{
		"linkedTransactionId": linked, "individualId": alice, "challengeList": []any{esCode},
	}), "consentAction")
	require.Equal(t, "CAPTURE", action)
	decision := map[string]any{"acceptedClaims": []any{"name"}, "permittedAuthorizeScopes": []any{}}
	decide := func() string {
		decision["transactionId"] = tx.id
		defer delete(decision, "transactionId")
		return w.post("/authorization/auth-code", tx, decision).code()
	}
	assert.Equal(t, "invalid_transaction", w.send(http.MethodGet, "/authorization/claim-details", tx, nil).code())
	assert.Equal(t, "invalid_transaction", decide())
	decision["linkedTransactionId"] = linked
	member(w.post("/linked-authorization/consent", esTransaction{}, decision), "linkedTransactionId")
	delete(decision, "linkedTransactionId")
	assert.Equal(t, "invalid_transaction", decide())
	w.redeem(member(w.post("/linked-authorization/link-auth-code", esTransaction{}, map[string]any{
		"transactionId": tx.id, "linkedCode": code,
	}), "code"))
}

func TestWalletsAreToldTheSettingsOfThePages(t *testing.T) {
	t.Parallel()
	w := newESWorld(t, func(c *signet.Config) {
		c.Keys = keystoretest.WithBindingCA(t, c.Keys, time.Now())
		c.Wallet = &signet.Wallet{Accept: []authenticator.FactorSet{{authenticator.Password}}}
	})
	for _, version := range []string{"", "v2/"} {
		tx, _ := w.begin(version)
		var shown struct{ LinkCode string }
		require.NoError(t, json.Unmarshal(w.post("/linked-authorization/link-code", esTransaction{}, map[string]any{"transactionId": tx.id}).Response, &shown))
		var linked struct{ Configs map[string]any }
		a := w.post("/linked-authorization/"+version+"link-transaction", esTransaction{}, map[string]any{"linkCode": shown.LinkCode})
		require.NoError(t, json.Unmarshal(a.Response, &linked))
		assert.Equal(t, w.URL, linked.Configs["issuer"])
		assert.Equal(t, "email,phone", linked.Configs["send.otp.channels"])
		assert.Contains(t, linked.Configs, "linked-transaction-expire-in-secs")
		assert.NotContains(t, linked.Configs, "clientAdditionalConfig", "it is the browser's")
		assert.NotContains(t, linked.Configs, "auth.factor.kbi.field-details")
	}
}

// The pages do not look for wallets in a login that is not for them.
func TestNoWalletGetsALoginOfPagesThatOfferNone(t *testing.T) {
	t.Parallel()
	w := newESWorld(t, func(c *signet.Config) {
		c.Keys = keystoretest.WithBindingCA(t, c.Keys, time.Now())
		c.Wallet = &signet.Wallet{
			Accept: []authenticator.FactorSet{{authenticator.Password}},
			Apps:   []wallets.App{{Name: "Wallet", DeepLink: "https://wallet.example/?code={LINK_CODE}"}},
		}
	})
	for acr, code := range map[string]string{"mosip:idp:acr:generated-code": "invalid_transaction", "mosip:idp:acr:linked-wallet": ""} {
		claims, err := json.Marshal(map[string]any{"id_token": map[string]any{"acr": map[string]any{"essential": true, "value": acr}}})
		require.NoError(t, err)
		parameters := w.pushForm()
		parameters.Set("claims", string(claims))
		res, err := w.browser.Get(w.URL + "/authorize?" + parameters.Encode())
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		require.Equal(t, http.StatusOK, res.StatusCode)
		id := strings.Split(res.Request.URL.Path, "/")[2]
		var handle string
		for _, c := range w.browser.Jar.Cookies(res.Request.URL) {
			if strings.HasSuffix(c.Name, id) {
				handle, _, _ = strings.Cut(c.Value, ".")
			}
		}
		require.NotEmpty(t, handle)
		assert.Equal(t, code, w.post("/linked-authorization/link-code", esTransaction{}, map[string]any{"transactionId": handle}).code(), acr)
	}
}
