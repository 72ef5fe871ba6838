package ui_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/login"
)

// passkeys are Chromium's virtual authenticator, which is part of the device and verifies the person without asking.
type passkeys struct {
	id  webauthn.AuthenticatorID
	key *ecdsa.PrivateKey
}

// addCredential is webauthn.AddCredential without the members that Chromium refuses even where they are false.
var addCredential = cdp.Command[map[string]any, cdp.Empty]{Method: webauthn.CommandAddCredential}

// addPasskeys gives the browser an authenticator, with a passkey if that is wanted.
func (c *chromium) addPasskeys(present bool) *passkeys {
	c.t.Helper()
	_, err := chromedp.Call(c.ctx, webauthn.Enable, webauthn.EnableParams{})
	require.NoError(c.t, err)
	added, err := chromedp.Call(c.ctx, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{
		Options: &webauthn.VirtualAuthenticatorOptions{
			Protocol: "ctap2", Transport: "internal", HasResidentKey: true, HasUserVerification: true, IsUserVerified: true,
			AutomaticPresenceSimulation: true,
		},
	})
	require.NoError(c.t, err)
	p := &passkeys{id: added.AuthenticatorID}
	if !present {
		return p
	}
	p.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(c.t, err)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(p.key)
	require.NoError(c.t, err)
	_, err = chromedp.Call(c.ctx, addCredential, map[string]any{
		"authenticatorId": p.id,
		"credential": map[string]any{
			"credentialId": []byte("credential"), "isResidentCredential": true, "rpId": "localhost", "privateKey": pkcs8,
			"userHandle": []byte("person"), "userName": "42", "signCount": 0,
		},
	})
	require.NoError(c.t, err)
	return p
}

// assertion is the JSON form of what navigator.credentials.get returns, and create.
type assertion struct {
	ID, Type string
	Response struct {
		ClientDataJSON, AuthenticatorData, Signature, UserHandle, AttestationObject string
		Transports                                                                  []string
	}
}

// check verifies what the page sent, as a relying party does: Web Authentication, section 7.2.
func (p *passkeys) check(t *testing.T, f *fakeLogin, challenge string) {
	t.Helper()
	_, c := f.flow.answered()
	require.Equal(t, authenticator.Passkey, c.Factor)
	var a assertion
	require.NoError(t, json.Unmarshal([]byte(c.Response), &a))
	assert.Equal(t, encoded("credential"), a.ID)
	assert.Equal(t, "public-key", a.Type)
	assert.Equal(t, encoded("person"), a.Response.UserHandle)
	client := decoded(t, a.Response.ClientDataJSON)
	assertClientData(t, f, client, "webauthn.get", challenge)
	hash := sha256.Sum256(client)
	signed := sha256.Sum256(append(decoded(t, a.Response.AuthenticatorData), hash[:]...))
	assert.True(t, ecdsa.VerifyASN1(&p.key.PublicKey, signed[:], decoded(t, a.Response.Signature)))
}

func assertClientData(t *testing.T, f *fakeLogin, data []byte, kind, challenge string) {
	t.Helper()
	var client struct{ Type, Challenge, Origin string }
	require.NoError(t, json.Unmarshal(data, &client))
	assert.Equal(t, kind, client.Type)
	assert.Equal(t, challenge, client.Challenge)
	assert.Equal(t, strings.Replace(f.server.URL, "127.0.0.1", "localhost", 1), client.Origin)
}

func encoded(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

func decoded(t *testing.T, s string) []byte {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(s)
	require.NoError(t, err)
	return b
}

// arrive waits for the page at which a login ends that moves on.
func (c *chromium) arrive() {
	c.t.Helper()
	c.do(chromedp.WaitVisible(chromedp.ID("continue")))
}

// withoutLevel3 takes from the browser what older ones do not have.
const withoutLevel3 = `
	delete PublicKeyCredential.parseRequestOptionsFromJSON;
	delete PublicKeyCredential.parseCreationOptionsFromJSON;
	delete PublicKeyCredential.prototype.toJSON;`

func TestChromiumLogsInWithAPasskey(t *testing.T) {
	t.Parallel()
	for name, before := range map[string]string{"new browser": "", "browser without the JSON methods": withoutLevel3} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFakeLogin(t, &login.State{Step: login.StepVerify, Factor: authenticator.Passkey, Identifies: true}, nil)
			f.flow.do = moveOn
			f.flow.options = []byte(`{"publicKey": {"challenge": "` + encoded("fresh") + `", "rpId": "localhost", "userVerification": "required",
				"allowCredentials": [{"type": "public-key", "id": "` + encoded("credential") + `"}]}}`)
			var p *passkeys
			c := f.chromium(t, func(c *chromium) {
				p = c.addPasskeys(true)
				c.beforePages(before)
			})
			c.click("verify_passkey")
			c.arrive()
			p.check(t, f, encoded("fresh"))
			assert.Equal(t, []string{"challenge", "answer"}, f.flow.made())
			c.assertNoComplaints()
		})
	}
}

