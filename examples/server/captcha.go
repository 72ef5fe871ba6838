package main

import (
	"fmt"
	"strings"

	"github.com/gosignet/signet/captcha"
	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/store"
)

// newCaptcha makes the captcha of -captcha. It is nil if there is none.
func (c *config) newCaptcha(state store.Ephemeral, secret []byte) (captcha.Verifier, error) {
	switch file, service := strings.CutPrefix(c.captcha, "recaptcha:"); {
	case c.captcha == "":
		return nil, nil
	case service:
		v, err := readReCaptcha(file)
		if err != nil {
			return nil, fmt.Errorf("-captcha: %w", err)
		}
		return v, nil
	}
	secret, err := derive(secret, "signet server altcha v1")
	if err != nil {
		return nil, err
	}
	return captcha.NewAltcha(captcha.AltchaConfig{Secret: secret, Store: state})
}

// readReCaptcha reads who verifies, and as whom.
func readReCaptcha(file string) (captcha.Verifier, error) {
	d, err := readDocument(file)
	if err != nil {
		return nil, err
	}
	c := captcha.ReCaptchaConfig{
		Service: readService(d), SiteKey: d.text("site_key"), Secret: d.secret("secret_file"), Hostnames: d.texts("hostnames"),
		Action: d.text("action"), MinScore: member[float64](d, "min_score"), SendSource: d.boolean("send_source"),
		Timeout: d.duration("timeout"), Tries: d.number("tries"), MaxInFlight: d.number("max_in_flight"),
	}
	c.Transport = d.transport(c.MaxInFlight)
	if err := d.finish(); err != nil {
		return nil, fmt.Errorf("%s:\n%w", file, err)
	}
	v, err := captcha.NewReCaptcha(c)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return v, nil
}

// readService reads the name of a service, or an object that describes one with the same interface.
func readService(d *document) captcha.Service {
	if strings.HasPrefix(strings.TrimSpace(string(d.members["service"])), "{") {
		s := d.object("service")
		if s == nil {
			return captcha.Service{}
		}
		return captcha.Service{
			Kind: s.text("kind"), VerifyURL: s.text("verify_url"), ScriptURL: s.text("script_url"), Origins: s.texts("origins"),
			Scores: s.boolean("scores"), Idempotent: s.boolean("idempotent"),
		}
	}
	services := map[string]func() captcha.Service{
		"recaptcha-v2": captcha.ReCaptchaV2, "recaptcha-v3": captcha.ReCaptchaV3, "hcaptcha": captcha.HCaptcha, "turnstile": captcha.Turnstile,
	}
	service, ok := services[d.text("service")]
	if !ok {
		d.problem("service", "is none of recaptcha-v2, recaptcha-v3, hcaptcha, turnstile, and no object")
		return captcha.Service{}
	}
	return service()
}

// captchaUses reads -captcha-on.
func (c *config) captchaUses() ([]login.Use, error) {
	var uses []login.Use
	for name := range strings.SplitSeq(c.captchaOn, ",") {
		use := login.Use(name)
		if use != login.UseCode && use != login.UseAnswer {
			return nil, fmt.Errorf("-captcha-on: %q is neither %s nor %s", name, login.UseCode, login.UseAnswer)
		}
		uses = append(uses, use)
	}
	return uses, nil
}
