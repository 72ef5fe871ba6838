package login

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/gosignet/signet/audit"
	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/oidc"
	"github.com/gosignet/signet/store"
)

// Decide takes the person's decision on what to share and ends the login with a code for the client. What the decision
// holds beyond what was asked for is left out; without a claim that is required ([State.Required]) it is ErrEssential. Where
// there are [Consents], the decision is kept before there is a code. In a login that is over nothing changes: whoever
// decides again gets the same response.
func (f *Flow) Decide(ctx context.Context, handle string, d Decision) (*State, error) {
	rec, err := f.read(ctx, handle)
	if err != nil {
		return nil, err
	}
	if rec, err = f.checkSession(ctx, handle, rec); err != nil {
		return nil, err
	}
	switch rec.step() {
	case StepConsent:
	case StepDone:
		return f.present(ctx, handle, rec, nil)
	default:
		return f.present(ctx, handle, rec, ErrStep)
	}
	client, err := f.clients.Client(ctx, rec.Request.ClientID)
	if err != nil {
		return nil, fmt.Errorf("login: look up the client: %w", err)
	}
	if rec, err = f.stored(ctx, handle, rec); err != nil {
		return nil, err
	}
	rec, err = f.assure(ctx, handle, client, rec)
	switch {
	case err != nil:
		if _, ok := errors.AsType[*authenticator.Error](err); ok {
			return f.show(ctx, handle, client, rec, err)
		}
		return nil, err
	case rec.step() != StepConsent:
		return f.present(ctx, handle, rec, ErrStep)
	}
	var c *consented
	if err = rec.suffices(d, f.required(client)); err == nil {
		c, err = f.decide(ctx, handle, client, rec, d)
	}
	if errors.Is(err, ErrEssential) {
		if err := f.recall(ctx, client, rec); err != nil { // for the page
			return nil, err
		}
		return f.show(ctx, handle, client, rec, ErrEssential)
	}
	if denied := deniedBy(err); denied != nil {
		rec, err = f.end(ctx, handle, rec, f.authorizer.Deny(ctx, &rec.Request, denied, ID(handle)))
	} else if err == nil {
		rec, err = f.settle(ctx, handle, client, rec, c)
	}
	if err != nil {
		return nil, err
	}
	return f.show(ctx, handle, client, rec, nil)
}

// suffices is ErrEssential if a decision lacks an essential claim that is required.
func (r *record) suffices(d Decision, required bool) error {
	lacks := func(name string) bool { return !slices.Contains(d.Claims, name) }
	if required && slices.ContainsFunc(r.Essential, lacks) {
		return ErrEssential
	}
	return nil
}

// Cancel ends the login at the person's wish: the client is told access_denied. A login that is over stays as it is.
func (f *Flow) Cancel(ctx context.Context, handle string) (*State, error) {
	rec, err := f.read(ctx, handle)
	if err != nil {
		return nil, err
	}
	client, err := f.clients.Client(ctx, rec.Request.ClientID)
	if err != nil {
		return nil, fmt.Errorf("login: look up the client: %w", err)
	}
	if rec.Response == nil {
		f.auditConsent(ctx, handle, client, rec, audit.Refused)
		rec, err = f.end(ctx, handle, rec, f.deny(ctx, handle, rec, oauth.AccessDenied, "the person canceled the login"))
		if err != nil {
			return nil, err
		}
	}
	return f.show(ctx, handle, client, rec, nil)
}

// reachConsent takes a login in StepConsent as far as it goes without the person: to StepVerification, if something is to
// be verified first, or to its end, if there is nothing to decide.
func (f *Flow) reachConsent(ctx context.Context, handle string, client *oauth.Client, rec *record) (*record, error) {
	rec, err := f.assure(ctx, handle, client, rec)
	if err != nil || rec.step() != StepConsent {
		return rec, err
	}
	err = f.recall(ctx, client, rec)
	if denied := deniedBy(err); denied != nil {
		return f.end(ctx, handle, rec, f.authorizer.Deny(ctx, &rec.Request, denied, ID(handle)))
	}
	switch {
	case err != nil:
		return nil, err
	case !rec.asks():
		return f.settleSilently(ctx, handle, client, rec)
	case rec.OpenID.HasPrompt(oidc.PromptNone): // taken back meanwhile
		return f.end(ctx, handle, rec, f.authorizer.Deny(ctx, &rec.Request, consentRequired(), ID(handle)))
	}
	return rec, nil
}

