package ui_test

import (
	"bytes"
	"image"
	"image/jpeg"
	"image/png"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/ui"
)

const drawing = `<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><style>.a{fill:#123}</style><path class="a" d="M0 0h9v9z"/></svg>`

func newPNG(t testing.TB, side int) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, png.Encode(&b, image.NewGray(image.Rect(0, 0, side, side))))
	return b.Bytes()
}

var logoLink = regexp.MustCompile(`<img class="logo" src="(/login/logos/[0-9a-f]{32})"`)

// newLogoLogin is a login to a client with the logo, at a server that counts who asks for it.
func newLogoLogin(t *testing.T, content []byte, status int, change func(*ui.Config)) (*fakeLogin, *atomic.Int32) {
	t.Helper()
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		assert.Empty(t, r.Header.Get("Referer")+r.Header.Get("Cookie"), "the client learns nothing of who logs in")
		w.WriteHeader(status)
		w.Write(content)
	}))
	t.Cleanup(server.Close)
	s := &login.State{Step: login.StepChoose, Client: &oauth.Client{
		Names: map[string]string{"": "Health Portal"}, LogoURIs: map[string]string{"": server.URL + "/logo"},
	}}
	return newFakeLogin(t, s, func(c *ui.Config) {
		c.Logos.AllowPrivate = true
		if change != nil {
			change(c)
		}
	}), &asked
}

// logo opens the page until it has a logo.
func (f *fakeLogin) logo(t *testing.T) *answer {
	t.Helper()
	var link []string
	require.Eventually(t, func() bool {
		link = logoLink.FindStringSubmatch(f.page().body)
		return link != nil
	}, 10*time.Second, 5*time.Millisecond)
	return f.send(http.MethodGet, link[1], "")
}

func TestTheLogoOfAClientComesFromTheProvider(t *testing.T) {
	t.Parallel()
	var jpg bytes.Buffer
	require.NoError(t, jpeg.Encode(&jpg, image.NewGray(image.Rect(0, 0, 9, 9)), nil))
	webp := "RIFF\x1a\x00\x00\x00WEBPVP8L\x0d\x00\x00\x00\x2f\x08\x00\x02\x00" + strings.Repeat("\x00", 9)
	for want, content := range map[string][]byte{
		"image/png": newPNG(t, 9), "image/jpeg": jpg.Bytes(), "image/svg+xml": []byte(drawing), "image/webp": []byte(webp),
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			f, asked := newLogoLogin(t, content, http.StatusOK, nil)
			assert.Contains(t, f.page().body, `<span class="logo" aria-hidden="true">HP</span>`, "nobody waits for it")
			served := f.logo(t)
			assert.Equal(t, string(content), served.body)
			assert.Equal(t, want, served.header.Get("Content-Type"))
			assert.Equal(t, "nosniff", served.header.Get("X-Content-Type-Options"))
			assert.Contains(t, served.header.Get("Content-Security-Policy"), "sandbox")
			assert.Contains(t, served.header.Get("Content-Security-Policy"), "default-src 'none'")
			assert.Contains(t, f.page().header.Get("Content-Security-Policy"), "img-src 'self' data:;")
			f.logo(t)
			assert.EqualValues(t, 1, asked.Load(), "it is kept")
			assert.Equal(t, http.StatusNotFound, f.send(http.MethodGet, "/login/logos/"+strings.Repeat("0", 32), "").status)
			assert.EqualValues(t, 1, asked.Load(), "a wrong name fetches nothing")
		})
	}
}

func TestAnInstanceThatHasNotSeenTheLogoFetchesItForTheBrowsersLogin(t *testing.T) {
	t.Parallel()
	first, _ := newLogoLogin(t, []byte(drawing), http.StatusOK, nil)
	link := first.logo(t).path
	second, asked := newLogoLogin(t, []byte(drawing), http.StatusOK, nil)
	assert.Equal(t, drawing, second.send(http.MethodGet, link, "").body)
	assert.EqualValues(t, 1, asked.Load())
}

func TestTheLogoOfAClientIsThatOfTheLanguageOfThePage(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var asked []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		asked = append(asked, r.URL.Path)
		w.Write([]byte(strings.Replace(drawing, "<path", "<title>"+r.URL.Path+"</title><path", 1)))
	}))
	t.Cleanup(server.Close)
	s := &login.State{Step: login.StepChoose, Client: &oauth.Client{
		Names: map[string]string{"": "Health Portal"},
		LogoURIs: map[string]string{
			"": server.URL + "/any", "fr": server.URL + "/french", "khm": server.URL + "/khmer", "ta": server.URL + "/tamil",
		},
	}}
	for language, want := range map[string]string{"fr-CA": "/french", "km": "/khmer", "es": "/any"} {
		open := func() *fakeLogin {
			f := newFakeLogin(t, s, func(c *ui.Config) { c.Logos.AllowPrivate = true })
			f.header.Set("Accept-Language", language)
			return f
		}
		served := open().logo(t)
		assert.Contains(t, served.body, "<title>"+want+"</title>", language)
		again := open().send(http.MethodGet, served.path, "")
		assert.Contains(t, again.body, "<title>"+want+"</title>", "another instance finds it by the browser's login")
	}
	mu.Lock()
	defer mu.Unlock()
	assert.ElementsMatch(t, []string{"/french", "/french", "/khmer", "/khmer", "/any", "/any"}, asked, "nothing else is fetched")
}

