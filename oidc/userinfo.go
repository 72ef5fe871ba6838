package oidc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"

	"github.com/gosignet/signet/audit"
	"github.com/gosignet/signet/dpop"
	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/oauth"
)

// UserinfoResponse is a successful answer of the userinfo endpoint.
type UserinfoResponse struct {
	// ContentType is application/jwt or application/json.
	ContentType string
	Body        []byte
}

// retryAfter is when to come back after an outage, in seconds.
const retryAfter = "5"

// userinfoClaims are the claims that userinfo has by itself; iss and aud when it is signed (OpenID Connect Core section
// 5.3.2). There is no exp and no iat, without which nobody takes it for an ID Token.
type userinfoClaims struct {
	Issuer   string `json:"iss,omitempty"`
	Subject  string `json:"sub"`
	Audience string `json:"aud,omitempty"`
}

// Userinfo answers for a live access token: with a signed JWT, encrypted if its client is registered for that, or with
// JSON if the registration says so. The JWT is that of the identity system if there is one ([Config.AcceptOriginal]).
// A token without the scope openid is refused with insufficient_scope, one whose client is gone, or whose person the
// identity system no longer vouches for, with invalid_token. When the claims are to be fetched and the identity system does
// not answer, the error is temporarily_unavailable.
func (p *Provider) Userinfo(ctx context.Context, t *oauth.AccessToken) (*UserinfoResponse, error) {
	event := audit.Event{
		Time:        p.config.Now(),
		Type:        audit.ClaimsReleased,
		Outcome:     audit.Success,
		ClientID:    t.ClientID,
		Subject:     t.Grant.Subject,
		Transaction: t.Grant.Transaction,
	}
	response, err := p.userinfo(ctx, t)
	if err != nil {
		e := oauth.AsError(err)
		event.Outcome, event.Reason = audit.Refused, string(e.Code)
		if e.StatusCode() >= http.StatusInternalServerError {
			event.Outcome = audit.Failed
		}
	}
	p.config.Audit.Record(ctx, event)
	return response, err
}

func (p *Provider) userinfo(ctx context.Context, t *oauth.AccessToken) (*UserinfoResponse, error) {
	if !slices.Contains(t.Grant.Scope, ScopeOpenID) {
		return nil, &oauth.Error{Code: oauth.InsufficientScope, Description: "the access token lacks the scope openid"}
	}
	c, err := p.config.Clients.Client(ctx, t.ClientID)
	if errors.Is(err, oauth.ErrUnknownClient) {
		return nil, invalidToken(err)
	}
	if err != nil {
		return nil, fmt.Errorf("oidc: looking up the client: %w", err)
	}
	kept, err := p.kept(ctx, c, t)
	if err != nil {
		return nil, err
	}
	if isOriginal(kept) {
		return p.passOn(ctx, c, kept)
	}
	return p.sign(ctx, c, t.Grant.Subject, kept)
}

// passOn answers with what the identity system signed, which is encrypted to the client if that has not been done.
func (p *Provider) passOn(ctx context.Context, c *oauth.Client, kept json.RawMessage) (*UserinfoResponse, error) {
	var token string
	if err := json.Unmarshal(kept, &token); err != nil {
		return nil, fmt.Errorf("oidc: the access token carries no userinfo: %w", err)
	}
	if problem := p.problemOfOriginal(c, token); problem != "" { // it was fine when the client was registered otherwise
		return nil, invalidToken(errors.New("oidc: what the identity system signed: " + problem))
	}
	if !isEncrypted(token) {
		var err error
		if token, err = p.encrypt(ctx, c, c.UserinfoEncryption, token); err != nil {
			return nil, fmt.Errorf("oidc: encrypting userinfo: %w", err)
		}
	}
	return &UserinfoResponse{ContentType: "application/jwt", Body: []byte(token)}, nil
}

// sign answers with the claims, an object, as the client is registered for them.
func (p *Provider) sign(
	ctx context.Context, c *oauth.Client, subject string, claims json.RawMessage,
) (*UserinfoResponse, error) {
	own := userinfoClaims{Subject: subject}
	if !c.UserinfoJSON {
		own.Issuer, own.Audience = p.config.Issuer, c.ID
	}
	payload, err := json.Marshal(&own)
	if err != nil {
		return nil, fmt.Errorf("oidc: encoding userinfo: %w", err)
	}
	payload = joinObjects(payload, claims)
	if c.UserinfoJSON {
		return &UserinfoResponse{ContentType: "application/json", Body: payload}, nil
	}
	key, err := p.config.Keys.Signer(ctx, keystore.UserinfoSigning, p.userinfoAlgorithm(c))
	if err != nil {
		return nil, fmt.Errorf("oidc: signing userinfo: %w", err)
	}
	token, err := key.Sign(ctx, "JWT", payload)
	if err != nil {
		return nil, fmt.Errorf("oidc: signing userinfo: %w", err)
	}
	if token, err = p.encrypt(ctx, c, c.UserinfoEncryption, token); err != nil {
		return nil, fmt.Errorf("oidc: encrypting userinfo: %w", err)
	}
	return &UserinfoResponse{ContentType: "application/jwt", Body: []byte(token)}, nil
}

