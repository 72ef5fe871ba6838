package main

import (
	"bufio"
	"bytes"
	"context"
	"flag"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// running is a server with the URLs that its banner names.
type running struct {
	banner, portal, issuer string
	listening              string       // the URL of the provider, whatever its issuer
	stop                   func() error // ends the server, and returns what run did
	log                    *output
}

func start(t *testing.T, args ...string) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	s := &running{log: new(output)}
	out, stdout := io.Pipe()
	done := make(chan error, 1)
	go func() {
		err := run(ctx, append([]string{"-listen", "127.0.0.1:0", "-portal-listen", "127.0.0.1:0", "-mock-listen", ""}, args...), env(nil), strings.NewReader(""), stdout, s.log)
		stdout.CloseWithError(err)
		done <- err
	}()
	s.stop = func() error { cancel(); return <-done }
	for lines := bufio.NewReader(out); !strings.Contains(s.banner, "Ctrl-C"); {
		line, err := lines.ReadString('\n')
		require.NoError(t, err)
		s.banner += line
	}
	go io.Copy(io.Discard, out)
	s.issuer = strings.TrimSuffix(regexp.MustCompile(`https?://\S+/\.well-known`).FindString(s.banner), "/.well-known")
	s.listening = s.issuer
	if other := regexp.MustCompile(`Listening on +(https?://\S+)`).FindStringSubmatch(s.banner); other != nil {
		s.listening = other[1]
	}
	s.portal = regexp.MustCompile(`Open +(https?://\S+)`).FindStringSubmatch(s.banner + "Open http://none")[1]
	return s
}

func get(t *testing.T, client *http.Client, url string) (*http.Response, string) {
	t.Helper()
	res, err := client.Get(url)
	require.NoError(t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return res, string(body)
}

func TestServerStartsWithoutArguments(t *testing.T) {
	t.Parallel()
	s := start(t)
	assert.Contains(t, s.banner, "code 111111")
	assert.Contains(t, s.banner, "password signet-demo")
	assert.Regexp(t, `\d{10} +\pL+`, s.banner)

	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	res, page := get(t, &http.Client{Jar: jar}, s.portal+"/login")
	assert.Equal(t, http.StatusOK, res.StatusCode)
	assert.Equal(t, s.issuer, "http://"+res.Request.URL.Host, "the portal leads to the provider")
	assert.Contains(t, page, "Health Portal")

	for _, path := range []string{"/healthz", "/readyz"} {
		res, _ := get(t, http.DefaultClient, s.issuer+path)
		assert.Equal(t, http.StatusOK, res.StatusCode, path)
	}
	require.NoError(t, s.stop())
	assert.Contains(t, s.log.String(), "msg=stopped")
}

func TestOpsListenerKeepsHealthFromTheWorld(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ops := l.Addr().String()
	require.NoError(t, l.Close())
	s := start(t, "-ops-listen", ops)
	res, _ := get(t, http.DefaultClient, s.issuer+"/readyz")
	assert.Equal(t, http.StatusNotFound, res.StatusCode)
	res, _ = get(t, http.DefaultClient, "http://"+ops+"/readyz")
	assert.Equal(t, http.StatusOK, res.StatusCode)
	require.NoError(t, s.stop())
}

func TestServerTakesClientsAndSecretFromFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	clients, secret := filepath.Join(dir, "clients.json"), filepath.Join(dir, "secret")
	require.NoError(t, os.WriteFile(clients, []byte("["+strings.Replace(registration, `"default_acr_values": ["high"],`, "", 1)+"]"), 0o600))
	require.NoError(t, os.WriteFile(secret, bytes.Repeat([]byte("x"), 32), 0o600))
	s := start(t, "-portal-listen", "", "-clients", clients, "-pairwise-secret-file", secret)
	assert.NotContains(t, s.banner, "Open")
	_, metadata := get(t, http.DefaultClient, s.issuer+"/.well-known/openid-configuration")
	assert.Contains(t, metadata, `"PS256"`, "there is a key for the algorithm that the client is registered for")
	_, page := get(t, http.DefaultClient, s.issuer+"/authorize?client_id=clinic&redirect_uri=https://wrong.example/")
	assert.Contains(t, page, "redirect_uri is not registered", "the client itself is known")
	require.NoError(t, s.stop())
}

func TestServerSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	short := filepath.Join(t.TempDir(), "short")
	require.NoError(t, os.WriteFile(short, []byte("short"), 0o600))
	for want, args := range map[string][]string{
		"-listen: something else listens on":        {"-listen", l.Addr().String()},
		"-portal-listen: something else listens on": {"-portal-listen", l.Addr().String()},
		"-clients: ":                                     {"-clients", short},
		"-pairwise-secret-file: ":                        {"-pairwise-secret-file", short},
		"AccessTokenLifetime":                            {"-access-token-lifetime", "1ms"},
		"-demo-password: ":                               {"-demo-password", ""},
		"the issuer must be an https URL":                {"-issuer", "http://id.example"},
		`unexpected argument "stray"`:                    {"stray"},
		"-keys: it begins with neither":                  {"-keys", "file"},
		"-store: must be a URL like postgres://":         {"-store", "mysql://host"},
		"-store: needs -keys":                            {"-store", "postgres://host/database"},
		"-state: goes with -store":                       {"-state", "redis://host"},
		"-algorithms":                                    {"-algorithms", "HS256"},
		"-nonce-secret-files: ":                          {"-nonce-secret-files", short},
		"flag provided but not defined: -unknown":        {"-unknown"},
		"invalid value \"abc\" for flag -login-lifetime": {"-login-lifetime", "abc"},
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			args := append([]string{"-listen", "127.0.0.1:0", "-portal-listen", "127.0.0.1:0", "-mock-listen", ""}, args...)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			err := run(ctx, args, env(nil), nil, ending(cancel), io.Discard)
			assert.ErrorContains(t, err, want)
		})
	}
}

// ending ends what starts after all.
type ending context.CancelFunc

func (e ending) Write(b []byte) (int, error) {
	e()
	return len(b), nil
}

func TestHelpIsNoFailure(t *testing.T) {
	t.Parallel()
	var stdout, stderr bytes.Buffer
	err := run(t.Context(), []string{"-help"}, env(nil), nil, &stdout, &stderr)
	assert.ErrorIs(t, err, flag.ErrHelp)
	assert.Contains(t, stdout.String(), "-listen address")
	assert.Contains(t, stdout.String(), "server client create")
	assert.Empty(t, stderr.String())
}
