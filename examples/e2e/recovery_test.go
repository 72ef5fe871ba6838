package e2e_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/gosignet/signet/authenticator/mock"
)

func TestReloadOfEveryPage(t *testing.T) {
	t.Parallel()
	everyWay(t, func(b *tab, w *world) {
		again := func(css string) {
			b.t.Helper()
			assert.Equal(b.t, http.StatusOK, b.reload(), "at %s", b.where())
			b.has(css)
		}
		b.open(w.portal + "/")
		again("#sign-in")
		b.click("#sign-in")
		again("#login_with_otp")
		b.click("#login_with_otp")
		again("#get_otp")
		b.write("#Otp_vid", w.person.NationalID)
		b.click("#get_otp")
		again("#otp_verify_input")
		answerCode(b, "222222")
		b.has("#error-banner")
		again("#otp_verify_input")
		answerCode(b, mock.OTP)
		again("#continue")
		b.tick("#claim-email")
		b.click("#continue")
		again("#claim-name")
		seesProfile(b, w, w.person)
	})
}

func TestBackButtonBeforeConsent(t *testing.T) {
	t.Parallel()
	everyWay(t, func(b *tab, w *world) {
		startLogin(b, w)
		askForCode(b, w.person)
		b.back() // to the identifier, which may be changed
		b.has("#get_otp")
		b.write("#Otp_vid", w.arabic.NationalID)
		b.click("#get_otp")
		answerCode(b, mock.OTP)
		b.has("#continue")
		b.back() // the code is accepted already: the login stands at the consent
		b.has("#continue")
		allow(b)
		seesProfile(b, w, w.arabic)
	})
}

func TestBackButtonAfterConsent(t *testing.T) {
	t.Parallel()
	everyWay(t, func(b *tab, w *world) {
		startLogin(b, w)
		answerPassword(b, w.person, password)
		allow(b)
		seesProfile(b, w, w.person)
		assert.Equal(b.t, http.StatusOK, b.back(), "at %s", b.where()) // the login is over: no error, and a way on
		b.isAt(w.issuer + "/")
		b.click("#return")
		b.isAt(w.portal + "/")
		b.click("#profile")
		seesProfile(b, w, w.person)
	})
}

func TestTwoTabsWithALoginEach(t *testing.T) {
	t.Parallel()
	everyWay(t, func(first *tab, w *world) {
		second := first.newTab()
		startLogin(first, w)
		startLogin(second, w)
		askForCode(first, w.person)
		answerPassword(second, w.arabic, password)
		second.has("#continue")
		answerCode(first, mock.OTP)
		allow(first)
		seesProfile(first, w, w.person)
		allow(second)
		seesProfile(second, w, w.arabic)
	})
}

func TestExpiredLogin(t *testing.T) {
	t.Parallel()
	everyWay(t, func(b *tab, w *world) {
		startLogin(b, w)
		askForCode(b, w.person)
		w.pass(2 * time.Hour)
		answerCode(b, mock.OTP)
		b.has("#error-banner")
		b.isAt(w.issuer + "/")
		// A new login works.
		startLogin(b, w)
		answerPassword(b, w.person, password)
		b.has("#continue")
	})
}

func TestForeignPersonCannotContinueALogin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := openBrowser(t)
	startLogin(b, w)
	address := b.where()

	res, err := http.Get(address) // another browser: no cookie
	if assert.NoError(t, err) {
		res.Body.Close()
		assert.Equal(t, http.StatusBadRequest, res.StatusCode)
	}
}

func TestUnknownPersonLooksLikeAKnownOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := openBrowser(t)
	startLogin(b, w)
	stranger := mock.Persona{NationalID: "9999999999"}
	askForCode(b, stranger)
	answerCode(b, mock.OTP)
	b.has("#error-banner")
	b.has("#otp_verify_input")
}
