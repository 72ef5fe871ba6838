package e2e_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"
	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet"
	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/mock"
	"github.com/gosignet/signet/authenticator/passkey"
	"github.com/gosignet/signet/examples/portal"
	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/store/memory"
	"github.com/gosignet/signet/ui"
)

// card is the own factor of a country: what is printed on its card.
const card authenticator.Factor = "card"

const (
	cardIssued = "2021-05-04"
	cardNumber = "774411"

	clinicID = "clinic"
)

// acrOf names the context that is reached by the factors.
func acrOf(factors ...authenticator.Factor) string {
	names := make([]string, len(factors))
	for i, f := range factors {
		names[i] = string(f)
	}
	return "urn:example:" + strings.Join(names, "+")
}

// cards is the register of cards: everybody has the same.
type cards struct{}

func (cards) Factors() []authenticator.Factor { return []authenticator.Factor{card} }

func (cards) Form(context.Context, authenticator.Factor) (*authenticator.Form, error) {
	return &authenticator.Form{
		Identifier: &authenticator.FormField{Name: "holder", Type: authenticator.FieldDigits, Labels: map[string]string{"en": "Number of the holder"}},
		Fields: []authenticator.FormField{
			{Name: "issued", Type: authenticator.FieldDate, Labels: map[string]string{"en": "Date of issue"}},
			{Name: "number", Type: authenticator.FieldDigits, Labels: map[string]string{"en": "Number of the card"}},
		},
	}, nil
}

func (cards) Authenticate(_ context.Context, r *authenticator.Request) (*authenticator.Identity, error) {
	var answer struct{ Issued, Number string }
	if json.Unmarshal([]byte(r.Challenges[0].Response), &answer) != nil || answer.Issued != cardIssued || answer.Number != cardNumber {
		return nil, &authenticator.Error{Reason: authenticator.WrongCredentials}
	}
	return &authenticator.Identity{Subject: r.Identifier.Value}, nil
}

// factorsWorld is a world in which people log in by every factor that has a page, and by two at once.
type factorsWorld struct {
	*world
	device *biometricDevice
	clinic *httptest.Server // a second client, which is still to be started
	url    string           // of the clinic
	key    jose.JSONWebKey
}

func newFactorsWorld(t *testing.T, changes ...func(*signet.Config)) *factorsWorld {
	t.Helper()
	w := &factorsWorld{device: newBiometricDevice(t), key: newKey(t)}
	w.clinic, w.url = listen(t, "127.0.0.1:0")
	w.world = newWorldAt(t, "localhost:0", "127.0.0.1:0", func(c *signet.Config) {
		lasting, err := memory.New(memory.Config{Now: c.Now})
		require.NoError(t, err)
		t.Cleanup(func() { lasting.Close() })
		people, err := mock.New(mock.Config{Password: password, Store: c.Store, Factors: mock.AllFactors(), Now: c.Now})
		require.NoError(t, err)
		secret := make([]byte, 32)
		rand.Read(secret)
		passkeys, err := passkey.New(passkey.Config{
			RPID: "localhost", Origins: []string{c.Issuer}, DisplayName: "Example ID", Ledger: lasting, Identities: people, Secret: secret, Now: c.Now,
		})
		require.NoError(t, err)
		c.Authenticator, c.Methods, c.ACRs = people, []authenticator.Method{cards{}, passkeys}, nil
		for _, set := range []authenticator.FactorSet{ // of those that a login met, the client is told the first
			{authenticator.Password, authenticator.OTP}, {authenticator.Password, authenticator.Passkey},
			{authenticator.OTP}, {authenticator.Password}, {authenticator.PIN}, {authenticator.Knowledge}, {authenticator.Biometrics}, {card},
			{authenticator.Passkey},
		} {
			c.ACRs = append(c.ACRs, authenticator.ACR{Value: acrOf(set...), Alternatives: []authenticator.FactorSet{set}})
		}
		c.EnrollmentACRs = []string{acrOf(authenticator.Password)}
		c.Delay = login.Delay{Free: 10} // people who try everything wrongly first are not to wait
		c.Biometrics = w.device.settings(t)
		c.CaptureTransaction = func(transaction string) string { return transaction }
		for _, change := range changes {
			change(c)
		}
	}, &oauth.Client{
		ID: clinicID, Names: map[string]string{"": "Clinic"}, RedirectURIs: []string{w.url + "/callback"},
		Keys: jose.JSONWebKeySet{Keys: []jose.JSONWebKey{w.key.Public()}}, AssertionAlgorithm: jose.ES256, Scopes: []string{"openid", "profile"},
	})
	return w
}

