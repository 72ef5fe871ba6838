// Package registry is the register of relying parties: it keeps their registrations in a [store.Ledger], with who changed
// what and when, and is the [oauth.ClientStore] of every instance that shares the ledger.
//
// [Parse] and [Marshal] are the form in which registrations are written, shown and kept: the client metadata of RFC 7591
// and OpenID Connect Dynamic Client Registration, as strict JSON. Where those leave a choice, Signet has made it: clients
// authenticate with private_key_jwt, get codes and have pairwise subjects. A registration may say so, and nothing else.
// Some of its members are Signet's own: "profile", "claims", "require_pkce", "require_dpop_nonce", "consent_max_age" and
// others about consent, "purpose", "sign_up_banner" and "forgotten_password_link" for pages, and for clients that come from
// eSignet "redirect_uri_patterns", "relying_party_id" and "encryption_key_pending".
//
// A [Registry] changes registrations (Create, Put, Patch, Activate, Deactivate), shows them (Get, List, History), and
// looks up the active ones for the protocol. Nothing is ever removed: a client that is to end is deactivated, and its
// identifier stays its own.
//
// # What an instance may have missed
//
// An instance keeps the clients that it has seen in memory. It hears of changes through a [store.Notifier] and reads a
// client again that it has not read for CacheFor, so that a deactivated client is unknown at once where it was
// deactivated, within milliseconds in all other instances, and within CacheFor where the notice got lost. While the
// ledger cannot be reached, the clients in memory go on being served for StaleFor; then look-ups fail, and logins with
// them.
//
// # Keys that clients publish
//
// The keys of a client with a jwks_uri are fetched when a signature is there to be verified: never before, so that a
// client that cannot be reached harms no other request. They are kept as long as their Cache-Control says, between one
// minute and a day, and up to an hour longer while they cannot be fetched again. A signature that names an unknown key
// has them fetched anew, once in 30 seconds for a client at most, whoever sends it.
//
// # What later versions keep
//
// Later versions of this package read what earlier ones kept. An earlier version that meets a member that it does not
// know, in the course of an upgrade, does not serve the client: the member may be a restriction.
package registry
