package esignet

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/gosignet/signet/consent"
	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/wallet"
)

const (
	invalidAcceptedClaim   = "invalid_accepted_claim"
	invalidPermittedScope  = "invalid_permitted_scope"
	invalidSignatureFormat = "invalid_signature_format"
)

// linkedConsent is what the person decided in their wallet.
type linkedConsent struct {
	LinkedTransactionID      text   `json:"linkedTransactionId"`
	AcceptedClaims           []text `json:"acceptedClaims"`
	PermittedAuthorizeScopes []text `json:"permittedAuthorizeScopes"`
}

func (q *linkedConsent) validate(v *violations) {
	v.check(!blank(q.LinkedTransactionID), "request.linkedTransactionId", invalidTransactionID)
	v.check(!slices.ContainsFunc(q.AcceptedClaims, blank), "request.acceptedClaims", invalidAcceptedClaim)
	v.check(!slices.ContainsFunc(q.PermittedAuthorizeScopes, blank), "request.permittedAuthorizeScopes", invalidPermittedScope)
}

// signedConsent has the wallet's signature, without the payload.
type signedConsent struct {
	linkedConsent
	Signature text `json:"signature"`
}

func (q *signedConsent) validate(v *violations) {
	q.linkedConsent.validate(v)
	header, signature, ok := strings.Cut(string(q.Signature), ".")
	v.check(ok && header != "" && signature != "" && !strings.Contains(signature, "."), "request.signature", invalidSignatureFormat)
}

// consentV1 is without a signature. In a login that needed no consent it changes nothing.
func (p *wallets) consentV1(ctx context.Context, _ *http.Request, q *linkedConsent) (any, error) {
	return p.consent(ctx, q, "", true)
}

func (p *wallets) consentV2(ctx context.Context, _ *http.Request, q *signedConsent) (any, error) {
	return p.consent(ctx, &q.linkedConsent, string(q.Signature), false)
}

func (p *wallets) consent(ctx context.Context, q *linkedConsent, signature string, again bool) (any, error) {
	before, err := p.transaction(ctx, q.LinkedTransactionID)
	if err != nil {
		return nil, err
	}
	claims, scopes := stringsOf(q.AcceptedClaims), stringsOf(q.PermittedAuthorizeScopes)
	done := before.Step == login.StepDone && before.Granted
	switch {
	case done && again:
		return linkedID{q.LinkedTransactionID}, nil
	case before.Step != login.StepConsent:
		return nil, fail(invalidTransaction, nil)
	case beyond(claims, slices.Concat(before.Essential, before.Voluntary)) || beyond(before.Essential, claims):
		return nil, fail(invalidAcceptedClaim, nil)
	case beyond(scopes, before.Scopes):
		return nil, fail(invalidPermittedScope, nil)
	}
	_, err = p.Linker.Consent(ctx, string(q.LinkedTransactionID), wallet.Decision{
		Claims: claims, Scopes: scopes, Signature: signature,
	})
	switch {
	case errors.Is(err, consent.ErrWallet):
		return nil, fail(invalidSignatureFormat, err)
	case errors.Is(err, wallet.ErrDecision), errors.Is(err, login.ErrEssential):
		return nil, fail(invalidAcceptedClaim, err)
	case err != nil:
		return nil, linkError(err)
	}
	return linkedID{q.LinkedTransactionID}, nil
}

// beyond reports whether a list has what the other has not.
func beyond(list, all []string) bool {
	return slices.ContainsFunc(list, func(s string) bool { return !slices.Contains(all, s) })
}

func stringsOf(list []text) []string {
	s := make([]string, len(list))
	for i, t := range list {
		s[i] = string(t)
	}
	return s
}
