package login

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gosignet/signet/audit"
	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/consent"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/oidc"
)

// ErrEssential says that the person refused an essential claim, and the client gets nothing without. It comes with the
// present State, for the page to explain: they share it, or cancel.
var ErrEssential = errors.New("login: the client gets nothing without all essential claims")

// maxLanguage bounds what a page says its language is.
const maxLanguage = 35

// Consents remembers what people decided to share. A [consent.Registry] is one, and says what the methods do.
type Consents interface {
	Recall(ctx context.Context, q *consent.Question) (*consent.Answer, error)
	Decide(ctx context.Context, q *consent.Question, d consent.Decision, c consent.DecisionContext) (*consent.Answer, error)
}

// asking is why the person is asked, and what they were not asked about before.
type asking struct {
	Because consent.Reason `json:"because"`
	New     []string       `json:"new,omitempty"`
}

// consented is a decision, and the consent that covers it, where consents are remembered and anything is shared.
type consented struct {
	Decision  Decision
	ID        string
	ExpiresAt time.Time
}

// policy is how people are asked for the client.
func (f *Flow) policy(client *oauth.Client) consent.Policy {
	p := f.consentPolicy
	if client.RequireEssentialClaims {
		p.Essential = consent.MustGrant
	}
	if age := client.ConsentMaxAge; age != nil {
		p.Remember, p.Duration = consent.ForDuration, *age
		if *age < time.Second {
			p.Remember, p.Duration = consent.Never, 0
		}
	}
	if client.ConsentForSession && p.Remember != consent.Never {
		p.Remember = consent.Session // and for the Duration at most
	}
	return p
}

// required reports whether the client gets nothing unless it gets all essential claims.
func (f *Flow) required(client *oauth.Client) bool {
	return f.policy(client).Essential == consent.MustGrant
}

// recall finds out whether the person, who is known, must be asked, unless the record says so already: then they are,
// whatever they decided meanwhile in another login. That they need not be asked is not stored, so that it is never older
// than the call.
func (f *Flow) recall(ctx context.Context, client *oauth.Client, rec *record) error {
	if f.consents == nil || rec.step() != StepConsent || !rec.shares() || rec.Asking != nil || rec.recalled != nil {
		return nil
	}
	a, err := f.consents.Recall(ctx, f.question(client, rec))
	if err != nil {
		return fmt.Errorf("login: recall the consent: %w", err)
	}
	d, mixed := rec.decision(a.Decision)
	switch {
	case a.Reason != "":
		rec.Asking = &asking{Because: a.Reason, New: itemNames(a.New)}
	case len(mixed) > 0:
		rec.Asking = &asking{Because: consent.Widened, New: mixed}
	default:
		rec.recalled = &consented{Decision: d, ID: a.Record.ID, ExpiresAt: a.ExpiresAt}
	}
	return nil
}

// itemNames are the names of the items, each once.
func itemNames(items []consent.Item) []string {
	var all []string
	for _, item := range items {
		if !slices.Contains(all, item.Name) {
			all = append(all, item.Name)
		}
	}
	return all
}

// question is what the person is asked.
func (f *Flow) question(client *oauth.Client, rec *record) *consent.Question {
	asked := consent.Asked{
		ClientID: client.ID, Subject: f.openID.Subject(client, rec.identity().Subject),
		Scopes: rec.Scopes, Resources: rec.Request.Resources,
	}
	for _, name := range rec.Essential {
		if rec.plain(name) {
			asked.Essential = append(asked.Essential, name)
		}
	}
	for _, name := range rec.Voluntary {
		if rec.plain(name) {
			asked.Voluntary = append(asked.Voluntary, name)
		}
	}
	for _, v := range rec.Verified {
		asked.Verified = append(asked.Verified, consent.Verified{
			Name: v.Name, Purpose: v.Purpose, TrustFrameworks: v.TrustFrameworks, Evidence: v.Evidence,
			Essential: slices.Contains(rec.Essential, v.Name),
		})
	}
	return &consent.Question{
		Asked: asked, Policy: f.policy(client), SessionID: rec.SID, Prompt: rec.OpenID.HasPrompt(oidc.PromptConsent),
	}
}

