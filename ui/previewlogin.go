package ui

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/captcha"
	"github.com/gosignet/signet/consent"
	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/oidc"
)

// previewFlow stands at one state of a login for ever.
type previewFlow struct {
	Flow
	state *login.State
}

func (f previewFlow) State(context.Context, string) (*login.State, error) { return f.state, nil }

// loginScreen is a page of a login, with what the query says went wrong before it.
func loginScreen(name, title, page, query string, change func(s *login.State)) screen {
	return newScreen(name, title, func(p *previewVisit) {
		p.visit(page, query, change).get()
	})
}

// visit is one of the page of a login.
func (p *previewVisit) visit(page, query string, change func(s *login.State)) *visit {
	s := newPreviewState()
	change(s)
	s.Display = p.display
	own := *p.UI
	own.flow = previewFlow{state: s}
	return &visit{
		UI: &own, w: p.w, r: p.request(own.base+previewLogin+"/"+page, query),
		id: previewLogin, handle: previewLogin, page: page, language: p.language, policy: policy{fonts: own.fonts},
	}
}

var (
	previewOptions = []authenticator.FactorSet{
		{authenticator.Passkey}, {authenticator.OTP}, {authenticator.Password}, {authenticator.PIN}, {authenticator.Biometrics},
		{authenticator.Knowledge}, {authenticator.Password, authenticator.OTP},
	}
	previewClient = &oauth.Client{
		ID: "health-portal", Names: map[string]string{"": "Health Portal", "fr": "Portail de santé", "ar": "بوابة الصحة"},
		RedirectURIs: []string{"https://health.example.org/callback"},
		PolicyURIs:   map[string]string{"": "https://health.example.org/privacy"},
		TOSURIs:      map[string]string{"": "https://health.example.org/terms"},
	}
)

func newPreviewState() *login.State {
	return &login.State{
		ID: previewLogin, Step: login.StepChoose, Client: previewClient, RedirectURI: previewClient.RedirectURIs[0],
		Options: previewOptions, Option: -1, AttemptsLeft: 5, CodesLeft: 3, ExpiresAt: previewNow.Add(10 * time.Minute), ExtensionsLeft: 10,
	}
}

// at has a login stand at a factor.
func at(step login.Step, factor authenticator.Factor) func(s *login.State) {
	return func(s *login.State) {
		s.Step, s.Factor = step, factor
		s.Option = slices.IndexFunc(s.Options, func(set authenticator.FactorSet) bool { return set[0] == factor })
	}
}

// and does one thing after the other.
func and(changes ...func(s *login.State)) func(s *login.State) {
	return func(s *login.State) {
		for _, change := range changes {
			change(s)
		}
	}
}

// codeSent has a one-time code on its way.
func codeSent(s *login.State) {
	at(login.StepVerify, authenticator.OTP)(s)
	s.Code = &authenticator.CodeReceipt{
		Destinations: []string{"+855 ** *** 321", "s*****@example.org"}, Length: 6,
		ExpiresAt: previewNow.Add(3 * time.Minute), ResendAfter: previewNow.Add(45 * time.Second),
	}
}

// previewKnown is whom the browser's session knows.
func previewKnown(s *login.State) { s.Account, s.CanSwitch, s.IdentifierKnown = "…789", true, true }

func previewUntil(d time.Duration) string {
	return "&" + untilParameter + "=" + strconv.FormatInt(previewNow.Add(d).Unix(), 10)
}

func chooserScreens() []screen {
	present := func(s *login.State) { s.Account, s.CanSwitch = "…789", true }
	return []screen{
		loginScreen("account", "Somebody is logged in already", accountPage, "", func(s *login.State) {
			s.Step = login.StepAccount
			present(s)
		}),
		loginScreen("choose", "Choice of a way to log in", choosePage, "", func(*login.State) {}),
		newScreen("choose-remembered", "Choice, with the way that the browser remembers", func(p *previewVisit) {
			v := p.visit(choosePage, "", func(*login.State) {})
			v.r.AddCookie(v.cookies.cookie(wayPreference, "pwd_otp.", 0))
			v.get()
		}),
		loginScreen("choose-account", "Choice, for the person of the session", choosePage, "", present),
		loginScreen("choose-none", "Choice, where no way can be gone on a page", choosePage, "", func(s *login.State) {
			s.Options = []authenticator.FactorSet{{authenticator.Wallet}}
		}),
		loginScreen("choose-missing", "Choice, of which none was made", choosePage, problemQuery("missing_option")[1:], func(*login.State) {}),
		loginScreen("choose-other-person", "Choice, after somebody else logged in", choosePage, problemQuery("other_person")[1:], present),
	}
}

