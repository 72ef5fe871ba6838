-- What knows which migrations were applied. The row of version 0 is what those lock who migrate at the same time.
CREATE TABLE IF NOT EXISTS {schema}.migration (
	version    integer     NOT NULL PRIMARY KEY,
	applied_at timestamptz NOT NULL
);
INSERT INTO {schema}.migration (version, applied_at) VALUES (0, statement_timestamp()) ON CONFLICT (version) DO NOTHING;
