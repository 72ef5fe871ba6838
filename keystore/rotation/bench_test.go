package rotation_test

import (
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/keystore"
)

// BenchmarkSigner sets beside each other what it takes to find the key that signs, in a keystore whose keys never change
// and in one whose keys rotate. Together with BenchmarkOverhead of package keystore it is what a managed key adds to its
// signature.
func BenchmarkSigner(b *testing.B) {
	memory, err := keystore.Generate(jose.ES256)
	require.NoError(b, err)
	managed := newWorld().started(b)
	_, err = managed.Rotate(b.Context(), keystore.TokenSigning, "ES256", false)
	require.NoError(b, err)
	for name, keys := range map[string]keystore.Keystore{"memory": memory, "rotation": managed} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := keys.Signer(b.Context(), keystore.TokenSigning, jose.ES256); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"/sign", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				key, err := keys.Signer(b.Context(), keystore.TokenSigning, jose.ES256)
				require.NoError(b, err)
				_, err = key.Sign(b.Context(), "JWT", []byte(`{"iss":"https://id.example"}`))
				require.NoError(b, err)
			}
		})
	}
}

func TestFindingTheSignerAllocatesNothing(t *testing.T) {
	k := newWorld().started(t)
	_, err := k.Rotate(t.Context(), keystore.TokenSigning, "ES256", false)
	require.NoError(t, err)
	ctx := t.Context()
	require.Zero(t, testing.AllocsPerRun(100, func() {
		_, _ = k.Signer(ctx, keystore.TokenSigning, jose.ES256)
	}))
}
