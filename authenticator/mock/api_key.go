package mock

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"time"

	"github.com/go-jose/go-jose/v4"
)

const (
	maxPartners  = 10_000
	keyLifetime  = 1095 * 24 * time.Hour
	maxPartnerID = 256
)

// signer signs claims.
type signer struct {
	jose.Signer
	id          string
	certificate *x509.Certificate
}

func newSigner(key *rsa.PrivateKey, now time.Time) (*signer, error) {
	jwk := jose.JSONWebKey{Key: key}
	thumbprint, err := jwk.Thumbprint(crypto.SHA256)
	if err != nil {
		return nil, fmt.Errorf("mock: %w", err)
	}
	jwk.KeyID = base64.RawURLEncoding.EncodeToString(thumbprint)
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: jwk}, nil)
	if err != nil {
		return nil, fmt.Errorf("mock: %w", err)
	}
	certificate := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "mock identity system"},
		NotBefore: now, NotAfter: now.Add(keyLifetime), KeyUsage: x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, certificate, certificate, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("mock: %w", err)
	}
	if certificate, err = x509.ParseCertificate(der); err != nil {
		return nil, fmt.Errorf("mock: %w", err)
	}
	return &signer{s, jwk.KeyID, certificate}, nil
}

func (s *signer) sign(payload any) (string, error) {
	data, err := json.Marshal(payload)
	if err != nil {
		return "", err
	}
	jws, err := s.Sign(data)
	if err != nil {
		return "", err
	}
	return jws.CompactSerialize()
}

// certificate is one of those with which what the API signs is verified.
type certificate struct {
	KeyID    string `json:"keyId"`
	PEM      string `json:"certificateData"`
	IssuedAt string `json:"issuedAt"`
	ExpiryAt string `json:"expiryAt"`
}

func (a *api) keys(*http.Request, []byte) (any, error) {
	c := a.signer.certificate
	return map[string][]certificate{"allCertificates": {{
		KeyID:    a.signer.id,
		PEM:      string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})),
		IssuedAt: c.NotBefore.UTC().Format(timeFormat),
		ExpiryAt: c.NotAfter.UTC().Format(timeFormat),
	}}}, nil
}

// partner is a relying party and its client.
type partner struct{ id, client string }

// partnerRequest registers the key to which claims for a client are encrypted.
type partnerRequest struct {
	PartnerID string `json:"partnerId"`
	ClientID  string `json:"clientId"`
	Key       string `json:"key"`
}

func (a *api) addPartner(_ *http.Request, body []byte) (any, error) {
	request, found, err := unwrap[partnerRequest](a, body)
	if err != nil {
		return nil, err
	}
	found.require(request.PartnerID, "request.partnerId", "invalid_partner_id")
	found.require(request.ClientID, "request.clientId", "invalid_client_id")
	found.require(request.Key, "request.key", invalidRequest)
	if len(request.PartnerID) > maxPartnerID {
		found.add("request.partnerId", "invalid_partner_id")
	}
	if len(request.ClientID) > maxPartnerID {
		found.add("request.clientId", "invalid_client_id")
	}
	if err := found.err(); err != nil {
		return nil, err
	}
	var key jose.JSONWebKey
	if key.UnmarshalJSON([]byte(request.Key)) != nil {
		return nil, problem(exchangeFailed)
	}
	if public, ok := key.Key.(*rsa.PublicKey); !ok || public.N.BitLen() < minRSA {
		return nil, problem(exchangeFailed)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	id := partner{request.PartnerID, request.ClientID}
	if _, ok := a.partners[id]; !ok && len(a.partners) >= maxPartners {
		return nil, problem(unknownError)
	}
	a.partners[id] = key
	return "Partner data saved successfully", nil
}

// encrypt makes a nested JWE of a JWS, for the client.
func (a *api) encrypt(to partner, jws string) (string, error) {
	a.mu.RLock()
	key, ok := a.partners[to]
	a.mu.RUnlock()
	if !ok {
		return "", errors.New("mock: the client has no key")
	}
	recipient := jose.Recipient{Algorithm: jose.RSA_OAEP_256, Key: key.Key, KeyID: key.KeyID}
	encrypter, err := jose.NewEncrypter(jose.A256GCM, recipient, (&jose.EncrypterOptions{}).WithContentType("JWT"))
	if err != nil {
		return "", err
	}
	jwe, err := encrypter.Encrypt([]byte(jws))
	if err != nil {
		return "", err
	}
	return jwe.CompactSerialize()
}
