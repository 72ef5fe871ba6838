package idatest

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"math/big"
	"sync"
	"time"
)

// Identity is a key with its certificate.
type Identity struct {
	Key         *rsa.PrivateKey
	Certificate *x509.Certificate
}

// keyID is the kid of IDA's signatures.
func (i Identity) keyID() string {
	digest := sha256.Sum256(i.Key.N.Bytes())
	return base64.RawURLEncoding.EncodeToString(digest[:])
}

// The keys are expensive, so all servers of a process share them.
var (
	partner    = sync.OnceValue(func() Identity { return newIdentity("partner", nil) })
	encryption = sync.OnceValue(func() Identity { return newIdentity("IDA encryption", nil) })
	signing    = sync.OnceValue(func() Identity { return newIdentity("IDA signing", nil) })
	decryption = sync.OnceValue(func() Identity { return newIdentity("partner decryption", nil) })
	devices    = sync.OnceValue(func() Identity { return newIdentity("devices", nil) })
	device     = sync.OnceValue(func() Identity { root := devices(); return newIdentity("device", &root) })
)

// PartnerKey is the key of the partner: requests have to be signed with it.
func PartnerKey() Identity { return partner() }

// EncryptionKey is the one for which requests are encrypted.
func EncryptionKey() Identity { return encryption() }

// SigningKey is the one that signs claims.
func SigningKey() Identity { return signing() }

// DecryptionKey is the one for which claims are encrypted ([Server.Encrypted]).
func DecryptionKey() Identity { return decryption() }

// DeviceRoot is the authority of biometric devices.
func DeviceRoot() Identity { return devices() }

// DeviceKey is the key of a biometric device.
func DeviceKey() Identity { return device() }

// newIdentity makes a key with a certificate that is valid at any time that tests run at.
func newIdentity(name string, issuer *Identity) Identity {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	must(err)
	year := func(y int) time.Time { return time.Date(y, time.January, 1, 0, 0, 0, 0, time.UTC) }
	return Certify(name, key, issuer, year(2000), year(2100))
}

// Certify makes a certificate for a key, signed by the issuer or, if that is nil, by the key itself.
func Certify(name string, key *rsa.PrivateKey, issuer *Identity, from, to time.Time) Identity {
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: name},
		NotBefore:             from,
		NotAfter:              to,
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		BasicConstraintsValid: true,
		IsCA:                  issuer == nil,
	}
	parent, signer := template, crypto.Signer(key)
	if issuer != nil {
		parent, signer = issuer.Certificate, issuer.Key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	must(err)
	certificate, err := x509.ParseCertificate(der)
	must(err)
	return Identity{key, certificate}
}

// must is for what cannot fail.
func must(err error) {
	if err != nil {
		panic(err)
	}
}
