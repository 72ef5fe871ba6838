package main

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestTheReferenceServerConforms starts the reference server as an operator does, with TLS, sessions and the clients that
// "conform init" wrote, and runs the command on it: ordinary clients and FAPI clients side by side on one provider.
func TestTheReferenceServerConforms(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	server := filepath.Join(dir, "server")
	output, err := exec.CommandContext(t.Context(), "go", "build", "-o", server, "github.com/gosignet/signet/examples/server").CombinedOutput()
	require.NoError(t, err, "%s", output)
	certificate, key := writeCertificate(t, dir)
	address := freeAddress(t)
	issuer := "https://" + address

	status, _, errs := conform(t, "init", "-issuer", issuer, "-user", "2740198356", "-password", "signet-demo", "-out", dir)
	require.Equal(t, statusPassed, status, errs)
	command := exec.Command(server, "-listen", address, "-issuer", issuer, "-portal-listen", "", "-tls-cert", certificate, "-tls-key", key,
		"-sessions", "-attempts-per-person", "60000", "-attempts-per-address", "60000", "-clients", filepath.Join(dir, "clients.json"), "-log-level", "error")
	stdout, err := command.StdoutPipe()
	require.NoError(t, err)
	command.Stderr = os.Stderr
	require.NoError(t, command.Start())
	t.Cleanup(func() {
		command.Process.Signal(syscall.SIGTERM)
		command.Wait()
	})
	// The banner is written when the server listens.
	started := bufio.NewScanner(stdout)
	for started.Scan() && !strings.Contains(started.Text(), "is running") {
	}
	require.NoError(t, started.Err())

	status, out, errs := conform(t, "-config", filepath.Join(dir, "config.json"), "-ca", certificate, "-strict")
	require.Equal(t, statusPassed, status, "%s\n%s", out, errs)
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().String()
}

// writeCertificate writes a certificate for the loopback address that signs itself.
func writeCertificate(t *testing.T, dir string) (certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	require.NoError(t, err)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	certificate, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	require.NoError(t, os.WriteFile(certificate, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	require.NoError(t, os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}), 0o600))
	return certificate, key
}
