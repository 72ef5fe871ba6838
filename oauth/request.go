package oauth

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/gosignet/signet/audit"
)

const (
	maxState      = 2048
	maxScope      = 2048
	maxIdentifier = 256
	// challengeLength is that of SHA-256 in base64url (RFC 7636 section 4.2).
	challengeLength = 43
)

// AuthorizationHandler serves the authorization endpoint (RFC 6749 section 3.1), by GET and POST. A request is validated
// and handed to the interaction. An error goes to the client if its redirect URI could be verified, and to the person
// otherwise.
func (s *Server) AuthorizationHandler(interaction Interaction) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !allow(w, r, http.MethodGet, http.MethodPost) {
			return
		}
		var f form
		var err error
		switch r.Method {
		case http.MethodGet:
			f, err = parseForm(r.URL.RawQuery)
		case http.MethodPost:
			f, err = readForm(w, r)
		}
		if err != nil {
			s.refuseRequest(w, r, interaction, nil, AsError(err))
			return
		}
		if s.isPushed(f) {
			if err := s.beginPushed(w, r, interaction, f); err != nil {
				s.refuseRequest(w, r, interaction, nil, AsError(err))
			}
			return
		}
		req, err := s.authorizationRequest(r.Context(), f)
		if err != nil {
			s.refuseRequest(w, r, interaction, req, AsError(err))
			return
		}
		interaction.Begin(w, r, req)
	})
}

// Request returns the valid authorization request that the parameters make, which may be the name of a pushed one. It is
// for faces to which requests come otherwise than to [Server.AuthorizationHandler]; an [*Error] is for the person: nothing
// is said to the client.
func (s *Server) Request(ctx context.Context, parameters url.Values) (*AuthorizationRequest, error) {
	req, err := s.request(ctx, form{values: parameters})
	if err != nil {
		s.recordError(ctx, audit.Event{Type: audit.AuthorizationRequested}, AsError(err))
		return nil, err
	}
	return req, nil
}

func (s *Server) request(ctx context.Context, f form) (*AuthorizationRequest, error) {
	if !s.isPushed(f) {
		return s.authorizationRequest(ctx, f)
	}
	uri, err := f.need("request_uri")
	if err != nil {
		return nil, err
	}
	client, err := s.requestClient(ctx, f)
	if err != nil {
		return nil, err
	}
	return s.pushedRequest(ctx, client, uri)
}

// isPushed reports whether the parameters name a pushed request.
func (s *Server) isPushed(f form) bool {
	return s.pushed != nil && strings.HasPrefix(f.values.Get("request_uri"), RequestURIPrefix)
}

// refuseRequest tells the client, if there is a request with a redirect URI that is the client's own, and otherwise the
// person.
func (s *Server) refuseRequest(w http.ResponseWriter, r *http.Request, i Interaction, req *AuthorizationRequest, e *Error) {
	event := audit.Event{Type: audit.AuthorizationRequested}
	if req == nil {
		s.recordError(r.Context(), event, e)
		i.ShowError(w, r, e)
		return
	}
	event.ClientID = req.ClientID
	s.recordError(r.Context(), event, e)
	s.errorResponse(r.Context(), req, e).Write(w)
}

// authorizationRequest validates in an order in which nothing is said to a client before its redirect URI is known to
// be its own. An error after that comes with the request, as far as the response needs it.
func (s *Server) authorizationRequest(ctx context.Context, f form) (*AuthorizationRequest, error) {
	client, err := s.requestClient(ctx, f)
	if err != nil {
		return nil, err
	}
	if f, err = s.openRequestObject(ctx, client, f); err != nil {
		return nil, err
	}
	req, err := requestTarget(client, f)
	if err != nil {
		return nil, err
	}
	if s.mustPush(client) {
		if err := s.readAnswer(client, req, f); err != nil {
			return req, err
		}
		return req, refuse(InvalidRequest, "the client must push its authorization requests")
	}
	return s.checkRequest(ctx, client, req, f)
}

// checkRequest reads and validates what is left of a request whose client and redirect URI are known.
func (s *Server) checkRequest(ctx context.Context, client *Client, req *AuthorizationRequest, f form) (_ *AuthorizationRequest, err error) {
	if err := s.readAnswer(client, req, f); err != nil {
		return req, err
	}
	if err := checkUnsupported(f); err != nil {
		return req, err
	}
	if s.mustSign(client) && f.object == nil {
		return req, refuse(InvalidRequest, "the client must send its authorization requests in signed request objects")
	}
	if err := checkResponseType(f); err != nil {
		return req, err
	}
	if req.Scope, err = s.requestedScope(client, f); err != nil {
		return req, err
	}
	if req.Resources, err = s.requestedResources(f); err != nil {
		return req, err
	}
	if req.CodeChallenge, err = codeChallenge(client, f); err != nil {
		return req, err
	}
	if req.DPoPThumbprint, err = s.codeKey(f); err != nil {
		return req, err
	}
	if s.extension != nil {
		for _, name := range s.parameters {
			value, err := f.get(name)
			if err != nil {
				return req, err
			}
			if value == "" {
				continue
			}
			if req.Parameters == nil {
				req.Parameters = make(map[string]string)
			}
			req.Parameters[name] = value
		}
		if err := s.extension.CheckRequest(ctx, client, req); err != nil {
			return req, err
		}
	}
	return req, nil
}

