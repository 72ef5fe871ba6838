//go:build cgo

package pkcs11

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"

	p11 "github.com/miekg/pkcs11"

	"github.com/gosignet/signet/keystore"
)

// Keys implements [keystore.Vault]. The identifier of a key is its CKA_ID in hexadecimal. Keys that have none, share theirs
// with another, lack their public half, or are of another kind than those of Generate, are left out.
func (t *token) Keys(ctx context.Context) ([]keystore.VaultKey, error) {
	return read(ctx, t, func(s *session) ([]keystore.VaultKey, error) {
		found, err := s.find(private, attribute(p11.CKA_TOKEN, true))
		if err != nil {
			return nil, err
		}
		count := map[string]int{}
		keys := make([]keystore.VaultKey, 0, len(found))
		for _, handle := range found {
			key, err := s.describe(handle)
			if err != nil && broken(err) {
				return nil, err
			}
			count[key.ID]++
			if err != nil {
				t.config.Logger.Debug("a key in the token is not used", t.name(), slog.String("id", key.ID), slog.Any("error", err))
				continue
			}
			keys = append(keys, key)
		}
		unique := keys[:0]
		for _, key := range keys {
			if count[key.ID] == 1 && key.ID != "" {
				unique = append(unique, key)
			}
		}
		return unique, s.present()
	})
}

// describe returns what Keys tells of a private key. It fills in the identifier as soon as it knows it.
func (s *session) describe(key p11.ObjectHandle) (keystore.VaultKey, error) {
	var described keystore.VaultKey
	values, err := s.attributes(key, p11.CKA_ID, p11.CKA_LABEL)
	if err != nil {
		return described, err
	}
	described.ID, described.Label = hex.EncodeToString(values[0]), string(values[1])
	if described.Public, err = s.public(key); err != nil {
		return described, err
	}
	described.Certificates, err = s.chain(values[0], described.Public)
	return described, err
}

// Open implements [keystore.Vault]. It refuses a key that is not sensitive or is extractable: such a key may be elsewhere too. A
// key that may both sign and decrypt, which Generate makes none of, does both for RSA, and signs on P-256.
func (t *token) Open(ctx context.Context, id string) (crypto.PrivateKey, error) {
	return read(ctx, t, func(s *session) (crypto.PrivateKey, error) {
		handle, err := s.findKey(id)
		if err != nil {
			return nil, err
		}
		if err := s.guarded(handle); err != nil {
			return nil, fmt.Errorf("%w: %s", err, id)
		}
		public, err := s.public(handle)
		if err != nil {
			return nil, err
		}
		values, err := s.attributes(handle, p11.CKA_SIGN, p11.CKA_DECRYPT, p11.CKA_DERIVE)
		if err != nil {
			return nil, err
		}
		signs, decrypts, derives := isTrue(values[0]), isTrue(values[1]), isTrue(values[2])
		k := key{token: t, id: id, public: public}
		switch public := public.(type) {
		case *rsa.PublicKey:
			rsa := &rsaKey{key: k, public: public}
			switch {
			case signs && decrypts:
				return rsa, nil
			case signs:
				return struct{ keystore.ContextSigner }{rsa}, nil
			case decrypts:
				return struct{ keystore.ContextDecrypter }{rsa}, nil
			}
		case *ecdsa.PublicKey:
			switch {
			case signs:
				return &ecdsaKey{key: k, public: public}, nil
			case derives:
				return &ecdhKey{k}, nil
			}
		case ed25519.PublicKey:
			if signs {
				return &ed25519Key{k}, nil
			}
		}
		return nil, fmt.Errorf("pkcs11: the token lets key %s neither sign nor decrypt nor agree on secrets", id)
	})
}

// guarded says whether a private key stays in the token.
func (s *session) guarded(key p11.ObjectHandle) error {
	values, err := s.attributes(key, p11.CKA_SENSITIVE, p11.CKA_EXTRACTABLE)
	if err != nil {
		return err
	}
	if !isTrue(values[0]) || isTrue(values[1]) {
		return errors.New("pkcs11: a private key in the token is not sensitive, or is extractable")
	}
	return nil
}

// Delete implements [keystore.Vault]. It destroys the private key first, then what else has its CKA_ID: the public key and the certificates.
func (t *token) Delete(ctx context.Context, id string) error {
	raw, err := hex.DecodeString(id)
	if err != nil || len(raw) == 0 {
		return ctx.Err() // no key has such an identifier
	}
	_, err = write(ctx, t, func(s *session) (struct{}, error) {
		return struct{}{}, s.destroy(raw)
	})
	return err
}

// destroy destroys the keys and certificates with the CKA_ID.
func (s *session) destroy(id []byte) error {
	delete(s.keys, hex.EncodeToString(id))
	for _, class := range []*p11.Attribute{private, public, certificate} {
		found, err := s.find(class, attribute(p11.CKA_TOKEN, true), attribute(p11.CKA_ID, id))
		if err != nil {
			return err
		}
		if err := s.destroyAll(found); err != nil {
			return err
		}
	}
	return s.present()
}

// destroyAll destroys objects. One that somebody else destroys at the same time is no error.
func (s *session) destroyAll(objects []p11.ObjectHandle) error {
	for _, object := range objects {
		if err := s.token.api.DestroyObject(s.handle, object); err != nil && code(err) != p11.CKR_OBJECT_HANDLE_INVALID {
			return fmt.Errorf("pkcs11: destroy: %w", err)
		}
	}
	return nil
}
