package storetest

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/gosignet/signet/store"
)

var recordRules = []rule[*ledger]{
	{
		name:  "OneLedger",
		rule:  "what one handle has written, the other reads at once, and writes the next version of",
		why:   "a consent that was withdrawn through one instance of the provider must not be honoured by another",
		check: checkOneLedger,
	},
	{
		name:  "Versions",
		rule:  "the history has every version as it was written, the present one first, with its owner and its time",
		why:   "it has to be shown later what somebody had agreed to, and when",
		check: checkVersions,
	},
	{
		name:  "WriteFollows",
		rule:  "Write succeeds only over the present version, or over none with version 0; ErrConflict changes nothing",
		why:   "a change that was decided on by what is no longer there must not overwrite what is",
		check: checkWriteFollows,
	},
	{
		name:  "WrittenByTheBackend",
		rule:  "WrittenAt is the time of the backend's clock, and not what the caller says",
		why:   "the instance with the wrong clock must not date a consent back",
		check: checkWrittenByTheBackend,
	},
	{
		name:  "LongHistory",
		rule:  "History returns the newest 1000 versions of a record that has more",
		why:   "a record that is written often must not become one that cannot be read",
		check: checkLongHistory,
	},
	{
		name:  "ExactJSON",
		rule:  "a value comes back byte for byte",
		why:   "values are hashed and signed; an engine that reorders members or rounds numbers breaks the signature",
		check: checkExactJSON,
	},
	{
		name:  "AnyID",
		rule:  "IDs and owners of 1 to 256 printable ASCII bytes are told apart byte for byte",
		why:   "an ID that is folded or cut is the record of somebody else",
		check: checkAnyID,
	},
	{
		name:  "Collections",
		rule:  "records of different collections do not see each other, even under the same ID",
		why:   "a client's identifier may be the same text as a consent's",
		check: checkCollections,
	},
	{
		name:  "LedgerNoAliasing",
		rule:  "the ledger copies what it is given and what it returns",
		why:   "a caller that reuses its buffer must not change what is stored or what another caller reads",
		check: checkLedgerNoAliasing,
	},
}

func checkOneLedger(ctx context.Context, l *ledger) error {
	if err := l.expectNone(ctx, "id"); err != nil {
		return err
	}
	one, err := l.write(ctx, l.A, record("id", 0, `{"n":1}`))
	if err != nil {
		return err
	}
	if err := l.expectVersions(ctx, "id", one); err != nil {
		return err
	}
	two, err := l.write(ctx, l.B, record("id", 1, `{"n":2}`))
	if err != nil {
		return err
	}
	if err := l.expectVersions(ctx, "id", two, one); err != nil {
		return err
	}
	three, err := l.write(ctx, l.A, record("id", 2, `{"n":3}`))
	if err != nil {
		return err
	}
	return l.expectVersions(ctx, "id", three, two, one)
}

func checkVersions(ctx context.Context, l *ledger) error {
	now, err := l.now(ctx)
	if err != nil {
		return err
	}
	var versions []store.Record
	for i, owner := range []string{"first", "", "Second", "first"} {
		r := record("id", int64(i), fmt.Sprintf(`{"owner":%q}`, owner))
		r.Owner = owner
		if i%2 == 1 {
			r.ExpiresAt = now.Add(long).Truncate(time.Second)
		}
		written, err := l.write(ctx, l.A, r)
		if err != nil {
			return err
		}
		versions = append([]store.Record{written}, versions...)
		if err := l.expectVersions(ctx, "id", versions...); err != nil {
			return err
		}
	}
	return nil
}

