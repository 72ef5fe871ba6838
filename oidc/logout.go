package oidc

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"unicode/utf8"

	"github.com/gosignet/signet/internal/jwt"
	"github.com/gosignet/signet/oauth"
)

// Bounds of what a client may send to the end session endpoint.
const (
	maxLogoutState     = 2048
	maxLogoutParameter = jwt.MaxTokenSize
)

// LogoutRequest is a request to the end session endpoint (OpenID Connect RP-Initiated Logout 1.0 section 2), with no
// more in it than could be verified.
type LogoutRequest struct {
	// Client is who asks: the audience of the hint, or else the client_id. Nil if nobody said.
	Client *oauth.Client
	// Subject and SessionID are those of a valid id_token_hint; SessionID is empty if the ID Token has none. Without a
	// hint both are empty, and so everybody has to be asked whether they want to log out.
	Subject, SessionID string
	// RedirectURI is where the client wants the person back: registered for the client, character by character. Empty if
	// it wants nothing, or nothing that it may have. Without a hint anybody can have sent the person here, who must then
	// not be led there without asking.
	RedirectURI string
	// State is to be repeated at RedirectURI.
	State string
	// UILocales are the languages that the client prefers.
	UILocales []string
	// Problem is what was wrong with the request, or nil. The logout can go on: what was wrong is left out.
	Problem *oauth.Error
}

// Hinted reports whether the request came with a valid ID Token.
func (r *LogoutRequest) Hinted() bool { return r.Subject != "" }

// ReturnURL is where the browser goes after the logout, with the state; empty if it stays.
func (r *LogoutRequest) ReturnURL() string {
	if r.RedirectURI == "" {
		return ""
	}
	response := oauth.AuthorizationResponse{RedirectURI: r.RedirectURI}
	if r.State == "" {
		return r.RedirectURI
	}
	response.Parameters = url.Values{"state": {r.State}}
	return response.URL()
}

// ParseLogoutRequest verifies a request to the end session endpoint. Whatever the request, the person may log out; what
// is wrong with it is its Problem, and nothing that depends on the wrong part is in the LogoutRequest. The error is one
// of the backends that this needs.
func (p *Provider) ParseLogoutRequest(ctx context.Context, form url.Values) (*LogoutRequest, error) {
	r := &LogoutRequest{}
	params, err := logoutParameters(form)
	if err != nil {
		r.Problem = oauth.AsError(err)
		return r, nil
	}
	r.UILocales = parseLocales(params["ui_locales"])
	if err := p.readLogoutClient(ctx, r, params); err != nil {
		e, ok := errors.AsType[*oauth.Error](err)
		if !ok {
			return nil, err
		}
		return &LogoutRequest{UILocales: r.UILocales, Problem: e}, nil
	}
	if uri := params["post_logout_redirect_uri"]; uri != "" {
		switch {
		case r.Client == nil:
			r.Problem = invalidRequest("post_logout_redirect_uri needs an id_token_hint")
		case !slices.Contains(r.Client.PostLogoutRedirectURIs, uri):
			r.Problem = invalidRequest("post_logout_redirect_uri is not registered for this client")
		default:
			r.RedirectURI, r.State = uri, params["state"]
		}
	}
	return r, nil
}

// logoutParameters reads what the endpoint knows of; logout_hint may be anything and is of no use here.
func logoutParameters(form url.Values) (map[string]string, error) {
	params := make(map[string]string)
	for _, name := range []string{"id_token_hint", "client_id", "post_logout_redirect_uri", "state", "ui_locales"} {
		values := form[name]
		switch {
		case len(values) == 0:
			continue
		case len(values) > 1:
			return nil, invalidRequest("the parameter " + name + " is repeated")
		case len(values[0]) > maxLogoutParameter || !utf8.ValidString(values[0]):
			return nil, invalidRequest("the parameter " + name + " is too long or not UTF-8")
		}
		params[name] = values[0]
	}
	if len(params["state"]) > maxLogoutState {
		return nil, invalidRequest("state is too long")
	}
	return params, nil
}

// readLogoutClient finds out who asks, and about whom.
func (p *Provider) readLogoutClient(ctx context.Context, r *LogoutRequest, params map[string]string) error {
	id := params["client_id"]
	var claims *jwt.Claims
	if hint := params["id_token_hint"]; hint != "" {
		var err error
		if claims, err = p.verifyHint(ctx, hint); err != nil {
			return err
		}
		if len(claims.Audience.Values) != 1 {
			return unusableHint(errors.New("oidc: it has not one audience"))
		}
		if id != "" && id != claims.Audience.Values[0] {
			return invalidRequest("client_id is not the audience of id_token_hint")
		}
		id = claims.Audience.Values[0]
	}
	if id == "" {
		return nil
	}
	client, err := p.config.Clients.Client(ctx, id)
	switch {
	case errors.Is(err, oauth.ErrUnknownClient):
		return invalidRequest("client_id names no active client")
	case err != nil:
		return fmt.Errorf("oidc: looking up the client of a logout: %w", err)
	}
	r.Client = client
	if claims != nil {
		r.Subject = claims.Subject
		if r.SessionID, err = claims.Text("sid"); err != nil {
			return unusableHint(err)
		}
	}
	return nil
}
