package main

import (
	"crypto/tls"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestForwardedHeadersAreBelievedFromTrustedProxiesOnly(t *testing.T) {
	t.Parallel()
	var trusted proxies
	require.NoError(t, trusted.add("10.0.0.0/8, 192.0.2.7"))
	require.NoError(t, trusted.add("2001:db8::/32"))
	for name, test := range map[string]struct {
		remote     string
		tls        bool
		for_       []string
		proto      []string
		wantClient string
		wantHTTPS  bool
	}{
		"direct":                           {remote: "203.0.113.9:1", wantClient: "203.0.113.9"},
		"direct, TLS":                      {remote: "203.0.113.9:1", tls: true, wantClient: "203.0.113.9", wantHTTPS: true},
		"stranger's headers":               {remote: "203.0.113.9:1", for_: []string{"198.51.100.1"}, proto: []string{"https"}, wantClient: "203.0.113.9"},
		"proxy in a network":               {remote: "10.1.2.3:1", for_: []string{"198.51.100.1"}, proto: []string{"https"}, wantClient: "198.51.100.1", wantHTTPS: true},
		"proxy by its address":             {remote: "192.0.2.7:1", for_: []string{"198.51.100.1"}, proto: []string{"HTTPS"}, wantClient: "198.51.100.1", wantHTTPS: true},
		"neighbour of the proxy":           {remote: "192.0.2.8:1", for_: []string{"198.51.100.1"}, proto: []string{"https"}, wantClient: "192.0.2.8"},
		"proxy over IPv6":                  {remote: "[2001:db8::1]:1", for_: []string{"2001:db9::5"}, proto: []string{"https"}, wantClient: "2001:db9::5", wantHTTPS: true},
		"IPv4 proxy on an IPv6 socket":     {remote: "[::ffff:10.1.2.3]:1", for_: []string{"198.51.100.1"}, proto: []string{"https"}, wantClient: "198.51.100.1", wantHTTPS: true},
		"what the client made up":          {remote: "10.1.2.3:1", for_: []string{"127.0.0.1, 198.51.100.1"}, wantClient: "198.51.100.1"},
		"made up, in lines of their own":   {remote: "10.1.2.3:1", for_: []string{"127.0.0.1", "198.51.100.1"}, proto: []string{"https", "http"}, wantClient: "198.51.100.1"},
		"two proxies":                      {remote: "10.1.2.3:1", for_: []string{"198.51.100.1, 10.9.9.9"}, proto: []string{"https"}, wantClient: "198.51.100.1", wantHTTPS: true},
		"proxy that adds ports":            {remote: "10.1.2.3:1", for_: []string{"198.51.100.1:4711"}, wantClient: "198.51.100.1"},
		"no address":                       {remote: "10.1.2.3:1", for_: []string{"198.51.100.1, unknown"}, wantClient: "10.1.2.3"},
		"proxy without headers":            {remote: "10.1.2.3:1", wantClient: "10.1.2.3"},
		"client came to the proxy by http": {remote: "10.1.2.3:1", for_: []string{"198.51.100.1"}, proto: []string{"http"}, wantClient: "198.51.100.1"},
		"https made up before the proxy":   {remote: "10.1.2.3:1", proto: []string{"https, http"}, wantClient: "10.1.2.3"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.RemoteAddr = test.remote
			r.Header["X-Forwarded-For"], r.Header["X-Forwarded-Proto"] = test.for_, test.proto
			if test.tls {
				r.TLS = new(tls.ConnectionState)
			}
			assert.Equal(t, test.wantClient, trusted.client(r).String())
			assert.Equal(t, test.wantHTTPS, trusted.https(r))
		})
	}
}

func TestNobodyIsTrustedByDefault(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.RemoteAddr = "127.0.0.1:1"
	r.Header.Set("X-Forwarded-For", "198.51.100.1")
	r.Header.Set("X-Forwarded-Proto", "https")
	assert.Equal(t, "127.0.0.1", proxies(nil).client(r).String())
	assert.False(t, proxies(nil).https(r))
}

func TestMistakesInTrustedProxiesAreNamed(t *testing.T) {
	t.Parallel()
	for _, value := range []string{"10.0.0.0/33", "proxy.example", "10.0.0.1,", "10.0.0.1 10.0.0.2"} {
		_, err := parseConfig([]string{"-trusted-proxies", value}, env(nil))
		assert.ErrorContains(t, err, "-trusted-proxies: not a list of networks", value)
	}
}

// freeAddress is one that nothing listens on at the moment.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	return l.Addr().String()
}

