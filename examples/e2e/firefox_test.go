package e2e_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/gosignet/signet/authenticator/mock"
)

// everyFirefox runs a test in Firefox with JavaScript and without.
func everyFirefox(t *testing.T, test func(b *firefox, w *world)) {
	t.Helper()
	for name, scripts := range map[string]bool{"with JavaScript": true, "without JavaScript": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			test(openFirefox(t, scripts), w)
		})
	}
}

func TestFirefoxLoginByPassword(t *testing.T) {
	t.Parallel()
	everyFirefox(t, func(b *firefox, w *world) {
		startLogin(b, w)
		answerPassword(b, w.person, "guess")
		b.has("#error-banner")
		answerPassword(b, w.person, password)
		allow(b)
		seesProfile(b, w, w.person)
		b.has("img.photo")
		b.click("#sign-out")
		b.has("#sign-in")
	})
}

func TestFirefoxLoginByOneTimeCode(t *testing.T) {
	t.Parallel()
	everyFirefox(t, func(b *firefox, w *world) {
		startLogin(b, w)
		askForCode(b, w.person)
		answerCode(b, "222222")
		b.has("#error-banner")
		answerCode(b, mock.OTP)
		allow(b)
		seesProfile(b, w, w.person)
		b.reads(w.person.Claims["email"].(string))
	})
}

func TestFirefoxSharesOnlyWhatWasTicked(t *testing.T) {
	t.Parallel()
	everyFirefox(t, func(b *firefox, w *world) {
		startLogin(b, w)
		answerPassword(b, w.person, password)
		b.tick("#claim-email")
		b.click("#continue")
		seesProfile(b, w, w.person)
		b.has("#claim-email")
		assert.False(b.t, b.shows("#claim-phone_number"))
		assert.False(b.t, b.shows("img.photo"))
	})
}

func TestFirefoxCancelIsToldToThePortal(t *testing.T) {
	t.Parallel()
	everyFirefox(t, func(b *firefox, w *world) {
		startLogin(b, w)
		b.click("#cancel")
		seesDenial(b, w)

		startLogin(b, w)
		answerPassword(b, w.person, password)
		b.has("#continue")
		b.click("#cancel")
		b.has("dialog[open], a#stay-button") // in place, or on a page of its own
		b.click("#discontinue-button")
		seesDenial(b, w)
	})
}

func TestFirefoxSwitchesToALanguageFromRightToLeft(t *testing.T) {
	t.Parallel()
	everyFirefox(t, func(b *firefox, w *world) {
		startLogin(b, w)
		b.has("html[lang=en][dir=ltr]")
		b.click("#language_selection")
		b.click("nav.language a[lang=ar]")
		b.has("html[lang=ar][dir=rtl]")
		askForCode(b, w.arabic)
		answerCode(b, "١١١١١١")
		b.has("html[lang=ar][dir=rtl] #continue")
		allow(b)
		seesProfile(b, w, w.arabic)
	})
}

func TestFirefoxSignsInByTheScriptOfTheButton(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := openFirefox(t, true)
	b.open(w.portal + "/buttons")
	b.click(".place[data-theme=filled_orange][data-type=icon] button")
	b.isAt(w.issuer + "/")
	answerPassword(b, w.person, password)
	allow(b)
	seesProfile(b, w, w.person)
}
