package login_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/login"
)

func TestNewReportsEveryMistakeAtOnce(t *testing.T) {
	t.Parallel()
	_, err := login.New(login.Config{
		Secret: []byte("short"), Lifetime: -time.Second, MaxAttempts: -1, MaxCodes: -1,
		IdentifierLimit: login.Limit{Attempts: 1 << 16, Window: -1},
	})
	for _, field := range []string{
		"Authorizer", "OpenID", "Clients", "Authenticator", "Store", "Secret", "Lifetime", "MaxAttempts", "MaxCodes",
		"IdentifierLimit.Attempts", "IdentifierLimit.Window",
	} {
		require.ErrorContains(t, err, "Config."+field)
	}
}

func TestNewReportsWhatTheAuthenticatorCannotDo(t *testing.T) {
	t.Parallel()
	_, err := login.New(login.Config{
		Authenticator: struct{ authenticator.Authenticator }{&people{}},
		ACRs:          authenticator.ACRs{{Value: "urn:example:face", Alternatives: []authenticator.FactorSet{{"face"}}}},
	})
	require.ErrorContains(t, err, "CodeSender")
	require.ErrorContains(t, err, "face")
}

func TestNewTakesNoConfigurationWithoutACRs(t *testing.T) {
	t.Parallel()
	_, err := login.New(login.Config{Authenticator: &people{}, Secret: []byte(strings.Repeat("s", 32))})
	require.ErrorContains(t, err, "Config.ACRs")
}
