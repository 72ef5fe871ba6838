package oauth

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gosignet/signet/audit"
	"github.com/gosignet/signet/store"
)

// TokenHandler serves the token endpoint (RFC 6749 section 3.2).
func (s *Server) TokenHandler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !allow(w, r, http.MethodPost) {
			return
		}
		event := audit.Event{Type: audit.TokenIssued, Outcome: audit.Success}
		response, err := s.token(w, r, &event)
		if err != nil {
			e := AsError(err)
			s.recordError(r.Context(), event, e)
			writeError(w, r, e)
			return
		}
		s.record(r.Context(), event)
		writeJSON(w, http.StatusOK, response)
	})
}

// tokenResponse is the answer of RFC 6749 section 5.1 without the members of extensions.
type tokenResponse struct {
	AccessToken string `json:"access_token"`
	TokenType   string `json:"token_type"`
	ExpiresIn   int64  `json:"expires_in"`
	Scope       string `json:"scope,omitempty"`
}

// token exchanges a code. Everything is read and validated before anything is used up, and everything is used up before
// anything is signed: a wrong verifier burns nobody's code, an outage that shows in reading costs the client not even
// its assertion, and a lost race mints no token.
func (s *Server) token(w http.ResponseWriter, r *http.Request, event *audit.Event) ([]byte, error) {
	ctx := r.Context()
	f, err := readForm(w, r)
	if err != nil {
		return nil, err
	}
	a, err := s.verifyAssertion(ctx, r, f, s.endpoints.Token)
	if err != nil {
		*event = clientEvent(a)
		return nil, err
	}
	event.ClientID = a.client.ID
	request, err := readTokenRequest(f)
	if err != nil {
		return nil, err
	}
	held, err := s.codes.Hold(ctx, request.code)
	unknown := errors.Is(err, store.ErrNotFound)
	if err != nil && !unknown {
		return nil, err
	}
	var record codeRecord
	if !unknown {
		record = held.Value
	}
	own := !unknown && record.ClientID == a.client.ID
	bound := own && !record.Spent && record.Thumbprint != "" // a code that was spent is replayed, with whatever key
	proof, err := s.verifyProof(w, r, a.client, s.endpoints.Token, s.mustBind(a.client) || bound)
	if err != nil {
		return nil, err
	}
	if err := s.consume(ctx, a); err != nil {
		*event = clientEvent(a)
		return nil, err
	}
	s.record(ctx, clientEvent(a))
	if proof != nil {
		if err := proof.Consume(ctx); err != nil {
			return nil, proofError(w, err)
		}
	}
	if unknown {
		return nil, errCode(nil)
	}
	if !own {
		return nil, errCode(errors.New("the code is another client's"))
	}
	event.Subject, event.Transaction = record.Grant.Subject, record.Grant.Transaction
	now := s.now()
	if err := record.check(a.client, request, now); err != nil {
		return nil, err
	}
	if bound {
		if err := proof.CheckKey(record.Thumbprint); err != nil {
			return nil, proofError(w, err)
		}
	}
	if err := s.spend(ctx, held, event); err != nil {
		return nil, err
	}
	thumbprint := ""
	if proof != nil {
		thumbprint = proof.Thumbprint
	}
	return s.issue(ctx, a.client, &record, thumbprint, now)
}

// tokenRequest is what a client sends to redeem a code (RFC 6749 section 4.1.3, RFC 7636 section 4.5).
type tokenRequest struct{ code, redirectURI, verifier string }

func readTokenRequest(f form) (r tokenRequest, err error) {
	grantType, err := f.need("grant_type")
	if err != nil {
		return r, err
	}
	if grantType != "authorization_code" {
		return r, refuse(UnsupportedGrantType, "only the grant type authorization_code is supported")
	}
	if r.code, err = f.need("code"); err != nil {
		return r, err
	}
	if r.redirectURI, err = f.get("redirect_uri"); err != nil {
		return r, err
	}
	r.verifier, err = f.get("code_verifier")
	return r, err
}

// errCode is the answer to a code that is unknown, expired, used, or somebody else's: the client learns no more.
func errCode(cause error) *Error {
	return &Error{Code: InvalidGrant, Description: "the code is not valid", Cause: cause}
}

