package store

import (
	"crypto/hkdf"
	"crypto/sha256"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What earlier versions stored stays within reach, and so does what an instance in FIPS mode stored.
func TestExpandIsHKDFExpand(t *testing.T) {
	t.Parallel()
	for _, info := range []string{"", "signet/bucket/login", strings.Repeat("x", maxName+len("signet/bucket/")), strings.Repeat("y", 500)} {
		secret := sha256.Sum256([]byte(info))
		want, err := hkdf.Expand(sha256.New, secret[:], info, 2*sha256.Size)
		require.NoError(t, err)
		got, err := expand(secret, info)
		require.NoError(t, err)
		assert.Equal(t, want, got[:])
	}
}
