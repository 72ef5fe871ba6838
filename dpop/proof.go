package dpop

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/gosignet/signet/store"
)

// Proof is a proof that fits its request. It is made by [Verifier.Verify], and is worth something once it is consumed.
type Proof struct {
	// Thumbprint is the RFC 7638 thumbprint of the key that made the proof, with SHA-256: the value of jkt and dpop_jkt.
	Thumbprint string
	// IssuedAt is the iat of the proof, by the client's clock.
	IssuedAt time.Time
	// ID is the jti of the proof.
	ID string
	// NextNonce belongs into the answer's DPoP-Nonce header field, unless it is empty: the nonce of the proof is still
	// good, and will not be for long. An answer with a nonce must not be cached.
	NextNonce string

	verifier *Verifier
	target   string
	remember time.Duration
	age      time.Duration // for how long it would have been accepted before
	fresh    bool          // it has a nonce of ours
}

// Consume uses the proof up: of many calls with one proof, on all instances that share the store, one succeeds. The
// others get an *[Error]. Any other error means that the store could not tell, and nothing may be done for the client.
func (p *Proof) Consume(ctx context.Context) error {
	var b store.Batch
	result := p.ConsumeIn(&b)
	b.Do(ctx)
	return result()
}

// ConsumeIn is Consume in a batch. What else is in the batch must be worth nothing to anybody if the result is an error.
func (p *Proof) ConsumeIn(b *store.Batch) (result func() error) {
	if p.verifier == nil {
		return func() error { return errors.New("dpop: the proof was not verified") }
	}
	// The jti is the last, for it may be anything; the others have no NUL.
	id := sha256.Sum256([]byte(p.Thumbprint + "\x00" + p.target + "\x00" + p.ID))
	key := base64.RawURLEncoding.AppendEncode(append(make([]byte, 0, 64), "dpop:"...), id[:])
	added := b.Queue(p.verifier.store, store.Operation{
		Verb: store.VerbAdd, Key: string(key), TTL: p.remember, Age: p.age,
	})
	return func() error { return consumed(added.Err) }
}

func consumed(err error) error {
	if errors.Is(err, store.ErrExists) {
		return refuse("the DPoP proof was used before", nil)
	}
	if err != nil {
		return fmt.Errorf("dpop: remember the proof: %w", err)
	}
	return nil
}

// CheckKey returns an *[Error] unless the proof is by the key with the thumbprint, to which a code or a token is bound.
func (p *Proof) CheckKey(thumbprint string) error {
	if !SameKey(p.Thumbprint, thumbprint) {
		return refuse("the DPoP proof is by another key", nil)
	}
	return nil
}

// Confirmation returns the cnf claim that binds a token to the proof's key.
func (p *Proof) Confirmation() Confirmation { return Confirmation{Thumbprint: p.Thumbprint} }

// Confirmation is the cnf claim of a bound token, and its member in the answer of introspection (RFC 9449 section 6).
type Confirmation struct {
	// Thumbprint is the thumbprint of the key to which the token is bound.
	Thumbprint string `json:"jkt"`
}

// Thumbprint returns the RFC 7638 thumbprint of a public key with SHA-256, in base64url.
func Thumbprint(key jose.JSONWebKey) (string, error) {
	if pub, ok := key.Key.(*ecdsa.PublicKey); ok && pub.Curve == elliptic.P256() { // that of nearly every proof
		return thumbprintP256(pub)
	}
	sum, err := key.Thumbprint(crypto.SHA256)
	if err != nil {
		return "", fmt.Errorf("dpop: thumbprint: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(sum), nil
}

// thumbprintP256 saves go-jose's making of JSON for the input of the hash (RFC 7638 section 3.2, RFC 7518 section 6.2.1).
func thumbprintP256(pub *ecdsa.PublicKey) (string, error) {
	point, err := pub.Bytes() // uncompressed: 4, x, y
	if err != nil {
		return "", fmt.Errorf("dpop: thumbprint: %w", err)
	}
	enc := base64.RawURLEncoding
	input := append(make([]byte, 0, 160), `{"crv":"P-256","kty":"EC","x":"`...)
	input = append(enc.AppendEncode(input, point[1:33]), `","y":"`...)
	input = append(enc.AppendEncode(input, point[33:]), `"}`...)
	sum := sha256.Sum256(input)
	return string(enc.AppendEncode(input[:0], sum[:])), nil
}

// ValidThumbprint reports whether the parameter dpop_jkt of an authorization request can be a thumbprint.
func ValidThumbprint(thumbprint string) bool {
	sum, err := base64.RawURLEncoding.Strict().DecodeString(thumbprint)
	return err == nil && len(sum) == sha256.Size && len(thumbprint) == base64.RawURLEncoding.EncodedLen(sha256.Size)
}

// SameKey reports in constant time whether two thumbprints are equal. An empty one is equal to none: what is bound to no
// key is not bound to this one.
func SameKey(a, b string) bool {
	return a != "" && subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1
}
