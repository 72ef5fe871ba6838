package conformance_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/gosignet/signet/conformance"
	"github.com/gosignet/signet/conformance/internal/model"
)

func TestAGoodProviderPassesAllChecks(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		config model.Config
		groups []string
		skips  int
	}{
		// What a provider does not have is skipped: refresh tokens, nonces, unsigned request objects; and rotation.
		"plain OpenID":            {model.Config{}, []string{"oidc-config", "oidc", "oidc-logout"}, 6},
		"Identity Assurance":      {model.Config{}, []string{"identity-assurance"}, 0},
		"plain FAPI":              {model.Config{}, []string{"fapi2-security", "fapi2-security-oauth", "fapi2-message-signing", "fapi2-message-signing-jarm"}, 4 * (3 + 5)},
		"with DPoP nonces":        {model.Config{Nonces: true}, []string{"fapi2-security", "fapi2-message-signing-jarm"}, 2 * 5},
		"with refresh tokens":     {model.Config{RefreshTokens: true}, []string{"oidc", "fapi2-security"}, 3 + 3},
		"with rotating refreshes": {model.Config{RefreshTokens: true, RotateRefreshTokens: true}, []string{"oidc", "fapi2-security"}, 3 + 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, target := provider(c.config, c.groups...)
			report := check(t, target)
			report.Test(t)
			assert.True(t, report.Passed())
			assert.Equal(t, c.skips, report.Count(conformance.Skipped), "skipped checks")
			for _, r := range report.Results {
				assert.Empty(t, r.Warnings, r.ID)
			}
		})
	}
}

func TestStrictMakesWarningsFailures(t *testing.T) {
	t.Parallel()
	_, target := provider(model.Config{Broken: model.CodeReplayRevokes}, "fapi2-security")
	target.Only = func(_, id string) bool { return id == sp+"attempt-reuse-authorization-code-after-one-second" }
	assert.Equal(t, 1, check(t, target).Count(conformance.Warned))
	target.Strict = true
	report := check(t, target)
	assert.False(t, report.Passed())
	assert.Zero(t, report.Count(conformance.Warned))
}

func TestAProviderThatDoesNotAnswerPassesNothing(t *testing.T) {
	t.Parallel()
	_, target := provider(model.Config{}, "oidc-config", "oidc", "fapi2-security")
	target.Transport = unreachable{}
	report := check(t, target)
	assert.Zero(t, report.Count(conformance.Passed))
	assert.False(t, report.Passed())
}

func TestACancelledContextEndsTheChecks(t *testing.T) {
	t.Parallel()
	_, target := provider(model.Config{}, "fapi2-security")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	report, err := target.Check(ctx)
	assert.NoError(t, err)
	assert.False(t, report.Passed())
}

func TestRunReportsChecksAsSubtests(t *testing.T) {
	t.Parallel()
	_, target := provider(model.Config{}, "oidc-config", "fapi2-security")
	target.Only = func(_, id string) bool { return id == "discovery-issuer" || id == sp+"happy-flow" }
	conformance.Run(t, target)
}

func TestVerifiedClaimsAreNotAskedOfWhoDoesNotAnnounceThem(t *testing.T) {
	t.Parallel()
	_, target := provider(model.Config{Tamper: model.Tamper{Metadata: func(m map[string]any) {
		delete(m, "verified_claims_supported")
		delete(m, "trust_frameworks_supported")
	}}}, "identity-assurance")
	report := check(t, target)
	assert.True(t, report.Passed())
	assert.Equal(t, len(report.Results), report.Count(conformance.Skipped))
	for _, r := range report.Results {
		assert.Contains(t, r.Skipped, "verified_claims_supported", r.ID)
	}
}
