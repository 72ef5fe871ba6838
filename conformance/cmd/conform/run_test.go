package main

import (
	"encoding/json"
	"encoding/pem"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/conformance"
	"github.com/gosignet/signet/conformance/internal/model"
	"github.com/gosignet/signet/conformance/internal/registration"
)

// conform runs the command and returns its exit status and what it wrote.
func conform(t *testing.T, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, errs strings.Builder
	status = run(t.Context(), args, &out, &errs)
	return status, out.String(), errs.String()
}

// start starts a provider, and returns what init wrote for it and a file with its certificate.
func start(t *testing.T, broken model.Rule) (dir, ca string) {
	t.Helper()
	dir = t.TempDir()
	server := httptest.NewTLSServer(nil)
	t.Cleanup(server.Close)
	status, _, errs := conform(t, "init", "-issuer", server.URL, "-user", model.Username, "-password", model.Password, "-out", dir)
	require.Equal(t, statusPassed, status, errs)
	first, second, err := registration.NewKeys("provider")
	require.NoError(t, err)
	first.Algorithm = string(jose.RS256)
	config := model.Config{Issuer: server.URL, Keys: []jose.JSONWebKey{first, second}, Broken: broken}
	var clients []registration.Client
	read(t, filepath.Join(dir, "clients.json"), &clients)
	for _, c := range clients {
		config.Clients = append(config.Clients, model.Client{
			ID: c.ClientID, Keys: c.JWKS, RedirectURIs: c.RedirectURIs, Scopes: strings.Fields(c.Scope),
			FAPI: c.DPoPBoundAccessTokens, Signed: c.RequireSignedRequestObject,
		})
	}
	server.Config.Handler = model.New(config)

	// The pages of the model have other elements than Signet's.
	var target conformance.Target
	read(t, filepath.Join(dir, "config.json"), &target)
	target.Login.Steps = []conformance.Step{
		{Fill: map[string]string{"username": model.Username, "password": model.Password}, Submit: "verify_password"},
		{CheckAll: true, Submit: "continue"},
	}
	require.NoError(t, writeJSON(dir, "config.json", target))
	ca = filepath.Join(dir, "ca.pem")
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	require.NoError(t, os.WriteFile(ca, certificate, 0o600))
	return dir, ca
}

func read(t *testing.T, file string, v any) {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, v))
}

func TestAGoodProviderIsStatusZeroAndThreeReports(t *testing.T) {
	t.Parallel()
	dir, ca := start(t, "")
	junit, page := filepath.Join(dir, "out.xml"), filepath.Join(dir, "out.html")
	status, out, errs := conform(t, "-config", filepath.Join(dir, "config.json"), "-ca", ca, "-junit", junit, "-html", page, "-v",
		"-group", "oidc-config,oidc,fapi2-security,fapi2-message-signing,fapi2-message-signing-jarm",
		"-check", "^discovery-|^jwks-|^oidcc-server$|-happy-flow$|^par-response$|^jarm-response$")
	require.Equal(t, statusPassed, status, "%s\n%s", out, errs)
	assert.Contains(t, out, "  passed   fapi2-security-profile-final-happy-flow\n")
	assert.Contains(t, out, "POST ")
	for _, file := range []string{junit, page} {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		assert.Contains(t, string(text), "fapi2-security-profile-final-happy-flow")
		info, err := os.Stat(file)
		require.NoError(t, err)
		assert.Equal(t, os.FileMode(0o600), info.Mode().Perm(), "reports hold tokens")
	}
}

func TestABrokenProviderIsStatusOne(t *testing.T) {
	t.Parallel()
	dir, ca := start(t, model.NoStore)
	status, out, _ := conform(t, "-config", filepath.Join(dir, "config.json"), "-ca", ca, "-group", "oidc", "-check", "oidcc-server$")
	assert.Equal(t, statusFailed, status)
	assert.Contains(t, out, "failed: the token response has no Cache-Control: no-store")
}

