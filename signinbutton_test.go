package signet_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestProviderServesTheSignInButton(t *testing.T) {
	t.Parallel()
	w := newConsentWorld(t, nil)
	for _, path := range []string{"/plugins/sign-in-button-plugin.js", "/plugins/sign-in-button.css"} {
		response, err := w.Client().Get(w.URL + path)
		require.NoError(t, err)
		response.Body.Close()
		assert.Equal(t, http.StatusOK, response.StatusCode, path)
		assert.Equal(t, "cross-origin", response.Header.Get("Cross-Origin-Resource-Policy"), "other sites link it")
	}
}
