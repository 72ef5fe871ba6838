package esignet

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/gosignet/signet/login"
)

// codeRequest is what the person decided.
type codeRequest struct {
	TransactionID            text   `json:"transactionId"`
	AcceptedClaims           []text `json:"acceptedClaims"`
	PermittedAuthorizeScopes []text `json:"permittedAuthorizeScopes"`
}

func (q *codeRequest) validate(v *violations) {
	v.check(!blank(q.TransactionID), "request.transactionId", invalidTransactionID)
	v.check(!slices.ContainsFunc(q.AcceptedClaims, blank), "request.acceptedClaims", "invalid_accepted_claim")
	v.check(!slices.ContainsFunc(q.PermittedAuthorizeScopes, blank), "request.permittedAuthorizeScopes", "invalid_permitted_scope")
}

// codeResponse is what the pages take to the client.
type codeResponse struct {
	Nonce       *string `json:"nonce"`
	State       *string `json:"state"`
	Code        string  `json:"code"`
	RedirectURI string  `json:"redirectUri"`
}

func (p *authorization) authCode(ctx context.Context, _ *http.Request, q *codeRequest) (any, error) {
	o, err := of(ctx, q.TransactionID)
	if err != nil {
		return nil, err
	}
	s := o.state
	if s.Step == login.StepVerification { // the person goes on without
		if s, err = p.Flow.ResumeVerification(ctx, o.handle, nil); err != nil {
			return nil, answerError(s, err, invalidTransaction)
		}
	}
	if s.Step == login.StepConsent {
		d := login.Decision{Claims: strs(q.AcceptedClaims), Scopes: strs(q.PermittedAuthorizeScopes)}
		if !within(s.Essential, d.Claims) || !within(d.Claims, slices.Concat(s.Essential, s.Voluntary)) {
			return nil, fail("invalid_accepted_claim", nil)
		}
		if !within(d.Scopes, s.Scopes) {
			return nil, fail("invalid_permitted_scope", nil)
		}
		s, err = p.Flow.Decide(ctx, o.handle, d)
		if errors.Is(err, login.ErrEssential) {
			return nil, fail("invalid_accepted_claim", err)
		}
		if err != nil {
			return nil, answerError(s, err, invalidTransaction)
		}
	}
	if s.Step != login.StepDone || s.Response.Parameters.Get("code") == "" {
		return nil, fail(invalidTransaction, nil)
	}
	// The login would say the same again; the API says it once.
	if err := p.move(ctx, o.handle, func(t *transaction) bool { t.Over = true; return true }); err != nil {
		return nil, err
	}
	return codeResponse{o.Nonce, o.State, s.Response.Parameters.Get("code"), o.RedirectURI}, nil
}

func strs(texts []text) []string {
	s := make([]string, len(texts))
	for i, t := range texts {
		s[i] = string(t)
	}
	return s
}

// within reports whether all of part are in whole.
func within(part, whole []string) bool {
	return !slices.ContainsFunc(part, func(s string) bool { return !slices.Contains(whole, s) })
}

// claimStatus says whether a claim is verified as the client wants it.
type claimStatus struct {
	Claim     string `json:"claim"`
	Verified  bool   `json:"verified"`
	Available bool   `json:"available"`
}

// claimDetails says what is known of the claims, once for each transaction. Where nobody can say what is verified, nobody is told
// to have it verified.
func (p *authorization) claimDetails(w http.ResponseWriter, r *http.Request) {
	o, err := of(r.Context(), text(r.Header.Get("oauth-details-key")))
	if err == nil {
		err = p.once(r.Context(), "claim-details", o.handle)
	}
	if err != nil {
		p.api.finish(w, r, nil, err)
		return
	}
	status, incomplete := []claimStatus{}, false
	for _, claim := range o.Claims {
		verified, available := o.state.Assurances[claim]
		status = append(status, claimStatus{claim, verified, available})
		incomplete = incomplete || !verified && o.state.Assurances != nil && slices.Contains(o.Verified, claim)
	}
	p.api.finish(w, r, struct {
		TransactionID         string        `json:"transactionId"`
		ConsentAction         string        `json:"consentAction"`
		ProfileUpdateRequired bool          `json:"profileUpdateRequired"`
		ClaimStatus           []claimStatus `json:"claimStatus"`
	}{o.handle, consentAction(o.state), incomplete, status}, nil)
}
