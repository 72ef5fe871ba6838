package signet_test

import (
	"html"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator/mock"
	"github.com/gosignet/signet/oauth"
)

// visitor is a browser without JavaScript.
type visitor struct {
	w      *fapiWorld
	person string // the identifier of who sits before it
	http   *http.Client
	at     *answer
}

func (w *fapiWorld) newVisitor() *visitor {
	return &visitor{w: w, http: w.newHTTP(), person: w.person.NationalID}
}

// open gets a page and follows redirects within the provider. It returns where the browser was sent to outside.
func (b *visitor) open(target string) *url.URL {
	b.w.t.Helper()
	return b.follow(b.w.send(b.http, http.MethodGet, target, ""))
}

func (b *visitor) follow(a *answer) *url.URL {
	b.w.t.Helper()
	for range 5 {
		b.at = a
		if a.status != http.StatusSeeOther {
			return nil
		}
		next, err := a.url.Parse(a.header.Get("Location"))
		require.NoError(b.w.t, err)
		if !strings.HasPrefix(next.String(), b.w.issuer+"/") {
			return next
		}
		a = b.w.send(b.http, http.MethodGet, next.String(), "")
	}
	b.w.t.Fatal("too many redirects")
	return nil
}

var csrfValue = regexp.MustCompile(`name="csrf" value="([^"]+)"`)

// submit sends the form of the page that goes to the action, given as the end of its path.
func (b *visitor) submit(action string, fields url.Values) *url.URL {
	b.w.t.Helper()
	path := regexp.MustCompile(`action="([^"]+/` + regexp.QuoteMeta(action) + `)"`).FindStringSubmatch(b.at.body)
	csrf := csrfValue.FindStringSubmatch(b.at.body)
	require.NotNil(b.w.t, path, "no form %s at %s: %s", action, b.at.url, b.at.body)
	form := maps.Clone(fields)
	form.Set("csrf", html.UnescapeString(csrf[1]))
	target, err := b.at.url.Parse(html.UnescapeString(path[1]))
	require.NoError(b.w.t, err)
	return b.follow(b.w.send(b.http, http.MethodPost, target.String(), form.Encode(), "Sec-Fetch-Site", "same-origin"))
}

// identify answers who one is and proves it.
func (b *visitor) identify() {
	b.w.t.Helper()
	b.submit("identify/otp", url.Values{"identifier": {b.person}})
	b.submit("verify/otp", url.Values{"response": {mock.OTP}})
}

// consent shares what is asked for, and returns where the browser was sent to.
func (b *visitor) consent() *url.URL {
	b.w.t.Helper()
	return b.submit("consent", url.Values{"claim": {"email", "email_verified"}, "scope": {"records"}})
}

// login goes through a whole login and returns the callback at the client.
func (b *visitor) login(target string) *url.URL {
	b.w.t.Helper()
	require.Nil(b.w.t, b.open(target))
	b.identify()
	callback := b.consent()
	require.NotNil(b.w.t, callback, b.at.body)
	return callback
}

// showsError expects a page with an error code, and no redirect.
func (b *visitor) showsError(target string, code oauth.ErrorCode) {
	b.w.t.Helper()
	require.Nil(b.w.t, b.open(target))
	require.Equal(b.w.t, http.StatusBadRequest, b.at.status)
	require.Contains(b.w.t, b.at.body, ">"+string(code)+"<")
}
