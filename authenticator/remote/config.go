package remote

import (
	"cmp"
	"crypto"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Config configures a Client.
type Config struct {
	// BaseURL is where the server is, without "/v1": "https://people.example.org/authenticator". Required.
	BaseURL string
	// AllowHTTP allows a BaseURL that is not https, for a server that is reached through a network that encrypts.
	AllowHTTP bool

	// Signer signs requests: ES256, ES384, EdDSA or, with RSA, PS256, by the kind of its key. Nil means that they are
	// not signed; then there must be a certificate in TLS, or a Transport.
	Signer crypto.Signer
	// TLS has the client certificate for mutual TLS, and the authorities that the server's is checked with. It is
	// cloned, and versions below TLS 1.2 are not used. Nil means the system's authorities and no certificate.
	TLS *tls.Config
	// Transport makes the calls. It must not repeat them, and authenticates them if Signer is nil. Nil means one with TLS,
	// with a pool of MaxInFlight connections, and without a proxy. Not together with TLS.
	Transport http.RoundTripper

	// Timeout bounds one call, from dialling to the last byte. Zero means 10 seconds.
	Timeout time.Duration
	// MaxInFlight bounds the calls that are under way at once. Beyond it the server is Unavailable. Zero means 64.
	MaxInFlight int
	// MaxResponseBytes bounds an answer. Zero means 1 MiB.
	MaxResponseBytes int64
	// MaxFailures is how many failures in a row suspend all calls. Zero means 5.
	MaxFailures int
	// Pause is how long they are suspended, until one is tried. Zero means 10 seconds.
	Pause time.Duration

	// Now is the clock. Nil means time.Now.
	Now func() time.Time
	// Logger hears of calls that are suspended. Nil means that nobody does.
	Logger *slog.Logger
}

func (c Config) withDefaults() Config {
	c.BaseURL = strings.TrimSuffix(c.BaseURL, "/")
	c.Timeout = cmp.Or(c.Timeout, 10*time.Second)
	c.MaxInFlight = cmp.Or(c.MaxInFlight, 64)
	c.MaxResponseBytes = cmp.Or(c.MaxResponseBytes, 1<<20)
	c.MaxFailures = cmp.Or(c.MaxFailures, 5)
	c.Pause = cmp.Or(c.Pause, 10*time.Second)
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

func (c Config) validate() error {
	var errs []error
	check := func(ok bool, message string) {
		if !ok {
			errs = append(errs, errors.New("remote: "+message))
		}
	}
	if err := validateURL(c.BaseURL, c.AllowHTTP); err != nil {
		errs = append(errs, err)
	}
	certificate := c.TLS != nil && (len(c.TLS.Certificates) > 0 || c.TLS.GetClientCertificate != nil)
	check(c.Signer != nil || certificate || c.Transport != nil,
		"requests are not authenticated: there is no Signer, no client certificate in TLS and no Transport")
	check(c.TLS == nil || c.Transport == nil, "TLS and Transport are both there")
	check(c.TLS == nil || !c.TLS.InsecureSkipVerify, "TLS does not verify the server")
	check(c.Timeout > 0, "Timeout is negative")
	check(c.MaxInFlight > 0, "MaxInFlight is negative")
	check(c.MaxResponseBytes > 0, "MaxResponseBytes is negative")
	check(c.MaxFailures > 0, "MaxFailures is negative")
	check(c.Pause > 0, "Pause is negative")
	return errors.Join(errs...)
}

// validateURL does not repeat the URL, which may hold a password by mistake.
func validateURL(s string, allowHTTP bool) error {
	problem := ""
	u, err := url.Parse(s)
	switch {
	case s == "":
		problem = "is required"
	case err != nil || u.Host == "" || u.Opaque != "":
		problem = "is not an absolute URL"
	case u.Scheme != "https" && (u.Scheme != "http" || !allowHTTP):
		problem = "is not https"
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || strings.Contains(s, "#"):
		problem = "has user, query or fragment"
	default:
		return nil
	}
	return fmt.Errorf("remote: BaseURL %s", problem)
}
