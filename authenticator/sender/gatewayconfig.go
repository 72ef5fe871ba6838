package sender

import (
	"cmp"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"text/template"
	"time"
)

// Format is how the body of a request to a gateway is written.
type Format string

// The formats.
const (
	// JSON escapes what stands in a JSON string: `{"to": "{{.To}}"}`.
	JSON Format = "json"
	// Form escapes the values of application/x-www-form-urlencoded: "to={{.To}}&text={{.Text}}".
	Form Format = "form"
)

// GatewayConfig configures a Gateway. Its templates (text/template) are over [GatewayData], whose values are escaped where
// they stand.
type GatewayConfig struct {
	// Method is POST, PUT or GET. Empty means POST. GET has no body.
	Method string
	// URL is a template for the address of the gateway, of which the scheme and the host are fixed. Required, https.
	URL string
	// AllowHTTP permits http, for a gateway on the same machine.
	AllowHTTP bool
	// RootCAs verify the gateway's certificate. Nil means those of the system.
	RootCAs *x509.CertPool
	// Headers are sent with each request: a key of the gateway, say.
	Headers map[string]string
	// Format is that of the body. Empty means JSON.
	Format Format
	// Body is the template of the body. Required unless the Method is GET.
	Body string

	// Statuses are those of the gateway's answer that say that the message was accepted. Nil means 200, 201, 202 and 204.
	Statuses []int
	// AnswerField is a member of the JSON answer that says so too: a path like "messages.0.status", in which numbers are
	// places in arrays. Empty means that the status says all.
	AnswerField string
	// AnswerValues are the values of that member that say that the message was accepted; numbers, true and false as they
	// are written in JSON. Required with AnswerField.
	AnswerValues []string

	// Tries is how often a connection is tried, at most 10. Zero means 3. A request that may have reached the gateway is
	// never repeated: the person would get two messages.
	Tries int
	// RetryAfter is how long to wait before another connection is tried. Zero means 500 ms.
	RetryAfter time.Duration

	// Texts are the words by language, BCP 47. Nil means a text in English.
	Texts map[string]Text
	// Fallback is the language for people of whose languages there is none. Empty means "en".
	Fallback string
	// Now is the clock. Nil means time.Now.
	Now func() time.Time
}

// GatewayData is what the templates of a [GatewayConfig] can say.
type GatewayData struct {
	// To is the number, without spaces and such: "+85512000269". Digits is To without the plus sign.
	To, Digits string
	// Text is the message, in the words of the language.
	Text string
	// Code is the code alone, for gateways that have the words themselves. Language is that of the Text.
	Code, Language string
}

// escaped returns the data with each value escaped.
func (d GatewayData) escaped(by func(string) string) GatewayData {
	return GatewayData{To: by(d.To), Digits: by(d.Digits), Text: by(d.Text), Code: by(d.Code), Language: by(d.Language)}
}

