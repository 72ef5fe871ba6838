package oauth

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/gosignet/signet/audit"
	"github.com/gosignet/signet/dpop"
)

// introspection is the answer of RFC 7662 section 2.2.
type introspection struct {
	Active    bool     `json:"active"`
	Issuer    string   `json:"iss,omitempty"`
	ClientID  string   `json:"client_id,omitempty"`
	Subject   string   `json:"sub,omitempty"`
	Audience  []string `json:"aud,omitempty"`
	Scope     string   `json:"scope,omitempty"`
	TokenType string   `json:"token_type,omitempty"`
	Expiry    int64    `json:"exp,omitempty"`
	IssuedAt  int64    `json:"iat,omitempty"`
	AuthTime  int64    `json:"auth_time,omitempty"`
	ACR       string   `json:"acr,omitempty"`

	Confirmation *dpop.Confirmation `json:"cnf,omitempty"`
}

// IntrospectionHandler serves token introspection (RFC 7662) for the client that owns the token. To any other client
// the token is not active.
func (s *Server) IntrospectionHandler() http.Handler {
	return s.tokenEndpoint(audit.TokenIntrospected, s.endpoints.Introspection, s.introspect)
}

// RevocationHandler serves token revocation (RFC 7009) for the client that owns the token. A token that is unknown,
// expired or another client's is left alone, and the answer does not tell.
func (s *Server) RevocationHandler() http.Handler {
	return s.tokenEndpoint(audit.TokenRevoked, s.endpoints.Revocation, s.revoke)
}

func (s *Server) introspect(ctx context.Context, t *AccessToken, _ string) (any, error) {
	if t == nil {
		return introspection{}, nil
	}
	return introspection{
		Active:    true,
		Issuer:    s.issuer,
		ClientID:  t.ClientID,
		Subject:   t.Grant.Subject,
		Audience:  s.audienceOf(t),
		Scope:     strings.Join(t.Grant.Scope, " "),
		TokenType: t.tokenType(),
		Expiry:    t.ExpiresAt.Unix(),
		IssuedAt:  t.IssuedAt.Unix(),
		AuthTime:  numericDate(t.Grant.AuthTime),
		ACR:       t.Grant.ACR,

		Confirmation: t.confirmation(),
	}, nil
}

func (s *Server) revoke(ctx context.Context, t *AccessToken, handle string) (any, error) {
	if t == nil {
		return nil, nil
	}
	lifetime := t.ExpiresAt.Sub(s.now())
	if lifetime <= 0 {
		return nil, nil
	}
	return nil, s.tokens.Block(ctx, handle, lifetime)
}

// tokenEndpoint is what introspection and revocation share: an authenticated client sends a token, and do gets the live
// token that is this client's, or nil.
func (s *Server) tokenEndpoint(
	event audit.Type, endpoint string, do func(ctx context.Context, t *AccessToken, handle string) (any, error),
) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !allow(w, r, http.MethodPost) {
			return
		}
		ctx := r.Context()
		client, f, err := s.authenticate(w, r, endpoint)
		if err != nil {
			writeError(w, r, AsError(err))
			return
		}
		e := audit.Event{Type: event, Outcome: audit.Success, ClientID: client.ID}
		t, handle, err := s.ownToken(ctx, client, f)
		var response any
		if err == nil {
			if t != nil {
				e.Subject, e.Transaction = t.Grant.Subject, t.Grant.Transaction
			} else { // the client is not told, the auditor is
				e.Outcome, e.Reason = audit.Refused, string(InvalidToken)
			}
			response, err = do(ctx, t, handle)
		}
		if err != nil {
			s.recordError(ctx, e, AsError(err))
			writeError(w, r, AsError(err))
			return
		}
		s.record(ctx, e)
		if response == nil {
			noStore(w.Header())
			return
		}
		writeValue(w, http.StatusOK, response)
	})
}

func (s *Server) ownToken(ctx context.Context, client *Client, f form) (*AccessToken, string, error) {
	token, err := f.need("token")
	if err != nil {
		return nil, "", err
	}
	if _, err := f.get("token_type_hint"); err != nil {
		return nil, "", err
	}
	t, handle, err := s.lookUp(ctx, token)
	if e, ok := errors.AsType[*Error](err); ok && e.Code == InvalidToken {
		return nil, "", nil
	}
	if err != nil || t.ClientID != client.ID {
		return nil, "", err
	}
	return t, handle, nil
}
