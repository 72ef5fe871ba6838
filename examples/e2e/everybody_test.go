package e2e_test

import (
	"net/url"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"

	"github.com/gosignet/signet/authenticator/mock"
)

// inspect looks at the page as TestEveryPageIsForEverybody does: on a phone and, dark, on a large screen, and at a zoom of
// 400 %. The page stays as it is.
func inspect(b *tab, what string) {
	b.t.Helper()
	for _, scheme := range []string{"light", "dark"} {
		b.do("look at "+what+" on a phone, "+scheme, emulate(scheme), chromedp.EmulateViewport(phoneWidth, phoneHeight))
		assert.Empty(b.t, list(b, violations(allRules)), "%s on a phone, %s", what, scheme)
		b.do("look at "+what+" on a large screen, "+scheme, chromedp.EmulateViewport(screenWidth, screenHeight))
		assert.Empty(b.t, list(b, violations(lookRules)), "%s on a large screen, %s", what, scheme)
	}
	b.do("zoom", chromedp.EmulateViewport(320, 256))
	assert.Empty(b.t, list(b, tooWide), "%s has to be scrolled sideways", what)
	assert.Empty(b.t, list(b, `forbidden`), what)
	b.do("go back to a large screen", emulate("light"), chromedp.EmulateViewport(screenWidth, screenHeight))
}

func TestTheDemoPortalIsForEverybody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := openInspector(t)
	b.open(w.portal + "/")
	inspect(b, "the portal")
	b.open(w.portal + "/buttons")
	b.do("wait for the script", chromedp.WaitVisible(chromedp.CSS(".place[data-locale=ta] button")))
	inspect(b, "all looks of the button")
	b.open(w.portal + "/callback?" + url.Values{"error": {"access_denied"}, "error_description": {"the person said no"}, "iss": {w.issuer}}.Encode())
	inspect(b, "a failure")

	startLogin(b, w)
	answerPassword(b, w.person, password)
	allow(b)
	seesProfile(b, w, w.person)
	inspect(b, "the profile")
	b.tick("summary")
	inspect(b, "the profile, unfolded")
	b.open(w.portal + "/record")
	inspect(b, "the record")
}

func TestTheWalletSimulatorIsForEverybody(t *testing.T) {
	t.Parallel()
	w := newWalletWorld(t, 0)
	phone := openInspector(t)
	phone.open(w.wallet + "/")
	inspect(phone, "a wallet of nobody")
	phone.write("#individual", w.person.NationalID)
	phone.click("#send")
	inspect(phone, "a wallet that waits for a code")
	phone.write("#otp", "000000")
	phone.click("#bind")
	phone.has("#problem")
	inspect(phone, "a wallet that was given a wrong code")
	if !phone.shows("#otp") {
		phone.write("#individual", w.person.NationalID)
		phone.click("#send")
	}
	phone.write("#otp", mock.OTP)
	phone.click("#bind")
	inspect(phone, "a wallet of somebody")

	b := phone.newTab()
	startLogin(b, w.world)
	b.click("#login_with_wla")
	phone.write("#code", b.deepLink())
	phone.click("#link")
	inspect(phone, "a wallet that asks")
	phone.click("#refuse")
	inspect(phone, "a wallet that refused")
}

func TestTheDescriptionOfTheAPIIsForEverybody(t *testing.T) {
	t.Parallel()
	w := startServer(t, "-api-description")
	b := openInspector(t)
	b.open(w.issuer + "/api/")
	b.reads("/authorize")
	inspect(b, "the description of the API")
}