func factorScreens() []screen {
	otp, pwd := at(login.StepIdentify, authenticator.OTP), at(login.StepVerify, authenticator.Password)
	verify := func(f authenticator.Factor) string { return verifyPage + string(f) }
	channels := func(s *login.State) {
		s.Channels = []authenticator.Channel{authenticator.Channel("phone"), authenticator.Channel("email")}
	}
	wish := func(s *login.State) { s.Enrollable = []authenticator.Factor{authenticator.Passkey} }
	altcha := func(s *login.State) {
		s.Captcha = &captcha.Widget{Kind: "altcha", Challenge: json.RawMessage(`{}`)}
	}
	service := func(s *login.State) { s.Captcha = &captcha.Widget{Kind: "recaptcha", SiteKey: "preview"} }
	known := previewKnown
	second := func(s *login.State) {
		s.Succeeded = []authenticator.Factor{authenticator.Password}
		s.Identifier, s.IdentifierFixed = authenticator.Identifier{Value: "5860 1234 6789"}, true
	}
	return []screen{
		loginScreen("otp-identify", "One-time code: who", identifyPage+"otp", "", otp),
		loginScreen("otp-identify-channels", "One-time code: who, and how it is sent", identifyPage+"otp", "", and(otp, channels)),
		loginScreen("otp-identify-captcha", "One-time code: who, with a captcha", identifyPage+"otp", "", and(otp, altcha)),
		loginScreen("otp-identify-captcha-service", "One-time code: who, with the captcha of a service", identifyPage+"otp", "", and(otp, service)),
		loginScreen("otp-identify-known", "One-time code: for the person of the session", identifyPage+"otp", "", and(otp, known)),
		loginScreen("otp-code", "One-time code: the code", verify(authenticator.OTP), "", codeSent),
		loginScreen("otp-code-resend", "One-time code: another one may be sent", verify(authenticator.OTP), "", func(s *login.State) {
			codeSent(s)
			s.Code.ResendAfter = time.Time{}
		}),
		loginScreen("otp-code-second", "One-time code: as the second factor, the last code that is sent", verify(authenticator.OTP), "", func(s *login.State) {
			codeSent(s)
			second(s)
			s.CodesLeft, s.AttemptsLeft = 0, 1
		}),
		loginScreen("otp-code-passkey", "One-time code: with the wish for a passkey", verify(authenticator.OTP), "", and(codeSent, wish)),
		loginScreen("password", "Password", verify(authenticator.Password), "", pwd),
		loginScreen("password-known", "Password: of the person of the session", verify(authenticator.Password), "", and(pwd, known)),
		loginScreen("password-passkey", "Password: the browser may fill a passkey in, and one may be wished for", verify(authenticator.Password), "",
			and(pwd, wish, func(s *login.State) { s.DeviceFactors = []authenticator.Factor{authenticator.Passkey} })),
		loginScreen("password-delay", "Password: the next answer is looked at later", verify(authenticator.Password), "",
			and(pwd, func(s *login.State) { s.RetryAt = previewNow.Add(20 * time.Second) })),
		loginScreen("password-captcha", "Password: with a captcha", verify(authenticator.Password), "", and(pwd, altcha)),
		loginScreen("pin", "PIN", verify(authenticator.PIN), "", at(login.StepVerify, authenticator.PIN)),
		loginScreen("biometrics", "Biometric device", verify(authenticator.Biometrics), "", at(login.StepVerify, authenticator.Biometrics)),
		loginScreen("passkey", "Passkey", verify(authenticator.Passkey), "", at(login.StepVerify, authenticator.Passkey)),
		loginScreen("other", "A country's own factor", verify("card"), "", func(s *login.State) {
			s.Options = append(slices.Clip(s.Options), authenticator.FactorSet{"card"})
			at(login.StepVerify, "card")(s)
		}),
		loginScreen("elsewhere", "A factor that has no page", verify(authenticator.Wallet), "", func(s *login.State) {
			s.Options = append(slices.Clip(s.Options), authenticator.FactorSet{authenticator.Wallet})
			at(login.StepVerify, authenticator.Wallet)(s)
		}),
	}
}

