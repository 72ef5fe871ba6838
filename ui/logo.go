package ui

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/gosignet/signet/internal/outbound"
	"github.com/gosignet/signet/login"
)

// Logos says how the logos of clients are shown. They are fetched by the provider, so that a client learns of nobody who
// sees its logo, and pages load nothing from elsewhere. Initials stand for a logo that is not there, or not yet.
type Logos struct {
	// Off fetches none. The zero value fetches the logos of clients that people log in to.
	Off bool `json:"off,omitempty"`
	// AllowPrivate lets logos be fetched from addresses that are not public. It is for development.
	AllowPrivate bool `json:"-"`
}

// logosPath is where logos are, below the base path.
const logosPath = "logos/"

const (
	maxLogos     = 512 // kept at once
	maxLogoBytes = 256 << 10
	// maxLogoMemory bounds all that are kept.
	maxLogoMemory = 16 << 20
	maxLogoURI    = 2048
	logoTimeout   = 5 * time.Second
	// A logo is fetched anew after logoLifetime, and one that could not be had after logoRetry.
	logoLifetime = 24 * time.Hour
	logoRetry    = 10 * time.Minute
	// maxLogoFetches is how many are fetched at once. Others wait for somebody to ask again.
	maxLogoFetches = 4
)

// logo is an image of a client.
type logo struct {
	uri, name, contentType string
	// content is empty if it could not be had.
	content []byte
	until   time.Time
	// fetching is closed once it is fetched, perhaps anew. Nil if it is not being fetched.
	fetching chan struct{}
}

// logos keeps the logos of clients in memory.
type logos struct {
	client *http.Client
	secure bool
	log    *slog.Logger
	now    func() time.Time

	mu       sync.Mutex
	byURI    map[string]*logo
	byName   map[string]*logo
	bytes    int
	fetching int
}

// newLogos returns nil if there are to be none.
func newLogos(c Logos, secure bool, log *slog.Logger, now func() time.Time) *logos {
	if c.Off {
		return nil
	}
	return &logos{
		client: outbound.NewClient(c.AllowPrivate, maxLogoFetches), secure: secure, log: log, now: now,
		byURI: map[string]*logo{}, byName: map[string]*logo{},
	}
}

