// Package consent remembers what people agreed to share with relying parties, proves it, and says when to ask again.
//
// What is asked is an [Asked]: scopes, claims and verified claims. It has one canonical form and one hash, whatever the
// order in which a client lists things and however the person logged in. A [Registry] keeps one record for each client
// and pairwise subject. [Registry.Recall] says whether the person must be asked, and why; [Registry.Decide] keeps their
// decision, what was refused as well as what was granted, before it returns; [Registry.Withdraw] takes it back.
//
// # What is remembered
//
// A decision is remembered item by item: a claim, a verified claim for a purpose, a scope at a resource. Each item has the
// time, the expiry and the version of the text of the last decision that it was part of. Something is new, and is asked,
// when no decision was about it; a client that alternates between two requests therefore asks for each once. A refusal
// is remembered like a grant, until the client calls essential what it did not call so before.
//
// # Consents, tokens and withdrawal
//
// [Record.ID] names a consent; what was granted under one ID only ever grows. A decision that takes back what an earlier one
// granted, and a decision after a withdrawal, begin a consent with another ID. The tokens of the one that ended are ended
// by its ID, with [TokenEnder]: first the ledger says that the consent ended, then the tokens end. Who issues a code puts
// [Record.ID] into the grant. Access tokens end no later than [Answer.ExpiresAt].
//
// # Receipts
//
// Every decision and every withdrawal makes a receipt, a JWS with typ "consent-receipt+jwt" under the provider's key for
// tokens; see [Receipt]. Receipts live longer than keys. The registry therefore keeps each public key that signed one, and
// [Registry.Keys] returns them all, to be published; [Registry.Verify] accepts a signature of a key that the provider has
// retired only on the very receipt that is kept, so that who finds an old private key cannot make receipts with it.
//
// # What the ledger shows
//
// The client, its pairwise subject, the names of claims and scopes, and the purposes that the client gave. The person
// is an HMAC, under a key derived from Config.Secret, by which the consents of one person are found; a wallet's key and
// signature, where there are some, say no more than that. There are no values of claims. Later versions of this package
// read what earlier ones kept.
//
// # The API
//
// [NewAPI] lets an app of the person, with an access token of the scope "consents", see and withdraw what they share. The
// person is the one of the token, and the consents of all others are as if they did not exist. Tokens come in the header
// field Authorization alone; one that is bound to a key comes with a proof (RFC 9449). Below [APIConfig].URL there are
//
//	GET    (nothing)                200 {"consents":[R, ...]}             the present version of every consent
//	GET    /{consent_id}            200 {"consent":R,"history":[R, ...]}  with all versions for the client, the present one first
//	GET    /{consent_id}/receipt    200 the receipt, as application/jwt; that of version n with ?version=n
//	DELETE /{consent_id}            200 {"consent":R}                     withdrawn, and its tokens ended
//	                                409 {"consent":R}                     it had ended, and R, another one, took its place
//
// R is a [Record] as JSON. After a consent was followed by another one its ID still leads to the record, which then has
// another consent_id. Errors are {"error":"...","error_description":"..."}: 400 invalid_request, 401 with a challenge, 403
// insufficient_scope (RFC 6750 section 3.1), 404 not_found, 405, and 503 temporarily_unavailable. After a 503 a DELETE is
// repeated, for tokens may live. Answers are not to be stored, and browsers keep them from other origins.
package consent
