package consent

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gosignet/signet/audit"
	"github.com/gosignet/signet/store"
)

const (
	// maxRemembered is how much of earlier decisions is kept beside the last one, in bytes, approximately. What was decided
	// longest ago is forgotten first, and asked again.
	maxRemembered = 40 << 10
	// choiceSize is about what a Choice takes beside its texts.
	choiceSize = 250
	// maxEnded is how many of the consents that came before are remembered.
	maxEnded = 8
)

var (
	// ErrEssential says that an essential claim was refused, without which the policy gives no code. Nothing was kept.
	ErrEssential = errors.New("consent: an essential claim was refused")
	// ErrTokens says that what was decided or withdrawn is kept, and that tokens of a consent that ended may still live.
	// The same call again ends them.
	ErrTokens = errors.New("consent: tokens were not ended")
)

// DecisionContext is how a person came to decide.
type DecisionContext struct {
	// Person is the identity system's name for the person, the [authenticator.Identity]'s Subject. It is not kept: only a
	// pseudonym of it is. Required.
	Person string
	// Language is the one in which the person was asked (BCP 47).
	Language string
	// ACR, AMR and AuthTime say how the person logged in.
	ACR      string
	AMR      []string
	AuthTime time.Time
	// Controller is the relying party as the person saw it.
	Controller Controller
	// Wallet is the decision as the person's wallet signed it. Nil if they decided on a page.
	Wallet *WalletProof
	// Transaction names the login, for the audit event ([audit.Event.Transaction]) and so that a repetition is known: the
	// same decision on the same things in the same login, if no other came in between, is kept once, and one that was
	// withdrawn is not made again. It is opaque; empty means that every call is another decision.
	Transaction string
}

// Controller is a relying party as receipts name it: the PII controller. Everything may be empty.
type Controller struct {
	Name string `json:"name,omitempty"`
	// URI is its site, PolicyURI its privacy policy, Contact an address for questions.
	URI       string `json:"uri,omitempty"`
	PolicyURI string `json:"policy_uri,omitempty"`
	Contact   string `json:"contact,omitempty"`
	// Purpose is what the data are for where a claim has no purpose of its own.
	Purpose string `json:"purpose,omitempty"`
}

func (c *DecisionContext) validate() error {
	errs := []error{
		checkText("Person", c.Person, 1, maxText),
		checkText("Language", c.Language, 0, maxName),
		checkText("ACR", c.ACR, 0, maxName),
		checkText("Controller.Name", c.Controller.Name, 0, maxText),
		checkText("Controller.URI", c.Controller.URI, 0, maxText),
		checkText("Controller.PolicyURI", c.Controller.PolicyURI, 0, maxText),
		checkText("Controller.Contact", c.Controller.Contact, 0, maxText),
		checkText("Controller.Purpose", c.Controller.Purpose, 0, maxText),
	}
	if len(c.AMR) > maxItems {
		errs = append(errs, fmt.Errorf("%w: more than %d AMR", ErrInvalid, maxItems))
	}
	for _, method := range c.AMR {
		errs = append(errs, checkText("AMR", method, 1, maxName))
	}
	return errors.Join(errs...)
}

// Decide keeps what a person decided on what they were asked; it is durable when Decide returns. What is asked
// and not in the decision is refused. Of decisions at the same time the last to be written holds, and all are in the history.
// A wallet's signature is verified first, over what of the decision was asked; it is ErrWallet if it is not valid.
//
// A decision that was made and withdrawn in the same login is ErrEnded.
//
// With the error ErrTokens there is an Answer all the same: the decision holds, but tokens of an earlier one
// that granted more may live.
func (r *Registry) Decide(ctx context.Context, q *Question, d Decision, c DecisionContext) (*Answer, error) {
	if err := errors.Join(q.Asked.validate(), q.Policy.Validate(), c.validate()); err != nil {
		return nil, err
	}
	items := q.Asked.Items()
	if len(items) == 0 {
		return nil, fmt.Errorf("%w: nothing is asked", ErrInvalid)
	}
	now := r.now()
	a := &Answer{}
	choices := r.choose(q, items, d, now, a)
	if q.Policy.Essential == MustGrant && slices.ContainsFunc(choices, func(c Choice) bool { return c.Essential && !c.Granted }) {
		return nil, ErrEssential
	}
	if c.Wallet != nil {
		if err := checkWallet(c.Wallet, choices, a.Decision); err != nil {
			return nil, err
		}
	}
	at := r.place(q.Asked.ClientID, q.Asked.Subject)
	hash := q.Asked.Hash()
	var repeated *store.Entry[kept]
	e, err := r.records.Update(ctx, at, func(e *store.Entry[kept]) error {
		v := &e.Value
		if repeated = nil; v.decidedIn(c.Transaction, hash, choices) && (c.Wallet == nil || v.Wallet != nil) {
			if v.Status != Active {
				return ErrEnded
			}
			repeated = e
			return errStay
		}
		e.Owner = r.owner(c.Person)
		switch {
		case v.ID == "":
			v.ID = newID(at)
		case v.Status != Active:
			v.succeed(at)
			v.Choices = nil
		case takesBack(v.Choices, choices, now):
			v.succeed(at)
		}
		v.Version, v.Status, v.ChangedAt = e.Version+1, Active, now
		v.ClientID, v.Subject = q.Asked.ClientID, q.Asked.Subject
		v.Transaction = c.Transaction
		v.AskedHash, v.Language, v.TextVersion = hash, c.Language, q.Policy.TextVersion
		v.ACR, v.AMR, v.AuthTime = c.ACR, c.AMR, c.AuthTime.UTC()
		v.Controller, v.Wallet = c.Controller, c.Wallet
		v.Choices = remember(choices, v.Choices, now)
		e.ExpiresAt = r.keepUntil(&v.Record)
		return r.issue(ctx, &v.Record, choices)
	})
	switch {
	case errors.Is(err, ErrEnded):
		return nil, err
	case repeated != nil:
		a.Record = record(repeated)
		a.ExpiresAt = a.Record.until(choices)
		return a, r.endTokens(ctx, repeated.Value.Ended)
	case err != nil:
		return nil, r.failed(ctx, audit.Event{ClientID: q.Asked.ClientID, Subject: q.Asked.Subject, Transaction: c.Transaction}, err)
	}
	a.Record = record(&e)
	r.audit(ctx, a.Record, audit.Event{Outcome: audit.Success, Transaction: c.Transaction, Factors: c.AMR})
	return a, r.endTokens(ctx, e.Value.Ended)
}