// openClinic starts the second client, which asks for the context.
func (w *factorsWorld) openClinic(t *testing.T, acr string) {
	t.Helper()
	handler, err := portal.New(portal.Config{
		Issuer: w.issuer, ClientID: clinicID, Key: w.key, RedirectURI: w.url + "/callback", Scopes: []string{"openid"}, ACRValues: []string{acr},
		Claims: []byte(`{"id_token":{"acr":{"essential":true,"values":["` + acr + `"]}},"userinfo":{"name":{"essential":true}}}`),
	})
	require.NoError(t, err)
	w.clinic.Config.Handler = handler
	w.clinic.Start()
	t.Cleanup(w.clinic.Close)
}

// biometricDevice is the program of a fingerprint reader that speaks SBI 2.0, on the person's computer.
type biometricDevice struct {
	*httptest.Server
	t     *testing.T
	stale atomic.Bool // captures are old ones
}

func newBiometricDevice(t *testing.T) *biometricDevice {
	d := &biometricDevice{t: t}
	d.Server = httptest.NewServer(d)
	t.Cleanup(d.Close)
	return d
}

// settings look for devices on the device's port alone.
func (d *biometricDevice) settings(t *testing.T) ui.Biometrics {
	t.Helper()
	u, err := url.Parse(d.URL)
	require.NoError(t, err)
	port, err := strconv.Atoi(u.Port())
	require.NoError(t, err)
	return ui.Biometrics{Environment: "Developer", FirstPort: port, LastPort: port, Timeout: 10 * time.Second}
}

func (d *biometricDevice) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Access-Control-Allow-Origin", r.Header.Get("Origin"))
	w.Header().Set("Access-Control-Allow-Methods", "MOSIPDISC, MOSIPDINFO, CAPTURE")
	w.Header().Set("Access-Control-Allow-Headers", "content-type")
	w.Header().Set("Access-Control-Allow-Private-Network", "true")
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	answer := func(v any) {
		encoded, _ := json.Marshal(v)
		io.Copy(w, bytes.NewReader(encoded))
	}
	switch r.Method {
	case "MOSIPDISC":
		answer([]any{map[string]any{"deviceId": "F1"}})
	case "MOSIPDINFO":
		answer([]any{map[string]any{
			"deviceInfo": unsigned(map[string]any{
				"deviceId": "F1", "purpose": "Auth", "certification": "L1", "deviceStatus": "Ready", "specVersion": []string{"0.9.5"},
				"deviceSubId": []string{"1"}, "digitalId": unsigned(map[string]any{"type": "Finger", "make": "Example", "model": "Slap 4"}),
			}),
			"error": map[string]any{"errorCode": "0"},
		}})
	case "CAPTURE":
		var asked struct{ Purpose, Env, TransactionID string }
		if json.Unmarshal(body, &asked) != nil {
			return
		}
		at := time.Now()
		if d.stale.Load() {
			at = at.Add(-time.Hour)
		}
		answer(map[string]any{"biometrics": []any{map[string]any{
			"specVersion": "0.9.5", "hash": "hash", "sessionKey": "key", "thumbprint": "thumbprint", "error": map[string]any{"errorCode": "0"},
			"data": unsigned(map[string]any{
				"digitalId": "a JWT", "bioType": "Finger", "bioSubType": "Left Thumb", "bioValue": "a thumb", "transactionId": asked.TransactionID,
				"timestamp": at.UTC().Format(time.RFC3339), "purpose": asked.Purpose, "env": asked.Env,
			}),
		}}})
	}
}

// unsigned is a JWT with a signature that only who knows the device could verify; the mock knows none.
func unsigned(v any) string {
	payload, _ := json.Marshal(v)
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(`{"alg":"RS256"}`)) + "." + encode(payload) + "." + encode(bytes.Repeat([]byte("s"), 256))
}

// addPasskeys gives the browser Chromium's virtual authenticator, which verifies the person without asking.
func addPasskeys(b *tab) webauthn.AuthenticatorID {
	b.t.Helper()
	_, err := chromedp.Call(b.ctx, webauthn.Enable, webauthn.EnableParams{})
	require.NoError(b.t, err)
	added, err := chromedp.Call(b.ctx, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{
		Options: &webauthn.VirtualAuthenticatorOptions{
			Protocol: "ctap2", Transport: "internal", HasResidentKey: true, HasUserVerification: true, IsUserVerified: true,
			AutomaticPresenceSimulation: true,
		},
	})
	require.NoError(b.t, err)
	return added.AuthenticatorID
}

// hold has the authenticator wait for the person, or no longer.
func hold(b *tab, device webauthn.AuthenticatorID, waits bool) {
	b.t.Helper()
	_, err := chromedp.Call(b.ctx, webauthn.SetAutomaticPresenceSimulation,
		webauthn.SetAutomaticPresenceSimulationParams{AuthenticatorID: device, Enabled: !waits})
	require.NoError(b.t, err)
}
