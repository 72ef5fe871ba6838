package authenticatortest

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"time"

	"github.com/gosignet/signet/authenticator"
)

// BindKey is the BindKey of a [authenticator.KeyBinder] that is made of a Method, for tests: whoever answers rightly gets a
// certificate of an authority that nobody trusts. What is no public key on P-256 is Unsupported.
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
	var k struct{ Kty, Crv, X, Y, D string }
	if err := json.Unmarshal(jwk, &k); err != nil || k.Kty != "EC" || k.Crv != "P-256" || k.D != "" {
		return nil, errors.New("authenticatortest: not a public key on P-256")
	}
	x, errX := base64.RawURLEncoding.DecodeString(k.X)
	y, errY := base64.RawURLEncoding.DecodeString(k.Y)
	key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), slices.Concat([]byte{4}, x, y))
	if err := errors.Join(errX, errY, err); err != nil {
		return nil, fmt.Errorf("authenticatortest: not a point of P-256: %w", err)
	}
	authority, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(0, 6, 0)}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key, authority)
	if err != nil {
		return nil, fmt.Errorf("authenticatortest: certifying a key: %w", err)
	}
	return certificate, nil
}