func TestWarningsAreStatusOneOnlyIfStrict(t *testing.T) {
	t.Parallel()
	dir, ca := start(t, model.AssertionIssuerAccepted)
	args := []string{"-config", filepath.Join(dir, "config.json"), "-ca", ca, "-group", "oidc", "-check", "with-iss-aud"}
	status, out, _ := conform(t, args...)
	assert.Equal(t, statusPassed, status)
	assert.Contains(t, out, "1 with warnings")
	status, _, _ = conform(t, append(args, "-strict")...)
	assert.Equal(t, statusFailed, status)
}

func TestAnotherIssuerCanBeNamed(t *testing.T) {
	t.Parallel()
	dir, ca := start(t, "")
	status, out, _ := conform(t, "-config", filepath.Join(dir, "config.json"), "-ca", ca, "-issuer", "https://localhost:1", "-group", "oidc-config")
	assert.Equal(t, statusFailed, status)
	assert.Contains(t, out, "https://localhost:1\n")
}

func TestMistakesAreStatusTwo(t *testing.T) {
	t.Parallel()
	dir, ca := start(t, "")
	config := filepath.Join(dir, "config.json")
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"nothing":           {nil, "-config is required"},
		"help":              {[]string{"-help"}, "Usage:"},
		"unknown flag":      {[]string{"-color"}, "-color"},
		"an argument":       {[]string{"now"}, `unexpected argument "now"`},
		"no such file":      {[]string{"-config", filepath.Join(dir, "none.json")}, "none.json"},
		"no JSON":           {[]string{"-config", ca}, "ca.pem"},
		"unknown group":     {[]string{"-config", config, "-group", "oidc,none"}, `no profile "none"`},
		"no regexp":         {[]string{"-config", config, "-check", "("}, "-check"},
		"no certificate":    {[]string{"-config", config, "-ca", config}, "no certificate"},
		"no such CA":        {[]string{"-config", config, "-ca", filepath.Join(dir, "none.pem")}, "-ca"},
		"init, nothing":     {[]string{"init"}, "-issuer is required\n-user is required\n-password is required\n-out is required"},
		"oidf without TLS":  {[]string{"oidf", "-issuer", "http://op.example", "-user", "u", "-password", "p", "-out", dir}, "not an https URL"},
		"init, misspelt":    {[]string{"init", "-isuer", "x"}, "-isuer"},
		"directory is file": {[]string{"init", "-issuer", "https://op.example", "-user", "u", "-password", "p", "-out", config}, "config.json"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, out, errs := conform(t, c.args...)
			assert.Equal(t, statusUsage, status)
			assert.Empty(t, out)
			assert.Contains(t, errs, c.want)
		})
	}
}

func TestListNamesEveryCheck(t *testing.T) {
	t.Parallel()
	status, out, _ := conform(t, "-list")
	assert.Equal(t, statusPassed, status)
	for _, g := range conformance.Groups() {
		assert.Contains(t, out, g.Name+": "+g.Title)
	}
	assert.Contains(t, out, "  fapi2-security-profile-final-happy-flow\n")
}

func TestOIDFWritesAFileForEachPlan(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	status, out, errs := conform(t, "oidf", "-issuer", "https://op.example", "-user", "u", "-password", "p", "-out", dir, "-resource", "https://api.example/accounts")
	require.Equal(t, statusPassed, status, errs)
	for line := range strings.Lines(out) {
		fields := strings.Fields(line)
		var configuration map[string]any
		read(t, filepath.Join(dir, fields[len(fields)-1]), &configuration)
		assert.NotEmpty(t, configuration["alias"])
	}
	assert.Equal(t, 7, strings.Count(out, "\n"))
	var clients []registration.Client
	read(t, filepath.Join(dir, "clients.json"), &clients)
	assert.Len(t, clients, 12)
	for _, c := range clients {
		assert.True(t, c.JWKS.Keys[0].IsPublic(), "registrations have public keys only")
	}
}
