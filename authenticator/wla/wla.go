// Package wla verifies wallet local authentication: a JWT that is signed by a key in a person's wallet, which was bound to
// them and certified before.
//
// A [Method] belongs to the provider, not to the identity system. It looks up who the wallet is bound to ([Bindings]), and
// [authenticator.Recaller] says who that is today.
//
// The JWT is the one that eSignet's wallets make:
//
//	alg        one of Config.Algorithms
//	typ        absent or "JWT"
//	x5t#S256   required: the thumbprint of the certificate that was issued for the key
//	kid        may be absent; else the certificate's serial number, decimal
//	sub        the individual ID that the wallet is bound to
//	aud        Config.Audience, and nobody else
//	iss        required; any
//	iat, exp   required
//	jti        may be absent
//
// What an operator can rely on:
//
//   - A JWT counts once, on whichever instance, and for [Config.MaxAge] after it was made, whatever its exp says.
//   - The key comes from the binding. Nothing in the header chooses one that is not bound to the person: x5c, jwk, x5u and
//     jku are not looked at.
//   - A binding ends with its certificate.
//   - Someone who is not bound to a wallet is answered as someone whose JWT is wrong.
//   - Nothing of the JWT is logged or kept but a hash, by which a second use is known.
package wla

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/internal/jwt"
	"github.com/gosignet/signet/store"
)

// Binding is a wallet that is bound to a person.
type Binding struct {
	// Identity is who the person is to the identity system, as it said when the wallet was bound.
	Identity authenticator.Identity
	// Certificate was issued for the wallet's key. The binding ends with it.
	Certificate *x509.Certificate
}

// Bindings finds the wallets of a person.
type Bindings interface {
	// WalletBindings returns the bindings of the individual ID that are active: none for one that is not known. It is
	// asked for what strangers send.
	WalletBindings(ctx context.Context, individualID string) ([]Binding, error)
}

// Method verifies the JWTs of wallets. It is safe for concurrent use.
type Method struct {
	config Config
}

var _ authenticator.Method = (*Method)(nil)

// New returns a Method, or everything that is wrong with the configuration.
func New(c Config) (*Method, error) {
	c.setDefaults()
	if err := c.validate(); err != nil {
		return nil, err
	}
	return &Method{config: c}, nil
}

// Factors returns Wallet.
func (m *Method) Factors() []authenticator.Factor {
	return []authenticator.Factor{authenticator.Wallet}
}

// Authenticate verifies the one answer, a JWT, and returns the person whom the wallet is bound to, as the identity system
// knows them today. If the request has an Identifier, it must be the individual ID of the JWT.
func (m *Method) Authenticate(ctx context.Context, r *authenticator.Request) (*authenticator.Identity, error) {
	if len(r.Challenges) != 1 || r.Challenges[0].Factor != authenticator.Wallet {
		return nil, fail(authenticator.Unsupported, errors.New("wla: a request has one answer, a wallet's"))
	}
	token, err := jwt.Parse(r.Challenges[0].Response, m.config.Algorithms)
	if err != nil {
		return nil, wrong(err)
	}
	claims, err := jwt.DecodeClaims(token.UnverifiedPayload())
	if err != nil {
		return nil, wrong(err)
	}
	if err := m.check(token, claims, r.Identifier); err != nil {
		return nil, wrong(err)
	}
	binding, err := m.find(ctx, token, claims.Subject)
	if err != nil {
		return nil, err
	}
	if err := m.verify(token, binding); err != nil {
		return nil, wrong(err)
	}
	if err := m.consume(ctx, token, claims, binding); err != nil {
		return nil, err
	}
	return m.recall(ctx, &binding.Identity)
}