// stored is the record as it is stored: it was perhaps just begun, or moved by another request.
func (f *Flow) stored(ctx context.Context, handle string, rec *record) (*record, error) {
	if rec.held != nil {
		return rec, nil
	}
	known := rec
	rec, err := f.read(ctx, handle)
	if err == nil && rec.step() == StepConsent && rec.identity().Subject == known.identity().Subject {
		rec.recalled = known.recalled
	}
	return rec, err
}

// settleSilently ends a login that asks for no decision, unless it turns out that it does.
func (f *Flow) settleSilently(ctx context.Context, handle string, client *oauth.Client, rec *record) (*record, error) {
	rec, err := f.checkSession(ctx, handle, rec)
	if err == nil && rec.step() == StepConsent {
		rec, err = f.stored(ctx, handle, rec)
	}
	if err == nil {
		err = f.recall(ctx, client, rec)
	}
	if err != nil || rec.step() != StepConsent || rec.asks() {
		return rec, err
	}
	return f.settle(ctx, handle, client, rec, rec.remembered())
}

// settle ends a login whose person is known and has decided.
//
// The code is stored, the request_uri spent and the login ended in one batch, of which any part may fail. The code is
// derived from the decision, so that concurrent and later repetitions store the same one, and a person who decides
// differently after a failure is not held to the first decision. Whichever response ends the login is the only one that
// is ever shown to anybody, and nobody is shown one for which another login got the request_uri: see [Flow.spent].
func (f *Flow) settle(
	ctx context.Context, handle string, client *oauth.Client, rec *record, c *consented,
) (*record, error) {
	grant, err := f.grant(handle, client, rec, c)
	if e, ok := errors.AsType[*oauth.Error](err); ok {
		return f.end(ctx, handle, rec, f.deny(ctx, handle, rec, e.Code, e.Description))
	}
	if err != nil {
		return nil, err
	}
	var b store.Batch
	response, approved, err := f.authorizer.ApproveIn(ctx, &b, &rec.Request, *grant, f.code(handle, c))
	if err != nil {
		return nil, fmt.Errorf("login: approve: %w", err)
	}
	made := f.makeSession(rec, c.Decision)
	var before record
	var refusal error // of the login's end on a second try, once it is known
	ended := f.logins.UpdateHeldIn(&b, rec.held, func(r *record) error {
		before = *r
		if refusal == nil && r.Response != nil {
			refusal = errStay
		}
		if refusal != nil {
			return refusal
		}
		if made != nil && r.Bound != nil {
			r.Session = r.Bound.Session
		}
		r.Made, r.Unspent = made, r.Request.RequestURI != ""
		r.end(response)
		return nil
	})
	b.Do(ctx)
	notApproved := approved(ctx)
	refusal = notApproved
	held, err := ended(ctx)
	after := rec
	if err == nil {
		after = recordOf(held)
	}
	if e, ok := errors.AsType[*oauth.Error](notApproved); ok {
		return f.lost(ctx, handle, after, e)
	}
	switch {
	case notApproved != nil:
		if err == nil {
			f.undo(ctx, handle, held, before)
		}
		return nil, fmt.Errorf("login: approve: %w", notApproved)
	case errors.Is(err, errStay):
		return f.spent(ctx, handle, &before)
	case err != nil:
		return nil, outage(err)
	}
	if rec.continues() {
		f.auditSession(ctx, handle, client, rec)
	}
	return after, nil
}

// undo takes back the end of a login whose code could not be stored, so that the person may decide again. If somebody
// moved the login meanwhile, it stays as it is.
func (f *Flow) undo(ctx context.Context, handle string, ended *store.Held[record], before record) {
	again := false
	_, err := f.logins.UpdateHeld(context.WithoutCancel(ctx), ended, func(r *record) error {
		if again {
			return errStay
		}
		*r, again = before, true
		return nil
	})
	if err != nil {
		f.logger.WarnContext(ctx, "a login ended with a code that was not stored", "transaction", ID(handle), "error", err)
	}
}

// spent makes sure that a login with a pushed request, if it ended with a code, is the one that got the request_uri: that
// was asked for at the moment in which the login ended, and whoever asked may not have lived to hear the answer.
func (f *Flow) spent(ctx context.Context, handle string, rec *record) (*record, error) {
	if !rec.Unspent {
		return rec, nil
	}
	err := f.authorizer.SpendRequest(ctx, &rec.Request, ID(handle))
	if e, ok := errors.AsType[*oauth.Error](err); ok {
		return f.lost(ctx, handle, rec, e)
	}
	if err != nil {
		return nil, fmt.Errorf("login: spend the request: %w", err)
	}
	return rec, nil
}

