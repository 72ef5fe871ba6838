package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/internal/postgrestest"
	"github.com/gosignet/signet/internal/redistest"
)

// secretFile is a file with a secret in it.
func secretFile(t *testing.T, secret string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(file, []byte(secret), 0o600))
	return file
}

// stateFlags are those of instances that share everything.
func stateFlags(t *testing.T, dsn string, more ...string) []string {
	t.Helper()
	return append([]string{
		"-store", dsn, "-portal-listen", "", "-pairwise-secret-file", secretFile(t, strings.Repeat("s", 32)),
		"-keys", "pkcs12:store;create;password-file=" + secretFile(t, "password"),
	}, more...)
}

// runWith runs a command and returns what it wrote.
func runWith(t *testing.T, stdin string, args ...string) (stdout string, err error) {
	t.Helper()
	var out bytes.Buffer
	err = run(t.Context(), args, env(nil), strings.NewReader(stdin), &out, io.Discard)
	return out.String(), err
}

func TestServerWaitsForTheSchema(t *testing.T) {
	t.Parallel()
	dsn := postgrestest.Shared(t).NewDatabase(t)
	flags := append([]string{"-listen", "127.0.0.1:0"}, stateFlags(t, dsn)...)
	err := run(t.Context(), flags, env(nil), nil, io.Discard, io.Discard)
	require.ErrorContains(t, err, "server migrate")
	for range 2 { // again is no harm
		_, err = runWith(t, "", "migrate", "-store", dsn)
		require.NoError(t, err)
	}
	s := start(t, stateFlags(t, dsn)...)
	require.NoError(t, s.stop())
	_, err = runWith(t, "", "migrate")
	require.ErrorContains(t, err, "-store is missing")
}

func TestInstancesShareEverything(t *testing.T) {
	t.Parallel()
	for name, state := range map[string]func(*testing.T) []string{
		"PostgreSQL alone":     func(*testing.T) []string { return nil },
		"PostgreSQL and Redis": func(t *testing.T) []string { return []string{"-state", redistest.Start(t).URL()} },
		"PostgreSQL twice": func(t *testing.T) []string {
			return []string{"-state", postgrestest.Shared(t).NewDatabase(t)}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			flags := stateFlags(t, postgrestest.Shared(t).NewDatabase(t), append(state(t), "-issuer", "http://localhost:1", "-migrate")...)
			a := start(t, flags...)
			b := start(t, flags...)
			_, keys := get(t, http.DefaultClient, a.listening+"/jwks.json")
			_, sameKeys := get(t, http.DefaultClient, b.listening+"/jwks.json")
			assert.JSONEq(t, keys, sameKeys)
			require.NoError(t, a.stop())
			require.NoError(t, b.stop())
		})
	}
}

const portalRegistration = `{
	"client_id": "pension-portal", "client_name": "Pension Portal", "redirect_uris": ["https://pension.example/callback"],
	"jwks": {"keys": [{"kty": "EC", "crv": "P-256", "kid": "1",
		"x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]},
	"token_endpoint_auth_signing_alg": "ES256", "scope": "openid profile"
}`

func TestAdministratorsChangeTheRegisterByCommand(t *testing.T) {
	t.Parallel()
	dsn := postgrestest.Shared(t).NewDatabase(t)
	s := start(t, stateFlags(t, dsn, "-migrate")...)
	// known is whether the running server serves the client.
	known := func() bool {
		_, page := get(t, http.DefaultClient, s.listening+"/authorize?client_id=pension-portal&redirect_uri=https://wrong.example/")
		return strings.Contains(page, "redirect_uri is not registered")
	}
	require.False(t, known())

	created, err := runWith(t, portalRegistration, "client", "create", "-store", dsn, "-actor", "alice")
	require.NoError(t, err)
	assert.Contains(t, created, `"changed_by": "alice"`)
	require.Eventually(t, known, time.Minute, 10*time.Millisecond, "a running server hears of it")
	_, err = runWith(t, portalRegistration, "client", "create", "-store", dsn)
	require.ErrorContains(t, err, "is registered already")

	_, err = runWith(t, `{"client_name": "Pensions"}`, "client", "patch", "-store", dsn, "pension-portal")
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "portal.json")
	require.NoError(t, os.WriteFile(file, []byte(strings.Replace(portalRegistration, "Pension Portal", "The Pension Portal", 1)), 0o600))
	_, err = runWith(t, "", "client", "put", "-store", dsn, "-file", file, "-version", "1")
	require.ErrorContains(t, err, "changed by somebody else")
	_, err = runWith(t, "", "client", "put", "-store", dsn, "-file", file, "-version", "2")
	require.NoError(t, err)

	_, err = runWith(t, "", "client", "deactivate", "pension-portal", "-store", dsn)
	require.NoError(t, err)
	require.Eventually(t, func() bool { return !known() }, time.Minute, 10*time.Millisecond)
	_, err = runWith(t, "", "client", "activate", "pension-portal", "-store", dsn)
	require.NoError(t, err)
	require.Eventually(t, known, time.Minute, 10*time.Millisecond)

	list, err := runWith(t, "", "client", "list", "-store", dsn)
	require.NoError(t, err)
	assert.Regexp(t, `pension-portal +active +5 `, list)
	shown, err := runWith(t, "", "client", "show", "-store", dsn, "pension-portal")
	require.NoError(t, err)
	assert.Contains(t, shown, "The Pension Portal")
	history, err := runWith(t, "", "client", "history", "-store", dsn, "pension-portal")
	require.NoError(t, err)
	var versions []struct{ Change string }
	require.NoError(t, json.Unmarshal([]byte(history), &versions))
	var changes []string
	for _, v := range versions {
		changes = append(changes, v.Change)
	}
	assert.Equal(t, []string{"activated", "deactivated", "updated", "updated", "created"}, changes)
	require.NoError(t, s.stop())
}

func TestCommandsSayWhatIsWrong(t *testing.T) {
	t.Parallel()
	dsn := postgrestest.Shared(t).NewDatabase(t)
	_, err := runWith(t, "", "migrate", "-store", dsn)
	require.NoError(t, err)
	for want, args := range map[string][]string{
		`unknown command "stray"`:              {"stray"},
		`unknown command "client stray"`:       {"client", "stray"},
		"usage: server client show":            {"client", "show", "-store", dsn},
		"there is no such client":              {"client", "show", "-store", dsn, "nobody"},
		"flag provided but not defined: -file": {"client", "show", "-store", dsn, "-file", "x", "nobody"},
		"-store is missing":                    {"client", "list"},
		"no such file or directory":            {"client", "create", "-store", dsn, "-file", "/nowhere"},
		"client_name":                          {"client", "create", "-store", dsn},
		"-keys is missing":                     {"keys", "list"},
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			_, err := runWith(t, `{"client_id": "x", "client_name": 1}`, args...)
			require.ErrorContains(t, err, want)
		})
	}
	help, err := runWith(t, "", "client", "patch", "-help")
	require.Error(t, err)
	assert.Contains(t, help, "Usage: server client patch <client_id> [flags]")
}
