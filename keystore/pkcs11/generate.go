//go:build cgo

package pkcs11

import (
	"context"
	"crypto/rand"
	"fmt"

	p11 "github.com/miekg/pkcs11"

	"github.com/gosignet/signet/keystore"
)

// use is what keys for an algorithm are for, in the terms of PKCS#11.
type use struct {
	// kind is the CKA_KEY_TYPE.
	kind uint
	// generate are mechanisms that make such keys; the token may offer any.
	generate []uint
	// mechanisms are those that use the keys; the token may offer any, for the purpose, one of the flags CKF_.
	mechanisms []uint
	purpose    uint
	// params is CKA_EC_PARAMS for keys on curves.
	params []byte
	// private and public are the attributes that allow the use.
	private, public uint
}

var (
	generateRSA = []uint{p11.CKM_RSA_PKCS_KEY_PAIR_GEN, p11.CKM_RSA_X9_31_KEY_PAIR_GEN}
	generateEC  = []uint{p11.CKM_EC_KEY_PAIR_GEN}

	uses = map[string]use{
		"ES256": {p11.CKK_EC, generateEC, []uint{p11.CKM_ECDSA}, p11.CKF_SIGN, paramsP256, p11.CKA_SIGN, p11.CKA_VERIFY},
		"ES384": {p11.CKK_EC, generateEC, []uint{p11.CKM_ECDSA}, p11.CKF_SIGN, paramsP384, p11.CKA_SIGN, p11.CKA_VERIFY},
		"EdDSA": {ckkECEdwards, []uint{ckmECEdwardsKeyPairGen}, []uint{ckmEdDSA}, p11.CKF_SIGN, paramsEd25519, p11.CKA_SIGN, p11.CKA_VERIFY},
		"RS256": {p11.CKK_RSA, generateRSA, []uint{p11.CKM_RSA_PKCS}, p11.CKF_SIGN, nil, p11.CKA_SIGN, p11.CKA_VERIFY},
		"PS256": {p11.CKK_RSA, generateRSA, []uint{p11.CKM_RSA_PKCS_PSS}, p11.CKF_SIGN, nil, p11.CKA_SIGN, p11.CKA_VERIFY},
		"RSA-OAEP-256": {p11.CKK_RSA, generateRSA, []uint{p11.CKM_RSA_PKCS_OAEP, p11.CKM_RSA_X_509}, p11.CKF_DECRYPT, nil,
			p11.CKA_DECRYPT, p11.CKA_ENCRYPT},
		"ECDH-ES": {p11.CKK_EC, generateEC, []uint{p11.CKM_ECDH1_DERIVE}, p11.CKF_DERIVE, paramsP256, p11.CKA_DERIVE, p11.CKA_DERIVE},
	}
)

// use returns what keys for the algorithm are for, if the token can use them.
func (t *token) use(alg string) (use, error) {
	u, known := uses[alg]
	if _, offered := t.first(u.mechanisms, u.purpose); !known || !offered {
		return use{}, fmt.Errorf("%w: %q", keystore.ErrUnsupported, alg)
	}
	return u, nil
}

// first returns the first of the mechanisms that the token offers for the purpose.
func (t *token) first(mechanisms []uint, purpose uint) (uint, bool) {
	for _, m := range mechanisms {
		if t.offers(m, purpose) {
			return m, true
		}
	}
	return 0, false
}

// publicTemplate returns the attributes of a public key, except for the key.
func (u use) publicTemplate(id []byte, label string) []*p11.Attribute {
	return []*p11.Attribute{public, attribute(p11.CKA_KEY_TYPE, u.kind), attribute(p11.CKA_TOKEN, true), attribute(p11.CKA_PRIVATE, false),
		attribute(p11.CKA_ID, id), attribute(p11.CKA_LABEL, label), attribute(u.public, true)}
}

// privateTemplate returns the attributes of a private key, except for the key. It stays in the token and has one use.
func (u use) privateTemplate(id []byte, label string) []*p11.Attribute {
	template := []*p11.Attribute{private, attribute(p11.CKA_KEY_TYPE, u.kind), attribute(p11.CKA_TOKEN, true), attribute(p11.CKA_PRIVATE, true),
		attribute(p11.CKA_SENSITIVE, true), attribute(p11.CKA_EXTRACTABLE, false), attribute(p11.CKA_ID, id), attribute(p11.CKA_LABEL, label)}
	for _, allowed := range []uint{p11.CKA_SIGN, p11.CKA_DECRYPT, p11.CKA_DERIVE, p11.CKA_UNWRAP} {
		template = append(template, attribute(allowed, allowed == u.private))
	}
	return template
}

// Generate implements [keystore.Vault].
func (t *token) Generate(ctx context.Context, label, alg string) (keystore.VaultKey, error) {
	if err := keystore.CheckLabel(label); err != nil {
		return keystore.VaultKey{}, err
	}
	u, err := t.use(alg)
	if err != nil {
		return keystore.VaultKey{}, err
	}
	mechanism, offered := t.first(u.generate, p11.CKF_GENERATE_KEY_PAIR)
	if !offered {
		return keystore.VaultKey{}, fmt.Errorf("%w: %q: the token makes no such keys", keystore.ErrUnsupported, alg)
	}
	id := newID()
	return write(ctx, t, func(s *session) (keystore.VaultKey, error) {
		return s.create(ctx, id, func() (p11.ObjectHandle, error) {
			public, private := u.publicTemplate(id, label), u.privateTemplate(id, label)
			if u.kind == p11.CKK_RSA {
				public = append(public, attribute(p11.CKA_MODULUS_BITS, t.config.RSABits), attribute(p11.CKA_PUBLIC_EXPONENT, []byte{1, 0, 1}))
			} else {
				public = append(public, attribute(p11.CKA_EC_PARAMS, u.params))
			}
			_, key, err := t.api.GenerateKeyPair(s.handle, []*p11.Mechanism{p11.NewMechanism(mechanism, nil)}, public, private)
			return key, err
		})
	})
}

// create makes a key with the CKA_ID and describes it. Nothing with the CKA_ID is left when it fails or nobody waits for the key
// any more, nor from an attempt before it, in a session that broke.
func (s *session) create(ctx context.Context, id []byte, put func() (p11.ObjectHandle, error)) (keystore.VaultKey, error) {
	if err := s.destroy(id); err != nil {
		return keystore.VaultKey{}, err
	}
	key, err := put()
	if err == nil {
		err = s.guarded(key)
	}
	var created keystore.VaultKey
	if err == nil {
		created, err = s.describe(key)
	}
	if err == nil {
		err = ctx.Err()
	}
	switch {
	case err == nil:
		return created, nil
	case full(err):
		err = fmt.Errorf("%w: %w", keystore.ErrVaultFull, err)
	case unsupported(err):
		err = fmt.Errorf("%w: %w", keystore.ErrUnsupported, err)
	default:
		err = fmt.Errorf("pkcs11: make a key: %w", err)
	}
	_ = s.destroy(id) // as far as the token still can
	return keystore.VaultKey{}, err
}

// newID returns a CKA_ID that no other key has.
func newID() []byte {
	id := make([]byte, 16)
	rand.Read(id) // never fails
	return id
}
