//go:build cgo

package pkcs11

import (
	"context"
	"crypto/ecdh"
	"errors"
	"fmt"

	p11 "github.com/miekg/pkcs11"

	"github.com/gosignet/signet/keystore"
)

// ecdhKey agrees on secrets.
type ecdhKey struct{ key }

var _ keystore.ECDHKey = (*ecdhKey)(nil)

// secretSize is the length of an x coordinate on P-256.
const secretSize = 32

// ECDH implements [keystore.ECDHKey]. The token derives the secret as an object of the session, whose value is read before it is destroyed;
// the private key stays where it is.
func (k *ecdhKey) ECDH(ctx context.Context, remote *ecdh.PublicKey) ([]byte, error) {
	if remote == nil || remote.Curve() != ecdh.P256() {
		return nil, errors.New("pkcs11: the other key is not on P-256")
	}
	return do(ctx, k.token, func(s *session) (secret []byte, err error) {
		api := s.token.api
		handle, err := s.key(k.id)
		if err != nil {
			return nil, err
		}
		params := p11.NewECDH1DeriveParams(p11.CKD_NULL, nil, remote.Bytes())
		derived, err := api.DeriveKey(s.handle, []*p11.Mechanism{p11.NewMechanism(p11.CKM_ECDH1_DERIVE, params)}, handle, []*p11.Attribute{
			attribute(p11.CKA_CLASS, p11.CKO_SECRET_KEY), attribute(p11.CKA_KEY_TYPE, p11.CKK_GENERIC_SECRET), attribute(p11.CKA_VALUE_LEN, secretSize),
			attribute(p11.CKA_TOKEN, false), attribute(p11.CKA_PRIVATE, true), attribute(p11.CKA_SENSITIVE, false), attribute(p11.CKA_EXTRACTABLE, true),
		})
		if err != nil {
			return nil, fmt.Errorf("pkcs11: derive a secret: %w", err)
		}
		defer func() {
			if destroy := api.DestroyObject(s.handle, derived); err == nil && destroy != nil {
				secret, err = nil, fmt.Errorf("pkcs11: destroy a derived secret: %w", destroy)
			}
		}()
		values, err := s.attributes(derived, p11.CKA_VALUE)
		if err != nil {
			return nil, fmt.Errorf("pkcs11: the token does not give derived secrets out: %w", err)
		}
		if len(values[0]) != secretSize {
			return nil, fmt.Errorf("pkcs11: the token derived %d bytes, not %d", len(values[0]), secretSize)
		}
		return values[0], nil
	})
}
