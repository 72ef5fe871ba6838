package signet_test

import (
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"

	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator/mock"
)

// browser keeps cookies, and follows redirects for as long as they stay at the provider.
type browser struct {
	*sessionWorld
	client *http.Client
}

func (w *sessionWorld) browser() *browser {
	jar, err := cookiejar.New(nil)
	require.NoError(w, err)
	return &browser{w, &http.Client{
		Jar: jar, Transport: w.Client().Transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// shown is where a walk of the browser ended: at a page, or at a client.
type shown struct {
	status int
	path   string
	body   string
	// client is the URI at the client, and its query; empty on a page.
	client string
	query  url.Values
	header http.Header
}

func (b *browser) do(method, path string, form url.Values, headers ...string) *shown {
	b.Helper()
	for range 6 {
		r, err := http.NewRequestWithContext(b.Context(), method, b.URL+path, strings.NewReader(form.Encode()))
		require.NoError(b, err)
		if method == http.MethodPost {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		for i := 0; i+1 < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		response, err := b.client.Do(r)
		require.NoError(b, err)
		body, err := io.ReadAll(response.Body)
		response.Body.Close()
		require.NoError(b, err)
		s := &shown{status: response.StatusCode, path: path, body: string(body), header: response.Header}
		location := response.Header.Get("Location")
		if response.StatusCode != http.StatusSeeOther {
			return s
		}
		if !strings.HasPrefix(location, "/") {
			u, err := url.Parse(location)
			require.NoError(b, err)
			s.query = u.Query()
			u.RawQuery = ""
			s.client = u.String()
			return s
		}
		method, path, form = http.MethodGet, location, nil
	}
	b.Fatal("too many redirects")
	return nil
}

func (b *browser) open(path string) *shown { b.Helper(); return b.do(http.MethodGet, path, nil) }

// submit sends the form of the page whose action ends so, with its hidden fields.
func (b *browser) submit(s *shown, action string, fields ...string) *shown {
	b.Helper()
	for _, part := range strings.Split(s.body, "</form>") {
		found := formAction.FindStringSubmatch(part)
		if found == nil || !strings.HasSuffix(found[1], action) {
			continue
		}
		form := url.Values{}
		for _, f := range hiddenField.FindAllStringSubmatch(part, -1) {
			form.Add(f[1], html.UnescapeString(f[2]))
		}
		for i := 0; i+1 < len(fields); i += 2 {
			form.Add(fields[i], fields[i+1])
		}
		return b.do(http.MethodPost, html.UnescapeString(found[1]), form, "Sec-Fetch-Site", "same-origin")
	}
	b.Fatalf("no form %s at %s: %s", action, s.path, s.body)
	return nil
}

// page is the last part of the path: choose, verify/pwd, consent, account; empty at a client.
func (s *shown) page() string {
	if s.client != "" {
		return ""
	}
	path, _, _ := strings.Cut(s.path, "?")
	parts := strings.SplitN(path, "/", 4)
	return parts[len(parts)-1]
}

// walk answers every page as the person would, by password where there is a choice, and shares everything, until the
// browser is at the client. It notes the pages.
func (b *browser) walk(s *shown, person string) (end *shown, pages []string) {
	b.Helper()
	for range 10 {
		if s.client != "" {
			return s, pages
		}
		pages = append(pages, s.page())
		switch s.page() {
		case "choose":
			s = b.submit(s, "/choose", "option", "1")
		case "identify/otp":
			s = b.submit(s, "/identify/otp", "identifier", person, "channel", "phone")
		case "verify/otp":
			s = b.submit(s, "/verify/otp", "response", mock.OTP)
		case "verify/pwd":
			s = b.submit(s, "/verify/pwd", "identifier", person, "response", password)
		case "consent":
			var all []string
			for _, box := range checkbox.FindAllStringSubmatch(s.body, -1) {
				all = append(all, box[1], box[2])
			}
			s = b.submit(s, "/consent", all...)
		default:
			b.Fatalf("%s is no page of a login: %s", s.page(), s.body)
		}
	}
	b.Fatalf("the login does not end: %v %s", pages, s.body)
	return nil, nil
}

// login logs the person in to the client and returns the ID Token and the pages on the way.
func (b *browser) login(p *relyingParty, person string, extra ...string) (idToken, []string) {
	b.Helper()
	s, pages := b.walk(b.open(p.request(extra...)), person)
	require.Equal(b, p.RedirectURIs[0], s.client)
	token, _ := b.redeem(p, s.query)
	return token, pages
}

// session is the token in the browser's cookie.
func (b *browser) session() string {
	u, err := url.Parse(b.URL)
	require.NoError(b, err)
	for _, c := range b.client.Jar.Cookies(u) {
		if c.Name == sessionCookie {
			return c.Value
		}
	}
	return ""
}

func (b *browser) setSession(token string) {
	u, err := url.Parse(b.URL)
	require.NoError(b, err)
	b.client.Jar.SetCookies(u, []*http.Cookie{{Name: sessionCookie, Value: token, Path: "/", Secure: true}})
}

var (
	formAction  = regexp.MustCompile(`<form[^>]* action="([^"]+)"`)
	hiddenField = regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)">`)
	checkbox    = regexp.MustCompile(`<input type="checkbox" name="([^"]+)" value="([^"]*)"`)
)

const sessionCookie = "__Host-signet-session"
