package oauth_test

import (
	"errors"
	"fmt"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/audit"
	"github.com/gosignet/signet/oauth"
)

func TestEveryStepIsAudited(t *testing.T) {
	t.Parallel()
	var (
		client  = audit.Event{Type: audit.ClientAuthenticated, Outcome: audit.Success, ClientID: "portal"}
		about   = audit.Event{ClientID: "portal", Subject: "pseudonym-7c1f", Transaction: "transaction-41"}
		success = func(t audit.Type) audit.Event {
			e := about
			e.Type, e.Outcome = t, audit.Success
			return e
		}
		refused = func(e audit.Event, t audit.Type, code oauth.ErrorCode) audit.Event {
			e.Type, e.Outcome, e.Reason = t, audit.Refused, string(code)
			return e
		}
		failed = func(e audit.Event, t audit.Type) audit.Event {
			e.Type, e.Outcome, e.Reason = t, audit.Failed, "server_error"
			return e
		}
		portal, clinic = audit.Event{ClientID: "portal"}, audit.Event{ClientID: "clinic"}
		stranger       audit.Event
	)
	clinicAuthenticated := client
	clinicAuthenticated.ClientID = "clinic"
	outage := func(p *provider) { p.store.failWith(func(int, string) error { return errors.New("down") }) }

	for name, c := range map[string]struct {
		do   func(t *testing.T, p *provider, code, token string)
		want []audit.Event
	}{
		"request refused at the client": {func(t *testing.T, p *provider, _, _ string) {
			p.authorize(with(p.portal.request(), "scope", zebra))
		}, []audit.Event{refused(portal, audit.AuthorizationRequested, oauth.InvalidScope)}},
		"request refused on the page": {func(t *testing.T, p *provider, _, _ string) {
			p.authorize(with(p.portal.request(), "client_id", zebra))
		}, []audit.Event{refused(stranger, audit.AuthorizationRequested, oauth.InvalidRequest)}},
		"request in an outage": {func(t *testing.T, p *provider, _, _ string) {
			p.clients.fail(errors.New("down"))
			p.authorize(p.portal.request())
		}, []audit.Event{failed(stranger, audit.AuthorizationRequested)}},
		"granted": {func(t *testing.T, p *provider, _, _ string) {
			p.code(t, p.portal)
		}, []audit.Event{success(audit.AuthorizationGranted)}},
		"denied": {func(t *testing.T, p *provider, _, _ string) {
			p.Deny(t.Context(), p.login.begun, &oauth.Error{Code: oauth.AccessDenied}, "transaction-41")
		}, []audit.Event{{
			Type: audit.AuthorizationDenied, Outcome: audit.Refused, Reason: "access_denied", ClientID: "portal", Transaction: "transaction-41",
		}}},
		"denied in an outage": {func(t *testing.T, p *provider, _, _ string) {
			p.Deny(t.Context(), p.login.begun, &oauth.Error{Code: oauth.ServerError}, "")
		}, []audit.Event{failed(portal, audit.AuthorizationDenied)}},
		"token issued": {func(t *testing.T, p *provider, code, _ string) {
			p.redeem(t, p.portal, code)
		}, []audit.Event{client, success(audit.TokenIssued)}},
		"token refused": {func(t *testing.T, p *provider, code, _ string) {
			post(p.TokenHandler(), with(p.portal.redemption(t, code), "code_verifier"))
		}, []audit.Event{client, refused(about, audit.TokenIssued, oauth.InvalidGrant)}},
		"token request malformed": {func(t *testing.T, p *provider, code, _ string) {
			post(p.TokenHandler(), with(p.portal.redemption(t, code), "grant_type"))
		}, []audit.Event{refused(portal, audit.TokenIssued, oauth.InvalidRequest)}},
		"code of another client": {func(t *testing.T, p *provider, code, _ string) {
			post(p.TokenHandler(), p.clinic.redemption(t, code))
		}, []audit.Event{clinicAuthenticated, refused(clinic, audit.TokenIssued, oauth.InvalidGrant)}},
		"code replayed": {func(t *testing.T, p *provider, code, _ string) {
			p.redeem(t, p.portal, code)
			p.events.take()
			post(p.TokenHandler(), p.portal.redemption(t, code))
		}, []audit.Event{client, refused(about, audit.CodeReplayed, oauth.InvalidGrant)}},
		"nobody's assertion": {func(t *testing.T, p *provider, code, _ string) {
			post(p.TokenHandler(), with(p.portal.redemption(t, code), "client_assertion", zebra))
		}, []audit.Event{refused(stranger, audit.ClientAuthenticated, oauth.InvalidClient)}},
		"an unknown client's assertion": {func(t *testing.T, p *provider, code, _ string) {
			post(p.TokenHandler(), with(p.portal.redemption(t, code), "client_assertion", p.portal.assertion(t, map[string]any{"sub": zebra})))
		}, []audit.Event{refused(stranger, audit.ClientAuthenticated, oauth.InvalidClient)}},
		"an expired assertion": {func(t *testing.T, p *provider, code, _ string) {
			post(p.TokenHandler(), with(p.portal.redemption(t, code), "client_assertion", p.portal.assertion(t, map[string]any{"exp": 1})))
		}, []audit.Event{refused(portal, audit.ClientAuthenticated, oauth.InvalidClient)}},
		"a used assertion": {func(t *testing.T, p *provider, code, _ string) {
			form := p.portal.redemption(t, code)
			post(p.IntrospectionHandler(), with(form, "client_assertion", p.portal.assertion(t, map[string]any{"jti": "1"})))
			p.events.take()
			post(p.TokenHandler(), with(form, "client_assertion", p.portal.assertion(t, map[string]any{"jti": "1"})))
		}, []audit.Event{refused(portal, audit.ClientAuthenticated, oauth.InvalidClient)}},
		"token request in an outage": {func(t *testing.T, p *provider, code, _ string) {
			outage(p)
			post(p.TokenHandler(), p.portal.redemption(t, code))
		}, []audit.Event{failed(portal, audit.TokenIssued)}},
		"own token introspected": {func(t *testing.T, p *provider, _, token string) {
			require.True(t, p.active(t, p.portal, token))
		}, []audit.Event{client, success(audit.TokenIntrospected)}},
		"foreign token introspected": {func(t *testing.T, p *provider, _, token string) {
			require.False(t, p.active(t, p.clinic, token))
		}, []audit.Event{clinicAuthenticated, refused(clinic, audit.TokenIntrospected, oauth.InvalidToken)}},
		"own token revoked": {func(t *testing.T, p *provider, _, token string) {
			p.revoke(t, p.portal, token)
		}, []audit.Event{client, success(audit.TokenRevoked)}},
		"foreign token revoked": {func(t *testing.T, p *provider, _, token string) {
			p.revoke(t, p.clinic, token)
		}, []audit.Event{clinicAuthenticated, refused(clinic, audit.TokenRevoked, oauth.InvalidToken)}},
		"revocation in an outage": {func(t *testing.T, p *provider, _, token string) {
			outage(p)
			post(p.RevocationHandler(), p.portal.authenticated(t, issuer, url.Values{"token": {token}}))
		}, []audit.Event{failed(portal, audit.ClientAuthenticated)}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProvider(t)
			token := p.redeem(t, p.portal, p.code(t, p.portal)).AccessToken
			code := p.code(t, p.portal)
			p.events.take()
			c.do(t, p, code, token)
			got := p.events.take()
			for i := range got {
				require.Equal(t, p.clock.Now(), got[i].Time)
				got[i].Time = stranger.Time
			}
			require.Equal(t, c.want, got)
		})
	}
}

// The log says why a request was refused, which the client is not told.
func TestReasonOfARefusalIsLogged(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	for _, c := range []struct {
		changes map[string]any
		want    string
	}{
		{map[string]any{"aud": zebra}, "aud is not just the issuer or the endpoint"},
		{map[string]any{"exp": 1}, "the assertion has expired"},
		{map[string]any{"jti": nil}, "jti is missing"},
		{map[string]any{"sub": zebra, "iss": zebra}, "unknown client"},
	} {
		before := len(p.logs.String())
		require.Equal(t, 401, p.introspect(p.Server, p.portal.assertion(t, c.changes)))
		line := p.logs.String()[before:]
		require.Contains(t, line, c.want)
		require.Contains(t, line, "level=INFO")
		require.NotContains(t, line, zebra)
	}
	require.NotContains(t, fmt.Sprint(p.events.take()), zebra)
}
