package e2e_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet"
	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/mock"
	"github.com/gosignet/signet/login"
)

// choose begins a login at the portal, and takes the factors.
func choose(b *tab, w *factorsWorld, factors ...authenticator.Factor) {
	b.t.Helper()
	names := make([]string, len(factors))
	for i, f := range factors {
		names[i] = string(f)
	}
	b.open(w.portal + "/")
	b.click("#sign-in")
	b.isAt(w.issuer + "/")
	way := "#login_with_" + strings.Join(names, "_")
	if b.shows(".more " + way) {
		b.tick("#show-more-options")
	}
	b.click(way)
}

// getCode has a code sent by the one channel.
func getCode(b *tab, p mock.Persona, channel string) {
	b.t.Helper()
	if b.shows("#Otp_vid:not([readonly])") {
		b.write("#Otp_vid", p.NationalID)
	}
	for _, c := range []string{"phone", "email"} {
		if c != channel {
			b.tick(`input[name=channel][value=` + c + `]`)
		}
	}
	b.click("#get_otp")
	b.has("#otp_verify_input")
}

func fillDate(b *tab, field, date string) {
	b.t.Helper()
	year, rest, _ := strings.Cut(date, "-")
	month, day, _ := strings.Cut(rest, "-")
	for part, value := range map[string]string{"year": year, "month": month, "day": day} {
		b.write(`[id="field-`+field+`.`+part+`"]`, value)
	}
}

// arrives makes sure that the portal got the person, in the context, by the factors and nothing else; and leaves.
func arrives(b *tab, w *factorsWorld, factors ...authenticator.Factor) {
	b.t.Helper()
	allow(b)
	seesProfile(b, w.world, w.person)
	assertProved(b, factors...)
	b.click("#sign-out")
}

// assertProved reads acr and amr in the ID Token that the portal shows.
func assertProved(b *tab, factors ...authenticator.Factor) {
	b.t.Helper()
	b.tick("summary")
	b.reads(`"acr": "` + acrOf(factors...) + `"`)
	amr, err := json.MarshalIndent(authenticator.AMR(factors), "  ", "  ")
	require.NoError(b.t, err)
	b.reads(`"amr": ` + string(amr))
}

// Every factor that needs no device, one login after the other in one browser: first a wrong answer, then the right one.
func TestLoginByEveryFactorOfTheKeyboard(t *testing.T) {
	t.Parallel()
	for name, scripts := range map[string]bool{"with JavaScript": true, "without JavaScript": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newFactorsWorld(t)
			b := openBrowser(t)
			if !scripts {
				b.withoutScripts()
			}
			logInByKeyboard(b, w)
		})
	}
}

func logInByKeyboard(b *tab, w *factorsWorld) {
	b.t.Helper()
	refused := func() { b.t.Helper(); b.has("#error-banner") }
	born, name := w.person.Claims["birthdate"].(string), w.person.Name()

	choose(b, w, authenticator.OTP)
	getCode(b, w.person, "email")
	b.reads("@") // masked, and no telephone number
	assert.NotContains(b.t, b.text(), "+")
	answerCode(b, "222222")
	refused()
	answerCode(b, mock.OTP)
	arrives(b, w, authenticator.OTP)

	choose(b, w, authenticator.Password)
	answerPassword(b, w.person, "wrong")
	refused()
	answerPassword(b, w.person, password)
	arrives(b, w, authenticator.Password)

	choose(b, w, authenticator.PIN)
	for _, pin := range []string{"135791", mock.PIN} {
		b.write("#Pin_vid", w.person.NationalID)
		b.write("#response", pin)
		b.click("#verify_pin")
		if pin != mock.PIN {
			refused()
		}
	}
	arrives(b, w, authenticator.PIN)

	choose(b, w, authenticator.Knowledge)
	for _, date := range []string{"1900-01-01", born} {
		b.write("#kba_vid", w.person.NationalID)
		b.write("#field-fullName", "  "+strings.ToUpper(name))
		fillDate(b, "dateOfBirth", date)
		b.click("#verify_kba")
		if date != born {
			refused()
		}
	}
	arrives(b, w, authenticator.Knowledge)

	choose(b, w, card)
	b.reads("Number of the holder")
	for _, number := range []string{"no digits", "774412", "77-44 11"} {
		b.write("#card_vid", w.person.NationalID)
		fillDate(b, "issued", cardIssued)
		b.write("#field-number", number)
		b.click("#verify_card")
		if number != "77-44 11" {
			refused()
		}
	}
	arrives(b, w, card)

	choose(b, w, authenticator.Password, authenticator.OTP)
	answerPassword(b, w.person, password)
	b.has("#Otp_vid[readonly]") // nobody becomes another person between two factors
	getCode(b, w.person, "phone")
	answerCode(b, "222222")
	refused()
	answerCode(b, mock.OTP)
	arrives(b, w, authenticator.Password, authenticator.OTP)
}

