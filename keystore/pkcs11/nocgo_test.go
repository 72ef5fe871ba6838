//go:build !cgo

package pkcs11_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/keystore/pkcs11"
)

func TestABuildWithoutCgoSaysSo(t *testing.T) {
	t.Parallel()
	module := filepath.Join(t.TempDir(), "module.so")
	require.NoError(t, os.WriteFile(module, nil, 0o600))
	vault, err := pkcs11.Open(t.Context(), pkcs11.Config{Module: module, TokenLabel: "signet", PIN: pkcs11.PINFile("pin")})
	require.ErrorIs(t, err, pkcs11.ErrNotCompiledIn)
	assert.EqualError(t, err, "PKCS#11 is not compiled in: build with CGO_ENABLED=1")
	assert.Nil(t, vault)
}
