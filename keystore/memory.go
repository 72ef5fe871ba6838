package keystore

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"slices"

	"github.com/go-jose/go-jose/v4"
)

// Memory is a [Keystore] of keys that never change. Its zero value has no keys; use [NewMemory] or [Generate].
type Memory struct {
	signers map[jose.SignatureAlgorithm]*Key
	public  []jose.JSONWebKey
}

var _ Keystore = (*Memory)(nil)

// NewMemory returns a keystore of the keys. All are published, in the order given; for each algorithm the first key
// signs. It refuses an empty list and a key that is there twice, be it for two algorithms (see the package comment).
func NewMemory(keys ...*Key) (*Memory, error) {
	if len(keys) == 0 {
		return nil, errors.New("keystore: no keys")
	}
	m := &Memory{signers: make(map[jose.SignatureAlgorithm]*Key)}
	seen := make(map[string]bool)
	var errs []error
	for i, key := range keys {
		switch {
		case key == nil || key.sign == nil:
			errs = append(errs, fmt.Errorf("keystore: key %d was not made by NewKey", i))
			continue
		case seen[key.ID()]:
			errs = append(errs, fmt.Errorf("keystore: key %d (%v) is there twice; a key serves one algorithm", i, key))
			continue
		}
		seen[key.ID()] = true
		m.public = append(m.public, key.Public())
		if m.signers[key.alg] == nil {
			m.signers[key.alg] = key
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return m, nil
}

// Generate returns a keystore with one fresh key for each entry of the list: RSA keys have 2048 bits. The keys are gone
// with the process, and every instance has others, so Generate is for tests, demonstrations and single instances.
func Generate(algs ...jose.SignatureAlgorithm) (*Memory, error) {
	keys := make([]*Key, 0, len(algs))
	var errs []error
	for _, alg := range algs {
		signer, err := generate(alg)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		key, err := NewKey(alg, signer)
		errs = append(errs, err)
		keys = append(keys, key)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return NewMemory(keys...)
}

func generate(alg jose.SignatureAlgorithm) (crypto.Signer, error) {
	private, err := generatePrivate(string(alg))
	if err != nil {
		return nil, fmt.Errorf("keystore: no keys are made for the algorithm %q", alg)
	}
	signer, ok := private.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("keystore: %q is no algorithm of signatures", alg)
	}
	return signer, nil
}

// Signer returns the first key for the algorithm, whatever the role, or an error that wraps [ErrNoKey].
func (m *Memory) Signer(_ context.Context, _ Role, alg jose.SignatureAlgorithm) (*Key, error) {
	key := m.signers[alg]
	if key == nil {
		return nil, fmt.Errorf("%w: %s", ErrNoKey, alg)
	}
	return key, nil
}

// Keys returns the public halves of all keys.
func (m *Memory) Keys(context.Context) ([]jose.JSONWebKey, error) {
	return slices.Clone(m.public), nil
}
