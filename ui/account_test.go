package ui_test

import (
	"crypto/ed25519"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/consent"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/ui"
)

func TestAPersonSeesWhatTheyShare(t *testing.T) {
	t.Parallel()
	w := newBank(t, nil)
	w.putClinic()
	w.put(asha, &consent.Record{
		ID: libraryID, Version: 1, ClientID: "library", Status: consent.Withdrawn, ChangedAt: day(3),
		Controller: consent.Controller{Name: "Town Library", URI: "https://library.example/about"},
		Choices:    []consent.Choice{w.choice(consent.Claim, "address")},
	})
	w.put(ravi, &consent.Record{ID: "of-ravi", ClientID: "secret-club", Status: consent.Active, Choices: []consent.Choice{w.choice(consent.Claim, "name")}})
	page := newBrowser(t, w.URL).walk("/account/")
	require.Equal(t, http.StatusOK, page.status)
	text := page.text()
	for _, want := range []string{
		"Clinic", "clinic.example", "Full name", "Email address Until", "Date of birth Verified", "Verified under: eIDAS, the European Union’s rules",
		"The service says why: To know <your> age", "Appointments At: https://api.example",
		"Since 1 February 2026, 09:00 UTC Until you take it back Last change 1 February 2026, 09:00 UTC",
		"You no longer share with Town Library You took back what you allowed. Nothing is shared. This service is no longer registered here. It was: library",
	} {
		assert.Contains(t, text, want)
	}
	assert.Contains(t, page.body, `<time datetime="2026-02-01T09:00:00Z">`)
	assert.NotContains(t, text, "secret-club", "what others share is none of their business")
	assert.NotContains(t, text, "Phone number", "what was refused is on the page of details")
	assert.Equal(t, "no-store", page.header.Get("Cache-Control"))
	assert.Contains(t, page.header.Get("Content-Security-Policy"), "form-action 'self';")
}

func TestNothingSharedIsSaid(t *testing.T) {
	t.Parallel()
	page := newBrowser(t, newBank(t, nil).URL).walk("/account/")
	assert.Contains(t, page.text(), "You do not share anything with any service.")
	assert.Contains(t, page.text(), "You have no passkeys.")
}

func TestEveryWayInWhichAConsentEndsIsSaid(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*consent.Choice, time.Time)
		want   string
		past   bool
	}{
		"never":       {func(*consent.Choice, time.Time) {}, "Until you take it back", false},
		"at a time":   {func(c *consent.Choice, _ time.Time) { c.ExpiresAt = time.Date(2126, 3, 1, 9, 0, 0, 0, time.UTC) }, "Until 1 March 2126, 09:00 UTC", false},
		"with logout": {func(c *consent.Choice, _ time.Time) { c.Session = "x" }, "Until you log out", false},
		"at once":     {func(c *consent.Choice, _ time.Time) { c.Once = true }, "Until the end of that one login", false},
		"long ago":    {func(c *consent.Choice, now time.Time) { c.ExpiresAt = now.Add(-time.Hour) }, "The time that you allowed is over.", true},
		"as refused":  {func(c *consent.Choice, _ time.Time) { c.Granted = false }, "You allowed nothing.", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newBank(t, nil)
			choice := w.choice(consent.Claim, "name")
			c.change(&choice, w.clock.now())
			w.put(asha, &consent.Record{ID: clinicID, Version: 1, ClientID: "clinic", Status: consent.Active, ChangedAt: day(1), Choices: []consent.Choice{choice}})
			page := newBrowser(t, w.URL).walk("/account/")
			assert.Contains(t, page.text(), c.want)
			assert.Equal(t, c.past, strings.Contains(page.text(), "You no longer share with"))
			assert.Equal(t, !c.past, strings.Contains(page.body, clinicID+"/withdraw"))
		})
	}
}

