package ui_test

import (
	"html"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/consent"
	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/oidc"
	"github.com/gosignet/signet/ui"
)

// newConsent is a decision on two claims that the client needs, two that it would like, and a permission.
func newConsent() *login.State {
	return &login.State{
		Step:      login.StepConsent,
		Essential: []string{"name", "birthdate"},
		Voluntary: []string{"email", "phone_number"},
		Scopes:    []string{"appointments"},
	}
}

// ticked are the names that a form without JavaScript sends if it is sent as it is shown.
func (a *answer) ticked() (claims, scopes []string) {
	for _, input := range strings.SplitAfter(a.body, "<input ")[1:] {
		input, _, _ = strings.Cut(input, ">")
		_, rest, _ := strings.Cut(input, `value="`)
		value, _, _ := strings.Cut(rest, `"`)
		switch {
		case strings.Contains(input, `type="checkbox"`) && !strings.HasSuffix(input, " checked"):
		case strings.Contains(input, `name="claim"`):
			claims = append(claims, value)
		case strings.Contains(input, `name="scope"`):
			scopes = append(scopes, value)
		}
	}
	return claims, scopes
}

// fields writes the fields of a consent form.
func fields(claims, scopes []string) (list []string) {
	for _, c := range claims {
		list = append(list, "claim", c)
	}
	for _, s := range scopes {
		list = append(list, "scope", s)
	}
	return list
}

func TestAnEssentialClaimIsAChoiceThatIsTickedBeforehand(t *testing.T) {
	t.Parallel()
	f := newFakeLogin(t, newConsent(), nil)
	page := f.page()
	claims, scopes := page.ticked()
	assert.Equal(t, []string{"name", "birthdate"}, claims, "nothing that is voluntary")
	assert.Empty(t, scopes)
	assert.Contains(t, page.text(), "Health Portal says that it needs this. You may untick it")

	f.submit(page, "consent", "claim", "birthdate", "scope", "appointments")
	assert.Equal(t, login.Decision{Claims: []string{"birthdate"}, Scopes: []string{"appointments"}, Language: "en"}, f.flow.decision)
	f.submit(page, "consent")
	assert.Equal(t, login.Decision{Language: "en"}, f.flow.decision, "nothing at all is a decision too")
}

func TestARequiredClaimIsNoChoice(t *testing.T) {
	t.Parallel()
	s := newConsent()
	s.Required = true
	f := newFakeLogin(t, s, nil)
	f.flow.do = func(_ string, s *login.State) error {
		for _, name := range s.Essential {
			if !slices.Contains(f.flow.decision.Claims, name) {
				return login.ErrEssential
			}
		}
		return nil
	}
	page := f.page()
	assert.Contains(t, page.text(), "Without all of this you cannot continue to Health Portal.")
	assert.Contains(t, page.text(), "Full name Required")
	assert.NotContains(t, page.body, `id="claim-name"`)

	for name, claims := range map[string][]string{"one": {"name", "email"}, "none": nil, "another instead": {"name", "email", "phone_number"}} {
		again := f.submit(page, "consent", fields(claims, nil)...)
		assert.Equal(t, "consent", again.page(), name)
		assert.Contains(t, again.text(), "There is a problem Without everything that is required you cannot continue.", name)
	}
	f.submit(page, "consent", fields(page.ticked())...)
	assert.Equal(t, []string{"name", "birthdate"}, f.flow.decision.Claims)
}