// problemScreens show what the catalogue says of everything that may go wrong with a form.
func problemScreens() []screen {
	var list []screen
	add := func(name, title, page, problem, more string, change func(s *login.State)) {
		list = append(list, loginScreen("problem-"+name, "Went wrong: "+title, page, problemQuery(problem)[1:]+more, change))
	}
	for _, f := range []authenticator.Factor{
		authenticator.OTP, authenticator.Password, authenticator.PIN, authenticator.Biometrics, authenticator.Passkey,
	} {
		change := at(login.StepVerify, f)
		if f == authenticator.OTP {
			change = codeSent
		}
		add("wrong-"+string(f), "wrong answer, "+string(f), verifyPage+string(f), string(authenticator.WrongCredentials), "", change)
		missing := map[authenticator.Factor]string{
			authenticator.OTP: "missing_code", authenticator.Password: "missing_password", authenticator.PIN: "missing_pin",
			authenticator.Biometrics: "missing_capture", authenticator.Passkey: "missing_passkey",
		}[f]
		add("missing-"+string(f), "no answer, "+string(f), verifyPage+string(f), missing, "", change)
	}
	pwd, identify := at(login.StepVerify, authenticator.Password), at(login.StepIdentify, authenticator.OTP)
	add("wrong-pwd-known", "wrong answer of the person of the session", verifyPage+"pwd", string(authenticator.WrongCredentials), "", and(pwd, previewKnown))
	add("wrong-identifier", "the identifier", identifyPage+"otp", string(authenticator.WrongCredentials), "", identify)
	add("missing-identifier", "no identifier", identifyPage+"otp", "missing_identifier", "", identify)
	add("too-long", "too long an answer", verifyPage+"pwd", "too_long", "", pwd)
	add("code-expired", "the code expired", verifyPage+"otp", string(authenticator.CodeExpired), "", codeSent)
	add("too-soon", "another code too soon", verifyPage+"otp", string(authenticator.TooSoon), previewUntil(45*time.Second), codeSent)
	add("wait", "an answer too soon", verifyPage+"pwd", waitProblem, previewUntil(20*time.Second), pwd)
	add("no-codes-left", "no more codes", identifyPage+"otp", "no_codes_left", "", identify)
	add("locked", "blocked", choosePage, string(authenticator.Locked), "", func(*login.State) {})
	add("locked-until", "blocked, with a visible end", choosePage, string(authenticator.Locked), previewUntil(15*time.Minute), func(*login.State) {})
	add("unsupported", "the way cannot be gone", choosePage, string(authenticator.Unsupported), "", func(*login.State) {})
	add("unavailable", "the identity system is away", verifyPage+"pwd", string(authenticator.Unavailable), "", pwd)
	add("captcha", "the captcha was not solved", verifyPage+"pwd", captchaProblem, "", pwd)
	return list
}

func decisionScreens() []screen {
	enroll := func(s *login.State) { s.Step, s.Enrolling = login.StepEnroll, authenticator.Passkey }
	verified := []oidc.VerifiedItem{
		{Name: "name", Purpose: "To open your patient file", TrustFrameworks: []string{"eidas", "de_aml"}, Evidence: true},
		{Name: "birthdate", Plain: true},
	}
	unverified := func(s *login.State) {
		s.Step, s.Unverified, s.Verified = login.StepVerification, []string{"name", "birthdate"}, verified
	}
	ask := func(s *login.State) {
		s.Step = login.StepConsent
		s.Essential, s.Voluntary, s.Scopes = []string{"name", "birthdate"}, []string{"email", "phone_number", "picture"}, []string{"appointments"}
	}
	list := []screen{
		loginScreen("enroll", "Registration of a passkey", enrollPage, "", enroll),
		loginScreen("enroll-failed", "Registration of a passkey: it failed", enrollPage, problemQuery(string(authenticator.WrongCredentials))[1:], enroll),
		loginScreen("verification", "Claims that lack verification", verificationPage, "", unverified),
		loginScreen("verification-failed", "Claims that lack verification: nothing came of it", verificationPage, problemQuery("failed_verification")[1:], unverified),
		loginScreen("consent", "Consent", consentPage, "", ask),
		loginScreen("consent-required", "Consent: without the essential claims there is nothing", consentPage, "",
			and(ask, func(s *login.State) { s.Required = true })),
		loginScreen("consent-verified", "Consent: with verified claims", consentPage, "", and(ask, func(s *login.State) { s.Verified = verified })),
		loginScreen("consent-widened", "Consent: the client asks for more", consentPage, "", and(ask, func(s *login.State) {
			s.AskedBecause, s.New = consent.Widened, []string{"phone_number", "appointments"}
		})),
		loginScreen("consent-nothing", "Consent: to nothing but the login", consentPage, "", func(s *login.State) { s.Step = login.StepConsent }),
		loginScreen("consent-ending", "Consent: in the last minute", consentPage, "", and(ask, func(s *login.State) { s.ExpiresAt = previewNow.Add(50 * time.Second) })),
		loginScreen("consent-missing", "Consent: something essential was refused", consentPage, problemQuery("missing_essential")[1:], ask),
	}
	for _, because := range []consent.Reason{
		consent.First, consent.Expired, consent.NewText, consent.Prompted, consent.EachTime, consent.AfterWithdrawal, consent.Refused,
	} {
		list = append(list, loginScreen("consent-because-"+dashed(string(because)), "Consent: asked because "+string(because), consentPage, "",
			and(ask, func(s *login.State) { s.AskedBecause = because })))
	}
	return append(list, newScreen("consent-all", "Consent: all was ticked", func(p *previewVisit) {
		p.visit(consentPage, "", ask).consent(url.Values{"select": {"all"}, "claim": {"name", "birthdate"}})
	}))
}

