package e2e_test

import (
	"context"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet"
	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/mock"
	"github.com/gosignet/signet/esignet"
	"github.com/gosignet/signet/examples/wallet/simulator"
	"github.com/gosignet/signet/keystore/keystoretest"
	"github.com/gosignet/signet/store/memory"
	"github.com/gosignet/signet/wallet"
)

// walletWorld is a provider at which people log in with wallets, and the page of a wallet.
type walletWorld struct {
	*world
	wallet string
}

// A code lives as long as it says; zero means as usual.
func newWalletWorld(t *testing.T, codeLifetime time.Duration) *walletWorld {
	t.Helper()
	shared, err := memory.New(memory.Config{})
	require.NoError(t, err)
	w := newWorldAt(t, "localhost:0", "127.0.0.1:0", func(c *signet.Config) {
		c.Store = shared
		c.Keys = keystoretest.WithBindingCA(t, c.Keys, time.Now())
		c.ACRs = append(c.ACRs, authenticator.ACR{Value: "wallet", Alternatives: []authenticator.FactorSet{{authenticator.Wallet}}})
		c.ESignet = &signet.ESignet{OpenBinding: true}
		c.Wallet = &signet.Wallet{
			Ledger: shared, Notifier: shared, CodeLifetime: codeLifetime, Accept: []authenticator.FactorSet{{authenticator.OTP}},
			Apps: []wallet.App{{Name: "Demo Wallet", DeepLink: "https://wallet.example/link?code={LINK_CODE}"}},
		}
	})
	phone, err := simulator.New(simulator.Config{API: w.issuer + esignet.DefaultPrefix})
	require.NoError(t, err)
	page := httptest.NewServer(simulator.NewPage(phone))
	t.Cleanup(page.Close)
	return &walletWorld{w, page.URL}
}

// bindWallet binds the wallet to the person.
func (w *walletWorld) bindWallet(b *tab) {
	b.t.Helper()
	b.open(w.wallet + "/")
	b.write("#individual", w.person.NationalID)
	b.click("#send")
	b.write("#otp", mock.OTP)
	b.click("#bind")
	b.reads("Bound to " + w.person.NationalID)
}

// deepLink is what the QR code of the page says.
func (b *tab) deepLink() string {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, stepTimeout)
	defer cancel()
	link, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.getElementById("wallet-qr-btn").href`))
	require.NoError(b.t, err)
	return link
}

// eventually waits until a page of its own accord shows something.
func (b *tab) eventually(css string) {
	b.t.Helper()
	b.do("wait for "+css, chromedp.WaitReady(chromedp.CSS(css)))
}

func TestLoginByWallet(t *testing.T) {
	t.Parallel()
	for name, scripts := range map[string]bool{"with JavaScript": true, "without JavaScript": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWalletWorld(t, 0)
			phone := openBrowser(t)
			w.bindWallet(phone)
			b := phone.newTab()
			if !scripts {
				b.withoutScripts()
			}
			startLogin(b, w.world)
			b.click("#login_with_wla")
			b.has("#wallet-qr-code svg[role=img]")
			b.reads("Open Demo Wallet")
			link := b.deepLink()
			b.reload()
			assert.Equal(t, link, b.deepLink(), "a page that is loaded again shows the code that works")

			phone.write("#code", link)
			phone.click("#link")
			phone.reads("Health Portal asks for")
			b.eventually("#unlink")
			b.reads("Approve on your phone")
			b.open(b.where()[:strings.LastIndex(b.where(), "/verify/")] + "/choose")
			b.has("#unlink") // no other page is shown

			phone.tick("input[value=email]")
			phone.click("#approve")
			phone.reads("Approved")
			b.eventually("#sign-out")
			seesProfile(b, w.world, w.person)
			b.reads(w.person.Claims["email"].(string))
		})
	}
}

func TestACodeThatExpiresIsOfNoUseAndThePageHasAnother(t *testing.T) {
	t.Parallel()
	for name, scripts := range map[string]bool{"with JavaScript": true, "without JavaScript": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWalletWorld(t, 10*time.Second)
			phone := openBrowser(t)
			w.bindWallet(phone)
			b := phone.newTab()
			if !scripts {
				b.withoutScripts()
			}
			startLogin(b, w.world)
			b.click("#login_with_wla")
			first := b.deepLink()
			if scripts {
				b.eventually("#wallet-qr-code[hidden]") // after three others
				b.reads("The code expired. Ask for a new one.")
			} else {
				b.eventually(`#wallet-qr-btn:not([href="` + first + `"])`)
				b.eventually(`#wallet-qr-btn:not([href="` + first + `"]):not([href="` + b.deepLink() + `"])`)
			}
			phone.write("#code", first)
			phone.click("#link")
			phone.reads("The provider refused: invalid_link_code")
			b.click("#refresh_qr_code")
			second := b.deepLink()
			assert.NotEqual(t, first, second)
			phone.write("#code", second)
			phone.click("#link")
			phone.reads("Health Portal asks for")
			phone.click("#approve")
			b.eventually("#sign-out")
			seesProfile(b, w.world, w.person)
		})
	}
}

func TestAWalletThatRefusesLeavesTheOtherWays(t *testing.T) {
	t.Parallel()
	w := newWalletWorld(t, 0)
	phone := openBrowser(t)
	w.bindWallet(phone)
	b := phone.newTab()
	startLogin(b, w.world)
	b.click("#login_with_wla")
	phone.write("#code", b.deepLink())
	phone.click("#link")
	phone.click("#refuse")
	phone.reads("Nothing was shared")
	b.eventually("#unlink")
	b.click("#unlink")
	b.click("#back-button")
	answerPassword(b, w.person, password)
	allow(b)
	seesProfile(b, w.world, w.person)
}