// check judges all that needs no key.
func (m *Method) check(token *jwt.Token, c *jwt.Claims, id authenticator.Identifier) error {
	now := m.config.Now()
	if err := c.CheckTime(now, skew); err != nil {
		return err
	}
	switch {
	case token.Type != "" && !token.HasType("JWT"):
		return errors.New("typ is another")
	case len(c.Audience.Values) != 1 || c.Audience.Values[0] != m.config.Audience:
		return errors.New("aud is not the provider alone")
	case c.Issuer == "":
		return errors.New("iss is missing")
	case c.ExpiresAt.IsZero():
		return errors.New("exp is missing")
	case c.IssuedAt.IsZero():
		return errors.New("iat is missing")
	case !now.Before(c.IssuedAt.Add(m.config.MaxAge + skew)):
		return errors.New("iat is too long ago")
	case len(c.ID) > maxJTI:
		return errors.New("jti is too long")
	case (authenticator.Identifier{Value: c.Subject}).Validate() != nil:
		return errors.New("sub is no individual ID")
	case id.Value != "" && id.Value != c.Subject:
		return errors.New("sub is another individual ID than the one of the request")
	}
	return nil
}

// find returns the binding whose certificate the header names.
func (m *Method) find(ctx context.Context, token *jwt.Token, individualID string) (*Binding, error) {
	encoded, err := token.HeaderText("x5t#S256")
	if err != nil {
		return nil, wrong(err)
	}
	thumbprint, err := base64.RawURLEncoding.Strict().DecodeString(encoded)
	if err != nil || len(thumbprint) != sha256.Size {
		return nil, wrong(errors.New("x5t#S256 is missing or no thumbprint"))
	}
	bindings, err := m.config.Bindings.WalletBindings(ctx, individualID)
	if err != nil {
		return nil, fmt.Errorf("wla: looking up bindings: %w", err)
	}
	for i := range bindings {
		if certificate := bindings[i].Certificate; certificate != nil {
			if sum := sha256.Sum256(certificate.Raw); subtle.ConstantTimeCompare(sum[:], thumbprint) == 1 {
				return &bindings[i], nil
			}
		}
	}
	return nil, wrong(errors.New("no wallet with this certificate is bound to the individual ID"))
}

func (m *Method) verify(token *jwt.Token, b *Binding) error {
	certificate := b.Certificate
	if now := m.config.Now(); now.Before(certificate.NotBefore) || now.After(certificate.NotAfter) {
		return errors.New("the certificate of the binding is not valid now")
	}
	_, err := token.Verify([]jose.JSONWebKey{{Key: certificate.PublicKey, KeyID: certificate.SerialNumber.String()}})
	if errors.Is(err, jwt.ErrUnknownKey) {
		return errors.New("kid is another certificate's, or alg another key's") // without the number, which names a person
	}
	return err
}

// consume uses the JWT up: it, or its jti, is accepted once for a wallet, by one of all instances.
func (m *Method) consume(ctx context.Context, token *jwt.Token, c *jwt.Claims, b *Binding) error {
	h := sha256.New()
	h.Write(b.Certificate.Raw)
	if c.ID != "" {
		fmt.Fprintf(h, "\njti %s", c.ID)
	} else {
		fmt.Fprintf(h, "\n%s", token.SigningInput())
	}
	now := m.config.Now()
	err := store.Do(ctx, m.config.Store, store.Operation{
		Verb: store.VerbAdd, Key: "wla:" + base64.RawURLEncoding.EncodeToString(h.Sum(nil)),
		TTL: c.IssuedAt.Add(m.config.MaxAge + 2*skew).Sub(now),
		Age: max(now.Sub(c.IssuedAt.Add(-skew)), time.Millisecond),
	})[0].Err
	if errors.Is(err, store.ErrExists) {
		return wrong(errors.New("the JWT was used before"))
	}
	if err != nil {
		return fail(authenticator.Unavailable, fmt.Errorf("wla: remembering a JWT: %w", err))
	}
	return nil
}

func (m *Method) recall(ctx context.Context, bound *authenticator.Identity) (*authenticator.Identity, error) {
	identity, err := m.config.Identities.Recall(ctx, bound)
	if err != nil {
		return nil, err
	}
	if identity == nil || identity.Subject != bound.Subject {
		return nil, fail(authenticator.Unavailable, errors.New("wla: the identity system recalled somebody else"))
	}
	return identity, nil
}

func fail(reason authenticator.Reason, cause error) *authenticator.Error {
	return &authenticator.Error{Reason: reason, Err: cause}
}

// wrong is the answer to every JWT that is not accepted: which check failed is for the log.
func wrong(cause error) error {
	return fail(authenticator.WrongCredentials, fmt.Errorf("wla: %w", cause))
}
