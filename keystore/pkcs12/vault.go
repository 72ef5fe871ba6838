package pkcs12

import (
	"bytes"
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"

	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/store"
)

// Keys implements [keystore.Vault].
func (v *Vault) Keys(ctx context.Context) ([]keystore.VaultKey, error) {
	held, _, err := v.read(ctx)
	if err != nil {
		return nil, err
	}
	keys := make([]keystore.VaultKey, len(held.entries))
	for i, e := range held.entries {
		keys[i] = e.describe()
	}
	return keys, nil
}

// Open implements [keystore.Vault]. What it returns does what the key was made for, to sign or to decrypt. The file
// says that with an attribute; a key from elsewhere that has none does all that it can. None ever prints or encodes its
// private part.
func (v *Vault) Open(ctx context.Context, id string) (crypto.PrivateKey, error) {
	held, _, err := v.read(ctx)
	if err != nil {
		return nil, err
	}
	i := held.find(id)
	if i < 0 {
		return nil, fmt.Errorf("%w: %q", keystore.ErrNoVaultKey, id)
	}
	return held.entries[i].private, nil
}

// Generate implements [keystore.Vault].
func (v *Vault) Generate(ctx context.Context, label, alg string) (keystore.VaultKey, error) {
	if err := keystore.CheckLabel(label); err != nil {
		return keystore.VaultKey{}, err
	}
	if err := ctx.Err(); err != nil {
		return keystore.VaultKey{}, err
	}
	private, err := generate(alg, v.rsaBits)
	if err != nil {
		return keystore.VaultKey{}, err
	}
	return v.add(ctx, label, alg, private, nil)
}

// Import implements [keystore.Importer]. It takes the private keys of the standard library, and refuses one that is in
// the vault already, and a chain that is not one for the key, or not valid now.
func (v *Vault) Import(ctx context.Context, label, alg string, key crypto.PrivateKey, chain []*x509.Certificate) (keystore.VaultKey, error) {
	if err := keystore.CheckLabel(label); err != nil {
		return keystore.VaultKey{}, err
	}
	return v.add(ctx, label, alg, key, chain)
}

func (v *Vault) add(ctx context.Context, label, alg string, private crypto.PrivateKey, chain []*x509.Certificate) (keystore.VaultKey, error) {
	added, err := newEntry(label, alg, private)
	if err != nil {
		return keystore.VaultKey{}, err
	}
	if len(chain) > 0 {
		if err := v.checkChain(added, chain); err != nil {
			return keystore.VaultKey{}, err
		}
		added.chain = slices.Clone(chain)
	}
	err = v.change(ctx, func(c *contents) error {
		if i := c.find(added.id); i >= 0 {
			return fmt.Errorf("pkcs12: the key is in the vault already, as %q", c.entries[i].label())
		}
		c.entries = append(c.entries, added)
		return nil
	})
	if err != nil {
		return keystore.VaultKey{}, err
	}
	return added.describe(), nil
}

// SetCertificates implements [keystore.Vault]. It refuses a chain that is not one for the key, or not valid now.
func (v *Vault) SetCertificates(ctx context.Context, id string, chain []*x509.Certificate) error {
	return v.change(ctx, func(c *contents) error {
		i := c.find(id)
		if i < 0 {
			return fmt.Errorf("%w: %q", keystore.ErrNoVaultKey, id)
		}
		if err := v.checkChain(c.entries[i], chain); err != nil {
			return err
		}
		changed := *c.entries[i]
		changed.chain = slices.Clone(chain)
		c.entries[i] = &changed
		return nil
	})
}

func (v *Vault) checkChain(e *entry, chain []*x509.Certificate) error {
	if err := keystore.CheckCertificates(e.public, chain); err != nil {
		return err
	}
	return keystore.CheckCertificateTime(chain, v.now())
}

// Delete implements [keystore.Vault]. The file is written without the key. What the disk, backups, or the history of a
// ledger have of the file before is beyond its reach, and remains under the password.
func (v *Vault) Delete(ctx context.Context, id string) error {
	return v.change(ctx, func(c *contents) error {
		i := c.find(id)
		if i < 0 {
			return errUnchanged
		}
		c.entries = slices.Delete(c.entries, i, i+1)
		return nil
	})
}

// errUnchanged is returned by a change that finds nothing to do.
var errUnchanged = errors.New("pkcs12: nothing to change")

// change makes a change to what the file contains now, and again if another process was faster, until it is saved or
// the context ends: of those that are faster, each gets its own change done.
func (v *Vault) change(ctx context.Context, edit func(*contents) error) error {
	select {
	case v.writing <- struct{}{}:
		defer func() { <-v.writing }()
	case <-ctx.Done():
		return ctx.Err()
	}
	for {
		held, version, err := v.read(ctx)
		if err != nil {
			return err
		}
		next := held.clone()
		if err := edit(next); errors.Is(err, errUnchanged) {
			return nil
		} else if err != nil {
			return err
		}
		blob, next, err := v.encode(next)
		if err != nil {
			return err
		}
		err = v.storage.Save(ctx, blob, version)
		if errors.Is(err, store.ErrConflict) {
			continue
		}
		if err != nil {
			return fmt.Errorf("pkcs12: save the file: %w", err)
		}
		v.mu.Lock()
		v.held, v.blob = next, blob
		v.mu.Unlock()
		return nil
	}
}

// read is load of a file that must be there.
func (v *Vault) read(ctx context.Context) (*contents, int64, error) {
	held, version, err := v.load(ctx)
	if err == nil && version == 0 {
		err = errors.New("pkcs12: the file is gone")
	}
	return held, version, err
}

// load returns what the file contains, and its version, which is 0 when there is none.
func (v *Vault) load(ctx context.Context) (*contents, int64, error) {
	if err := ctx.Err(); err != nil {
		return nil, 0, err
	}
	blob, version, err := v.storage.Load(ctx)
	if err != nil {
		return nil, 0, fmt.Errorf("pkcs12: load the file: %w", err)
	}
	if version == 0 {
		return nil, 0, nil
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.held == nil || !bytes.Equal(blob, v.blob) {
		held, err := v.codec.decode(blob)
		if err != nil {
			return nil, 0, err
		}
		v.held, v.blob = held, bytes.Clone(blob)
	}
	return v.held, version, nil
}

// encode returns the file for the contents, and what is read from it: nothing is saved that cannot be read again.
func (v *Vault) encode(c *contents) ([]byte, *contents, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	blob, err := v.codec.encode(c)
	if err != nil {
		return nil, nil, err
	}
	read, err := v.codec.decode(blob)
	if err != nil {
		return nil, nil, fmt.Errorf("pkcs12: what would be written cannot be read: %w", err)
	}
	return blob, read, nil
}
