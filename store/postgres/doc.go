// Package postgres keeps state in PostgreSQL: short-lived ([store.Ephemeral]) and lasting ([store.Ledger]) state, and the
// hints with which instances wake each other ([store.Notifier]). PostgreSQL alone is enough to run any number of
// instances. What follows is for whoever looks after the database.
//
// # Tables
//
// All are in one schema, which [Store.Migrate] makes and brings up to date. Migrations go forward only. They are run by
// a command and not by an instance that starts, so that a role without the right to change tables is enough to serve:
// it needs USAGE on the schema, and SELECT, INSERT, UPDATE and DELETE on its tables. [Store.Check] says at the start of an
// instance what is missing.
//
//   - ephemeral has pushed requests, logins, codes, tokens and what was used once. Keys are hashes and values
//     ciphertext whose keys are not in the database. A row of a login takes about 1.8 KB with its indexes.
//   - counter has attempts, about 400 bytes each.
//   - ledger has the present version of each client, consent and key binding, ledger_history the versions before. Values
//     are JSON as text, to be read by people; they name nobody. About 700 bytes and the value for each.
//   - migration has the version of the schema.
//
// Expired rows are absent for every statement, by the database's clock: those of the instances do not matter. The rows
// are removed by whichever instance that runs [Store.Maintain] is the first in an interval, a thousand at a time. The
// history of a record goes with the record.
//
// # Why the short-lived table is not partitioned
//
// Partitions by expiry could be dropped instead of swept, but then no constraint could say that a key is there once
// in all of them, and that constraint is what accepts a code once. Partitions by key can have it and would only divide
// the same work. Nor is the table UNLOGGED: after a crash it would be empty, and whatever was used once could be used
// again. For the same reason leave synchronous_commit on, and replicate synchronously to a standby that is to take over.
//
// Most rows do not get to expire anyway: they change a few times and are taken. So the table is made for that. A change
// that keeps the expiry touches no index and stays on its page, where the next one to come by cleans up (HOT), and
// autovacuum is told to come when a hundredth of the table is old. The table then has the size of what is live at the
// peak, with what dies there between two rounds of autovacuum (autovacuum_naptime, at most a minute), and stays there.
// Long transactions and forgotten replication slots keep every old version: set idle_in_transaction_session_timeout,
// and watch for both.
//
// Each write is a transaction, but a batch is one: a thousand logins a second use some ten thousand transaction numbers,
// so that autovacuum freezes every table a few times a day. That is cheap, because what did not change stays frozen.
//
// # Connections
//
// One operation is one round trip, and so is a batch, in one short transaction. Each has a time limit ([Config.Timeout]),
// and so has each statement in the server. A failover or a restart is seen as errors and heals by itself. To be rid soon
// of connections whose instance has vanished, set tcp_keepalives_idle and tcp_user_timeout in the server.
//
// Behind PgBouncer in transaction mode: name statement_timeout in its ignore_startup_parameters and set it for the role
// instead; before version 1.21 add default_query_exec_mode=exec to the DSN; and set [Config.Poll], as LISTEN needs a
// connection of its own. With LISTEN, each instance has one such connection beside its pool. NOTIFY takes a lock on the
// whole database when it commits; only wallet logins use it.
//
// # Engines
//
// The package is tested with PostgreSQL 15, also where it serializes all transactions and gives up on some of them. The
// SQL keeps to what these have in common with it, but is not tested there:
//
//   - Citus: distribute ephemeral and counter by key, ledger and ledger_history by id.
//   - CockroachDB: set [Config.Poll]. It has no settings for vacuum, and needs none.
//   - YugabyteDB: set [Config.Poll] unless LISTEN is enabled. It does not undo a migration that fails in the middle.
//
// What differs is in the files migrations/*.tuning.sql, engine.go and poll.go.
package postgres
