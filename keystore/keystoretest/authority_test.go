package keystoretest_test

import (
	"crypto/x509"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/keystore/keystoretest"
)

func TestABindingCAIsBesideTheOtherKeys(t *testing.T) {
	t.Parallel()
	keys, err := keystore.Generate(jose.ES256)
	require.NoError(t, err)
	own, err := keys.Signer(t.Context(), keystore.TokenSigning, jose.ES256)
	require.NoError(t, err)
	both := keystoretest.WithBindingCA(t, keys, time.Now())

	same, err := both.Signer(t.Context(), keystore.TokenSigning, jose.ES256)
	require.NoError(t, err)
	assert.Equal(t, own.ID(), same.ID())
	ca, err := both.Signer(t.Context(), keystore.BindingCA, jose.ES256)
	require.NoError(t, err)
	chain := ca.Certificates()
	require.Len(t, chain, 1)
	assert.True(t, chain[0].IsCA)
	assert.NotZero(t, chain[0].KeyUsage&x509.KeyUsageCertSign)
}
