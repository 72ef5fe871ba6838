package main

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestServerDescribesWhatItServes(t *testing.T) {
	t.Parallel()
	s := start(t, "-esignet=false")
	res, body := get(t, http.DefaultClient, s.issuer+"/openapi.json")
	require.Equal(t, http.StatusOK, res.StatusCode)
	var d struct {
		Servers []struct{ URL string }
		Paths   map[string]any
	}
	require.NoError(t, json.Unmarshal([]byte(body), &d))
	assert.Equal(t, s.issuer, d.Servers[0].URL)
	assert.Contains(t, d.Paths, "/token")
	assert.NotContains(t, d.Paths, "/v1/esignet/csrf/token", "it is switched off")
	res, body = get(t, http.DefaultClient, s.issuer+"/api/")
	require.Equal(t, http.StatusOK, res.StatusCode)
	assert.Contains(t, body, "<code>/token</code>")
	assert.Contains(t, res.Header.Get("Content-Security-Policy"), "default-src 'none'")
}

func TestTheDescriptionCanBeSwitchedOff(t *testing.T) {
	t.Parallel()
	s := start(t, "-api-description=false")
	for _, path := range []string{"/openapi.json", "/api/"} {
		res, _ := get(t, http.DefaultClient, s.issuer+path)
		assert.Equal(t, http.StatusNotFound, res.StatusCode)
	}
}
