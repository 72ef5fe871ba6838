package postgres_test

import (
	"bytes"
	"crypto/rand"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/internal/postgrestest"
	"github.com/gosignet/signet/store"
	"github.com/gosignet/signet/store/postgres"
)

// value is as large as the record of a login.
var value = bytes.Repeat([]byte{'v'}, 1024)

// benchmarks are one operation each, on a key that only it uses; prepare runs beforehand, and is not measured.
var benchmarks = []struct {
	name         string
	prepare, run func(b *testing.B, s *postgres.Store, key string) error
}{
	{"Put", nothing, put},
	{"Add", nothing, func(b *testing.B, s *postgres.Store, key string) error {
		return s.Add(b.Context(), key, value, time.Minute)
	}},
	{"Get", put, func(b *testing.B, s *postgres.Store, key string) error {
		_, err := s.Get(b.Context(), key)
		return err
	}},
	{"Take", put, func(b *testing.B, s *postgres.Store, key string) error {
		_, err := s.Take(b.Context(), key)
		return err
	}},
	{"Replace", put, func(b *testing.B, s *postgres.Store, key string) error {
		return s.Replace(b.Context(), key, value, value, time.Minute)
	}},
	{"Increment", nothing, func(b *testing.B, s *postgres.Store, key string) error {
		_, err := s.Increment(b.Context(), key, 1, time.Minute)
		return err
	}},
	{"BatchOf3", put, func(b *testing.B, s *postgres.Store, key string) error {
		for _, r := range s.Do(b.Context(), []store.Operation{
			{Verb: store.VerbTake, Key: key},
			{Verb: store.VerbAdd, Key: key + "-jti", Value: value[:16], TTL: time.Minute},
			{Verb: store.VerbAdd, Key: key + "-token", Value: value, TTL: time.Minute},
		}) {
			if r.Err != nil {
				return r.Err
			}
		}
		return nil
	}},
	{"LedgerCreate", nothing, write(0)},
	{"LedgerWrite", write(0), write(1)},
	{"LedgerRead", write(0), func(b *testing.B, s *postgres.Store, key string) error {
		_, err := s.Read(b.Context(), "consents", key)
		return err
	}},
}

func nothing(*testing.B, *postgres.Store, string) error { return nil }

func put(b *testing.B, s *postgres.Store, key string) error {
	return s.Put(b.Context(), key, value, time.Minute)
}

func write(version int64) func(b *testing.B, s *postgres.Store, key string) error {
	return func(b *testing.B, s *postgres.Store, key string) error {
		_, err := s.Write(b.Context(), "consents", store.Record{ID: key, Owner: "owner", Version: version, Value: []byte(`{"claims":["name","email"]}`)})
		return err
	}
}

// BenchmarkStore measures one caller, with a server that keeps what it acknowledges: it waits for the disk.
func BenchmarkStore(b *testing.B) {
	s, err := postgres.New(postgres.Config{DSN: postgrestest.Start(b, postgrestest.Config{Durable: true}).NewDatabase(b)})
	require.NoError(b, err)
	defer func() { _ = s.Close() }()
	_, _, err = s.Migrate(b.Context())
	require.NoError(b, err)
	for _, bm := range benchmarks {
		b.Run(bm.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				key := rand.Text()
				err := bm.prepare(b, s, key)
				b.StartTimer()
				if err == nil {
					err = bm.run(b, s, key)
				}
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkParallel measures what a server carries: many callers, each with the writes of a login's one step.
func BenchmarkParallel(b *testing.B) {
	dsn := postgrestest.Start(b, postgrestest.Config{Durable: true}).NewDatabase(b)
	s, err := postgres.New(postgres.Config{DSN: dsn + "&pool_max_conns=32"})
	require.NoError(b, err)
	defer func() { _ = s.Close() }()
	_, _, err = s.Migrate(b.Context())
	require.NoError(b, err)
	b.SetParallelism(32)
	b.ReportAllocs()
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			key := rand.Text()
			for _, r := range s.Do(b.Context(), []store.Operation{
				{Verb: store.VerbPut, Key: key, Value: value, TTL: time.Minute},
				{Verb: store.VerbAdd, Key: key + "-jti", TTL: time.Minute},
			}) {
				if r.Err != nil {
					b.Error(r.Err)
					return
				}
			}
		}
	})
}
