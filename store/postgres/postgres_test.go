package postgres_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/internal/postgrestest"
	"github.com/gosignet/signet/store/postgres"
	"github.com/gosignet/signet/store/storetest"
)

// newStore returns a Store that is closed with the test.
func newStore(t testing.TB, c postgres.Config) *postgres.Store {
	t.Helper()
	s, err := postgres.New(c)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

// migrated returns the DSN of a new database with the schema.
func migrated(t testing.TB) string {
	t.Helper()
	dsn := postgrestest.Shared(t).NewDatabase(t)
	_, _, err := newStore(t, postgres.Config{DSN: dsn}).Migrate(t.Context())
	require.NoError(t, err)
	return dsn
}

func TestStoreKeepsTheContract(t *testing.T) {
	t.Parallel()
	dsn := migrated(t)
	a, b := newStore(t, postgres.Config{DSN: dsn}), newStore(t, postgres.Config{DSN: dsn})
	storetest.Run(t, func(testing.TB) storetest.Backend { return storetest.Backend{A: a, B: b} })
}
