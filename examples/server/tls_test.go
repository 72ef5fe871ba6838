package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"net/http/cookiejar"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// pemFiles are the files of -tls-cert and -tls-key, with a certificate for localhost that signs itself.
type pemFiles struct {
	t         *testing.T
	cert, key string
}

func newPEMFiles(t *testing.T, key crypto.Signer) *pemFiles {
	t.Helper()
	dir := t.TempDir()
	f := &pemFiles{t: t, cert: filepath.Join(dir, "cert.pem"), key: filepath.Join(dir, "key.pem")}
	f.write(key, time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	return f
}

// write replaces the files, and returns what a client must trust.
func (f *pemFiles) write(key crypto.Signer, notBefore, notAfter time.Time) *x509.CertPool {
	f.t.Helper()
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 64))
	require.NoError(f.t, err)
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: "localhost"},
		DNSNames:     []string{"localhost"},
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore:    notBefore,
		NotAfter:     notAfter,
		KeyUsage:     x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(f.t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(f.t, err)
	require.NoError(f.t, os.WriteFile(f.cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}), 0o600))
	require.NoError(f.t, os.WriteFile(f.key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600))
	return f.roots()
}

func (f *pemFiles) roots() *x509.CertPool {
	f.t.Helper()
	data, err := os.ReadFile(f.cert)
	require.NoError(f.t, err)
	pool := x509.NewCertPool()
	require.True(f.t, pool.AppendCertsFromPEM(data))
	return pool
}

func (f *pemFiles) args() []string { return []string{"-tls-cert", f.cert, "-tls-key", f.key} }

// client trusts the certificate alone.
func (f *pemFiles) client() *http.Client {
	jar, err := cookiejar.New(nil)
	require.NoError(f.t, err)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: f.roots()}, ForceAttemptHTTP2: true}
	f.t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Jar: jar}
}

func newECDSAKey(t *testing.T) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	return key
}

// TestTLSVersionsAndCipherSuites shakes hands as section 5.2.2 of FAPI 2.0 demands, with both kinds of keys.
func TestTLSVersionsAndCipherSuites(t *testing.T) {
	t.Parallel()
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	files := map[string]*pemFiles{"ECDSA": newPEMFiles(t, newECDSAKey(t)), "RSA": newPEMFiles(t, rsaKey)}
	addresses := make(map[string]string)
	for kind, f := range files {
		addresses[kind] = strings.TrimPrefix(start(t, f.args()...).issuer, "https://")
	}
	const version, suite = "protocol version", "handshake failure"
	for name, test := range map[string]struct {
		key      string
		min, max uint16
		suites   []uint16 // of TLS 1.2; nil means those that crypto/tls offers
		refusal  string   // the alert; empty if it works
	}{
		"TLS 1.3":                           {key: "ECDSA", min: tls.VersionTLS13, max: tls.VersionTLS13},
		"TLS 1.2":                           {key: "ECDSA", min: tls.VersionTLS12, max: tls.VersionTLS12},
		"TLS 1.2, RSA":                      {key: "RSA", min: tls.VersionTLS12, max: tls.VersionTLS12},
		"TLS 1.1":                           {key: "ECDSA", min: tls.VersionTLS11, max: tls.VersionTLS11, refusal: version},
		"TLS 1.0":                           {key: "ECDSA", min: tls.VersionTLS10, max: tls.VersionTLS10, refusal: version},
		"ECDHE-ECDSA-AES128-GCM-SHA256":     {key: "ECDSA", suites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}},
		"ECDHE-ECDSA-AES256-GCM-SHA384":     {key: "ECDSA", suites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384}},
		"ECDHE-ECDSA-CHACHA20-POLY1305":     {key: "ECDSA", suites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256}},
		"ECDHE-RSA-AES128-GCM-SHA256":       {key: "RSA", suites: []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256}},
		"ECDHE-RSA-AES256-GCM-SHA384":       {key: "RSA", suites: []uint16{tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384}},
		"ECDHE-RSA-CHACHA20-POLY1305":       {key: "RSA", suites: []uint16{tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256}},
		"ECDHE-ECDSA-AES128-CBC-SHA":        {key: "ECDSA", suites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA}, refusal: suite},
		"ECDHE-ECDSA-AES256-CBC-SHA":        {key: "ECDSA", suites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA}, refusal: suite},
		"ECDHE-ECDSA-AES128-CBC-SHA256":     {key: "ECDSA", suites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256}, refusal: suite},
		"ECDHE-RSA-AES128-CBC-SHA":          {key: "RSA", suites: []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA}, refusal: suite},
		"ECDHE-RSA-AES256-CBC-SHA":          {key: "RSA", suites: []uint16{tls.TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA}, refusal: suite},
		"ECDHE-RSA-3DES-CBC-SHA":            {key: "RSA", suites: []uint16{tls.TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA}, refusal: suite},
		"RSA-AES128-GCM-SHA256, no forward": {key: "RSA", suites: []uint16{tls.TLS_RSA_WITH_AES_128_GCM_SHA256}, refusal: suite},
		"RSA-AES256-GCM-SHA384, no forward": {key: "RSA", suites: []uint16{tls.TLS_RSA_WITH_AES_256_GCM_SHA384}, refusal: suite},
		"RSA-AES128-CBC-SHA, no forward":    {key: "RSA", suites: []uint16{tls.TLS_RSA_WITH_AES_128_CBC_SHA}, refusal: suite},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := &tls.Config{RootCAs: files[test.key].roots(), MinVersion: test.min, MaxVersion: test.max, CipherSuites: test.suites}
			if test.suites != nil {
				config.MinVersion, config.MaxVersion = tls.VersionTLS12, tls.VersionTLS12
			}
			conn, err := tls.Dial("tcp", addresses[test.key], config)
			if test.refusal != "" {
				assert.ErrorContains(t, err, "remote error: tls: ")
				assert.ErrorContains(t, err, test.refusal)
				return
			}
			require.NoError(t, err)
			defer conn.Close()
			if test.suites != nil {
				assert.Equal(t, test.suites[0], conn.ConnectionState().CipherSuite)
			}
		})
	}
}

