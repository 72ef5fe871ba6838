package wallet_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/wallet"
)

func TestEverythingThatIsWrongWithAConfigurationIsSaid(t *testing.T) {
	t.Parallel()
	says := func(err error, problems ...string) {
		for _, problem := range problems {
			require.ErrorContains(t, err, problem)
		}
	}
	_, err := wallet.NewRegistry(wallet.RegistryConfig{Secret: []byte("short")})
	says(err, "Ledger is missing", "Secret needs")
	_, err = wallet.NewBinder(wallet.BinderConfig{Lifetime: time.Second, Timeout: -1})
	says(err, "Registry is missing", "Store is missing", "Verifier is missing", "Attempts is missing", "Keys is missing",
		"Lifetime must", "Timeout is negative", "Accept is missing")
	_, err = wallet.NewBinder(wallet.BinderConfig{
		Verifier: &people{}, Accept: []authenticator.FactorSet{{}, {authenticator.Wallet}, {authenticator.PIN}},
	})
	says(err, "Accept[0]", "prolong itself", `does not verify "pin"`)
	_, err = wallet.NewLinker(wallet.LinkerConfig{CodeLifetime: time.Millisecond, TransactionLifetime: 2 * time.Hour, MaxCodes: -1, Poll: 1})
	says(err, "Flow is missing", "Bindings is missing", "Store is missing", "CodeLifetime must", "TransactionLifetime must",
		"MaxCodes", "Poll")
}
