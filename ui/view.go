package ui

import (
	"html/template"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/login"
)

// page is what all pages show.
type page struct {
	// Title is that of the window; Heading is that of the page.
	Title, Heading string
	// Path is that of the login, without a slash at its end.
	Path string
	CSRF string
	// Logo is the provider's. LogoWidth is its width in CSS pixels, 0 if that is not known.
	Logo      template.URL
	LogoWidth int
	Languages []languageView
	Client    *clientView
	Problem   *problemView
	// CanChoose says that there are other ways to log in.
	CanChoose bool
	// Account says who is logged in already, where that can be changed. Known says so in place of the question who the
	// person is.
	Account, Known string
	// Scripts are those that only this page and its like need.
	Scripts []scriptView
	Captcha *captchaView
	// Passkey says that the browser may fill a passkey in where the identifier is asked for; Wish, that one may be
	// registered after the login.
	Passkey bool
	Wish    *wishView
	// Delay is when the next answer will be looked at.
	Delay *problemView
	// Display is how the client wishes the page to be shown: "popup", "touch", "wap", or empty.
	Display string
	Links   Links
	// Refresh is after how many seconds a browser without JavaScript loads the page again; 0 means never.
	Refresh int
	// Help is where the person gets help with what went wrong, and Reference what to say there; both empty if nothing did, or
	// nobody helps.
	Help, Reference string
	// Step says which of several steps of a way this is, empty where there is but one.
	Step string
	// Leave says what giving up means, where a script asks before.
	Leave string
	// Time is when the login ends, nil where there is none, or it is over.
	Time *timeLimitView
}

// The values of the request's display that change the pages.
const (
	displayPopup = "popup"
	displayTouch = "touch"
	displayWAP   = "wap"
)

type scriptView struct{ URL, Integrity string }

type languageView struct {
	Index           int
	Code, Name, Dir string
	// URI leads to the same page in the language.
	URI     string
	Current bool
}

// clientView is who asks.
type clientView struct {
	Name, Host, Initials, origin string
	// Logo is its image, empty if there is none: initials stand for it then.
	Logo string
	// NameUnknown says that the language of the Name is not known.
	NameUnknown bool
	// Purpose is what the person logs in for, where no heading says so.
	Purpose clientText
}

type accountView struct {
	*page
	Continue string
}

type chooseView struct {
	*page
	Lead string
	// HeadingUnknown and LeadUnknown say that the languages of the Heading and the Lead are not known.
	HeadingUnknown, LeadUnknown bool
	// Options are shown at once, More when somebody asks for them.
	Options, More []optionView
	// Choice says that there are several, so that one may be remembered; Remembers, that one is.
	Choice, Remembers bool
}

// maxWays is how many ways to log in are shown at once.
const maxWays = 4

type optionView struct {
	Index                 int
	ID, Icon, Label, Hint string
	// Plain says that there are no pictures.
	Plain bool
	// Alias is another id, which eSignet's pages have.
	Alias string
	// Passkey says that the browser has to know WebAuthn.
	Passkey bool
}

type doneView struct {
	*page
	Lead, Next, ReturnURI, ReturnText string
}

type errorView struct {
	*page
	Lead, Next, Code, Description, ReturnURI, ReturnText string
}

// page returns what all pages of the language show. The client is nil where none is known.
func (u *UI) page(l *locale, title string, client *clientView) *page {
	p := &page{Heading: title, Logo: u.logo, LogoWidth: u.logoWidth, Client: client, Links: u.linksTo(l)}
	p.Links.SignUp, p.Links.ForgottenPassword = "", ""
	if client == nil {
		p.Title = l.text("common.title_short", "page", title, "provider", l.nameIn(u.names))
	} else {
		p.Title = l.text("common.title", "page", title, "client", client.Name, "provider", l.nameIn(u.names))
	}
	return p
}

// view returns the page of the visit and what it shows.
func (v *visit) view(l *locale, s *login.State) (*pageTemplate, any) {
	client := newClientView(l, s)
	set := v.pages.in(l)
	step, _, _ := strings.Cut(v.page, "/")
	switch step {
	case accountPage:
		p := v.loginPage(l, s, client, l.text("account.title"))
		p.Heading = l.text("account.heading", "client", client.Name)
		p.Account = ""
		return set.account, &accountView{page: p, Continue: l.text("account.continue", "account", s.Account)}
	case choosePage:
		p := v.loginPage(l, s, client, l.text("choose.title"))
		purpose := purposeOf(l, s)
		view := &chooseView{page: p, Options: v.options(l, s, purpose)}
		lead := "choose.none"
		if len(view.Options) > 0 {
			lead = "choose.lead"
		}
		heading, below := purpose.heading(l, client.Name, l.text(lead))
		p.Heading, view.HeadingUnknown = heading.Text, heading.Unknown
		view.Lead, view.LeadUnknown = below.Text, below.Unknown
		for i := range view.Options {
			view.Options[i].Plain = p.Display == displayWAP
		}
		view.Choice = len(view.Options) > 1
		view.Options, view.Remembers = v.rememberedFirst(l, s, view.Options)
		if len(view.Options) > maxWays {
			view.Options, view.More = view.Options[:maxWays], view.Options[maxWays:]
		}
		return set.choose, view
	case "identify":
		p := v.loginPage(l, s, client, l.text("identify.otp.title"))
		v.offerPasskeys(p, s)
		p.know(l, s)
		view := &identifyView{page: p, identifierView: v.identifierView(l, s, p)}
		if len(s.Channels) > 1 {
			for _, c := range s.Channels {
				view.Channels = append(view.Channels, itemView{Name: string(c), Label: l.label("channel", string(c))})
			}
		}
		return set.identify, view
	case "verify":
		return v.verifyView(l, s, client)
	case enrollPage:
		return v.enrollView(l, s, client)
	case consentPage:
		return v.consentView(l, s, client, nil)
	case verificationPage:
		return v.verificationView(l, s, client)
	case cancelPage:
		return v.leaveView(l, s, client)
	}
	return set.done, v.doneView(l, s, client)
}

