package wallet

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
)

const (
	maxDeepLink  = 1 << 10
	expireLayout = "2006-01-02T15:04:05.000Z"
)

// App is a wallet that people may have, as the page offers it.
type App struct {
	// Name is what the button says. Required.
	Name string `json:"name"`
	// LogoURI is its picture, DownloadURI where to get it; both https, and both may be empty.
	LogoURI     string `json:"logo_uri,omitempty"`
	DownloadURI string `json:"download_uri,omitempty"`
	// DeepLink opens the wallet: a URI in which {LINK_CODE} stands for the link code, and {LINK_EXPIRE_DT} for when it
	// expires, in UTC with milliseconds. Both are understood without braces too, as in eSignet's configuration. http is for a
	// loopback host only, for development. Required.
	DeepLink string `json:"deep_link"`
}

// Validate returns everything that is wrong with the configuration of a wallet.
func (a *App) Validate() error {
	var errs []error
	if strings.TrimSpace(a.Name) == "" {
		errs = append(errs, errors.New("wallet: App.Name is missing"))
	}
	for name, uri := range map[string]string{"LogoURI": a.LogoURI, "DownloadURI": a.DownloadURI} {
		if u, err := url.Parse(uri); uri != "" && (err != nil || u.Scheme != "https" || u.Host == "") {
			errs = append(errs, fmt.Errorf("wallet: App.%s is not an https URL", name))
		}
	}
	u, err := url.Parse(a.fill("code", "2031-03-14T09:26:53.000Z"))
	switch {
	case err != nil || u.Scheme == "":
		errs = append(errs, errors.New("wallet: App.DeepLink is not a URI"))
	case slices.Contains([]string{"javascript", "data", "vbscript", "file", "blob"}, u.Scheme), u.Scheme == "http" && !loopback(u.Hostname()):
		errs = append(errs, fmt.Errorf("wallet: App.DeepLink must not have the scheme %q", u.Scheme))
	}
	if !strings.Contains(a.DeepLink, "LINK_CODE") {
		errs = append(errs, errors.New("wallet: App.DeepLink lacks {LINK_CODE}"))
	}
	if len(a.DeepLink) > maxDeepLink {
		errs = append(errs, fmt.Errorf("wallet: App.DeepLink has more than %d bytes", maxDeepLink))
	}
	return errors.Join(errs...)
}

func loopback(host string) bool { return host == "localhost" || net.ParseIP(host).IsLoopback() }

// Link returns the deep link for a link code: what a button opens on the same device, and what the QR code says.
func (a *App) Link(c Code) string { return a.fill(c.Code, c.ExpiresAt.UTC().Format(expireLayout)) }

// fill puts both in, neither of which has a character that a URI would have to escape.
func (a *App) fill(code, expires string) string {
	return strings.NewReplacer(
		"{LINK_CODE}", code, "LINK_CODE", code, "{LINK_EXPIRE_DT}", expires, "LINK_EXPIRE_DT", expires,
	).Replace(a.DeepLink)
}
