package ui_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator/mock"
)

// twice sends the form of a page again after its answer was lost, as somebody does who waits for a slow network, and returns
// the second answer.
func (b *browser) twice(a *answer, action string, fields ...string) *answer {
	b.tb.Helper()
	b.submit(a, action, fields...)
	return b.submit(a, action, fields...)
}

func TestNothingIsLostWhenEveryFormIsSentTwice(t *testing.T) {
	t.Parallel()
	p := newProvider(t, nil)
	b := newBrowser(t, p.URL)
	choose := b.open(p.request())
	identify := b.twice(choose, "choose", "option", "0")
	require.Equal(t, "identify/otp", identify.page())
	code := b.twice(identify, "identify/otp", "identifier", personID)
	require.Equal(t, "verify/otp", code.page())
	assert.NotContains(t, code.body, "error-banner", "the code is on its way")
	consent := b.twice(code, "verify/otp", "response", mock.OTP)
	require.Equal(t, "consent", consent.page())
	assert.NotContains(t, consent.body, "error-banner")
	assert.Equal(t, "consent", b.submit(consent, "extend").page())
	first := b.post(consent, "consent", "claim", "name")
	second := b.post(consent, "consent", "claim", "name")
	require.Contains(t, first.header.Get("Location"), "code=")
	assert.Equal(t, first.header.Get("Location"), second.header.Get("Location"), "one decision, one code")
}

func TestAWrongAnswerThatIsSentTwiceIsExplainedAndARightOneAfterItCounts(t *testing.T) {
	t.Parallel()
	p := newProvider(t, nil)
	b := newBrowser(t, p.URL)
	page := b.submit(b.open(p.request()), "choose", "option", "1")
	wrong := b.twice(page, "verify/pwd", "identifier", personID, "response", "guess")
	assert.Equal(t, "verify/pwd", wrong.page())
	assert.Contains(t, wrong.text(), "is not right")
	right := b.twice(page, "verify/pwd", "identifier", personID, "response", password)
	require.Equal(t, "consent", right.page())
}

func TestALoginThatIsGivenUpTwiceIsGivenUpOnce(t *testing.T) {
	t.Parallel()
	p := newProvider(t, nil)
	b := newBrowser(t, p.URL)
	page := b.open(p.request())
	first, second := b.post(page, "cancel"), b.post(page, "cancel")
	require.Contains(t, first.header.Get("Location"), "error=access_denied")
	assert.Equal(t, first.header.Get("Location"), second.header.Get("Location"))
}