// decision is a remembered one as a person makes it here: by name, in whichever ways the claim is asked for. Those names
// that were decided differently for different ways are mixed, and cannot be decided so.
func (r *record) decision(remembered consent.Decision) (d Decision, mixed []string) {
	for _, name := range slices.Concat(r.Essential, r.Voluntary) {
		plain, verified := slices.Contains(remembered.Claims, name), slices.Contains(remembered.Verified, name)
		switch {
		case r.verified(name) == nil && plain, !r.plain(name) && verified, plain && verified:
			d.Claims = append(d.Claims, name)
		case plain || verified:
			mixed = append(mixed, name)
		}
	}
	d.Scopes = remembered.Scopes
	return r.asked(d), mixed
}

// decide has the decision of the person remembered. It is durable, or the error says that nobody may build on it.
func (f *Flow) decide(ctx context.Context, handle string, client *oauth.Client, rec *record, d Decision) (*consented, error) {
	decided := rec.asked(d)
	if f.consents == nil || !rec.shares() {
		f.auditConsent(ctx, handle, client, rec, audit.Success)
		return &consented{Decision: decided}, nil
	}
	factors := rec.Options[rec.Option]
	acr, ok := f.met(rec, factors)
	if !ok { // the configuration changed on the way
		return nil, unmet()
	}
	read := language(d.Language)
	tags := authenticator.LanguageTags(read)
	a, err := f.consents.Decide(ctx, f.question(client, rec), consent.Decision{
		Claims: decided.Claims, Verified: decided.Claims, Scopes: decided.Scopes,
	}, consent.DecisionContext{
		Person:      rec.identity().Subject,
		Language:    read,
		ACR:         acr,
		AMR:         authenticator.AMR(factors),
		AuthTime:    rec.authTime(),
		Controller:  consent.Controller{Name: client.Name(tags...), PolicyURI: client.PolicyURI(tags...)},
		Transaction: ID(handle),
		Wallet:      d.wallet,
	})
	if errors.Is(err, consent.ErrTokens) { // whoever decides next ends them
		f.logger.ErrorContext(ctx, "tokens of a consent that ended may live", "transaction", ID(handle), "error", err)
		f.audit(ctx, handle, rec, audit.Event{
			Type: audit.TokenRevoked, Outcome: audit.Failed, Reason: "unavailable", Subject: a.Record.Subject,
		})
		err = nil
	}
	switch {
	case errors.Is(err, consent.ErrEssential):
		return nil, ErrEssential
	case errors.Is(err, consent.ErrEnded):
		return nil, &oauth.Error{Code: oauth.AccessDenied, Description: "the person took the consent back", Cause: err}
	case err != nil:
		return nil, fmt.Errorf("login: remember the consent: %w", err)
	}
	return &consented{Decision: decided, ID: a.Record.ID, ExpiresAt: a.ExpiresAt}, nil
}

// deniedBy is the error for the client if what cannot be asked, or decided, ends the login. Otherwise it is nil.
func deniedBy(err error) *oauth.Error {
	if e, ok := errors.AsType[*oauth.Error](err); ok {
		return e
	}
	if errors.Is(err, consent.ErrInvalid) {
		return &oauth.Error{Code: oauth.InvalidRequest, Description: "more is requested than a person can be asked", Cause: err}
	}
	return nil
}

// language is what a page calls its language, if that can be one.
func language(s string) string {
	valid := len(s) <= maxLanguage && !slices.ContainsFunc([]byte(s), func(c byte) bool {
		return c != '-' && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z')
	})
	if !valid {
		return ""
	}
	return s
}