// verifyView returns the page of the factor.
func (v *visit) verifyView(l *locale, s *login.State, client *clientView) (*pageTemplate, any) {
	switch {
	case s.Factor == authenticator.OTP:
		return v.pages.in(l).code, v.codeView(l, s, client)
	case s.Factor == authenticator.Passkey:
		return v.passkeyView(l, s, client)
	case s.Factor == authenticator.Biometrics:
		return v.biometricsView(l, s, client)
	case !hasPage(s.Factor):
		return v.pages.in(l).elsewhere, v.loginPage(l, s, client, l.text("verify.elsewhere.title"))
	case s.Form != nil:
		return v.formView(l, s, client, v.questions(l, s))
	}
	return v.pages.in(l).secret, v.secretView(l, s, client)
}

// enhance gives the page a script that it works without, unless it is to be plain.
func (v *visit) enhance(p *page, name string) {
	if p.Display != displayWAP {
		v.addScript(p, name)
	}
}

func (v *visit) addScript(p *page, name string) {
	if s := v.scripts[name]; !slices.Contains(p.Scripts, s) {
		p.Scripts = append(p.Scripts, s)
	}
}

func (v *visit) loginPage(l *locale, s *login.State, client *clientView, title string) *page {
	p := v.UI.page(l, title, client)
	p.Path = v.base + v.id
	p.CSRF = csrfToken(v.handle)
	if slices.Contains([]string{displayPopup, displayTouch, displayWAP}, s.Display) {
		p.Display = s.Display
	}
	if name := v.clientLogos.name(logoURI(s, l)); name != "" {
		client.Logo = v.base + logosPath + name
	}
	if v.page != choosePage && (s.Step == login.StepIdentify || s.Step == login.StepVerify) {
		client.Purpose = purposeOf(l, s).title
	}
	p.Languages = v.languages[l]
	p.Links = v.linksIn(l, s)
	p.CanChoose = v.canChoose(s) && v.page != choosePage
	if s.CanSwitch {
		p.Account = l.text("account.present", "account", s.Account)
	}
	switch {
	case v.mistake != "":
		p.Problem = &problemView{Text: v.mistake, Field: v.identifierID(string(s.Factor), s)}
	case v.r.URL.RawQuery != "":
		p.Problem = v.problem(l, v.r.URL.Query(), s)
	}
	if p.Problem != nil {
		p.Title = l.text("common.title_problem", "title", p.Title)
		v.retryAfter = p.Problem.RetryAfter
		if p.Help = v.links.help(l, v.id); p.Help != "" {
			p.Reference = l.text("common.reference", "id", v.id)
		}
	}
	p.Step = step(l, s)
	if s.Step == login.StepVerify && s.RetryAt.After(v.now()) && (p.Problem == nil || p.Problem.Time == nil) {
		p.Delay = new(problemView)
		p.Delay.Text, p.Delay.Time = v.until(l, "wait.delay", s.RetryAt)
	}
	if s.Step != login.StepDone {
		p.Time = v.timeLimit(l, s, client)
		p.Time.Plain = p.Display == displayWAP
		if p.Time.More && p.Display != displayWAP {
			v.connect() // for more time
		}
	}
	v.addCaptcha(p, s)
	return p
}

// step says at which factor of a way with several the login stands.
func step(l *locale, s *login.State) string {
	if s.Step != login.StepIdentify && s.Step != login.StepVerify || s.Option < 0 || s.Option >= len(s.Options) || len(s.Options[s.Option]) < 2 {
		return ""
	}
	steps := len(s.Options[s.Option])
	return l.text("common.step", "step", l.digits(strconv.Itoa(min(len(s.Succeeded)+1, steps))), "steps", l.digits(strconv.Itoa(steps)))
}

func (v *visit) doneView(l *locale, s *login.State, client *clientView) *doneView {
	p := v.loginPage(l, s, client, l.text("done.title"))
	d := &doneView{
		page: p,
		Lead: l.text("done.denied", "client", client.Name),
		Next: l.text("done.again", "client", client.Name),
	}
	if s.Response != nil && s.Response.Parameters.Has("code") {
		d.Lead = l.text("done.granted", "client", client.Name)
	}
	switch {
	case client.origin == "" && s.Response != nil: // an app, whose browser may have wanted a touch to open it
		d.ReturnURI, d.ReturnText = p.Path+"/", l.text("common.return", "client", client.Name)
	case client.origin != "":
		d.ReturnURI, d.ReturnText = client.origin+"/", l.text("common.return", "client", client.Name)
	}
	return d
}

func newClientView(l *locale, s *login.State) *clientView {
	name := l.clientText(s.Client.Names, maxName)
	c := &clientView{Name: name.Text, NameUnknown: name.Unknown}
	c.Initials = initials(c.Name)
	if u, err := url.Parse(s.RedirectURI); err == nil && (u.Scheme == "https" || u.Scheme == "http") {
		c.Host, c.origin = u.Host, u.Scheme+"://"+u.Host
	}
	return c
}

// initials are the first letters of the first two words, with their marks.
func initials(name string) string {
	var b strings.Builder
	for i, word := range strings.Fields(name) {
		if i == 2 {
			break
		}
		for j, r := range []rune(word) {
			if j > 0 && !unicode.IsMark(r) {
				break
			}
			b.WriteRune(unicode.ToUpper(r))
		}
	}
	return b.String()
}