func TestTheHistoryShowsEveryDecisionWithItsReceipt(t *testing.T) {
	t.Parallel()
	w := newBank(t, nil)
	record := func(version int64, status consent.Status, choices ...consent.Choice) *consent.Record {
		return &consent.Record{ID: clinicID, Version: version, ClientID: "clinic", Status: status, ChangedAt: day(int(version)), Receipt: "the.receipt." + string(rune('0'+version)), Choices: choices}
	}
	email := w.choice(consent.Claim, "email", func(c *consent.Choice) { c.DecidedAt = day(2) })
	name, phone := w.choice(consent.Claim, "name"), w.choice(consent.Claim, "phone_number", refused)
	w.put(asha, record(3, consent.Withdrawn, email, name, phone), record(2, consent.Active, email, name, phone), record(1, consent.Active, name, phone))
	b := newBrowser(t, w.URL)
	page := b.walk("/account/consents/" + clinicID)
	text := page.text()
	assert.Contains(t, text, "What you share with Clinic You took back what you allowed. Nothing is shared.")
	assert.Contains(t, text, "3 February 2026, 09:00 UTC You took back what you had allowed. Download receipt 3")
	assert.Contains(t, text, "2 February 2026, 09:00 UTC You decided what to share. You share Email address Download", "what that decision was about")
	assert.Contains(t, text, "You share Full name You do not share Phone number Download")
	assert.NotContains(t, page.body, "/withdraw", "there is nothing to withdraw")
	assert.Contains(t, isolates.Replace(b.walk("/account/consents/"+clinicID+"?lang=ar").text()), "تنزيل الإيصال رقم ٣", "numbers have the digits of the language")

	receipt := b.walk("/account/consents/" + clinicID + "/receipts/2")
	assert.Equal(t, http.StatusOK, receipt.status)
	assert.Equal(t, "the.receipt.2", receipt.body)
	assert.Equal(t, "application/jwt", receipt.header.Get("Content-Type"))
	assert.Equal(t, `attachment; filename="consent-receipt-2026-02-02-2.jwt"`, receipt.header.Get("Content-Disposition"))
	assert.Equal(t, http.StatusNotFound, b.walk("/account/consents/"+clinicID+"/receipts/4").status)
}

func TestAPersonWithdraws(t *testing.T) {
	t.Parallel()
	w := newBank(t, nil)
	w.putClinic()
	b := newBrowser(t, w.URL)
	page := b.walk("/account/consents/" + clinicID + "/withdraw")
	assert.Contains(t, page.text(), "Stop sharing with Clinic?")
	assert.Contains(t, page.text(), "What it received before stays with it.")
	done := b.press(page, page.path)
	assert.Equal(t, "/account/consents/"+clinicID, done.path)
	assert.Contains(t, done.text(), "Done. You no longer share anything with this service.")
	assert.Contains(t, done.body, `role="status"`)
	assert.NotContains(t, b.walk(done.path).text(), "Done.", "it is said once")
	assert.Contains(t, b.walk("/account/").text(), "You do not share anything with any service.")
	assert.Equal(t, consent.Withdrawn, w.histories[asha][clinicID][0].Status)
}

func TestAWithdrawalThatLeavesTokensCanBeRepeated(t *testing.T) {
	t.Parallel()
	w := newBank(t, nil)
	w.putClinic()
	w.set(func() { w.tokens = consent.ErrTokens })
	b := newBrowser(t, w.URL)
	page := b.walk("/account/consents/" + clinicID + "/withdraw")
	again := b.press(page, page.path)
	assert.Contains(t, again.text(), "the service may still have access for some minutes")
	assert.Contains(t, again.body, `role="alert"`)
	w.set(func() { w.tokens = nil })
	assert.Contains(t, b.press(again, again.path).text(), "Done.")
}

func TestALateWithdrawalDoesNotReachTheNextConsent(t *testing.T) {
	t.Parallel()
	w := newBank(t, nil)
	w.putClinic()
	b := newBrowser(t, w.URL)
	page := b.walk("/account/consents/" + clinicID + "/withdraw")
	next := *w.histories[asha][clinicID][0]
	next.ID, next.Version = strings.Replace(clinicID, "ONE", "TWO", 1), 2
	w.put(asha, &next, w.histories[asha][clinicID][0])
	shown := b.press(page, page.path)
	assert.Equal(t, "/account/consents/"+next.ID, shown.path)
	assert.Contains(t, shown.text(), "Nothing was taken back: you have decided anew in the meantime.")
	assert.Equal(t, consent.Active, w.histories[asha][next.ID][0].Status)
	assert.Equal(t, "/account/consents/"+next.ID+"/withdraw", b.walk(page.path).path, "an old address leads to the present consent")
}

func TestConsentsOfOthersAreNotFound(t *testing.T) {
	t.Parallel()
	w := newBank(t, nil)
	w.putClinic()
	w.set(func() {
		w.person = ravi
		w.passkeys[asha] = []ui.Passkey{{ID: "hers"}}
	})
	b := newBrowser(t, w.URL)
	csrf := b.walk("/account/").csrf(t)
	for _, path := range []string{
		"consents/" + clinicID, "consents/" + clinicID + "/withdraw", "consents/" + clinicID + "/receipts/1", "passkeys/hers/remove",
	} {
		page := b.walk("/account/" + path)
		assert.Equal(t, http.StatusNotFound, page.status, path)
		assert.Contains(t, page.text(), "This page does not exist")
	}
	form := url.Values{"csrf": {csrf}}.Encode()
	assert.Equal(t, http.StatusNotFound, b.send(http.MethodPost, "/account/consents/"+clinicID+"/withdraw", form).status)
	b.send(http.MethodPost, "/account/passkeys/hers/remove", form)
	assert.Equal(t, consent.Active, w.histories[asha][clinicID][0].Status)
	assert.Len(t, w.passkeys[asha], 1)
}

