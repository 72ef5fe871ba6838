package ui_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/oidc"
	"github.com/gosignet/signet/ui"
)

const verifier = "https://verify.example.org/start?ticket=1"

// newVerification is a login whose client wants a claim verified that is not.
func newVerification(tb testing.TB, configure func(*ui.Config)) *fakeLogin {
	tb.Helper()
	f := newFakeLogin(tb, &login.State{
		Step: login.StepVerification, Unverified: []string{"name", "birthdate"},
		Verified: []oidc.VerifiedItem{{Name: "name", Purpose: "to open an account", TrustFrameworks: []string{"eidas"}}},
	}, configure)
	f.flow.verifier = verifier
	return f
}

func (f *fakeLogin) returnPath() string {
	return "/login/" + login.ID(fakeHandle) + "/verification/return"
}

func TestAMissingVerificationIsExplained(t *testing.T) {
	t.Parallel()
	f := newVerification(t, nil)
	page := f.page()
	assert.Equal(t, "verification", page.page())
	text := page.text()
	assert.Contains(t, text, "Health Portal wants to have this with proof that it was verified, and your ID system has none so far.")
	assert.Contains(t, text, "Full name Not verified To be verified under the rules of eIDAS")
	assert.Contains(t, text, "Health Portal says why: to open an account Date of birth Not verified")
	for _, id := range []string{"proceed-button", "continue-without", "cancel-button"} {
		assert.Contains(t, page.body, `id="`+id+`"`)
	}
	assert.Equal(t, "verification", f.open(page.path).page(), "reload")
	assert.Empty(t, f.flow.made())
}

func TestThePersonIsSentToTheVerificationServiceAndBack(t *testing.T) {
	t.Parallel()
	f := newVerification(t, nil)
	page := f.page()
	assert.Contains(t, page.header.Get("Content-Security-Policy"), "form-action 'self' https: http:;")
	sent := f.post(page, "verification")
	assert.Equal(t, http.StatusSeeOther, sent.status)
	assert.Equal(t, verifier, sent.header.Get("Location"))
	assert.Equal(t, "same-origin", sent.header.Get("Referrer-Policy"), "the service does not learn the URL of the login")
	assert.Equal(t, f.server.URL+f.returnPath(), f.flow.returnURI)

	f.flow.do = func(_ string, s *login.State) error {
		s.Step = login.StepConsent
		return nil
	}
	f.header.Set("Sec-Fetch-Site", "cross-site")
	f.header.Set("Sec-Fetch-Mode", "navigate")
	f.header.Set("Sec-Fetch-Dest", "document")
	back := f.send(http.MethodGet, f.returnPath()+"?ticket=1&state=a%20b&lang=en&problem=locked", "")
	assert.Equal(t, http.StatusSeeOther, back.status)
	assert.Equal(t, "/login/"+login.ID(fakeHandle)+"/consent", back.header.Get("Location"))
	assert.Equal(t, url.Values{"ticket": {"1"}, "state": {"a b"}, "lang": {"en"}, "problem": {"locked"}}, f.flow.query)

	again := f.open(f.returnPath() + "?ticket=1")
	assert.Equal(t, "consent", again.page(), "a reload, or back, leads to where the login stands")
	assert.Equal(t, []string{"start", "resume"}, f.flow.made())
}

func TestThePersonGoesOnWithoutTheVerification(t *testing.T) {
	t.Parallel()
	f := newVerification(t, nil)
	f.flow.do = func(_ string, s *login.State) error {
		s.Step = login.StepConsent
		return nil
	}
	assert.Equal(t, "consent", f.submit(f.page(), "verification", "without", "1").page())
	assert.Equal(t, []string{"resume"}, f.flow.made())
	assert.Nil(t, f.flow.query)
}

func TestAReturnWithoutAQueryIsNotOneWithoutTheVerification(t *testing.T) {
	t.Parallel()
	f := newVerification(t, nil)
	f.open(f.returnPath())
	assert.Equal(t, []string{"resume"}, f.flow.made())
	assert.NotNil(t, f.flow.query)
}

