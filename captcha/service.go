package captcha

// Service is a service that shows a captcha and verifies the responses, with the interface of reCAPTCHA.
type Service struct {
	// Kind is what [Widget] says. Required.
	Kind string
	// VerifyURL is where responses are verified. Required, https.
	VerifyURL string
	// ScriptURL is the script for pages. "{sitekey}" in it stands for the site key. Required, https.
	ScriptURL string
	// Origins are those that a page's Content-Security-Policy has to allow for scripts and frames. Required, https.
	Origins []string
	// Scores says that there is nothing to solve: the service says how likely it was a person, from 0, a program, to 1.
	Scores bool
	// Idempotent says that the service takes an idempotency_key, and so gives the same answer when it is asked again
	// because its first answer was lost.
	Idempotent bool
}

// ReCaptchaV2 is Google's reCAPTCHA v2: a check box, or pictures.
func ReCaptchaV2() Service {
	return Service{
		Kind:      "recaptcha",
		VerifyURL: "https://www.google.com/recaptcha/api/siteverify",
		ScriptURL: "https://www.google.com/recaptcha/api.js",
		Origins:   []string{"https://www.google.com", "https://www.gstatic.com", "https://recaptcha.google.com"},
	}
}

// ReCaptchaV3 is Google's reCAPTCHA v3, which shows nothing and has a score.
func ReCaptchaV3() Service {
	s := ReCaptchaV2()
	s.Kind, s.Scores = "recaptcha-v3", true
	s.ScriptURL += "?render={sitekey}"
	return s
}

// HCaptcha is hCaptcha. Scores of its enterprise plan are not looked at.
func HCaptcha() Service {
	return Service{
		Kind:      "hcaptcha",
		VerifyURL: "https://api.hcaptcha.com/siteverify",
		ScriptURL: "https://js.hcaptcha.com/1/api.js",
		Origins:   []string{"https://hcaptcha.com", "https://*.hcaptcha.com"},
	}
}

// Turnstile is Cloudflare's Turnstile.
func Turnstile() Service {
	return Service{
		Kind:       "turnstile",
		VerifyURL:  "https://challenges.cloudflare.com/turnstile/v0/siteverify",
		ScriptURL:  "https://challenges.cloudflare.com/turnstile/v0/api.js",
		Origins:    []string{"https://challenges.cloudflare.com"},
		Idempotent: true,
	}
}
