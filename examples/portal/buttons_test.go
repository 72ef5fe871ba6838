package portal_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestGalleryHasEveryLookOfTheButton(t *testing.T) {
	t.Parallel()
	v := newVisit(t)
	res, err := v.browser.Get(v.home + "/buttons")
	require.NoError(t, err)
	status, body := v.read(res)
	require.Equal(t, http.StatusOK, status)
	policy := res.Header.Get("Content-Security-Policy")
	assert.Contains(t, policy, "script-src 'self'")
	assert.NotContains(t, policy, "unsafe")
	assert.Equal(t, 18, strings.Count(body, `class="signet-button"`), "links")
	for _, theme := range []string{"outline", "filled_orange", "filled_black"} {
		for _, shape := range []string{"sharp_edges", "soft_edges", "rounded_edges"} {
			for _, kind := range []string{"standard", "icon"} {
				assert.Contains(t, body, "signet-button-box "+kind+" "+theme+" "+shape)
				assert.Contains(t, body, `data-type="`+kind+`" data-theme="`+theme+`" data-shape="`+shape+`"`)
			}
		}
	}
	for _, attribute := range []string{`src="`, `rel="stylesheet" href="`} {
		for _, part := range strings.Split(body, attribute)[1:] {
			path, _, _ := strings.Cut(part, `"`)
			status, _ := v.get(path)
			assert.Equal(t, http.StatusOK, status, path)
		}
	}
}
