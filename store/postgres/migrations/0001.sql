-- {schema} is the quoted name of the schema, {key} the type of a column that compares byte by byte.

-- A value of store.Ephemeral. Keys are hashes and values ciphertext.
--
-- sweep_after is the first full minute after expires_at, and what expired rows are found by. It is a column of its own
-- because an update that changes no indexed column costs no index entry and its old version goes without a vacuum
-- (HOT): a record that changes state keeps its expiry to some milliseconds, and so nearly always its minute.
CREATE TABLE {schema}.ephemeral (
	key         {key}       NOT NULL PRIMARY KEY,
	value       bytea       NOT NULL,
	expires_at  timestamptz NOT NULL,
	sweep_after timestamptz NOT NULL,
	written_at  timestamptz NOT NULL
);
CREATE INDEX ephemeral_sweep ON {schema}.ephemeral (sweep_after);

-- A counter of store.Ephemeral.
CREATE TABLE {schema}.counter (
	key         {key}       NOT NULL PRIMARY KEY,
	n           bigint      NOT NULL,
	expires_at  timestamptz NOT NULL,
	sweep_after timestamptz NOT NULL,
	written_at  timestamptz NOT NULL
);
CREATE INDEX counter_sweep ON {schema}.counter (sweep_after);

-- The present version of a record of store.Ledger. The value is JSON, and text because it comes back byte for byte.
CREATE TABLE {schema}.ledger (
	collection {key}       NOT NULL,
	id         {key}       NOT NULL,
	version    bigint      NOT NULL,
	owner      {key}       NOT NULL,
	value      text        NOT NULL,
	written_at timestamptz NOT NULL,
	expires_at timestamptz,
	PRIMARY KEY (collection, id)
);
CREATE INDEX ledger_owner ON {schema}.ledger (collection, owner, id);
CREATE INDEX ledger_expiry ON {schema}.ledger (expires_at) WHERE expires_at IS NOT NULL;

-- The versions before the present one. They go with their record: who deletes that need not know of them, and no write
-- at the same time leaves one behind.
CREATE TABLE {schema}.ledger_history (
	collection {key}       NOT NULL,
	id         {key}       NOT NULL,
	version    bigint      NOT NULL,
	owner      {key}       NOT NULL,
	value      text        NOT NULL,
	written_at timestamptz NOT NULL,
	expires_at timestamptz,
	PRIMARY KEY (collection, id, version),
	FOREIGN KEY (collection, id) REFERENCES {schema}.ledger (collection, id) ON DELETE CASCADE
);
