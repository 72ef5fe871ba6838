package rotation

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/gosignet/signet/keystore"
)

// State says what a key is at the moment.
type State string

// The states of a key, in their order.
const (
	// Next keys are published and do not sign yet.
	Next State = "next"
	// Current keys sign.
	Current State = "current"
	// Retired keys are published for those who verify, and sign no more.
	Retired State = "retired"
	// Removed keys are not published any more, and are about to be destroyed.
	Removed State = "removed"
	// Revoked keys were withdrawn by command. What remains of them is this entry.
	Revoked State = "revoked"
)

// record holds the keys of one role and algorithm, the oldest first. There is one in the ledger for each.
type record struct {
	Role      keystore.Role `json:"role"`
	Algorithm string        `json:"alg"`
	Keys      []entry       `json:"keys"`
}

// entry is a key.
//
// At most one of the keys that are published has no date on which it retires: the last in line, which is next or
// current. The one before it retires when it activates.
type entry struct {
	// Public is the key as it is published, with its certificates.
	Public jose.JSONWebKey `json:"jwk"`
	// VaultID names the private key in the vault.
	VaultID string `json:"vault_id"`
	// Created is when the key was first published.
	Created time.Time `json:"created"`
	// Activates is when it begins to sign.
	Activates time.Time `json:"activates"`
	// Retires is when it stops; zero as long as no other key takes over.
	Retires time.Time `json:"retires,omitzero"`
	Removed time.Time `json:"removed,omitzero"`
	Revoked time.Time `json:"revoked,omitzero"`
	// Destroyed is when the private key of a revoked key was destroyed. Other keys then have no entry any more.
	Destroyed time.Time `json:"destroyed,omitzero"`
}

// recordID returns the ID of the record for a role and algorithm.
func recordID(role keystore.Role, alg string) string { return string(role) + "/" + alg }

func (e *entry) state(now time.Time) State {
	switch {
	case !e.Revoked.IsZero():
		return Revoked
	case !e.Removed.IsZero():
		return Removed
	case e.retired(now):
		return Retired
	case now.Before(e.Activates):
		return Next
	}
	return Current
}

// published reports whether the key is in the JSON Web Key Set, or would be in another role.
func (e *entry) published() bool { return e.Revoked.IsZero() && e.Removed.IsZero() }

func (e *entry) retired(now time.Time) bool { return !e.Retires.IsZero() && !now.Before(e.Retires) }

// removes returns when a retired key is removed. The last instance may sign, and the first look, a skew apart.
func (e *entry) removes(p Policy) time.Time {
	if e.Retires.IsZero() {
		return time.Time{}
	}
	return e.Retires.Add(p.KeepFor + 2*ClockSkew)
}

// find returns the entry with the kid, or nil.
func (r *record) find(kid string) *entry {
	for i := range r.Keys {
		if r.Keys[i].Public.KeyID == kid {
			return &r.Keys[i]
		}
	}
	return nil
}

// last returns the last in line: the next key, or the current one if no other is to take over. It is nil if there is
// neither.
func (r *record) last() *entry {
	for i := range r.Keys {
		if e := &r.Keys[i]; e.published() && e.Retires.IsZero() {
			return e
		}
	}
	return nil
}

// next returns the key that is to take over, or nil.
func (r *record) next(now time.Time) *entry {
	if e := r.last(); e != nil && e.state(now) == Next {
		return e
	}
	return nil
}

// takeOver makes the last in line begin at that time, and all before it end then.
func (r *record) takeOver(last *entry, at time.Time) {
	for i := range r.Keys {
		e := &r.Keys[i]
		if e.published() && e != last && (e.Retires.IsZero() || e.Retires.After(at) || e.Retires.Equal(last.Activates)) {
			e.Retires = at
		}
	}
	last.Activates, last.Retires = at, time.Time{}
}

// withdraw makes the key before a next one that does not come stay.
func (r *record) withdraw(next *entry) {
	for i := range r.Keys {
		if e := &r.Keys[i]; e.published() && e != next && e.Retires.Equal(next.Activates) {
			e.Retires = time.Time{}
		}
	}
}

// add appends a key that takes over when it has been published for long enough, and at once if it is the only one.
func (r *record) add(e entry, p Policy, now time.Time) {
	e.Created, e.Activates, e.Retires = now, now, time.Time{}
	last := r.last()
	if last != nil {
		e.Activates = latest(now.Add(p.PublishAhead), last.Activates.Add(p.Lifetime))
		last.Retires = e.Activates
	}
	r.Keys = append(r.Keys, e)
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// work says what is to be done for a record.
type work struct {
	add     bool     // a key is missing, or the last in line grows old
	remove  []string // kids of keys that have been retired for long enough
	destroy []string // kids of keys that are to be destroyed in the vault
}

func (w work) none() bool { return !w.add && len(w.remove)+len(w.destroy) == 0 }

// due returns what is to be done. A record that no Spec names gets no new keys.
func (r *record) due(specified bool, p Policy, now time.Time) (w work) {
	last := r.last()
	w.add = specified && (last == nil || !now.Before(last.Activates.Add(p.Lifetime-p.PublishAhead)))
	for i := range r.Keys {
		e := &r.Keys[i]
		switch state := e.state(now); {
		case state == Retired && !now.Before(e.removes(p)):
			w.remove = append(w.remove, e.Public.KeyID)
		case (state == Revoked || state == Removed) && e.Destroyed.IsZero():
			w.destroy = append(w.destroy, e.Public.KeyID)
		}
	}
	return w
}

// labelPrefix begins the labels of all keys in a vault that are ours.
const labelPrefix = "signet/"

func label(role keystore.Role, alg string, made time.Time) string {
	return fmt.Sprintf("%s%s/%s/%d", labelPrefix, role, alg, made.Unix())
}

// parseLabel returns what label put together. Any other label is not ok.
func parseLabel(text string) (role keystore.Role, alg string, made time.Time, ok bool) {
	text, ours := strings.CutPrefix(text, labelPrefix)
	parts := strings.Split(text, "/")
	if !ours || len(parts) != 3 {
		return "", "", time.Time{}, false
	}
	seconds, err := strconv.ParseInt(parts[2], 10, 64)
	if err != nil || seconds < 0 {
		return "", "", time.Time{}, false
	}
	return keystore.Role(parts[0]), parts[1], time.Unix(seconds, 0).UTC(), true
}
