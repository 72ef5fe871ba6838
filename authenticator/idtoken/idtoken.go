// Package idtoken verifies an ID Token of the provider itself, which lets a person go on as the one whom the provider knows
// from another login: with a sign-up portal to which it sent them in the middle of that one, and which now logs them in
// itself.
//
// The subject of such an ID Token says nothing of who the person is: whoever composes the provider has to know whom it
// stands for. [Identities] tells. A [login.Flow] with a Portal issues these ID Tokens and is one, but for its name.
//
// The handover belongs to one login. It has a nonce, which the ID Token has too: the one that the Flow begins the login
// with, or that of [Method.Challenge], which a portal then logs the person in with (OpenID Connect Core section 3.1.2.1). So
// nobody can bring into their own login what was issued to somebody else, or into somebody else's what was issued to them.
//
// What an operator can rely on:
//
//   - Only the provider's own keys verify; a certificate or key in the header is not looked at.
//   - Only ID Tokens count, not the access tokens, logout tokens and userinfo that the same keys sign, and only those that
//     were issued to one of the configured clients and to nobody else.
//   - The person logged in no longer than [Config.MaxAge] ago, and not by such a handover: these make no chain.
//   - An ID Token counts once, on whichever instance.
//   - Nothing of it is logged or kept but a hash, by which a second use is known.
//
// [login.Flow]: https://pkg.go.dev/github.com/gosignet/signet/login#Flow
package idtoken

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/internal/jwt"
	"github.com/gosignet/signet/store"
)

// Keys are the provider's own. A [github.com/gosignet/signet/keystore.Keystore] is one.
type Keys interface {
	// Keys returns the public keys that verify what the provider signed.
	Keys(ctx context.Context) ([]jose.JSONWebKey, error)
}

// Identities knows whom ID Tokens stand for.
type Identities interface {
	// Bearer returns the Identity, as it works now, of the person for whom the ID Token was issued. It is an
	// *[authenticator.Error] with the reason WrongCredentials when nobody is known, and Locked for a person who may not log in.
	Bearer(ctx context.Context, t *Token) (*authenticator.Identity, error)
}

// Token is what a verified ID Token says.
type Token struct {
	// ClientID is the audience.
	ClientID string
	Subject  string
	Nonce    string

	authTime time.Time
	hash     string
}

// Method verifies ID Tokens. It is safe for concurrent use.
type Method struct {
	config Config
}

var (
	_ authenticator.Method     = (*Method)(nil)
	_ authenticator.Challenger = (*Method)(nil)
)

// New returns a Method, or everything that is wrong with the configuration.
func New(c Config) (*Method, error) {
	c.setDefaults()
	if err := c.validate(); err != nil {
		return nil, err
	}
	return &Method{config: c}, nil
}

// Factors returns IDToken.
func (m *Method) Factors() []authenticator.Factor {
	return []authenticator.Factor{authenticator.IDToken}
}

// Challenge returns a JSON object with "nonce", which the sign-up portal is to log the person in with.
func (m *Method) Challenge(_ context.Context, r *authenticator.DeviceRequest) (*authenticator.Device, error) {
	if r.Factor != authenticator.IDToken {
		return nil, fail(authenticator.Unsupported, nil)
	}
	nonce := store.NewHandle()
	options, err := json.Marshal(map[string]string{"nonce": nonce})
	if err != nil {
		return nil, fmt.Errorf("idtoken: %w", err)
	}
	return &authenticator.Device{Options: options, State: []byte(nonce)}, nil
}

// Authenticate verifies the one answer, an ID Token in compact form, and returns the person whom it was issued for. It does
// not look at the Identifier.
func (m *Method) Authenticate(ctx context.Context, r *authenticator.Request) (*authenticator.Identity, error) {
	if len(r.Challenges) != 1 || r.Challenges[0].Factor != authenticator.IDToken {
		return nil, fail(authenticator.Unsupported, errors.New("idtoken: a request has one answer, an ID Token"))
	}
	answer := &r.Challenges[0]
	t, err := m.Read(ctx, answer.Response)
	switch {
	case err != nil:
		return nil, err
	case len(answer.State) == 0:
		return nil, wrong(errors.New("no handover was begun in this login"))
	case subtle.ConstantTimeCompare([]byte(t.Nonce), answer.State) != 1:
		return nil, wrong(errors.New("nonce is another login's"))
	}
	if err := m.consume(ctx, t); err != nil {
		return nil, err
	}
	identity, err := m.config.Identities.Bearer(ctx, t)
	if err != nil {
		return nil, err
	}
	if identity == nil || identity.Subject == "" {
		return nil, fail(authenticator.Unavailable, errors.New("idtoken: Identities returned nobody"))
	}
	return identity, nil
}