func TestInitialsStandForALogoThatIsNone(t *testing.T) {
	t.Parallel()
	svg := func(inside string) []byte {
		return []byte(`<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">` + inside + `</svg>`)
	}
	for name, content := range map[string][]byte{
		"text": []byte("no image"), "empty": nil, "too many bytes": append(newPNG(t, 9), make([]byte, 256<<10)...),
		"too many pixels": newPNG(t, 2049), "cut": newPNG(t, 9)[:20],
		"script": svg(`<script>alert(1)</script>`), "handler": svg(`<path onload="alert(1)"/>`),
		"image elsewhere": svg(`<image href="https://x.example/"/>`), "use": svg(`<use href="#a"/>`),
		"fill elsewhere": svg(`<path fill="url(https://x.example/#a)"/>`), "style elsewhere": svg(`<style>@import "x"</style>`),
		"escaped style": svg(`<style>a{background:\75rl(//x)}</style>`), "html": svg(`<foreignObject/>`),
		"style after an element": svg(`<style>a{}<g/>@import "x"</style>`), "style in pieces": svg(`<style>a{background:ur<!-- -->l(//x)}</style>`),
		"link": svg(`<linearGradient xlink:href="https://x.example/#a"/>`), "animation": svg(`<set attributeName="href"/>`),
		"entities": []byte(`<!DOCTYPE svg [<!ENTITY a "b">]>` + string(svg("&a;"))), "stylesheet": []byte(`<?xml-stylesheet href="x"?>` + string(svg(""))),
		"html page": []byte(`<html><svg xmlns="http://www.w3.org/2000/svg"/></html>`), "deep": svg(strings.Repeat("<g>", 60) + strings.Repeat("</g>", 60)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			log := &syncBuffer{}
			f, asked := newLogoLogin(t, content, http.StatusOK, func(c *ui.Config) { c.Logger = log.logger() })
			f.page()
			require.Eventually(t, func() bool { return strings.Contains(log.String(), "cannot be shown") }, 10*time.Second, 5*time.Millisecond)
			assert.Contains(t, f.page().body, `<span class="logo" aria-hidden="true">HP</span>`)
			assert.EqualValues(t, 1, asked.Load(), "it is not tried again at once")
		})
	}
}

func TestLogosAreNotFetchedFromInside(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*ui.Config){
		"private address": func(c *ui.Config) { c.Logos.AllowPrivate = false },
		"plain http":      func(c *ui.Config) { c.Secure = true },
		"off":             func(c *ui.Config) { c.Logos.Off = true },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			log := &syncBuffer{}
			f, asked := newLogoLogin(t, []byte(drawing), http.StatusOK, func(c *ui.Config) {
				change(c)
				c.Logger = log.logger()
			})
			f.header.Set("Cookie", "__Host-"+f.header.Get("Cookie")+"; "+f.header.Get("Cookie"))
			f.page()
			if name == "private address" {
				require.Eventually(t, func() bool { return strings.Contains(log.String(), "not a public one") }, 10*time.Second, 5*time.Millisecond)
			}
			assert.Zero(t, asked.Load())
			assert.NotContains(t, f.page().body, "<img class=")
		})
	}
}

func FuzzALogoOnlyDraws(f *testing.F) {
	f.Add([]byte(drawing))
	f.Add(newPNG(f, 1))
	f.Add([]byte(`<svg xmlns="http://www.w3.org/2000/svg"><a href="#x" style="fill:url(#a)"/></svg>`))
	f.Fuzz(func(t *testing.T, content []byte) {
		kind, err := ui.ImageType(content)
		if err == nil && kind == "image/svg+xml" {
			for _, bad := range []string{"<script", "<!ENTITY", "<image", "<foreignObject", "<use"} {
				quoted := bytes.Contains(content, []byte("<!--")) || bytes.Contains(content, []byte("CDATA")) || bytes.Contains(content, []byte("<?"))
				if bytes.Contains(content, []byte(bad)) && !quoted {
					t.Errorf("it has %s", bad)
				}
			}
		}
	})
}

// syncBuffer is a log that can be read while it is written.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func (s *syncBuffer) logger() *slog.Logger { return slog.New(slog.NewTextHandler(s, nil)) }
