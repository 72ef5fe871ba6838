package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gosignet/signet/store"
)

var listRules = []rule[*ledger]{
	{
		name:  "ListInByteOrder",
		rule:  "List returns the present versions in the byte order of their IDs",
		why:   "pages overlap or leave gaps when two instances sort by different languages",
		check: checkListInByteOrder,
	},
	{
		name:  "ListPages",
		rule:  "pages that each begin after the last ID of the one before have every record once, also while records change",
		why:   "whoever withdraws all consents of a person must not miss one",
		check: checkListPages,
	},
	{
		name:  "ListByOwner",
		rule:  "List of an owner has the records whose present version has that owner, and no others",
		why:   "a person who asks for their consents must see all of them, and nobody else's",
		check: checkListByOwner,
	},
	{
		name:  "ListLimit",
		rule:  "List returns 1000 records at most, also when asked for more or for no number",
		why:   "one call must not fill the memory of the provider",
		check: checkListLimit,
	},
	{
		name:  "ListNothing",
		rule:  "List of a collection, an owner or a page that has no records is empty and no error",
		why:   "a person without consents is no fault",
		check: checkListNothing,
	},
}

// expectList compares the IDs that List returns through both handles.
func (l *ledger) expectList(ctx context.Context, q store.Query, want ...string) error {
	for name, h := range l.handles() {
		records, err := h.List(ctx, l.collection, q)
		what := fmt.Sprintf("List through %s of %+v", name, q)
		if err != nil {
			return expectError(what, err, nil)
		}
		var got []string
		for _, r := range records {
			got = append(got, r.ID)
		}
		if !slices.Equal(got, want) {
			return fmt.Errorf("%s returned %d records %.300q, want %d: %.300q", what, len(got), got, len(want), want)
		}
	}
	return nil
}

func checkListInByteOrder(ctx context.Context, l *ledger) error {
	ids := oddIDs()
	for _, id := range ids {
		if err := l.writeAll(ctx, record(id, 0, "0"), record(id, 1, "1")); err != nil {
			return err
		}
	}
	slices.Sort(ids)
	if err := l.expectList(ctx, store.Query{}, ids...); err != nil {
		return err
	}
	for i, id := range ids {
		if err := l.expectList(ctx, store.Query{After: id, Limit: 2}, ids[i+1:min(i+3, len(ids))]...); err != nil {
			return err
		}
	}
	records, err := l.B.List(ctx, l.collection, store.Query{})
	if err != nil {
		return expectError("List", err, nil)
	}
	for _, r := range records {
		if r.Version != 2 || string(r.Value) != "1" {
			return fmt.Errorf("List returned version %d of %q with the value %s, want the present version 2", r.Version, r.ID, show(r.Value))
		}
	}
	return nil
}

func checkListPages(ctx context.Context, l *ledger) error {
	var want []string
	for i := range 30 {
		id := fmt.Sprintf("id-%02d", i)
		want = append(want, id)
		r := record(id, 0, "0")
		r.Owner = "owner"
		if err := l.writeAll(ctx, r); err != nil {
			return err
		}
	}
	var got []string
	after := ""
	for page := 0; ; page++ {
		h := l.A
		if page%2 == 1 {
			h = l.B
		}
		records, err := h.List(ctx, l.collection, store.Query{Owner: "owner", After: after, Limit: 7})
		if err != nil {
			return expectError("List", err, nil)
		}
		if len(records) == 0 {
			break
		}
		for _, r := range records {
			got = append(got, r.ID)
		}
		after = records[len(records)-1].ID
		// What comes before the next page and what it has already had do not shift it.
		err = first(
			func() error { return l.writeAll(ctx, record(fmt.Sprintf("a-%d", page), 0, "0")) },
			func() error { return expectError("Erase", l.A.Erase(ctx, l.collection, records[0].ID), nil) },
		)
		if err != nil {
			return err
		}
	}
	if !slices.Equal(got, want) {
		return fmt.Errorf("the pages have %q, want %q", got, want)
	}
	return nil
}

func checkListByOwner(ctx context.Context, l *ledger) error {
	owned := func(id string, version int64, owner string) store.Record {
		r := record(id, version, "0")
		r.Owner = owner
		return r
	}
	err := l.writeAll(ctx, owned("a", 0, "one"), owned("b", 0, "two"), owned("c", 0, "One"), owned("d", 0, "one"), owned("e", 0, ""),
		owned("f", 0, "one-"), owned("g", 0, "on_"))
	if err != nil {
		return err
	}
	err = first(
		func() error { return l.expectList(ctx, store.Query{Owner: "one"}, "a", "d") },
		func() error { return l.expectList(ctx, store.Query{Owner: "One"}, "c") },
		func() error { return l.expectList(ctx, store.Query{Owner: "on_"}, "g") },
		func() error { return l.expectList(ctx, store.Query{}, "a", "b", "c", "d", "e", "f", "g") },
	)
	if err != nil {
		return err
	}
	if err := l.writeAll(ctx, owned("a", 1, "two"), owned("b", 1, "one"), owned("d", 1, ""), owned("e", 1, "one")); err != nil {
		return err
	}
	err = first(
		func() error { return l.expectList(ctx, store.Query{Owner: "one"}, "b", "e") },
		func() error { return l.expectList(ctx, store.Query{Owner: "one", After: "b"}, "e") },
		func() error { return l.expectList(ctx, store.Query{Owner: "one", After: "a", Limit: 1}, "b") },
		func() error { return l.expectList(ctx, store.Query{Owner: "two"}, "a") },
		func() error { return l.expectList(ctx, store.Query{}, "a", "b", "c", "d", "e", "f", "g") },
		func() error { return expectError("Erase", l.B.Erase(ctx, l.collection, "b"), nil) },
		func() error { return l.expectList(ctx, store.Query{Owner: "one"}, "e") },
	)
	if err != nil {
		return fmt.Errorf("after the owners changed: %w", err)
	}
	return nil
}

func checkListLimit(ctx context.Context, l *ledger) error {
	const more = 24
	ids := make([]string, store.MaxList+more)
	for i := range ids {
		ids[i] = fmt.Sprintf("id-%04d", i)
	}
	errs := race(l.A, l.B, func(h store.Ledger, racer int) error {
		for i := racer; i < len(ids); i += racers {
			if _, err := l.write(ctx, h, record(ids[i], 0, "0")); err != nil {
				return err
			}
		}
		return nil
	})
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return first(
		func() error { return l.expectList(ctx, store.Query{}, ids[:store.MaxList]...) },
		func() error {
			return l.expectList(ctx, store.Query{Limit: store.MaxList + more}, ids[:store.MaxList]...)
		},
		func() error { return l.expectList(ctx, store.Query{Limit: 3}, ids[:3]...) },
		func() error {
			return l.expectList(ctx, store.Query{After: ids[store.MaxList-1]}, ids[store.MaxList:]...)
		},
	)
}

func checkListNothing(ctx context.Context, l *ledger) error {
	return first(
		func() error { return l.expectList(ctx, store.Query{}) },
		func() error { return l.writeAll(ctx, record("id", 0, "0")) },
		func() error { return l.expectList(ctx, store.Query{Owner: "nobody"}) },
		func() error { return l.expectList(ctx, store.Query{After: "id"}) },
		func() error { return l.expectList(ctx, store.Query{After: strings.Repeat("~", store.MaxKey)}) },
	)
}

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
			return fmt.Errorf("History of a record that lives returned %d versions, want 2", len(history))
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
