package ida_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"sync"
	"sync/atomic"
	"time"
)

// began is when the clock of the tests begins.
var began = time.Date(2026, time.January, 31, 10, 15, 30, 123_000_000, time.UTC)

// clock is a clock that stands still.
type clock struct{ offset atomic.Int64 }

func (c *clock) now() time.Time          { return began.Add(time.Duration(c.offset.Load())) }
func (c *clock) advance(d time.Duration) { c.offset.Add(int64(d)) }

// identity is a key with its certificate.
type identity struct {
	key         *rsa.PrivateKey
	certificate *x509.Certificate
}

// The keys are expensive, so all tests share them.
var (
	partnerKey    = sync.OnceValue(func() identity { return newIdentity("partner", nil) })
	idaKey        = sync.OnceValue(func() identity { return newIdentity("IDA encryption", nil) })
	otherKey      = sync.OnceValue(func() identity { return newIdentity("another", nil) })
	idaSigningKey = sync.OnceValue(func() identity { return newIdentity("IDA signing", nil) })
	decryptionKey = sync.OnceValue(func() identity { return newIdentity("partner decryption", nil) })
	deviceRoot    = sync.OnceValue(func() identity { return newIdentity("devices", nil) })
	deviceKey     = sync.OnceValue(func() identity { root := deviceRoot(); return newIdentity("device", &root) })
)

func newIdentity(name string, issuer *identity) identity {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	must(err)
	return certify(name, key, issuer, began.AddDate(-1, 0, 0), began.AddDate(1, 0, 0))
}

func certify(name string, key *rsa.PrivateKey, issuer *identity, from, to time.Time) identity {
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(began.UnixNano()),
		Subject:               pkix.Name{CommonName: name},
		NotBefore:             from,
		NotAfter:              to,
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		BasicConstraintsValid: true,
		IsCA:                  issuer == nil,
	}
	parent, signer := template, crypto.Signer(key)
	if issuer != nil {
		parent, signer = issuer.certificate, issuer.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	must(err)
	certificate, err := x509.ParseCertificate(der)
	must(err)
	return identity{key, certificate}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
