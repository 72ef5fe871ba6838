package remote

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/gosignet/signet/internal/jwt"
	"github.com/gosignet/signet/keystore"
)

// tokenType is the typ of a token that signs a request, so that no other token of the same key is one.
const tokenType = "authenticator-request+jwt"

const (
	// lifetime is how long a signed request is good for: the way there.
	lifetime = time.Minute
	// skew is how much the clocks of both sides may differ.
	skew = 10 * time.Second
	// maxID bounds the jti.
	maxID = 128
)

var errSigning = errors.New("remote: the request cannot be signed")

// algorithmOf returns the algorithm that a key of this kind signs with here.
func algorithmOf(public crypto.PublicKey) (jose.SignatureAlgorithm, error) {
	alg := jose.EdDSA
	switch key := public.(type) {
	case *ecdsa.PublicKey:
		alg = jose.ES256
		if key != nil && key.Curve == elliptic.P384() {
			alg = jose.ES384
		}
	case *rsa.PublicKey:
		alg = jose.PS256
	case ed25519.PublicKey:
	default:
		return "", fmt.Errorf("remote: %T is no key for signatures", public)
	}
	if err := jwt.CheckKey(alg, public); err != nil {
		return "", fmt.Errorf("remote: %w", err)
	}
	return alg, nil
}

type signer struct{ key *keystore.Key }

func newSigner(s crypto.Signer) (*signer, error) {
	alg, err := algorithmOf(s.Public())
	if err != nil {
		return nil, err
	}
	key, err := keystore.NewKey(alg, s)
	if err != nil {
		return nil, err
	}
	return &signer{key}, nil
}

// requestClaims bind a token to one request.
type requestClaims struct {
	Method    string `json:"htm"`
	URL       string `json:"htu"`
	BodyHash  string `json:"bh"`
	IssuedAt  int64  `json:"iat"`
	ExpiresAt int64  `json:"exp"`
	ID        string `json:"jti"`
}

func (s *signer) sign(ctx context.Context, method, url string, body []byte, now time.Time) (string, error) {
	token, err := s.key.SignJSON(ctx, tokenType, requestClaims{
		Method: method, URL: url, BodyHash: bodyHash(body),
		IssuedAt: now.Unix(), ExpiresAt: now.Add(lifetime).Unix(), ID: rand.Text(),
	})
	if err != nil {
		return "", fmt.Errorf("%w: %w", errSigning, err)
	}
	return token, nil
}

func bodyHash(body []byte) string {
	sum := sha256.Sum256(body)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// verifier checks signed requests.
type verifier struct {
	keys []jose.JSONWebKey
	algs []jose.SignatureAlgorithm
	now  func() time.Time
}

func newVerifier(keys []crypto.PublicKey, now func() time.Time) (*verifier, error) {
	v := &verifier{now: now}
	var errs []error
	for i, key := range keys {
		alg, err := algorithmOf(key)
		if err != nil {
			errs = append(errs, fmt.Errorf("key %d: %w", i, err))
			continue
		}
		jwk := jose.JSONWebKey{Key: key, Algorithm: string(alg), Use: "sig"}
		thumbprint, err := jwk.Thumbprint(crypto.SHA256)
		if err != nil {
			errs = append(errs, fmt.Errorf("remote: key %d: %w", i, err))
		}
		jwk.KeyID = base64.RawURLEncoding.EncodeToString(thumbprint)
		v.keys = append(v.keys, jwk)
		v.algs = append(v.algs, alg)
	}
	return v, errors.Join(errs...)
}

var errToken = errors.New("remote: the token is not for this request")

// verify returns the jti of the token of a request, and when it need not be remembered any more.
func (v *verifier) verify(r *http.Request, url string, body []byte) (id string, until time.Time, err error) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || len(r.Header["Authorization"]) != 1 {
		return "", time.Time{}, errors.New("remote: no Bearer token")
	}
	parsed, err := jwt.Parse(token, v.algs)
	if err != nil {
		return "", time.Time{}, err
	}
	payload, err := parsed.Verify(v.keys)
	if err != nil {
		return "", time.Time{}, err
	}
	c, err := jwt.DecodeClaims(payload)
	if err != nil {
		return "", time.Time{}, err
	}
	method, methodErr := c.Text("htm")
	htu, urlErr := c.Text("htu")
	hash, hashErr := c.Text("bh")
	if err := errors.Join(methodErr, urlErr, hashErr, c.CheckTime(v.now(), skew)); err != nil {
		return "", time.Time{}, err
	}
	if !parsed.HasType(tokenType) || method != r.Method || htu != url ||
		subtle.ConstantTimeCompare([]byte(hash), []byte(bodyHash(body))) != 1 ||
		c.IssuedAt.IsZero() || c.ExpiresAt.IsZero() || c.ExpiresAt.Sub(c.IssuedAt) > lifetime || c.ID == "" || len(c.ID) > maxID {
		return "", time.Time{}, errToken
	}
	return c.ID, c.ExpiresAt.Add(skew), nil
}
