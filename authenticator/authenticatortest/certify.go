package authenticatortest

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/gosignet/signet/authenticator"
)

// BindKey is the BindKey of a [authenticator.KeyBinder] that is made of a Method, for tests: whoever answers rightly gets a
// certificate of an authority that nobody trusts. What is no public key is Unsupported.
func BindKey(ctx context.Context, m authenticator.Method, r *authenticator.KeyBindingRequest) (*authenticator.KeyBinding, error) {
	certificate, err := certify(r.Key)
	if err != nil {
		return nil, &authenticator.Error{Reason: authenticator.Unsupported, Err: err}
	}
	who, err := m.Authenticate(ctx, &r.Request)
	if err != nil {
		return nil, err
	}
	return &authenticator.KeyBinding{Identity: *who, Certificate: certificate}, nil
}

func certify(jwk json.RawMessage) ([]byte, error) {
	var key jose.JSONWebKey
	if err := json.Unmarshal(jwk, &key); err != nil || !key.Valid() || !key.IsPublic() {
		return nil, errors.New("authenticatortest: not a public key")
	}
	authority, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(0, 6, 0)}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Key, authority)
	if err != nil {
		return nil, fmt.Errorf("authenticatortest: certifying a key: %w", err)
	}
	return certificate, nil
}
