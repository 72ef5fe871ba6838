package oidc

import (
	"crypto"

	"github.com/go-jose/go-jose/v4"
)

// tokenHash returns the hash function of the algorithm's at_hash, or 0 for an algorithm that is not supported.
func tokenHash(alg jose.SignatureAlgorithm) crypto.Hash {
	switch alg {
	case jose.ES256, jose.PS256, jose.RS256:
		return crypto.SHA256
	case jose.ES384, jose.PS384, jose.RS384:
		return crypto.SHA384
	case jose.ES512, jose.PS512, jose.RS512, jose.EdDSA:
		return crypto.SHA512
	}
	return 0
}
