// Package postgres keeps state in PostgreSQL: short-lived ([store.Ephemeral]) and lasting ([store.Ledger]) state, and the
// hints with which instances wake each other ([store.Notifier]). PostgreSQL alone is enough to run any number of
// instances.
package postgres
