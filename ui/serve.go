package ui

import (
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/login"
)

// visit is a request for a page of a login, from the browser that the login belongs to.
type visit struct {
	*UI
	w http.ResponseWriter
	r *http.Request
	// id and handle are those of the login; page is what follows the id in the path.
	id, handle, page string
	// language is the one that the person chose, or empty.
	language string
	// typed is a form that has to be corrected, and mistake what is the matter with its identifier.
	typed   url.Values
	mistake string
	// policy is what the page may load beyond what all pages may.
	policy policy
	// retryAfter is in how many seconds to come back, if the page says that the identity system does not answer.
	retryAfter int
}

// ServeHTTP serves the pages and what they link, under the base path.
func (u *UI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path, ok := strings.CutPrefix(r.URL.Path, u.base)
	if !ok {
		u.fail(w, r, failure{kind: "not_found", status: http.StatusNotFound})
		return
	}
	if name, ok := strings.CutPrefix(path, "assets/"); ok {
		u.serveAsset(w, r, name)
		return
	}
	if name, ok := strings.CutPrefix(path, documentsPath); ok {
		u.serveDocument(w, r, name)
		return
	}
	if name, ok := strings.CutPrefix(path, logosPath); ok {
		u.serveLogo(w, r, name)
		return
	}
	id, page, ok := strings.Cut(path, "/")
	if !ok || !validID(id) || !isPage(page) {
		u.fail(w, r, failure{kind: "not_found", status: http.StatusNotFound})
		return
	}
	r = withSource(r)
	v := &visit{UI: u, w: w, r: r, id: id, page: page, policy: policy{fonts: u.fonts}}
	methods := []string{http.MethodGet, http.MethodHead, http.MethodPost}
	if page == "" || page == donePage || page == returnPage {
		methods = methods[:2]
	}
	if !slices.Contains(methods, r.Method) {
		w.Header().Set("Allow", strings.Join(methods, ", "))
		u.fail(w, r, failure{kind: "method", status: http.StatusMethodNotAllowed, id: id, back: true})
		return
	}
	if v.handle, v.language = u.cookies.handle(r, id); v.handle == "" {
		u.fail(w, r, failure{kind: "missing_cookie", status: http.StatusBadRequest, id: id})
		return
	}
	switch {
	case r.Method == http.MethodPost:
		v.post()
	case r.Method == http.MethodGet && page == returnPage:
		v.resumeVerification()
	default:
		v.get()
	}
}

func (u *UI) serveAsset(w http.ResponseWriter, r *http.Request, name string) {
	a, ok := u.assets[name]
	switch {
	case !ok:
		u.fail(w, r, failure{kind: "not_found", status: http.StatusNotFound})
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		u.fail(w, r, failure{kind: "method", status: http.StatusMethodNotAllowed})
	default:
		a.ServeHTTP(w, r)
	}
}

// The pages of a login, as paths below its id. Those of a factor continue with its name. To challenge/ and enroll/options
// only scripts post, who get JSON.
const (
	accountPage  = "account"
	choosePage   = "choose"
	identifyPage = "identify/"
	verifyPage   = "verify/"
	enrollPage   = "enroll"
	consentPage  = "consent"
	cancelPage   = "cancel"
	extendPage   = "extend"

	verificationPage = "verification"
	// returnPage is where the browser comes back to from a verification service.
	returnPage = "verification/return"
	donePage   = "done"
)

var isPage = regexp.MustCompile(`^(|account|choose|wallet|enroll(/options)?|verification(/return)?|consent|cancel|extend|done|(identify|verify|resend|challenge)/[a-z0-9_-]{1,32})$`).MatchString

// place is the page of the step at which the login stands.
func place(s *login.State) string {
	switch s.Step {
	case login.StepAccount:
		return accountPage
	case login.StepChoose:
		return choosePage
	case login.StepIdentify:
		return identifyPage + string(s.Factor)
	case login.StepVerify:
		return verifyPage + string(s.Factor)
	case login.StepEnroll:
		return enrollPage
	case login.StepVerification:
		return verificationPage
	case login.StepConsent:
		return consentPage
	}
	return donePage
}

// fits reports whether the page can be shown now: the page of the step, or one before it from which the login can take
// another course.
func (u *UI) fits(page string, s *login.State) bool {
	switch page {
	case place(s):
		return true
	case choosePage:
		return u.canChoose(s)
	case cancelPage:
		return asksBeforeLeaving(s)
	case identifyPage + string(s.Factor):
		return s.Step == login.StepVerify && s.Code != nil && !s.IdentifierFixed
	}
	return false
}

func (u *UI) canChoose(s *login.State) bool {
	ways := u.offered(s)
	return len(s.Options) > 1 && len(ways) > 0 && !slices.Equal(ways, []int{s.Option}) && len(s.Succeeded) == 0 &&
		(s.Step == login.StepChoose || s.Step == login.StepIdentify || s.Step == login.StepVerify)
}