// name returns the name under which the logo is served, or nothing if there is none yet, which it then sees to.
func (g *logos) name(uri string) string {
	if g == nil || !g.fetchable(uri) {
		return ""
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	l := g.byURI[uri]
	if l == nil {
		if l = g.add(uri); l == nil {
			return ""
		}
	}
	if l.fetching == nil && !g.now().Before(l.until) && g.fetching < maxLogoFetches {
		l.fetching = make(chan struct{})
		g.fetching++
		go g.fetch(l)
	}
	return l.name
}

// wait waits for the logo if it is being fetched.
func (g *logos) wait(ctx context.Context, uri string) {
	g.name(uri)
	g.mu.Lock()
	var fetching chan struct{}
	if l := g.byURI[uri]; l != nil {
		fetching = l.fetching
	}
	g.mu.Unlock()
	if fetching != nil {
		select {
		case <-fetching:
		case <-ctx.Done():
		}
	}
}

// fetchable reports whether the provider fetches the URI.
func (g *logos) fetchable(uri string) bool {
	u, err := url.Parse(uri)
	return err == nil && len(uri) <= maxLogoURI && webURI(uri) != "" && (u.Scheme == "https" || !g.secure)
}

// add makes an entry for the URI, in the place of the one that is longest out of date if there is no room. It is called
// with the lock held.
func (g *logos) add(uri string) *logo {
	for len(g.byURI) >= maxLogos || g.bytes > maxLogoMemory-maxLogoBytes*maxLogoFetches {
		var oldest *logo
		for _, l := range g.byURI {
			if l.fetching == nil && (oldest == nil || l.until.Before(oldest.until)) {
				oldest = l
			}
		}
		if oldest == nil {
			return nil
		}
		g.set(oldest, nil, "")
		delete(g.byURI, oldest.uri)
	}
	l := &logo{uri: uri}
	g.byURI[uri] = l
	return l
}

// set gives the entry its content. It is called with the lock held.
func (g *logos) set(l *logo, content []byte, contentType string) {
	if g.byName[l.name] == l {
		delete(g.byName, l.name)
	}
	g.bytes += len(content) - len(l.content)
	l.content, l.contentType, l.name = content, contentType, ""
	if len(content) > 0 {
		sum := sha256.Sum256(content)
		l.name = hex.EncodeToString(sum[:16])
		g.byName[l.name] = l
	}
}

// fetch fetches the logo. One that cannot be fetched anew stays as it is.
func (g *logos) fetch(l *logo) {
	ctx, cancel := context.WithTimeout(context.Background(), logoTimeout)
	defer cancel()
	content, contentType, err := g.get(ctx, l.uri)
	if err != nil {
		g.log.WarnContext(ctx, "the logo of a client cannot be shown", "logo_uri", l.uri, "error", err)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.fetching--
	close(l.fetching)
	l.fetching = nil
	l.until = g.now().Add(logoRetry)
	if err == nil {
		l.until = g.now().Add(logoLifetime)
		g.set(l, content, contentType)
	}
}

func (g *logos) get(ctx context.Context, uri string) (content []byte, contentType string, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, uri, nil)
	if err != nil {
		return nil, "", err
	}
	r.Header.Set("Accept", "image/svg+xml, image/webp, image/png, image/jpeg, image/gif")
	r.Header.Set("User-Agent", "signet")
	response, err := g.client.Do(r)
	if err != nil {
		return nil, "", err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, "", fmt.Errorf("ui: status %d", response.StatusCode)
	}
	if content, err = io.ReadAll(io.LimitReader(response.Body, maxLogoBytes+1)); err != nil {
		return nil, "", err
	}
	if len(content) > maxLogoBytes {
		return nil, "", errors.New("ui: more than 256 KB")
	}
	contentType, err = imageType(content)
	return content, contentType, err
}

// served returns the logo with the name.
func (g *logos) served(name string) (content []byte, contentType string) {
	if g == nil {
		return nil, ""
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if l := g.byName[name]; l != nil && name != "" {
		return l.content, l.contentType
	}
	return nil, ""
}

// serveLogo serves what pages of this or another instance link. An instance that has not seen the logo yet finds it by the
// logins of the browser.
func (u *UI) serveLogo(w http.ResponseWriter, r *http.Request, name string) {
	content, contentType := u.clientLogos.served(name)
	if content == nil && u.clientLogos != nil {
		for _, id := range u.cookies.logins(r) {
			handle, chosen := u.cookies.handle(r, id)
			if handle == "" {
				continue
			}
			if s, err := u.flow.State(r.Context(), handle); err == nil {
				u.clientLogos.wait(r.Context(), logoURI(s, u.negotiated(r, s, chosen)))
			}
		}
		content, contentType = u.clientLogos.served(name)
	}
	switch {
	case content == nil:
		u.fail(w, r, failure{kind: "not_found", status: http.StatusNotFound})
		return
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		u.fail(w, r, failure{kind: "method", status: http.StatusMethodNotAllowed})
		return
	}
	sendLogo(w, r, content, contentType)
}

func sendLogo(w http.ResponseWriter, r *http.Request, content []byte, contentType string) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Security-Policy", imagePolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	if r.Method != http.MethodHead {
		w.Write(content)
	}
}

// imagePolicy is that of an SVG that is opened alone.
const imagePolicy = "default-src 'none'; style-src 'unsafe-inline'; sandbox"

// logoURI is where the logo of the login's client is, for people who read the language.
func logoURI(s *login.State, l *locale) string { return s.Client.LogoURI(l.names...) }
