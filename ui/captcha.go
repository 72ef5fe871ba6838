package ui

import (
	"github.com/gosignet/signet/login"
)

// captchaView is the captcha of a page: either a challenge that the page's own script solves, or another's widget.
type captchaView struct {
	Challenge          string
	SiteKey, ScriptURL string
}

// addCaptcha puts the captcha that the login asks for on the page, and lets it load what that needs.
func (v *visit) addCaptcha(p *page, s *login.State) {
	w := s.Captcha
	if w == nil || s.Step != login.StepIdentify && s.Step != login.StepVerify {
		return
	}
	p.Captcha = &captchaView{SiteKey: w.SiteKey, ScriptURL: w.ScriptURL}
	v.addScript(p, captchaScript)
	if w.Kind == "altcha" {
		p.Captcha = &captchaView{Challenge: string(w.Challenge)}
		v.policy.workers = append(v.policy.workers, "'self'")
		return
	}
	v.policy.scripts = append(v.policy.scripts, w.Origins...)
	v.policy.frames = append(v.policy.frames, w.Origins...)
	v.policy.connections = append(v.policy.connections, w.Origins...)
}
