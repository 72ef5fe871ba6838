package login

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/consent"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/oidc"
)

// Join binds a login that began without the browser's session to it, as [Flow.Begin] would have. A browser keeps its
// session back when another site has it POST an authorization request, and sends it with the redirect that follows. A
// login that is bound, in which the person did anything, or that is over, stays as it is.
func (f *Flow) Join(ctx context.Context, handle, session string) (*State, error) {
	rec, err := f.read(ctx, handle)
	if err != nil {
		return nil, err
	}
	client, err := f.clients.Client(ctx, rec.Request.ClientID)
	if err != nil {
		return nil, fmt.Errorf("login: look up the client: %w", err)
	}
	if rec.untouched() {
		joined := *rec
		if err := f.bind(ctx, client, &joined, session); err != nil {
			return nil, err
		}
		joined.choose()
		if err := f.recall(ctx, client, &joined); err != nil {
			return nil, err
		}
		rec, err = f.update(ctx, handle, rec, func(r *record) error {
			if joined.Bound == nil || !r.untouched() {
				return errStay
			}
			devices, enrolling := r.Devices, r.Enrolling // which the page may have come to meanwhile
			*r = joined
			r.Devices, r.Enrolling = devices, enrolling
			return nil
		})
		if err == nil {
			rec.recalled = joined.recalled
		}
	}
	return f.present(ctx, handle, rec, err)
}

// untouched reports whether nobody did anything in the login.
func (r *record) untouched() bool {
	return r.Bound == nil && !r.Anybody && r.Response == nil && !r.identified() && r.Attempts+r.Codes == 0 &&
		(r.Option < 0 || len(r.Options) == 1)
}

// SelectAccount takes the person's word on whether they are the one who is logged in: in StepAccount, and, for those who
// are not, wherever State.CanSwitch. Somebody else then proves who they are as if there were no session; when their
// login succeeds, the session of the other ends. What does not fit the present step changes nothing.
func (f *Flow) SelectAccount(ctx context.Context, handle string, other bool) (*State, error) {
	rec, err := f.update(ctx, handle, nil, func(r *record) error {
		switch {
		case other && r.canSwitch():
			r.unbind()
		case !other && r.Selecting:
			r.Selecting = false
			r.choose()
		default:
			return errStay
		}
		return nil
	})
	return f.present(ctx, handle, rec, err)
}

// bind ties the login to the session of the browser, if there is one that the request lets stand.
func (f *Flow) bind(ctx context.Context, client *oauth.Client, rec *record, token string) error {
	if !f.sessions.limits.on() {
		return nil
	}
	rec.SID = newSID()
	s, err := f.sessions.get(ctx, token)
	if err != nil || s == nil {
		return err
	}
	if !rec.OpenID.AcceptsSubject(f.openID.Subject(client, s.Identity.Subject)) {
		return nil
	}
	rec.Bound = &bound{Session: token, Account: s.Account, Identifier: s.Identifier, Identity: s.Identity}
	rec.Selecting = rec.OpenID.HasPrompt(oidc.PromptSelectAccount)
	if age := f.maxAge(client, rec.OpenID); age > 0 {
		rec.Bound.Proofs = s.fresh(f.now(), age)
	}
	if len(rec.Bound.Proofs) > 0 {
		rec.Identifier = s.Identifier
	}
	if known := s.participant(client.ID); known != nil {
		rec.SID = known.SIDs[0]
		// A session does not know how old a decision is.
		if p := f.policy(client); f.consents == nil && p.Remember != consent.Never && p.Duration == 0 {
			rec.Bound.Consent = known.decided(rec)
		}
	}
	return nil
}

// maxAge is how old a proof may be for the request. Zero means that none will do: max_age=0 is prompt=login (OpenID
// Connect Core section 3.1.2.1).
func (f *Flow) maxAge(client *oauth.Client, r *oidc.Request) time.Duration {
	if r.HasPrompt(oidc.PromptLogin) {
		return 0
	}
	age := f.sessions.limits.Total
	switch {
	case r.MaxAge != nil:
		age = min(age, *r.MaxAge)
	case client.DefaultMaxAge != nil:
		age = min(age, *client.DefaultMaxAge)
	}
	return age
}

