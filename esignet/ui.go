package esignet

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gosignet/signet/login"
)

// DefaultUI returns the settings that eSignet 1.8 gives its pages, but for those that are known of the server.
func DefaultUI() map[string]any {
	return map[string]any{
		"sbi.env": "Developer", "sbi.port.range": "4501-4600",
		"sbi.timeout.DISC": 30, "sbi.timeout.DINFO": 30, "sbi.timeout.CAPTURE": 30,
		"sbi.capture.count.face": 1, "sbi.capture.count.finger": 1, "sbi.capture.count.iris": 1,
		"sbi.capture.score.face": 70, "sbi.capture.score.finger": 70, "sbi.capture.score.iris": 70,
		"sbi.bio.subtypes.iris": "UNKNOWN", "sbi.bio.subtypes.finger": "UNKNOWN",
		"resend.otp.delay.secs": 180, "auth.txnid.length": 10,
		"captcha.enable": "", "captcha.sitekey": "",
		"consent.screen.timeout-buffer-in-secs": 5, "error.banner.close-timer": 10,
		"linked-transaction-expire-in-secs": 240, "wallet.qr-code-buffer-in-secs": 10, "wallet.config": []any{},
		"username.regex": ".*", "username.prefix": "", "username.postfix": "", "username.max-length": "", "username.input-type": "text",
		"login-id.options": []any{map[string]any{
			"id": "vid", "svg": "vid_icon", "prefixes": "", "postfix": "", "maxLength": "", "regex": "",
		}},
		"signup.config":          map[string]any{"signup.banner": false, "signup.url": ""},
		"forgot-password.config": map[string]any{"forgot-password": false, "forgot-password.url": ""},
		"eKYC-steps.config":      "",
		idField:                  defaultIDField,
	}
}

// idField names the field of the form that says who the person is, and defaultIDField is its name where the form has none
// of its own.
const (
	idField        = "auth.factor.kbi.individual-id-field"
	defaultIDField = "individualId"
)

// settings are those of the pages for a login.
func (p *authorization) settings(ctx context.Context, s *login.State) (map[string]any, error) {
	settings, err := p.commonSettings(ctx, s.ExpiresAt)
	if err != nil {
		return nil, err
	}
	settings["auth.factor.kbi.field-details"] = p.formSpecification(ctx, settings)
	settings["clientAdditionalConfig"] = additionalConfigOf(s.Client)
	return settings, nil
}

// commonSettings are those that are not the client's: the defaults, what is known of the server, and on top what the operator
// says.
func (p *authorization) commonSettings(ctx context.Context, until time.Time) (map[string]any, error) {
	settings := DefaultUI()
	settings["issuer"] = p.Issuer
	channels := []string{"email", "phone"}
	if p.Channels != nil {
		channels = channels[:0]
		for _, c := range p.Channels {
			channels = append(channels, string(c))
		}
	}
	settings["send.otp.channels"] = strings.Join(channels, ",")
	if c, ok := p.Challenges["OTP"]; ok {
		settings["otp.length"] = c.MaxLength
	}
	if c, ok := p.Challenges["PWD"]; ok {
		settings["password.max-length"] = c.MaxLength
		settings["password.regex"] = "^.{" + strconv.Itoa(c.MinLength) + "," + strconv.Itoa(c.MaxLength) + "}$"
	}
	if p.Captcha != nil {
		widget, err := p.Captcha.Widget(ctx)
		if err != nil {
			return nil, fmt.Errorf("show a captcha: %w", err)
		}
		settings["captcha.sitekey"], settings["captcha.enable"] = widget.SiteKey, strings.Join(p.captchas(), ",")
	}
	seconds := int(until.Sub(p.api.now()).Round(time.Second) / time.Second)
	settings["preauth-screen-timeout-in-secs"], settings["consent.screen.timeout-in-secs"] = seconds, seconds
	maps.Copy(settings, p.UI)
	return settings, nil
}

// captchas are the API's names of the uses that need one.
func (p *authorization) captchas() (uses []string) {
	on := p.CaptchaOn
	if len(on) == 0 {
		on = []login.Use{login.UseCode, login.UseAnswer}
	}
	for _, use := range on {
		switch use {
		case login.UseCode:
			uses = append(uses, "send-otp")
		case login.UseAnswer:
			for _, t := range slices.Sorted(maps.Keys(p.Challenges)) {
				uses = append(uses, strings.ToLower(t))
			}
		}
	}
	return uses
}
