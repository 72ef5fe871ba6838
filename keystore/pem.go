package keystore

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"

	"github.com/go-jose/go-jose/v4"
)

// ParsePEM makes a key of an unencrypted PKCS#8 private key in PEM (RFC 7468: "BEGIN PRIVATE KEY"), as written by
// "openssl genpkey". There must be exactly one PEM block, and its key must fit the algorithm; see [NewKey]. Errors
// never hold parts of the key.
func ParsePEM(data []byte, alg jose.SignatureAlgorithm) (*Key, error) {
	block, rest := pem.Decode(data)
	if block == nil {
		return nil, errors.New("keystore: no PEM block")
	}
	if len(bytes.TrimSpace(rest)) > 0 {
		return nil, errors.New("keystore: something follows the first PEM block")
	}
	switch block.Type {
	case "PRIVATE KEY":
	case "EC PRIVATE KEY", "RSA PRIVATE KEY":
		return nil, fmt.Errorf("keystore: the PEM block is an %q; convert it to PKCS#8 with \"openssl pkcs8 -topk8 -nocrypt\"", block.Type)
	case "ENCRYPTED PRIVATE KEY":
		return nil, errors.New("keystore: the private key is encrypted; decrypt it first")
	default:
		return nil, fmt.Errorf("keystore: the PEM block is a %q, not a \"PRIVATE KEY\"", block.Type)
	}
	private, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("keystore: parse PKCS#8: %w", err)
	}
	signer, ok := private.(crypto.Signer)
	if !ok {
		return nil, errors.New("keystore: the private key does not sign")
	}
	return NewKey(alg, signer)
}