// decided is what the person granted of what the request asks for, if they were asked for all of it. An essential claim
// that they did not grant is asked for again: it may have been a choice, and is none now. So is a claim that they granted
// in one way and not in another in which it is asked for too.
func (p *participant) decided(r *record) *Decision {
	all := func(asked, known []string) bool {
		return !slices.ContainsFunc(asked, func(name string) bool { return !slices.Contains(known, name) })
	}
	if !all(r.ways(r.Essential), p.Granted.Claims) || !all(r.ways(r.Voluntary), p.Asked.Claims) ||
		!all(r.Scopes, p.Asked.Scopes) {
		return nil
	}
	d := Decision{Claims: r.Essential, Scopes: p.Granted.Scopes}
	for _, name := range r.Voluntary {
		ways := r.ways([]string{name})
		switch granted := all(ways, p.Granted.Claims); {
		case granted:
			d.Claims = append(slices.Clip(d.Claims), name)
		case slices.ContainsFunc(ways, func(way string) bool { return slices.Contains(p.Granted.Claims, way) }):
			return nil
		}
	}
	d = r.asked(d)
	return &d
}

// ways are the claims as a session remembers them: who shares one as it is has not shared how it was verified, nor with
// another kind of verification. No name of a claim has a "#".
func (r *record) ways(claims []string) []string {
	var ways []string
	for _, name := range claims {
		if r.plain(name) {
			ways = append(ways, name)
		}
		if v := r.verified(name); v != nil {
			item, _ := json.Marshal(consent.Verified{Purpose: v.Purpose, TrustFrameworks: v.TrustFrameworks, Evidence: v.Evidence})
			sum := sha256.Sum256(item)
			ways = append(ways, name+"#"+base64.RawURLEncoding.EncodeToString(sum[:16]))
		}
	}
	return ways
}

// checkSilent refuses a request for a login without a page, unless the login is over already (OpenID Connect Core section
// 3.1.2.6). Contexts that are merely wished for are no reason to refuse.
func (f *Flow) checkSilent(ctx context.Context, client *oauth.Client, rec *record) error {
	if rec.step() != StepConsent && rec.Bound != nil && !rec.OpenID.ACREssential && len(rec.OpenID.ACRValues) > 0 {
		unwished := *rec.OpenID
		unwished.ACRValues = nil
		acrs, err := f.accepted(client, &unwished)
		if err != nil {
			return err
		}
		rec.ACRs, rec.Options = acrs.Values(), options(acrs)
		rec.choose()
	}
	if err := f.recall(ctx, client, rec); err != nil {
		return err
	}
	switch {
	case rec.step() != StepConsent:
		return &oauth.Error{Code: oauth.LoginRequired, Description: "nobody can be logged in without a page"}
	case rec.asks():
		return consentRequired()
	}
	return nil
}

func consentRequired() *oauth.Error {
	return &oauth.Error{Code: oauth.ConsentRequired, Description: "the person has to be asked for consent"}
}

// unbind makes the login anybody's.
func (r *record) unbind() {
	r.Bound, r.Selecting, r.Anybody, r.SID = nil, false, true, newSID()
	r.Asking, r.recalled, r.Assured, r.Unverified, r.Verification = nil, nil, false, nil, nil
	if !r.identified() {
		r.Identifier, r.Code, r.Editing = authenticator.Identifier{}, nil, false
		r.Channels, r.Devices, r.Enrolling = nil, nil, ""
		r.choose()
	}
}

// checkSession makes sure, before a login ends, that the session that it is bound to is still there: it may have ended
// while the person was on a page. If not, the login goes on without, and the record is where it then stands.
func (f *Flow) checkSession(ctx context.Context, handle string, rec *record) (*record, error) {
	if rec.Bound == nil {
		return rec, nil
	}
	s, err := f.sessions.get(ctx, rec.Bound.Session)
	if err != nil || s != nil {
		return rec, err
	}
	var denied *oauth.AuthorizationResponse
	if rec.OpenID.HasPrompt(oidc.PromptNone) {
		denied = f.deny(ctx, handle, rec, oauth.LoginRequired, "the session ended meanwhile")
	}
	rec, err = f.update(ctx, handle, rec, func(r *record) error {
		switch {
		case r.Response != nil || r.Bound == nil:
			return errStay
		case denied != nil:
			r.end(denied)
		default:
			r.unbind()
		}
		return nil
	})
	if errors.Is(err, errStay) {
		err = nil
	}
	return rec, err
}
