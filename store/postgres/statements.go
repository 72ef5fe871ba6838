package postgres

import (
	"strings"

	"github.com/jackc/pgx/v5"
)

// statements are the SQL of a Store. Each carries its guarantee alone: what has to be so is a condition of the statement
// that changes it, and nothing is decided on what an earlier one read.
//
// They are written for what PostgreSQL, Citus, CockroachDB and YugabyteDB have in common. The time is
// statement_timestamp(), the database's clock when the statement arrives, because Citus refuses a function that changes
// within a statement; and in ON CONFLICT it allows no function of time at all, so that the new row brings the time along
// in written_at.
type statements struct {
	put, add, get, take, replace     string
	increment, decrement, counter    string
	read, create, dropExpired, write string
	list, listOwner, history, erase  string
	sweepEphemeral, sweepCounters    string
	sweepLedger                      string
	notify, news                     string
	version                          string
}

func newStatements(schema string) statements {
	q := func(sql string) string { return inSchema(sql, schema) }
	return statements{
		put: q(`INSERT INTO {schema}.ephemeral (key, value, expires_at, sweep_after, written_at)
			VALUES ($1, $2, ` + expiry + `, ` + sweepAfter + `, statement_timestamp())
			ON CONFLICT (key) DO UPDATE SET ` + excluded),

		// A row that has expired is as good as none, and gives way.
		add: q(`INSERT INTO {schema}.ephemeral AS e (key, value, expires_at, sweep_after, written_at)
			VALUES ($1, $2, ` + expiry + `, ` + sweepAfter + `, statement_timestamp())
			ON CONFLICT (key) DO UPDATE SET ` + excluded + `
			WHERE e.expires_at <= excluded.written_at`),

		get: q(`SELECT value FROM {schema}.ephemeral WHERE key = $1 AND expires_at > statement_timestamp()`),

		take: q(`DELETE FROM {schema}.ephemeral WHERE key = $1 AND expires_at > statement_timestamp() RETURNING value`),

		replace: q(`UPDATE {schema}.ephemeral
			SET value = $2, expires_at = ` + expiry + `, sweep_after = ` + sweepAfter + `, written_at = statement_timestamp()
			WHERE key = $1 AND value = $4 AND expires_at > statement_timestamp()`),

		increment: q(`INSERT INTO {schema}.counter AS c (key, n, expires_at, sweep_after, written_at)
			VALUES ($1, $2, ` + expiry + `, ` + sweepAfter + `, statement_timestamp())
			ON CONFLICT (key) DO UPDATE SET
				n = CASE WHEN c.expires_at <= excluded.written_at THEN excluded.n ELSE c.n + excluded.n END,
				expires_at = CASE WHEN c.expires_at <= excluded.written_at THEN excluded.expires_at ELSE c.expires_at END,
				sweep_after = CASE WHEN c.expires_at <= excluded.written_at THEN excluded.sweep_after ELSE c.sweep_after END,
				written_at = excluded.written_at
			RETURNING n, expires_at - written_at`),

		decrement: q(`UPDATE {schema}.counter SET n = greatest(n + $2, 0), written_at = statement_timestamp()
			WHERE key = $1 AND expires_at > statement_timestamp()
			RETURNING n, expires_at - written_at`),

		counter: q(`SELECT n, expires_at - statement_timestamp() FROM {schema}.counter
			WHERE key = $1 AND expires_at > statement_timestamp()`),

		read: q(`SELECT ` + columns + ` FROM {schema}.ledger WHERE collection = $1 AND id = $2 AND ` + live),

		// A new record begins with a clean history, in one transaction with dropExpired.
		dropExpired: q(`DELETE FROM {schema}.ledger WHERE collection = $1 AND id = $2 AND expires_at <= statement_timestamp()`),
		create: q(`INSERT INTO {schema}.ledger (collection, id, version, owner, value, written_at, expires_at)
			VALUES ($1, $2, 1, $3, $4, statement_timestamp(), $5)
			ON CONFLICT (collection, id) DO NOTHING
			RETURNING ` + columns),

		write: q(`WITH present AS (
				SELECT collection, ` + columns + ` FROM {schema}.ledger
				WHERE collection = $1 AND id = $2 AND version = $6 AND ` + live + `
				FOR UPDATE
			), kept AS (
				INSERT INTO {schema}.ledger_history (collection, ` + columns + `)
				SELECT collection, ` + columns + ` FROM present
			)
			UPDATE {schema}.ledger AS l
			SET version = l.version + 1, owner = $3, value = $4, written_at = statement_timestamp(), expires_at = $5
			FROM present
			WHERE l.collection = $1 AND l.id = $2 AND l.version = present.version
			RETURNING l.id, l.version, l.owner, l.value, l.written_at, l.expires_at`),

		list: q(`SELECT ` + columns + ` FROM {schema}.ledger
			WHERE collection = $1 AND id > $2 AND ` + live + `
			ORDER BY id LIMIT $3`),
		listOwner: q(`SELECT ` + columns + ` FROM {schema}.ledger
			WHERE collection = $1 AND owner = $4 AND id > $2 AND ` + live + `
			ORDER BY id LIMIT $3`),

		history: q(`WITH present AS (
				SELECT collection, ` + columns + ` FROM {schema}.ledger WHERE collection = $1 AND id = $2 AND ` + live + `
			)
			SELECT ` + columns + ` FROM present
			UNION ALL
			SELECT h.id, h.version, h.owner, h.value, h.written_at, h.expires_at
			FROM {schema}.ledger_history AS h JOIN present AS p ON h.collection = p.collection AND h.id = p.id
			WHERE h.collection = $1 AND h.id = $2
			ORDER BY version DESC LIMIT $3`),

		erase: q(`DELETE FROM {schema}.ledger WHERE collection = $1 AND id = $2`),

		// The condition stands twice: a row may get a new life between being found and being deleted.
		sweepEphemeral: q(`DELETE FROM {schema}.ephemeral WHERE sweep_after <= statement_timestamp() AND key IN (
			SELECT key FROM {schema}.ephemeral WHERE sweep_after <= statement_timestamp() ORDER BY sweep_after LIMIT $1)`),
		sweepCounters: q(`DELETE FROM {schema}.counter WHERE sweep_after <= statement_timestamp() AND key IN (
			SELECT key FROM {schema}.counter WHERE sweep_after <= statement_timestamp() ORDER BY sweep_after LIMIT $1)`),
		sweepLedger: q(`DELETE FROM {schema}.ledger WHERE expires_at <= statement_timestamp() AND (collection, id) IN (
			SELECT collection, id FROM {schema}.ledger WHERE expires_at <= statement_timestamp() ORDER BY expires_at LIMIT $1)`),

		notify: `SELECT pg_notify($1, $2)`,
		news: q(`SELECT key, n, written_at FROM {schema}.counter
			WHERE key = ANY($1) AND expires_at > statement_timestamp()`),

		version: q(`SELECT coalesce(max(version), 0) FROM {schema}.migration`),
	}
}

const (
	// expiry and sweepAfter are computed from the time to live, which is always the third parameter.
	expiry     = `statement_timestamp() + $3::interval`
	sweepAfter = `date_trunc('minute', statement_timestamp() + $3::interval) + interval '1 minute'`
	excluded   = `value = excluded.value, expires_at = excluded.expires_at,
				sweep_after = excluded.sweep_after, written_at = excluded.written_at`
	// columns are those of a record.
	columns = `id, version, owner, value, written_at, expires_at`
	live    = `(expires_at IS NULL OR expires_at > statement_timestamp())`
)

// inSchema puts the name of the schema, quoted, where the SQL says {schema}: nothing depends on the search path.
func inSchema(sql, schema string) string {
	return strings.ReplaceAll(sql, "{schema}", pgx.Identifier{schema}.Sanitize())
}
