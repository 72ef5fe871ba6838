package jwt

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"errors"
	"fmt"
	"slices"

	"github.com/go-jose/go-jose/v4"
)

// The sizes of RSA moduli in bits. More than the upper bound protects nothing and makes every verification a way to
// keep the provider busy; go-jose draws the same line.
const (
	minRSABits = 2048
	maxRSABits = 4096
)

// Algorithms returns the signature algorithms that Signet ever makes or accepts, the preferred ones first. All are
// asymmetric; the caller owns the slice.
func Algorithms() []jose.SignatureAlgorithm {
	return []jose.SignatureAlgorithm{jose.ES256, jose.ES384, jose.EdDSA, jose.PS256, jose.RS256}
}

// CheckAlgorithms says what is wrong with an allow-list: it is empty, or names an algorithm that Signet never accepts
// (none, HMAC, ...). All problems are returned at once.
func CheckAlgorithms(algs []jose.SignatureAlgorithm) error {
	if len(algs) == 0 {
		return errors.New("jwt: no signature algorithm is allowed")
	}
	var errs []error
	for _, alg := range algs {
		if !accepted(alg) {
			errs = append(errs, fmt.Errorf("jwt: signature algorithm %q is not one of %v", alg, Algorithms()))
		}
	}
	return errors.Join(errs...)
}

// ParseAlgorithms reads an allow-list from configuration or from a client's registration. Names are case-sensitive, as
// in RFC 7518. It refuses an empty list, a name that Signet never accepts and a name that is there twice.
func ParseAlgorithms(names []string) ([]jose.SignatureAlgorithm, error) {
	algs := make([]jose.SignatureAlgorithm, len(names))
	var errs []error
	for i, name := range names {
		algs[i] = jose.SignatureAlgorithm(name)
		if slices.Contains(algs[:i], algs[i]) {
			errs = append(errs, fmt.Errorf("jwt: signature algorithm %q is listed twice", name))
		}
	}
	if err := errors.Join(append(errs, CheckAlgorithms(algs))...); err != nil {
		return nil, err
	}
	return algs, nil
}

// CheckKey says why a public key cannot serve the algorithm: another key type or curve, or an RSA modulus of fewer than
// 2048 or more than 4096 bits. A private key serves no algorithm here.
func CheckKey(alg jose.SignatureAlgorithm, key any) error {
	switch alg {
	case jose.ES256, jose.ES384:
		curve := elliptic.P256()
		if alg == jose.ES384 {
			curve = elliptic.P384()
		}
		pub, ok := key.(*ecdsa.PublicKey)
		if !ok || pub == nil || pub.Curve != curve {
			return fmt.Errorf("jwt: %s needs an EC public key on %s, not %s", alg, curve.Params().Name, describe(key))
		}
	case jose.RS256, jose.PS256:
		pub, ok := key.(*rsa.PublicKey)
		if !ok || pub == nil || checkRSA(pub) != nil {
			return fmt.Errorf("jwt: %s needs an RSA public key of %d to %d bits, not %s", alg, minRSABits, maxRSABits, describe(key))
		}
	case jose.EdDSA:
		pub, ok := key.(ed25519.PublicKey)
		if !ok || len(pub) != ed25519.PublicKeySize {
			return fmt.Errorf("jwt: %s needs an Ed25519 public key, not %s", alg, describe(key))
		}
	default:
		return CheckAlgorithms([]jose.SignatureAlgorithm{alg})
	}
	return nil
}

func checkRSA(pub *rsa.PublicKey) error {
	if pub.N == nil || pub.N.BitLen() < minRSABits || pub.N.BitLen() > maxRSABits || pub.E < 3 || pub.E%2 == 0 {
		return fmt.Errorf("jwt: an RSA public key must have %d to %d bits, not %s", minRSABits, maxRSABits, describe(pub))
	}
	return nil
}

// describe names the kind of a key and never its value: the key may be private.
func describe(key any) string {
	switch pub := key.(type) {
	case *ecdsa.PublicKey:
		if pub != nil && pub.Curve != nil {
			return "EC on " + pub.Curve.Params().Name
		}
	case *rsa.PublicKey:
		if pub != nil && pub.N != nil {
			return fmt.Sprintf("RSA of %d bits with exponent %d", pub.N.BitLen(), pub.E)
		}
	}
	return fmt.Sprintf("%T", key)
}

func accepted(alg jose.SignatureAlgorithm) bool {
	switch alg {
	case jose.ES256, jose.ES384, jose.EdDSA, jose.PS256, jose.RS256:
		return true
	}
	return false
}
