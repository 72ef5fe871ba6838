package esignet

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/login"
)

// sendOTPRequest asks for a one-time code.
type sendOTPRequest struct {
	TransactionID text   `json:"transactionId"`
	IndividualID  text   `json:"individualId"`
	OTPChannels   []text `json:"otpChannels"`
	CaptchaToken  text   `json:"captchaToken"`
}

func (q *sendOTPRequest) validate(v *violations) {
	v.check(!blank(q.TransactionID), "request.transactionId", invalidTransactionID)
	v.check(!blank(q.IndividualID), "request.individualId", invalidIdentifier)
}

func (q *sendOTPRequest) channels() []text { return q.OTPChannels }

func (p *authorization) sendOTP(ctx context.Context, _ *http.Request, q *sendOTPRequest) (any, error) {
	o, err := of(ctx, q.TransactionID)
	if err != nil {
		return nil, err
	}
	s := o.state
	if s.Factor != authenticator.OTP {
		option := slices.IndexFunc(s.Options, func(set authenticator.FactorSet) bool {
			return slices.Contains(set, authenticator.OTP) && p.offered(set)
		})
		if s, err = p.Flow.Choose(ctx, o.handle, option); err != nil {
			return nil, answerError(s, err, "send_otp_failed")
		}
	}
	s, err = p.guarded(ctx, o.handle, s, &q.CaptchaToken, func() (*login.State, error) {
		return p.Flow.SendCode(ctx, o.handle, authenticator.Identifier{Value: string(q.IndividualID)},
			chosen(p.Channels, q.OTPChannels)...)
	})
	if err != nil {
		if s != nil && s.CodesLeft == 0 && reason(err) == authenticator.Locked {
			return nil, fail("no_attempts_left", err)
		}
		return nil, answerError(s, err, "send_otp_failed")
	}
	return codeAnswer{text(o.handle), destinationsOf(s.Code)}, nil
}

// codeAnswer says where a one-time code went.
type codeAnswer struct {
	TransactionID text `json:"transactionId"`
	codeDestinations
}

type codeDestinations struct {
	MaskedEmail  *string `json:"maskedEmail"`
	MaskedMobile *string `json:"maskedMobile"`
}

func destinationsOf(c *authenticator.CodeReceipt) (to codeDestinations) {
	if c == nil {
		return to
	}
	for _, d := range c.Destinations {
		if strings.Contains(d, "@") {
			to.MaskedEmail = &d
		} else {
			to.MaskedMobile = &d
		}
	}
	return to
}

// guarded makes a call for which a captcha is perhaps to be solved first, which sometimes only the call itself finds out. No
// version of the API goes around it. A token is good for one captcha.
func (p *authorization) guarded(
	ctx context.Context, handle string, s *login.State, token *text, call func() (*login.State, error),
) (*login.State, error) {
	if s.Captcha != nil {
		if err := p.solve(ctx, handle, token); err != nil {
			return nil, err
		}
	}
	s, err := call()
	if !errors.Is(err, login.ErrCaptcha) {
		return s, err
	}
	if err := p.solve(ctx, handle, token); err != nil {
		return nil, err
	}
	return call()
}

// solve takes the solution of a captcha.
func (p *authorization) solve(ctx context.Context, handle string, token *text) error {
	if blank(*token) {
		return fail("invalid_captcha", nil)
	}
	_, err := p.Flow.SolveCaptcha(ctx, handle, string(*token))
	if _, ok := errors.AsType[*authenticator.Error](err); ok || errors.Is(err, login.ErrCaptcha) {
		return fail("invalid_captcha", err)
	}
	*token = ""
	return err
}

// authenticateRequest answers challenges.
type authenticateRequest struct {
	TransactionID text        `json:"transactionId"`
	IndividualID  text        `json:"individualId"`
	ChallengeList []challenge `json:"challengeList"`
}

type authenticateV3 struct {
	authenticateRequest
	CaptchaToken text `json:"captchaToken"`
}

func (q *authenticateRequest) validate(v *violations) {
	v.check(!blank(q.TransactionID), "request.transactionId", invalidTransactionID)
	v.check(!blank(q.IndividualID), "request.individualId", invalidIdentifier)
}

func (q *authenticateRequest) challenges() []challenge { return q.ChallengeList }

func (p *authorization) authenticateV1(ctx context.Context, _ *http.Request, q *authenticateRequest) (any, error) {
	if _, err := p.authenticate(ctx, nil, q, ""); err != nil {
		return nil, err
	}
	return struct {
		TransactionID text `json:"transactionId"`
	}{q.TransactionID}, nil
}

