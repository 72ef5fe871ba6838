package storetest

import (
	"context"
	"fmt"
	"time"

	"github.com/gosignet/signet/store"
)

var lifeRules = []rule[*ledger]{
	{
		name:  "EraseRemovesHistory",
		rule:  "Erase removes a record with its history; a record under the same ID is then a new one, from version 1 on",
		why:   "what must not be kept any longer must not be kept as an old version either",
		check: checkEraseRemovesHistory,
	},
	{
		name:  "ExpiredRecordIsAbsent",
		rule:  "an expired record is absent with its history for every method, and a new one can be written under its ID",
		why:   "retention ends for what a record was, too; and what has ended must not stand in the way",
		check: checkExpiredRecordIsAbsent,
	},
	{
		name:  "PresentVersionDecidesExpiry",
		rule:  "a record lives as long as its present version says, whatever earlier versions said",
		why:   "a consent that was prolonged must not end with its first term, nor a shortened one live on",
		check: checkPresentVersionDecidesExpiry,
	},
	{
		name:  "ExpiredTakesNoPlace",
		rule:  "expired records take no place on a page",
		why:   "a page that is short or empty ends a listing",
		check: checkExpiredTakesNoPlace,
	},
}

func checkEraseRemovesHistory(ctx context.Context, l *ledger) error {
	erase := func(h store.Ledger) func() error {
		return func() error { return expectError("Erase", h.Erase(ctx, l.collection, "id"), nil) }
	}
	err := first(
		erase(l.A), // of nothing
		func() error {
			return l.writeAll(ctx, record("id", 0, `"one"`), record("id", 1, `"two"`), record("other", 0, "0"))
		},
		erase(l.B),
		func() error { return l.expectNone(ctx, "id") },
		erase(l.A), // again
		func() error {
			_, err := l.B.Write(ctx, l.collection, record("id", 2, `"three"`))
			return expectError("Write of the next version of what was erased", err, store.ErrConflict)
		},
		func() error { return l.expectList(ctx, store.Query{}, "other") },
	)
	if err != nil {
		return err
	}
	again, err := l.write(ctx, l.B, record("id", 0, `"new"`))
	if err != nil {
		return err
	}
	return l.expectVersions(ctx, "id", again)
}

// expiring returns a record that expires at a whole second, as any engine can keep it.
func expiring(id string, version int64, at time.Time) store.Record {
	r := record(id, version, "0")
	r.Owner = "owner"
	r.ExpiresAt = at.Truncate(time.Second)
	return r
}

func checkExpiredRecordIsAbsent(ctx context.Context, l *ledger) error {
	now, err := l.now(ctx)
	if err != nil {
		return err
	}
	soon := now.Add(2 * short) // a whole second from now at least
	for _, id := range []string{"gone", "again"} {
		if err := l.writeAll(ctx, record(id, 0, `"old"`), expiring(id, 1, soon)); err != nil {
			return err
		}
	}
	if err := l.writeAll(ctx, expiring("lives", 0, now.Add(long))); err != nil {
		return err
	}
	l.Advance(pause)
	return first(
		func() error { return l.expectNone(ctx, "gone") },
		func() error { return l.expectList(ctx, store.Query{}, "lives") },
		func() error { return l.expectList(ctx, store.Query{Owner: "owner"}, "lives") },
		func() error { return expectError("Erase", l.A.Erase(ctx, l.collection, "gone"), nil) },
		func() error {
			_, err := l.B.Write(ctx, l.collection, record("again", 2, `"next"`))
			return expectError("Write of the next version of what has expired", err, store.ErrConflict)
		},
		func() error { return l.expectNone(ctx, "again") },
		func() error {
			again, err := l.write(ctx, l.B, record("again", 0, `"new"`))
			if err != nil {
				return err
			}
			return l.expectVersions(ctx, "again", again)
		},
	)
}

func checkPresentVersionDecidesExpiry(ctx context.Context, l *ledger) error {
	now, err := l.now(ctx)
	if err != nil {
		return err
	}
	soon, late := now.Add(2*short), now.Add(long)
	err = l.writeAll(ctx,
		expiring("prolonged", 0, soon), expiring("prolonged", 1, late),
		expiring("unlimited", 0, soon), record("unlimited", 1, "0"),
		expiring("shortened", 0, late), expiring("shortened", 1, soon),
		record("limited", 0, "0"), expiring("limited", 1, soon))
	if err != nil {
		return err
	}
	l.Advance(pause)
	if err := l.expectList(ctx, store.Query{}, "prolonged", "unlimited"); err != nil {
		return err
	}
	for _, id := range []string{"prolonged", "unlimited"} {
		history, err := l.B.History(ctx, l.collection, id)
		if err != nil {
			return expectError("History", err, nil)
		}
		if len(history) != 2 {
			return fmt.Errorf("the History of a record that lives returned %d versions, want 2", len(history))
		}
	}
	return first(
		func() error { return l.expectNone(ctx, "shortened") },
		func() error { return l.expectNone(ctx, "limited") },
	)
}

func checkExpiredTakesNoPlace(ctx context.Context, l *ledger) error {
	now, err := l.now(ctx)
	if err != nil {
		return err
	}
	for i := range 10 {
		if err := l.writeAll(ctx, expiring(fmt.Sprintf("a-%d", i), 0, now.Add(2*short))); err != nil {
			return err
		}
	}
	if err := l.writeAll(ctx, expiring("b", 0, now.Add(long)), expiring("c", 0, now.Add(long))); err != nil {
		return err
	}
	l.Advance(pause)
	return first(
		func() error { return l.expectList(ctx, store.Query{Limit: 2}, "b", "c") },
		func() error { return l.expectList(ctx, store.Query{Owner: "owner", Limit: 1}, "b") },
	)
}
