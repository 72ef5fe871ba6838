package postgres

import (
	"context"
	"strings"

	"github.com/jackc/pgx/v5"
)

// engine is what the migrations have to know of the database: all that differs between those that speak PostgreSQL's
// language is here and, for LISTEN, in Config.Poll.
type engine struct {
	// tuned engines take the settings of tables in NNNN.tuning.sql.
	tuned bool
	// key is the type of columns that compare and sort byte by byte.
	key string
}

func findEngine(ctx context.Context, conn *pgx.Conn) (engine, error) {
	var version string
	if err := conn.QueryRow(ctx, `SELECT version()`).Scan(&version); err != nil {
		return engine{}, err
	}
	switch {
	case strings.HasPrefix(version, "CockroachDB"):
		// Its text has no collation, sorts by bytes, and cannot be compared with text that has one.
		return engine{key: "text"}, nil
	case strings.Contains(version, "-YB-"):
		return engine{key: `text COLLATE "C"`}, nil
	}
	return engine{tuned: true, key: `text COLLATE "C"`}, nil
}

// dialect puts into the SQL of a migration what the engine calls it.
func (e engine) dialect(sql string) string { return strings.ReplaceAll(sql, "{key}", e.key) }
