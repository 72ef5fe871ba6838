package signet_test

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/internal/redistest"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/store"
)

// BenchmarkStored weighs what logins under FAPI 2.0 leave in the databases, and what they write on the way. "open" are
// logins that wait for the person, and "complete" ones that ended, whose token and marks of use still live: neither has
// expired when it is weighed. "consent" are lasting records. Times say nothing here.
func BenchmarkStored(b *testing.B) {
	b.Run("postgres", func(b *testing.B) {
		backend := newPostgresBackend(b)
		weighLogins(b, backend, func(b *testing.B) map[string]int64 {
			return map[string]int64{
				"stored-B":   tables(b, backend.dsn, "ephemeral", "counter"),
				"rows":       query(b, backend.dsn, "SELECT (SELECT count(*) FROM signet.ephemeral) + (SELECT count(*) FROM signet.counter)"),
				"wal-B":      walPosition(b, backend.dsn),
				"commits":    query(b, backend.dsn, "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()"),
				"flushes":    query(b, backend.dsn, "SELECT wal_sync FROM pg_stat_wal"),
				"row-writes": query(b, backend.dsn, "SELECT sum(n_tup_ins + n_tup_upd + n_tup_del)::bigint FROM pg_stat_user_tables"),
			}
		})
	})
	b.Run("redis", func(b *testing.B) {
		backend := newRedisBackend(b)
		number := func(section, name string) int64 {
			n, err := strconv.ParseInt(redisInfo(b, backend.redis, section, name), 10, 64)
			require.NoError(b, err)
			return n
		}
		weighLogins(b, backend, func(b *testing.B) map[string]int64 {
			return map[string]int64{
				"stored-B": number("memory", "used_memory"), "keys": redisKeys(b, backend.redis),
				"net-in-B": number("stats", "total_net_input_bytes"), "net-out-B": number("stats", "total_net_output_bytes"),
				"commands": number("stats", "total_commands_processed"),
			}
		})
	})
	b.Run("consent", weighConsents)
}

// weighLogins reports by how much what weigh returns grows with each login.
func weighLogins(b *testing.B, backend benchBackend, weigh func(*testing.B) map[string]int64) {
	const logins = 2000
	w := newBenchWorldOver(b, jose.ES256, oauth.ProfileFAPI2, backend)
	w.workers = 16
	holder := newBenchHolder(b)
	for _, state := range []struct {
		name  string
		login func(b *testing.B)
	}{
		{"open", func(b *testing.B) { w.openFAPI2(b, holder) }},
		{"complete", func(b *testing.B) { w.completeFAPI2(b, holder, way{person: w.throughPages}) }},
	} {
		b.Run(state.name, func(b *testing.B) {
			w.each(32, func(int) { state.login(b) }) // connections are made
			before := weigh(b)
			w.each(logins, func(int) { state.login(b) })
			for name, after := range weigh(b) {
				b.ReportMetric(float64(after-before[name])/logins, name+"/login")
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

// openFAPI2 is a login up to the first page.
func (w *benchWorld) openFAPI2(b *testing.B, holder *benchHolder) {
	pushed := w.do(b, w.pushRequest(b, holder), http.StatusCreated)
	rec := w.do(b, w.authorizeRequest(b, holder, pushed), http.StatusSeeOther)
	cookie, _, _ := strings.Cut(rec.Header().Get("Set-Cookie"), ";")
	page := httptest.NewRequest("GET", benchIssuer+rec.Header().Get("Location"), nil)
	page.Header.Set("Cookie", cookie)
	w.do(b, page, http.StatusOK)
}

// weighConsents weighs records as a consent is kept: some 600 bytes of JSON under a hash, whose owner is a pseudonym. There
// are 200,000 of them already when the writes are measured, right after a checkpoint, when PostgreSQL writes each page that
// is touched for the first time in full into its log; an hour later fewer are.
func weighConsents(b *testing.B) {
	const present, writes = 200_000, 2000
	backend := newPostgresBackend(b)
	value := consentRecord()
	for _, sql := range []string{
		`INSERT INTO signet.ledger (collection, id, version, owner, value, written_at)
			SELECT 'consents', ` + randomID + `, 1, ` + randomID + `, $1, now() FROM generate_series(1, $2::int)`,
		`INSERT INTO signet.ledger_history (collection, id, version, owner, value, written_at)
			SELECT collection, id, 0, owner, $1, written_at FROM signet.ledger LIMIT $2`,
	} {
		execute(b, backend.dsn, sql, string(value), present)
	}
	b.ReportMetric(float64(tables(b, backend.dsn, "ledger"))/present, "B/consent")
	b.ReportMetric(float64(query(b, backend.dsn, "SELECT pg_indexes_size('signet.ledger')"))/present, "index-B/consent")
	b.ReportMetric(float64(tables(b, backend.dsn, "ledger_history"))/present, "B/earlier-version")

	written := make([]store.Record, writes)
	w := benchWorld{workers: 16}
	measure := func(name string, write func(i int)) {
		execute(b, backend.dsn, "CHECKPOINT")
		before, used := walPosition(b, backend.dsn), postgresTime(b, backend.dsn)
		w.each(writes, write)
		b.ReportMetric(float64(walPosition(b, backend.dsn)-before)/writes, "wal-B/"+name)
		b.ReportMetric(float64(postgresTime(b, backend.dsn)-used)/writes, "postgres-cpu-ns/"+name)
	}
	put := func(i int, r store.Record) {
		var err error
		if written[i], err = backend.ledger.Write(b.Context(), "consents", r); err != nil {
			b.Error(err)
		}
	}
	measure("consent", func(i int) {
		put(i, store.Record{ID: digest(rand.Text()), Owner: digest(rand.Text()), Value: value})
	})
	measure("change", func(i int) { put(i, written[i]) })
	b.ReportMetric(0, "ns/op")
}

// randomID is an expression for one that is a SHA-256 in base64url, as that of digest.
const randomID = `left(translate(encode(sha256(random()::text::bytea), 'base64'), '+/', '-_'), 43)`

func consentRecord() []byte {
	return fmt.Appendf(nil, `{"client":"portal","subject":"%[1]s","scopes":["openid","profile"],"acr":"mosip:idp:acr:generated-code",`+
		`"asked":{"essential":["name"],"voluntary":["birthdate","given_name","phone_number"]},`+
		`"granted":["name","given_name","birthdate"],"request":"%[1]s","decided_at":"2026-01-01T12:00:00Z",`+
		`"expires_at":"2027-01-01T12:00:00Z","receipt":{"kid":"%[1]s","signature":"%[2]s"}}`,
		strings.Repeat("s", 43), strings.Repeat("s", 86))
}

func execute(b *testing.B, dsn, sql string, args ...any) {
	conn, err := pgx.Connect(b.Context(), dsn)
	require.NoError(b, err)
	defer conn.Close(b.Context())
	_, err = conn.Exec(b.Context(), sql, args...)
	require.NoError(b, err)
}

// tables is how many bytes tables take, with their indexes.
func tables(b *testing.B, dsn string, names ...string) (total int64) {
	for _, name := range names {
		total += query(b, dsn, "SELECT pg_total_relation_size($1::text::regclass)", "signet."+name)
	}
	return total
}

func walPosition(b *testing.B, dsn string) int64 {
	return query(b, dsn, "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint")
}

func redisKeys(b *testing.B, s *redistest.Server) int64 {
	n, err := s.Client().DBSize(b.Context()).Result()
	require.NoError(b, err)
	return n
}
