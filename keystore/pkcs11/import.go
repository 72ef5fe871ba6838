//go:build cgo

package pkcs11

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"slices"

	p11 "github.com/miekg/pkcs11"
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosignet/signet/keystore"
)

// Import implements [keystore.Importer]. The key cannot be read again from the token, but whoever has it elsewhere still has it:
// keys that Generate made are better. A token that takes no private keys, as many in FIPS mode, says so.
func (t *token) Import(ctx context.Context, label, alg string, private crypto.PrivateKey, chain []*x509.Certificate) (keystore.VaultKey, error) {
	if err := keystore.CheckLabel(label); err != nil {
		return keystore.VaultKey{}, err
	}
	u, err := t.use(alg)
	if err != nil {
		return keystore.VaultKey{}, err
	}
	parts, err := u.dissect(private)
	if err != nil {
		return keystore.VaultKey{}, fmt.Errorf("pkcs11: import a key for %s: %w", alg, err)
	}
	if len(chain) > 0 {
		if err := keystore.CheckCertificates(parts.key, chain); err != nil {
			return keystore.VaultKey{}, err
		}
	}
	chain = slices.Clone(chain)
	id := newID()
	return write(ctx, t, func(s *session) (keystore.VaultKey, error) {
		return s.create(ctx, id, func() (p11.ObjectHandle, error) {
			key, err := t.api.CreateObject(s.handle, append(u.privateTemplate(id, label), parts.private...))
			if err != nil {
				return 0, err
			}
			if _, err := t.api.CreateObject(s.handle, append(u.publicTemplate(id, label), parts.public...)); err != nil {
				return 0, err
			}
			return key, s.replaceChain(id, label, chain)
		})
	})
}

// parts is a private key in the attributes of PKCS#11.
type parts struct {
	key             crypto.PublicKey
	private, public []*p11.Attribute
}

// dissect takes a private key apart, if it fits the use.
func (u use) dissect(private crypto.PrivateKey) (parts, error) {
	if key, ok := private.(*ecdh.PrivateKey); ok && key != nil && key.Curve() == ecdh.P256() {
		parsed, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), key.Bytes())
		if err != nil {
			return parts{}, err
		}
		private = parsed
	}
	switch key := private.(type) {
	case *rsa.PrivateKey:
		if key == nil || u.kind != p11.CKK_RSA {
			break
		}
		return dissectRSA(key)
	case *ecdsa.PrivateKey:
		if key == nil || key.Curve == nil || u.kind != p11.CKK_EC || !bytes.Equal(curveParams(key.Curve), u.params) {
			break
		}
		scalar, err := key.Bytes()
		if err != nil {
			return parts{}, err
		}
		point, err := key.PublicKey.Bytes()
		if err != nil {
			return parts{}, err
		}
		return u.onCurve(&key.PublicKey, scalar, point)
	case ed25519.PrivateKey:
		if len(key) != ed25519.PrivateKeySize || u.kind != ckkECEdwards {
			break
		}
		public := key.Public().(ed25519.PublicKey)
		return u.onCurve(public, key.Seed(), public)
	}
	return parts{}, errors.New("the key is of another kind")
}

// curveParams returns the CKA_EC_PARAMS of a curve, nil for one that nothing here uses.
func curveParams(curve elliptic.Curve) []byte {
	switch curve {
	case elliptic.P256():
		return paramsP256
	case elliptic.P384():
		return paramsP384
	}
	return nil
}

// onCurve returns the parts of a key on a curve.
func (u use) onCurve(key crypto.PublicKey, value, point []byte) (parts, error) {
	var b cryptobyte.Builder
	b.AddASN1(asn1.OCTET_STRING, func(b *cryptobyte.Builder) { b.AddBytes(point) })
	encoded, err := b.Bytes()
	if err != nil {
		return parts{}, err
	}
	params := attribute(p11.CKA_EC_PARAMS, u.params)
	return parts{key, []*p11.Attribute{params, attribute(p11.CKA_VALUE, value)}, []*p11.Attribute{params, attribute(p11.CKA_EC_POINT, encoded)}}, nil
}

func dissectRSA(key *rsa.PrivateKey) (parts, error) {
	if err := key.Validate(); err != nil {
		return parts{}, err
	}
	if bits := key.N.BitLen(); bits < 2048 || bits > 4096 || len(key.Primes) != 2 {
		return parts{}, fmt.Errorf("an RSA key has 2048 to 4096 bits and two primes, not %d and %d", bits, len(key.Primes))
	}
	key = &rsa.PrivateKey{PublicKey: key.PublicKey, D: key.D, Primes: key.Primes} // the caller's is left as it is
	key.Precompute()
	n, e := attribute(p11.CKA_MODULUS, key.N.Bytes()), attribute(p11.CKA_PUBLIC_EXPONENT, big.NewInt(int64(key.E)).Bytes())
	return parts{&key.PublicKey, []*p11.Attribute{n, e,
		attribute(p11.CKA_PRIVATE_EXPONENT, key.D.Bytes()),
		attribute(p11.CKA_PRIME_1, key.Primes[0].Bytes()), attribute(p11.CKA_PRIME_2, key.Primes[1].Bytes()),
		attribute(p11.CKA_EXPONENT_1, key.Precomputed.Dp.Bytes()), attribute(p11.CKA_EXPONENT_2, key.Precomputed.Dq.Bytes()),
		attribute(p11.CKA_COEFFICIENT, key.Precomputed.Qinv.Bytes()),
	}, []*p11.Attribute{n, e}}, nil
}
