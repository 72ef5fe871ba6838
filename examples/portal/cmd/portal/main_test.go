package main

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func writeKey(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	data, err := json.Marshal(jose.JSONWebKey{Key: key, KeyID: "1"})
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "portal.jwk")
	require.NoError(t, os.WriteFile(file, data, 0o600))
	return file
}

func TestPortalRunsAloneUntilItIsStopped(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	out, stdout := io.Pipe()
	done := make(chan error, 1)
	go func() {
		done <- run(ctx, []string{"-listen", "127.0.0.1:0", "-key", writeKey(t), "-fapi2"}, stdout, io.Discard)
	}()
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	_, url, _ := strings.Cut(strings.TrimSpace(line), ": ")
	res, err := http.Get(url)
	require.NoError(t, err)
	page, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	res.Body.Close()
	assert.Equal(t, http.StatusOK, res.StatusCode, "without a provider, too")
	assert.NotContains(t, string(page), `id="protocol-plain"`, "-fapi2 leaves no choice")
	stop()
	assert.NoError(t, <-done)
}

func TestPortalSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	noKey := filepath.Join(t.TempDir(), "none.jwk")
	require.NoError(t, os.WriteFile(noKey, []byte("none"), 0o600))
	for want, args := range map[string][]string{
		"-key: ":                        {},
		"holds no JWK":                  {"-key", noKey},
		"-encryption-key: ":             {"-key", writeKey(t), "-encryption-key", noKey},
		"Config.EncryptionKey":          {"-key", writeKey(t), "-encrypted-id-token"},
		"Config.Purpose":                {"-key", writeKey(t), "-purpose", "x"},
		"Config.Record":                 {"-key", writeKey(t), "-record-url", "record"},
		"unexpected argument":           {"stray"},
		"Config.RedirectURI":            {"-key", writeKey(t), "-redirect-uri", "/callback"},
		"flag provided but not defined": {"-unknown"},
	} {
		err := run(t.Context(), args, io.Discard, io.Discard)
		assert.ErrorContains(t, err, want)
	}
}
