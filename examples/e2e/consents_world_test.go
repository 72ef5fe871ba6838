package e2e_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/chromedp"
	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet"
	"github.com/gosignet/signet/examples/portal"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/oidc"
	"github.com/gosignet/signet/store/memory"
)

// consentWorld is a provider that remembers consents, and a portal that asks for verified claims and has userinfo
// encrypted to it.
type consentWorld struct {
	*world
	config  portal.Config
	handler atomic.Pointer[portal.Portal]
}

func newConsentWorld(t *testing.T) *consentWorld {
	t.Helper()
	w := &consentWorld{}
	server, at := listen(t, "127.0.0.1:0")
	server.Config.Handler = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { w.handler.Load().ServeHTTP(rw, r) })
	key := newKey(t)
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	encryption := jose.JSONWebKey{Key: private, KeyID: "client-enc-1", Algorithm: string(jose.ECDH_ES), Use: "enc"}
	ledger, err := memory.New(memory.Config{})
	require.NoError(t, err)
	t.Cleanup(func() { ledger.Close() })
	w.world = newWorldAt(t, "localhost:0", "127.0.0.1:0", func(c *signet.Config) {
		c.Ledger = ledger
		c.Assurance = oidc.Assurance{
			TrustFrameworks: []string{"urn:example:address-check", "urn:example:civil-register", "urn:example:telecom"},
			Claims:          []string{"birthdate", "name"},
			Evidence:        []string{"document", "electronic_record"},
			Documents:       []string{"idcard"}, ElectronicRecords: []string{"birth_register"},
		}
	}, &oauth.Client{
		ID:                 "clinic",
		Names:              map[string]string{"": "Clinic"},
		RedirectURIs:       []string{at + "/callback"},
		Keys:               jose.JSONWebKeySet{Keys: []jose.JSONWebKey{key.Public(), encryption.Public()}},
		AssertionAlgorithm: jose.ES256,
		UserinfoEncryption: oauth.Encryption{KeyAlgorithm: jose.ECDH_ES, Content: jose.A256GCM},
		Scopes:             []string{"openid", "email", "phone"},
	})
	w.portal = at
	w.config = portal.Config{
		Issuer: w.issuer, ClientID: "clinic", Key: key, RedirectURI: at + "/callback", EncryptionKey: encryption,
		VerifiedClaims: []string{"name", "birthdate"}, Purpose: "To find your records",
		AccountURL: w.issuer + "/account/",
	}
	w.ask(t, "email")
	server.Start()
	t.Cleanup(server.Close)
	return w
}

// ask has the portal ask for what the scopes stand for, beside the verified claims.
func (w *consentWorld) ask(t *testing.T, scopes ...string) {
	t.Helper()
	c := w.config
	c.Scopes = append([]string{"openid"}, scopes...)
	p, err := portal.New(c)
	require.NoError(t, err)
	w.handler.Store(p)
}

// signIn takes the person to where they are asked, or back to the portal.
func (w *consentWorld) signIn(b *tab) {
	b.t.Helper()
	startLogin(b, w.world)
	answerPassword(b, w.person, password)
}

// download follows a link to a file and returns what is in it.
func (b *tab) download(css string) []byte {
	b.t.Helper()
	dir := b.t.TempDir()
	b.do("allow downloads", chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, browser.SetDownloadBehavior, browser.SetDownloadBehaviorParams{
			Behavior: browser.SetDownloadBehaviorBehaviorAllow, DownloadPath: dir,
		})
		return err
	}))
	b.tick(css)
	var file []string
	require.Eventually(b.t, func() bool {
		file, _ = filepath.Glob(filepath.Join(dir, "consent-receipt-*.jwt"))
		return len(file) == 1
	}, stepTimeout, stepTimeout/600)
	data, err := os.ReadFile(file[0])
	require.NoError(b.t, err)
	return data
}

// verifiedByJavaScript returns what a receipt says, once the library jose has verified it with the keys at the URL.
func verifiedByJavaScript(t *testing.T, receipt []byte, keys, issuer string) map[string]any {
	t.Helper()
	node, err := exec.LookPath("node")
	require.NoError(t, err, `verifying receipts needs Node.js: run "make node"`)
	todo, err := json.Marshal(map[string]string{"receipt": string(receipt), "keys": keys, "issuer": issuer})
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), node, "receipt.mjs")
	cmd.Dir = filepath.Join("testdata", "jsclient")
	cmd.Stdin = bytes.NewReader(todo)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	var says map[string]any
	require.NoError(t, json.Unmarshal(out, &says), string(out))
	return says
}