func (v *visit) get() {
	state, err := v.state()
	if err != nil {
		v.failed(err)
		return
	}
	v.setHeaders(v.w.Header(), state.RedirectURI)
	if chosen := v.r.URL.Query().Get("lang"); v.catalog.byCode[chosen] != nil {
		v.cookies.set(v.w, v.handle, chosen, state, state.ExpiresAt.Sub(v.now()))
		v.cookies.setPreference(v.w, languagePreference, chosen)
		v.redirect(v.page)
		return
	}
	if v.page == "" && state.Step == login.StepDone && state.Response != nil {
		v.finish(v.w, v.r, v.handle, state)
		return
	}
	if v.wallet(state) {
		return
	}
	if !v.fits(v.page, state) {
		v.redirect(place(state))
		return
	}
	if v.r.URL.Query().Get(problemParameter) == lastAnswerProblem {
		v.w.Header().Set("Refresh", "3; url="+v.base+v.id+"/"+v.page) // by then there is a verdict
	}
	l := v.locale(state)
	t, view := v.view(l, state)
	v.show(state, t, view)
}

// show writes a page of the login, which may do what its view asked for. Whatever watches the provider sees by the status
// what the page says: that the identity system does not answer.
func (v *visit) show(s *login.State, t *pageTemplate, view any) {
	v.policy.set(v.w.Header(), v.ancestors, s.RedirectURI)
	status := http.StatusOK
	if v.retryAfter > 0 {
		status = http.StatusServiceUnavailable
		v.w.Header().Set("Retry-After", strconv.Itoa(v.retryAfter))
	}
	v.render(v.w, v.r, status, t, view)
}

func (v *visit) locale(s *login.State) *locale { return v.negotiated(v.r, s, v.language) }

// negotiated is the language of the login's pages for the browser, in which somebody may have chosen one.
func (u *UI) negotiated(r *http.Request, s *login.State, chosen string) *locale {
	return u.catalog.negotiate(chosen, u.wishes(r, s), r.Header.Get("Accept-Language"))
}

// state is where the login stands. The entrance of a login is where it meets the session, if it has not yet, and no wallet
// has it.
func (v *visit) state() (*login.State, error) {
	if session := v.cookies.session(v.r); v.page == "" && session != "" {
		linked, err := v.linked()
		switch {
		case err != nil:
			return nil, err
		case !linked:
			return v.flow.Join(v.r.Context(), v.handle, session)
		}
	}
	return v.flow.State(v.r.Context(), v.handle)
}

func (v *visit) redirect(page string) {
	redirect(v.w, v.base+v.id+"/"+page)
}

// failed shows that the login is no more, or cannot be reached.
func (v *visit) failed(err error) {
	if errors.Is(err, login.ErrUnknown) {
		v.fail(v.w, v.r, failure{kind: "expired", status: http.StatusGone, id: v.id})
		return
	}
	v.log.ErrorContext(v.r.Context(), "a login cannot go on", "transaction", v.id, "error", err)
	v.fail(v.w, v.r, failure{kind: "unavailable", status: http.StatusServiceUnavailable, id: v.id, back: true})
}

// moved answers a form after the flow did what it asks for. The response to the client is sent again each time, because
// a browser that sends a form twice follows the last answer.
func (v *visit) moved(state *login.State, err error) {
	if state == nil {
		v.failed(err)
		return
	}
	v.setHeaders(v.w.Header(), state.RedirectURI)
	if state.Step == login.StepDone && state.Response != nil {
		v.finish(v.w, v.r, v.handle, state)
		return
	}
	if errors.Is(err, login.ErrOtherPerson) && state.CanSwitch {
		v.again("other_person")
		return
	}
	if errors.Is(err, login.ErrEssential) {
		v.again("missing_essential")
		return
	}
	page := v.page
	if !v.fits(page, state) {
		page = place(state)
	}
	if errors.Is(err, login.ErrCaptcha) {
		v.redirect(page + problemQuery("captcha"))
		return
	}
	if errors.Is(err, login.ErrLastAnswer) {
		v.redirect(page + problemQuery(lastAnswerProblem))
		return
	}
	if e, ok := errors.AsType[*authenticator.Error](err); ok {
		if e.Reason == authenticator.Locked && state.CodesLeft == 0 && !strings.HasPrefix(v.page, verifyPage) {
			v.redirect(page + problemQuery("no_codes_left"))
			return
		}
		v.redirect(page + reasonQuery(e, v.page))
		return
	}
	if err != nil && !errors.Is(err, login.ErrStep) {
		v.failed(err)
		return
	}
	v.redirect(place(state))
}
