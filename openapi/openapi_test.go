package openapi_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/openapi"
)

func TestForDescribesWhatIsServedUnderTheIssuer(t *testing.T) {
	t.Parallel()
	document, err := openapi.For("https://id.example/people", []string{
		"/people/token", "/people/consents", "/people/consents/", "/.well-known/oauth-authorization-server/people",
		"POST /people/v1/esignet/client-mgmt/client",
	})
	require.NoError(t, err)
	var d struct {
		Servers []struct{ URL string }
		Paths   map[string]map[string]any
	}
	require.NoError(t, json.Unmarshal(document, &d))
	assert.Equal(t, "https://id.example/people", d.Servers[0].URL)
	var paths []string
	for path := range d.Paths {
		paths = append(paths, path)
	}
	assert.ElementsMatch(t, []string{
		"/token", "/consents", "/consents/{consent_id}", "/consents/{consent_id}/receipt", "/v1/esignet/client-mgmt/client",
		"/.well-known/oauth-authorization-server/people",
	}, paths)
	assert.Equal(t, []any{map[string]any{"url": "https://id.example"}}, d.Paths["/.well-known/oauth-authorization-server/people"]["servers"])
	_, err = openapi.For("nowhere", nil)
	assert.Error(t, err)
}

func TestDocumentIsTheCallersOwn(t *testing.T) {
	t.Parallel()
	openapi.Document()[0] = 'x'
	assert.True(t, json.Valid(openapi.Document()))
}
