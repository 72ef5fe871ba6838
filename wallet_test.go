package signet_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet"
	"github.com/gosignet/signet/store/memory"
)

func TestACodeForWalletsIsNotReplacedInTheFirstHalfOfItsLife(t *testing.T) {
	t.Parallel()
	var config signet.Config
	newSessionWorld(t, func(c *signet.Config) { config = *c })
	ledger, err := memory.New(memory.Config{})
	require.NoError(t, err)
	t.Cleanup(func() { ledger.Close() })
	for _, c := range []struct {
		lifetime, buffer time.Duration
		problem          string
	}{
		{0, 0, ""}, {0, 30 * time.Second, ""}, {0, -1, ""}, {10 * time.Second, 0, ""},
		{0, 31 * time.Second, "Config.Wallet.QRBuffer is 31s, and must be at most half of CodeLifetime, 30s"},
		{10 * time.Second, 6 * time.Second, "Config.Wallet.QRBuffer is 6s, and must be at most half of CodeLifetime, 5s"},
	} {
		config.Wallet = &signet.Wallet{Ledger: ledger, CodeLifetime: c.lifetime, QRBuffer: c.buffer}
		_, err := signet.New(config)
		if c.problem == "" {
			assert.NoError(t, err)
		} else {
			assert.ErrorContains(t, err, c.problem)
		}
	}
}
