package conformance

import (
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
)

// browser is a browser without JavaScript. It never calls a client: it stops where it is sent to one.
type browser struct {
	t   *trial
	jar http.CookieJar
	// callbacks are the URIs that belong to clients.
	callbacks []string
	// credentials counts the pages on which the person had something to type: to authenticate, not to consent.
	credentials int
}

// landing is where the browser ends: at a client, or on a page of the provider.
type landing struct {
	callback *callback
	page     *Page
	// shown are the pages on the way, page included.
	shown []*Page
}

// callback is a message to a client.
type callback struct {
	method string
	uri    *url.URL
	// params are the parameters of the query, or those of the form if it is one.
	params url.Values
}

const (
	maxRedirects = 20
	maxSteps     = 20
)

// newBrowser returns a browser without cookies that knows the redirect URIs of the group's clients.
func (t *trial) newBrowser(moreCallbacks ...string) *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.fatal("%v", err)
	}
	b := &browser{t: t, jar: jar, callbacks: moreCallbacks}
	for _, c := range slices.Concat(t.profile.Clients, t.profile.EncryptedClients) {
		b.callbacks = append(b.callbacks, c.RedirectURI)
	}
	if uri := t.profile.PostLogoutRedirectURI; uri != "" {
		b.callbacks = append(b.callbacks, uri)
	}
	return b
}

// open goes to the URL and does nothing there.
func (b *browser) open(u string) *landing {
	return b.navigate(b.t.newGet(u))
}

// login goes to the URL, and the person does on each page what they wish.
func (b *browser) login(u string, wish Wish) *landing {
	return b.finish(b.open(u), wish)
}

// finish lets the person act until the browser is sent to a client or there is nothing to do.
func (b *browser) finish(l *landing, wish Wish) *landing {
	for range maxSteps {
		if l.callback != nil {
			return l
		}
		req, err := b.t.person.Act(b.t.ctx, l.page, wish)
		if err != nil {
			b.t.fatal("log in: %v", err)
		}
		if req == nil {
			return l
		}
		if l.page.asksForText() {
			b.credentials++
		}
		req.Header.Set("Referer", l.page.URL.String())
		req.Header.Set("Origin", l.page.URL.Scheme+"://"+l.page.URL.Host)
		shown := l.shown
		l = b.navigate(req)
		l.shown = append(shown, l.shown...)
	}
	b.t.fatal("%v: %d pages, the last %s", errTooManySteps, maxSteps, l.page.URL)
	return nil
}

// navigate sends the request and follows where it leads.
func (b *browser) navigate(req *http.Request) *landing {
	for range maxRedirects {
		a := b.fetch(req)
		if location := a.header.Get("Location"); a.status/100 == 3 && location != "" {
			target, err := req.URL.Parse(location)
			if err != nil {
				b.t.fatal("%s redirects to %q: %v", req.URL, location, err)
			}
			if b.isCallback(target) {
				return &landing{callback: &callback{method: http.MethodGet, uri: target, params: target.Query()}}
			}
			req = b.follow(req, target, a.status)
			continue
		}
		page, err := newPage(req.URL, a)
		if err != nil {
			b.t.fatal("%s is not HTML: %v", req.URL, err)
		}
		if c := b.formPost(page); c != nil {
			return &landing{callback: c, shown: []*Page{page}}
		}
		target := page.refresh()
		if target == nil {
			return &landing{page: page, shown: []*Page{page}}
		}
		if b.isCallback(target) {
			return &landing{callback: &callback{method: http.MethodGet, uri: target, params: target.Query()}, shown: []*Page{page}}
		}
		req = b.t.newGet(target.String())
	}
	b.t.fatal("more than %d redirects, the last to %s", maxRedirects, req.URL)
	return nil
}

// fetch sends one request with the browser's cookies.
func (b *browser) fetch(req *http.Request) *answer {
	req.Header.Set("Accept", "text/html")
	for _, c := range b.jar.Cookies(req.URL) {
		req.AddCookie(c)
	}
	a := b.t.send(req)
	resp := http.Response{Header: a.header}
	b.jar.SetCookies(req.URL, resp.Cookies())
	return a
}

// follow returns the request that a redirect makes of another: a GET, unless its status says to repeat the body.
func (b *browser) follow(req *http.Request, target *url.URL, status int) *http.Request {
	next := b.t.newGet(target.String())
	if (status == http.StatusTemporaryRedirect || status == http.StatusPermanentRedirect) && req.GetBody != nil {
		body, err := req.GetBody()
		if err != nil {
			b.t.fatal("%v", err)
		}
		next.Method, next.Body, next.GetBody, next.ContentLength = req.Method, body, req.GetBody, req.ContentLength
		next.Header.Set("Content-Type", req.Header.Get("Content-Type"))
	}
	return next
}

// isCallback says whether the URL belongs to a client, whatever its query.
func (b *browser) isCallback(u *url.URL) bool {
	return slices.ContainsFunc(b.callbacks, func(uri string) bool {
		registered, err := url.Parse(uri)
		return err == nil && registered.Scheme == u.Scheme && registered.Host == u.Host && registered.Path == u.Path
	})
}

// formPost returns the message to a client that the page's form holds (OAuth 2.0 Form Post Response Mode), or nil.
func (b *browser) formPost(page *Page) *callback {
	for _, form := range page.forms() {
		target, err := page.URL.Parse(attribute(form, "action"))
		if err != nil || !b.isCallback(target) {
			continue
		}
		values, err := page.values(form, nil, false)
		if err != nil {
			continue
		}
		return &callback{method: http.MethodPost, uri: target, params: values}
	}
	return nil
}

// openWithForm goes to an endpoint by POST.
func (b *browser) openWithForm(u string, form url.Values) *landing {
	req := b.t.newPost(u, form)
	return b.navigate(req)
}

func (l *landing) String() string {
	if l.callback != nil {
		return "a redirect to " + short(l.callback.uri.String())
	}
	return fmt.Sprintf("the page %s (status %d): %s", short(l.page.URL.String()), l.page.Status, short(l.page.Text()))
}