func TestTLS13IsPreferred(t *testing.T) {
	t.Parallel()
	files := newPEMFiles(t, newECDSAKey(t))
	s := start(t, files.args()...)
	conn, err := tls.Dial("tcp", strings.TrimPrefix(s.issuer, "https://"), &tls.Config{RootCAs: files.roots(), MinVersion: tls.VersionTLS12})
	require.NoError(t, err)
	defer conn.Close()
	assert.Equal(t, uint16(tls.VersionTLS13), conn.ConnectionState().Version)
}

func TestServerSpeaksHTTP2OverTLS(t *testing.T) {
	t.Parallel()
	files := newPEMFiles(t, newECDSAKey(t))
	s := start(t, files.args()...)
	assert.True(t, strings.HasPrefix(s.issuer, "https://localhost:"), s.issuer)
	res, body := get(t, files.client(), s.issuer+"/.well-known/openid-configuration")
	assert.Equal(t, "HTTP/2.0", res.Proto)
	assert.NotEmpty(t, res.Header.Get("Date"))
	assert.NotEmpty(t, res.Header.Get("Strict-Transport-Security"))
	var metadata map[string]any
	require.NoError(t, json.Unmarshal([]byte(body), &metadata))
	for name, value := range metadata {
		if strings.HasSuffix(name, "_endpoint") || name == "issuer" || name == "jwks_uri" {
			assert.True(t, strings.HasPrefix(value.(string), s.issuer), name)
		}
	}
	res, _ = get(t, http.DefaultClient, strings.Replace(s.issuer, "https:", "http:", 1)+"/readyz")
	assert.Equal(t, http.StatusBadRequest, res.StatusCode, "there is nothing for plain http")
}

func TestPortalReachesAProviderWhoseCertificateNobodyElseTrusts(t *testing.T) {
	t.Parallel()
	files := newPEMFiles(t, newECDSAKey(t))
	s := start(t, append(files.args(), "-profile", "fapi2")...)
	assert.True(t, strings.HasPrefix(s.portal, "https://localhost:"), s.portal)
	res, page := get(t, files.client(), s.portal+"/login")
	assert.Equal(t, http.StatusOK, res.StatusCode)
	assert.True(t, strings.HasPrefix(res.Request.URL.String(), s.issuer+"/"))
	assert.Contains(t, page, "Health Portal")
	require.NoError(t, s.stop(), "idle HTTP/2 connections hold nothing up")
}

