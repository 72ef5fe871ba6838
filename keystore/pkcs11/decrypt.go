//go:build cgo

package pkcs11

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/big"

	p11 "github.com/miekg/pkcs11"

	"github.com/gosignet/signet/keystore"
)

// Decrypt implements [crypto.Decrypter].
func (k *rsaKey) Decrypt(rand io.Reader, ciphertext []byte, opts crypto.DecrypterOpts) ([]byte, error) {
	return k.DecryptContext(context.Background(), rand, ciphertext, opts)
}

// DecryptContext implements [keystore.ContextDecrypter]. It takes [*rsa.OAEPOptions] with SHA-256, for both hashes. What
// cannot be decrypted is an error that wraps [rsa.ErrDecryption] and does not tell why.
//
// Where the token has no OAEP with SHA-256, as SoftHSM2 has it with SHA-1 only, the token raises to the private exponent
// and the padding is taken off here. The key does not leave the token for that either.
func (k *rsaKey) DecryptContext(ctx context.Context, _ io.Reader, ciphertext []byte, opts crypto.DecrypterOpts) ([]byte, error) {
	oaep, ok := opts.(*rsa.OAEPOptions)
	if !ok || oaep.Hash != crypto.SHA256 || oaep.MGFHash != 0 && oaep.MGFHash != crypto.SHA256 {
		return nil, fmt.Errorf("%w: decryption other than RSA-OAEP-256", keystore.ErrUnsupported)
	}
	// Some tokens answer what no key can decrypt like a failure of their own.
	if len(ciphertext) != k.public.Size() || new(big.Int).SetBytes(ciphertext).Cmp(k.public.N) >= 0 {
		return nil, fmt.Errorf("pkcs11: %w", rsa.ErrDecryption)
	}
	ciphertext, label := bytes.Clone(ciphertext), bytes.Clone(oaep.Label)
	return do(ctx, k.token, func(s *session) ([]byte, error) { return k.decrypt(s, ciphertext, label) })
}

func (k *rsaKey) decrypt(s *session, ciphertext, label []byte) ([]byte, error) {
	handle, err := s.key(k.id)
	if err != nil {
		return nil, err
	}
	api, t := s.token.api, s.token
	if t.offers(p11.CKM_RSA_PKCS_OAEP, p11.CKF_DECRYPT) && !t.rawOAEP.Load() {
		params := p11.NewOAEPParams(p11.CKM_SHA256, p11.CKG_MGF1_SHA256, p11.CKZ_DATA_SPECIFIED, label)
		switch err := api.DecryptInit(s.handle, []*p11.Mechanism{p11.NewMechanism(p11.CKM_RSA_PKCS_OAEP, params)}, handle); {
		case err == nil:
			return decrypted(api.Decrypt(s.handle, ciphertext))
		case !unsupported(err) && code(err) != p11.CKR_ARGUMENTS_BAD:
			return nil, fmt.Errorf("pkcs11: decrypt: %w", err)
		}
		t.rawOAEP.Store(true)
	}
	if !t.offers(p11.CKM_RSA_X_509, p11.CKF_DECRYPT) {
		return nil, fmt.Errorf("%w: the token has neither OAEP with SHA-256 nor plain RSA", keystore.ErrUnsupported)
	}
	if err := api.DecryptInit(s.handle, []*p11.Mechanism{p11.NewMechanism(p11.CKM_RSA_X_509, nil)}, handle); err != nil {
		return nil, fmt.Errorf("pkcs11: decrypt: %w", err)
	}
	raw, err := decrypted(api.Decrypt(s.handle, ciphertext))
	if err != nil {
		return nil, err
	}
	defer clear(raw)
	block := make([]byte, len(ciphertext))
	defer clear(block)
	if len(raw) > len(block) {
		return nil, errors.New("pkcs11: the token gave more bytes than the key has")
	}
	copy(block[len(block)-len(raw):], raw) // in case it leaves out zeros
	message, ok := unpadOAEP(sha256.New, block, label)
	if !ok {
		return nil, fmt.Errorf("pkcs11: %w", rsa.ErrDecryption)
	}
	return message, nil
}

// decrypted turns what a token says about a ciphertext into one error, the same for all, so that nobody learns how it
// failed. It also keeps strangers from ending sessions with ciphertexts for which a token reports a failure of its own. Errors that say that
// the session or the token is gone are kept.
func decrypted(message []byte, err error) ([]byte, error) {
	switch c := code(err); {
	case err == nil:
		return message, nil
	case !broken(err), c == p11.CKR_GENERAL_ERROR, c == p11.CKR_FUNCTION_FAILED, c >= p11.CKR_VENDOR_DEFINED:
		return nil, fmt.Errorf("pkcs11: %w", rsa.ErrDecryption)
	}
	return nil, fmt.Errorf("pkcs11: decrypt: %w", err)
}