func checkWriteFollows(ctx context.Context, l *ledger) error {
	conflicts := func(versions ...int64) error {
		for _, v := range versions {
			for name, h := range l.handles() {
				_, err := h.Write(ctx, l.collection, record("id", v, `"refused"`))
				what := fmt.Sprintf("Write through %s of the version that follows %d", name, v)
				if err := expectError(what, err, store.ErrConflict); err != nil {
					return err
				}
			}
		}
		return nil
	}
	if err := conflicts(1, 2, math.MaxInt32, math.MaxInt64); err != nil {
		return err
	}
	if err := l.expectNone(ctx, "id"); err != nil {
		return err
	}
	one, err := l.write(ctx, l.A, record("id", 0, `"one"`))
	if err != nil {
		return err
	}
	if err := conflicts(0, 2, math.MaxInt64); err != nil {
		return err
	}
	if err := l.expectVersions(ctx, "id", one); err != nil {
		return fmt.Errorf("after a conflict: %w", err)
	}
	// The same value is a new version all the same.
	two, err := l.write(ctx, l.B, record("id", 1, `"one"`))
	if err != nil {
		return err
	}
	if err := conflicts(0, 1, 3); err != nil {
		return err
	}
	if err := l.expectVersions(ctx, "id", two, one); err != nil {
		return fmt.Errorf("after a conflict: %w", err)
	}
	return nil
}

func checkWrittenByTheBackend(ctx context.Context, l *ledger) error {
	before, err := l.now(ctx)
	if err != nil {
		return err
	}
	var written []time.Time
	for v := range int64(2) {
		r := record("id", v, "0")
		r.WrittenAt = time.Unix(0, 0)
		got, err := l.write(ctx, l.A, r)
		if err != nil {
			return err
		}
		written = append(written, got.WrittenAt)
		l.Advance(pause)
	}
	if d := written[0].Sub(before); d < -short || d > long {
		return fmt.Errorf("a record says that it was written at %s, want about %s", written[0], before)
	}
	if d := written[1].Sub(written[0]); d < pause-short || d > long {
		return fmt.Errorf("a version that was written %s after another says that it was %s", pause, d)
	}
	return nil
}

func checkLongHistory(ctx context.Context, l *ledger) error {
	const more = 3
	var versions []store.Record
	for v := range int64(store.MaxList + more) {
		r, err := l.write(ctx, l.A, record("id", v, fmt.Sprint(v)))
		if err != nil {
			return err
		}
		versions = append(versions, r)
	}
	newest := make([]store.Record, store.MaxList)
	for i := range newest {
		newest[i] = versions[len(versions)-1-i]
	}
	return l.expectVersions(ctx, "id", newest...)
}

func checkExactJSON(ctx context.Context, l *ledger) error {
	values := []string{
		`{}`, `[]`, `null`, `true`, `0`, `""`, `"text"`,
		`{"b":1,"a":2,"aa":3}`, `{"a":1,"a":2}`, " {\n\t\"a\" : [ 1 , 2 ]\r\n} ",
		`1.0`, `1.10`, `1e400`, `-0`, `123456789012345678901234567890`, `0.1234567890123456789`,
		`"\u0000"`, `"\u00e9é"`, `"\ud800"`, `"\/</script>&"`, "\"\u2028\U0001F600\"", `"'\"%_\\{}$1;--"`,
		`"` + strings.Repeat("x", store.MaxRecord-2) + `"`,
		strings.Repeat("[", 1000) + strings.Repeat("]", 1000),
	}
	for i, value := range values {
		id := fmt.Sprint(i)
		one, err := l.write(ctx, l.A, record(id, 0, value))
		if err != nil {
			return err
		}
		two, err := l.write(ctx, l.B, record(id, 1, value))
		if err != nil {
			return err
		}
		if err := l.expectVersions(ctx, id, two, one); err != nil {
			return err
		}
		listed, err := l.B.List(ctx, l.collection, store.Query{})
		if err := expectRecords("List", listed, err, []store.Record{two}); err != nil {
			return err
		}
		if err := l.A.Erase(ctx, l.collection, id); err != nil {
			return expectError("Erase", err, nil)
		}
	}
	return nil
}