// escapeURL is for paths, queries and forms: a plus sign means a space in some of them only.
func escapeURL(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

// escapeJSON is for the inside of a JSON string.
func escapeJSON(s string) string {
	b, err := json.Marshal(s)
	if err != nil { // which a string does not give
		return ""
	}
	return string(b[1 : len(b)-1])
}

func (c GatewayConfig) withDefaults() GatewayConfig {
	c.Method = cmp.Or(c.Method, http.MethodPost)
	c.Format = cmp.Or(c.Format, JSON)
	if c.Statuses == nil {
		c.Statuses = []int{http.StatusOK, http.StatusCreated, http.StatusAccepted, http.StatusNoContent}
	}
	c.Tries = cmp.Or(c.Tries, 3)
	c.RetryAfter = cmp.Or(c.RetryAfter, 500*time.Millisecond)
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

// validate does not repeat the URL, the headers or the body, which hold secrets.
func (c GatewayConfig) validate() error {
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf("sender: "+format, args...))
		}
	}
	methods := []string{http.MethodPost, http.MethodPut, http.MethodGet}
	check(slices.Contains(methods, c.Method), "Method is not one of %s", strings.Join(methods, ", "))
	check(c.Format == JSON || c.Format == Form, "Format is not one of %s, %s", JSON, Form)
	check((c.Body == "") == (c.Method == http.MethodGet), "Body is required, except that GET has none")
	for name, value := range c.Headers {
		check(validHeader(name, value), "header %q is ill-formed", name)
		// It would be the same for all messages, and net/http would repeat requests that have one.
		check(!strings.HasSuffix(strings.ToLower(name), "idempotency-key"), "header %q is not possible", name)
	}
	check((c.AnswerField == "") == (len(c.AnswerValues) == 0), "AnswerField and AnswerValues belong together")
	check(len(c.Statuses) > 0, "Statuses are empty")
	for _, status := range c.Statuses {
		check(status >= 200 && status < 300 || status >= 400 && status < 600, "status %d is not that of an answer", status)
	}
	check(c.Tries > 0 && c.Tries <= 10, "Tries is not within 1 to 10")
	check(c.RetryAfter > 0, "RetryAfter is negative")
	return errors.Join(errs...)
}

// validHeader follows RFC 9110 section 5, without values that are not ASCII.
func validHeader(name, value string) bool {
	const marks = "!#$%&'*+-.^_`|~"
	notToken := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune(marks, r)
	}
	return name != "" && !strings.ContainsFunc(name, notToken) &&
		!strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r > '~' })
}

// sample has everything in it that needs to be escaped.
var sample = GatewayData{To: "+85512000000", Digits: "85512000000", Text: "\"a\\b&c=d%e+f'\n\u2028", Code: "012345", Language: "en"}

// parseURL parses the template, and tries it.
func (c GatewayConfig) parseURL() (*template.Template, error) {
	t, text, err := parseAndTry("URL", c.URL, sample.escaped(escapeURL))
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(text)
	switch {
	case c.URL == "":
		return nil, errors.New("sender: URL is required")
	case err != nil || u.Host == "" || u.Opaque != "":
		return nil, errors.New("sender: URL is not absolute")
	case u.User != nil || u.Fragment != "":
		return nil, errors.New("sender: URL has a user or a fragment")
	case !strings.HasPrefix(c.URL, u.Scheme+"://"+u.Host):
		return nil, errors.New("sender: URL does not begin with a scheme and a host that are fixed")
	case u.Scheme != "https" && (u.Scheme != "http" || !c.AllowHTTP):
		return nil, errors.New("sender: URL is not https")
	}
	return t, nil
}

// parseBody parses the template, and tries it.
func (c GatewayConfig) parseBody() (*template.Template, error) {
	t, text, err := parseAndTry("Body", c.Body, sample.escaped(c.escape()))
	if err != nil || c.Body == "" {
		return t, err
	}
	if c.Format == JSON && !json.Valid([]byte(text)) {
		return nil, errors.New("sender: Body is not JSON: values belong between quotes")
	}
	if _, err := url.ParseQuery(text); c.Format == Form && err != nil {
		return nil, errors.New("sender: Body is not a form")
	}
	return t, nil
}

func (c GatewayConfig) escape() func(string) string {
	if c.Format == Form {
		return escapeURL
	}
	return escapeJSON
}

// parseAndTry returns errors without the template.
func parseAndTry(name, source string, data GatewayData) (t *template.Template, text string, err error) {
	if t, err = template.New(name).Parse(source); err == nil {
		text, err = execute(t, data)
	}
	if err != nil {
		return nil, "", fmt.Errorf("sender: %s is not a template over GatewayData", name)
	}
	return t, text, nil
}

func execute(t *template.Template, data GatewayData) (string, error) {
	var b strings.Builder
	err := t.Execute(&b, data)
	return b.String(), err
}
