// Package jwt reads what strangers sign: compact JSON Web Tokens (RFC 7519), their registered claims, and the key sets
// (RFC 7517) with which clients register.
//
// Everything is read against an explicit list of asymmetric algorithms and within fixed bounds. A token is parsed with
// [Parse], which trusts nothing in it; [Token.Verify] gives the payload once a registered key has signed it, and
// [DecodeClaims] reads that payload.
package jwt

import "errors"

// The errors of this package wrap one of these. The text around it is for logs: it says what was wrong and may quote the
// token's header, its dates and the names of its claims, and nothing else. An error of another kind is a mistake of the
// caller, such as an empty allow-list.
var (
	// ErrMalformed says that a token, its claims or a key set is not what the specification or Signet's bounds allow.
	ErrMalformed = errors.New("jwt: malformed")
	// ErrAlgorithm says that the token is signed with an algorithm that the allow-list does not have.
	ErrAlgorithm = errors.New("jwt: signature algorithm not allowed")
	// ErrUnknownKey says that no key fits the token: none has its kid, or none serves its algorithm. A newer copy of
	// the key set may help.
	ErrUnknownKey = errors.New("jwt: no key fits the token")
	// ErrSignature says that no key that fits the token made its signature.
	ErrSignature = errors.New("jwt: wrong signature")
	// ErrTime says that a token has expired or is not valid yet.
	ErrTime = errors.New("jwt: outside its time of validity")
)
