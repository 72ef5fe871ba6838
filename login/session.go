package login

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/store"
)

const (
	maxSessionTotal = 24 * time.Hour

	// maxParticipants, maxSIDs and maxConsent bound the record of a session well below what a store takes.
	maxParticipants = 32
	maxSIDs         = 4
	maxConsent      = 1 << 10
	// maxSessionToken bounds what is taken for a session of a stranger's cookie.
	maxSessionToken = 64
)

// Sessions configures single sign-on. The zero value means that there is none: every login authenticates the person.
// Setting one of the two switches it on and gives the other its default.
//
// With sessions, an Authenticator is asked for the claims of an Identity again, for later logins and other clients, for
// as long as a session lasts. One whose Identity.State serves but once does not go with them.
type Sessions struct {
	// Idle ends a session that no login used for so long. The default is 30 minutes.
	Idle time.Duration
	// Total is how long what a person proved may stand for them, whatever they do: at most 24 hours. The default is 8
	// hours.
	Total time.Duration
}

func (s *Sessions) setDefaults() {
	if !s.on() {
		return
	}
	if s.Idle == 0 {
		s.Idle = min(30*time.Minute, s.Total)
	}
	if s.Total == 0 {
		s.Total = max(8*time.Hour, s.Idle)
	}
}

func (s *Sessions) on() bool { return s.Idle != 0 || s.Total != 0 }

// session is a person who is logged in to the provider with a browser, as it is kept, sealed by what the browser's
// cookie holds. It has no answer that the person gave.
type session struct {
	Identity authenticator.Identity `json:"identity"`
	// Identifier is how the person said who they are, so that a login that asks them for more need not ask for that again. It
	// is empty if nobody asked. Account is what pages call the person: the end of it.
	Identifier authenticator.Identifier `json:"identifier,omitzero"`
	Account    string                   `json:"account,omitempty"`
	// Proofs are the factors that the person proved. A session is as strong as they are, and no stronger.
	Proofs []proof `json:"proofs,omitempty"`
	// Participants are the clients that the person is logged in to.
	Participants []participant `json:"participants,omitempty"`
}

// proof is a factor and when it was proved.
type proof struct {
	Factor authenticator.Factor `json:"factor"`
	At     time.Time            `json:"at"`
}

// participant is a client in a session.
type participant struct {
	ClientID string `json:"client_id"`
	// SIDs name the session towards the client. Mostly there is one; logins that began side by side, before there was a
	// session, have one each.
	SIDs []string  `json:"sids"`
	Used time.Time `json:"used"`
	// Asked is what the person was asked to share in this session, Granted what of it they do share, unless there are
	// [Consents] to remember it: the claims as [record.ways] has them.
	Asked   Decision `json:"asked,omitzero"`
	Granted Decision `json:"granted,omitzero"`
}

// fresh returns the proofs that are not older than age.
func (s *session) fresh(now time.Time, age time.Duration) []proof {
	return slices.DeleteFunc(slices.Clone(s.Proofs), func(p proof) bool {
		// In whole seconds, as the client computes it from auth_time.
		return now.Truncate(time.Second).Sub(p.At.Truncate(time.Second)) > age
	})
}

func (s *session) participant(clientID string) *participant {
	i := slices.IndexFunc(s.Participants, func(p participant) bool { return p.ClientID == clientID })
	if i < 0 {
		return nil
	}
	return &s.Participants[i]
}

// merge adds to the session what a login of the same person brings, and returns the clients that it has no room for.
func (s *session) merge(made *session) (dropped []participant) {
	if len(made.Proofs) > 0 {
		s.Identity = made.Identity
	}
	if made.Identifier.Value != "" {
		s.Identifier, s.Account = made.Identifier, made.Account
	}
	for _, p := range made.Proofs {
		i := slices.IndexFunc(s.Proofs, func(old proof) bool { return old.Factor == p.Factor })
		switch {
		case i < 0:
			s.Proofs = append(s.Proofs, p)
		case s.Proofs[i].At.Before(p.At):
			s.Proofs[i] = p
		}
	}
	for _, p := range made.Participants {
		if own := s.participant(p.ClientID); own != nil {
			own.merge(p)
		} else {
			s.Participants = append(s.Participants, p)
		}
	}
	slices.SortStableFunc(s.Participants, func(a, b participant) int { return b.Used.Compare(a.Used) })
	if len(s.Participants) > maxParticipants {
		dropped = slices.Clone(s.Participants[maxParticipants:])
		s.Participants = s.Participants[:maxParticipants]
	}
	return dropped
}

func (p *participant) merge(newer participant) {
	for _, sid := range newer.SIDs {
		if !slices.Contains(p.SIDs, sid) && len(p.SIDs) < maxSIDs {
			p.SIDs = append(p.SIDs, sid)
		}
	}
	if newer.Used.After(p.Used) {
		p.Used = newer.Used
	}
	p.Granted = p.Granted.without(newer.Asked).plus(newer.Granted)
	p.Asked = p.Asked.plus(newer.Asked)
	if p.Asked.size() > maxConsent {
		p.Asked, p.Granted = Decision{}, Decision{}
	}
}

