package oauth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gosignet/signet/audit"
	"github.com/gosignet/signet/store"
)

// codeRecord is what an authorization code stands for.
type codeRecord struct {
	ClientID      string `json:"client_id"`
	RedirectURI   string `json:"redirect_uri,omitempty"`
	CodeChallenge string `json:"code_challenge,omitempty"`
	// Thumbprint is the key that alone can redeem the code, or empty.
	Thumbprint string `json:"jkt,omitempty"`
	Grant      Grant  `json:"grant"`
	// Resources are those that tokens for the code may be restricted to.
	Resources []string `json:"resource,omitempty"`
	// Token is the handle of the access token that the code was spent for. It is written with Spent, so that a replay can
	// revoke the token even while that is being stored.
	Token string `json:"token,omitempty"`
	// Spent says that the code was redeemed. The record then stays, with no more of the grant than its pseudonyms, for as
	// long as the token could live, so that a replay is told from a guess.
	Spent bool `json:"spent,omitempty"`
}

// Approve ends a login: the person grants the client what g says. The code is the handle under which the grant can be
// redeemed once; the caller mints it with [store.NewHandle] and keeps it with the login, so that repeating the call
// with the same code, after a lost answer, gives a response that says the same, and no second code. Once a response
// reached the browser the caller repeats the response, not the call: after the life of the code that would make a new one.
//
// A grant that is not as its fields say, or has a scope that was not requested, is an error.
func (s *Server) Approve(ctx context.Context, req *AuthorizationRequest, g Grant, code string) (*AuthorizationResponse, error) {
	var b store.Batch
	response, approved, err := s.ApproveIn(ctx, &b, req, g, code)
	if err != nil {
		return nil, err
	}
	b.Do(ctx)
	err = approved(ctx)
	if e, ok := errors.AsType[*Error](err); ok {
		return s.Deny(ctx, req, e, g.Transaction), nil
	}
	if err != nil {
		return nil, err
	}
	return response, nil
}

// ApproveIn is Approve in a batch. Nobody may get to see the response before the result is known to be no error. If that
// is an [*Error], another login with the same pushed request was completed first, and this one is to be denied with it.
func (s *Server) ApproveIn(
	ctx context.Context, b *store.Batch, req *AuthorizationRequest, g Grant, code string,
) (response *AuthorizationResponse, result func(context.Context) error, err error) {
	if err := checkGrant(req, &g); err != nil {
		return nil, nil, err
	}
	if response, err = s.response(ctx, req, url.Values{"code": {code}}); err != nil {
		return nil, nil, fmt.Errorf("oauth: sign the response: %w", err)
	}
	spent := s.spendRequestIn(b, req, g.Transaction)
	added := s.codes.AddIn(b, code, codeRecord{
		ClientID:      req.ClientID,
		RedirectURI:   req.RedirectURI,
		CodeChallenge: req.CodeChallenge,
		Thumbprint:    req.DPoPThumbprint,
		Grant:         g,
		Resources:     s.resources.granted(req.Resources, g.Scope),
	}, s.codeLifetime)
	return response, func(ctx context.Context) error {
		err := spent(ctx)
		if e, ok := errors.AsType[*Error](err); ok {
			if err := s.codes.Block(context.WithoutCancel(ctx), code, s.codeLifetime); err != nil {
				return fmt.Errorf("oauth: revoke the code: %w", err)
			}
			return e
		}
		if err != nil {
			return fmt.Errorf("oauth: spend the request_uri: %w", err)
		}
		err = added()
		if errors.Is(err, store.ErrExists) { // an earlier call stored it
			return nil
		}
		if err != nil {
			return fmt.Errorf("oauth: store the code: %w", err)
		}
		s.record(ctx, audit.Event{
			Type: audit.AuthorizationGranted, Outcome: audit.Success,
			ClientID: req.ClientID, Subject: g.Subject, Transaction: g.Transaction,
		})
		return nil
	}, nil
}

func checkGrant(req *AuthorizationRequest, g *Grant) error {
	if len(g.Subject) == 0 || len(g.Subject) > 255 || strings.ContainsFunc(g.Subject, func(r rune) bool { return r < ' ' || r > '~' }) {
		return errors.New("oauth: a grant needs a subject of 1 to 255 ASCII characters")
	}
	for _, scope := range g.Scope {
		if !slices.Contains(req.Scope, scope) {
			return errors.New("oauth: a grant has a scope that was not requested")
		}
	}
	if len(g.Data) > 0 && !json.Valid(g.Data) {
		return errors.New("oauth: the data of a grant is not JSON")
	}
	if req.RequestURI != "" && g.Transaction == "" {
		return errors.New("oauth: a grant for a pushed request needs a transaction")
	}
	return nil
}

// Deny ends a login with an error for the client. The transaction is the audit pseudonym of the login.
func (s *Server) Deny(ctx context.Context, req *AuthorizationRequest, e *Error, transaction string) *AuthorizationResponse {
	// Nothing was granted that could be granted twice. Another login may have spent it: that is why this one is denied.
	if err := s.SpendRequest(ctx, req, transaction); err != nil && AsError(err).internal() {
		s.logger.LogAttrs(ctx, slog.LevelWarn, "request_uri of a denied login could not be spent", slog.Any("error", err))
	}
	s.recordError(ctx, audit.Event{
		Type: audit.AuthorizationDenied, ClientID: req.ClientID, Transaction: transaction,
	}, e)
	return s.errorResponse(ctx, req, e)
}

// errorResponse tells the client about the error. If the response should be signed and cannot be, it goes unsigned: it
// grants nothing, and the person is not stuck with the provider.
func (s *Server) errorResponse(ctx context.Context, req *AuthorizationRequest, e *Error) *AuthorizationResponse {
	parameters := url.Values{"error": {string(e.Code)}}
	if description := e.description(); description != "" {
		parameters.Set("error_description", description)
	}
	response, err := s.response(ctx, req, parameters)
	if err != nil {
		s.logger.LogAttrs(ctx, slog.LevelError, "error response is not signed", slog.String("client_id", req.ClientID), slog.Any("error", err))
	}
	return response
}

// response adds what every authorization response carries: the issuer (RFC 9207) and the client's state. It is signed if
// the client asked for that; with an error comes the response unsigned.
func (s *Server) response(ctx context.Context, req *AuthorizationRequest, parameters url.Values) (*AuthorizationResponse, error) {
	parameters.Set("iss", s.issuer)
	if req.State != "" {
		parameters.Set("state", req.State)
	}
	response := &AuthorizationResponse{RedirectURI: req.RedirectURI, Mode: req.ResponseMode, Parameters: parameters}
	if !req.ResponseMode.signed() {
		return response, nil
	}
	var err error
	response.JWT, err = s.signResponse(ctx, req, parameters)
	return response, err
}

// tokenLifetime is how long a token for the grant lives from now on.
func (s *Server) tokenLifetime(g *Grant, now time.Time) time.Duration {
	if g.ExpiresAt.IsZero() {
		return s.accessTokenLifetime
	}
	return min(s.accessTokenLifetime, g.ExpiresAt.Sub(now).Truncate(time.Second))
}