func checkAnyID(ctx context.Context, l *ledger) error {
	written := map[string]store.Record{}
	for _, id := range oddIDs() {
		r := record(id, 0, fmt.Sprintf("%q", id))
		r.Owner = id
		got, err := l.write(ctx, l.A, r)
		if err != nil {
			return err
		}
		written[id] = got
	}
	for id, want := range written {
		if err := l.expectVersions(ctx, id, want); err != nil {
			return err
		}
		listed, err := l.B.List(ctx, l.collection, store.Query{Owner: id})
		if err := expectRecords(fmt.Sprintf("List of the owner %q", id), listed, err, []store.Record{want}); err != nil {
			return err
		}
	}
	return nil
}

// oddIDs are IDs that a ledger may mistake for each other. The longest are there, and the shortest.
func oddIDs() []string {
	ids := []string{"id", "ID", "Id", "id*", "i?", "i_", "i%", "[id]", `i\d`, `'id'`, `"id"`, "id;--", "../id", "id/", "0", "00", "1", "1.0",
		"+1", "null", "NULL"}
	for c := byte('!'); c <= '~'; c++ {
		ids = append(ids, "each"+string(c))
	}
	rest := strings.Repeat("x", store.MaxKey-1)
	return append(ids, rest, rest+"a", rest+"b", rest+"B")
}

func checkCollections(ctx context.Context, l *ledger) error {
	other := *l
	// The ID of the one begins with what the name of the other ends with.
	other.collection = l.collection + strings.Repeat("-", store.MaxCollection-len(l.collection))
	in, err := l.write(ctx, l.A, record("id", 0, `"in"`))
	if err != nil {
		return err
	}
	if err := other.expectNone(ctx, "id"); err != nil {
		return fmt.Errorf("in another collection: %w", err)
	}
	out, err := other.write(ctx, l.B, record("id", 0, `"out"`))
	if err != nil {
		return fmt.Errorf("in another collection: %w", err)
	}
	for _, c := range []struct {
		l    *ledger
		want store.Record
	}{{l, in}, {&other, out}} {
		if err := c.l.expectVersions(ctx, "id", c.want); err != nil {
			return err
		}
		listed, err := l.A.List(ctx, c.l.collection, store.Query{})
		if err := expectRecords("List", listed, err, []store.Record{c.want}); err != nil {
			return err
		}
	}
	if err := l.A.Erase(ctx, l.collection, "id"); err != nil {
		return expectError("Erase", err, nil)
	}
	if err := other.expectVersions(ctx, "id", out); err != nil {
		return fmt.Errorf("after Erase in another collection: %w", err)
	}
	return nil
}

func checkLedgerNoAliasing(ctx context.Context, l *ledger) error {
	original := []byte(`"value"`)
	given := record("id", 0, string(original))
	returned, err := l.A.Write(ctx, l.collection, given)
	if err != nil {
		return expectError("Write", err, nil)
	}
	if !bytes.Equal(given.Value, original) {
		return fmt.Errorf("Write changed the value that it was given to %s", show(given.Value))
	}
	reads := map[string]func() ([]byte, error){
		"Read": func() ([]byte, error) {
			r, err := l.A.Read(ctx, l.collection, "id")
			return r.Value, err
		},
		"List": func() ([]byte, error) {
			return onlyValue(l.A.List(ctx, l.collection, store.Query{}))
		},
		"History": func() ([]byte, error) {
			return onlyValue(l.A.History(ctx, l.collection, "id"))
		},
	}
	clear(given.Value)
	clear(returned.Value)
	for range 2 {
		for name, read := range reads {
			got, err := read()
			if err := expectValue(name+" after changing what was given or returned", got, err, original); err != nil {
				return err
			}
			clear(got)
		}
	}
	return nil
}

func onlyValue(records []store.Record, err error) ([]byte, error) {
	if err == nil && len(records) != 1 {
		err = fmt.Errorf("%d records, want 1", len(records))
	}
	if err != nil {
		return nil, err
	}
	return records[0].Value, nil
}
