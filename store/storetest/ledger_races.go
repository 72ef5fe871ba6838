package storetest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gosignet/signet/store"
)

var ledgerArgumentRules = []rule[*ledger]{
	{
		name:  "LedgerLimits",
		rule:  "names, IDs, owners, values, versions and queries beyond the limits are refused with ErrInvalid and change nothing",
		why:   "engines cut, fold or fail on them in different ways, and the mistake must show with every one of them",
		check: checkLedgerLimits,
	},
	{
		name:  "LedgerEndedContext",
		rule:  "when the context has ended, every method returns its error",
		why:   "a write without an error counts as durable, and an outage is told from an answer by its error",
		check: checkLedgerEndedContext,
	},
}

var ledgerRaceRules = []rule[*ledger]{
	{
		name:  "CreateRace",
		rule:  "of many callers that write the first version at once, through any handle, exactly one succeeds",
		why:   "a wallet's key is bound to one person, whoever else tries at the same moment",
		check: checkCreateRace,
	},
	{
		name:  "CreateRaceOverExpired",
		rule:  "of many callers that write over an expired record at once, exactly one succeeds",
		why:   "an engine that first removes what has expired lets the second remove what the first has written",
		check: checkCreateRaceOverExpired,
	},
	{
		name:  "WriteRace",
		rule:  "of many callers that write the version that follows the same one at once, exactly one succeeds",
		why:   "of a grant and a withdrawal at the same moment one has to be decided again, on what the other has written",
		check: checkWriteRace,
	},
	{
		name:  "NoLostUpdate",
		rule:  "callers who read and write until they succeed lose no change, and the history has every version once",
		why:   "a history with a gap proves nothing",
		check: checkNoLostUpdate,
	},
	{
		name:  "WriteOrErase",
		rule:  "Write does not bring back what was erased at the same time, nor its history",
		why:   "a person who is forgotten must not come back with the request that was under way",
		check: checkWriteOrErase,
	},
	{
		name:  "LedgerEndedMidway",
		rule:  "a call whose context ends while it is under way returns that error, is not repeated and disturbs no other call",
		why:   "a connection that is used on after a call was given up hands its answer, another person's record, to the next",
		check: checkLedgerEndedMidway,
	},
}

// ledgerMethods calls every method.
func ledgerMethods(ctx context.Context, h store.Ledger, collection, id string) map[string]error {
	_, read := h.Read(ctx, collection, id)
	_, write := h.Write(ctx, collection, record(id, 0, "0"))
	_, list := h.List(ctx, collection, store.Query{})
	_, history := h.History(ctx, collection, id)
	erase := h.Erase(ctx, collection, id)
	return map[string]error{"Read": read, "Write": write, "List": list, "History": history, "Erase": erase}
}

