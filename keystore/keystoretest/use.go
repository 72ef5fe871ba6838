package keystoretest

import (
	"context"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/go-jose/go-jose/v4"

	"github.com/gosignet/signet/keystore"
)

// signers is how many sign at the same time.
const signers = 64

// useRules are about what the private keys do.
var useRules = []rule[*subject]{
	{
		"SignaturesAreVerifiedByOthers",
		"What a key signs is verified by go-jose and by the standard library, with the public key that is listed.",
		"A signature in another encoding, or with another salt or hash, is one that nobody can verify.",
		signaturesAreVerifiedByOthers,
	},
	{
		"DecryptsWithRSA",
		"A key for RSA-OAEP-256 opens what others encrypted for it, and says ErrDecryption of what is not for it.",
		"OAEP has two hashes and a label, and all must be right; a client's mistake must not look like a vault that is away.",
		decryptsWithRSA,
	},
	{
		"AgreesOnSecrets",
		"A key for ECDH-ES agrees on the secret that the other side has, 32 bytes long even if it begins with zeros.",
		"A secret that lost its leading zero opens 255 of 256 messages.",
		agreesOnSecrets,
	},
	{
		"ConcurrentSigners",
		"64 goroutines sign with one key at the same time, and all signatures are right.",
		"A session of an HSM that two requests share signs the digest of the other one.",
		concurrentSigners,
	},
	{
		"SigningEndsWithItsContext",
		"A ContextSigner, and a ContextDecrypter and ECDHKey, return the error of a context that has ended.",
		"Whoever does not wait any more must leave the queue.",
		signingEndsWithItsContext,
	},
}

func signaturesAreVerifiedByOthers(ctx context.Context, s *subject) error {
	for _, alg := range s.signatureAlgorithms() {
		made, err := s.generate(ctx, s.label(string(alg)), string(alg))
		if err != nil {
			return err
		}
		if err := expectWorks(ctx, s.Vault, made, string(alg)); err != nil {
			return err
		}
	}
	return nil
}

// expectWorks signs, or decrypts, with a key in the vault.
func expectWorks(ctx context.Context, vault keystore.Vault, made keystore.VaultKey, alg string) error {
	switch jose.KeyAlgorithm(alg) {
	case jose.RSA_OAEP_256, jose.ECDH_ES:
		key, err := openDecryption(ctx, vault, made.ID, jose.KeyAlgorithm(alg))
		if err != nil {
			return err
		}
		jwe, err := encrypt(jose.KeyAlgorithm(alg), made.Public)
		if err != nil {
			return err
		}
		return expectContent(ctx, alg, jwe, key)
	}
	key, err := open(ctx, vault, made.ID, jose.SignatureAlgorithm(alg))
	if err != nil {
		return err
	}
	// r and s of ECDSA have leading zeros once in 128 times; Ed25519 signs the whole message, however long.
	for i := range 8 {
		token, err := key.Sign(ctx, "JWT", []byte(`"`+strings.Repeat("x", i*2000)+`"`))
		if err != nil {
			return fmt.Errorf("signing with %s: %w", alg, err)
		}
		if err := verify(token, jose.SignatureAlgorithm(alg), made.Public); err != nil {
			return err
		}
	}
	return nil
}

func decryptsWithRSA(ctx context.Context, s *subject) error {
	if !s.must(jose.RSA_OAEP_256) {
		return nil
	}
	made, err := s.generate(ctx, s.label("rsa"), string(jose.RSA_OAEP_256))
	if err != nil {
		return err
	}
	if err := expectWorks(ctx, s.Vault, made, string(jose.RSA_OAEP_256)); err != nil {
		return err
	}
	key, err := openDecryption(ctx, s.Vault, made.ID, jose.RSA_OAEP_256)
	if err != nil {
		return err
	}
	public := made.Public.(*rsa.PublicKey)
	secret := []byte("0123456789abcdef")
	encrypted, err := rsa.EncryptOAEP(sha256.New(), rand.Reader, public, secret, nil)
	if err != nil {
		return err
	}
	if opened, err := key.DecryptKey(encrypted, jose.Header{}); err != nil || string(opened) != string(secret) {
		return fmt.Errorf("what the standard library encrypted was not opened: %w", err)
	}
	labelled, err := rsa.EncryptOAEP(sha256.New(), rand.Reader, public, secret, []byte("label"))
	if err != nil {
		return err
	}
	for what, message := range map[string][]byte{
		"with a label": labelled, "changed": append(encrypted[:len(encrypted)-1:len(encrypted)-1], encrypted[len(encrypted)-1]^1),
		"short": encrypted[1:], "empty": {}, "long": append(encrypted[:len(encrypted):len(encrypted)], 0),
	} {
		if _, err := key.DecryptKey(message, jose.Header{}); !errors.Is(err, keystore.ErrDecrypt) {
			return expectError("Decrypt of a message that is "+what, err, rsa.ErrDecryption)
		}
	}
	return nil
}

