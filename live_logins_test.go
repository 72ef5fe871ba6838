package signet_test

import (
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/oauth"
)

// TestTenThousandLiveLoginsFitIntoAnInstance begins as many logins as wait at the same time in the peak hour of a country,
// each with its page open, and weighs them. The budgets are those of the architecture: 200 MB for all of them, and 12 KB
// for each.
func TestTenThousandLiveLoginsFitIntoAnInstance(t *testing.T) { // not parallel: it weighs the whole process
	const logins, most, mostEach = 10_000, 200 << 20, 12 << 10
	provider := newBenchWorld(t, jose.ES256, oauth.ProfileNone).provider
	before := heap()
	for range logins {
		rec := httptest.NewRecorder()
		provider.ServeHTTP(rec, httptest.NewRequest("GET", benchIssuer+benchAuthorize, nil))
		require.Equal(t, http.StatusSeeOther, rec.Code)
		cookie, _, _ := strings.Cut(rec.Header().Get("Set-Cookie"), ";")
		page := httptest.NewRequest("GET", benchIssuer+rec.Header().Get("Location"), nil)
		page.Header.Set("Cookie", cookie)
		rec = httptest.NewRecorder()
		provider.ServeHTTP(rec, page)
		require.Equal(t, http.StatusOK, rec.Code)
	}
	after := heap()
	t.Logf("%d bytes each, %d MB in all", (after-before)/logins, after>>20)
	assert.Less(t, (after-before)/logins, uint64(mostEach))
	assert.Less(t, after, uint64(most))
	runtime.KeepAlive(provider)
}

// heap is how many bytes of the heap are in use.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
