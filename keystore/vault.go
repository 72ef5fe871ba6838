package keystore

import (
	"context"
	"crypto"
	"crypto/ecdh"
	"crypto/x509"
	"errors"
	"io"
)

var (
	// ErrNoVaultKey says that a vault has no key with the identifier.
	ErrNoVaultKey = errors.New("keystore: no such key in the vault")
	// ErrUnsupported says that a vault cannot make or hold keys for the algorithm.
	ErrUnsupported = errors.New("keystore: the vault does not support this algorithm")
	// ErrVaultFull says that a vault has no room for another key.
	ErrVaultFull = errors.New("keystore: the vault is full")
)

// Vault is where private keys live: a file, an HSM, a service. It makes and uses them, and knows nothing of roles and
// rotation, which package rotation adds. Whoever writes one runs the tests of package keystoretest on it.
//
// It is safe for concurrent use. When the context has ended, a method returns its error. Any error that is not one of
// this package means that the vault could not be reached, or not be trusted.
type Vault interface {
	// Keys returns what is in the vault, in no particular order. Private keys stay where they are.
	Keys(ctx context.Context) ([]VaultKey, error)
	// Generate makes a key that fits the algorithm, one of [Algorithms], and labels it. It returns an error that wraps ErrUnsupported for an algorithm that the vault has
	// no keys for, and one that wraps ErrVaultFull when there is no room.
	Generate(ctx context.Context, label, alg string) (VaultKey, error)
	// Open returns the private key to use, or an error that wraps ErrNoVaultKey. It is what NewKey and NewDecryptionKey
	// take: for algorithms of signatures a [crypto.Signer], which may be a [ContextSigner]; for RSA-OAEP-256 a
	// [crypto.Decrypter], which may be a [ContextDecrypter]; for ECDH-ES an [ECDHKey]. A decrypter that gets what is not
	// encrypted for its key returns an error that wraps [crypto/rsa.ErrDecryption] or [ErrDecrypt]. What Open returns stays
	// usable until the key is deleted, and prints and encodes nothing secret; [Opaque] makes such of a key in memory.
	Open(ctx context.Context, id string) (crypto.PrivateKey, error)
	// SetCertificates stores the chain beside the key, the key's own certificate first, in place of an earlier chain. The
	// first certificate must be for the key.
	SetCertificates(ctx context.Context, id string, chain []*x509.Certificate) error
	// Delete destroys the key. One that is not there is no error.
	Delete(ctx context.Context, id string) error
}

// Importer is a Vault that takes private keys that were made elsewhere.
type Importer interface {
	// Import stores the key, with the chain if there is one, and labels it.
	Import(ctx context.Context, label, alg string, key crypto.PrivateKey, chain []*x509.Certificate) (VaultKey, error)
}

// VaultKey describes a key in a vault.
type VaultKey struct {
	// ID names the key in its vault, and stays the same for as long as it lives.
	ID string
	// Label is what Generate or Import was told: 1 to 128 bytes of printable ASCII.
	Label string
	// Public is the public key: an *[crypto/rsa.PublicKey], a [crypto/ed25519.PublicKey] or, for ECDH-ES too, a *[crypto/ecdsa.PublicKey].
	Public crypto.PublicKey
	// Certificates is the chain that was stored beside the key, its own certificate first. It may be empty.
	Certificates []*x509.Certificate
}

// ContextSigner is a signer that may have to wait, for a session of an HSM or an answer of a service, and waits no longer
// than the context lets it.
type ContextSigner interface {
	crypto.Signer
	SignContext(ctx context.Context, rand io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error)
}

// ContextDecrypter is the same for decryption with RSA.
type ContextDecrypter interface {
	crypto.Decrypter
	DecryptContext(ctx context.Context, rand io.Reader, message []byte, opts crypto.DecrypterOpts) ([]byte, error)
}

// ECDHKey is a private key on P-256 that agrees on secrets (ECDH-ES, RFC 7518 section 4.6).
type ECDHKey interface {
	Public() crypto.PublicKey
	// ECDH returns the x coordinate of the shared point.
	ECDH(ctx context.Context, remote *ecdh.PublicKey) ([]byte, error)
}
