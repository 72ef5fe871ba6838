package ui

import (
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/login"
)

const (
	maxIdentifierBytes = 256
	maxResponseBytes   = 1024
)

// post does what a form asks for.
func (v *visit) post() {
	form, err := v.readForm(v.w, v.r, v.handle)
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
	step, factor, _ := strings.Cut(v.page, "/")
	switch step {
	case accountPage:
		v.moved(v.flow.SelectAccount(v.r.Context(), v.handle, form.Get("account") == "other"))
	case choosePage:
		v.choose(form.Get("option"))
	case "identify":
		v.identify(authenticator.Factor(factor), form.Get("identifier"))
	case "verify":
		v.verify(authenticator.Factor(factor), form.Get("identifier"), form.Get("response"))
	case "resend":
		v.moved(v.sendCode(authenticator.Factor(factor), authenticator.Identifier{}))
	case consentPage:
		v.moved(v.flow.Decide(v.r.Context(), v.handle, login.Decision{Claims: form["claim"], Scopes: form["scope"]}))
	case cancelPage:
		v.moved(v.flow.Cancel(v.r.Context(), v.handle))
	}
}

func (v *visit) choose(option string) {
	i, err := strconv.Atoi(option)
	if err != nil || i < 0 {
		v.again("missing_option")
		return
	}
	v.moved(v.flow.Choose(v.r.Context(), v.handle, i))
}

// identify has a code sent. A form that is sent twice finds that the code is on its way.
func (v *visit) identify(factor authenticator.Factor, identifier string) {
	id := authenticator.Identifier{Value: strings.TrimSpace(identifier)}
	if problem := identifierProblem(id); problem != "" {
		v.again(problem)
		return
	}
	state, err := v.sendCode(factor, id)
	e, ok := errors.AsType[*authenticator.Error](err)
	if ok && e.Reason == authenticator.TooSoon && state != nil && state.Identifier.Value == id.Value {
		err = nil
	}
	v.moved(state, err)
}

// sendCode sends a code if the page is of the factor that has codes. An empty identifier is the one of the last code.
func (v *visit) sendCode(factor authenticator.Factor, id authenticator.Identifier) (*login.State, error) {
	if factor != authenticator.OTP {
		return v.flow.State(v.r.Context(), v.handle)
	}
	return v.flow.SendCode(v.r.Context(), v.handle, id)
}

func (v *visit) verify(factor authenticator.Factor, identifier, response string) {
	var id authenticator.Identifier
	missing := "missing_answer"
	switch factor {
	case authenticator.OTP:
		response, missing = normalizeCode(response), "missing_code"
	case authenticator.Password:
		missing = "missing_password"
	}
	if factor != authenticator.OTP {
		id.Value = strings.TrimSpace(identifier)
		if problem := identifierProblem(id); problem != "" {
			v.again(problem)
			return
		}
	}
	switch {
	case response == "":
		v.again(missing)
	case len(response) > maxResponseBytes:
		v.again("too_long")
	default:
		c := authenticator.Challenge{Factor: factor, Response: response}
		v.moved(v.flow.Answer(v.r.Context(), v.handle, id, c))
	}
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
	setHeaders(v.w.Header(), "")
	v.redirect(v.page + problemQuery(problem))
}
