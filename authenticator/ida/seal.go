package ida

import (
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

const (
	sessionKeyBytes = 32
	// nonceBytes is IDA's choice. GCM takes it, though 12 is what everybody else uses.
	nonceBytes = 16
)

var base64url = base64.RawURLEncoding.Strict()

// sealed is a request that only IDA can open.
type sealed struct {
	Thumbprint string `json:"thumbprint"`
	Request    string `json:"request"`
	HMAC       string `json:"requestHMAC"`
	SessionKey string `json:"requestSessionKey"`
}

// seal encrypts a request under a key of its own, and that for the certificate. What the specification calls an HMAC is
// a digest, encrypted under the same key with another nonce.
func seal(request []byte, certificate *x509.Certificate) (*sealed, error) {
	public, ok := certificate.PublicKey.(*rsa.PublicKey)
	if !ok {
		return nil, errors.New("ida: the certificate has no RSA key")
	}
	key := make([]byte, sessionKeyBytes)
	rand.Read(key) // never fails: it ends the program instead
	defer clear(key)
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("ida: session key: %w", err)
	}
	aead, err := cipher.NewGCMWithNonceSize(block, nonceBytes)
	if err != nil {
		return nil, fmt.Errorf("ida: session key: %w", err)
	}
	encryptedKey, err := rsa.EncryptOAEP(sha256.New(), rand.Reader, public, key, nil)
	if err != nil {
		return nil, fmt.Errorf("ida: encrypt the session key: %w", err)
	}
	return &sealed{
		Thumbprint: thumbprint(certificate),
		Request:    base64url.EncodeToString(encrypt(aead, request)),
		HMAC:       base64url.EncodeToString(encrypt(aead, fmt.Appendf(nil, "%X", sha256.Sum256(request)))),
		SessionKey: base64url.EncodeToString(encryptedKey),
	}, nil
}

// encrypt returns the ciphertext, the tag and then the nonce, which others put first.
func encrypt(aead cipher.AEAD, plaintext []byte) []byte {
	nonce := make([]byte, nonceBytes)
	rand.Read(nonce)
	return append(aead.Seal(nil, nonce, plaintext, nil), nonce...)
}

func thumbprint(certificate *x509.Certificate) string {
	digest := sha256.Sum256(certificate.Raw)
	return base64url.EncodeToString(digest[:])
}

// signatory signs the bodies of requests.
type signatory struct {
	signer crypto.Signer
	header string // the protected header, encoded
}

func newSignatory(signer crypto.Signer, certificate *x509.Certificate, keyID string) (*signatory, error) {
	header, err := json.Marshal(struct {
		Algorithm    string   `json:"alg"`
		KeyID        string   `json:"kid,omitempty"`
		Certificates [][]byte `json:"x5c"` // in the base64 of encoding/json, which is the one of x5c
	}{"RS256", keyID, [][]byte{certificate.Raw}})
	if err != nil {
		return nil, fmt.Errorf("ida: signature header: %w", err)
	}
	return &signatory{signer, base64url.EncodeToString(header)}, nil
}

// sign returns the detached JWS of a body (RFC 7515, appendix F).
func (s *signatory) sign(body []byte) (string, error) {
	digest := sha256.New()
	io.WriteString(digest, s.header+"."+base64url.EncodeToString(body))
	signature, err := s.signer.Sign(rand.Reader, digest.Sum(nil), crypto.SHA256)
	if err != nil {
		return "", fmt.Errorf("ida: sign the request: %w", err)
	}
	return s.header + ".." + base64url.EncodeToString(signature), nil
}
