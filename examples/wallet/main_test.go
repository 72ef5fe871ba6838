package main

import (
	"bytes"
	"flag"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator/mock"
	"github.com/gosignet/signet/examples/wallet/simulator"
	"github.com/gosignet/signet/internal/serverprogram"
)

const personID = "2740198356"

func TestMain(m *testing.M) { os.Exit(serverprogram.Main(m)) }

// owner is a person at the command line of their wallet.
type owner struct {
	*testing.T
	*serverprogram.Server
	file string
}

func newOwner(t *testing.T, server *serverprogram.Server) *owner {
	return &owner{t, server, filepath.Join(t.TempDir(), "wallet.json")}
}

// run runs the command, and answers its questions.
func (o *owner) run(answer string, args ...string) (string, error) {
	o.Helper()
	var out bytes.Buffer
	err := run(o.Context(), append([]string{"-api", o.Issuer + "/v1/esignet", "-file", o.file}, args...), strings.NewReader(answer+"\n"), &out)
	return out.String(), err
}

func (o *owner) bind() {
	o.Helper()
	out, err := o.run(mock.OTP, "bind", personID)
	require.NoError(o, err)
	require.Equal(o, "One-time code: ", out)
}

// screen is a browser without JavaScript, at the page that shows a code.
type screen struct {
	*testing.T
	client *http.Client
	at     *url.URL
	page   string
}

func newScreen(t *testing.T, server *serverprogram.Server) *screen {
	t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	s := &screen{T: t, client: &http.Client{Jar: jar}}
	s.take(s.client.Get(server.Portal + "/login"))
	s.press("choose", "option", s.find(`id="login_with_wla" name="option" value="(\d+)"`))
	return s
}

func (s *screen) take(res *http.Response, err error) {
	s.Helper()
	require.NoError(s, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	require.NoError(s, err)
	s.at, s.page = res.Request.URL, string(body)
}

func (s *screen) find(pattern string) string {
	s.Helper()
	m := regexp.MustCompile(pattern).FindStringSubmatch(s.page)
	require.NotNil(s, m, "no %s at %s: %s", pattern, s.at, s.page)
	return html.UnescapeString(m[1])
}

// login is the URL of the page of the login.
func (s *screen) login(page string) string {
	return s.at.ResolveReference(&url.URL{Path: strings.Join(strings.SplitN(s.at.Path, "/", 4)[:3], "/") + "/" + page}).String()
}

// press sends a form of the page.
func (s *screen) press(page string, fields ...string) {
	s.Helper()
	form := url.Values{"csrf": {s.find(`name="csrf" value="([^"]+)"`)}}
	for i := 0; i+1 < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	s.take(s.client.PostForm(s.login(page), form))
}

// look loads the page again, as it does of its own accord.
func (s *screen) look() { s.Helper(); s.take(s.client.Get(s.at.String())) }

// deepLink is what the QR code says.
func (s *screen) deepLink() string { s.Helper(); return s.find(`id="wallet-qr-btn" href="([^"]+)"`) }

func TestAPersonLogsInAtTheCommandLine(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		given  func(deepLink string) string
		answer string
		shares bool
	}{
		"with the link that was scanned": {func(link string) string { return link }, "yes", false},
		"with the code that was pasted":  {simulator.CodeIn, "all", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOwner(t, serverprogram.Start(t))
			o.bind()
			info, err := os.Stat(o.file)
			require.NoError(t, err)
			assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())

			s := newScreen(t, o.Server)
			out, err := o.run(test.answer, "link", test.given(s.deepLink()))
			require.NoError(t, err)
			assert.Regexp(t, `^Health Portal asks for\n  required: (birthdate, name|name, birthdate)\n  optional: .*email`, out)
			assert.True(t, strings.HasSuffix(out, "Approve? (yes, all or no) "))
			s.look()
			assert.Contains(t, s.page, "Welcome, ")
			assert.Equal(t, o.Portal, s.at.Scheme+"://"+s.at.Host)
			assert.Equal(t, test.shares, strings.Contains(s.page, "@"), "the e-mail address is optional")
		})
	}
}

func TestAPersonRefusesAtTheCommandLine(t *testing.T) {
	t.Parallel()
	o := newOwner(t, serverprogram.Start(t))
	o.bind()
	s := newScreen(t, o.Server)
	link := s.deepLink()
	out, err := o.run("no", "link", link)
	require.NoError(t, err)
	assert.Contains(t, out, "Nothing was shared.")
	_, err = o.run("yes", "link", link)
	require.EqualError(t, err, "the provider says invalid_link_code")

	s.look()
	s.find(`(id="unlink")`)
	s.press("wallet")
	assert.NotEqual(t, link, s.deepLink(), "the login goes on, with another code or another way")
	s.find(`(id="back-button")`)
}

func TestTheCommandLineSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	o := newOwner(t, serverprogram.Start(t))
	_, err := o.run("yes", "link", "a-code")
	require.ErrorIs(t, err, simulator.ErrNotBound)
	_, err = o.run("000000", "bind", personID)
	require.ErrorContains(t, err, "the provider says ")
	_, err = o.run(mock.OTP, "bind", "0000000000")
	require.ErrorContains(t, err, "the provider says ")
	_, err = o.run("", "unbind")
	require.EqualError(t, err, `wallet: "unbind" is neither bind nor link`)
	said, err := o.run("", "-h")
	require.ErrorIs(t, err, flag.ErrHelp)
	assert.Contains(t, said, "bind IDENTIFIER")
	assert.NoFileExists(t, o.file)
}
