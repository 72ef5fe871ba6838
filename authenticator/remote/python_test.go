package remote_test

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/remote"
)

const sample = "../../examples/remote-python"

// authority certifies both sides.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{key: must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, a.key.Public(), a.key)
	require.NoError(t, err)
	a.cert, err = x509.ParseCertificate(der)
	require.NoError(t, err)
	return a
}

func (a *authority) issue(t *testing.T, name string, usage x509.ExtKeyUsage) tls.Certificate {
	t.Helper()
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{usage}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}, a.cert, key.Public(), a.key)
	require.NoError(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func (a *authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

func writePEM(t *testing.T, path, kind string, der []byte) string {
	t.Helper()
	require.NoError(t, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
	return path
}

// startPython runs the sample and returns its URL, and what it writes to its standard error, to be read after stop.
func startPython(t *testing.T, a *authority) (url string, stop func() (stderr string)) {
	t.Helper()
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Fatal("python3 is missing, which runs examples/remote-python: install Python 3, or run \"make python\"")
	}
	dir := t.TempDir()
	server := a.issue(t, "people", x509.ExtKeyUsageServerAuth)
	key := must(x509.MarshalPKCS8PrivateKey(server.PrivateKey))
	cmd := exec.CommandContext(t.Context(), python, filepath.Join(sample, "server.py"), "--port", "0",
		"--cert", writePEM(t, filepath.Join(dir, "cert.pem"), "CERTIFICATE", server.Certificate[0]),
		"--key", writePEM(t, filepath.Join(dir, "key.pem"), "PRIVATE KEY", key),
		"--client-ca", writePEM(t, filepath.Join(dir, "ca.pem"), "CERTIFICATE", a.cert.Raw),
		"--people", filepath.Join(sample, "people.json"))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	stopped := false
	stop = func() string {
		if !stopped {
			stopped = true
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
		return stderr.String()
	}
	t.Cleanup(func() { stop() })
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatalf("the sample did not start: %s", stop())
	}
	port, ok := strings.CutPrefix(strings.TrimSpace(line), "listening on port ")
	require.True(t, ok, line)
	return "https://127.0.0.1:" + port, stop
}

func TestPythonSampleIsAnAuthenticator(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	url, stop := startPython(t, a)
	config := &tls.Config{
		RootCAs: a.pool(), Certificates: []tls.Certificate{a.issue(t, "provider", x509.ExtKeyUsageClientAuth)},
	}
	c, err := remote.New(t.Context(), remote.Config{BaseURL: url, TLS: config, Timeout: time.Minute})
	require.NoError(t, err)
	assert.Equal(t, []authenticator.Factor{authenticator.Password}, c.Factors())

	grace, err := c.Authenticate(t.Context(), login())
	require.NoError(t, err)
	assert.Equal(t, &authenticator.Identity{Subject: "person-2"}, grace)
	claims, err := c.Claims(t.Context(), claimsOf(*grace))
	require.NoError(t, err)
	assert.JSONEq(t, `"Grace Wanjiru Otieno"`, string(claims.Values["name"]))
	assert.NotContains(t, claims.Values, "email", "it was not asked for")

	dara, err := c.Claims(t.Context(), &authenticator.ClaimsRequest{
		Identity: authenticator.Identity{Subject: "person-3"}, Names: []string{"name"}, Locales: []string{"en"},
	})
	require.NoError(t, err)
	assert.JSONEq(t, `"សុខ ដារ៉ា"`, string(dara.Values["name"]))
	assert.JSONEq(t, `"Sok Dara"`, string(dara.Values["name#en"]))
	assert.Len(t, dara.Values, 2)

	wrong := login()
	wrong.Challenges[0].Response = "jacaranda-45"
	unknown := login()
	unknown.Identifier.Value = "0000000000"
	both := login()
	both.Challenges = append(both.Challenges, authenticator.Challenge{Factor: authenticator.Password, Response: "jacaranda-45"})
	for _, r := range []*authenticator.Request{wrong, unknown, both} {
		_, err := c.Authenticate(t.Context(), r)
		requireReason(t, err, authenticator.WrongCredentials)
	}
	pin := login()
	pin.Challenges[0].Factor = authenticator.PIN
	_, err = c.Authenticate(t.Context(), pin)
	requireReason(t, err, authenticator.Unsupported)
	_, err = c.Claims(t.Context(), claimsOf(authenticator.Identity{Subject: "person-9"}))
	requireReason(t, err, authenticator.Unavailable)
	noPersonalData(t, stop())
}

func TestPythonSampleSaysWhatIsDescribed(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	url, _ := startPython(t, a)
	traffic := newDescribed(t, &http.Transport{TLSClientConfig: &tls.Config{
		RootCAs: a.pool(), Certificates: []tls.Certificate{a.issue(t, "provider", x509.ExtKeyUsageClientAuth)},
	}})
	c, err := remote.New(t.Context(), remote.Config{BaseURL: url, Transport: traffic, Timeout: time.Minute})
	require.NoError(t, err)
	grace, err := c.Authenticate(t.Context(), login())
	require.NoError(t, err)
	_, err = c.Claims(t.Context(), claimsOf(*grace))
	require.NoError(t, err)
	wrong := login()
	wrong.Identifier.Value = "1"
	_, err = c.Authenticate(t.Context(), wrong)
	requireReason(t, err, authenticator.WrongCredentials)
}

func TestPythonSampleAnswersNobodyWithoutItsAuthoritysCertificate(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	url, _ := startPython(t, a)
	_, err := remote.New(t.Context(), remote.Config{BaseURL: url, Signer: key, TLS: &tls.Config{RootCAs: a.pool()}})
	require.Error(t, err)
	stranger := newAuthority(t).issue(t, "provider", x509.ExtKeyUsageClientAuth)
	_, err = remote.New(t.Context(), remote.Config{
		BaseURL: url, TLS: &tls.Config{RootCAs: a.pool(), Certificates: []tls.Certificate{stranger}},
	})
	require.Error(t, err)
	ours := a.issue(t, "provider", x509.ExtKeyUsageClientAuth)
	_, err = remote.New(t.Context(), remote.Config{BaseURL: url, TLS: &tls.Config{Certificates: []tls.Certificate{ours}}})
	require.ErrorContains(t, err, "certificate", "the server's authority is not known")
}