// check compares the client's request with what the code was issued for. Of a code that was spent nothing is left to
// compare with.
func (c *codeRecord) check(client *Client, r tokenRequest, now time.Time) error {
	verifier := r.verifier
	switch {
	case c.Spent:
		return nil
	case r.redirectURI != c.RedirectURI:
		return refuse(InvalidGrant, "redirect_uri is not that of the authorization request")
	case !slices.Contains(client.RedirectURIs, c.RedirectURI): // it may have fallen into wrong hands, and the code with it
		return errCode(errors.New("the redirect URI is not registered any more"))
	case !c.Grant.ExpiresAt.IsZero() && c.Grant.ExpiresAt.Sub(now) < time.Second: // a token lives whole seconds
		return errCode(errors.New("the grant has expired"))
	case c.CodeChallenge == "" && verifier != "": // somebody removed the challenge on the way (RFC 9700 section 4.8.2)
		return refuse(InvalidGrant, "code_verifier was sent for a code without a challenge")
	case c.CodeChallenge == "":
		return nil
	case verifier == "":
		return refuse(InvalidGrant, "code_verifier is missing")
	case !verifies(verifier, c.CodeChallenge):
		return refuse(InvalidGrant, "code_verifier is wrong")
	}
	return nil
}

// unreserved are the characters of a code verifier (RFC 7636 section 4.1).
const unreserved = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"

// verifies is RFC 7636 section 4.6 for S256.
func verifies(verifier, challenge string) bool {
	if len(verifier) < 43 || len(verifier) > 128 || strings.Trim(verifier, unreserved) != "" {
		return false
	}
	digest := sha256.Sum256([]byte(verifier))
	computed := base64.RawURLEncoding.EncodeToString(digest[:])
	return subtle.ConstantTimeCompare([]byte(computed), []byte(challenge)) == 1
}

var errSpent = errors.New("oauth: the code was spent before")

// spend uses a code up; of many callers one succeeds. To the others the code was replayed, and what it produced, or is
// about to produce, is revoked (RFC 6749 section 4.1.2), whether or not the caller waits for it.
func (s *Server) spend(ctx context.Context, held *store.Held[codeRecord], event *audit.Event) error {
	_, err := s.codes.UpdateHeldFor(ctx, held, s.accessTokenLifetime, func(c *codeRecord) error {
		if c.Spent {
			return errSpent
		}
		pseudonyms := Grant{Subject: c.Grant.Subject, Transaction: c.Grant.Transaction} // for the audit of a replay
		c.Spent, c.Grant, c.RedirectURI, c.CodeChallenge = true, pseudonyms, "", ""
		return nil
	})
	switch {
	case errors.Is(err, store.ErrNotFound): // it expired meanwhile
		return errCode(err)
	case !errors.Is(err, errSpent):
		return err
	}
	event.Type = audit.CodeReplayed
	if err := s.tokens.Block(context.WithoutCancel(ctx), held.Value.Token, s.accessTokenLifetime); err != nil {
		return fmt.Errorf("oauth: revoke the token of a replayed code: %w", err)
	}
	return errCode(err)
}

// issue makes the tokens of a code that was spent after now: the record of the code outlives the token. The access token
// is bound to the key with the thumbprint, unless it is empty.
func (s *Server) issue(
	ctx context.Context, client *Client, record *codeRecord, thumbprint string, now time.Time,
) ([]byte, error) {
	grant := &record.Grant
	lifetime := s.tokenLifetime(grant, now)
	now = now.Truncate(time.Second) // as a JWT says it, so that all say the same
	t := AccessToken{
		ClientID: client.ID, Grant: *grant, IssuedAt: now, ExpiresAt: now.Add(lifetime), DPoPThumbprint: thumbprint,
	}
	token, err := s.sign(ctx, s.accessTokenAlgorithm(client), &t, record.Token)
	if err != nil {
		return nil, fmt.Errorf("oauth: sign the access token: %w", err)
	}
	digest := sha256.Sum256([]byte(token))
	t.Digest = digest[:]
	exchange := Exchange{Client: client, Grant: grant, AccessToken: token, IssuedAt: now}
	if s.extension != nil {
		if err := s.extension.Extend(ctx, &exchange); err != nil {
			return nil, err
		}
	}
	t.Data, t.Grant.Data = exchange.Data, nil
	err = s.tokens.Add(ctx, record.Token, t, lifetime)
	if err != nil && !errors.Is(err, store.ErrExists) {
		return nil, fmt.Errorf("oauth: store the access token: %w", err)
	}
	if err != nil { // The code was replayed meanwhile: the token is dead already, and its owner will find out.
		s.logger.LogAttrs(ctx, slog.LevelWarn, "token revoked while it was issued", slog.String("client_id", client.ID))
	}
	return encodeTokenResponse(&tokenResponse{
		AccessToken: token,
		TokenType:   t.tokenType(),
		ExpiresIn:   int64(lifetime / time.Second),
		Scope:       strings.Join(grant.Scope, " "),
	}, exchange.Response)
}

func encodeTokenResponse(r *tokenResponse, extra map[string]string) ([]byte, error) {
	body, err := json.Marshal(r)
	if err != nil || len(extra) == 0 {
		return body, err
	}
	members, err := json.Marshal(extra)
	if err != nil {
		return nil, err
	}
	body[len(body)-1] = ','
	return append(body, members[1:]...), nil
}
