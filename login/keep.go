package login

import (
	"context"
	"errors"
	"slices"

	"github.com/gosignet/signet/audit"
	"github.com/gosignet/signet/oauth"
)

type elsewhereKey struct{}

// WithPersonElsewhere returns a context for what a person does on another device than the one with the browser, such as a
// wallet that scanned a code. What they prove there is for this login alone: it makes no session, in which whoever sits before
// the browser would log in as them elsewhere too.
func WithPersonElsewhere(ctx context.Context) context.Context {
	return context.WithValue(ctx, elsewhereKey{}, true)
}

func elsewhere(ctx context.Context) bool { return ctx.Value(elsewhereKey{}) != nil }

// proveElsewhere makes the login part of no session but the one that the browser has.
func (r *record) proveElsewhere() {
	if r.Elsewhere = true; r.Bound == nil {
		r.SID = ""
	}
}

// makeSession is what the login brings to a session when it ends with the decision.
func (f *Flow) makeSession(rec *record, d Decision) *session {
	if !f.sessions.limits.on() || rec.Elsewhere && rec.Bound == nil {
		return nil
	}
	p := participant{ClientID: rec.Request.ClientID, SIDs: []string{rec.SID}, Used: f.now()}
	if f.consents == nil && rec.asks() {
		p.Asked = Decision{Claims: rec.ways(slices.Concat(rec.Essential, rec.Voluntary)), Scopes: rec.Scopes}
		p.Granted = Decision{Claims: rec.ways(d.Claims), Scopes: d.Scopes}
	}
	s := &session{Identity: *rec.identity(), Participants: []participant{p}}
	if len(rec.Succeeded) > 0 {
		s.Identifier, s.Account = rec.Identifier, rec.account()
	}
	if rec.Elsewhere {
		return s
	}
	for _, factor := range rec.Succeeded {
		s.Proofs = append(s.Proofs, proof{Factor: factor, At: rec.AuthTime})
	}
	return s
}

// KeepSession puts a login that succeeded into the session of the browser, and returns the token that the browser is to
// keep from now on instead of its present one. If it is empty, the browser keeps what it has. It is called whenever the
// browser is sent to the client, and may be repeated.
//
// A person who proved anything gets a new token, and the old one is worth nothing any more, whoever else may have it.
// If the present session is another person's, it ends, and its clients are told.
func (f *Flow) KeepSession(ctx context.Context, handle, present string) (token string, err error) {
	if !f.sessions.limits.on() {
		return "", nil
	}
	rec, err := f.read(ctx, handle)
	if err != nil {
		return "", err
	}
	token = rec.Session
	switch {
	case rec.Made == nil: // nothing to keep, or kept before
		if s, err := f.sessions.get(ctx, token); s == nil {
			return "", err
		}
		return token, nil
	case len(rec.Made.Proofs) == 0:
		ok, dropped, err := f.sessions.extend(ctx, token, rec.Made)
		if err != nil {
			return "", err
		}
		if !ok { // it ended meanwhile
			token = ""
		}
		f.loggedOut(ctx, rec.Made.Identity.Subject, dropped)
	default:
		if token, err = f.beginSession(ctx, handle, rec, present); err != nil {
			return "", err
		}
	}
	_, err = f.update(ctx, handle, rec, func(r *record) error {
		if r.Made == nil {
			return errStay
		}
		r.Made, r.Session, r.Unspent = nil, token, false
		return nil
	})
	if errors.Is(err, errStay) {
		err = nil
	}
	return token, err
}

// beginSession begins a session of a person who authenticated, with what remains of the old ones of the browser: the one
// that the login continued, and the one that it has now.
func (f *Flow) beginSession(ctx context.Context, handle string, rec *record, present string) (string, error) {
	token := f.sessions.token(handle)
	s := rec.Made
	var dropped []participant
	replaced := map[string]bool{}
	for _, old := range []string{present, rec.Session} {
		if old == "" || old == token || replaced[old] {
			continue
		}
		v, err := f.sessions.get(ctx, old)
		if err != nil {
			return "", err
		}
		if v == nil {
			continue
		}
		replaced[old] = true
		if v.Identity.Subject == s.Identity.Subject {
			dropped = append(dropped, v.merge(s)...)
			s = v
		}
	}
	if err := f.sessions.add(ctx, token, s); err != nil {
		return "", err
	}
	for old := range replaced {
		v, err := f.sessions.end(ctx, old, f.longest)
		if err != nil {
			return "", err
		}
		if v != nil && v.Identity.Subject != s.Identity.Subject {
			f.loggedOut(ctx, v.Identity.Subject, v.Participants)
		}
	}
	f.loggedOut(ctx, s.Identity.Subject, dropped)
	return token, nil
}

// auditSession records that a session stood for factors.
func (f *Flow) auditSession(ctx context.Context, handle string, client *oauth.Client, rec *record) {
	var inherited []string
	for _, factor := range rec.Options[rec.Option] {
		if !rec.proved(factor) {
			inherited = append(inherited, string(factor))
		}
	}
	f.audit(ctx, handle, rec, audit.Event{
		Type: audit.SessionContinued, Outcome: audit.Success, Factors: inherited,
		Subject: f.openID.Subject(client, rec.identity().Subject),
	})
}
