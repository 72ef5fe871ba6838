package main

import (
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// loginParameters are the names of the parameters that the portal lets the browser carry.
func loginParameters(t *testing.T, s *running, path string) []string {
	t.Helper()
	browser := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, _ := get(t, browser, s.portal+path)
	require.Equal(t, http.StatusSeeOther, res.StatusCode)
	location, err := res.Location()
	require.NoError(t, err)
	return slices.Sorted(maps.Keys(location.Query()))
}

func TestPortalMayUseEitherProtocol(t *testing.T) {
	t.Parallel()
	s := start(t)
	assert.Contains(t, loginParameters(t, s, "/login"), "redirect_uri")
	assert.Equal(t, []string{"client_id", "request_uri"}, loginParameters(t, s, "/login?protocol=fapi2"))
}

func TestProfileHoldsForEverything(t *testing.T) {
	t.Parallel()
	s := start(t, "-profile", "fapi2")
	assert.Equal(t, []string{"client_id", "request_uri"}, loginParameters(t, s, "/login"))
	_, body := get(t, http.DefaultClient, s.issuer+"/.well-known/openid-configuration")
	assert.NotContains(t, body, "RS256")
	var metadata struct {
		Token []string `json:"token_endpoint_auth_signing_alg_values_supported"`
	}
	require.NoError(t, json.Unmarshal([]byte(body), &metadata))
	assert.ElementsMatch(t, []string{"ES256", "PS256", "EdDSA"}, metadata.Token)
	res, _ := get(t, http.DefaultClient, s.issuer+"/authorize?client_id=health-portal&response_type=code&scope=openid&redirect_uri="+s.portal+"/callback")
	assert.Equal(t, "invalid_request", res.Request.URL.Query().Get("error"), "a request that was not pushed leads nowhere")
	_, page := get(t, http.DefaultClient, s.portal)
	assert.NotContains(t, page, `id="protocol-plain"`)
}

func TestProfileRefusesClientsThatBreakIt(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "clients.json")
	require.NoError(t, os.WriteFile(file, []byte("["+registration+"]"), 0o600))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	args := []string{"-listen", "127.0.0.1:0", "-portal-listen", "", "-clients", file, "-profile", "fapi2"}
	assert.ErrorContains(t, run(ctx, args, env(nil), nil, ending(cancel), io.Discard), "RS256")
	_, err := parseConfig([]string{"-profile", "fapi1"}, env(nil))
	assert.ErrorContains(t, err, `-profile: "fapi1" is none; there are fapi2 and fapi2-message-signing`)
	_, err = parseConfig([]string{"-profile", "fapi2-message-signing"}, env(nil))
	assert.ErrorContains(t, err, "the portal does not sign its requests")
	_, err = parseConfig([]string{"-profile", "fapi2-message-signing", "-portal-listen", ""}, env(nil))
	assert.NoError(t, err)
}
