package keystore

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
)

// ParsePrivateKeyPEM returns the private key in a PEM file, as OpenSSL and others write it: PKCS#8 ("PRIVATE KEY"), SEC
// 1 ("EC PRIVATE KEY", also with the "EC PARAMETERS" before it) or PKCS#1 ("RSA PRIVATE KEY"). An encrypted one is
// refused, and so is anything else beside the key. It is what [Importer] takes. Errors never hold parts of the key.
func ParsePrivateKeyPEM(data []byte) (crypto.PrivateKey, error) {
	block, rest := pem.Decode(data)
	if block != nil && block.Type == "EC PARAMETERS" {
		block, rest = pem.Decode(rest)
	}
	if block == nil {
		return nil, errors.New("keystore: no private key in PEM")
	}
	if len(bytes.TrimSpace(rest)) > 0 {
		return nil, errors.New("keystore: something follows the private key")
	}
	if block.Type == "ENCRYPTED PRIVATE KEY" || block.Headers["DEK-Info"] != "" {
		return nil, errors.New("keystore: the private key is encrypted; decrypt it first")
	}
	var key crypto.PrivateKey
	var err error
	switch block.Type {
	case "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	default:
		return nil, fmt.Errorf("keystore: the PEM block is a %q, not a private key", block.Type)
	}
	if err != nil {
		return nil, fmt.Errorf("keystore: parse the private key: %w", err)
	}
	return key, nil
}

// ParseCertificatesPEM returns the certificates in a PEM file, at least one, in their order. Anything else in it is
// refused.
func ParseCertificatesPEM(data []byte) ([]*x509.Certificate, error) {
	var chain []*x509.Certificate
	for len(bytes.TrimSpace(data)) > 0 {
		block, rest := pem.Decode(data)
		if block == nil {
			return nil, fmt.Errorf("keystore: something that is no PEM follows certificate %d", len(chain))
		}
		if block.Type != "CERTIFICATE" {
			return nil, fmt.Errorf("keystore: the PEM block is a %q, not a \"CERTIFICATE\"", block.Type)
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("keystore: parse certificate %d: %w", len(chain)+1, err)
		}
		chain, data = append(chain, certificate), rest
	}
	if len(chain) == 0 {
		return nil, errors.New("keystore: no certificate in PEM")
	}
	return chain, nil
}
