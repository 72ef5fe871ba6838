package e2e_test

import (
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"

	"github.com/gosignet/signet/authenticator/mock"
	"github.com/gosignet/signet/oauth"
)

func TestLoginByOneTimeCode(t *testing.T) {
	t.Parallel()
	everyWay(t, func(b *tab, w *world) {
		startLogin(b, w)
		askForCode(b, w.person)
		answerCode(b, mock.OTP)
		allow(b)
		seesProfile(b, w, w.person)
		b.has("img.photo")
		b.reads(w.person.Claims["email"].(string))
	})
}

func TestLoginByPassword(t *testing.T) {
	t.Parallel()
	everyWay(t, func(b *tab, w *world) {
		startLogin(b, w)
		answerPassword(b, w.person, password)
		allow(b)
		seesProfile(b, w, w.person)
	})
}

func TestLoginByFAPI2ThroughTheSwitch(t *testing.T) {
	t.Parallel()
	everyWay(t, func(b *tab, w *world) {
		b.open(w.portal + "/")
		b.click("#protocol-fapi2")
		b.click("#sign-in")
		b.isAt(w.issuer + "/")
		answerPassword(b, w.person, password)
		allow(b)
		seesProfile(b, w, w.person)
		b.tick("summary")
		b.reads("token_type\nDPoP")
		b.reads("request_uri = " + oauth.RequestURIPrefix)
	})
}

func TestLoginAtAProviderThatSpeaksFAPI2Only(t *testing.T) {
	t.Parallel()
	w := newFAPI2World(t)
	b := openBrowser(t)
	startLogin(b, w) // nothing is switched
	askForCode(b, w.person)
	answerCode(b, mock.OTP)
	allow(b)
	seesProfile(b, w, w.person)
	b.tick("summary")
	b.reads("token_type\nDPoP")
	b.click("#sign-out")
	assert.False(t, b.shows("#protocol-plain"))
}

func TestOnlyWhatWasTickedIsShared(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := openBrowser(t)
	startLogin(b, w)
	answerPassword(b, w.person, password)
	b.tick("#claim-email")
	b.click("#continue")
	seesProfile(b, w, w.person)
	b.has("#claim-email")
	assert.False(t, b.shows("#claim-phone_number"))
	assert.False(t, b.shows("#claim-gender"))
	assert.False(t, b.shows("img.photo"))
}

func TestDeniedConsentIsToldToThePortal(t *testing.T) {
	t.Parallel()
	everyWay(t, func(b *tab, w *world) {
		startLogin(b, w)
		answerPassword(b, w.person, password)
		if b.noScripts {
			b.click("#cancel")
			b.has("a#stay-button") // on a page of its own
		} else {
			b.tick("#cancel")
			b.has("dialog[open]")
		}
		b.click("#discontinue-button")
		seesDenial(b, w)
	})
}

func TestCancelBeforeLoginIsToldToThePortal(t *testing.T) {
	t.Parallel()
	everyWay(t, func(b *tab, w *world) {
		startLogin(b, w)
		b.click("#cancel")
		seesDenial(b, w)
	})
}

func TestWrongCodeThenRight(t *testing.T) {
	t.Parallel()
	everyWay(t, func(b *tab, w *world) {
		startLogin(b, w)
		askForCode(b, w.person)
		answerCode(b, "222222")
		b.has("#error-banner")
		b.has("#otp_verify_input")
		answerCode(b, mock.OTP)
		allow(b)
		seesProfile(b, w, w.person)
	})
}

func TestExhaustedAttemptsEndAtThePortal(t *testing.T) {
	t.Parallel()
	everyWay(t, func(b *tab, w *world) {
		startLogin(b, w)
		askForCode(b, w.person)
		// An answer that comes too soon is not looked at, so their number says nothing.
		for begun := time.Now(); b.shows("#otp_verify_input") && time.Since(begun) < stepTimeout; {
			answerCode(b, "222222")
		}
		if b.shows("#return") {
			b.click("#return")
		}
		seesDenial(b, w)
	})
}

func TestLoginOnAPhone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := openBrowser(t)
	b.do("use a phone", chromedp.EmulateViewport(390, 844, chromedp.EmulateMobile, chromedp.EmulateTouch))
	startLogin(b, w)
	askForCode(b, w.person)
	answerCode(b, mock.OTP)
	allow(b)
	seesProfile(b, w, w.person)
}

func TestLoginInArabic(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := openBrowser(t)
	b.open(w.portal + "/")
	b.click("a[lang=ar]")
	b.isAt(w.issuer + "/")
	askForCode(b, w.arabic)
	answerCode(b, "١١١١١١")
	allow(b)
	seesProfile(b, w, w.arabic)
}
