package pkcs12_test

import (
	"testing"

	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/keystore/keystoretest"
	"github.com/gosignet/signet/keystore/pkcs12"
)

func TestAVaultInAFileKeepsTheContract(t *testing.T) {
	t.Parallel()
	keystoretest.Run(t, func(tb testing.TB) keystoretest.Backend {
		path := newFile(tb)
		return keystoretest.Backend{
			Vault:  open(tb, pkcs12.File(path)),
			Reopen: func() keystore.Vault { return open(tb, pkcs12.File(path)) },
		}
	})
}

func TestAVaultInALedgerKeepsTheContract(t *testing.T) {
	t.Parallel()
	keystoretest.Run(t, func(tb testing.TB) keystoretest.Backend {
		storage := ledgerStorage(tb)
		return keystoretest.Backend{
			Vault:      open(tb, storage()),
			Reopen:     func() keystore.Vault { return open(tb, storage()) },
			Algorithms: []string{"ES256", "EdDSA", "ECDH-ES"}, // the file is the same: RSA keys would only take their time again
		}
	})
}
