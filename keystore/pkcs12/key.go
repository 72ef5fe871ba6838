package pkcs12

import (
	"context"
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"github.com/gosignet/signet/keystore"
)

// open returns the private key as callers get it.
func (e *entry) open() crypto.PrivateKey {
	d := described{text: fmt.Sprintf("private key %s", e.id), public: e.public}
	switch private := e.private.(type) {
	case *rsa.PrivateKey:
		return &decrypter{signer{d, private.Sign}, private.Decrypt}
	case *ecdsa.PrivateKey:
		agreement, err := private.ECDH()
		switch {
		case err != nil || private.Curve.Params().BitSize != 256, e.bag.use&signs != 0 && e.bag.use&agrees == 0:
			return &signer{d, private.Sign}
		case e.bag.use&agrees != 0 && e.bag.use&signs == 0:
			return &agreer{d, agreement.ECDH}
		default:
			return &both{signer{d, private.Sign}, agreer{d, agreement.ECDH}}
		}
	default:
		return &signer{d, e.private.(crypto.Signer).Sign}
	}
}

// described is what any opened key shows of itself.
type described struct {
	text   string
	public crypto.PublicKey
}

// Public returns the public key.
func (d described) Public() crypto.PublicKey { return d.public }

// Format prints the identifier, whatever the verb.
func (d described) Format(f fmt.State, _ rune) { fmt.Fprint(f, d.text) }

// LogValue logs the identifier.
func (d described) LogValue() slog.Value { return slog.StringValue(d.text) }

// MarshalText encodes the identifier.
func (d described) MarshalText() ([]byte, error) { return []byte(d.text), nil }

// The private keys are behind functions, as in [keystore.Key]: even a printer that reaches unexported fields by
// reflection finds none.

type signer struct {
	described
	sign func(io.Reader, []byte, crypto.SignerOpts) ([]byte, error)
}

// Sign implements [crypto.Signer].
func (s *signer) Sign(rand io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return s.sign(rand, digest, opts)
}

type decrypter struct {
	signer
	decrypt func(io.Reader, []byte, crypto.DecrypterOpts) ([]byte, error)
}

// Decrypt implements [crypto.Decrypter], for OAEP only: PKCS#1 v1.5 tells whoever can ask often enough what was encrypted.
func (d *decrypter) Decrypt(rand io.Reader, message []byte, opts crypto.DecrypterOpts) ([]byte, error) {
	if _, ok := opts.(*rsa.OAEPOptions); !ok {
		return nil, errors.New("pkcs12: keys decrypt with OAEP only")
	}
	return d.decrypt(rand, message, opts)
}

type agreer struct {
	described
	agree func(*ecdh.PublicKey) ([]byte, error)
}

// ECDH implements [keystore.ECDHKey].
func (a *agreer) ECDH(ctx context.Context, remote *ecdh.PublicKey) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if remote == nil {
		return nil, errors.New("pkcs12: no public key to agree with")
	}
	return a.agree(remote)
}

type both struct {
	signer
	agreement agreer
}

// ECDH implements [keystore.ECDHKey].
func (b *both) ECDH(ctx context.Context, remote *ecdh.PublicKey) ([]byte, error) {
	return b.agreement.ECDH(ctx, remote)
}

var (
	_ crypto.Signer    = (*signer)(nil)
	_ crypto.Decrypter = (*decrypter)(nil)
	_ keystore.ECDHKey = (*agreer)(nil)
	_ keystore.ECDHKey = (*both)(nil)
)
