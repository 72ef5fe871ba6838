package portal

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/zitadel/oidc/v3/pkg/oidc"
)

// callback takes the authorization response. Nothing in it is believed, or shown, before its state is that of a login
// that this browser began, and its iss is the provider's.
func (p *Portal) callback(w http.ResponseWriter, r *http.Request) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil || len(query["state"]) != 1 {
		p.fail(w, r, errUnknownLogin)
		return
	}
	l, ok := p.takeLogin(w, r, query.Get("state"))
	if !ok {
		// The back button leads here again after a login that worked.
		if p.session(r) != nil {
			http.Redirect(w, r, profilePath, http.StatusSeeOther)
			return
		}
		p.fail(w, r, errUnknownLogin)
		return
	}
	if err := p.checkResponse(query); err != nil {
		p.log(r.Context(), "authorization response refused", err)
		p.fail(w, r, errBadResponse)
		return
	}
	if code := query.Get("error"); code != "" {
		p.fail(w, r, providerFailure(code, query.Get("error_description")))
		return
	}
	s, err := p.complete(r.Context(), query.Get("code"), l)
	if err != nil {
		p.log(r.Context(), "login failed", err)
		p.fail(w, r, loginFailure(err))
		return
	}
	p.startSession(w, r, s)
	if l.Demand != nil {
		http.Redirect(w, r, recordPath, http.StatusSeeOther)
		return
	}
	http.Redirect(w, r, profilePath, http.StatusSeeOther)
}

// checkResponse makes sure that the response is the provider's own (RFC 9207) and unambiguous.
func (p *Portal) checkResponse(query url.Values) error {
	for _, name := range []string{"code", "iss", "error", "error_description"} {
		if len(query[name]) > 1 {
			return fmt.Errorf("%s is there twice", name)
		}
	}
	if query.Has("iss") && query.Get("iss") != p.config.Issuer {
		return errors.New("iss is another issuer's")
	}
	if !query.Has("iss") && !p.config.IssOptional {
		return errors.New("iss is missing")
	}
	if (query.Get("code") == "") == (query.Get("error") == "") {
		return errors.New("it needs either a code or an error")
	}
	return nil
}

// complete turns the code into a session.
func (p *Portal) complete(ctx context.Context, code string, l *pendingLogin) (*session, error) {
	party, err := p.provider.relyingParty(ctx)
	if err != nil {
		return nil, err
	}
	tokens, err := p.provider.exchange(ctx, party, code, l)
	if err != nil {
		return nil, err
	}
	idToken, err := oidc.ParseToken(tokens.IDToken, &struct{}{}) // verified above
	if err != nil {
		return nil, err
	}
	if err := l.Demand.metBy(tokens.IDTokenClaims, p.config.Now()); err != nil {
		return nil, err
	}
	access := accessToken{tokens.AccessToken, tokens.TokenType, tokens.Expiry}
	info, err := p.provider.userinfo(ctx, party, access, tokens.IDTokenClaims.Subject)
	if err != nil {
		return nil, fmt.Errorf("userinfo: %w", err)
	}
	return &session{
		subject: tokens.IDTokenClaims.Subject, acr: tokens.IDTokenClaims.AuthenticationContextClassReference,
		idToken: idToken, userinfo: info, access: access, demand: l.Demand, trace: p.trace(party, l, tokens, info),
	}, nil
}
