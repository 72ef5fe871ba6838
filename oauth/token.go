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
		response, err := s.IssueToken(w, r, Endpoint{URL: s.endpoints.Token})
		if err != nil {
			writeError(w, r, AsError(err))
			return
		}
		writeJSON(w, http.StatusOK, response)
	})
}

// IssueToken answers a request to the token endpoint that was called: with the JSON of RFC 6749 section 5.1, which the
// caller writes, or an error for [AsError]. It puts a nonce for DPoP into the header of the answer. [Server.TokenHandler]
// does no more.
func (s *Server) IssueToken(w http.ResponseWriter, r *http.Request, endpoint Endpoint) ([]byte, error) {
	event := audit.Event{Type: audit.TokenIssued, Outcome: audit.Success}
	response, err := s.token(w, r, endpoint, &event)
	if err != nil {
		s.recordError(r.Context(), event, AsError(err))
		return nil, err
	}
	s.record(r.Context(), event)
	return response, nil
}

// tokenResponse is the answer of RFC 6749 section 5.1 without the members of extensions.
type tokenResponse struct {
	AccessToken string `json:"access_token"`
	TokenType   string `json:"token_type"`
	ExpiresIn   int64  `json:"expires_in"`
	Scope       string `json:"scope,omitempty"`
}

// token exchanges a code, in two round trips to the store: the first reads the code and uses up what the client
// authenticated with, the second spends the code and stores the token. In between everything is validated and signed, so
// that a wrong verifier, and an outage before the last step, burn nobody's code. What was signed for a code that another
// request spent first is thrown away.
func (s *Server) token(w http.ResponseWriter, r *http.Request, endpoint Endpoint, event *audit.Event) ([]byte, error) {
	ctx := r.Context()
	f, err := readForm(w, r)
	if err != nil {
		return nil, err
	}
	a, err := s.verifyAssertion(ctx, r, f, endpoint)
	if err != nil {
		*event = clientEvent(a)
		return nil, err
	}
	event.ClientID = a.client.ID
	request, err := s.readTokenRequest(f)
	if err != nil {
		return nil, err
	}
	proof, err := s.verifyProof(w, r, a.client, endpoint, s.mustBind(a.client))
	if err != nil {
		return nil, err
	}
	var b store.Batch
	read, authenticated, proved := s.codes.HoldIn(&b, request.code), s.consumeIn(&b, a), nothing
	if proof != nil {
		proved = proof.ConsumeIn(&b)
	}
	b.Do(ctx)
	held, err := read()
	unknown := errors.Is(err, store.ErrNotFound)
	if err != nil && !unknown {
		return nil, err
	}
	if err := authenticated(); err != nil {
		*event = clientEvent(a)
		return nil, err
	}
	s.record(ctx, clientEvent(a))
	if err := proved(); err != nil {
		return nil, proofError(w, err)
	}
	if unknown {
		return nil, errCode(nil)
	}
	code := &held.Value
	if code.ClientID != a.client.ID {
		return nil, errCode(errors.New("the code is another client's"))
	}
	event.Subject, event.Transaction = code.Grant.Subject, code.Grant.Transaction
	if code.Spent { // and now replayed, with whatever verifier and key
		return nil, s.replayed(ctx, code.Token, event)
	}
	now := s.now()
	if err := code.check(a.client, request, now); err != nil {
		return nil, err
	}
	if code.Thumbprint != "" {
		if proof == nil {
			_, err := s.verifyProof(w, r, a.client, endpoint, true) // says what is missing
			return nil, err
		}
		if err := proof.CheckKey(code.Thumbprint); err != nil {
			return nil, proofError(w, err)
		}
	}
	thumbprint := ""
	if proof != nil {
		thumbprint = proof.Thumbprint
	}
	t := AccessToken{ClientID: a.client.ID, Grant: code.Grant, DPoPThumbprint: thumbprint}
	if t.Audience, t.Grant.Scope, err = s.target(request.resources, code); err != nil {
		return nil, err
	}
	return s.issue(ctx, a.client, held, t, now, event)
}

// tokenRequest is what a client sends to redeem a code (RFC 6749 section 4.1.3, RFC 7636 section 4.5).
type tokenRequest struct {
	code, redirectURI, verifier string
	resources                   []string
}

func (s *Server) readTokenRequest(f form) (r tokenRequest, err error) {
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
	if r.verifier, err = f.get("code_verifier"); err != nil {
		return r, err
	}
	r.resources, err = s.requestedResources(f)
	return r, err
}

