package wallet

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"time"

	"github.com/gosignet/signet/keystore"
)

// skew is how far the clock of whoever looks at a certificate may be behind.
const skew = 5 * time.Minute

// certify issues a certificate for a wallet's key. It names the wallet user ID and nobody. The chain is that of the authority.
func (b *Binder) certify(ctx context.Context, walletUserID string, public crypto.PublicKey) (*x509.Certificate, []*x509.Certificate, error) {
	authority, err := b.config.Keys.Signer(ctx, keystore.BindingCA, b.config.Algorithm)
	if err != nil {
		return nil, nil, fmt.Errorf("wallet: the authority: %w", err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127)) // RFC 5280 section 4.1.2.2
	if err != nil {
		return nil, nil, err
	}
	now := b.config.Now()
	template := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: walletUserID},
		NotBefore:             now.Add(-skew),
		NotAfter:              now.Add(b.config.Lifetime),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		BasicConstraintsValid: true,
	}
	chain := authority.Certificates()
	for _, c := range chain { // a certificate does not outlive the one that vouches for it
		if c.NotAfter.Before(template.NotAfter) {
			template.NotAfter = c.NotAfter
		}
	}
	if err := keystore.CheckCertificateTime(chain, now); err != nil {
		return nil, nil, fmt.Errorf("wallet: the authority: %w", err)
	}
	der, err := authority.CreateCertificate(ctx, template, public)
	if err != nil {
		return nil, nil, fmt.Errorf("wallet: issue a certificate: %w", err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, nil, fmt.Errorf("wallet: parse the certificate that was issued: %w", err)
	}
	return certificate, chain, nil
}
