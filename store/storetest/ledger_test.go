package storetest_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/store"
	"github.com/gosignet/signet/store/memory"
	"github.com/gosignet/signet/store/storetest"
)

// correctLedger opens a ledger without a fault.
func correctLedger(t testing.TB) (*memory.Store, func(time.Duration)) {
	c := &clock{now: time.Unix(1_000_000_000, 0)}
	m, err := memory.New(memory.Config{Now: c.Now})
	require.NoError(t, err)
	return m, c.Advance
}

func TestALedgerWithoutAClockToTurnIsWaitedFor(t *testing.T) {
	t.Parallel()
	storetest.RunLedger(t, func(t testing.TB) storetest.LedgerBackend {
		m, err := memory.New(memory.Config{})
		require.NoError(t, err)
		return storetest.LedgerBackend{A: m, B: m}
	})
}

type (
	readFunc    = func(ctx context.Context, l store.Ledger, collection, id string) (store.Record, error)
	writeFunc   = func(ctx context.Context, l store.Ledger, collection string, r store.Record) (store.Record, error)
	listFunc    = func(ctx context.Context, l store.Ledger, collection string, q store.Query) ([]store.Record, error)
	historyFunc = func(ctx context.Context, l store.Ledger, collection, id string) ([]store.Record, error)
	eraseFunc   = func(ctx context.Context, l store.Ledger, collection, id string) error
)

// faulty is a correct ledger with a fault in some methods.
type faulty struct {
	store.Ledger
	read    readFunc
	write   writeFunc
	list    listFunc
	history historyFunc
	erase   eraseFunc
}

func (f faulty) Read(ctx context.Context, collection, id string) (store.Record, error) {
	if f.read == nil {
		return f.Ledger.Read(ctx, collection, id)
	}
	return f.read(ctx, f.Ledger, collection, id)
}

func (f faulty) Write(ctx context.Context, collection string, r store.Record) (store.Record, error) {
	if f.write == nil {
		return f.Ledger.Write(ctx, collection, r)
	}
	return f.write(ctx, f.Ledger, collection, r)
}

func (f faulty) List(ctx context.Context, collection string, q store.Query) ([]store.Record, error) {
	if f.list == nil {
		return f.Ledger.List(ctx, collection, q)
	}
	return f.list(ctx, f.Ledger, collection, q)
}

func (f faulty) History(ctx context.Context, collection, id string) ([]store.Record, error) {
	if f.history == nil {
		return f.Ledger.History(ctx, collection, id)
	}
	return f.history(ctx, f.Ledger, collection, id)
}

func (f faulty) Erase(ctx context.Context, collection, id string) error {
	if f.erase == nil {
		return f.Ledger.Erase(ctx, collection, id)
	}
	return f.erase(ctx, f.Ledger, collection, id)
}

// changing changes what is written.
func changing(change func(r *store.Record)) faulty {
	return faulty{write: func(ctx context.Context, l store.Ledger, collection string, r store.Record) (store.Record, error) {
		change(&r)
		return l.Write(ctx, collection, r)
	}}
}

// listing changes what is listed.
func listing(change func(records []store.Record) []store.Record) faulty {
	return faulty{list: func(ctx context.Context, l store.Ledger, collection string, q store.Query) ([]store.Record, error) {
		records, err := l.List(ctx, collection, q)
		return change(records), err
	}}
}

func listedBy(list listFunc) faulty { return faulty{list: list} }

// remembering changes what the history has.
func remembering(change func(records []store.Record) []store.Record) faulty {
	return faulty{history: func(ctx context.Context, l store.Ledger, collection, id string) ([]store.Record, error) {
		records, err := l.History(ctx, collection, id)
		return change(records), err
	}}
}

