//go:build cgo

package pkcs11

import (
	"bytes"
	"context"
	"crypto"
	"crypto/x509"
	"fmt"
	"slices"

	p11 "github.com/miekg/pkcs11"
	"golang.org/x/crypto/cryptobyte"

	"github.com/gosignet/signet/keystore"
)

// maxChain is the length of the longest chain that is read.
const maxChain = 8

// SetCertificates implements [keystore.Vault]. All get the CKA_ID of the key. The new ones are written
// before the old ones are destroyed, so that the key is never without.
func (t *token) SetCertificates(ctx context.Context, id string, chain []*x509.Certificate) error {
	chain = slices.Clone(chain)
	_, err := write(ctx, t, func(s *session) (struct{}, error) {
		handle, err := s.findKey(id)
		if err != nil {
			return struct{}{}, err
		}
		public, err := s.public(handle)
		if err != nil {
			return struct{}{}, err
		}
		if err := keystore.CheckCertificates(public, chain); err != nil {
			return struct{}{}, err
		}
		values, err := s.attributes(handle, p11.CKA_ID, p11.CKA_LABEL)
		if err != nil {
			return struct{}{}, err
		}
		return struct{}{}, s.replaceChain(values[0], string(values[1]), chain)
	})
	return err
}

// signed reports whether the certificate was signed with the key of the issuer. It does not ask whether the issuer may.
func signed(c, issuer *x509.Certificate) bool {
	return bytes.Equal(c.RawIssuer, issuer.RawSubject) && issuer.CheckSignature(c.SignatureAlgorithm, c.RawTBSCertificate, c.Signature) == nil
}

func (s *session) replaceChain(id []byte, label string, chain []*x509.Certificate) error {
	old, err := s.find(certificate, attribute(p11.CKA_TOKEN, true), attribute(p11.CKA_ID, id))
	if err != nil {
		return err
	}
	var created []p11.ObjectHandle
	for _, c := range chain {
		var serial cryptobyte.Builder
		serial.AddASN1BigInt(c.SerialNumber)
		number, err := serial.Bytes()
		if err != nil {
			return fmt.Errorf("pkcs11: the serial number of a certificate: %w", err)
		}
		object, err := s.token.api.CreateObject(s.handle, []*p11.Attribute{certificate, attribute(p11.CKA_CERTIFICATE_TYPE, p11.CKC_X_509),
			attribute(p11.CKA_TOKEN, true), attribute(p11.CKA_PRIVATE, false), attribute(p11.CKA_ID, id), attribute(p11.CKA_LABEL, label),
			attribute(p11.CKA_SUBJECT, c.RawSubject), attribute(p11.CKA_ISSUER, c.RawIssuer), attribute(p11.CKA_SERIAL_NUMBER, number),
			attribute(p11.CKA_VALUE, c.Raw)})
		if err != nil {
			_ = s.destroyAll(created)
			if full(err) {
				return fmt.Errorf("%w: %w", keystore.ErrVaultFull, err)
			}
			return fmt.Errorf("pkcs11: store a certificate: %w", err)
		}
		created = append(created, object)
	}
	return s.destroyAll(old)
}

// chain returns the certificates that are beside the key with the CKA_ID: the newest for the key, its issuer, and so on.
// Certificates that do not belong to it are left out.
func (s *session) chain(id []byte, public crypto.PublicKey) ([]*x509.Certificate, error) {
	found, err := s.find(certificate, attribute(p11.CKA_TOKEN, true), attribute(p11.CKA_ID, id), attribute(p11.CKA_CERTIFICATE_TYPE, p11.CKC_X_509))
	if err != nil {
		return nil, err
	}
	var all, chain []*x509.Certificate
	for _, object := range found {
		values, err := s.attributes(object, p11.CKA_VALUE)
		if err != nil {
			return nil, err
		}
		if c, err := x509.ParseCertificate(values[0]); err == nil {
			all = append(all, c)
		}
	}
	slices.SortStableFunc(all, func(a, b *x509.Certificate) int { return b.NotBefore.Compare(a.NotBefore) })
	next := func(c *x509.Certificate) bool {
		key, ok := c.PublicKey.(interface{ Equal(crypto.PublicKey) bool })
		return ok && key.Equal(public)
	}
	for len(chain) < maxChain {
		i := slices.IndexFunc(all, next)
		if i < 0 {
			break
		}
		last := all[i]
		chain, all = append(chain, last), slices.Delete(all, i, i+1)
		next = func(c *x509.Certificate) bool { return signed(last, c) && !slices.ContainsFunc(chain, c.Equal) }
	}
	return chain, nil
}
