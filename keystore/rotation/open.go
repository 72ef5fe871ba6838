package rotation

import (
	"context"
	"crypto"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/go-jose/go-jose/v4"

	"github.com/gosignet/signet/keystore"
)

// opened is a private key in the vault that was found to be the one that is published: one of the two.
type opened struct {
	signs    *keystore.Key
	decrypts *keystore.DecryptionKey
}

// open opens the private key of an entry, and tries it.
func (k *Keystore) open(ctx context.Context, r *record, e *entry) (opened, error) {
	private, err := k.vault.Open(ctx, e.VaultID)
	if errors.Is(err, keystore.ErrNoVaultKey) {
		private, err = k.search(ctx, e)
	}
	if err != nil {
		return opened{}, fmt.Errorf("rotation: open key %s of %s: %w", e.Public.KeyID, recordID(r.Role, r.Algorithm), err)
	}
	o, err := try(ctx, r.Role, r.Algorithm, private)
	if err != nil {
		return opened{}, err
	}
	if o.public().KeyID != e.Public.KeyID {
		return opened{}, fmt.Errorf("rotation: the vault has another key (%s) where %s of %s should be",
			o.public().KeyID, e.Public.KeyID, recordID(r.Role, r.Algorithm))
	}
	return o, nil
}

// search looks for the key under another identifier: a vault that was restored from a backup may have given it one.
func (k *Keystore) search(ctx context.Context, e *entry) (crypto.PrivateKey, error) {
	all, err := k.vault.Keys(ctx)
	if err != nil {
		return nil, err
	}
	for _, key := range all {
		if public, ok := key.Public.(interface{ Equal(crypto.PublicKey) bool }); ok && public.Equal(e.Public.Key) {
			return k.vault.Open(ctx, key.ID)
		}
	}
	return nil, keystore.ErrNoVaultKey
}

func (o opened) public() jose.JSONWebKey {
	if o.decrypts != nil {
		return o.decrypts.Public()
	}
	return o.signs.Public()
}

// try makes a key of what a vault opened, and uses it once: a key that does not do what its public half says must not
// be published.
func try(ctx context.Context, role keystore.Role, alg string, private crypto.PrivateKey) (opened, error) {
	const content = "rotation"
	fail := func(err error) (opened, error) {
		return opened{}, fmt.Errorf("rotation: a key for %s failed its test: %w", recordID(role, alg), err)
	}
	if role == keystore.RequestDecryption {
		key, err := keystore.NewDecryptionKey(jose.KeyAlgorithm(alg), private)
		if err != nil {
			return fail(err)
		}
		encrypter, err := jose.NewEncrypter(jose.A256GCM, jose.Recipient{Algorithm: jose.KeyAlgorithm(alg), Key: key.Public().Key}, nil)
		if err != nil {
			return fail(err)
		}
		jwe, err := encrypter.Encrypt([]byte(content))
		if err != nil {
			return fail(err)
		}
		text, err := jwe.CompactSerialize()
		if err != nil {
			return fail(err)
		}
		if _, err := keystore.Decrypt(ctx, text, key); err != nil {
			return fail(err)
		}
		return opened{decrypts: key}, nil
	}
	signer, ok := private.(crypto.Signer)
	if !ok {
		return fail(fmt.Errorf("%T is no crypto.Signer", private))
	}
	key, err := keystore.NewKey(jose.SignatureAlgorithm(alg), signer)
	if err != nil {
		return fail(err)
	}
	token, err := key.Sign(ctx, "JWT", []byte(content))
	if err != nil {
		return fail(err)
	}
	jws, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{key.Algorithm()})
	if err != nil {
		return fail(err)
	}
	if _, err := jws.Verify(key.Public().Key); err != nil {
		return fail(err)
	}
	return opened{signs: key}, nil
}

// thumbprint returns the kid of a public key (RFC 7638), or an empty string for what is none.
func thumbprint(public crypto.PublicKey) string {
	sum, err := (&jose.JSONWebKey{Key: public}).Thumbprint(crypto.SHA256)
	if err != nil {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(sum)
}
