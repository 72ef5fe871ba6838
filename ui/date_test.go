package ui_test

import (
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/ui"
)

func TestTimesAreWrittenAsTheLanguageDoes(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 2, 28, 12, 0, 0, 0, time.UTC)
	for language, want := range map[string]string{
		"en": "1 March 2026, 09:05 UTC", "fr": "1 mars 2026, 09:05 UTC", "es": "1 de marzo de 2026, 09:05 UTC", "pt": "1 de março de 2026, 09:05 UTC",
		"ar": "١ مارس ٢٠٢٦، ٠٩:٠٥ UTC", "hi": "1 मार्च 2026, 09:05 UTC", "kn": "1 ಮಾರ್ಚ್ 2026, 09:05 UTC", "km": "1 មីនា 2026 09:05 UTC",
		"ta": "1 மார்ச், 2026, 09:05 UTC", "si": "2026 මාර්තු 1, 09:05 UTC",
	} {
		f := newFakeLogin(t, &login.State{Step: login.StepVerify, Factor: authenticator.Password, UILocales: []string{language},
			ExpiresAt: now.Add(21*time.Hour + 5*time.Minute), AttemptsLeft: 3}, func(c *ui.Config) { c.Now = func() time.Time { return now } })
		page := isolates.Replace(f.page().text())
		assert.Contains(t, page, want, language)
		if language == "ar" {
			assert.Contains(t, page, "٣", "counts have the digits too")
		}
	}
}

func TestADeploymentChoosesTheDigits(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 2, 28, 12, 0, 0, 0, time.UTC)
	configure := func(numbers string) ui.Config {
		return ui.Config{Flow: newFakeFlow(), Now: func() time.Time { return now },
			Catalog: fstest.MapFS{"km.json": {Data: []byte(`{"language": {"name": "ខ្មែរ", "dir": "ltr", "numbers": "` + numbers + `"}}`)}}}
	}
	c := configure("khmr")
	f := newFakeLogin(t, &login.State{Step: login.StepVerify, Factor: authenticator.Password, UILocales: []string{"km"}, ExpiresAt: now.Add(5 * time.Minute)},
		func(config *ui.Config) { config.Now, config.Catalog = c.Now, c.Catalog })
	page := f.page()
	assert.Contains(t, page.text(), "១២:០៥ UTC")
	assert.Contains(t, page.body, `data-numbers="khmr" data-zero="០"`)
	_, err := ui.New(configure("roman"))
	assert.ErrorContains(t, err, "language.numbers must be one of arab, arabext")
}

// isolates takes Unicode's marks of direction away.
var isolates = strings.NewReplacer("\u2068", "", "\u2069", "")

func TestTheExampleOfADateHasTheDigitsOfTheLanguage(t *testing.T) {
	t.Parallel()
	form := &authenticator.Form{Fields: []authenticator.FormField{{Name: "dob", Type: authenticator.FieldDate}}}
	for language, want := range map[string]string{"ar": "٢٧ ٣ ١٩٨٧", "hi": "27 3 1987"} {
		state := &login.State{Step: login.StepVerify, Factor: authenticator.Knowledge, Form: form, UILocales: []string{language}}
		assert.Contains(t, newFakeLogin(t, state, nil).page().text(), want, language)
	}
}
