//go:build !cgo

package pkcs11

import (
	"context"
	"errors"
)

// Open returns an error that wraps [ErrNotCompiledIn], beside what is wrong with the configuration: this build has no cgo.
func Open(_ context.Context, config Config) (Vault, error) {
	_, err := config.complete()
	return nil, errors.Join(ErrNotCompiledIn, err)
}
