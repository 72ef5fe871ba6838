package esignet

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/internal/jwt"
	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/wallet"
)

const (
	invalidChallenge       = "invalid_challenge"
	invalidChallengeFormat = "invalid_challenge_format"
	invalidFactor          = "invalid_auth_factor_type"
	invalidCaptcha         = "invalid_captcha"
	invalidChannel         = "invalid_otp_channel"
)

// linkedCodeRequest asks for a one-time code. The transaction is that of the wallet.
type linkedCodeRequest struct {
	TransactionID text   `json:"transactionId"`
	IndividualID  text   `json:"individualId"`
	OTPChannels   []text `json:"otpChannels"`
	CaptchaToken  text   `json:"captchaToken"`
}

func (q *linkedCodeRequest) validate(v *violations) {
	v.check(!blank(q.TransactionID), "request.transactionId", invalidTransactionID)
	v.check(!blank(q.IndividualID), "request.individualId", invalidIdentifier)
}

func (q *linkedCodeRequest) channels() []text { return q.OTPChannels }

func (p *wallets) sendOTP(ctx context.Context, _ *http.Request, q *linkedCodeRequest) (any, error) {
	if err := p.solve(ctx, q.TransactionID, q.CaptchaToken); err != nil {
		return nil, err
	}
	id := authenticator.Identifier{Value: string(q.IndividualID)}
	t, err := p.Linker.SendCode(ctx, string(q.TransactionID), id, chosen(p.Channels, q.OTPChannels)...)
	if err != nil {
		return nil, proofError(t, err, "send_otp_failed")
	}
	return codeAnswer{q.TransactionID, destinationsOf(t.Code)}, nil
}

// solve takes the solution of a captcha, where one is due.
func (p *wallets) solve(ctx context.Context, handle, token text) error {
	t, err := p.transaction(ctx, handle)
	switch {
	case err != nil || t.Captcha == nil:
		return err
	case blank(token):
		return fail(invalidCaptcha, nil)
	}
	t, err = p.Linker.SolveCaptcha(ctx, string(handle), string(token))
	if err != nil {
		return proofError(t, err, invalidCaptcha)
	}
	return nil
}

// linkedProof proves who the person is.
type linkedProof struct {
	LinkedTransactionID text        `json:"linkedTransactionId"`
	IndividualID        text        `json:"individualId"`
	ChallengeList       []challenge `json:"challengeList"`
	CaptchaToken        text        `json:"captchaToken"`
}

func (q *linkedProof) validate(v *violations) {
	v.check(!blank(q.LinkedTransactionID), "request.linkedTransactionId", invalidTransactionID)
	v.check(!blank(q.IndividualID), "request.individualId", invalidIdentifier)
}

func (q *linkedProof) challenges() []challenge { return q.ChallengeList }

// linkedID is the answer of the first versions.
type linkedID struct {
	LinkedTransactionID text `json:"linkedTransactionId"`
}

func (p *wallets) authenticateV1(ctx context.Context, _ *http.Request, q *linkedProof) (any, error) {
	_, err := p.authenticate(ctx, q)
	return linkedID{q.LinkedTransactionID}, err
}

func (p *wallets) authenticateV2(ctx context.Context, _ *http.Request, q *linkedProof) (any, error) {
	t, err := p.authenticate(ctx, q)
	if err != nil {
		return nil, err
	}
	action := "CAPTURE"
	if t.Step == login.StepDone {
		action = "NOCAPTURE"
	}
	return struct {
		LinkedTransactionID text   `json:"linkedTransactionId"`
		ConsentAction       string `json:"consentAction"`
	}{q.LinkedTransactionID, action}, nil
}

func (p *wallets) authenticate(ctx context.Context, q *linkedProof) (*wallet.Transaction, error) {
	answers, err := answers(q.ChallengeList)
	if err != nil {
		return nil, err
	}
	before, err := p.transaction(ctx, q.LinkedTransactionID)
	if err != nil {
		return nil, err
	}
	switch {
	case before.Step == login.StepDone && !before.Granted && before.AttemptsLeft == 0:
		return nil, fail("no_attempts_left", nil)
	case before.Step == login.StepDone, before.Step == login.StepConsent:
		return nil, fail(invalidTransaction, nil)
	case !owns(answers, string(q.IndividualID)):
		return nil, fail(invalidChallenge, nil)
	case !meets(before.Options, answers):
		return nil, fail("auth_factor_mismatch", nil)
	}
	if err := p.solve(ctx, q.LinkedTransactionID, q.CaptchaToken); err != nil {
		return nil, err
	}
	id := authenticator.Identifier{Value: string(q.IndividualID)}
	t, err := p.Linker.Authenticate(ctx, string(q.LinkedTransactionID), id, answers...)
	wrong := "auth_failed"
	if answers[0].Factor == authenticator.Wallet {
		wrong = invalidChallenge
	}
	switch {
	case err != nil:
		return nil, proofError(t, err, wrong)
	case t.Step == login.StepDone && !t.Granted, t.Step != login.StepDone && t.Step != login.StepConsent:
		return nil, fail(wrong, nil)
	}
	return t, nil
}

// owns reports whether what wallets signed is about the person of the request: the login itself asks for no identifier beside
// it. Whether the signature is right, the login sees.
func owns(answers []authenticator.Challenge, individualID string) bool {
	for _, a := range answers {
		if a.Factor != authenticator.Wallet {
			continue
		}
		token, err := jwt.Parse(a.Response, jwt.Algorithms())
		if err != nil {
			return false
		}
		claims, err := jwt.DecodeClaims(token.UnverifiedPayload())
		if err != nil || claims.Subject != individualID {
			return false
		}
	}
	return true
}

// meets reports whether the answers are to all factors of an option.
func meets(options []authenticator.FactorSet, answers []authenticator.Challenge) bool {
	var factors []authenticator.Factor
	for _, a := range answers {
		factors = append(factors, a.Factor)
	}
	return slices.ContainsFunc(options, func(set authenticator.FactorSet) bool { return set.MetBy(factors) })
}

// proofError is what a wallet learns of a code that was not sent, or of an answer that was not right; otherwise says it of
// most.
func proofError(t *wallet.Transaction, err error, otherwise string) error {
	if errors.Is(err, login.ErrCaptcha) {
		return fail(invalidCaptcha, err)
	}
	if e, ok := errors.AsType[*authenticator.Error](err); ok {
		switch {
		case e.Reason == authenticator.Locked && t != nil && (t.CodesLeft == 0 && otherwise == "send_otp_failed" || t.AttemptsLeft == 0):
			return fail("no_attempts_left", err)
		case e.Reason == authenticator.Locked:
			return fail("individual_id_blocked", err)
		case e.Reason == authenticator.TooSoon:
			return fail("too_early_attempt", err)
		}
		return fail(otherwise, err)
	}
	return linkError(err)
}