func TestCertificateIsReadAgainOnHangup(t *testing.T) {
	t.Parallel()
	files := newPEMFiles(t, newECDSAKey(t))
	before := files.roots()
	s := start(t, files.args()...)
	address := strings.TrimPrefix(s.issuer, "https://")
	shown := func(roots *x509.CertPool) bool {
		conn, err := tls.Dial("tcp", address, &tls.Config{RootCAs: roots})
		if err != nil {
			return false
		}
		conn.Close()
		return true
	}
	require.True(t, shown(before))
	hangup := func() {
		self, err := os.FindProcess(os.Getpid())
		require.NoError(t, err)
		require.NoError(t, self.Signal(syscall.SIGHUP))
	}

	after := files.write(newECDSAKey(t), time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	require.False(t, shown(after))
	hangup()
	for !shown(after) {
	}
	assert.False(t, shown(before))

	files.write(newECDSAKey(t), time.Now().Add(-2*time.Hour), time.Now().Add(-time.Hour))
	hangup()
	require.True(t, shown(after), "what is there stays when the new files are of no use")
	require.NoError(t, s.stop())
}

func TestUselessCertificateFilesKeepTheLastOnes(t *testing.T) {
	t.Parallel()
	files := newPEMFiles(t, newECDSAKey(t))
	c, err := readCertificate(files.cert, files.key)
	require.NoError(t, err)
	first := c.current.Load()
	require.NoError(t, os.WriteFile(files.key, []byte("half writ"), 0o600))
	assert.Error(t, c.read(time.Now()))
	assert.Same(t, first, c.current.Load())
}

func TestServerSaysWhatIsWrongWithTheCertificate(t *testing.T) {
	t.Parallel()
	good, other := newPEMFiles(t, newECDSAKey(t)), newPEMFiles(t, newECDSAKey(t))
	expired, early := newPEMFiles(t, newECDSAKey(t)), newPEMFiles(t, newECDSAKey(t))
	expired.write(newECDSAKey(t), time.Now().AddDate(0, 0, -9), time.Now().AddDate(0, 0, -2))
	early.write(newECDSAKey(t), time.Now().AddDate(0, 0, 2), time.Now().AddDate(0, 0, 9))
	missing := filepath.Join(t.TempDir(), "missing.pem")
	for name, test := range map[string]struct {
		cert, key string
		want      []string
	}{
		"no files":        {missing, missing, []string{"-tls-cert: open ", "-tls-key: open ", "no such file"}},
		"no key":          {good.cert, missing, []string{"-tls-key: open "}},
		"key of another":  {good.cert, other.key, []string{"do not go together", "private key does not match public key"}},
		"files swapped":   {good.key, good.cert, []string{"do not go together"}},
		"expired":         {expired.cert, expired.key, []string{"expired on " + time.Now().UTC().AddDate(0, 0, -2).Format(time.DateOnly)}},
		"not valid yet":   {early.cert, early.key, []string{"is not valid before "}},
		"one flag of two": {good.cert, "", []string{"-tls-cert and -tls-key need each other"}},
		"the other one":   {"", good.key, []string{"-tls-cert and -tls-key need each other"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := run(t.Context(), []string{"-listen", "127.0.0.1:0", "-portal-listen", "", "-tls-cert", test.cert, "-tls-key", test.key},
				env(nil), nil, nil, nil)
			for _, want := range test.want {
				assert.ErrorContains(t, err, want)
			}
		})
	}
}

func TestHTTPSIssuerNeedsSomebodyToTerminateTLS(t *testing.T) {
	t.Parallel()
	for want, args := range map[string][]string{
		"-issuer: for https give -tls-cert and -tls-key, or -trusted-proxies": {"-issuer", "https://id.example"},
		"-issuer: with -tls-cert it must be an https URL":                     {"-issuer", "http://localhost", "-tls-cert", "c", "-tls-key", "k"},
	} {
		_, err := parseConfig(args, env(nil))
		assert.ErrorContains(t, err, want)
	}
	_, err := parseConfig([]string{"-issuer", "https://id.example", "-trusted-proxies", "::1"}, env(nil))
	assert.NoError(t, err)
}
