package ui

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/login"
)

// passkeyView is the page that asks for a passkey, and the one that registers it.
type passkeyView struct {
	*page
	Attempts string
}

// wishView is the offer to register a passkey after the login.
type wishView struct{ Wished bool }

func (v *visit) passkeyView(l *locale, s *login.State, client *clientView) (*pageTemplate, any) {
	p := v.loginPage(l, s, client, l.text("verify.pop.title"))
	v.addPasskeys(p)
	return v.pages.in(l).passkey, &passkeyView{page: p, Attempts: l.count("verify.attempts", s.AttemptsLeft)}
}

func (v *visit) enrollView(l *locale, s *login.State, client *clientView) (*pageTemplate, any) {
	p := v.loginPage(l, s, client, l.text("enroll.title"))
	v.addPasskeys(p)
	return v.pages.in(l).enroll, &passkeyView{page: p}
}

// addPasskeys gives the page the script that talks to authenticators, and lets it fetch what they are to sign.
func (v *visit) addPasskeys(p *page) {
	v.addScript(p, passkeyScript)
	v.connect()
}

// offerPasskeys lets the page of another factor take a passkey instead, where the browser fills in the identifier, and
// offers to register one.
func (v *visit) offerPasskeys(p *page, s *login.State) {
	if p.Display == displayWAP {
		return
	}
	p.Passkey = slices.Contains(s.DeviceFactors, authenticator.Passkey) && len(s.Succeeded) == 0 && !s.IdentifierKnown
	if slices.Contains(s.Enrollable, authenticator.Passkey) && s.Step == login.StepVerify {
		p.Wish = &wishView{Wished: s.Enrolling == authenticator.Passkey}
	}
	if p.Passkey || p.Wish != nil {
		v.addPasskeys(p)
	}
}

// verifyPasskey takes a passkey, wherever the person chose it from the browser's own list: the page may be that of another
// factor.
func (v *visit) verifyPasskey(form url.Values) {
	response := form.Get("response")
	switch {
	case response == "":
		v.again("missing_passkey")
		return
	case len(response) > v.maxResponse(authenticator.Passkey):
		v.again("too_long")
		return
	}
	state, err := v.flow.State(v.r.Context(), v.handle)
	if err != nil {
		v.failed(err)
		return
	}
	if state.Factor != authenticator.Passkey && slices.Contains(state.DeviceFactors, authenticator.Passkey) {
		option := slices.IndexFunc(state.Options, func(set authenticator.FactorSet) bool {
			return len(set) > 0 && set[0] == authenticator.Passkey
		})
		if !v.goesOn(v.flow.Choose(v.r.Context(), v.handle, option)) {
			return
		}
	}
	v.answer(form, authenticator.Identifier{}, authenticator.Challenge{Factor: authenticator.Passkey, Response: response})
}

// challenge tells a script what the person's device is to answer.
func (v *visit) challenge(factor authenticator.Factor) {
	options, err := v.flow.Challenge(v.r.Context(), v.handle, factor)
	v.writeOptions(options, err)
}

// enroll registers what the person's device made, or goes on without. Scripts ask for what to make it from.
func (v *visit) enroll(options bool, response string) {
	switch {
	case options:
		options, err := v.flow.EnrollmentOptions(v.r.Context(), v.handle)
		v.writeOptions(options, err)
	case len(response) > v.maxResponse(authenticator.Passkey):
		v.again("too_long")
	default:
		v.moved(v.flow.Enroll(v.r.Context(), v.handle, response))
	}
}

// writeOptions answers a script. What went wrong is for the page to say, which knows enough by the status.
func (v *visit) writeOptions(options json.RawMessage, err error) {
	v.setHeaders(v.w.Header(), "")
	status := http.StatusOK
	switch {
	case err == nil:
	case errors.Is(err, login.ErrUnknown):
		status = http.StatusGone
	case errors.Is(err, login.ErrStep):
		status = http.StatusConflict
	default:
		if _, ok := errors.AsType[*authenticator.Error](err); !ok {
			v.log.ErrorContext(v.r.Context(), "a device cannot be asked", "transaction", v.id, "error", err)
		}
		status = http.StatusServiceUnavailable
		v.w.Header().Set("Retry-After", strconv.Itoa(retryAfter))
	}
	if err != nil {
		options = json.RawMessage("{}")
	}
	v.w.Header().Set("Content-Type", "application/json")
	v.w.WriteHeader(status)
	v.w.Write(options)
}
