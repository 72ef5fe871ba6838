package e2e_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestConsentIsAskedOnceAndForWhatIsNew(t *testing.T) {
	t.Parallel()
	w := newConsentWorld(t)
	b := openBrowser(t)
	w.signIn(b)
	b.has("#claim-email")
	assert.False(t, b.shows(".tag.new"), "everything is new: nothing stands out")
	b.tick("#claim-email")
	b.click("#continue")
	b.isAt(w.portal + "/profile")
	b.click("#sign-out")

	w.signIn(b)
	b.isAt(w.portal + "/profile")
	b.has("#claim-email")
	b.click("#sign-out")

	w.ask(t, "email", "phone")
	w.signIn(b)
	b.reads("What is new is marked")
	b.has("label:has(#claim-phone_number) .tag.new")
	assert.False(t, b.shows("label:has(#claim-email) .tag.new"))
	b.tick("#claim-email")
	b.tick("#claim-phone_number")
	b.click("#continue")
	b.isAt(w.portal + "/profile")
	b.has("#claim-phone_number")
}

func TestThePortalShowsHowClaimsWereVerifiedAndThatTheyCameEncrypted(t *testing.T) {
	t.Parallel()
	w := newConsentWorld(t)
	b := openBrowser(t)
	w.signIn(b)
	b.reads("To find your records")
	b.tick("#claim-name")
	b.tick("#claim-birthdate")
	b.click("#continue")
	b.isAt(w.portal + "/profile")
	b.reads("Verified: urn:example:civil-register")
	b.has(".evidence")
	b.has(".verified-birthdate")
	b.tick("summary")
	b.has("#userinfo-encryption")
	b.reads("A256GCM")
}

func TestAWithdrawalOnTheAccountPagesEndsTheTokenOfThePortal(t *testing.T) {
	t.Parallel()
	everyConsentWay(t, func(b *tab, w *consentWorld) {
		w.signIn(b)
		b.tick("#claim-email")
		b.click("#continue")
		b.isAt(w.portal + "/profile")
		b.reload()
		assert.False(b.t, b.shows("#access-ended"))

		b.click("#to-account")
		answerPassword(b, w.person, password)
		b.isAt(w.issuer + "/account/")
		b.reads("Clinic")
		b.click(".shares a")
		receipt := b.download("#history ~ ol a[download], section[aria-labelledby=history] a[download]")
		says := verifiedByJavaScript(b.t, receipt, w.issuer+"/jwks.json", w.issuer)
		require.Equal(b.t, "given", says["event"].(map[string]any)["event_state"])
		again := verifiedByJavaScript(b.t, receipt, w.issuer+"/receipt-keys.json", w.issuer)
		require.Equal(b.t, says, again)

		b.click("#withdraw")
		b.click("#withdraw")
		b.has("#notice")
		b.open(w.portal + "/profile")
		b.has("#access-ended")
		assert.False(b.t, b.shows("#claim-email"))
	})
}

// everyConsentWay runs a test in a browser with JavaScript and in one without.
func everyConsentWay(t *testing.T, test func(b *tab, w *consentWorld)) {
	t.Helper()
	for name, scripts := range map[string]bool{"with JavaScript": true, "without JavaScript": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newConsentWorld(t)
			b := openBrowser(t)
			if !scripts {
				b.withoutScripts()
			}
			test(b, w)
		})
	}
}