func TestAPersonRemovesAPasskey(t *testing.T) {
	t.Parallel()
	w := newBank(t, nil)
	w.set(func() {
		w.passkeys[asha] = []ui.Passkey{{ID: "phone", CreatedAt: day(1), UsedOn: day(2), BackedUp: true}, {ID: "key", CreatedAt: day(3), UsedOn: day(3)}}
	})
	b := newBrowser(t, w.URL)
	page := b.walk("/account/")
	assert.Contains(t, page.text(), "Set up 1 February 2026, 09:00 UTC Last used 2 February 2026 There is a copy of it on your other devices.")
	assert.Regexp(t, `/passkeys/phone/remove"><span>[^<]+<time [^>]+>[^<]+</time>[^<]*</span></a>`, page.body, "one text, which wraps as one")
	ask := b.walk("/account/passkeys/phone/remove")
	assert.Contains(t, ask.text(), "Remove this passkey?")
	done := b.press(ask, ask.path)
	assert.Contains(t, done.text(), "Done. You can no longer log in with this passkey.")
	assert.Equal(t, []ui.Passkey{{ID: "key", CreatedAt: day(3), UsedOn: day(3)}}, w.passkeys[asha])

	without := newBrowser(t, newBank(t, func(_ *ui.Config, c *ui.AccountConfig) { c.Passkeys = nil }).URL)
	assert.NotContains(t, without.walk("/account/").text(), "passkey")
	assert.Equal(t, http.StatusNotFound, without.walk("/account/passkeys/phone/remove").status)
}

func TestAnOutageOfTheAccountPagesIsExplained(t *testing.T) {
	t.Parallel()
	w := newBank(t, nil)
	w.putClinic()
	b := newBrowser(t, w.URL)
	csrf := b.walk("/account/").csrf(t)
	w.set(func() { w.broken = errAway })
	for _, a := range []*answer{
		b.walk("/account/"), b.walk("/account/consents/" + clinicID), newBrowser(t, w.URL).walk("/account/"),
		b.send(http.MethodPost, "/account/consents/"+clinicID+"/withdraw", "csrf="+csrf),
	} {
		assert.Equal(t, http.StatusServiceUnavailable, a.status)
		assert.Contains(t, a.text(), "This does not work at the moment")
		assert.NotContains(t, a.body, errAway.Error())
		assert.NotEmpty(t, a.header.Get("Retry-After"))
	}
	assert.Contains(t, w.log.String(), errAway.Error())
	for _, personal := range []string{asha, clinicID, "asha-at-clinic", "code-"} {
		assert.NotContains(t, w.log.String(), personal)
	}
}

func TestAccountPagesSpeakTheLanguageOfThePerson(t *testing.T) {
	t.Parallel()
	w := newBank(t, func(c *ui.Config, _ *ui.AccountConfig) { c.Catalog = languages })
	w.putClinic()
	b := newBrowser(t, w.URL)
	page := b.walk("/account/?lang=ar")
	assert.Equal(t, "ar", w.last.Parameters["ui_locales"], "the login does, too")
	assert.Equal(t, "/account/", page.path)
	assert.Contains(t, page.body, `<html lang="ar" dir="rtl">`)
	assert.Contains(t, page.body, `<h3 dir="auto">عيادة</h3>`)
	assert.Contains(t, b.walk("/account/consents/"+clinicID+"?lang=km").body, `<html lang="km"`)
	assert.Contains(t, b.walk("/account/").body, `<html lang="km"`, "the choice stays")
}

func TestAccountPagesAreWellFormed(t *testing.T) {
	t.Parallel()
	w := newBank(t, nil)
	w.putClinic()
	w.set(func() { w.passkeys[asha] = []ui.Passkey{{ID: "phone", CreatedAt: day(1), UsedOn: day(2)}} })
	b := newBrowser(t, w.URL)
	for _, path := range []string{"", "consents/" + clinicID, "consents/" + clinicID + "/withdraw", "passkeys/phone/remove", "logged-out", "nothing"} {
		a := b.walk("/account/" + path)
		assert.NotRegexp(t, `<script>|<script [^>]*>[^<]|<style|\sstyle=|\son[a-z]+=|javascript:`, a.body)
		assert.NotRegexp(t, `(src|href)="(https?:)?//`, a.body)
		assert.Equal(t, 1, strings.Count(a.body, "<h1>"))
		assert.NotContains(t, a.body, "ZgotmplZ")
		assert.NotContains(t, a.body, asha)
	}
}