func (p *authorization) authenticateV2(ctx context.Context, _ *http.Request, q *authenticateRequest) (any, error) {
	return p.authenticate(ctx, nil, q, "")
}

func (p *authorization) authenticateV3(ctx context.Context, r *http.Request, q *authenticateV3) (any, error) {
	return p.authenticate(ctx, r, &q.authenticateRequest, q.CaptchaToken)
}

func (p *authorization) authenticate(ctx context.Context, r *http.Request, q *authenticateRequest, token text) (any, error) {
	var provided []authenticator.Factor
	for _, c := range q.ChallengeList {
		provided = append(provided, factorOf(string(c.AuthFactorType)))
	}
	o, err := of(ctx, q.TransactionID)
	if err != nil {
		return nil, err
	}
	s := o.state
	option := slices.IndexFunc(s.Options, func(set authenticator.FactorSet) bool {
		return p.offered(set) && set.MetBy(provided)
	})
	if option < 0 {
		return nil, fail("auth_factor_mismatch", nil)
	}
	if s.Option >= 0 && s.Options[s.Option].MetBy(provided) { // the one that a code was sent for
		option = s.Option
	}
	if p.SignUp != nil && slices.Contains(s.Options[option], authenticator.IDToken) {
		if err := p.returned(ctx, r, q); err != nil {
			return nil, err
		}
	}
	if option != s.Option {
		if s, err = p.Flow.Choose(ctx, o.handle, option); err != nil {
			return nil, answerError(s, err, authFailed)
		}
	}
	for range s.Options[option] {
		if s.Factor == "" {
			break
		}
		if s, err = p.answer(ctx, o.handle, s, q, s.Factor, &token); err != nil {
			return nil, err
		}
	}
	return p.authenticated(o.handle, s)
}

// answer gives the answer to one challenge.
func (p *authorization) answer(
	ctx context.Context, handle string, s *login.State, q *authenticateRequest, f authenticator.Factor, token *text,
) (*login.State, error) {
	i := slices.IndexFunc(q.ChallengeList, func(c challenge) bool { return factorOf(string(c.AuthFactorType)) == f })
	response, ok := decodeChallenge(f, string(q.ChallengeList[i].Challenge))
	if ok && f == authenticator.Knowledge {
		var form *authenticator.Form
		if s.Factor == f {
			form = s.Form
		}
		response = flatten(form, response)
		ok = s.Factor != f || fits(form, response)
	}
	if !ok {
		return nil, challengeError(invalidChallenge, i)
	}
	s, err := p.guarded(ctx, handle, s, token, func() (*login.State, error) {
		return p.Flow.Answer(ctx, handle, authenticator.Identifier{Value: string(q.IndividualID)},
			authenticator.Challenge{Factor: f, Response: response})
	})
	if err != nil {
		return nil, answerError(s, err, authFailed)
	}
	if s.Step == login.StepDone && s.Response.Parameters.Get("code") == "" { // that was the last wrong answer
		return nil, fail(authFailed, nil)
	}
	return s, nil
}

func (p *authorization) authenticated(handle string, s *login.State) (any, error) {
	action := consentAction(s)
	if action == "" {
		return nil, fail(authFailed, nil)
	}
	return struct {
		TransactionID string `json:"transactionId"`
		ConsentAction string `json:"consentAction"`
	}{handle, action}, nil
}

// consentAction says whether the person is to be asked.
func consentAction(s *login.State) string {
	switch s.Step {
	case login.StepConsent, login.StepVerification, login.StepEnroll:
		return "CAPTURE"
	case login.StepDone:
		return "NOCAPTURE"
	}
	return ""
}

func reason(err error) authenticator.Reason {
	if e, ok := errors.AsType[*authenticator.Error](err); ok {
		return e.Reason
	}
	return ""
}

// answerError is what the pages learn of a code that was not sent, or an answer that was not right; otherwise says it of
// most.
func answerError(s *login.State, err error, otherwise string) error {
	switch {
	case errors.Is(err, login.ErrCaptcha):
		return fail("invalid_captcha", err)
	case errors.Is(err, login.ErrUnknown):
		return fail(invalidTransaction, err)
	case errors.Is(err, login.ErrStep):
		if s != nil && s.Step == login.StepDone && s.AttemptsLeft == 0 {
			return fail("no_attempts_left", err)
		}
		return fail(otherwise, err)
	}
	switch reason(err) {
	case "":
		return err
	case authenticator.Locked:
		return fail("individual_id_blocked", err)
	case authenticator.TooSoon:
		return fail("too_early_attempt", err)
	}
	return fail(otherwise, err)
}
