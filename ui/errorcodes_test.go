package ui_test

import (
	"html"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/ui"
)

// Where a page says what is wrong.
var (
	saidInBanner = regexp.MustCompile(`(?s)id="error-banner-message">(.*?)</(?:p|ul)>`)
	saidInLead   = regexp.MustCompile(`(?s)<p class="lead"[^>]*>(.*?)</p>`)
	saidAtOnce   = regexp.MustCompile(`(?s)<h1>[^<]*</h1>\s*<p>(.*?)</p>`)
	saidOffline  = regexp.MustCompile(`id="wallet-status"[^>]* data-offline="([^"]*)"`)
	saidNoLine   = regexp.MustCompile(`id="offline"[^>]* data-offline="([^"]*)"`)
)

// errorCodes are the codes for which eSignet's pages have texts, or should have, and the state in which these pages say the
// same. What is not for people is told to the client, or is on the page of what no client can hear.
var errorCodes = []struct {
	codes, state string
	said         *regexp.Regexp
}{
	// All that ends or cannot be gone on with.
	{"invalid_transaction invalid_transaction_id", "error-expired", saidInBanner},
	{"no_attempts_left", "done-denied", saidAtOnce},
	{"400 411 413 payload_too_large", "error-bad-form", saidInBanner},
	{"401 403", "error-foreign-form", saidInBanner},
	{"404 invalid_path_fragment", "error-not-found", saidInBanner},
	{"405", "error-method", saidInBanner},
	{"500 502 503 504 unknown_error", "error-unavailable", saidInBanner},
	{"network_error", "choose", saidNoLine},

	// What is wrong with a request, when the client cannot be told.
	{"invalid_client invalid_client_id invalid_redirect_uri invalid_request parsing_error_msg use_pkce invalid_dpop_proof " +
		"use_dpop_nonce invalid_request_uri login_required invalid_verified_claims", "error-request", saidInBanner},
	{"authorization_failed access_denied", "error-denied", saidInBanner},
	{"invalid_id_token_hint", "logout-unknown", saidInLead},
	{"invalid_grant", "sharing-error-login", saidInBanner},

	// Factors.
	{"otp.auth_failed invalid_otp_challenge IDA-OTA-004", "problem-wrong-otp", saidInBanner},
	{"IDA-OTA-003 expired_otp", "problem-code-expired", saidInBanner},
	{"password.auth_failed invalid_password", "problem-wrong-pwd", saidInBanner},
	{"pin.auth_failed invalid_pin", "problem-wrong-pin", saidInBanner},
	{"biometrics.auth_failed IDA-BIA-001", "problem-wrong-bio", saidInBanner},
	{"kbi.auth_failed", "kbi-errors", saidInBanner},
	{"IDA-MLC-009 IDA-MLC-018 invalid_identifier invalid_individual_id", "problem-wrong-identifier", saidInBanner},
	{"individual_id_blocked IDA-MLC-019", "problem-locked-until", saidInBanner},
	{"too_early_attempt IDA-OTA-001", "problem-too-soon", saidInBanner},
	{"too_early_attempt of an answer", "problem-wait", saidInBanner},
	{"send_otp_failed_msg no_codes_left", "problem-no-codes-left", saidInBanner},
	{"authentication_failed_msg auth_failed kbi_spec_not_found kbi_schema_parse_error IDA-MLC-007", "problem-unavailable", saidInBanner},
	{"IDA-MLC-011 invalid_auth_factor_type", "problem-unsupported", saidInBanner},
	{"invalid_captcha", "problem-captcha", saidInBanner},

	// Wallets.
	{"link_code_refresh_failed link_code_limit_reached invalid_wla_token", "wla-codes", saidInLead},
	{"link_code_status_failed", "wla", saidOffline},

	// Claims and consent.
	{"invalid_verification verification_incomplete", "verification-failed", saidInBanner},
	{"invalid_accepted_claim consent_missing", "consent-missing", saidInBanner},
}

// TestEveryErrorCodeIsExplainedInEveryLanguage takes section 5.3 of the reference row by row. What devices say has a test of
// its own: TestChromiumExplainsEveryCodeOfADevice.
func TestEveryErrorCodeIsExplainedInEveryLanguage(t *testing.T) {
	t.Parallel()
	pages, _ := newPages(t, nil)
	known := map[string]bool{}
	for _, s := range ui.PreviewStates() {
		known[s.Name] = true
	}
	key := regexp.MustCompile(`[a-z]+\.[a-z]+_?[a-z]*\b|[a-z]+_[a-z_]+|IDA-|\{`)
	for _, row := range errorCodes {
		require.True(t, known[row.state], "%s: there is no state %s", row.codes, row.state)
		byText := map[string]string{}
		for _, language := range pages.Languages() {
			found := row.said.FindStringSubmatch(preview(pages, row.state+"?lang="+language).Body.String())
			require.NotNil(t, found, "%s says nothing of %s in %s", row.state, row.codes, language)
			text := strings.Join(strings.Fields(html.UnescapeString(markup.ReplaceAllString(found[1], " "))), " ")
			assert.NotEmpty(t, text, "%s in %s", row.codes, language)
			assert.Empty(t, byText[text], "%s says the same of %s as another language: %q", language, row.codes, text)
			assert.False(t, key.MatchString(strings.ReplaceAll(text, "id.example.org", "")), "%s shows a key or a code for %s: %q", language, row.codes, text)
			byText[text] = language
		}
	}
}

func TestAWrongIdentifierIsNotCalledAWrongCode(t *testing.T) {
	t.Parallel()
	pages, _ := newPages(t, nil)
	body := preview(pages, "problem-wrong-identifier?lang=en").Body.String()
	assert.Contains(t, body, "What you entered is not right. Check it and try again.")
	assert.NotContains(t, body, "This code is not right")
}