// overwrite writes whatever the present version is.
func overwrite(ctx context.Context, l store.Ledger, collection string, r store.Record) (store.Record, error) {
	for {
		now, err := l.Read(ctx, collection, r.ID)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return r, err
		}
		r.Version = now.Version
		if r, err := l.Write(ctx, collection, r); !errors.Is(err, store.ErrConflict) {
			return r, err
		}
	}
}

// readThenWrite looks at the version, and then overwrites.
func readThenWrite(ctx context.Context, l store.Ledger, collection string, r store.Record) (store.Record, error) {
	if err := store.CheckRecord(&r); err != nil {
		return r, err
	}
	if now, err := l.Read(ctx, collection, r.ID); now.Version != r.Version {
		return r, cmp.Or(err, store.ErrConflict)
	}
	yield()
	return overwrite(ctx, l, collection, r)
}

// TestABrokenLedgerIsCaught breaks a correct ledger in one way after the other. Every rule catches a fault.
func TestABrokenLedgerIsCaught(t *testing.T) {
	t.Parallel()
	var buried sync.Map
	var shared = []byte(`"value"`)
	tests := []struct {
		fault string
		l     faulty
		rule  string
	}{
		{"each handle has records of its own", faulty{}, "OneLedger"},
		{"the history begins with the first version", remembering(func(records []store.Record) []store.Record {
			slices.Reverse(records)
			return records
		}), "Versions"},
		{"the history has the present owner", remembering(func(records []store.Record) []store.Record {
			for i := range records {
				records[i].Owner = records[0].Owner
			}
			return records
		}), "Versions"},
		{"the expiry is not kept", changing(func(r *store.Record) { r.ExpiresAt = time.Time{} }), "Versions"},
		{"the version is not looked at", faulty{write: overwrite}, "WriteFollows"},
		{"a version that is ahead is taken", faulty{write: func(ctx context.Context, l store.Ledger, collection string, r store.Record) (store.Record, error) {
			if now, err := l.Read(ctx, collection, r.ID); err == nil && now.Version < r.Version {
				r.Version = now.Version
			}
			return l.Write(ctx, collection, r)
		}}, "WriteFollows"},
		{"the caller tells the time", faulty{write: func(ctx context.Context, l store.Ledger, collection string, r store.Record) (store.Record, error) {
			at := r.WrittenAt
			r, err := l.Write(ctx, collection, r)
			if !at.IsZero() {
				r.WrittenAt = at
			}
			return r, err
		}}, "WrittenByTheBackend"},
		{"a history is cut at a hundred", remembering(func(records []store.Record) []store.Record {
			return records[:min(len(records), 100)]
		}), "LongHistory"},
		{"a value is written anew", changing(func(r *store.Record) {
			var buf bytes.Buffer
			if json.Compact(&buf, r.Value) == nil {
				r.Value = buf.Bytes()
			}
		}), "ExactJSON"},
		{"a zero in a text is refused", faulty{write: func(ctx context.Context, l store.Ledger, collection string, r store.Record) (store.Record, error) {
			if bytes.Contains(r.Value, []byte(`\u0000`)) {
				return r, errors.New("unsupported Unicode escape sequence")
			}
			return l.Write(ctx, collection, r)
		}}, "ExactJSON"},
		{"owners are folded", listedBy(func(ctx context.Context, l store.Ledger, collection string, q store.Query) ([]store.Record, error) {
			owner := q.Owner
			q.Owner = ""
			records, err := l.List(ctx, collection, q)
			return slices.DeleteFunc(records, func(r store.Record) bool { return owner != "" && !strings.EqualFold(owner, r.Owner) }), err
		}), "AnyID"},
		{"collections are cut", inCollection(func(name string) string { return strings.TrimRight(name, "-") }), "Collections"},
		{"a read shares memory", faulty{read: func(ctx context.Context, l store.Ledger, collection, id string) (store.Record, error) {
			r, err := l.Read(ctx, collection, id)
			r.Value = shared
			return r, err
		}}, "LedgerNoAliasing"},
		{"a write clears its argument", faulty{write: func(ctx context.Context, l store.Ledger, collection string, r store.Record) (store.Record, error) {
			defer clear(r.Value)
			return l.Write(ctx, collection, r)
		}}, "LedgerNoAliasing"},
		{"a listing is sorted by language", listing(func(records []store.Record) []store.Record {
			slices.SortFunc(records, func(a, b store.Record) int { return cmp.Compare(strings.ToLower(a.ID), strings.ToLower(b.ID)) })
			return records
		}), "ListInByteOrder"},
		{"a page begins with the ID it follows", listedBy(func(ctx context.Context, l store.Ledger, collection string, q store.Query) ([]store.Record, error) {
			records, err := l.List(ctx, collection, q)
			if last, lastErr := l.Read(ctx, collection, q.After); lastErr == nil && err == nil {
				records = append([]store.Record{last}, records...)
			}
			return records, err
		}), "ListInByteOrder"},
		{"pages are counted", listedBy(func(ctx context.Context, l store.Ledger, collection string, q store.Query) ([]store.Record, error) {
			all, err := l.List(ctx, collection, store.Query{Owner: q.Owner})
			from := slices.IndexFunc(all, func(r store.Record) bool { return r.ID > q.After })
			if from < 0 {
				return nil, err
			}
			if q.After != "" {
				from = (from + q.Limit) / q.Limit * q.Limit
			}
			return all[min(from, len(all)):min(len(all), from+q.Limit)], err
		}), "ListPages"},
		{"a listing has who owned a version once", listedBy(func(ctx context.Context, l store.Ledger, collection string, q store.Query) ([]store.Record, error) {
			all, err := l.List(ctx, collection, store.Query{After: q.After, Limit: q.Limit})
			return slices.DeleteFunc(all, func(r store.Record) bool {
				history, _ := l.History(ctx, collection, r.ID)
				return q.Owner != "" && !slices.ContainsFunc(history, func(v store.Record) bool { return v.Owner == q.Owner })
			}), err
		}), "ListByOwner"},
		{"a listing has no limit", listedBy(func(ctx context.Context, l store.Ledger, collection string, q store.Query) ([]store.Record, error) {
			records, err := l.List(ctx, collection, q)
			if len(records) == store.MaxList {
				more, _ := l.List(ctx, collection, store.Query{Owner: q.Owner, After: records[len(records)-1].ID})
				records = append(records, more...)
			}
			return records, err
		}), "ListLimit"},
		{"an empty listing fails", listedBy(func(ctx context.Context, l store.Ledger, collection string, q store.Query) ([]store.Record, error) {
			records, err := l.List(ctx, collection, q)
			if err == nil && len(records) == 0 {
				err = store.ErrNotFound
			}
			return records, err
		}), "ListNothing"},
		{"what was erased goes on", faulty{
			erase: func(ctx context.Context, l store.Ledger, collection, id string) error {
				if r, err := l.Read(ctx, collection, id); err == nil {
					buried.Store(collection+id, r.Version)
				}
				return l.Erase(ctx, collection, id)
			},
			write: func(ctx context.Context, l store.Ledger, collection string, r store.Record) (store.Record, error) {
				if version, ok := buried.Load(collection + r.ID); ok && version == r.Version {
					r.Version = 0
				}
				return l.Write(ctx, collection, r)
			},
		}, "EraseRemovesHistory"},
		{"erasing nothing fails", faulty{erase: func(ctx context.Context, l store.Ledger, collection, id string) error {
			if _, err := l.Read(ctx, collection, id); err != nil {
				return err
			}
			return l.Erase(ctx, collection, id)
		}}, "EraseRemovesHistory"},
		{"records do not expire", forgetting(func(*store.Record) bool { return true }), "ExpiredRecordIsAbsent"},
		{"the first term decides", forgetting(func(r *store.Record) bool { return r.Version > 0 }), "PresentVersionDecidesExpiry"},
		{"expired records take a place", listing(func(records []store.Record) []store.Record {
			if len(records) > 0 && records[0].ID > "a" {
				return records[1:]
			}
			return records
		}), "ExpiredTakesNoPlace"},
		{"any name is taken", inCollection(strings.ToLower), "LedgerLimits"},
		{"what is no JSON is made a text", changing(func(r *store.Record) {
			if !json.Valid(r.Value) {
				r.Value, _ = json.Marshal(string(r.Value))
			}
		}), "LedgerLimits"},
		{"a limit below zero is none", listedBy(func(ctx context.Context, l store.Ledger, collection string, q store.Query) ([]store.Record, error) {
			q.Limit = max(0, q.Limit)
			return l.List(ctx, collection, q)
		}), "LedgerLimits"},
		{"the context is ignored", faulty{history: func(_ context.Context, l store.Ledger, collection, id string) ([]store.Record, error) {
			return l.History(context.Background(), collection, id)
		}}, "LedgerEndedContext"},
		{"a creator reads and then writes", faulty{write: readThenWrite}, "CreateRace"},
		{"a creator over what has expired reads and then writes", faulty{write: readThenWrite}, "CreateRaceOverExpired"},
		{"a writer reads and then writes", faulty{write: readThenWrite}, "WriteRace"},
		{"a version is written twice", faulty{write: readThenWrite}, "NoLostUpdate"},
		{"a writer brings back what was erased", faulty{write: readThenWrite}, "WriteOrErase"},
		{"a write whose caller has gone is repeated", faulty{write: func(ctx context.Context, l store.Ledger, collection string, r store.Record) (store.Record, error) {
			yield()
			written, err := l.Write(ctx, collection, r)
			if ctx.Err() != nil {
				for range 10 {
					overwrite(context.WithoutCancel(ctx), l, collection, r)
				}
			}
			return written, err
		}}, "LedgerEndedMidway"},
	}
	caught := map[string]bool{}
	for _, tt := range tests {
		caught[tt.rule] = true
		t.Run(tt.fault, func(t *testing.T) {
			t.Parallel()
			l, advance := correctLedger(t)
			tt.l.Ledger = l
			b := storetest.LedgerBackend{A: tt.l, B: tt.l, Advance: advance}
			if tt.rule == "OneLedger" {
				b.B, _ = correctLedger(t)
			}
			assert.Error(t, storetest.CheckLedger(t.Context(), tt.rule, b))
		})
	}
	for _, rule := range storetest.LedgerRules() {
		assert.Contains(t, caught, rule, "no fault is planted for the rule")
	}
}