// The client is registered and has a key, because every client has; nobody can use it.
func TestNobodyAuthenticatesAsTheAccountPages(t *testing.T) {
	t.Parallel()
	for _, base := range []string{"", "/id/account/"} {
		client := ui.AccountClient("https://id.example/id", base)
		require.NoError(t, client.Validate())
		require.NoError(t, client.ValidateProfile(oauth.ProfileFAPI2, false))
	}
	client := ui.AccountClient("https://id.example/id", "/id/account/")
	assert.Equal(t, []string{"https://id.example/id/account/callback"}, client.RedirectURIs)
	assert.Equal(t, []string{"openid"}, client.Scopes)
	key := client.Keys.Keys[0].Key.(ed25519.PublicKey)
	assert.NotEqual(t, make(ed25519.PublicKey, 32), key)
	assert.False(t, ed25519.Verify(key, nil, make([]byte, ed25519.SignatureSize)), "the key is not one of small order, which anybody signs for")
	assert.Equal(t, client, ui.AccountClient("https://id.example/id", "/id/account/"), "on every instance")
}

func TestAccountReportsEveryMistake(t *testing.T) {
	t.Parallel()
	pages, _ := newPages(t, nil)
	_, err := pages.Account(ui.AccountConfig{BasePath: "/login/account/", LogoutURL: "logout", MaxAge: -1})
	for _, problem := range []string{"Consents", "Clients", "Requests", "Grants", "Issuer", "AuthorizationEndpoint", "LogoutURL", "BasePath", "Secret", "MaxAge"} {
		assert.ErrorContains(t, err, "AccountConfig."+problem)
	}
}

func TestTheAccountShowsTheLogoOfAClient(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(drawing)) }))
	t.Cleanup(server.Close)
	w := newBank(t, func(c *ui.Config, _ *ui.AccountConfig) { c.Logos.AllowPrivate = true })
	w.putClinic()
	w.logoURI = server.URL + "/logo"
	b := newBrowser(t, w.URL)
	for _, path := range []string{"/account/consents/" + clinicID, "/account/consents/" + clinicID + "/withdraw"} {
		var link []string
		require.Eventually(t, func() bool {
			link = accountLogo.FindStringSubmatch(b.walk(path).body)
			return link != nil
		}, 10*time.Second, 5*time.Millisecond, path)
		served := b.send(http.MethodGet, link[1], "")
		assert.Equal(t, drawing, served.body, "it comes from the provider")
		assert.Contains(t, served.header.Get("Content-Security-Policy"), "sandbox")

		other := newBank(t, func(c *ui.Config, _ *ui.AccountConfig) { c.Logos.AllowPrivate = true })
		other.putClinic()
		other.logoURI = w.logoURI
		b := newBrowser(t, other.URL)
		assert.NotEqual(t, drawing, b.send(http.MethodGet, link[1], "").body, "it is fetched for people who are logged in")
		b.walk("/account/consents/" + libraryID) // which is of nobody, and logs in
		assert.Equal(t, http.StatusNotFound, b.send(http.MethodGet, strings.Replace(link[1], clinicID, libraryID, 1), "").status)
		assert.Equal(t, drawing, b.send(http.MethodGet, link[1], "").body, "an instance that has not seen it fetches it")
		assert.Equal(t, http.StatusNotFound, b.send(http.MethodGet, link[1][:len(link[1])-32]+strings.Repeat("0", 32), "").status)
	}
}

var accountLogo = regexp.MustCompile(`<img class="logo" src="(/account/consents/[^"/]+/logos/[0-9a-f]{32})"`)

func TestWhatAClientCallsItselfDoesNotTurnThePageAround(t *testing.T) {
	t.Parallel()
	w := newBank(t, nil)
	w.putClinic()
	w.put(asha, &consent.Record{
		ID: libraryID, Version: 1, ClientID: "library", Status: consent.Withdrawn, ChangedAt: day(3),
		Controller: consent.Controller{Name: "Town\n\u202e Library" + strings.Repeat("!", 500)},
	})
	page := newBrowser(t, w.URL).walk("/account/")
	assert.Contains(t, page.body, `<h3 dir="auto" lang="">Town Library!!`)
	assert.NotContains(t, page.body, strings.Repeat("!", 200))
	assert.Contains(t, page.body, `<h3 dir="auto" lang="">Clinic</h3>`, "nobody knows in which language that is")
}
