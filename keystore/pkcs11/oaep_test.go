package pkcs11_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"math/big"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/keystore/pkcs11"
)

var oaepKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

// raw raises a block to a power, which is RSA without padding.
func raw(block []byte, exponent, modulus *big.Int) []byte {
	return new(big.Int).Exp(new(big.Int).SetBytes(block), exponent, modulus).FillBytes(make([]byte, (modulus.BitLen()+7)/8))
}

func TestUnpadOAEPAgreesWithTheStandardLibrary(t *testing.T) {
	t.Parallel()
	key, err := oaepKey()
	require.NoError(t, err)
	most := key.Size() - 2*sha256.Size - 2
	for _, size := range []int{0, 1, 16, 32, most - 1, most} {
		for _, label := range []string{"", "label"} {
			message := make([]byte, size)
			rand.Read(message)
			encrypted, err := rsa.EncryptOAEP(sha256.New(), rand.Reader, &key.PublicKey, message, []byte(label))
			require.NoError(t, err)
			block := raw(encrypted, key.D, key.N)
			opened, ok := pkcs11.UnpadOAEP(sha256.New, append([]byte(nil), block...), []byte(label))
			require.True(t, ok)
			assert.Equal(t, string(message), string(opened))
			_, ok = pkcs11.UnpadOAEP(sha256.New, append([]byte(nil), block...), []byte("another label"))
			assert.False(t, ok)
		}
	}
}

// pad encodes a data block as EME-OAEP does, whether the data block is right or not.
func pad(first byte, seed [sha256.Size]byte, data []byte) []byte {
	block := append(append([]byte{first}, seed[:]...), data...)
	mask := func(out, seed []byte) {
		for i := range out {
			sum := sha256.Sum256(append(append([]byte(nil), seed...), 0, 0, 0, byte(i/sha256.Size)))
			out[i] ^= sum[i%sha256.Size]
		}
	}
	mask(block[1+sha256.Size:], seed[:])
	mask(block[1:1+sha256.Size], block[1+sha256.Size:])
	return block
}

// FuzzUnpadOAEP compares with the standard library what is done with data blocks of every kind.
func FuzzUnpadOAEP(f *testing.F) {
	none := sha256.Sum256(nil)
	f.Add(byte(0), []byte{0, 0, 1, 'm'}, true)
	f.Add(byte(1), []byte{0, 0, 1, 'm'}, true)
	f.Add(byte(0), []byte{0, 2, 1, 'm'}, true)
	f.Add(byte(0), []byte{0, 0, 0, 0}, true)
	f.Add(byte(0), []byte{1}, true)
	f.Add(byte(0), []byte{0, 1, 1}, false)
	f.Add(byte(0), []byte{}, true)
	key, err := oaepKey()
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, first byte, end []byte, rightLabel bool) {
		data := make([]byte, key.Size()-1-sha256.Size)
		if rightLabel {
			copy(data, none[:])
		}
		copy(data[max(sha256.Size, len(data)-len(end)):], end)
		var seed [sha256.Size]byte
		rand.Read(seed[:])
		block := pad(first, seed, data)
		if new(big.Int).SetBytes(block).Cmp(key.N) >= 0 {
			return
		}
		want, err := rsa.DecryptOAEP(sha256.New(), nil, key, raw(block, big.NewInt(int64(key.E)), key.N), nil)
		got, ok := pkcs11.UnpadOAEP(sha256.New, block, nil)
		require.Equal(t, err == nil, ok)
		require.Equal(t, string(want), string(got))
	})
}

func TestUnpadOAEPRefusesBlocksThatAreTooShort(t *testing.T) {
	t.Parallel()
	for size := range 2*sha256.Size + 2 {
		_, ok := pkcs11.UnpadOAEP(sha256.New, make([]byte, size), nil)
		require.False(t, ok)
	}
}