func TestEverythingOptionalIsTickedAtOnceWithoutJavaScript(t *testing.T) {
	t.Parallel()
	for _, required := range []bool{false, true} {
		s := newConsent()
		s.Required = required
		f := newFakeLogin(t, s, nil)
		essential := map[bool][]string{false: {"birthdate"}, true: {"name", "birthdate"}}[required]

		all := f.post(f.page(), "consent", append(fields(essential, nil), "select", "all")...)
		require.Equal(t, http.StatusOK, all.status)
		claims, scopes := all.ticked()
		assert.Equal(t, append(slices.Clone(essential), "email", "phone_number"), claims, "what else was ticked or not stays so")
		assert.Equal(t, []string{"appointments"}, scopes)
		assert.NotContains(t, all.body, `id="error-banner"`)
		assert.Contains(t, all.header.Get("Content-Security-Policy"), "form-action 'self' https:;")

		none := f.post(all, "consent", append(fields(claims, scopes), "select", "none")...)
		claims, scopes = none.ticked()
		assert.Equal(t, essential, claims)
		assert.Empty(t, scopes)
		assert.Empty(t, f.flow.made(), "nothing is decided yet")

		f.submit(none, "consent", fields(claims, scopes)...)
		assert.Equal(t, essential, f.flow.decision.Claims)
	}
}

func TestOneOptionalThingNeedsNoSwitch(t *testing.T) {
	t.Parallel()
	page := newFakeLogin(t, &login.State{Step: login.StepConsent, Essential: []string{"name", "email"}, Scopes: []string{"appointments"}}, nil).page()
	assert.NotContains(t, page.body, "select-optional")
	assert.NotContains(t, page.body, "select-all")
}

func TestThePageSaysWhyItAsks(t *testing.T) {
	t.Parallel()
	for reason, want := range map[consent.Reason]string{
		"":                      "You are logged in. Before you continue, check what Health Portal will receive.",
		"strange":               "You are logged in. Before you continue, check what Health Portal will receive.",
		consent.First:           "Health Portal asks for your information for the first time.",
		consent.Widened:         "Health Portal asks for more than you have decided on so far. What is new is marked.",
		consent.Expired:         "The time of your last decision about Health Portal is over.",
		consent.NewText:         "The text by which Health Portal asks has changed since your last decision.",
		consent.Prompted:        "Health Portal wants you to check what you share.",
		consent.EachTime:        "Your decision holds for one login only.",
		consent.AfterWithdrawal: "You took back your consent for Health Portal.",
		consent.Refused:         "Last time you did not share something without which you cannot continue to Health Portal.",
	} {
		s := newConsent()
		s.AskedBecause = reason
		assert.Contains(t, newFakeLogin(t, s, nil).page().text(), want, reason)
	}
}

func TestWhatIsNewIsMarked(t *testing.T) {
	t.Parallel()
	all := []string{"name", "birthdate", "email", "phone_number", "appointments"}
	for name, c := range map[string]struct {
		reason consent.Reason
		new    []string
		want   []string
		not    string
	}{
		"widened":           {consent.Widened, []string{"birthdate", "appointments"}, []string{"Date of birth New", "Appointments New Optional"}, "Full name New"},
		"prompted":          {consent.Prompted, []string{"email"}, []string{"Email address New Optional"}, "Full name New"},
		"expired in part":   {consent.Expired, []string{"email"}, []string{"Email address Decide again Optional"}, "New"},
		"refused":           {consent.Refused, []string{"name"}, []string{"Full name Decide again"}, "New"},
		"all for the first": {consent.First, all, []string{"Full name Date of birth"}, "New"},
	} {
		s := newConsent()
		s.AskedBecause, s.New = c.reason, c.new
		text := newFakeLogin(t, s, nil).page().text()
		for _, want := range c.want {
			assert.Contains(t, text, want, name)
		}
		assert.NotContains(t, text, c.not, name)
	}
}

