package main

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestBrowsersThatWaitDoNotHoldUpTheShutdown, which may take less time than they would wait.
func TestBrowsersThatWaitDoNotHoldUpTheShutdown(t *testing.T) {
	t.Parallel()
	s := start(t, "-development", "-esignet-issuer", "open", "-shutdown-timeout", "10s", "-log-level", "debug")
	c := newESCaller(t, s)
	c.fetchCSRF()
	var ignored members
	c.ok("POST", "/client-mgmt/client", c.client(), &ignored)
	var details struct{ TransactionID string }
	c.ok("POST", "/authorization/v3/oauth-details", members{
		"clientId": "clinic", "scope": "openid", "responseType": "code", "redirectUri": "https://clinic.example/cb", "nonce": "n",
	}, &details)
	var code struct{ LinkCode string }
	c.ok("POST", "/linked-authorization/link-code", members{"transactionId": details.TransactionID}, &code)

	answer := make(chan string, 1)
	go func() {
		_, _, code := c.call("POST", "/linked-authorization/link-status",
			members{"transactionId": details.TransactionID, "linkCode": code.LinkCode})
		answer <- code
	}()
	require.Eventually(t, func() bool { return strings.Contains(s.log.String(), "/link-status") }, time.Minute, 10*time.Millisecond,
		"the handler has handed the request over to those that wait")
	assert.Empty(t, answer)
	require.NoError(t, s.stop())
	assert.Equal(t, "response_timeout", <-answer)
}
