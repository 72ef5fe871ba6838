package oauth_test

import (
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/oauth"
)

func TestAnotherFaceGetsTheSameRequests(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	req, err := p.Request(t.Context(), p.portal.request())
	require.NoError(t, err)
	assert.Equal(t, p.portal.client.ID, req.ClientID)

	for name, c := range map[string]struct {
		parameters url.Values
		parameter  string
	}{
		"client":         {with(p.portal.request(), "client_id", "nobody"), "client_id"},
		"redirect URI":   {with(p.portal.request(), "redirect_uri", "https://evil.example/cb"), "redirect_uri"},
		"no challenge":   {with(p.portal.request(), "code_challenge"), "code_challenge"},
		"bad challenge":  {with(p.portal.request(), "code_challenge", "short"), "code_challenge"},
		"unknown method": {with(p.portal.request(), "code_challenge_method", "plain"), "code_challenge_method"},
	} {
		_, err := p.Request(t.Context(), c.parameters)
		var e *oauth.Error
		require.ErrorAs(t, err, &e, name)
		assert.Equal(t, oauth.InvalidRequest, e.Code, name)
		assert.Equal(t, c.parameter, e.Parameter, name)
	}
}
