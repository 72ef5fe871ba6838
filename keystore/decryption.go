package keystore

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"

	"github.com/go-jose/go-jose/v4"

	"github.com/gosignet/signet/internal/jwt"
)

// maxEncrypted is the length of the longest JWE that is opened, in bytes: the longest JWT, encoded once more.
const maxEncrypted = 2 * jwt.MaxTokenSize

// ErrDecrypt says that a JWE cannot be opened: it is malformed, uses another algorithm, or is for another key.
var ErrDecrypt = errors.New("keystore: cannot be decrypted")

// What a JWE for the provider may be made with (RFC 7518 sections 4 and 5).
var (
	decryptionAlgorithms = []jose.KeyAlgorithm{jose.RSA_OAEP_256}
	decryptionEncodings  = []jose.ContentEncryption{jose.A128GCM, jose.A256GCM}
)

// DecryptionAlgorithms returns the algorithms with which keys are encrypted for the provider.
func DecryptionAlgorithms() []jose.KeyAlgorithm { return slices.Clone(decryptionAlgorithms) }

// DecryptionEncodings returns the algorithms with which content is encrypted for the provider.
func DecryptionEncodings() []jose.ContentEncryption { return slices.Clone(decryptionEncodings) }

// Decrypter is a Keystore that opens what others encrypted for the provider. It is safe for concurrent use.
type Decrypter interface {
	// Decrypt returns the content of a compact JWE (RFC 7516 section 7.1). One that cannot be opened is an error that
	// wraps ErrDecrypt, and does not tell why.
	Decrypt(ctx context.Context, jwe string) ([]byte, error)
}

// DecryptionKey opens what was encrypted for it with RSA-OAEP-256. It is made by [NewDecryptionKey], safe for concurrent
// use (as the decrypter under it must be) and never prints its private part.
type DecryptionKey struct {
	public  jose.JSONWebKey
	decrypt func(io.Reader, []byte, crypto.DecrypterOpts) ([]byte, error)
}

// NewDecryptionKey makes a key of any decrypter with an RSA key of 2048 to 4096 bits.
func NewDecryptionKey(decrypter crypto.Decrypter) (*DecryptionKey, error) {
	if decrypter == nil {
		return nil, errors.New("keystore: no decrypter")
	}
	k := &DecryptionKey{
		public:  jose.JSONWebKey{Key: decrypter.Public(), Use: "enc", Algorithm: string(jose.RSA_OAEP_256)},
		decrypt: decrypter.Decrypt,
	}
	if err := jwt.CheckKey(jose.PS256, k.public.Key); err != nil { // the same bounds as for signatures
		return nil, fmt.Errorf("keystore: decryption needs an RSA key: %w", err)
	}
	thumbprint, err := k.public.Thumbprint(crypto.SHA256)
	if err != nil {
		return nil, fmt.Errorf("keystore: thumbprint: %w", err)
	}
	k.public.KeyID = base64.RawURLEncoding.EncodeToString(thumbprint)
	return k, nil
}

// GenerateDecryptionKey makes a fresh key of 2048 bits, which is gone with the process.
func GenerateDecryptionKey() (*DecryptionKey, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, fmt.Errorf("keystore: generate a decryption key: %w", err)
	}
	return NewDecryptionKey(key)
}

// Public returns the public key as it is published: with kid, alg, and use "enc".
func (k *DecryptionKey) Public() jose.JSONWebKey { return k.public }

// DecryptKey opens the key of a JWE, for go-jose.
func (k *DecryptionKey) DecryptKey(encrypted []byte, _ jose.Header) ([]byte, error) {
	return k.decrypt(rand.Reader, encrypted, &rsa.OAEPOptions{Hash: crypto.SHA256})
}

// Format prints the kid, whatever the verb.
func (k DecryptionKey) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "decryption key %s", k.public.KeyID)
}

// LogValue logs the kid.
func (k DecryptionKey) LogValue() slog.Value { return slog.StringValue(k.public.KeyID) }

// Decrypting is a Keystore that also has decryption keys.
type Decrypting struct {
	Keystore
	keys []*DecryptionKey
}

var (
	_ Keystore  = (*Decrypting)(nil)
	_ Decrypter = (*Decrypting)(nil)
)

// WithDecryption adds decryption keys to a keystore. All are published; clients may use any, so a new one goes first and
// an old one stays while clients may have it.
func WithDecryption(signing Keystore, keys ...*DecryptionKey) (*Decrypting, error) {
	if signing == nil || len(keys) == 0 || slices.ContainsFunc(keys, func(k *DecryptionKey) bool { return k == nil || k.decrypt == nil }) {
		return nil, errors.New("keystore: decryption needs a keystore and keys that NewDecryptionKey made")
	}
	return &Decrypting{Keystore: signing, keys: slices.Clone(keys)}, nil
}

// Keys returns the public keys of the signing keystore and those for encryption.
func (d *Decrypting) Keys(ctx context.Context) ([]jose.JSONWebKey, error) {
	public, err := d.Keystore.Keys(ctx)
	if err != nil {
		return nil, err
	}
	for _, key := range d.keys {
		public = append(public, key.public)
	}
	return public, nil
}

// Decrypt implements [Decrypter]. The kid of the JWE chooses the key; without one, all are tried. Compressed content is
// refused.
func (d *Decrypting) Decrypt(_ context.Context, jwe string) ([]byte, error) {
	if len(jwe) > maxEncrypted {
		return nil, fmt.Errorf("%w: it is too long", ErrDecrypt)
	}
	parsed, err := jose.ParseEncryptedCompact(jwe, decryptionAlgorithms, decryptionEncodings)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDecrypt, err)
	}
	if _, compressed := parsed.Header.ExtraHeaders["zip"]; compressed {
		return nil, fmt.Errorf("%w: it is compressed", ErrDecrypt)
	}
	for _, key := range d.keys {
		if parsed.Header.KeyID != "" && parsed.Header.KeyID != key.public.KeyID {
			continue
		}
		if content, err := parsed.Decrypt(key); err == nil {
			return content, nil
		}
	}
	return nil, ErrDecrypt
}
