package dpop_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/dpop"
)

func TestThumbprintIsThatOfRFC7638(t *testing.T) {
	t.Parallel()
	for _, curve := range []elliptic.Curve{elliptic.P256(), elliptic.P384()} {
		for range 300 { // also keys whose coordinates begin with a zero
			private, err := ecdsa.GenerateKey(curve, rand.Reader)
			require.NoError(t, err)
			key := jose.JSONWebKey{Key: &private.PublicKey}
			want, err := key.Thumbprint(crypto.SHA256)
			require.NoError(t, err)
			got, err := dpop.Thumbprint(key)
			require.NoError(t, err)
			assert.Equal(t, base64.RawURLEncoding.EncodeToString(want), got)
		}
	}
}
