package signet_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet"
	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/keystore/keystoretest"
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
	wallet := member(w.post("/linked-authorization/v2/link-transaction", esTransaction{}, map[string]any{"linkCode": code}), "linkTransactionId")
	assert.Equal(t, "invalid_transaction", w.sendOTP(tx, alice).code())
	assert.Equal(t, "invalid_transaction", w.authenticate(tx, alice, "111111").code())
	member(w.post("/linked-authorization/send-otp", esTransaction{}, map[string]any{
		"transactionId": wallet, "individualId": alice, "otpChannels": []any{"email"},
	}), "transactionId")
	action := member(w.post("/linked-authorization/v2/authenticate", esTransaction{}, map[string]any{
		"linkedTransactionId": wallet, "individualId": alice, "challengeList": []any{esCode},
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
	decision["linkedTransactionId"] = wallet
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
