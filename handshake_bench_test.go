package signet_test

import (
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"
)

// BenchmarkHandshake is a new TLS 1.3 connection, with a P-256 certificate: what an instance that terminates TLS itself
// does for each browser beside the login, and the browser too, which is in cpu-ns/op as well.
func BenchmarkHandshake(b *testing.B) {
	key := benchKey(b, jose.ES256)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"id.example"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(b, err)
	certificate, err := x509.ParseCertificate(der)
	require.NoError(b, err)
	roots := x509.NewCertPool()
	roots.AddCert(certificate)
	server := &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS13}
	client := &tls.Config{RootCAs: roots, ServerName: "id.example", MinVersion: tls.VersionTLS13}
	start := cpuTime()
	for b.Loop() {
		near, far := net.Pipe()
		done := make(chan error, 1)
		go func() { done <- tls.Server(far, server).Handshake() }()
		conn := tls.Client(near, client)
		require.NoError(b, conn.Handshake())
		go conn.Read(make([]byte, 1)) // the server's tickets
		require.NoError(b, <-done)
		near.Close()
	}
	b.ReportMetric(float64(cpuTime()-start)/float64(b.N), "cpu-ns/op")
}
