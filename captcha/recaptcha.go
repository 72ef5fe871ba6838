package captcha

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

const (
	maxToken = 8 << 10
	maxTries = 5
)

// ReCaptchaConfig configures a [ReCaptcha].
type ReCaptchaConfig struct {
	// Service is who shows and verifies: [Turnstile], say. Required.
	Service Service
	// SiteKey names the deployment to the service, Secret authenticates it. Required.
	SiteKey, Secret string
	// Hostnames are those of the pages on which the captcha may be solved. Required: a solution from another site is none.
	Hostnames []string
	// Action is what the page says that the captcha is for, where the service knows actions. Empty means that it is not
	// looked at.
	Action string
	// MinScore is the least score, between 0 and 1, of a Service with Scores. Zero means 0.5.
	MinScore float64
	// SendSource says that the service is told where the person's request comes from. It knows where the captcha was
	// solved from, and may compare.
	SendSource bool

	// Timeout bounds one call, from dialling to the last byte. Zero means 5 seconds.
	Timeout time.Duration
	// Tries is how often a call is made, at most 5: again if no connection came about, and with an Idempotent service also
	// if its answer was lost or it failed. Zero means 2.
	Tries int
	// MaxInFlight bounds the calls that are under way at once; others wait. Zero means 64.
	MaxInFlight int
	// Transport makes the calls. Nil means one with a pool of MaxInFlight connections, TLS 1.2 or newer, and without a
	// proxy.
	Transport http.RoundTripper
}

// ReCaptcha is a [Verifier] that asks a [Service]. It is safe for concurrent use. That a solution counts once is what the
// service sees to. No error of its contains the secret or what a person sent.
type ReCaptcha struct {
	config ReCaptchaConfig
	widget Widget
	client *client
}

// NewReCaptcha returns a ReCaptcha, or an error that joins everything that is wrong with the configuration.
func NewReCaptcha(c ReCaptchaConfig) (*ReCaptcha, error) {
	if c.Service.Scores {
		c.MinScore = cmp.Or(c.MinScore, 0.5)
	}
	c.Timeout = cmp.Or(c.Timeout, 5*time.Second)
	c.Tries = cmp.Or(c.Tries, 2)
	c.MaxInFlight = cmp.Or(c.MaxInFlight, 64)
	if err := c.validate(); err != nil {
		return nil, err
	}
	return &ReCaptcha{
		config: c,
		widget: Widget{
			Kind:      c.Service.Kind,
			SiteKey:   c.SiteKey,
			ScriptURL: strings.ReplaceAll(c.Service.ScriptURL, "{sitekey}", url.QueryEscape(c.SiteKey)),
			Origins:   c.Service.Origins,
		},
		client: newClient(c),
	}, nil
}

func (c *ReCaptchaConfig) validate() error {
	var errs []error
	refuse := func(wrong bool, problem string) {
		if wrong {
			errs = append(errs, errors.New("captcha: ReCaptchaConfig."+problem))
		}
	}
	refuse(c.Service.Kind == "", "Service.Kind is missing")
	refuse(!secure(c.Service.VerifyURL), "Service.VerifyURL is no https URL")
	refuse(!secure(c.Service.ScriptURL), "Service.ScriptURL is no https URL")
	foreign := func(o string) bool { return !origin.MatchString(o) }
	refuse(len(c.Service.Origins) == 0 || slices.ContainsFunc(c.Service.Origins, foreign),
		"Service.Origins is missing, or one of them is not https:// and a host")
	refuse(c.SiteKey == "", "SiteKey is missing")
	refuse(c.Secret == "", "Secret is missing")
	refuse(len(c.Hostnames) == 0 || slices.Contains(c.Hostnames, ""), "Hostnames is missing, or one of them empty")
	refuse(c.MinScore != 0 && !c.Service.Scores, "MinScore is for a Service with Scores")
	refuse(!(c.MinScore >= 0 && c.MinScore <= 1), "MinScore must be between 0 and 1")
	refuse(c.Timeout < 0, "Timeout is negative")
	refuse(c.Tries < 1 || c.Tries > maxTries, fmt.Sprintf("Tries must be between 1 and %d", maxTries))
	refuse(c.MaxInFlight < 1, "MaxInFlight is negative")
	return errors.Join(errs...)
}

// origin is a source expression that cannot end a directive of a Content-Security-Policy.
var origin = regexp.MustCompile(`^https://(\*\.)?[a-zA-Z0-9.-]+(:[0-9]+)?$`)

func secure(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Scheme == "https" && u.Host != "" && u.User == nil
}

// Widget implements [Verifier].
func (r *ReCaptcha) Widget(context.Context) (*Widget, error) {
	w := r.widget
	w.Origins = slices.Clone(w.Origins)
	return &w, nil
}

// Verify implements [Verifier]. An error says that the service could not be reached, or does not accept the
// configuration; the caller decides what that means for the person.
func (r *ReCaptcha) Verify(ctx context.Context, response string, source netip.Addr) (bool, error) {
	if response == "" || len(response) > maxToken || strings.ContainsFunc(response, unprintable) {
		return false, nil
	}
	form := url.Values{"secret": {r.config.Secret}, "response": {response}}
	if r.config.SendSource && source.IsValid() {
		form.Set("remoteip", source.Unmap().WithZone("").String())
	}
	a, err := r.client.verify(ctx, form)
	if err != nil {
		return false, err
	}
	if !a.Success {
		return false, a.fault()
	}
	return r.accepts(a), nil
}

func unprintable(r rune) bool { return r <= ' ' || r > '~' }

// answer is what the service says.
type answer struct {
	Success  bool     `json:"success"`
	Hostname string   `json:"hostname"`
	Action   string   `json:"action"`
	Score    *float64 `json:"score"`
	Codes    []string `json:"error-codes"`
}

func parseAnswer(body []byte) (*answer, error) {
	var a *answer
	if err := json.Unmarshal(body, &a); err != nil || a == nil {
		return nil, errors.New("captcha: the service's answer is not the JSON object that it should be")
	}
	return a, nil
}

// accepts reports whether what was solved is this captcha, by somebody who passes for a person.
func (r *ReCaptcha) accepts(a *answer) bool {
	host := slices.ContainsFunc(r.config.Hostnames, func(h string) bool { return strings.EqualFold(h, a.Hostname) })
	action := r.config.Action == "" || r.config.Action == a.Action
	score := !r.config.Service.Scores || a.Score != nil && *a.Score >= r.config.MinScore
	return host && action && score
}

// fault is an error unless it is the response that is at fault.
func (a *answer) fault() error {
	for _, code := range a.Codes {
		switch code {
		case "missing-input-response", "invalid-input-response", "expired-input-response", "already-seen-response",
			"invalid-or-already-seen-response", "timeout-or-duplicate", "browser-error":
			continue
		}
		if len(code) > 64 || strings.Trim(code, "abcdefghijklmnopqrstuvwxyz-") != "" {
			code = "unknown"
		}
		return fmt.Errorf("captcha: the service refuses to verify: %s", code)
	}
	return nil
}