// requestClient finds the client that the request names.
func (s *Server) requestClient(ctx context.Context, f form) (*Client, error) {
	id, err := f.need("client_id")
	if err != nil {
		return nil, err
	}
	client, err := s.client(ctx, id)
	if errors.Is(err, ErrUnknownClient) {
		return nil, refuse(InvalidRequest, "client_id names no active client").about("client_id")
	}
	return client, err
}

// requestTarget makes sure that the redirect URI is one of the client's own.
func requestTarget(client *Client, f form) (*AuthorizationRequest, error) {
	redirectURI, err := f.need("redirect_uri")
	if err != nil {
		return nil, err
	}
	if !client.AcceptsRedirectURI(redirectURI) {
		return nil, refuse(InvalidRequest, "redirect_uri is not registered for this client").about("redirect_uri")
	}
	return &AuthorizationRequest{ClientID: client.ID, RedirectURI: redirectURI}, nil
}

// readAnswer reads what the answer to the request needs beside the redirect URI, an error too. What of it cannot be read
// is left out.
func (s *Server) readAnswer(client *Client, req *AuthorizationRequest, f form) error {
	modeErr := s.readResponseMode(client, req, f)
	state, err := f.get("state")
	switch {
	case err != nil:
		return err
	case len(state) > maxState:
		return refuse(InvalidRequest, "state is too long")
	case !req.ResponseMode.carries(state):
		return refuse(InvalidRequest, "state has characters that a form cannot carry")
	}
	req.State = state
	return modeErr
}

// checkUnsupported refuses what other specifications would have us obey rather than ignore.
func checkUnsupported(f form) error {
	for _, p := range []struct {
		name string
		code ErrorCode
	}{
		{"request", RequestNotSupported},
		{"request_uri", RequestURINotSupported},
		{"registration", RegistrationNotSupported},
	} {
		value, err := f.get(p.name)
		if err != nil {
			return err
		}
		if value != "" {
			return refuse(p.code, "the parameter "+p.name+" is not supported")
		}
	}
	return nil
}

func checkResponseType(f form) error {
	responseType, err := f.need("response_type")
	if err != nil {
		return err
	}
	if responseType != "code" {
		return refuse(UnsupportedResponseType, "only the response type code is supported")
	}
	return nil
}

func (s *Server) requestedScope(c *Client, f form) ([]string, error) {
	value, err := f.get("scope")
	if err != nil || value == "" {
		return nil, err
	}
	if len(value) > maxScope {
		return nil, refuse(InvalidScope, "scope is too long")
	}
	var scope []string
	for name := range strings.SplitSeq(value, " ") {
		if !validScope(name) {
			return nil, refuse(InvalidScope, "scope is malformed")
		}
		if !slices.Contains(c.Scopes, name) {
			return nil, refuse(InvalidScope, "the client is not registered for a requested scope")
		}
		if !slices.Contains(scope, name) {
			scope = append(scope, name)
		}
	}
	return scope, nil
}

// validScope reports whether s is a scope-token of RFC 6749 section 3.3.
func validScope(s string) bool {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c == '"' || c == '\\' || c >= 0x7f {
			return false
		}
	}
	return s != ""
}

// codeChallenge reads the PKCE parameters. Only S256 is known; a challenge without a method would mean plain
// (RFC 7636 section 4.3) and is refused too.
func codeChallenge(c *Client, f form) (string, error) {
	challenge, err := f.get("code_challenge")
	if err != nil {
		return "", err
	}
	method, err := f.get("code_challenge_method")
	if err != nil {
		return "", err
	}
	switch {
	case challenge == "" && method == "" && c.PKCEOptional:
		return "", nil
	case challenge == "":
		return "", refuse(InvalidRequest, "code_challenge is missing").about("code_challenge")
	case method != "S256":
		return "", refuse(InvalidRequest, "code_challenge_method must be S256").about("code_challenge_method")
	}
	digest, err := base64.RawURLEncoding.Strict().DecodeString(challenge)
	if err != nil || len(challenge) != challengeLength || len(digest) != sha256.Size { // the decoder skips line breaks
		return "", refuse(InvalidRequest, "code_challenge is malformed").about("code_challenge")
	}
	return challenge, nil
}

// recordError audits an error that somebody outside caused or met, and logs what went wrong inside.
func (s *Server) recordError(ctx context.Context, event audit.Event, e *Error) {
	event.Outcome, event.Reason = e.outcome(), string(e.Code)
	s.logError(ctx, event.ClientID, e)
	s.record(ctx, event)
}

func (s *Server) logError(ctx context.Context, clientID string, e *Error) {
	level, message := slog.LevelInfo, "request refused"
	if e.internal() {
		level, message = slog.LevelError, "request failed"
	}
	if e.Cause != nil || e.internal() {
		s.logger.LogAttrs(ctx, level, message, slog.String("client_id", clientID), slog.Any("error", e))
	}
}

// outcome is how an event ended that ended with the error.
func (e *Error) outcome() audit.Outcome {
	if e.internal() {
		return audit.Failed
	}
	return audit.Refused
}

func (s *Server) record(ctx context.Context, event audit.Event) {
	event.Time = s.now()
	s.sink.Record(ctx, event)
}