// Accepts reports whether ID Tokens count that were issued to the client.
func (m *Method) Accepts(clientID string) bool { return slices.Contains(m.config.Audience, clientID) }

// Read verifies an ID Token in compact form, in every way that does not need to know the login in which it is the answer. It
// does not use it up. An ID Token that does not count is an *[authenticator.Error] with the reason WrongCredentials.
func (m *Method) Read(ctx context.Context, compact string) (*Token, error) {
	token, err := jwt.Parse(compact, m.config.Algorithms)
	if err != nil {
		return nil, wrong(err)
	}
	if !token.HasType("JWT") {
		return nil, wrong(errors.New("typ is not that of an ID Token"))
	}
	keys, err := m.config.Keys.Keys(ctx)
	if err != nil {
		return nil, fmt.Errorf("idtoken: the provider's keys: %w", err)
	}
	payload, err := token.Verify(keys)
	if err != nil {
		return nil, wrong(err)
	}
	t, err := m.check(payload)
	if err != nil {
		return nil, wrong(err)
	}
	hash := sha256.Sum256([]byte(token.SigningInput()))
	t.hash = base64.RawURLEncoding.EncodeToString(hash[:])
	return t, nil
}

// check reads the payload of an ID Token of the provider.
func (m *Method) check(payload []byte) (*Token, error) {
	c, err := jwt.DecodeClaims(payload)
	if err != nil {
		return nil, err
	}
	now := m.config.Now()
	if err := c.CheckTime(now, skew); err != nil {
		return nil, err
	}
	nonce, err := c.Text("nonce")
	if err != nil {
		return nil, err
	}
	var authTime int64
	if json.Unmarshal(c.Member("auth_time"), &authTime) != nil || authTime <= 0 {
		return nil, errors.New("auth_time is missing")
	}
	var amr []string
	if member := c.Member("amr"); member != nil && json.Unmarshal(member, &amr) != nil {
		return nil, errors.New("amr is no list of names")
	}
	at := time.Unix(authTime, 0)
	switch {
	case c.Issuer != m.config.Issuer:
		return nil, errors.New("iss is another")
	case len(c.Audience.Values) != 1 || !m.Accepts(c.Audience.Values[0]):
		return nil, errors.New("aud is not a sign-up client alone")
	case c.Subject == "":
		return nil, errors.New("sub is missing")
	case c.ExpiresAt.IsZero() || c.IssuedAt.IsZero():
		return nil, errors.New("exp or iat is missing")
	case at.After(now.Add(skew)):
		return nil, errors.New("auth_time is in the future")
	case !now.Before(at.Add(m.config.MaxAge + skew)):
		return nil, errors.New("auth_time is too long ago")
	case slices.Contains(amr, string(authenticator.IDToken)):
		return nil, errors.New("the person was handed over before")
	}
	return &Token{ClientID: c.Audience.Values[0], Subject: c.Subject, Nonce: nonce, authTime: at}, nil
}

// consume uses the ID Token up: it is accepted once, by one of all instances.
func (m *Method) consume(ctx context.Context, t *Token) error {
	now := m.config.Now()
	err := store.Do(ctx, m.config.Store, store.Operation{
		Verb: store.VerbAdd, Key: "idt:" + t.hash,
		TTL: t.authTime.Add(m.config.MaxAge + 2*skew).Sub(now),
		Age: max(now.Sub(t.authTime.Add(-skew)), time.Millisecond),
	})[0].Err
	if errors.Is(err, store.ErrExists) {
		return wrong(errors.New("the ID Token was used before"))
	}
	if err != nil {
		return fail(authenticator.Unavailable, fmt.Errorf("idtoken: remembering an ID Token: %w", err))
	}
	return nil
}

func fail(reason authenticator.Reason, cause error) *authenticator.Error {
	return &authenticator.Error{Reason: reason, Err: cause}
}

// wrong is the answer to every ID Token that is not accepted: which check failed is for the log.
func wrong(cause error) error {
	return fail(authenticator.WrongCredentials, fmt.Errorf("idtoken: %w", cause))
}