// endScreens are those in which a login, a request or a session ends.
func endScreens() []screen {
	done := func(parameters url.Values) func(s *login.State) {
		return func(s *login.State) {
			s.Step, s.Response = login.StepDone, &oauth.AuthorizationResponse{RedirectURI: s.RedirectURI, Parameters: parameters}
		}
	}
	list := []screen{
		loginScreen("leave", "Is the login to be given up, at a decision?", cancelPage, "", func(s *login.State) { s.Step = login.StepConsent }),
		loginScreen("done", "The login is over: back at the client", donePage, "", done(url.Values{"code": {"c"}})),
		loginScreen("done-denied", "The login is over: it was given up", donePage, "", done(url.Values{"error": {string(oauth.AccessDenied)}})),
		newScreen("form-post", "The response is on its way to the client by a form", func(p *previewVisit) {
			// The form sends itself, and the page is to stay.
			client := url.URL{Scheme: "http", Host: p.r.Host, Path: p.base + previewLogin + "/done"}
			if p.r.TLS != nil {
				client.Scheme = "https"
			}
			response := &oauth.AuthorizationResponse{
				RedirectURI: client.String(), Parameters: url.Values{"code": {"c"}, "state": {"s"}}, Mode: oauth.ModeFormPost,
			}
			response.Write(p.w)
		}),
	}
	for _, f := range []failure{
		{kind: "expired", status: http.StatusGone, id: previewLogin},
		{kind: "missing_cookie", status: http.StatusBadRequest, id: previewLogin},
		{kind: "foreign_form", status: http.StatusForbidden, id: previewLogin, back: true},
		{kind: "bad_form", status: http.StatusBadRequest, id: previewLogin, back: true},
		{kind: "method", status: http.StatusMethodNotAllowed, id: previewLogin, back: true},
		{kind: "not_found", status: http.StatusNotFound},
		{kind: "unavailable", status: http.StatusServiceUnavailable, id: previewLogin, back: true},
		{kind: "request", status: http.StatusBadRequest, code: string(oauth.InvalidRequest), description: "the redirect_uri is not registered"},
		{kind: "denied", status: http.StatusForbidden, code: string(oauth.AccessDenied)},
	} {
		list = append(list, newScreen("error-"+dashed(f.kind), "Error: "+f.kind, func(p *previewVisit) {
			query := ""
			if p.language != "" {
				query = "lang=" + p.language
			}
			p.fail(p.w, p.request(p.base, query), f)
		}))
	}
	logout := func(request *oidc.LogoutRequest, show func(v *logoutVisit)) func(p *previewVisit) {
		return func(p *previewVisit) {
			p.setHeaders(p.w.Header(), "")
			show(&logoutVisit{UI: p.UI, w: p.w, r: p.request(p.base+previewLogin+"/logout", ""), request: request, locale: p.locale()})
		}
	}
	back := &oidc.LogoutRequest{Client: previewClient, RedirectURI: "https://health.example.org/"}
	wrong := &oidc.LogoutRequest{Problem: &oauth.Error{Code: oauth.InvalidRequest, Description: "the id_token_hint has expired"}}
	return append(list,
		newScreen("logout", "Logout: is it meant?", logout(back, func(v *logoutVisit) { v.ask(&login.Session{Account: "…789"}) })),
		newScreen("logout-unknown", "Logout: is it meant, and nobody knows who", logout(wrong, func(v *logoutVisit) { v.ask(nil) })),
		newScreen("logout-done", "Logged out", logout(back, (*logoutVisit).done)),
	)
}
