// Package jwt reads what strangers sign: compact JSON Web Tokens (RFC 7519), their registered claims, and the key sets
// (RFC 7517) with which clients register.
//
// Everything is read against an explicit list of asymmetric algorithms and within fixed bounds. A token is parsed with
// [Parse], which trusts nothing in it; [Token.Verify] gives the payload once a registered key has signed it, and
// [DecodeClaims] reads that payload.
package jwt