// beforePages runs a script before those of each page.
func (c *chromium) beforePages(script string) {
	c.t.Helper()
	_, err := chromedp.Call(c.ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: script})
	require.NoError(c.t, err)
}

func TestChromiumSaysWhenThereIsNoPasskey(t *testing.T) {
	t.Parallel()
	f := newFakeLogin(t, &login.State{Step: login.StepVerify, Factor: authenticator.Passkey, Identifies: true}, nil)
	f.flow.options = []byte(`{"challenge": "AQID", "rpId": "localhost", "timeout": 1000}`)
	c := f.chromium(t, func(c *chromium) { c.addPasskeys(false) })
	c.do(chromedp.Click(chromedp.ID("verify_passkey")))
	c.waitText("passkey-status", "No passkey was used. Try again, or use another way to log in.")

	f.flow.mu.Lock()
	f.flow.options = []byte(`{}`)
	f.flow.mu.Unlock()
	c.do(chromedp.Click(chromedp.ID("verify_passkey")))
	c.waitText("passkey-status", "The passkey could not be used. Try again, or use another way to log in.")
	assert.Equal(t, []string{"challenge", "challenge"}, f.flow.made())
	c.assertNoComplaints()
}

// waitText waits until the element says the text.
func (c *chromium) waitText(id, text string) {
	c.t.Helper()
	want, err := json.Marshal(text)
	require.NoError(c.t, err)
	_, err = chromedp.Run(c.ctx, chromedp.Poll[bool](`document.getElementById("`+id+`").textContent.includes(`+string(want)+`)`))
	require.NoError(c.t, err, "%s says %s; %v", id, c.eval(`document.getElementById("`+id+`").textContent`), c.complaints)
}

func TestChromiumWithoutWebAuthnIsNotOfferedAPasskey(t *testing.T) {
	t.Parallel()
	f := newFakeLogin(t, &login.State{
		Step: login.StepChoose, Option: -1, Options: []authenticator.FactorSet{{"otp"}, {"pop"}},
	}, nil)
	c := f.chromium(t, func(c *chromium) { c.beforePages("delete window.PublicKeyCredential") })
	assert.Equal(t, "true", c.eval(`document.getElementById("login_with_pop").hidden`))
	assert.Equal(t, "false", c.eval(`document.getElementById("login_with_otp").hidden`))
	f.flow.put(fakeHandle, &login.State{Step: login.StepVerify, Factor: authenticator.Passkey})
	c.do(chromedp.Reload())
	c.waitText("passkey-status", "This browser does not support passkeys.")
	assert.Equal(t, "true", c.eval(`document.getElementById("verify_passkey").hidden`))
	c.assertNoComplaints()
}

func TestChromiumFillsAPasskeyInForTheIdentifier(t *testing.T) {
	t.Parallel()
	f := newFakeLogin(t, &login.State{
		Step: login.StepVerify, Factor: authenticator.Password, DeviceFactors: []authenticator.Factor{"pop"},
		Options: []authenticator.FactorSet{{"pwd"}, {"pop"}},
	}, nil)
	f.flow.do = moveOn
	f.flow.options = []byte(`{"publicKey": {"challenge": "` + encoded("fresh") + `", "rpId": "localhost", "userVerification": "required"}}`)
	var p *passkeys
	c := f.chromium(t, func(c *chromium) { p = c.addPasskeys(true) })
	c.arrive()
	p.check(t, f, encoded("fresh"))
	assert.Equal(t, []string{"challenge", "choose", "answer"}, f.flow.made())
	c.assertNoComplaints()
}

