package consent

import (
	"context"
	"errors"
	"time"

	"github.com/gosignet/signet/store"
)

// Question is whether a person must be asked.
type Question struct {
	Asked  Asked
	Policy Policy
	// SessionID names the person's session in this browser, empty if there is none.
	SessionID string
	// Prompt says that the client demands that the person is asked: prompt=consent.
	Prompt bool
}

// Reason says why a person must be asked.
type Reason string

// The reasons, the strongest first.
const (
	// Prompted: the client demands it.
	Prompted Reason = "prompted"
	// EachTime: the policy remembers nothing.
	EachTime Reason = "each_time"
	// First: nothing was decided for the client so far.
	First Reason = "first"
	// AfterWithdrawal: the consent was withdrawn.
	AfterWithdrawal Reason = "withdrawn"
	// Widened: something is asked that no decision was about, or a claim that was refused is now essential.
	Widened Reason = "widened"
	// Refused: an essential claim was refused, without which the policy gives no code.
	Refused Reason = "refused"
	// Expired: the decision was for a time, or for a session, that is over.
	Expired Reason = "expired"
	// NewText: the text is another one.
	NewText Reason = "new_text"
)

// Answer says what holds for a request.
type Answer struct {
	// Reason is why the person must be asked. Empty means that they need not be: the Decision holds.
	Reason Reason
	// New are the items that the person has not decided on, or not under these circumstances, for the page to point them out.
	New []Item
	// Decision is what of the things asked is granted. It is empty while the person must be asked.
	Decision Decision
	// ExpiresAt is when the first of the things granted expires, and with it whatever is issued on the Decision. Zero
	// means never.
	ExpiresAt time.Time
	// Record is what is remembered for the client, nil if that is nothing. Its ID goes into what is issued. When nothing is
	// asked there is no need of a consent, and the Record is nil.
	Record *Record
}

// Recall says whether the person must be asked, and if not, what they decided. Where nothing is asked, nothing needs
// to be decided.
func (r *Registry) Recall(ctx context.Context, q *Question) (*Answer, error) {
	if err := errors.Join(q.Asked.validate(), q.Policy.Validate()); err != nil {
		return nil, err
	}
	items := q.Asked.Items()
	if len(items) == 0 {
		return &Answer{}, nil
	}
	e, err := r.records.Get(ctx, r.place(q.Asked.ClientID, q.Asked.Subject))
	if errors.Is(err, store.ErrNotFound) {
		a := &Answer{Reason: First, New: items}
		a.force(q)
		return a, nil
	}
	if err != nil {
		return nil, err
	}
	a := r.answer(q, items, record(&e))
	a.force(q)
	if a.Reason != "" {
		a.Decision, a.ExpiresAt = Decision{}, time.Time{}
	}
	return a, nil
}

// force has the person asked whatever is remembered.
func (a *Answer) force(q *Question) {
	switch {
	case q.Prompt:
		a.Reason = Prompted
	case q.Policy.Remember == Never:
		a.Reason = EachTime
	}
}

// answer compares what is asked with what is remembered.
func (r *Registry) answer(q *Question, items []Item, rec *Record) *Answer {
	if rec.Status != Active {
		return &Answer{Reason: AfterWithdrawal, New: items, Record: rec}
	}
	a := &Answer{Record: rec}
	now, session := r.now(), r.session(q.SessionID)
	remembered := byKey(rec.Choices)
	choices := make([]*Choice, len(items))
	for i := range items {
		choices[i] = remembered[items[i].key()]
	}
	for i := range items {
		reason, expires := q.Policy.compare(&items[i], choices[i], now, session)
		if reason == "" && mixed(items, choices, i) {
			reason = Widened
		}
		if reason != "" {
			a.New = append(a.New, items[i])
			a.Reason = stronger(a.Reason, reason)
			continue
		}
		if choices[i].Granted {
			a.grant(&items[i], expires)
		}
	}
	return a
}

// mixed reports whether items of one kind and name, which follow each other, were decided differently. A Decision speaks of
// names: it could not say so.
func mixed(items []Item, choices []*Choice, at int) bool {
	same := func(i int) bool { return items[i].Name == items[at].Name && items[i].Kind == items[at].Kind }
	differs := func(i int) bool { return choices[i] != nil && choices[i].Granted != choices[at].Granted }
	for i := at - 1; i >= 0 && same(i); i-- {
		if differs(i) {
			return true
		}
	}
	for i := at + 1; i < len(items) && same(i); i++ {
		if differs(i) {
			return true
		}
	}
	return false
}

// grant adds an item to the decision. The items of a name follow each other.
func (a *Answer) grant(item *Item, expires time.Time) {
	names := a.Decision.names(item.Kind)
	if last := len(*names) - 1; last < 0 || (*names)[last] != item.Name {
		*names = append(*names, item.Name)
	}
	a.ExpiresAt = earlier(a.ExpiresAt, expires)
}

// compare says why the choice, nil for none, does not hold for the item, or until when it does.
func (p *Policy) compare(item *Item, c *Choice, now time.Time, session string) (Reason, time.Time) {
	if c == nil || !c.Granted && item.Essential && !c.Essential {
		return Widened, time.Time{}
	}
	if !c.Granted && item.Essential && p.Essential == MustGrant {
		return Refused, time.Time{}
	}
	held := *c
	if p.Duration > 0 {
		held.ExpiresAt = earlier(held.ExpiresAt, c.DecidedAt.Add(p.Duration))
	}
	bound := c.Session != "" || p.Remember == Session
	switch {
	case c.Once, !held.live(now), bound && c.Session != session, bound && session == "":
		return Expired, time.Time{}
	case p.TextVersion != "" && c.TextVersion != p.TextVersion:
		return NewText, time.Time{}
	}
	return "", held.ExpiresAt
}

func byKey(choices []Choice) map[string]*Choice {
	m := make(map[string]*Choice, len(choices))
	for i := range choices {
		m[choices[i].key()] = &choices[i]
	}
	return m
}

func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

func stronger(a, b Reason) Reason {
	for _, r := range []Reason{Widened, Refused, Expired} {
		if a == r || b == r {
			return r
		}
	}
	return b
}
