package keystoretest

import (
	"context"
	"errors"
	"slices"

	"github.com/gosignet/signet/keystore"
)

// CheckVault checks the rule with the name alone.
func CheckVault(ctx context.Context, name string, b Backend) error {
	i := slices.IndexFunc(vaultRules, func(r rule[*subject]) bool { return r.name == name })
	if i < 0 {
		return nil
	}
	return checkVault(ctx, vaultRules[i], b)
}

// CheckKeystore is the same for a keystore.
func CheckKeystore(ctx context.Context, name string, keys keystore.Keystore) error {
	i := slices.IndexFunc(keystoreRules, func(r rule[keystore.Keystore]) bool { return r.name == name })
	if i < 0 {
		return nil
	}
	return keystoreRules[i].check(ctx, keys)
}

// CheckAllOfVault checks all rules.
func CheckAllOfVault(ctx context.Context, b Backend) (err error) {
	for _, r := range vaultRules {
		err = errors.Join(err, checkVault(ctx, r, b))
	}
	return err
}
