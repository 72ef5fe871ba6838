package e2e_test

import (
	"testing"

	"github.com/gosignet/signet/authenticator/mock"
)

// The steps of a login, as a person takes them.

// startLogin goes from the portal to the choice of a method.
func startLogin(b user, w *world) {
	b.test().Helper()
	b.open(w.portal + "/")
	b.click("#sign-in")
	b.isAt(w.issuer + "/")
	b.has("#login_with_otp")
}

// askForCode chooses the one-time code and has one sent.
func askForCode(b user, p mock.Persona) {
	b.test().Helper()
	b.click("#login_with_otp")
	b.write("#Otp_vid", p.NationalID)
	b.click("#get_otp")
	b.has("#otp_verify_input")
}

func answerCode(b user, code string) {
	b.test().Helper()
	b.write("#otp_verify_input", code)
	b.click("#verify_otp")
}

// answerPassword chooses the password and gives it.
func answerPassword(b user, p mock.Persona, password string) {
	b.test().Helper()
	if b.shows("#login_with_pwd") {
		b.click("#login_with_pwd")
	}
	b.write("#Password_vid", p.NationalID)
	b.write("#response", password)
	b.click("#verify_password")
}

// allow shares everything that is asked for.
func allow(b user) {
	b.test().Helper()
	b.has("#continue")
	for _, claim := range []string{"gender", "picture", "address", "email", "phone_number"} {
		b.tick("#claim-" + claim)
	}
	b.click("#continue")
}

// seesProfile makes sure that the portal knows the person.
func seesProfile(b user, w *world, p mock.Persona) {
	b.test().Helper()
	b.isAt(w.portal + "/profile")
	b.reads("Welcome, " + p.Name())
}

// seesDenial makes sure that the portal was told access_denied.
func seesDenial(b user, w *world) {
	b.test().Helper()
	b.isAt(w.portal + "/callback")
	b.has("#error")
	b.reads("access_denied")
	b.open(w.portal + "/profile")
	b.isAt(w.portal + "/")
	b.has("#sign-in")
}

// everyWay runs a test in a browser with JavaScript and in one without.
func everyWay(t *testing.T, test func(b *tab, w *world)) {
	t.Helper()
	for name, scripts := range map[string]bool{"with JavaScript": true, "without JavaScript": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			b := openBrowser(t)
			if !scripts {
				b.withoutScripts()
			}
			test(b, w)
		})
	}
}