// inCollection changes the name of the collection.
func inCollection(name func(string) string) faulty {
	return faulty{
		read: func(ctx context.Context, l store.Ledger, c, id string) (store.Record, error) {
			return l.Read(ctx, name(c), id)
		},
		write: func(ctx context.Context, l store.Ledger, c string, r store.Record) (store.Record, error) {
			return l.Write(ctx, name(c), r)
		},
		list: func(ctx context.Context, l store.Ledger, c string, q store.Query) ([]store.Record, error) {
			return l.List(ctx, name(c), q)
		},
		history: func(ctx context.Context, l store.Ledger, c, id string) ([]store.Record, error) {
			return l.History(ctx, name(c), id)
		},
		erase: func(ctx context.Context, l store.Ledger, c, id string) error { return l.Erase(ctx, name(c), id) },
	}
}

// forgetting keeps the records that forget chooses for ever, and says otherwise.
func forgetting(forget func(r *store.Record) bool) faulty {
	return faulty{write: func(ctx context.Context, l store.Ledger, collection string, r store.Record) (store.Record, error) {
		at := r.ExpiresAt
		if forget(&r) {
			r.ExpiresAt = time.Time{}
		}
		r, err := l.Write(ctx, collection, r)
		r.ExpiresAt = at
		return r, err
	}}
}