// lost ends a login with the error that another login got the request_uri.
func (f *Flow) lost(ctx context.Context, handle string, rec *record, e *oauth.Error) (*record, error) {
	denied := f.authorizer.Deny(ctx, &rec.Request, e, ID(handle))
	rec, err := f.update(ctx, handle, rec, func(r *record) error {
		if r.Response != nil && !r.Unspent {
			return errStay
		}
		r.Made, r.Unspent = nil, false
		r.end(denied)
		return nil
	})
	if errors.Is(err, errStay) {
		err = nil
	}
	return rec, err
}

// asked reduces a decision to what was asked for, in the order in which it was.
func (r *record) asked(d Decision) Decision {
	chosen := func(asked, chosen []string) []string {
		return slices.DeleteFunc(slices.Clone(asked), func(name string) bool { return !slices.Contains(chosen, name) })
	}
	return Decision{
		Claims: chosen(slices.Concat(r.Essential, r.Voluntary), d.Claims),
		Scopes: chosen(r.Scopes, d.Scopes),
	}
}

// grant is what the person grants: of the scopes those that they chose, and those that they were not asked about because
// they only ask for claims.
func (f *Flow) grant(handle string, client *oauth.Client, rec *record, c *consented) (*oauth.Grant, error) {
	factors := rec.Options[rec.Option]
	acr, ok := f.met(rec, factors)
	if !ok { // the configuration changed on the way
		return nil, unmet()
	}
	scope := slices.DeleteFunc(slices.Clone(rec.Request.Scope), func(s string) bool {
		return slices.Contains(rec.Scopes, s) && !slices.Contains(c.Decision.Scopes, s)
	})
	authorization, err := f.openID.Authorize(client, rec.OpenID, scope, rec.identity(), c.Decision.Claims)
	if err != nil {
		return nil, err
	}
	authorization.SessionID = rec.SID
	data, err := json.Marshal(authorization)
	if err != nil {
		return nil, fmt.Errorf("login: encode the authorization: %w", err)
	}
	grant := &oauth.Grant{
		ID:          c.ID,
		ExpiresAt:   c.ExpiresAt,
		Subject:     f.openID.Subject(client, rec.identity().Subject),
		Scope:       scope,
		AuthTime:    rec.authTime(),
		ACR:         acr,
		AMR:         authenticator.AMR(factors),
		Transaction: ID(handle),
		Data:        data,
	}
	if f.consents != nil {
		grant.Person = rec.identity().Subject
	}
	return grant, nil
}

// code derives the authorization code of a decision, and of the consent that covers it, which may have followed one that
// was taken back: a handle that nobody can tell from one of [store.NewHandle], or
// compute, without both the login's handle and the secret.
func (f *Flow) code(handle string, c *consented) string {
	input := make([]byte, 0, 256)
	for _, s := range slices.Concat([]string{handle, c.ID}, c.Decision.Claims, []string{""}, c.Decision.Scopes) {
		input = append(append(strconv.AppendInt(input, int64(len(s)), 10), ':'), s...)
	}
	return f.codes.Name(input)
}

// end ends the login with the response, unless it ended before.
func (f *Flow) end(
	ctx context.Context, handle string, rec *record, response *oauth.AuthorizationResponse,
) (*record, error) {
	rec, err := f.update(ctx, handle, rec, func(r *record) error {
		if r.Response != nil {
			return errStay
		}
		r.end(response)
		return nil
	})
	if errors.Is(err, errStay) {
		err = nil
	}
	return rec, err
}

// deny is the response that tells the client why it gets no code.
func (f *Flow) deny(ctx context.Context, handle string, rec *record, code oauth.ErrorCode, why string) *oauth.AuthorizationResponse {
	return f.authorizer.Deny(ctx, &rec.Request, &oauth.Error{Code: code, Description: why}, ID(handle))
}

// auditConsent records a decision, if there was one to make.
func (f *Flow) auditConsent(ctx context.Context, handle string, client *oauth.Client, rec *record, outcome audit.Outcome) {
	if rec.step() == StepConsent && rec.asks() {
		f.audit(ctx, handle, rec, audit.Event{
			Type: audit.ConsentDecided, Outcome: outcome, Subject: f.openID.Subject(client, rec.identity().Subject),
		})
	}
}
