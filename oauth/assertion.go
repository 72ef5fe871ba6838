package oauth

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/gosignet/signet/audit"
	"github.com/gosignet/signet/internal/jwt"
	"github.com/gosignet/signet/store"
)

const (
	assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

	// maxAssertionLifetime bounds exp and the age of iat, and with them how long a jti must be remembered.
	maxAssertionLifetime = time.Hour
	// clockSkew is how far ahead a client's clock may run: 10 seconds are to be accepted and more than 60 refused
	// (FAPI 2.0 Security Profile section 5.3.2.1).
	clockSkew = 15 * time.Second
	// freshAssertion is how old an assertion of a client that makes one for each request can look.
	freshAssertion = 2*clockSkew + 5*time.Second

	maxJTI = 256
)

// assertionTypes are the values of typ that a client assertion may have, mostly none. A JWT that says it is something
// else, such as a DPoP proof or a request object, was made with the client's key for another purpose (RFC 8725 section
// 3.11).
var assertionTypes = []string{"", "JWT", "client-authentication+jwt"}

// errClient is the answer to every failed client authentication: which check failed is for the log.
func errClient(cause error) *Error {
	return &Error{
		Code: InvalidClient, Description: "client authentication failed", Status: http.StatusUnauthorized, Cause: cause,
	}
}

// assertion is a client assertion that was found valid, but not yet used up. Of one that was refused there is only the
// client that it names, if it is a registered one.
type assertion struct {
	client    *Client
	jti       string
	expiresAt time.Time
	// acceptable is the earliest time at which it would have been accepted.
	acceptable time.Time
}

// verifyAssertion authenticates a client with private_key_jwt (RFC 7523 section 3, OpenID Connect Core section 9) at the
// endpoint with the URL. It leaves the assertion unused; see [Server.consumeIn].
func (s *Server) verifyAssertion(ctx context.Context, r *http.Request, f form, endpoint Endpoint) (*assertion, error) {
	if r.Header.Get("Authorization") != "" {
		return nil, errClient(errors.New("the request has an Authorization header"))
	}
	for _, name := range []string{"client_secret", "client_assertion_type", "client_assertion", "client_id"} {
		if _, err := f.get(name); err != nil {
			return nil, err
		}
	}
	text := f.values.Get("client_assertion")
	switch {
	case f.values.Get("client_secret") != "":
		return nil, errClient(errors.New("a client secret was sent"))
	case text == "":
		return nil, errClient(errors.New("no client assertion was sent"))
	case f.values.Get("client_assertion_type") != assertionType:
		return nil, errClient(errors.New("unknown client_assertion_type"))
	}
	token, err := jwt.Parse(text, s.algorithms)
	if err != nil {
		return nil, errClient(err)
	}
	// The claims are read before the signature is known to be right, for they name the client whose key can tell.
	claims, err := jwt.DecodeClaims(token.UnverifiedPayload())
	if err != nil {
		return nil, errClient(err)
	}
	client, err := s.client(ctx, claims.Subject)
	if errors.Is(err, ErrUnknownClient) {
		return nil, errClient(err)
	}
	if err != nil {
		return nil, err
	}
	a := &assertion{client: client}
	if token.Algorithm != client.AssertionAlgorithm {
		return a, errClient(errors.New("the assertion is signed with another algorithm than the registered one"))
	}
	if _, err := s.verify(ctx, client, token, errClient); err != nil {
		return a, err
	}
	if !slices.ContainsFunc(assertionTypes, token.HasType) {
		return a, errClient(errors.New("the JWT is of another type than a client assertion"))
	}
	if id := f.values.Get("client_id"); id != "" && id != client.ID {
		return a, errClient(errors.New("client_id is another client's"))
	}
	if err := s.checkAssertionClaims(client, claims, endpoint); err != nil {
		return a, errClient(err)
	}
	a.jti, a.expiresAt = claims.ID, claims.ExpiresAt
	if a.acceptable = claims.IssuedAt.Add(-clockSkew); claims.IssuedAt.IsZero() {
		a.acceptable = claims.ExpiresAt.Add(-maxAssertionLifetime - clockSkew)
	}
	return a, nil
}

