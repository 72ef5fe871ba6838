package conformance_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/gosignet/signet/conformance"
	"github.com/gosignet/signet/conformance/internal/model"
)

func TestAGoodProviderPassesAllChecks(t *testing.T) {
	t.Parallel()
	everything := []string{
		"oidc-config", "oidc", "oidc-logout", "fapi2-security", "fapi2-security-oauth", "fapi2-message-signing", "fapi2-message-signing-jarm",
	}
	for name, c := range map[string]struct {
		config model.Config
		groups []string
	}{
		"plain":                   {model.Config{}, everything},
		"with DPoP nonces":        {model.Config{Nonces: true}, []string{"fapi2-security", "fapi2-message-signing-jarm"}},
		"with refresh tokens":     {model.Config{RefreshTokens: true}, []string{"oidc", "fapi2-security"}},
		"with rotating refreshes": {model.Config{RefreshTokens: true, RotateRefreshTokens: true}, []string{"oidc", "fapi2-security"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, target := provider(c.config, c.groups...)
			report := check(t, target)
			report.Test(t)
			assert.True(t, report.Passed())
			for _, r := range report.Results {
				assert.Empty(t, r.Warnings, r.ID)
				if c.config.Nonces || c.config.RotateRefreshTokens {
					continue
				}
				t.Logf("%s/%s: %s", r.Group, r.ID, r.Skipped)
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

func TestAProviderThatDoesNotAnswerFailsAllChecks(t *testing.T) {
	t.Parallel()
	_, target := provider(model.Config{}, "oidc-config", "oidc")
	target.Issuer = "https://elsewhere.example"
	target.Transport = unreachable{}
	report := check(t, target)
	assert.Equal(t, len(report.Results), report.Count(conformance.Failed)+report.Count(conformance.Skipped))
	assert.False(t, report.Passed())
}
