// Package wallet binds the keys of wallets to people, and lets a wallet take part in a login that waits in a browser.
//
// A [Binder] binds keys, and a [Registry] knows them. Whoever proves who they are presents a public key and gets a certificate for it and a random
// wallet user ID; package wla then verifies what the wallet signs. A person has one binding: the next one replaces it.
//
// A [Linker] is the login by QR code. The browser, which holds the handle of the login, asks for a link code and shows it;
// the wallet trades the code for a link transaction, and drives the login with that: it proves who the person is, and
// signs what they share. The browser waits in [Linker.Status] and gets the authorization response. Everything a login must
// keep it keeps here too, because a [login.Flow] does it: limits, delays, captchas, one response for each login.
//
// An [App] says how a wallet is opened: a deep link, and the QR code of it.
//
// # What is kept
//
// Bindings last, in a [store.Ledger]. What a copy of it shows is hashes that cannot be computed without the secret,
// certificates without a name, and times. Who the person is to the identity system is encrypted under keys that are derived
// from the secret and from the individual ID. Links last as long as their login, in a [store.Ephemeral], sealed by the code,
// the link transaction or the handle of the login: a copy of it opens nothing. A wallet never holds the handle of the
// login, nor the response.
package wallet
