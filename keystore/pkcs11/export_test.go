//go:build cgo

package pkcs11

import "context"

// Cryptoki is what the package calls of a library.
type Cryptoki = cryptoki

// OpenWith is Open with something between the Vault and the library.
func OpenWith(ctx context.Context, config Config, wrap func(Cryptoki) Cryptoki) (Vault, error) {
	return openWith(ctx, config, wrap)
}
