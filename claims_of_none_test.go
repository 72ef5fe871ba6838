package signet_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet"
	"github.com/gosignet/signet/oauth"
)

// A member of claims that is null asks for nothing, as one that is absent, and needs no scope.
func TestESignetTakesNullForNoClaims(t *testing.T) {
	t.Parallel()
	w := newESWorld(t, func(c *signet.Config) {
		portal, err := c.Clients.Client(t.Context(), "portal")
		require.NoError(t, err)
		portal.Scopes = append(portal.Scopes, "appointments")
		c.Clients, err = oauth.NewStaticClients(portal)
		require.NoError(t, err)
	})
	for _, c := range []struct {
		claims any
		code   string
	}{
		{nil, ""}, {map[string]any{}, ""}, {map[string]any{"userinfo": nil}, ""}, {map[string]any{"userinfo": nil, "id_token": nil, "other": 1}, ""},
		{map[string]any{"userinfo": map[string]any{}}, "invalid_scope"}, {map[string]any{"userinfo": []any{}}, "invalid_claim"},
	} {
		request := w.details(uuid.NewString())
		request["scope"], request["claims"] = "appointments", c.claims
		assert.Equal(t, c.code, w.post("/authorization/v3/oauth-details", esTransaction{}, request).code(), c.claims)
	}
}