func (d Decision) plus(other Decision) Decision {
	union := func(a, b []string) []string {
		sum := slices.Clone(a)
		for _, name := range b {
			if !slices.Contains(sum, name) {
				sum = append(sum, name)
			}
		}
		return sum
	}
	return Decision{Claims: union(d.Claims, other.Claims), Scopes: union(d.Scopes, other.Scopes)}
}

func (d Decision) without(other Decision) Decision {
	rest := func(a, b []string) []string {
		return slices.DeleteFunc(slices.Clone(a), func(name string) bool { return slices.Contains(b, name) })
	}
	return Decision{Claims: rest(d.Claims, other.Claims), Scopes: rest(d.Scopes, other.Scopes)}
}

func (d Decision) size() (bytes int) {
	for _, name := range slices.Concat(d.Claims, d.Scopes) {
		bytes += len(name)
	}
	return bytes
}

// sessionStore keeps sessions. What the browser holds reaches them only together with the secret: a cookie of another
// provider, which its browser sends to every path of a host, is nothing here, even on the same store.
type sessionStore struct {
	bucket store.Bucket[session]
	key    []byte
	limits Sessions
	now    func() time.Time
}

func newSessionStore(backend store.Ephemeral, key []byte, limits Sessions, now func() time.Time) sessionStore {
	return sessionStore{
		bucket: store.Bucket[session]{Store: backend, Name: "session", Now: now}, key: key, limits: limits, now: now,
	}
}

// handle is that of the record. token is the one of the session that a login begins, the same each time: nobody can tell
// it from a random one, or compute it, without both the login's handle and the secret.
func (s *sessionStore) handle(token string) string { return s.derive("handle:", token) }
func (s *sessionStore) token(login string) string  { return s.derive("token:", login) }

func (s *sessionStore) derive(use, from string) string {
	mac := hmac.New(sha256.New, s.key)
	mac.Write([]byte(use + from))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// get returns the session, or nil if there is none. One in which no proof stands any more is none.
func (s *sessionStore) get(ctx context.Context, token string) (*session, error) {
	if !s.limits.on() || token == "" || len(token) > maxSessionToken {
		return nil, nil
	}
	v, err := s.bucket.Get(ctx, s.handle(token))
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, nil
	case err != nil:
		return nil, outage(err)
	case s.left(&v) <= 0:
		return nil, nil
	}
	return &v, nil
}

// left is how long the session lasts if it is used now.
func (s *sessionStore) left(v *session) time.Duration {
	var last time.Time
	for _, p := range v.Proofs {
		if p.At.After(last) {
			last = p.At
		}
	}
	return min(s.limits.Idle, last.Add(s.limits.Total).Sub(s.now()))
}

// add begins a session. One that is there, or was there lately, stays as it is.
func (s *sessionStore) add(ctx context.Context, token string, v *session) error {
	left := s.left(v)
	if left <= 0 {
		return nil
	}
	err := s.bucket.Add(ctx, s.handle(token), *v, left)
	if err != nil && !errors.Is(err, store.ErrExists) {
		return outage(err)
	}
	return nil
}

// extend adds what a login brings that used the session, and lets it live on. It reports false if there is no session.
func (s *sessionStore) extend(ctx context.Context, token string, made *session) (ok bool, dropped []participant, err error) {
	v, err := s.get(ctx, token)
	if v == nil {
		return false, nil, err
	}
	_, err = s.bucket.UpdateFor(ctx, s.handle(token), s.left(v), func(v *session) error {
		dropped = v.merge(made)
		return nil
	})
	if errors.Is(err, store.ErrNotFound) {
		return false, nil, nil
	}
	if err != nil {
		return false, nil, outage(err)
	}
	return true, dropped, nil
}

// end ends the session for good: a login that is about to begin it under the same token does not. Of many callers one
// gets the session, the others nil.
func (s *sessionStore) end(ctx context.Context, token string, blocked time.Duration) (*session, error) {
	if !s.limits.on() || token == "" || len(token) > maxSessionToken {
		return nil, nil
	}
	handle := s.handle(token)
	v, err := s.bucket.Take(ctx, handle)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err == nil {
		err = s.bucket.Block(context.WithoutCancel(ctx), handle, blocked)
	}
	if err != nil {
		return nil, outage(err)
	}
	return &v, nil
}

// account is what pages call a person who typed the identifier: enough to know oneself by, and too little for anybody
// else at the same screen.
func account(id authenticator.Identifier) string {
	const hidden = "••••"
	if name, domain, ok := strings.Cut(id.Value, "@"); ok && name != "" {
		_, size := utf8.DecodeRuneInString(name)
		return name[:size] + hidden + "@" + domain
	}
	runes := []rune(id.Value)
	return hidden + string(runes[len(runes)-min(4, len(runes)/3):])
}

// newSID names a session towards a client. It opens nothing.
func newSID() string { return rand.Text() }
