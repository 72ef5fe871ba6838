package consent

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/gosignet/signet/audit"
	"github.com/gosignet/signet/store"
)

// errStay ends a change that would change nothing.
var errStay = errors.New("consent: unchanged")

// Withdraw takes a consent of the person back, with everything that they granted to the client, and ends its tokens. A
// consent that has ended stays as it is, and so does the one that followed it; its tokens are ended once more. It returns
// the present version of the record, or store.ErrNotFound. With the error ErrTokens the consent is withdrawn for all that.
//
// It needs no key: a withdrawal whose receipt cannot be signed takes place without.
func (r *Registry) Withdraw(ctx context.Context, person, id string) (*Record, error) {
	// Only the person's own records are touched.
	present, err := r.get(ctx, person, id)
	if err != nil {
		return nil, err
	}
	e, err := r.records.Update(ctx, place(id), func(e *store.Entry[kept]) error {
		v := &e.Value
		if e.Version == 0 { // erased by another
			return store.ErrNotFound
		}
		if v.ID != id || v.Status != Active {
			present = *e
			return errStay
		}
		v.Version, v.Status, v.ChangedAt = e.Version+1, Withdrawn, r.now()
		e.ExpiresAt = r.keepUntil(&v.Record)
		if err := r.issue(ctx, &v.Record, v.Choices); err != nil {
			v.Receipt = ""
			r.config.Logger.WarnContext(ctx, "a consent is withdrawn without a receipt", "error", err)
		}
		return nil
	})
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, err
	case errors.Is(err, errStay):
		e = present
	case err != nil:
		return nil, r.failed(ctx, audit.Event{ClientID: present.Value.ClientID, Subject: present.Value.Subject}, err)
	default:
		r.audit(ctx, record(&e), audit.Event{Outcome: audit.Success, Reason: "withdrawn"})
	}
	ended := slices.Clone(e.Value.Ended)
	if e.Value.Status != Active {
		ended = append(ended, e.Value.ID)
	}
	if e.Value.ID != id && !slices.Contains(ended, id) {
		ended = append(ended, id)
	}
	return record(&e), r.endTokens(ctx, ended)
}

// Erase removes everything that is kept of a person's consents, the history included, and ends the tokens. Only the
// receipts that the person has are left. The person must not be deciding at the same time.
func (r *Registry) Erase(ctx context.Context, person string) error {
	for {
		records, err := r.List(ctx, person)
		if err != nil || len(records) == 0 {
			return err
		}
		for _, rec := range records {
			withdrawn, err := r.Withdraw(ctx, person, rec.ID)
			switch {
			case errors.Is(err, store.ErrNotFound): // erased by another, or given to another
				continue
			case err != nil:
				return err
			case withdrawn.Status == Active: // decided anew in this moment
				continue
			}
			if err := r.records.Erase(ctx, place(rec.ID)); err != nil {
				return fmt.Errorf("consent: %w", err)
			}
		}
	}
}

// endTokens ends the tokens of consents that the ledger says have ended. It goes on when the caller has gone.
func (r *Registry) endTokens(ctx context.Context, ids []string) error {
	if r.config.Tokens == nil || len(ids) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTimeout)
	defer cancel()
	var errs []error
	for _, id := range ids {
		errs = append(errs, r.config.Tokens.EndTokens(ctx, id))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("%w: %w", ErrTokens, err)
	}
	return nil
}