// UserinfoHandler is the userinfo endpoint (OpenID Connect Core section 5.3): GET and POST, with the access token in
// the Authorization header or in a form body, never in the URL (RFC 6750 section 2, RFC 9700 section 4.3.2). A token that
// is bound to a key is taken with a proof by this key and in no other way (RFC 9449 section 7). Errors are those of
// RFC 6750 section 3; when a backend fails, the status is 503, with Retry-After.
func (p *Provider) UserinfoHandler(tokens TokenSource) http.Handler {
	bound := p.boundTokens(tokens)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		if r.Method != http.MethodGet && r.Method != http.MethodPost {
			refuseMethod(w, "GET, POST")
			return
		}
		if bound != nil && hasScheme(r, dpop.Scheme) {
			bound.Handler(http.HandlerFunc(p.answerBound)).ServeHTTP(w, r)
			return
		}
		token, err := bearerToken(w, r)
		if err != nil {
			p.writeError(w, r, err)
			return
		}
		if token == "" && bound != nil {
			bound.Refuse(w, r, &dpop.Error{Description: "no access token"})
			return
		}
		if token == "" { // no error code: the client has not tried (RFC 6750 section 3.1)
			h.Set("WWW-Authenticate", "Bearer")
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		t, err := tokens.AccessToken(r.Context(), token)
		if err != nil {
			p.writeError(w, r, err)
			return
		}
		if t.DPoPThumbprint != "" {
			p.refuseBound(w, r, bound)
			return
		}
		p.answer(w, r, t)
	})
}

// answerBound answers a request that came with a bound token and its proof.
func (p *Provider) answerBound(w http.ResponseWriter, r *http.Request) {
	access, ok := dpop.FromContext(r.Context())
	if !ok {
		p.writeError(w, r, errors.New("oidc: the request came around the proof"))
		return
	}
	t, ok := access.Token.Claims.(*oauth.AccessToken)
	if !ok {
		p.writeError(w, r, errors.New("oidc: the request came without an access token"))
		return
	}
	p.answer(w, r, t)
}

func (p *Provider) answer(w http.ResponseWriter, r *http.Request, t *oauth.AccessToken) {
	response, err := p.Userinfo(r.Context(), t)
	if err != nil {
		p.writeError(w, r, err)
		return
	}
	w.Header().Set("Content-Type", response.ContentType)
	w.Write(response.Body)
}

// writeError answers as RFC 6750 section 3 and RFC 9449 section 7.1 want it.
func (p *Provider) writeError(w http.ResponseWriter, r *http.Request, err error) {
	e := oauth.AsError(err)
	scheme := "Bearer"
	if p.config.DPoP != nil && hasScheme(r, dpop.Scheme) {
		scheme = dpop.Scheme
	}
	challenge := scheme + ` error="` + string(e.Code) + `", error_description="` + e.Description + `"`
	status := http.StatusServiceUnavailable
	switch e.Code {
	case oauth.InvalidRequest:
		status = http.StatusBadRequest
	case oauth.InvalidToken:
		status = http.StatusUnauthorized
	case oauth.InsufficientScope:
		status = http.StatusForbidden
		challenge += `, scope="` + ScopeOpenID + `"`
	default:
		challenge = ""
		p.config.Logger.LogAttrs(r.Context(), slog.LevelError, "userinfo failed", slog.Any("error", e))
	}
	if challenge != "" {
		w.Header().Set("WWW-Authenticate", challenge)
	} else {
		w.Header().Set("Retry-After", retryAfter)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(struct {
		Code        oauth.ErrorCode `json:"error"`
		Description string          `json:"error_description,omitempty"`
	}{e.Code, e.Description})
}

func refuseMethod(w http.ResponseWriter, allowed string) {
	w.Header().Set("Allow", allowed)
	http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
}

func invalidToken(cause error) *oauth.Error {
	return &oauth.Error{
		Code:        oauth.InvalidToken,
		Description: "the access token is unknown, expired or revoked",
		Status:      http.StatusUnauthorized,
		Cause:       cause,
	}
}
