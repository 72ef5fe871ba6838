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
	decryptionAlgorithms = []jose.KeyAlgorithm{jose.RSA_OAEP_256, jose.ECDH_ES}
	decryptionEncodings  = []jose.ContentEncryption{jose.A128GCM, jose.A256GCM}
)

// DecryptionAlgorithms returns the algorithms with which keys can be encrypted for a provider that has keys for them. Those
// that a certain keystore has are the alg of its public keys whose use is "enc"; [PublishedDecryptionAlgorithms] lists
// them.
func DecryptionAlgorithms() []jose.KeyAlgorithm { return slices.Clone(decryptionAlgorithms) }

// DecryptionEncodings returns the algorithms with which content is encrypted for the provider.
func DecryptionEncodings() []jose.ContentEncryption { return slices.Clone(decryptionEncodings) }

// PublishedDecryptionAlgorithms returns the algorithms with which keys can be encrypted for a provider that publishes
// the keys, in the order of [DecryptionAlgorithms].
func PublishedDecryptionAlgorithms(keys []jose.JSONWebKey) []jose.KeyAlgorithm {
	return slices.DeleteFunc(DecryptionAlgorithms(), func(alg jose.KeyAlgorithm) bool {
		return !slices.ContainsFunc(keys, func(k jose.JSONWebKey) bool { return k.Use == "enc" && k.Algorithm == string(alg) })
	})
}

// Decrypter is a Keystore that opens what others encrypted for the provider. It is safe for concurrent use.
type Decrypter interface {
	// Decrypt returns the content of a compact JWE (RFC 7516 section 7.1). One that cannot be opened is an error that
	// wraps ErrDecrypt, and does not tell why. Any other error says nothing of the JWE: the key could not be used.
	Decrypt(ctx context.Context, jwe string) ([]byte, error)
}

// DecryptionKey opens what was encrypted for it with one algorithm. It is made by [NewDecryptionKey], safe for concurrent
// use (as the private key under it must be) and never prints its private part.
type DecryptionKey struct {
	public jose.JSONWebKey
	alg    jose.KeyAlgorithm
	// contentKey returns the key with which the content is encrypted. The private key itself is out of reach, as in Key.
	contentKey func(ctx context.Context, encrypted []byte, header jose.Header) ([]byte, error)
}

// NewDecryptionKey makes a key of what the algorithm needs: for RSA-OAEP-256 a [crypto.Decrypter], which may be a
// [ContextDecrypter], with an RSA key of 2048 to 4096 bits; for ECDH-ES an [ECDHKey] on P-256. [NewECDHKey] makes one of
// a key in memory. Other algorithms are refused.
func NewDecryptionKey(alg jose.KeyAlgorithm, private crypto.PrivateKey) (*DecryptionKey, error) {
	k := &DecryptionKey{alg: alg, public: jose.JSONWebKey{Use: "enc", Algorithm: string(alg)}}
	decrypter, decrypts := private.(crypto.Decrypter)
	agreer, agrees := private.(ECDHKey)
	switch {
	case alg == jose.RSA_OAEP_256 && decrypts:
		k.public.Key, k.contentKey = decrypter.Public(), oaep(decrypter)
	case alg == jose.ECDH_ES && agrees:
		k.public.Key, k.contentKey = agreer.Public(), agreement(agreer)
	case slices.Contains(decryptionAlgorithms, alg):
		return nil, fmt.Errorf("keystore: %T does not decrypt with %s", private, alg)
	default:
		return nil, fmt.Errorf("keystore: decryption algorithm %q is not one of %v", alg, decryptionAlgorithms)
	}
	if err := CheckPublicKey(string(alg), k.public.Key); err != nil {
		return nil, err
	}
	thumbprint, err := k.public.Thumbprint(crypto.SHA256)
	if err != nil {
		return nil, fmt.Errorf("keystore: thumbprint: %w", err)
	}
	k.public.KeyID = base64.RawURLEncoding.EncodeToString(thumbprint)
	return k, nil
}

