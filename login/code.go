package login

import (
	"context"
	"errors"
	"strings"

	"github.com/gosignet/signet/audit"
	"github.com/gosignet/signet/authenticator"
)

// SendCode has a one-time code sent to the person, for the first time or again; the identifier may then be empty. While
// the last code is too fresh for another one, the error is TooSoon; once the login's codes or those of the identifier
// are used up, Locked. Whether the person exists is not to be learnt from it.
func (f *Flow) SendCode(ctx context.Context, handle string, id authenticator.Identifier) (*State, error) {
	id.Value = strings.TrimSpace(id.Value)
	var send bool
	rec, err := f.update(ctx, handle, nil, func(r *record) (err error) {
		send, err = f.claimCode(r, id)
		return err
	})
	if err != nil || !send {
		return f.present(ctx, handle, rec, err)
	}
	receipt, err := f.sendCode(ctx, handle, rec)
	outcome, reason := verdict(err)
	f.audit(ctx, handle, rec, audit.Event{
		Type: audit.CodeSent, Outcome: outcome, Reason: reason, Factors: []string{string(authenticator.OTP)},
	})
	if err != nil {
		return f.notSent(ctx, handle, rec, err)
	}
	rec, err = f.update(ctx, handle, rec, func(r *record) error {
		if !r.at(rec) || r.Identifier != rec.Identifier {
			return ErrStep
		}
		r.Code, r.Editing = receipt, false
		return nil
	})
	return f.present(ctx, handle, rec, err)
}

// claimCode counts a code before it is sent, and reports whether it is to be sent.
func (f *Flow) claimCode(r *record, id authenticator.Identifier) (send bool, err error) {
	switch {
	case r.proved(authenticator.OTP):
		return false, errStay
	case r.factor() != authenticator.OTP:
		return false, ErrStep
	}
	if err := r.identify(id, r.identified() || r.Code != nil && id.Value == ""); err != nil {
		return false, err
	}
	if r.Code != nil && f.now().Before(r.Code.ResendAfter) {
		if !r.Editing {
			return false, &authenticator.Error{Reason: authenticator.TooSoon, RetryAt: r.Code.ResendAfter}
		}
		r.Editing = false // the same person again: the code that was sent still serves
		return false, nil
	}
	if r.Codes >= f.maxCodes {
		return false, &authenticator.Error{Reason: authenticator.Locked}
	}
	r.Codes++
	return true, nil
}

func (f *Flow) sendCode(ctx context.Context, handle string, rec *record) (*authenticator.CodeReceipt, error) {
	if _, err := f.limiter.spend(ctx, useCode, rec.Identifier); err != nil {
		return nil, err
	}
	return f.identities.sendCode(ctx, &authenticator.CodeRequest{
		Transaction: ID(handle),
		ClientID:    rec.Request.ClientID,
		Identifier:  rec.Identifier,
		Locales:     rec.OpenID.UILocales,
	})
}

// notSent gives the login its code back. If another call got one sent meanwhile, this one was its repetition.
func (f *Flow) notSent(ctx context.Context, handle string, claimed *record, cause error) (*State, error) {
	if _, ok := errors.AsType[*authenticator.Error](cause); !ok {
		return nil, cause
	}
	rec, err := f.update(ctx, handle, claimed, func(r *record) error {
		if r.Response != nil {
			return errStay
		}
		r.Codes = max(0, r.Codes-1)
		return nil
	})
	if err == nil && !(rec.Code != nil && claimed.Code == nil && rec.at(claimed)) {
		err = cause
	}
	return f.present(ctx, handle, rec, err)
}
