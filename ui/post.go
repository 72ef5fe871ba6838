package ui

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/login"
)

const (
	maxIdentifierBytes = 256
	// maxSecretBytes bounds what is typed into one field. Devices and forms of several fields have the bound of their
	// factor.
	maxSecretBytes = 1024
)

// post does what a form asks for.
func (v *visit) post() {
	step, name, _ := strings.Cut(v.page, "/")
	factor := authenticator.Factor(name)
	form, err := v.readForm(v.w, v.r, v.handle, v.maxBody(step, factor))
	switch {
	case errors.Is(err, errForeignForm):
		v.log.WarnContext(v.r.Context(), "a form was refused", "transaction", v.id, "error", err)
		v.fail(v.w, v.r, failure{kind: "foreign_form", status: http.StatusForbidden, id: v.id, back: true})
		return
	case err != nil:
		status := http.StatusBadRequest
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			status = http.StatusRequestEntityTooLarge
		}
		v.fail(v.w, v.r, failure{kind: "bad_form", status: status, id: v.id, back: true})
		return
	}
	if v.refused() {
		return
	}
	switch step {
	case accountPage:
		v.moved(v.flow.SelectAccount(v.r.Context(), v.handle, form.Get("account") == "other"))
	case choosePage:
		v.choose(form.Get("option"), form.Has("remember"))
	case "identify":
		v.identify(factor, form)
	case "verify":
		v.verify(factor, form)
	case "resend":
		if v.solve(form) {
			v.moved(v.sendCode(factor, authenticator.Identifier{}))
		}
	case "challenge":
		v.challenge(factor)
	case enrollPage:
		v.enroll(name == "options", form.Get("response"))
	case consentPage:
		v.consent(form)
	case verificationPage:
		v.verification(form.Has("without"))
	case walletPage:
		v.unlink()
	case extendPage:
		v.extend()
	case cancelPage:
		v.cancel(form.Has("ask"))
	}
}

func (v *visit) choose(option string, remember bool) {
	i, err := strconv.Atoi(option)
	if err != nil || i < 0 {
		v.again("missing_option")
		return
	}
	state, err := v.flow.Choose(v.r.Context(), v.handle, i)
	if err == nil {
		v.rememberWay(remember, state)
	}
	v.moved(state, err)
}

// identify has a code sent. A form that is sent twice finds that the code is on its way.
func (v *visit) identify(factor authenticator.Factor, form url.Values) {
	id, ok := v.readIdentifier(form)
	if !ok {
		return
	}
	if form.Has("channels") && !form.Has("channel") {
		v.again("missing_channel")
		return
	}
	if !v.solve(form) {
		return
	}
	var channels []authenticator.Channel
	for _, c := range form["channel"] {
		channels = append(channels, authenticator.Channel(c))
	}
	state, err := v.sendCode(factor, id, channels...)
	e, ok := errors.AsType[*authenticator.Error](err)
	if ok && e.Reason == authenticator.TooSoon && state != nil && state.Identifier.Value == id.Value {
		err = nil
	}
	v.moved(state, err)
}

// sendCode sends a code if the page is of the factor that has codes. An empty identifier is the one of the last code, and
// no channels are those of the last code.
func (v *visit) sendCode(
	factor authenticator.Factor, id authenticator.Identifier, channels ...authenticator.Channel,
) (*login.State, error) {
	if factor != authenticator.OTP {
		return v.flow.State(v.r.Context(), v.handle)
	}
	return v.flow.SendCode(v.r.Context(), v.handle, id, channels...)
}

func (v *visit) verify(factor authenticator.Factor, form url.Values) {
	switch {
	case factor == authenticator.Passkey:
		v.verifyPasskey(form)
		return
	case form.Has(formMark):
		v.verifyForm(factor, form)
		return
	}
	var id authenticator.Identifier
	response, missing, most := form.Get("response"), "missing_answer", maxSecretBytes
	switch factor {
	case authenticator.OTP:
		response, missing = normalizeCode(response), "missing_code"
	case authenticator.Password:
		missing = "missing_password"
	case authenticator.PIN:
		response, missing = normalizeCode(response), "missing_pin"
	case authenticator.Biometrics:
		missing, most = "missing_capture", v.maxResponse(factor)
	}
	if factor != authenticator.OTP && (form.Has("identifier") || form.Has("identified")) {
		var ok bool
		if id, ok = v.readIdentifier(form); !ok {
			return
		}
	}
	switch {
	case response == "":
		v.again(missing)
	case len(response) > most:
		v.again("too_long")
	default:
		v.answer(form, id, authenticator.Challenge{Factor: factor, Response: response})
	}
}

// answer gives the answer to the login, after what else the form says.
func (v *visit) answer(form url.Values, id authenticator.Identifier, c authenticator.Challenge) {
	if v.solve(form) && v.wish(form) {
		v.moved(v.flow.Answer(v.r.Context(), v.handle, id, c))
	}
}

// solve gives the captcha's response to the login, if there is one: whether one is needed is for the login to know. It
// reports whether to go on.
func (v *visit) solve(form url.Values) bool {
	response := cmp.Or(form.Get("captcha"), form.Get("g-recaptcha-response"))
	if response == "" {
		return true
	}
	return v.goesOn(v.flow.SolveCaptcha(v.r.Context(), v.handle, response))
}

// wish tells the login whether the person wants to register a passkey, where that changes. It reports whether to go on.
func (v *visit) wish(form url.Values) bool {
	wanted := authenticator.Factor(form.Get("enroll"))
	if wanted != "" == form.Has("wished") || !slices.Contains([]authenticator.Factor{"", authenticator.Passkey}, wanted) {
		return true
	}
	return v.goesOn(v.flow.WishToEnroll(v.r.Context(), v.handle, wanted))
}

// goesOn reports whether the form can go on after a first call of the flow, and answers it if not. A step that the login
// is past already is one that a form sent twice took.
func (v *visit) goesOn(state *login.State, err error) bool {
	if err == nil || errors.Is(err, login.ErrStep) {
		return true
	}
	v.moved(state, err)
	return false
}

func identifierProblem(id authenticator.Identifier) string {
	switch {
	case id.Value == "":
		return "missing_identifier"
	case len(id.Value) > maxIdentifierBytes:
		return "too_long"
	case id.Validate() != nil:
		return "wrong_credentials"
	}
	return ""
}

// again leads back to the page of the form and says what is the matter with what was typed.
func (v *visit) again(problem string) {
	v.setHeaders(v.w.Header(), "")
	v.redirect(v.page + problemQuery(problem))
}