func TestLoginByFingerprint(t *testing.T) {
	t.Parallel()
	w := newFactorsWorld(t)
	b := openBrowser(t)
	choose(b, w, authenticator.Biometrics)
	capture := func() {
		b.write("#sbi_vid", w.person.NationalID)
		b.do("look for devices", chromedp.Click(chromedp.CSS("#scan_devices")), chromedp.WaitVisible(chromedp.CSS("#verify_bio")))
		b.click("#verify_bio")
	}
	w.device.stale.Store(true) // somebody plays an old capture back
	capture()
	b.has("#error-banner")
	w.device.stale.Store(false)
	capture()
	arrives(b, w, authenticator.Biometrics)
}

// enroll registers a passkey after a login by password.
func enroll(b *tab, w *factorsWorld) {
	b.t.Helper()
	choose(b, w, authenticator.Password)
	b.do("wish for a passkey", chromedp.WaitVisible(chromedp.CSS("#wish")), chromedp.Click(chromedp.CSS("#wish-passkey")))
	answerPassword(b, w.person, password)
	b.has("#create_passkey")
	b.click("#create_passkey")
	arrives(b, w, authenticator.Password)
}

func TestLoginByPasskey(t *testing.T) {
	t.Parallel()
	w := newFactorsWorld(t)
	b := openBrowser(t)
	device := addPasskeys(b)
	enroll(b, w)
	made, err := chromedp.Call(b.ctx, webauthn.GetCredentials, webauthn.GetCredentialsParams{AuthenticatorID: device})
	require.NoError(t, err)
	require.Len(t, made.Credentials, 1)
	assert.NotContains(t, string(made.Credentials[0].UserHandle), w.person.NationalID, "the device holds no identifier")

	choose(b, w, authenticator.Passkey)
	b.click("#verify_passkey")
	arrives(b, w, authenticator.Passkey)

	// Where an identifier is asked for, the browser offers the passkey by itself.
	choose(b, w, authenticator.Password)
	b.do("wait for the browser to take the passkey", chromedp.WaitVisible(chromedp.CSS("#continue")))
	arrives(b, w, authenticator.Passkey)
}

func TestLoginByPasswordAndPasskey(t *testing.T) {
	t.Parallel()
	w := newFactorsWorld(t)
	b := openBrowser(t)
	device := addPasskeys(b)
	enroll(b, w)
	both := func(p mock.Persona) {
		hold(b, device, true) // or the browser takes the passkey, in place of both
		choose(b, w, authenticator.Password, authenticator.Passkey)
		answerPassword(b, p, password)
		b.has("#verify_passkey")
		hold(b, device, false)
		b.click("#verify_passkey")
	}
	both(w.arabic)
	b.has("#error-banner") // the passkey is right, but of another person than the password
	assert.False(t, b.shows("#continue"))
	both(w.person)
	arrives(b, w, authenticator.Password, authenticator.Passkey)
}

func TestStepUpAsksForTheMissingFactorAlone(t *testing.T) {
	t.Parallel()
	w := newFactorsWorld(t, func(c *signet.Config) { c.Sessions = login.Sessions{Idle: 30 * time.Minute} })
	w.openClinic(t, acrOf(authenticator.Password, authenticator.OTP))
	b := openBrowser(t)
	choose(b, w, authenticator.Password)
	answerPassword(b, w.person, password)
	allow(b)
	seesProfile(b, w.world, w.person)

	b.open(w.url + "/")
	b.click("#sign-in")
	b.isAt(w.issuer + "/")
	assert.False(t, b.shows("#response"), "the password is proved")
	b.reads("Logged in as ••••")
	assert.False(t, b.shows("#Otp_vid"), "the session knows who it is")
	b.has("#other-account")
	getCode(b, w.person, "phone")
	answerCode(b, mock.OTP)
	b.has("#continue")
	b.click("#continue")
	b.isAt(w.url + "/profile")
	b.reads("Welcome, " + w.person.Name())
	assertProved(b, authenticator.Password, authenticator.OTP)
}
