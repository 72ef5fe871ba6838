package sender_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"log"
	"math/big"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/directory"
	"github.com/gosignet/signet/authenticator/sender"
)

const (
	code = "480269"
	// Generous, because they bound only tests that fail.
	testPatience = 30 * time.Second
	testTick     = 5 * time.Millisecond
)

// discard is for servers that are expected to complain.
var discard = log.New(io.Discard, "", 0)

var now = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

func clock() time.Time { return now }

// message is a code on its way that works for three minutes and a half.
func message(channel authenticator.Channel, address string, locales ...string) *directory.Message {
	return &directory.Message{
		Code: code, To: directory.Contact{Channel: channel, Address: address},
		ClientID: "health-portal", Locales: locales, ExpiresAt: now.Add(210 * time.Second),
	}
}

var texts = map[string]sender.Text{
	"en":    {Subject: "Your code", Body: "{{.Code}} is your code for {{.ClientID}}, for {{.Minutes}} minutes."},
	"km":    {Subject: "លេខកូដរបស់អ្នកសម្រាប់ចូលប្រើប្រាស់សេវាសាធារណៈ", Body: "លេខកូដ៖ {{.Code}}\nមានសុពលភាព {{.Minutes}} នាទី"},
	"pt-BR": {Subject: "Seu código", Body: "Código: {{.Code}}"},
}

// authority issues a certificate for 127.0.0.1 and localhost, and is what trusts it.
func authority(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "sender test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, IsCA: true, BasicConstraintsValid: true,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"localhost"},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	parsed, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}
