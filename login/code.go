package login

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/gosignet/signet/audit"
	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/store"
)

// SendCode has a one-time code sent to the person, for the first time or again; the identifier may then be empty, and so it
// may where the session has it ([State.IdentifierKnown]). While
// the last code is too fresh for another one, the error is TooSoon; once the login's codes or those of the identifier
// are used up, Locked. The channels are those of [State.Channels] by which the code is to come; none means that the identity
// system chooses or, for another code, that it comes as the last one did. Others are ErrStep. Whether the person exists is not to be learnt from it.
func (f *Flow) SendCode(
	ctx context.Context, handle string, id authenticator.Identifier, channels ...authenticator.Channel,
) (*State, error) {
	channels = distinct(channels)
	id.Value = strings.TrimSpace(id.Value)
	if id.Value != "" && id.Validate() != nil { // nothing to count
		rec, err := f.read(ctx, handle)
		if err == nil {
			claimed := *rec
			_, err = f.claimCode(&claimed, id, channels)
		}
		return f.present(ctx, handle, rec, err)
	}
	a, err := f.attempt(ctx, handle, UseCode, id)
	if err != nil {
		return nil, err
	}
	claimed := *a.rec
	send, err := f.claimCode(&claimed, id, channels)
	var b store.Batch
	switch {
	case err != nil:
		a.giveBack(ctx)
		return f.present(ctx, handle, a.rec, err)
	case !send:
		a.giveBackIn(&b)
		rec, err := f.updateIn(ctx, &b, handle, a.rec, func(r *record) error {
			if send, err := f.claimCode(r, id, channels); err != nil || !send {
				return err
			}
			return ErrStep
		})
		return f.present(ctx, handle, rec, err)
	}
	if err := f.admit(ctx, handle, a, claimed.Identifier); err != nil {
		if errors.Is(err, ErrCaptcha) {
			return f.withoutPass(ctx, handle, a, &claimed)
		}
		a.giveBackIn(&b)
		f.auditCode(ctx, handle, &claimed, err)
		return f.notSent(ctx, &b, handle, a, &claimed, err)
	}
	receipt, err := f.methods.of[authenticator.OTP].sendCode(ctx, &authenticator.CodeRequest{
		Transaction: ID(handle),
		ClientID:    claimed.Request.ClientID,
		Identifier:  claimed.Identifier,
		Channels:    slices.Clone(claimed.Channels),
		ACRs:        slices.Clone(claimed.ACRs),
		Locales:     slices.Clone(claimed.OpenID.UILocales),
	})
	f.auditCode(ctx, handle, &claimed, err)
	if err != nil {
		a.login.giveBack(&b)
		return f.notSent(ctx, &b, handle, a, &claimed, err)
	}
	rec, err := f.update(ctx, handle, a.rec, func(r *record) error {
		if !r.at(a.rec) || r.Identifier != a.rec.Identifier && r.Identifier != claimed.Identifier {
			return ErrStep
		}
		r.Identifier, r.Code, r.Editing, r.Channels = claimed.Identifier, receipt, false, claimed.Channels
		r.Codes = max(r.Codes, a.login.n())
		return nil
	})
	return f.present(ctx, handle, rec, err)
}

// claimCode moves the login to where a code is sent, and reports whether one is to be sent at all.
func (f *Flow) claimCode(r *record, id authenticator.Identifier, channels []authenticator.Channel) (send bool, err error) {
	m := f.methods.of[authenticator.OTP]
	switch {
	case r.proved(authenticator.OTP):
		return false, errStay
	case r.factor() != authenticator.OTP, m == nil || !m.has(channels):
		return false, ErrStep
	}
	before := r.Channels
	if len(channels) > 0 || r.step() == StepIdentify { // otherwise as the last time
		r.Channels = channels
	}
	if err := r.identify(id, r.fixed() || r.Code != nil && id.Value == ""); err != nil {
		return false, err
	}
	if r.Code != nil && f.now().Before(r.Code.ResendAfter) {
		if !r.Editing || !slices.Equal(r.Channels, before) {
			return false, &authenticator.Error{Reason: authenticator.TooSoon, RetryAt: r.Code.ResendAfter}
		}
		r.Editing = false // the same person again: the code that was sent still serves
		return false, nil
	}
	return true, nil
}

// notSent carries out the batch that gives the login its code back. If another call got one sent meanwhile, this one was
// its repetition.
func (f *Flow) notSent(
	ctx context.Context, b *store.Batch, handle string, a *attempt, claimed *record, cause error,
) (*State, error) {
	if _, ok := errors.AsType[*authenticator.Error](cause); !ok {
		return nil, cause
	}
	repeated := false
	rec, err := f.updateIn(ctx, b, handle, a.rec, func(r *record) error {
		repeated = r.Code != nil && claimed.Code == nil && r.at(claimed) && r.Identifier == claimed.Identifier
		codes := without(r.Codes, a.login)
		switch {
		case r.Response != nil, repeated && codes == r.Codes:
			return errStay
		case !r.typed(a.rec, claimed) && codes == r.Codes:
			return cause
		}
		r.Codes = codes
		return nil
	})
	if err == nil && !repeated {
		err = cause
	}
	return f.present(ctx, handle, rec, err)
}

// has reports whether codes can be sent by all of the channels.
func (m *method) has(channels []authenticator.Channel) bool {
	return !slices.ContainsFunc(channels, func(c authenticator.Channel) bool { return !slices.Contains(m.channels, c) })
}

// distinct are the channels in one order, without repetitions.
func distinct(channels []authenticator.Channel) []authenticator.Channel {
	return slices.Compact(slices.Sorted(slices.Values(channels)))
}

func (f *Flow) auditCode(ctx context.Context, handle string, rec *record, err error) {
	outcome, reason := verdict(err)
	f.audit(ctx, handle, rec, audit.Event{
		Type: audit.CodeSent, Outcome: outcome, Reason: reason, Factors: []string{string(authenticator.OTP)},
	})
}