func (s *Server) checkAssertionClaims(client *Client, c *jwt.Claims, endpoint Endpoint) error {
	now := s.now()
	switch {
	case c.Issuer != c.Subject:
		return errors.New("iss and sub differ")
	case s.profile(client).fapi2() && !c.Audience.Is(s.issuer):
		return errors.New("aud is not the issuer as a string")
	case len(c.Audience.Values) == 0 || slices.ContainsFunc(c.Audience.Values, func(a string) bool { return !s.isAudience(a, endpoint) }):
		// An assertion for others too could be replayed by them here, and by us there.
		return errors.New("aud is not just the issuer or the endpoint")
	case c.ExpiresAt.IsZero():
		return errors.New("exp is missing")
	case !now.Before(c.ExpiresAt):
		return errors.New("the assertion has expired")
	case c.ExpiresAt.Sub(now) > maxAssertionLifetime+clockSkew:
		return errors.New("exp is too far ahead")
	case !c.NotBefore.IsZero() && c.NotBefore.Sub(now) > clockSkew:
		return errors.New("nbf is in the future")
	case !c.IssuedAt.IsZero() && c.IssuedAt.Sub(now) > clockSkew:
		return errors.New("iat is in the future")
	case !c.IssuedAt.IsZero() && now.Sub(c.IssuedAt) > maxAssertionLifetime:
		return errors.New("iat is too long ago")
	case c.ID == "" || len(c.ID) > maxJTI:
		return errors.New("jti is missing or too long")
	}
	return nil
}

// isAudience reports whether the audience of an assertion is the server at the endpoint. RFC 9126 section 2 makes the URL
// of the token endpoint an audience at PAR too.
func (s *Server) isAudience(audience string, endpoint Endpoint) bool {
	if audience == "" {
		return false
	}
	return audience == s.issuer || audience == endpoint.URL || slices.Contains(endpoint.Audiences, audience) ||
		endpoint.URL == s.endpoints.PushedRequests && audience == s.endpoints.Token
}

// consumeIn uses an assertion up in a batch: its jti is accepted once per client, by one of all instances.
func (s *Server) consumeIn(b *store.Batch, a *assertion) (result func() error) {
	id := sha256.Sum256([]byte(a.client.ID + "\x00" + a.jti)) // a client_id has no NUL
	key := base64.RawURLEncoding.AppendEncode(append(make([]byte, 0, 64), "jti:"...), id[:])
	now := s.now()
	added := b.Queue(s.store, store.Operation{
		Verb: store.VerbAdd, Key: string(key), TTL: a.expiresAt.Sub(now) + clockSkew, Age: max(now.Sub(a.acceptable), time.Millisecond),
	})
	return func() error {
		switch {
		case errors.Is(added.Err, store.ErrExists):
			return errClient(errors.New("the assertion was used before"))
		case errors.Is(added.Err, store.ErrForgotten) && now.Sub(a.acceptable) > freshAssertion:
			// Trying again would not help. For one that was just made it may have been bad luck.
			return errClient(fmt.Errorf("the assertion may have been used before: %w", added.Err))
		}
		return added.Err
	}
}

// consume is consumeIn alone.
func (s *Server) consume(ctx context.Context, a *assertion) error {
	var b store.Batch
	result := s.consumeIn(&b, a)
	b.Do(ctx)
	return result()
}

// authenticate verifies a client assertion and uses it up, for endpoints that consume nothing else.
func (s *Server) authenticate(w http.ResponseWriter, r *http.Request, endpoint string) (*Client, form, error) {
	f, err := readForm(w, r)
	if err != nil {
		return nil, f, err
	}
	a, err := s.verifyAssertion(r.Context(), r, f, Endpoint{URL: endpoint})
	if err == nil {
		err = s.consume(r.Context(), a)
	}
	if err != nil {
		s.recordError(r.Context(), clientEvent(a), AsError(err))
		return nil, f, err
	}
	s.record(r.Context(), clientEvent(a))
	return a.client, f, nil
}

func clientEvent(a *assertion) audit.Event {
	e := audit.Event{Type: audit.ClientAuthenticated, Outcome: audit.Success}
	if a != nil {
		e.ClientID = a.client.ID
	}
	return e
}
