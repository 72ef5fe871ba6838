// Package redis keeps short-lived state in Redis or Valkey, one server or a cluster, for a provider of many instances.
//
// [Store] is a [store.Ephemeral], a [store.Batcher] and a [store.Notifier]. It is not a [store.Ledger]: nothing that
// must outlive Redis belongs here.
//
// # What losing Redis means
//
// Logins that are under way begin again, and what was issued (codes, tokens, sessions) is unknown and refused: all of
// that fails closed, for a record that is gone cannot be redeemed. What does not fail closed by itself is the memory of
// what was used: the jti of a client assertion or of a DPoP proof that was accepted before the loss looks new after it.
//
// Therefore the Store leaves markers in Redis, which say since when it knows everything. Where they are gone, records
// were lost, and new markers are laid. An Add with an Age (see [store.Operation]), as marks of use are made with, is
// then refused with [store.ErrForgotten] if what it marks may be from before. So a client whose assertions have an iat is
// served again within seconds of a loss, and none of what it sent before is accepted twice. Each such Add checks the
// marker in the same atomic step, so that not one call slips through and none takes longer. An empty database has no
// markers either: a new deployment calls [Store.Begin] once.
//
// # Settings of the server
//
// [Store.Check] refuses a server that cannot keep the contract. Call it when the program starts. It asks for
//
//   - Redis 6.2 or Valkey 7.2, or newer;
//   - maxmemory-policy noeviction: any other would drop codes and marks of use while they live. A server that is full
//     answers [store.ErrFull], and heals as records expire;
//   - either no persistence at all (save "" and appendonly no), or appendonly yes with appendfsync always. Anything in
//     between (snapshots, appendfsync everysec) brings back an older state after a crash, in which a code that was
//     redeemed is there again and its marker tells nothing. Config.AllowRollback accepts that.
//
// A user with few rights is enough: ~signet:* &signet:* +get +set +getdel +exists +incrby +pttl +time +eval +evalsha
// +publish +subscribe +unsubscribe +ping +hello +info +config|get, and for a cluster +cluster|slots +asking +command.
//
// Without persistence a restart empties Redis. With appendfsync always it loses nothing that was acknowledged.
//
// # Replicas and failover
//
// Replication is asynchronous. A replica that takes over may lack the last writes before the failure, usually
// milliseconds of them: a code that was redeemed in this moment can be redeemed once more, and a jti accepted once more.
// The markers do not show it, because the replica has them. Planned failovers (FAILOVER, CLUSTER FAILOVER) wait for the
// replica and lose nothing. Who cannot accept the moment runs Redis without automatic failover, or keeps short-lived
// state in PostgreSQL. A replica that takes over empty has no markers, and so is safe.
//
// # Cluster
//
// Each operation touches the keys of one slot: a value or a counter, and for a mark of use the marker beside it. There are 1024
// markers, spread over the slots with everything else, so that what is said above holds for each node by itself: when
// one comes back empty, only marks in its slots are refused.
// Slots can be moved while the cluster serves: from the moment when one begins to move until it has, Adds to it fail, and
// nothing else does. A batch is one round trip to each node that it concerns, all at the same time.
//
// # Memory
//
// A record takes 250 bytes and its size, which is 300 to 2000 bytes; a mark of use takes 200 bytes. What was
// measured (docs/capacity.md) is below 2 KB for a login that waits and 4.4 KB for one that is complete, while its token
// lives: plan twice that.
//
// # Clients
//
// No command is sent twice when its outcome is unknown, whatever the client's MaxRetries says: a second Take would find
// nothing, a second Increment count twice. Only what a node of a cluster refused to carry out (MOVED, ASK) is sent on.
// The client writes to standard error when it cannot connect; the program redirects that with go-redis's SetLogger.
package redis