func TestVerifiedClaimsAreExplained(t *testing.T) {
	t.Parallel()
	s := newConsent()
	s.Verified = []oidc.VerifiedItem{
		{Name: "name", Purpose: "to open <b>an</b> account", TrustFrameworks: []string{"eidas", "own_rules"}, Evidence: true},
		{Name: "email", Plain: true},
	}
	page := newFakeLogin(t, s, nil).page()
	text := page.text()
	assert.Contains(t, text, "Full name With proof of how it was verified. Verified under the rules of eIDAS")
	assert.Contains(t, text, " or Own rules. Health Portal also learns what proved it, such as the number of a document.")
	assert.Contains(t, page.body, `Health Portal says why: <q><bdi lang="">to open &lt;b&gt;an&lt;/b&gt; account</bdi></q>`)
	assert.Contains(t, text, "Email address Optional With proof of how it was verified, or as it is where there is none.")
	assert.Equal(t, 2, strings.Count(page.body, `class="verified"`))
	assert.Contains(t, page.body, `id="claim-name" aria-describedby="about-0" checked`)
	assert.Contains(t, page.body, `id="about-0"`)

	s.Required = true
	assert.Contains(t, newFakeLogin(t, s, nil).page().text(), "Full name Required With proof of how it was verified.")
}

func TestTextsOfClientsCannotMisleadOnTheConsentPage(t *testing.T) {
	t.Parallel()
	s := newConsent()
	s.Client = &oauth.Client{
		ID:         "evil",
		Names:      map[string]string{"": "Bank\u202eknaB\r\nof " + strings.Repeat("x", 500)},
		PolicyURIs: map[string]string{"": "javascript:alert(1)//"}, TOSURIs: map[string]string{"": "https://good.example.org@evil.example.org/"},
	}
	s.Verified = []oidc.VerifiedItem{{
		Name: "name", TrustFrameworks: []string{"<script>" + strings.Repeat("y", 500)},
		Purpose: "\u2066\u202e\x00" + strings.Repeat("“><img src=x onerror=alert(1)> \n", 100),
	}}
	page := newFakeLogin(t, s, nil).page()
	for _, bad := range []string{
		"<img src", "<script>", "javascript:", "ZgotmplZ", "evil.example.org", "\u202e", "\u2066", "\x00",
		strings.Repeat("x", 101), strings.Repeat("y", 101),
	} {
		assert.NotContains(t, page.body, bad)
	}
	_, purpose, _ := strings.Cut(page.body, `<bdi lang="">`)
	purpose, _, _ = strings.Cut(purpose, "</bdi>")
	assert.NotContains(t, purpose, "\n")
	assert.True(t, strings.HasSuffix(purpose, "…"))
	assert.Less(t, len(page.body), 32<<10)
}

func TestAPurposeKeepsTheLettersOfItsScript(t *testing.T) {
	t.Parallel()
	const purpose = "می\u200cخواهیم نام شما را بدانیم"
	s := newConsent()
	s.Verified = []oidc.VerifiedItem{{Name: "name", Purpose: purpose}}
	assert.Contains(t, newFakeLogin(t, s, nil).page().body, purpose)
}

func TestPolicyAndTermsOfTheClientAreLinked(t *testing.T) {
	t.Parallel()
	s := newConsent()
	s.Client = &oauth.Client{ID: "portal", Names: map[string]string{"": "Health Portal"},
		PolicyURIs: map[string]string{"": "https://portal.example.org/privacy", "fr": "https://portal.example.org/fr/privacy"},
		TOSURIs:    map[string]string{"": "https://portal.example.org/terms"},
	}
	page := newFakeLogin(t, s, nil).page()
	assert.Contains(t, page.body, `<a href="https://portal.example.org/privacy" target="_blank" rel="noopener noreferrer">Privacy policy of Health Portal</a>`)
	assert.Contains(t, page.body, `<a href="https://portal.example.org/terms" target="_blank" rel="noopener noreferrer">Terms of Health Portal</a>`)

	french := newFakeLogin(t, s, func(c *ui.Config) { c.DefaultLanguage = "fr" }).page()
	assert.Contains(t, french.body, `href="https://portal.example.org/fr/privacy"`)
	assert.Contains(t, french.body, `href="https://portal.example.org/terms"`)
}