func TestChromiumLeavesThePasskeyForThePassword(t *testing.T) {
	t.Parallel()
	f := newFakeLogin(t, &login.State{
		Step: login.StepVerify, Factor: authenticator.Password, DeviceFactors: []authenticator.Factor{"pop"},
		Options: []authenticator.FactorSet{{"pwd"}, {"pop"}},
	}, nil)
	f.flow.do = moveOn
	f.flow.options = []byte(`{"publicKey": {"challenge": "AQID", "rpId": "localhost"}}`)
	c := f.chromium(t, func(c *chromium) {
		c.addPasskeys(false)
		c.beforePages(`
			sessionStorage.aborted ??= "no";
			const get = CredentialsContainer.prototype.get;
			CredentialsContainer.prototype.get = function (options) {
				window.asked = options.mediation;
				options.signal.addEventListener("abort", () => { sessionStorage.aborted = "yes"; });
				return get.call(this, options);
			};`)
	})
	_, err := chromedp.Run(c.ctx, chromedp.Poll[bool](`window.asked === "conditional"`))
	require.NoError(t, err)
	c.fill("Password_vid", "42")
	c.fill("response", "secret")
	c.click("verify_password")
	c.arrive()
	assert.Equal(t, "yes", c.eval("sessionStorage.aborted"))
	assert.Equal(t, []string{"challenge", "answer"}, f.flow.made())
	c.assertNoComplaints()
}

func TestChromiumRegistersAPasskey(t *testing.T) {
	t.Parallel()
	for name, before := range map[string]string{"new browser": "", "browser without the JSON methods": withoutLevel3} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFakeLogin(t, &login.State{
				Step: login.StepVerify, Factor: authenticator.Password, Enrollable: []authenticator.Factor{"pop"},
			}, nil)
			f.flow.options = []byte(`{"publicKey": {"challenge": "` + encoded("fresh") + `", "rp": {"id": "localhost", "name": "Signet"},
				"user": {"id": "` + encoded("person") + `", "name": "42", "displayName": "42"},
				"pubKeyCredParams": [{"type": "public-key", "alg": -7}], "excludeCredentials": [{"type": "public-key", "id": "AQID"}],
				"authenticatorSelection": {"residentKey": "required", "userVerification": "required"}}}`)
			f.flow.do = func(call string, s *login.State) error {
				if call == "answer" {
					s.Step, s.Enrolling = login.StepEnroll, authenticator.Passkey
				} else if call == "enroll" {
					s.Step = login.StepConsent
				}
				return nil
			}
			var p *passkeys
			c := f.chromium(t, func(c *chromium) {
				p = c.addPasskeys(false)
				c.beforePages(before)
			})
			c.do(chromedp.WaitVisible(chromedp.ID("wish")))
			assert.Equal(t, "false", c.eval(`document.getElementById("wish-passkey").checked`))
			c.do(chromedp.Click(chromedp.ID("wish-passkey")))
			c.fill("Password_vid", "42")
			c.fill("response", "secret")
			c.click("verify_password")
			c.click("create_passkey")
			c.arrive()
			assert.Equal(t, []string{"wish", "answer", "options", "enroll"}, f.flow.made())
			var a assertion
			require.NoError(t, json.Unmarshal([]byte(f.flow.told()), &a))
			assertClientData(t, f, decoded(t, a.Response.ClientDataJSON), "webauthn.create", encoded("fresh"))
			assert.NotEmpty(t, decoded(t, a.Response.AttestationObject))
			assert.Equal(t, []string{"internal"}, a.Response.Transports)
			made, err := chromedp.Call(c.ctx, webauthn.GetCredentials, webauthn.GetCredentialsParams{AuthenticatorID: p.id})
			require.NoError(t, err)
			require.Len(t, made.Credentials, 1)
			assert.Equal(t, encoded(string(made.Credentials[0].CredentialID)), a.ID)
			c.assertNoComplaints()
		})
	}
}

func TestChromiumRegistersNothingWithoutJavaScript(t *testing.T) {
	t.Parallel()
	f := newFakeLogin(t, &login.State{Step: login.StepEnroll, Enrolling: authenticator.Passkey}, nil)
	f.flow.do = moveOn
	c := f.chromium(t, func(c *chromium) {
		_, err := chromedp.Call(c.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		require.NoError(t, err)
	})
	c.click("not_now")
	c.arrive()
	assert.Equal(t, []string{"enroll"}, f.flow.made())
	assert.Empty(t, f.flow.told())
}
