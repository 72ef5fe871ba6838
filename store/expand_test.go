package store

import (
	"crypto/hkdf"
	"crypto/sha256"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestExpandIsHKDF(t *testing.T) {
	t.Parallel()
	for i := range maxName + 20 { // also longer than any name of a bucket
		secret := sha256.Sum256([]byte{byte(i)})
		info := "signet/bucket/" + strings.Repeat("x", i)
		want, err := hkdf.Expand(sha256.New, secret[:], info, 2*sha256.Size)
		require.NoError(t, err)
		first, second := expand(&secret, info)
		assert.Equal(t, want, append(first[:], second[:]...), info)
	}
}