func agreesOnSecrets(ctx context.Context, s *subject) error {
	if !s.must(jose.ECDH_ES) {
		return nil
	}
	made, err := s.generate(ctx, s.label("ec"), string(jose.ECDH_ES))
	if err != nil {
		return err
	}
	if err := expectWorks(ctx, s.Vault, made, string(jose.ECDH_ES)); err != nil {
		return err
	}
	private, err := s.Vault.Open(ctx, made.ID)
	if err != nil {
		return expectError("Open", err, nil)
	}
	key, ok := private.(keystore.ECDHKey)
	if !ok {
		return fmt.Errorf("Open returned a %T for ECDH-ES, which is no ECDHKey", private)
	}
	ours, err := made.Public.(*ecdsa.PublicKey).ECDH()
	if err != nil {
		return err
	}
	for { // until a secret begins with a zero
		remote, err := ecdh.P256().GenerateKey(rand.Reader)
		if err != nil {
			return err
		}
		want, err := remote.ECDH(ours)
		if err != nil {
			return err
		}
		if want[0] != 0 {
			continue
		}
		if got, err := key.ECDH(ctx, remote.PublicKey()); err != nil || string(got) != string(want) {
			return fmt.Errorf("ECDH returned another secret of %d bytes: %w", len(got), err)
		}
		return nil
	}
}

func concurrentSigners(ctx context.Context, s *subject) error {
	for _, alg := range s.signatureAlgorithms() {
		made, err := s.generate(ctx, s.label(string(alg)), string(alg))
		if err != nil {
			return err
		}
		key, err := open(ctx, s.Vault, made.ID, alg)
		if err != nil {
			return err
		}
		errs := make([]error, signers)
		var group sync.WaitGroup
		for i := range errs {
			group.Go(func() {
				token, err := key.Sign(ctx, "JWT", fmt.Appendf(nil, `"%d"`, i))
				if err == nil {
					err = verify(token, alg, made.Public)
				}
				errs[i] = err
			})
		}
		group.Wait()
		for _, err := range errs {
			if err != nil {
				return fmt.Errorf("one of %d that sign with %s at once: %w", signers, alg, err)
			}
		}
	}
	return nil
}

func signingEndsWithItsContext(ctx context.Context, s *subject) error {
	ended, cancel := context.WithCancel(ctx)
	cancel()
	for _, alg := range s.Algorithms {
		made, err := s.generate(ctx, s.label(alg), alg)
		if err != nil {
			return err
		}
		private, err := s.Vault.Open(ctx, made.ID)
		if err != nil {
			return expectError("Open", err, nil)
		}
		switch private := private.(type) {
		case keystore.ContextSigner:
			key, err := keystore.NewKey(jose.SignatureAlgorithm(alg), private)
			if err != nil {
				return err
			}
			_, err = key.Sign(ended, "JWT", []byte(`{}`))
			if err := expectError("SignContext", err, context.Canceled); err != nil {
				return err
			}
		case keystore.ContextDecrypter, keystore.ECDHKey:
			key, err := keystore.NewDecryptionKey(jose.KeyAlgorithm(alg), private)
			if err != nil {
				return err
			}
			jwe, err := encrypt(jose.KeyAlgorithm(alg), made.Public)
			if err != nil {
				return err
			}
			_, err = keystore.Decrypt(ended, jwe, key)
			if err := expectError("DecryptContext or ECDH", err, context.Canceled); err != nil {
				return err
			}
		}
	}
	return nil
}
