package signet_test

import (
	"encoding/json"
	"io"
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
	wallets "github.com/gosignet/signet/wallet"
)

// Whoever shows a person the code of a login of theirs must not decide in the place of the person's wallet.
func TestBrowserHasNoSayInALoginThatAWalletHas(t *testing.T) {
	t.Parallel()
	w := newESWorld(t, func(c *signet.Config) {
		c.Keys = keystoretest.WithBindingCA(t, c.Keys, time.Now())
		c.Wallet = &signet.Wallet{Accept: []authenticator.FactorSet{{authenticator.Password}}, UnsignedConsent: true}
	})
	tx, _ := w.begin("a nonce")
	code := w.member(w.post("/linked-authorization/link-code", esTransaction{}, map[string]any{"transactionId": tx.id}), "linkCode")
	linked := w.member(w.post("/linked-authorization/v2/link-transaction", esTransaction{}, map[string]any{"linkCode": code}), "linkTransactionId")
	assert.Equal(t, "invalid_transaction", w.sendOTP(tx, alice).code())
	assert.Equal(t, "invalid_transaction", w.authenticate(tx, alice, "111111").code())
	w.member(w.post("/linked-authorization/send-otp", esTransaction{}, map[string]any{
		"transactionId": linked, "individualId": alice, "otpChannels": []any{"email"},
	}), "transactionId")
	action := w.member(w.post("/linked-authorization/v2/authenticate", esTransaction{}, map[string]any{
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
	w.member(w.post("/linked-authorization/consent", esTransaction{}, decision), "linkedTransactionId")
	delete(decision, "linkedTransactionId")
	assert.Equal(t, "invalid_transaction", decide())
	w.redeem(w.member(w.post("/linked-authorization/link-auth-code", esTransaction{}, map[string]any{
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

// The pages offer no wallet in a login that is not for them.
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

// Whoever knows a login of the API can open it on the pages.
func TestPagesHaveNoSayInALoginThatAWalletGotFromTheAPI(t *testing.T) {
	t.Parallel()
	for name, apps := range map[string][]wallets.App{
		"which show codes": {{Name: "Wallet", DeepLink: "https://wallet.example/?code={LINK_CODE}"}}, "which show none": nil,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newESWorld(t, func(c *signet.Config) {
				c.Keys = keystoretest.WithBindingCA(t, c.Keys, time.Now())
				c.Wallet = &signet.Wallet{Accept: []authenticator.FactorSet{{authenticator.Password}}, UnsignedConsent: true, Apps: apps}
			})
			tx, _ := w.begin("a nonce")
			p := w.pagesOf(tx)
			token, at := p.form("/")
			require.Contains(t, at, "/identify/otp")
			held := func(path string) {
				t.Helper()
				assert.Contains(t, path, "/verify/wla")
			}

			code := w.member(w.post("/linked-authorization/link-code", esTransaction{}, map[string]any{"transactionId": tx.id}), "linkCode")
			linked := w.member(w.post("/linked-authorization/v2/link-transaction", esTransaction{}, map[string]any{"linkCode": code}), "linkTransactionId")
			_, at = p.form("/identify/otp")
			held(at)
			held(p.submit("/identify/otp", token, "identifier", alice, "channel", "email"))
			w.member(w.post("/linked-authorization/send-otp", esTransaction{}, map[string]any{
				"transactionId": linked, "individualId": alice, "otpChannels": []any{"email"},
			}), "transactionId")
			w.member(w.post("/linked-authorization/v2/authenticate", esTransaction{}, map[string]any{
				"linkedTransactionId": linked, "individualId": alice, "challengeList": []any{esCode},
			}), "consentAction")
			_, at = p.form("/consent")
			held(at)
			held(p.submit("/consent", token, "claim", "name", "claim", "email"))
			w.member(w.post("/linked-authorization/consent", esTransaction{}, map[string]any{
				"linkedTransactionId": linked, "acceptedClaims": []any{"name"}, "permittedAuthorizeScopes": []any{},
			}), "linkedTransactionId")
			assert.Contains(t, p.submit("/consent", token), "https://rp.example/cb?", "the person decided")
		})
	}
}

// member is a member of an answer without errors.
func (w *esWorld) member(a esAnswer, name string) string {
	w.Helper()
	require.Empty(w, a.Errors)
	var members map[string]any
	require.NoError(w, json.Unmarshal(a.Response, &members))
	value, _ := members[name].(string)
	require.NotEmpty(w, value)
	return value
}

// ownPages are Signet's pages of a login that the browser began elsewhere.
type ownPages struct {
	*esWorld
	base   string
	client http.Client
}

func (w *esWorld) pagesOf(tx esTransaction) *ownPages {
	w.Helper()
	res, err := w.browser.Get(w.URL + "/authorize?" + w.pushForm().Encode())
	require.NoError(w, err)
	require.NoError(w, res.Body.Close())
	id := strings.Split(res.Request.URL.Path, "/")[2]
	p := &ownPages{w, w.URL + "/login/" + login.ID(tx.id), *w.browser}
	p.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	address, err := url.Parse(p.base + "/")
	require.NoError(w, err)
	for _, c := range w.browser.Jar.Cookies(res.Request.URL) {
		if kind, ok := strings.CutSuffix(c.Name, id); ok {
			p.client.Jar.SetCookies(address, []*http.Cookie{{Name: kind + login.ID(tx.id), Value: tx.id, Path: "/", Secure: true}})
		}
	}
	return p
}

// form opens a page, and returns the token of its forms and where the browser is taken instead.
func (p *ownPages) form(page string) (token, at string) {
	p.Helper()
	res, err := p.esWorld.browser.Get(p.base + page)
	require.NoError(p, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	require.NoError(p, err)
	require.Equal(p, http.StatusOK, res.StatusCode)
	return csrfValue.FindStringSubmatch(string(body))[1], res.Request.URL.Path
}

// submit sends a form, and returns to where that leads.
func (p *ownPages) submit(page, token string, fields ...string) string {
	p.Helper()
	form := url.Values{"csrf": {token}}
	for i := 0; i+1 < len(fields); i += 2 {
		form.Add(fields[i], fields[i+1])
	}
	res, err := p.client.PostForm(p.base+page, form)
	require.NoError(p, err)
	require.NoError(p, res.Body.Close())
	return res.Header.Get("Location")
}
