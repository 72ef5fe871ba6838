package keystore

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// MaxLabel is the length of the longest label of a key in a [Vault], in bytes.
const MaxLabel = 128

// CheckLabel says why a key in a vault cannot be called so: a label is 1 to [MaxLabel] bytes of printable ASCII.
func CheckLabel(label string) error {
	if label == "" || len(label) > MaxLabel || strings.ContainsFunc(label, func(r rune) bool { return r < ' ' || r > '~' }) {
		return fmt.Errorf("keystore: a label is 1 to %d bytes of printable ASCII, not %q", MaxLabel, label)
	}
	return nil
}

// MemoryVault is a [Vault] whose keys are gone with the process. It is for tests, demonstrations and single instances
// that may have other keys after a restart. It is made by [NewMemoryVault].
type MemoryVault struct {
	mu   sync.Mutex
	keys map[string]heldKey
}

type heldKey struct {
	VaultKey
	private crypto.PrivateKey // as Opaque returned it
}

var (
	_ Vault    = (*MemoryVault)(nil)
	_ Importer = (*MemoryVault)(nil)
)

// NewMemoryVault returns an empty vault.
func NewMemoryVault() *MemoryVault { return &MemoryVault{keys: map[string]heldKey{}} }

// Keys implements [Vault].
func (v *MemoryVault) Keys(ctx context.Context) ([]VaultKey, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	all := make([]VaultKey, 0, len(v.keys))
	for _, key := range v.keys {
		all = append(all, key.copy())
	}
	return all, nil
}

// Generate implements [Vault]. RSA keys have 2048 bits.
func (v *MemoryVault) Generate(ctx context.Context, label, alg string) (VaultKey, error) {
	private, err := generatePrivate(alg)
	if err != nil {
		return VaultKey{}, err
	}
	return v.Import(ctx, label, alg, private, nil)
}

// Import implements [Importer].
func (v *MemoryVault) Import(ctx context.Context, label, alg string, key crypto.PrivateKey, chain []*x509.Certificate) (VaultKey, error) {
	if err := errors.Join(ctx.Err(), CheckLabel(label)); err != nil {
		return VaultKey{}, err
	}
	if !slices.Contains(Algorithms(), alg) {
		return VaultKey{}, fmt.Errorf("%w: %q", ErrUnsupported, alg)
	}
	private, err := Opaque(alg, key)
	if err != nil {
		return VaultKey{}, err
	}
	public := private.(interface{ Public() crypto.PublicKey }).Public()
	if len(chain) > 0 {
		if err := CheckCertificates(public, chain); err != nil {
			return VaultKey{}, err
		}
	}
	held := heldKey{VaultKey{ID: rand.Text(), Label: label, Public: public, Certificates: slices.Clone(chain)}, private}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.keys[held.ID] = held
	return held.copy(), nil
}

// Open implements [Vault].
func (v *MemoryVault) Open(ctx context.Context, id string) (crypto.PrivateKey, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	key, ok := v.keys[id]
	if !ok {
		return nil, ErrNoVaultKey
	}
	return key.private, nil
}

// SetCertificates implements [Vault].
func (v *MemoryVault) SetCertificates(ctx context.Context, id string, chain []*x509.Certificate) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	key, ok := v.keys[id]
	if !ok {
		return ErrNoVaultKey
	}
	if err := CheckCertificates(key.Public, chain); err != nil {
		return err
	}
	key.Certificates = slices.Clone(chain)
	v.keys[id] = key
	return nil
}

// Delete implements [Vault].
func (v *MemoryVault) Delete(ctx context.Context, id string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.keys, id)
	return nil
}

// Format prints nothing of the keys, whatever the verb.
func (v *MemoryVault) Format(f fmt.State, _ rune) { fmt.Fprint(f, "vault in memory") }

func (h heldKey) copy() VaultKey {
	h.Certificates = slices.Clone(h.Certificates)
	return h.VaultKey
}
