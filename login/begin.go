package login

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/gosignet/signet/audit"
	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/oidc"
)

// Begin starts a login for a valid authorization request and returns where it stands, and its handle, which only the
// person's browser may hold. The session is the token that the browser has of [Flow.KeepSession], or whatever else it claims to have; empty
// means none. If the session answers the request the login is over at once, as its State says. An error is for the
// client: [Flow.Refuse] makes the response of it.
func (f *Flow) Begin(
	ctx context.Context, req *oauth.AuthorizationRequest, session string,
) (handle string, state *State, err error) {
	rec, err := f.begin(ctx, req, session)
	if err != nil {
		return "", nil, err
	}
	if handle, err = f.logins.Create(ctx, *rec, f.lifetime); err != nil {
		return "", nil, outage(err)
	}
	f.audit(ctx, handle, rec, audit.Event{Type: audit.AuthorizationRequested, Outcome: audit.Success})
	if state, err = f.present(ctx, handle, rec, nil); state == nil {
		return "", nil, err
	}
	return handle, state, nil // what cannot be had for the page is for the page to say
}

// Refuse returns the response that tells the client why Begin failed. Of an error that is no [*oauth.Error] it tells
// nothing but server_error.
func (f *Flow) Refuse(ctx context.Context, req *oauth.AuthorizationRequest, err error) *oauth.AuthorizationResponse {
	return f.authorizer.Deny(ctx, req, oauth.AsError(err), "")
}

func (f *Flow) begin(ctx context.Context, req *oauth.AuthorizationRequest, token string) (*record, error) {
	client, err := f.clients.Client(ctx, req.ClientID)
	switch {
	case errors.Is(err, oauth.ErrUnknownClient):
		return nil, &oauth.Error{Code: oauth.UnauthorizedClient, Description: "the client is not active", Cause: err}
	case err != nil:
		return nil, fmt.Errorf("login: look up the client: %w", err)
	}
	r, err := f.openID.ParseRequest(ctx, client, req)
	if err != nil {
		return nil, err
	}
	acrs, err := f.accepted(client, r)
	if err != nil {
		return nil, err
	}
	asked := f.openID.Asked(client, r, req.Scope)
	rec := &record{
		Request:   *req,
		OpenID:    r,
		ExpiresAt: f.now().Add(f.lifetime),
		Essential: asked.Essential,
		Voluntary: asked.Voluntary,
		Scopes:    asked.Scopes,
		Verified:  asked.Verified,
		ACRs:      acrs.Values(),
		Options:   options(acrs),
		Option:    -1,
		AtOnce:    atOnce(ctx),
	}
	rec.Request.Parameters = nil // which OpenID has, read
	if err := f.bind(ctx, client, rec, token); err != nil {
		return nil, err
	}
	if err := f.welcome(ctx, rec); err != nil {
		return nil, err
	}
	rec.choose()
	if r.HasPrompt(oidc.PromptNone) {
		return rec, f.checkSilent(ctx, client, rec)
	}
	return rec, f.recall(ctx, client, rec)
}

// accepted are the contexts that the login may end in.
func (f *Flow) accepted(client *oauth.Client, r *oidc.Request) (authenticator.ACRs, error) {
	values, err := f.openID.ACRs(client, r)
	if err != nil {
		return nil, err
	}
	acrs := f.acrs
	if client.ID != f.verification.client {
		acrs = f.verification.others
	}
	acrs = acrs.Select(values, client.ACRValues)
	if len(acrs) == 0 {
		return nil, unmet()
	}
	return acrs, nil
}

// choose takes the first option for which the session stands, or the only one that there is.
func (r *record) choose() {
	for r.Option = range r.Options {
		if r.factor() == "" && !r.Selecting {
			return
		}
	}
	if r.Option = -1; len(r.Options) == 1 {
		r.Option = 0
	}
}

func options(acrs authenticator.ACRs) []authenticator.FactorSet {
	alternatives := acrs.Alternatives()
	sets := make([]authenticator.FactorSet, len(alternatives))
	for i, a := range alternatives {
		sets[i] = a.Factors
	}
	return sets
}

func unmet() *oauth.Error {
	return &oauth.Error{
		Code:        oauth.UnmetAuthenticationRequirements,
		Description: "none of the authentication contexts that the client may use is available",
	}
}

// met is the context that the factors of the login reached: the client's first, or the strongest if it asked for none.
func (f *Flow) met(rec *record, factors []authenticator.Factor) (string, bool) {
	if len(rec.OpenID.ACRValues) > 0 {
		return f.acrs.Select(rec.ACRs, nil).Met(factors)
	}
	configured := slices.DeleteFunc(slices.Clone(f.acrs), func(a authenticator.ACR) bool { return !slices.Contains(rec.ACRs, a.Value) })
	return configured.Strongest(factors)
}