func checkLedgerLimits(ctx context.Context, l *ledger) error {
	stored, err := l.write(ctx, l.A, record("id", 0, `"stored"`))
	if err != nil {
		return err
	}
	for _, name := range []string{"", "Upper", "under_score", "a b", "a.b", "é", strings.Repeat("x", store.MaxCollection+1)} {
		for method, err := range ledgerMethods(ctx, l.A, name, "id") {
			if err := expectError(fmt.Sprintf("%s in the collection %q", method, name), err, store.ErrInvalid); err != nil {
				return err
			}
		}
	}
	for _, id := range []string{"", strings.Repeat("x", store.MaxKey+1), "a b", "tab\t", "nul\x00", "del\x7f", "é", "\xff"} {
		for method, err := range ledgerMethods(ctx, l.A, l.collection, id) {
			if method == "List" {
				continue // it has no ID
			}
			if err := expectError(fmt.Sprintf("%s of the ID %q", method, id), err, store.ErrInvalid); err != nil {
				return err
			}
		}
	}
	values := []string{"", "{", "text", `{"a":1}{}`, "NaN", "\"\xff\"", "\"\x00\"", `"` + strings.Repeat("x", store.MaxRecord-1) + `"`}
	var refused []store.Record
	for _, value := range values {
		refused = append(refused, record("id", 1, value), record("free", 0, value))
	}
	for _, owner := range []string{"a b", "nul\x00", "é", strings.Repeat("x", store.MaxKey+1)} {
		refused = append(refused, store.Record{ID: "id", Version: 1, Value: []byte("0"), Owner: owner})
	}
	refused = append(refused, record("id", -1, "0"), record("free", -1, "0"))
	for _, r := range refused {
		_, err := l.A.Write(ctx, l.collection, r)
		what := fmt.Sprintf("Write of the value %s over version %d for the owner %.30q", show(r.Value), r.Version, r.Owner)
		if err := expectError(what, err, store.ErrInvalid); err != nil {
			return err
		}
	}
	for _, q := range []store.Query{{Limit: -1}, {Owner: "a b"}, {After: "a b"}, {After: strings.Repeat("x", store.MaxKey+1)}, {Owner: "nul\x00"}} {
		_, err := l.A.List(ctx, l.collection, q)
		if err := expectError(fmt.Sprintf("List of %+.40v", q), err, store.ErrInvalid); err != nil {
			return err
		}
	}
	if err := l.expectNone(ctx, "free"); err != nil {
		return err
	}
	return l.expectVersions(ctx, "id", stored)
}

func checkLedgerEndedContext(ctx context.Context, l *ledger) error {
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	late, cancel := context.WithDeadline(ctx, time.Unix(0, 0))
	defer cancel()
	for _, ended := range []context.Context{cancelled, late} {
		for name, err := range ledgerMethods(ended, l.A, l.collection, "id") {
			if err := expectError(name, err, ended.Err()); err != nil {
				return err
			}
		}
	}
	return nil
}

// raceWrites has every racer write its own value as the version that follows version, and returns what the only one
// that succeeded was told.
func (l *ledger) raceWrites(ctx context.Context, id string, version int64) (store.Record, error) {
	written := make([]store.Record, racers)
	errs := race(l.A, l.B, func(h store.Ledger, racer int) (err error) {
		written[racer], err = h.Write(ctx, l.collection, record(id, version, strconv.Itoa(racer)))
		return err
	})
	won, err := winner(errs, store.ErrConflict)
	if err != nil {
		return store.Record{}, err
	}
	want := record(id, version+1, strconv.Itoa(won))
	want.WrittenAt = written[won].WrittenAt
	return want, expectRecord("Write", written[won], want)
}

func checkCreateRace(ctx context.Context, l *ledger) error {
	for round := range rounds {
		id := strconv.Itoa(round)
		one, err := l.raceWrites(ctx, id, 0)
		if err != nil {
			return err
		}
		if err := l.expectVersions(ctx, id, one); err != nil {
			return err
		}
	}
	return nil
}

func checkCreateRaceOverExpired(ctx context.Context, l *ledger) error {
	now, err := l.now(ctx)
	if err != nil {
		return err
	}
	for round := range rounds {
		if err := l.writeAll(ctx, expiring(strconv.Itoa(round), 0, now.Add(2*short))); err != nil {
			return err
		}
	}
	l.Advance(pause)
	return checkCreateRace(ctx, l)
}

func checkWriteRace(ctx context.Context, l *ledger) error {
	for round := range rounds {
		id := strconv.Itoa(round)
		one, err := l.write(ctx, l.A, record(id, 0, `"first"`))
		if err != nil {
			return err
		}
		two, err := l.raceWrites(ctx, id, 1)
		if err != nil {
			return err
		}
		if err := l.expectVersions(ctx, id, two, one); err != nil {
			return err
		}
	}
	return nil
}

