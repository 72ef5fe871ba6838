package conformance_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/gosignet/signet/conformance"
	"github.com/gosignet/signet/conformance/internal/model"
)

func TestAGoodProviderPassesAllChecks(t *testing.T) {
	t.Parallel()
	for _, group := range []string{
		"oidc-config", "oidc", "oidc-logout", "fapi2-security", "fapi2-security-oauth", "fapi2-message-signing", "fapi2-message-signing-jarm",
	} {
		t.Run(group, func(t *testing.T) {
			t.Parallel()
			_, target := provider(model.Config{}, group)
			report := check(t, target)
			report.Test(t)
			assert.True(t, report.Passed())
			assert.Zero(t, report.Count(conformance.Warned), "warnings")
		})
	}
}