// choose makes the choices of a decision, and puts what they grant into the answer.
func (r *Registry) choose(q *Question, items []Item, d Decision, now time.Time, a *Answer) []Choice {
	common := Choice{DecidedAt: now, TextVersion: q.Policy.TextVersion}
	switch q.Policy.Remember {
	case Never:
		common.Once = true
	case Session:
		common.Session = r.session(q.SessionID)
		common.Once = common.Session == ""
	}
	if q.Policy.Duration > 0 {
		common.ExpiresAt = now.Add(q.Policy.Duration)
	}
	granted := map[Kind][]string{Scope: set(d.Scopes), Claim: set(d.Claims), VerifiedClaim: set(d.Verified)}
	choices := make([]Choice, len(items))
	for i, item := range items {
		choices[i] = common
		choices[i].Item = item
		if _, choices[i].Granted = slices.BinarySearch(granted[item.Kind], item.Name); choices[i].Granted {
			a.grant(&item, common.ExpiresAt)
		}
	}
	return choices
}

// decidedIn reports whether the last decision was made in the transaction, on the same things, and was the same.
func (v *kept) decidedIn(transaction, askedHash string, choices []Choice) bool {
	if transaction == "" || v.Transaction != transaction || v.AskedHash != askedHash {
		return false
	}
	before := byKey(v.Choices)
	return !slices.ContainsFunc(choices, func(c Choice) bool {
		old := before[c.key()]
		return old == nil || old.Granted != c.Granted
	})
}

// until is when the first expires of the choices that grant something, as they were kept.
func (rec *Record) until(choices []Choice) (expires time.Time) {
	before := byKey(rec.Choices)
	for _, c := range choices {
		if c.Granted {
			expires = earlier(expires, before[c.key()].ExpiresAt)
		}
	}
	return expires
}

// succeed begins another consent in the place of one that ended.
func (v *kept) succeed(place string) {
	v.Ended = append(v.Ended, v.ID)
	v.Ended = v.Ended[max(0, len(v.Ended)-maxEnded):]
	v.ID = newID(place)
}

// takesBack reports whether something that was granted is now refused, or granted for a shorter time.
func takesBack(before, after []Choice, now time.Time) bool {
	granted := byKey(before)
	return slices.ContainsFunc(after, func(c Choice) bool {
		old := granted[c.key()]
		if old == nil || !old.Granted || !old.live(now) {
			return false
		}
		return !c.Granted || !c.ExpiresAt.IsZero() && !old.ExpiresAt.Equal(earlier(old.ExpiresAt, c.ExpiresAt))
	})
}

// remember adds to the choices of a decision those of earlier ones that it was not about and that have not expired.
func remember(decided, before []Choice, now time.Time) []Choice {
	choices, known := slices.Clone(decided), byKey(decided)
	before = slices.SortedStableFunc(slices.Values(before), func(a, b Choice) int { return b.DecidedAt.Compare(a.DecidedAt) })
	size := 0
	for _, c := range before {
		key := c.key()
		if known[key] != nil || !c.live(now) {
			continue
		}
		if size += choiceSize + len(key); size > maxRemembered {
			break
		}
		choices = append(choices, c)
	}
	return choices
}

// keepUntil is when the ledger forgets a record, zero for never.
func (r *Registry) keepUntil(rec *Record) time.Time {
	last := rec.ChangedAt
	for _, c := range rec.Choices {
		switch {
		case rec.Status != Active || c.Once || c.Session != "":
		case c.ExpiresAt.IsZero():
			return time.Time{}
		case c.ExpiresAt.After(last):
			last = c.ExpiresAt
		}
	}
	return last.Add(r.config.KeepFor)
}

// audit records what a person decided.
func (r *Registry) audit(ctx context.Context, rec *Record, e audit.Event) {
	e.Time, e.Type, e.ClientID, e.Subject = r.now(), audit.ConsentDecided, rec.ClientID, rec.Subject
	r.config.Audit.Record(ctx, e)
}

// failed records that a decision could not be kept, and returns why.
func (r *Registry) failed(ctx context.Context, e audit.Event, err error) error {
	e.Time, e.Type, e.Outcome, e.Reason = r.now(), audit.ConsentDecided, audit.Failed, "unavailable"
	r.config.Audit.Record(ctx, e)
	return fmt.Errorf("consent: %w", err)
}