func checkNoLostUpdate(ctx context.Context, l *ledger) error {
	if err := l.writeAll(ctx, record("id", 0, "0")); err != nil {
		return err
	}
	errs := race(l.A, l.B, func(h store.Ledger, _ int) error {
		for range racers { // somebody else has succeeded whenever this one has to try again
			r, err := h.Read(ctx, l.collection, "id")
			if err != nil {
				return expectError("Read", err, nil)
			}
			_, err = h.Write(ctx, l.collection, record("id", r.Version, strconv.FormatInt(r.Version, 10)))
			if err == nil {
				return nil
			}
			if err := expectError("Write", err, store.ErrConflict); err != nil {
				return err
			}
		}
		return fmt.Errorf("%d calls of Write returned %q, more than the others can have changed the record", racers, store.ErrConflict)
	})
	if err := errors.Join(errs...); err != nil {
		return err
	}
	history, err := l.B.History(ctx, l.collection, "id")
	if err != nil {
		return expectError("History", err, nil)
	}
	if len(history) != racers+1 {
		return fmt.Errorf("History returned %d versions, want %d", len(history), racers+1)
	}
	for i, r := range history {
		if version := int64(racers + 1 - i); r.Version != version || string(r.Value) != strconv.FormatInt(version-1, 10) {
			return fmt.Errorf("place %d of the history has version %d with the value %s, want version %d", i, r.Version, show(r.Value), version)
		}
	}
	return nil
}

func checkWriteOrErase(ctx context.Context, l *ledger) error {
	for round := range rounds * rounds {
		id := strconv.Itoa(round)
		if err := l.writeAll(ctx, record(id, 0, "0")); err != nil {
			return err
		}
		var write, erase error
		var done sync.WaitGroup
		done.Go(func() { _, write = l.A.Write(ctx, l.collection, record(id, 1, "1")) })
		done.Go(func() { erase = l.B.Erase(ctx, l.collection, id) })
		done.Wait()
		if write != nil {
			if err := expectError("Write", write, store.ErrConflict); err != nil {
				return err
			}
		}
		if err := expectError("Erase", erase, nil); err != nil {
			return err
		}
		if err := l.expectNone(ctx, id); err != nil {
			return fmt.Errorf("when Write returned %v: %w", write, err)
		}
		again, err := l.write(ctx, l.B, record(id, 0, "2"))
		if err != nil {
			return err
		}
		if err := l.expectVersions(ctx, id, again); err != nil {
			return err
		}
		if err := l.A.Erase(ctx, l.collection, id); err != nil {
			return expectError("Erase", err, nil)
		}
	}
	return nil
}

func checkLedgerEndedMidway(ctx context.Context, l *ledger) error {
	for racer := range racers {
		if err := l.writeAll(ctx, record(strconv.Itoa(racer), 0, "0")); err != nil {
			return err
		}
	}
	errs := race(l.A, l.B, func(h store.Ledger, racer int) error {
		id := strconv.Itoa(racer)
		read := func(ctx context.Context) (store.Record, error) {
			r, err := h.Read(ctx, l.collection, id)
			if err == nil && r.ID != id {
				err = fmt.Errorf("Read of %q returned %q", id, r.ID)
			}
			return r, err
		}
		err := endMidway(ctx, racer, func(ending context.Context) error {
			r, err := read(ending)
			if err != nil {
				return err
			}
			_, err = h.Write(ending, l.collection, record(id, r.Version, "1"))
			return err
		})
		if err != nil {
			return err
		}
		r, err := read(ctx)
		if err != nil {
			return err
		}
		if r.Version > rounds+1 {
			return fmt.Errorf("after %d calls of Write the record has version %d", rounds+1, r.Version)
		}
		if r, err = l.write(ctx, h, record(id, r.Version, "2")); err != nil {
			return fmt.Errorf("after calls whose context ended: %w", err)
		}
		history, err := h.History(ctx, l.collection, id)
		if err != nil || int64(len(history)) != r.Version {
			return fmt.Errorf("the history of version %d has %d versions, error %v", r.Version, len(history), err)
		}
		return nil
	})
	return errors.Join(errs...)
}
