package storetest

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gosignet/signet/store"
)

// LedgerBackend is a ledger under test.
type LedgerBackend struct {
	// A and B are two handles on the same ledger, as those of [Backend].
	A, B store.Ledger
	// Advance makes the given time pass for the ledger. Nil means that it has a clock of its own, and waits.
	Advance func(d time.Duration)
}

// RunLedger checks the ledger that open returns against every rule of [store.Ledger], as [Run] does. Ledgers may share a
// database: no two rules use the same collections.
func RunLedger(t *testing.T, open func(t testing.TB) LedgerBackend) {
	run(t, ledgerRules, func(t testing.TB) *ledger { return newLedger(open(t)) })
}

// ledgerRules are all rules of [RunLedger].
var ledgerRules = slices.Concat(recordRules, listRules, lifeRules, ledgerArgumentRules, ledgerRaceRules)

// ledger is a ledger under test with a collection that nobody else uses.
type ledger struct {
	LedgerBackend
	collection string
}

func newLedger(b LedgerBackend) *ledger {
	if b.Advance == nil {
		b.Advance = wait
	}
	return &ledger{LedgerBackend: b, collection: "storetest-" + strings.ToLower(rand.Text())}
}

// handles returns both handles with names for messages.
func (l *ledger) handles() map[string]store.Ledger {
	return map[string]store.Ledger{"handle A": l.A, "handle B": l.B}
}

// record returns the record to write as the version that follows version.
func record(id string, version int64, value string) store.Record {
	return store.Record{ID: id, Value: []byte(value), Version: version}
}

// write writes r through h and checks what comes back.
func (l *ledger) write(ctx context.Context, h store.Ledger, r store.Record) (store.Record, error) {
	what := fmt.Sprintf("Write of version %d of %q", r.Version+1, r.ID)
	want := r
	want.Value = bytes.Clone(r.Value)
	got, err := h.Write(ctx, l.collection, r)
	if err != nil {
		return got, expectError(what, err, nil)
	}
	want.Version++
	want.WrittenAt = got.WrittenAt
	if got.WrittenAt.IsZero() {
		return got, fmt.Errorf("%s returned no WrittenAt", what)
	}
	return got, expectRecord(what, got, want)
}

// writeAll writes records one after the other through A.
func (l *ledger) writeAll(ctx context.Context, records ...store.Record) error {
	for _, r := range records {
		if _, err := l.write(ctx, l.A, r); err != nil {
			return err
		}
	}
	return nil
}

// now is the time of the ledger.
func (l *ledger) now(ctx context.Context) (time.Time, error) {
	r, err := l.write(ctx, l.A, record("now-"+rand.Text(), 0, "0"))
	if err != nil {
		return time.Time{}, err
	}
	return r.WrittenAt, expectError("Erase", l.A.Erase(ctx, l.collection, r.ID), nil)
}

// expectRecord describes the first difference.
func expectRecord(what string, got, want store.Record) error {
	switch {
	case got.ID != want.ID:
		return fmt.Errorf("%s returned the ID %q, want %q", what, got.ID, want.ID)
	case got.Owner != want.Owner:
		return fmt.Errorf("%s returned the owner %q, want %q", what, got.Owner, want.Owner)
	case !bytes.Equal(got.Value, want.Value):
		return fmt.Errorf("%s returned the value %s, want %s", what, show(got.Value), show(want.Value))
	case got.Version != want.Version:
		return fmt.Errorf("%s returned version %d, want %d", what, got.Version, want.Version)
	case !got.WrittenAt.Equal(want.WrittenAt):
		return fmt.Errorf("%s says that the record was written at %s, want %s", what, got.WrittenAt, want.WrittenAt)
	case !got.ExpiresAt.Equal(want.ExpiresAt):
		return fmt.Errorf("%s says that the record expires at %s, want %s", what, got.ExpiresAt, want.ExpiresAt)
	}
	return nil
}

func expectRecords(what string, got []store.Record, err error, want []store.Record) error {
	if err != nil {
		return expectError(what, err, nil)
	}
	for i := range min(len(got), len(want)) {
		if err := expectRecord(fmt.Sprintf("%s, at place %d,", what, i), got[i], want[i]); err != nil {
			return err
		}
	}
	if len(got) != len(want) {
		return fmt.Errorf("%s returned %d records, want %d", what, len(got), len(want))
	}
	return nil
}

// expectVersions reads a record and its history through both handles. The newest version comes first.
func (l *ledger) expectVersions(ctx context.Context, id string, want ...store.Record) error {
	for name, h := range l.handles() {
		got, err := h.Read(ctx, l.collection, id)
		if err := expectRecords("Read through "+name, []store.Record{got}, err, want[:1]); err != nil {
			return err
		}
		history, err := h.History(ctx, l.collection, id)
		if err := expectRecords("History through "+name, history, err, want); err != nil {
			return err
		}
	}
	return nil
}

// expectNone looks for a record in every way, through both handles.
func (l *ledger) expectNone(ctx context.Context, id string) error {
	for name, h := range l.handles() {
		_, err := h.Read(ctx, l.collection, id)
		if err := expectError("Read through "+name, err, store.ErrNotFound); err != nil {
			return err
		}
		_, err = h.History(ctx, l.collection, id)
		if err := expectError("History through "+name, err, store.ErrNotFound); err != nil {
			return err
		}
		listed, err := h.List(ctx, l.collection, store.Query{})
		if err != nil {
			return expectError("List through "+name, err, nil)
		}
		if slices.ContainsFunc(listed, func(r store.Record) bool { return r.ID == id }) {
			return fmt.Errorf("through %s, List returned %q, which is absent for Read", name, id)
		}
	}
	return nil
}