func TestAVerificationOfWhichNothingCameCanBeRepeated(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err   error
		query string
	}{
		"refused by the service": {errors.New("the state is another"), "?x=1"},
		"malformed":              {nil, "?a=%zz"},
		"endless":                {nil, "?a=" + strings.Repeat("x", 9<<10)},
	} {
		f := newVerification(t, nil)
		f.flow.do = func(string, *login.State) error { return c.err }
		page := f.open(f.returnPath() + c.query)
		assert.Equal(t, "verification", page.page(), name)
		assert.Contains(t, page.text(), "There is a problem Nothing was verified. Try again, or continue without.", name)
		assert.Equal(t, c.err != nil, len(f.flow.made()) == 1, name)
	}
}

func TestAReturnThatNobodySeesIsRefused(t *testing.T) {
	t.Parallel()
	for header, value := range map[string]string{"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "iframe", "Sec-Purpose": "prefetch"} {
		f := newVerification(t, nil)
		f.header.Set(header, value)
		assert.Equal(t, http.StatusForbidden, f.send(http.MethodGet, f.returnPath()+"?x=1", "").status, header)
		assert.Empty(t, f.flow.made(), header)
	}
	f := newVerification(t, nil)
	assert.Equal(t, http.StatusSeeOther, f.send(http.MethodHead, f.returnPath()+"?x=1", "").status)
	assert.Equal(t, http.StatusMethodNotAllowed, f.send(http.MethodPost, f.returnPath(), "x=1").status)
	f.header.Del("Cookie")
	assert.Equal(t, http.StatusBadRequest, f.send(http.MethodGet, f.returnPath()+"?x=1", "").status, "another browser")
	assert.Empty(t, f.flow.made())
}

func TestAVerificationThatCannotStartIsExplained(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err error
		uri string
	}{
		"the service is away":   {errors.New("dial tcp 10.0.0.7: refused"), ""},
		"no URI":                {nil, "javascript:alert(1)"},
		"a URI without a host":  {nil, "https:///x"},
		"a URI with a password": {nil, "https://a:b@verify.example.org/"},
		"nothing":               {nil, ""},
	} {
		f := newVerification(t, nil)
		f.flow.verifier = c.uri
		f.flow.do = func(string, *login.State) error { return c.err }
		page := f.submit(f.page(), "verification")
		assert.Equal(t, "verification", page.page(), name)
		assert.Contains(t, page.text(), "There is a problem The verification service cannot be reached at the moment.", name)
		assert.NotContains(t, page.body, "10.0.0.7")
	}
}

func TestAVerificationFormFromBeforeLeadsToWhereTheLoginStands(t *testing.T) {
	t.Parallel()
	f := newVerification(t, nil)
	page := f.page()
	f.flow.do = func(_ string, s *login.State) error {
		s.Step = login.StepConsent
		return login.ErrStep
	}
	assert.Equal(t, "consent", f.submit(page, "verification").page())
	assert.Equal(t, "consent", f.submit(page, "verification", "without", "1").page())
	assert.Equal(t, "consent", f.open(page.path).page())
}

func TestTheReturnURIIsWhereThePublicReachesTheProvider(t *testing.T) {
	t.Parallel()
	for origin, want := range map[string]string{"https://id.example.org": "https://id.example.org", "https://id.example.org/": "https://id.example.org"} {
		f := newVerification(t, func(c *ui.Config) { c.Origin = origin })
		f.post(f.page(), "verification")
		assert.Equal(t, want+f.returnPath(), f.flow.returnURI)
	}
	for _, bad := range []string{"id.example.org", "https://id.example.org/login", "ftp://id.example.org", "https://id.example.org?x", "http://id.example.org"} {
		_, err := ui.New(ui.Config{Flow: newFakeFlow(), Origin: bad, Secure: true})
		require.ErrorContains(t, err, "Origin", bad)
	}
}

func TestOverHTTPSTheVerificationServiceIsToo(t *testing.T) {
	t.Parallel()
	pages, flow := newPages(t, func(c *ui.Config) { c.Secure = true })
	flow.put("handle", &login.State{Step: login.StepVerification, RedirectURI: "org.example.wallet:/callback"})
	h := get(pages, "handle", "verification").Header()
	assert.Contains(t, h.Get("Content-Security-Policy"), "form-action 'self' org.example.wallet: https:;")
}
