package signet_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestTheIssuersRootIsAPage(t *testing.T) {
	t.Parallel()
	w := newConsentWorld(t, nil)
	answer := func(path string) *httptest.ResponseRecorder {
		r := httptest.NewRecorder()
		w.provider.ServeHTTP(r, httptest.NewRequest(http.MethodGet, path, nil))
		return r
	}
	page := answer("/")
	assert.Equal(t, http.StatusOK, page.Code)
	assert.Contains(t, page.Body.String(), `/.well-known/openid-configuration"`)
	assert.Contains(t, page.Body.String(), `href="/account/"`)
	assert.Equal(t, http.StatusNotFound, answer("/nothing").Code)
}
