package e2e_test

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet"
	"github.com/gosignet/signet/authenticator/mock"
	"github.com/gosignet/signet/oauth"
)

// TestPortalPushesAndBinds follows a login by FAPI 2.0 with HTML forms alone, and looks at what the browser gets to see.
func TestPortalPushesAndBinds(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		world func(*testing.T) *world
		login string
	}{
		"chosen by the person":     {func(t *testing.T) *world { return newWorld(t) }, "/login?protocol=fapi2"},
		"demanded by the provider": {newFAPI2World, "/login"},
		"with nonces": {func(t *testing.T) *world {
			return newWorldAt(t, "localhost:0", "127.0.0.1:0", func(c *signet.Config) { c.RequireDPoPNonces = true })
		}, "/login?protocol=fapi2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := test.world(t)
			v, seen := newWatchedVisitor(t)
			logInByForms(v, w, test.login)

			assert.Equal(t, "DPoP", v.textOf("token-type"))
			assert.Len(t, v.textOf("token-key"), 43)
			assert.Equal(t, v.textOf("portal-key"), v.textOf("token-key"))
			assert.Contains(t, v.textOf("dpop-proof"), `"htu": "`+w.issuer+`/userinfo"`)
			request := seen.find("/authorize")
			assert.Len(t, request, 2)
			assert.Equal(t, clientID, request.Get("client_id"))
			assert.True(t, strings.HasPrefix(request.Get("request_uri"), oauth.RequestURIPrefix))
		})
	}
}

func TestPlainLoginLeavesTheRequestWithTheBrowser(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v, seen := newWatchedVisitor(t)
	logInByForms(v, w, "/login")
	assert.Equal(t, "Bearer", v.textOf("token-type"))
	assert.Contains(t, v.textOf("token-key"), "None")
	assert.NotEmpty(t, seen.find("/authorize").Get("redirect_uri"))
}

func TestPushedRequestOfACompletedLoginIsSpent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v, seen := newWatchedVisitor(t)
	logInByForms(v, w, "/login?protocol=fapi2")
	res, err := http.Get(w.issuer + "/authorize?" + seen.find("/authorize").Encode())
	require.NoError(t, err)
	res.Body.Close()
	assert.Equal(t, http.StatusBadRequest, res.StatusCode)
}

func logInByForms(v *visitor, w *world, path string) {
	v.t.Helper()
	v.open(w.portal + path)
	v.submit("login_with_otp", nil)
	v.submit("get_otp", url.Values{"identifier": {w.person.NationalID}})
	v.submit("verify_otp", url.Values{"response": {mock.OTP}})
	v.submit("continue", nil)
	require.Contains(v.t, v.body, "Welcome")
}

// addresses are those that a visitor went to.
type addresses struct {
	mu   sync.Mutex
	list []*url.URL
}

func newWatchedVisitor(t *testing.T) (*visitor, *addresses) {
	t.Helper()
	v, seen := newVisitor(t), new(addresses)
	v.http.Transport = seen
	return v, seen
}

func (a *addresses) RoundTrip(r *http.Request) (*http.Response, error) {
	a.mu.Lock()
	a.list = append(a.list, r.URL)
	a.mu.Unlock()
	return http.DefaultTransport.RoundTrip(r)
}

// find returns the query with which a path was first asked for.
func (a *addresses) find(path string) url.Values {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, u := range a.list {
		if u.Path == path {
			return u.Query()
		}
	}
	return nil
}
