package oauth

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/gosignet/signet/dpop"
	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/store"
)

const (
	// typeAccessToken is the typ of JWT access tokens (RFC 9068 section 2.1).
	typeAccessToken = "at+jwt"

	maxAccessToken = 8 << 10
)

// accessTokenClaims are the claims of RFC 9068 section 2.2.
type accessTokenClaims struct {
	Issuer   string   `json:"iss"`
	Subject  string   `json:"sub"`
	Audience []string `json:"aud"`
	Expiry   int64    `json:"exp"`
	IssuedAt int64    `json:"iat"`
	ID       string   `json:"jti"`
	ClientID string   `json:"client_id"`
	Scope    string   `json:"scope,omitempty"`
	AuthTime int64    `json:"auth_time,omitempty"`
	ACR      string   `json:"acr,omitempty"`
	AMR      []string `json:"amr,omitempty"`
	// GrantID names the grant, which may be ended with all its tokens.
	GrantID string `json:"grant_id,omitempty"`
	// Confirmation is the key that the token is bound to (RFC 9449 section 6.1).
	Confirmation *dpop.Confirmation `json:"cnf,omitempty"`
}

// sign makes the token. Its jti is the handle that opens its record, so that whoever holds the token, and nobody else,
// gives the provider access to what it stands for.
func (s *Server) sign(ctx context.Context, alg jose.SignatureAlgorithm, t *AccessToken, jti string) (string, error) {
	key, err := s.keys.Signer(ctx, keystore.TokenSigning, alg)
	if err != nil {
		return "", err
	}
	return key.SignJSON(ctx, typeAccessToken, accessTokenClaims{
		Issuer:       s.issuer,
		Subject:      t.Grant.Subject,
		Audience:     s.audienceOf(t),
		Expiry:       t.ExpiresAt.Unix(),
		IssuedAt:     t.IssuedAt.Unix(),
		ID:           jti,
		ClientID:     t.ClientID,
		Scope:        strings.Join(t.Grant.Scope, " "),
		AuthTime:     numericDate(t.Grant.AuthTime),
		ACR:          t.Grant.ACR,
		AMR:          t.Grant.AMR,
		GrantID:      t.Grant.ID,
		Confirmation: t.confirmation(),
	})
}

// audienceOf is the aud of the token.
func (s *Server) audienceOf(t *AccessToken) []string {
	if t.Audience == nil {
		return s.audience
	}
	return t.Audience
}

// confirmation is the cnf claim of the token, nil if it is bound to no key.
func (t *AccessToken) confirmation() *dpop.Confirmation {
	if t.DPoPThumbprint == "" {
		return nil
	}
	return &dpop.Confirmation{Thumbprint: t.DPoPThumbprint}
}

// tokenType is how the token is to be used (RFC 6749 section 7.1, RFC 9449 section 5).
func (t *AccessToken) tokenType() string {
	if t.DPoPThumbprint == "" {
		return "Bearer"
	}
	return dpop.Scheme
}

// numericDate is a date as a claim, 0 if it is not known.
func numericDate(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

// AccessToken returns the live token that was presented to an endpoint of the provider. A token that is unknown,
// expired, revoked, restricted to other resources or changed in any way is an *[Error] with the code invalid_token. Which client may use it, and for
// what, is for the endpoint to decide.
//
// The signature needs no verification: the record, which only the token's own jti opens, holds the digest of all of the
// token, the signature included. What has this digest is the token that the server signed.
func (s *Server) AccessToken(ctx context.Context, token string) (*AccessToken, error) {
	var b store.Batch
	result := s.AccessTokenIn(&b, token)
	b.Do(ctx)
	return result()
}

// AccessTokenIn is AccessToken in a batch.
func (s *Server) AccessTokenIn(b *store.Batch, token string) (result func() (*AccessToken, error)) {
	find := s.lookUpIn(b, token)
	return func() (*AccessToken, error) {
		t, _, err := find()
		if err == nil && !slices.ContainsFunc(s.audienceOf(t), func(aud string) bool { return slices.Contains(s.audience, aud) }) {
			return nil, errToken(errors.New("it is for other resources"))
		}
		return t, err
	}
}

func errToken(cause error) *Error {
	return &Error{
		Code: InvalidToken, Description: "the access token is not valid", Status: http.StatusUnauthorized, Cause: cause,
	}
}

// lookUp finds the record of a token, and the handle under which it is.
func (s *Server) lookUp(ctx context.Context, token string) (*AccessToken, string, error) {
	var b store.Batch
	result := s.lookUpIn(&b, token)
	b.Do(ctx)
	return result()
}

// lookUpIn is lookUp in a batch.
func (s *Server) lookUpIn(b *store.Batch, token string) (result func() (*AccessToken, string, error)) {
	handle, grant, ok := tokenNames(token)
	if !ok {
		return func() (*AccessToken, string, error) { return nil, "", errToken(errors.New("it is not one of ours")) }
	}
	read, ended := s.tokens.HoldIn(b, handle), s.endedIn(b, grant)
	return func() (*AccessToken, string, error) {
		held, err := read()
		if errors.Is(err, store.ErrNotFound) {
			return nil, "", errToken(err)
		}
		if err != nil {
			return nil, "", err
		}
		t := &held.Value
		if !s.now().Before(t.ExpiresAt) {
			return nil, "", errToken(errors.New("it has expired"))
		}
		digest := sha256.Sum256([]byte(token))
		if subtle.ConstantTimeCompare(digest[:], t.Digest) != 1 {
			return nil, "", errToken(errors.New("it was changed"))
		}
		if gone, err := ended(); err != nil {
			return nil, "", err
		} else if gone {
			return nil, "", errToken(errEnded)
		}
		return t, handle, nil
	}
}

// tokenNames reads the jti of a token, and what names its grant, without believing anything: that the token says so is
// known once its digest is.
func tokenNames(token string) (handle, grant string, ok bool) {
	if len(token) > maxAccessToken {
		return "", "", false
	}
	_, rest, _ := strings.Cut(token, ".")
	payload, _, ok := strings.Cut(rest, ".")
	if !ok {
		return "", "", false
	}
	decoded, err := base64.RawURLEncoding.DecodeString(payload)
	if err != nil {
		return "", "", false
	}
	var claims struct {
		ID      string `json:"jti"`
		GrantID string `json:"grant_id"`
	}
	if err := json.Unmarshal(decoded, &claims); err != nil {
		return "", "", false
	}
	return claims.ID, claims.GrantID, true
}
