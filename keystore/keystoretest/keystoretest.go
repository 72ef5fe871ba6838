// Package keystoretest checks that a vault keeps the contract of [keystore.Vault], and a keystore that of
// [keystore.Keystore].
//
// Whoever connects a key management service, or an HSM that is not spoken to through PKCS #11, implements Vault, calls
// [Run] in a test, and knows that package rotation can work with it. Whoever implements Keystore directly calls
// [RunKeystore].
package keystoretest

import (
	"context"
	"crypto"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/gosignet/signet/keystore"
)

// Backend is a vault under test.
type Backend struct {
	// Vault is the vault. It may hold other keys, which are left alone.
	Vault keystore.Vault
	// Algorithms are those of [keystore.Algorithms] that the vault must make keys for; it may refuse the others. Nil means
	// all.
	Algorithms []string
	// Reopen opens the same vault once more, as a process does that was started again. Nil means that it does not outlive
	// the process.
	Reopen func() keystore.Vault
}

// Run checks the vault that open returns against every rule of [keystore.Vault], each rule in a subtest named for it. A
// failure tells the rule, why it exists and what was seen.
//
// Rules run in parallel. Run calls open once for each of them, with the subtest's T for clean-up; it may return the same
// vault every time. Keys that a rule made are deleted when it is done.
func Run(t *testing.T, open func(t testing.TB) Backend) {
	for _, r := range vaultRules {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			if err := checkVault(t.Context(), r, open(t)); err != nil {
				t.Errorf("\nrule: %s\nwhy:  %s\nseen: %v", r.rule, r.why, err)
			}
		})
	}
}

// RunKeystore checks the keystore that open returns against every rule of [keystore.Keystore], and of
// [keystore.Decrypter] if it is one, as [Run] does for a vault.
func RunKeystore(t *testing.T, open func(t testing.TB) keystore.Keystore) {
	for _, r := range keystoreRules {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			if err := r.check(t.Context(), open(t)); err != nil {
				t.Errorf("\nrule: %s\nwhy:  %s\nseen: %v", r.rule, r.why, err)
			}
		})
	}
}

// rule is one sentence of a contract, and how to see whether S keeps it.
type rule[S any] struct {
	name, rule, why string
	check           func(ctx context.Context, subject S) error
}

// vaultRules are all rules for vaults.
var vaultRules = slices.Concat(keyRules, useRules, certificateRules, secretRules)

// checkVault checks the rule and removes what that took.
func checkVault(ctx context.Context, r rule[*subject], b Backend) error {
	if b.Algorithms == nil {
		b.Algorithms = keystore.Algorithms()
	}
	s := &subject{Backend: b, prefix: "keystoretest/" + rand.Text() + "/"}
	err := r.check(ctx, s)
	for _, id := range s.made {
		if deleteErr := s.Vault.Delete(ctx, id); deleteErr != nil && err == nil {
			err = fmt.Errorf("Delete returned the error %q", deleteErr)
		}
	}
	return err
}

// subject is a vault with labels that nobody else uses.
type subject struct {
	Backend
	prefix string
	made   []string // identifiers of keys
}

// label returns this subject's own label for name.
func (s *subject) label(name string) string { return s.prefix + name }

// generate makes a key that is deleted in the end.
func (s *subject) generate(ctx context.Context, label, alg string) (keystore.VaultKey, error) {
	key, err := s.Vault.Generate(ctx, label, alg)
	if err != nil {
		return key, fmt.Errorf("Generate for %s returned the error %q", alg, err)
	}
	s.made = append(s.made, key.ID)
	return key, nil
}

// one makes a key for the first algorithm that the vault has to support.
func (s *subject) one(ctx context.Context, name string) (keystore.VaultKey, string, error) {
	if len(s.Algorithms) == 0 {
		return keystore.VaultKey{}, "", errors.New("the Backend names no algorithm")
	}
	key, err := s.generate(ctx, s.label(name), s.Algorithms[0])
	return key, s.Algorithms[0], err
}

// signatureAlgorithms returns those of the subject's algorithms that sign.
func (s *subject) signatureAlgorithms() []jose.SignatureAlgorithm {
	var algs []jose.SignatureAlgorithm
	for _, alg := range s.Algorithms {
		if !slices.Contains(keystore.DecryptionAlgorithms(), jose.KeyAlgorithm(alg)) {
			algs = append(algs, jose.SignatureAlgorithm(alg))
		}
	}
	return algs
}

// must reports whether the subject has to support the algorithm.
func (s *subject) must(alg jose.KeyAlgorithm) bool { return slices.Contains(s.Algorithms, string(alg)) }

// listed returns the key as Keys returns it, or nil if it does not.
func listed(ctx context.Context, vault keystore.Vault, id string) (*keystore.VaultKey, error) {
	keys, err := vault.Keys(ctx)
	if err != nil {
		return nil, fmt.Errorf("Keys returned the error %q", err)
	}
	var found *keystore.VaultKey
	for i, key := range keys {
		switch {
		case key.ID != id:
		case found != nil:
			return nil, fmt.Errorf("Keys returned the key %q twice", id)
		default:
			found = &keys[i]
		}
	}
	return found, nil
}

// open returns a signing key on the private key in the vault.
func open(ctx context.Context, vault keystore.Vault, id string, alg jose.SignatureAlgorithm) (*keystore.Key, error) {
	private, err := vault.Open(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("Open returned the error %q", err)
	}
	signer, ok := private.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("Open returned a %T for %s, which is no crypto.Signer", private, alg)
	}
	return keystore.NewKey(alg, signer)
}

// openDecryption returns a decryption key on the private key in the vault.
func openDecryption(ctx context.Context, vault keystore.Vault, id string, alg jose.KeyAlgorithm) (*keystore.DecryptionKey, error) {
	private, err := vault.Open(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("Open returned the error %q", err)
	}
	return keystore.NewDecryptionKey(alg, private)
}

func samePublic(a, b crypto.PublicKey) bool {
	comparable, ok := a.(interface{ Equal(crypto.PublicKey) bool })
	return ok && comparable.Equal(b)
}

// expectError describes the difference when err is not want.
func expectError(what string, err, want error) error {
	switch {
	case errors.Is(err, want): // also when both are nil
		return nil
	case err == nil:
		return fmt.Errorf("%s returned no error, want %q", what, want)
	case want == nil:
		return fmt.Errorf("%s returned the error %q", what, err)
	}
	return fmt.Errorf("%s returned the error %q, want %q", what, err, want)
}