func TestTheDecisionIsInTheLanguageOfThePage(t *testing.T) {
	t.Parallel()
	f := newFakeLogin(t, newConsent(), withLanguages)
	page := f.open("/login/" + login.ID(fakeHandle) + "/?lang=ar")
	assert.Contains(t, page.body, `<html lang="ar" dir="rtl">`)
	assert.Contains(t, page.body, `بوابة الصحة`, "the client has a name in it")
	f.submit(page, "consent", fields(page.ticked())...)
	assert.Equal(t, "ar", f.flow.decision.Language)
}

func TestTheTimeToDecideIsAnnounced(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	s := newConsent()
	s.ExpiresAt = start.Add(5 * time.Minute)
	page := newFakeLogin(t, s, func(c *ui.Config) { c.Now = func() time.Time { return start } }).page()
	assert.Contains(t, page.text(), "Please decide within 5 minutes. The login ends at 12:05 UTC . Nothing is shared then, and you can start again at Health Portal.")
	assert.Contains(t, page.body, `<time datetime="2026-03-01T12:05:00Z">`)
	assert.Contains(t, page.body, `data-seconds="300"`)
	assert.Contains(t, page.body, `<p id="time-status" data-live></p>`)
	assert.Contains(t, page.body, `You have 60 seconds left to decide.`)
}

func TestReloadAndBackOfAConsentDoNoHarm(t *testing.T) {
	t.Parallel()
	f := newFakeLogin(t, newConsent(), nil)
	page := f.page()
	assert.Equal(t, "consent", f.open(page.path).page(), "reload")
	f.flow.do = func(call string, s *login.State) error {
		if s.Step == login.StepDone {
			return nil
		}
		s.Step = login.StepDone
		return nil
	}
	assert.Equal(t, "done", f.submit(page, "consent", "claim", "name").page())
	assert.Equal(t, "done", f.open(page.path).page(), "back")
	assert.Equal(t, "done", f.submit(page, "consent", "select", "all").page(), "a form from before changes nothing")
}

func TestTheRequestSaysHowPagesAreDisplayed(t *testing.T) {
	t.Parallel()
	for display, body := range map[string]string{
		"": "<body>", "page": "<body>", `"><script>`: "<body>", "popup": `<body class="popup">`, "touch": `<body class="touch">`, "wap": `<body class="wap">`,
	} {
		s := newConsent()
		s.Display = display
		page := newFakeLogin(t, s, nil).page()
		assert.Contains(t, page.body, body, display)
		if display == "wap" {
			assert.NotRegexp(t, `<script|<link rel="stylesheet"`, page.body)
			assert.Less(t, len(page.body), 10<<10)
			assert.Contains(t, page.body, `<span>Email address</span> <span class="tag">Optional</span>`, "words stay apart without style")
		} else {
			assert.Contains(t, page.body, "/assets/consent.")
		}
	}
}

func FuzzAPurposeIsALineOfText(f *testing.F) {
	for _, seed := range []string{"to open an account", "<b>&amp;", "\u202e\x00\n", "می\u200cخواهیم", "\xff\xfe", strings.Repeat("😀", 400)} {
		f.Add(seed)
	}
	pages, flow := newPages(f, nil)
	f.Fuzz(func(t *testing.T, purpose string) {
		s := newConsent()
		s.Verified = []oidc.VerifiedItem{{Name: "name", Purpose: purpose}}
		flow.put("handle", s)
		_, shown, _ := strings.Cut(get(pages, "handle", "consent").Body.String(), `<bdi lang="">`)
		shown, _, _ = strings.Cut(shown, "</bdi>")
		assert.NotContains(t, shown, "<")
		shown = html.UnescapeString(shown)
		assert.LessOrEqual(t, utf8.RuneCountInString(shown), 300)
		assert.True(t, utf8.ValidString(shown))
		assert.NotContains(t, shown, "  ")
		assert.False(t, strings.ContainsFunc(shown, func(r rune) bool {
			return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)
		}), "%q", shown)
	})
}