// errCode is the answer to a code that is unknown, expired, used, or somebody else's: the client learns no more.
func errCode(cause error) *Error {
	return &Error{Code: InvalidGrant, Description: "the code is not valid", Cause: cause}
}

// check compares the client's request with what the code was issued for.
func (c *codeRecord) check(client *Client, r tokenRequest, now time.Time) error {
	verifier := r.verifier
	switch {
	case r.redirectURI != c.RedirectURI:
		return refuse(InvalidGrant, "redirect_uri is not that of the authorization request").about("redirect_uri")
	case !client.AcceptsRedirectURI(c.RedirectURI): // it may have fallen into wrong hands, and the code with it
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
	computed := base64.RawURLEncoding.AppendEncode(make([]byte, 0, 64), digest[:])
	return subtle.ConstantTimeCompare(computed, []byte(challenge)) == 1
}

var errSpent = errors.New("oauth: the code was spent before")

// replayed revokes what a code produced, or is about to produce, that somebody tries to redeem again (RFC 6749 section
// 4.1.2), whether or not the caller waits for it. The token is the handle of its record.
func (s *Server) replayed(ctx context.Context, token string, event *audit.Event) error {
	event.Type = audit.CodeReplayed
	if err := s.tokens.Block(context.WithoutCancel(ctx), token, s.accessTokenLifetime); err != nil {
		return fmt.Errorf("oauth: revoke the token of a replayed code: %w", err)
	}
	return errCode(errSpent)
}

// issue makes the tokens of a code, and spends it for them; of many callers one succeeds. The record of the code outlives
// the token, whose life began before. The access token is t, which has everything but its times.
func (s *Server) issue(
	ctx context.Context, client *Client, held *store.Held[codeRecord], t AccessToken, now time.Time, event *audit.Event,
) ([]byte, error) {
	grant := &held.Value.Grant
	lifetime := s.tokenLifetime(grant, now)
	now = now.Truncate(time.Second) // as a JWT says it, so that all say the same
	t.IssuedAt, t.ExpiresAt = now, now.Add(lifetime)
	handle := store.NewHandle()
	token, err := s.sign(ctx, s.accessTokenAlgorithm(client), &t, handle)
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
	if err := s.spend(ctx, held, handle, t, lifetime, event); err != nil {
		return nil, err
	}
	return encodeTokenResponse(&tokenResponse{
		AccessToken: token,
		TokenType:   t.tokenType(),
		ExpiresIn:   int64(lifetime / time.Second),
		Scope:       strings.Join(t.Grant.Scope, " "),
	}, exchange.Response)
}

// spend uses a code up and stores the token that it is spent for, whose handle is kept in place of the grant. A token
// whose code turns out to be another's is stored in vain: nobody ever gets to see it.
func (s *Server) spend(
	ctx context.Context, held *store.Held[codeRecord], handle string, t AccessToken, lifetime time.Duration, event *audit.Event,
) error {
	var b store.Batch
	produced := "" // by the request that was first
	spent := s.codes.UpdateHeldForIn(&b, held, s.accessTokenLifetime, func(c *codeRecord) error {
		if c.Spent {
			produced = c.Token
			return errSpent
		}
		pseudonyms := Grant{Subject: c.Grant.Subject, Transaction: c.Grant.Transaction} // for the audit of a replay
		*c = codeRecord{ClientID: c.ClientID, Thumbprint: c.Thumbprint, Grant: pseudonyms, Token: handle, Spent: true}
		return nil
	})
	added := s.tokens.AddIn(&b, handle, t, lifetime)
	ended := s.endedIn(&b, t.Grant.ID)
	b.Do(ctx)
	_, err := spent(ctx)
	switch {
	case errors.Is(err, errSpent):
		return s.replayed(ctx, produced, event)
	case errors.Is(err, store.ErrNotFound): // it expired meanwhile
		return errCode(err)
	case err != nil:
		return fmt.Errorf("oauth: spend the code: %w", err)
	}
	err = added()
	if errors.Is(err, store.ErrExists) { // The code was replayed meanwhile: the token is dead, and its owner will find out.
		s.logger.LogAttrs(ctx, slog.LevelWarn, "token revoked while it was issued", slog.String("client_id", t.ClientID))
		return nil
	}
	if err != nil {
		return fmt.Errorf("oauth: store the access token: %w", err)
	}
	if gone, err := ended(); err != nil {
		return fmt.Errorf("oauth: see whether the grant still stands: %w", err)
	} else if gone { // the token opens nothing
		return errCode(errEnded)
	}
	return nil
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