func TestServerBehindAProxy(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	s := start(t, "-listen", address, "-portal-listen", "", "-issuer", "https://id.example", "-trusted-proxies", "127.0.0.0/8", "-log-level", "debug")
	ask := func(path string, headers ...string) *http.Response {
		r, err := http.NewRequest(http.MethodGet, "http://"+address+path, nil)
		require.NoError(t, err)
		for i := 0; i < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		res, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		res.Body.Close()
		return res
	}
	const metadata = "/.well-known/openid-configuration"
	assert.Equal(t, http.StatusOK, ask(metadata, "X-Forwarded-Proto", "https", "X-Forwarded-For", "198.51.100.1").StatusCode)
	assert.Equal(t, http.StatusForbidden, ask(metadata, "X-Forwarded-Proto", "http").StatusCode)
	assert.Equal(t, http.StatusForbidden, ask(metadata).StatusCode)
	assert.Equal(t, http.StatusOK, ask("/readyz").StatusCode, "supervisors come without a proxy")
	require.NoError(t, s.stop())
	assert.Contains(t, s.log.String(), "client=198.51.100.1 method=GET path="+metadata+" status=200")
	assert.Contains(t, s.log.String(), "client=127.0.0.1 method=GET path="+metadata+" status=403")
}

func TestStrangerCannotPassForAProxy(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	start(t, "-listen", address, "-portal-listen", "", "-issuer", "https://id.example", "-trusted-proxies", "192.0.2.1")
	r, err := http.NewRequest(http.MethodPost, "http://"+address+"/token", strings.NewReader("grant_type=authorization_code"))
	require.NoError(t, err)
	r.Header.Set("X-Forwarded-Proto", "https")
	res, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	res.Body.Close()
	assert.Equal(t, http.StatusForbidden, res.StatusCode)
}

func TestForwardedHeadersChangeNoURL(t *testing.T) {
	t.Parallel()
	s := start(t, "-portal-listen", "", "-trusted-proxies", "127.0.0.1")
	r, err := http.NewRequest(http.MethodGet, s.issuer+"/.well-known/openid-configuration", nil)
	require.NoError(t, err)
	for name, value := range map[string]string{"X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil.example", "X-Forwarded-Prefix": "/evil"} {
		r.Header.Set(name, value)
	}
	r.Host = "evil.example"
	res, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer res.Body.Close()
	var body strings.Builder
	require.NoError(t, res.Write(&body))
	assert.Contains(t, body.String(), `"issuer":"`+s.issuer+`"`)
	assert.NotContains(t, body.String(), "evil")
}

func TestInteractionIDIsSentBack(t *testing.T) {
	t.Parallel()
	handler := echoInteractionID(http.NotFoundHandler())
	for id, echoed := range map[string]bool{
		"c770aef3-6784-41f7-8e0e-ff5f97bddb3a": true,
		"C770AEF3-6784-41F7-8E0E-FF5F97BDDB3A": true,
		"":                                     false,
		"c770aef3678441f78e0eff5f97bddb3a":     false,
		"urn:uuid:c770aef3-6784-41f7-8e0e-ff5f97bddb3a":   false,
		"{c770aef3-6784-41f7-8e0e-ff5f97bddb3a}":          false,
		"c770aef3-6784-41f7-8e0e-ff5f97bddb3a, something": false,
	} {
		r := httptest.NewRequest(http.MethodGet, "/userinfo", nil)
		r.Header.Set("x-fapi-interaction-id", id)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if !echoed {
			id = ""
		}
		assert.Equal(t, id, w.Header().Get("x-fapi-interaction-id"))
	}
}

// FuzzForwardedFor has strangers and proxies say whatever they like.
func FuzzForwardedFor(f *testing.F) {
	for _, value := range []string{"", "198.51.100.1", "198.51.100.1, 10.9.9.9", "10.1.1.1,10.1.1.1", "[::1]:80", "fe80::1%eth0", ",,", "unknown"} {
		f.Add(value, "https")
	}
	var trusted proxies
	require.NoError(f, trusted.add("10.0.0.0/8"))
	f.Fuzz(func(t *testing.T, forwardedFor, proto string) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("X-Forwarded-For", forwardedFor)
		r.Header.Set("X-Forwarded-Proto", proto)
		r.RemoteAddr = "203.0.113.9:1"
		assert.Equal(t, "203.0.113.9", trusted.client(r).String())
		assert.False(t, trusted.https(r))
		r.RemoteAddr = "10.1.2.3:1"
		assert.True(t, trusted.client(r).IsValid())
	})
}