// oaep opens the encrypted key with RSA-OAEP-256.
func oaep(decrypter crypto.Decrypter) func(context.Context, []byte, jose.Header) ([]byte, error) {
	decrypt := func(_ context.Context, rand io.Reader, message []byte, opts crypto.DecrypterOpts) ([]byte, error) {
		return decrypter.Decrypt(rand, message, opts)
	}
	if waits, ok := decrypter.(ContextDecrypter); ok {
		decrypt = waits.DecryptContext
	}
	return func(ctx context.Context, encrypted []byte, _ jose.Header) ([]byte, error) {
		key, err := decrypt(ctx, rand.Reader, encrypted, &rsa.OAEPOptions{Hash: crypto.SHA256})
		if errors.Is(err, rsa.ErrDecryption) {
			return nil, ErrDecrypt
		}
		return key, err
	}
}

// GenerateDecryptionKey makes a fresh key, which is gone with the process. RSA keys have 2048 bits.
func GenerateDecryptionKey(alg jose.KeyAlgorithm) (*DecryptionKey, error) {
	private, err := generatePrivate(string(alg))
	if err != nil {
		return nil, err
	}
	if private, err = Opaque(string(alg), private); err != nil {
		return nil, err
	}
	return NewDecryptionKey(alg, private)
}

// ID returns the kid: the RFC 7638 thumbprint of the public key with SHA-256, in base64url.
func (k *DecryptionKey) ID() string { return k.public.KeyID }

// Public returns the public key as it is published: with kid, alg, and use "enc", and the certificates it was given.
func (k *DecryptionKey) Public() jose.JSONWebKey { return copyJWK(k.public) }

// DecryptKey opens the key of a JWE, for go-jose.
func (k *DecryptionKey) DecryptKey(encrypted []byte, header jose.Header) ([]byte, error) {
	return k.contentKey(context.Background(), encrypted, header)
}

// Format prints the kid, whatever the verb.
func (k DecryptionKey) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "decryption key %s", k.public.KeyID)
}

// LogValue logs the kid.
func (k DecryptionKey) LogValue() slog.Value { return slog.StringValue(k.public.KeyID) }

// Decrypt opens a compact JWE with one of the keys, as [Decrypter] demands it. The alg of the JWE, and its kid if it has
// one, choose among them. Compressed content is refused.
func Decrypt(ctx context.Context, jwe string, keys ...*DecryptionKey) ([]byte, error) {
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
	for _, key := range keys {
		if string(key.alg) != parsed.Header.Algorithm || parsed.Header.KeyID != "" && parsed.Header.KeyID != key.public.KeyID {
			continue
		}
		opener := opener{ctx: ctx, key: key}
		content, err := parsed.Decrypt(&opener)
		if err == nil {
			return content, nil
		}
		if opener.err != nil && !errors.Is(opener.err, ErrDecrypt) {
			return nil, fmt.Errorf("keystore: decrypt with %s: %w", key.alg, opener.err)
		}
	}
	return nil, ErrDecrypt
}

// opener is a DecryptionKey for go-jose while one call lasts. It keeps the error, which go-jose does not pass on.
type opener struct {
	ctx context.Context
	key *DecryptionKey
	err error
}

func (o *opener) DecryptKey(encrypted []byte, header jose.Header) ([]byte, error) {
	key, err := o.key.contentKey(o.ctx, encrypted, header)
	o.err = err
	return key, err
}

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
	if signing == nil || len(keys) == 0 || slices.ContainsFunc(keys, func(k *DecryptionKey) bool { return k == nil || k.contentKey == nil }) {
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
		public = append(public, key.Public())
	}
	return public, nil
}

// Decrypt implements [Decrypter]; see the function [Decrypt].
func (d *Decrypting) Decrypt(ctx context.Context, jwe string) ([]byte, error) {
	return Decrypt(ctx, jwe, d.keys...)
}
