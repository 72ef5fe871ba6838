package conformance

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/go-jose/go-jose/v4"
)

const (
	logoutClause      = "OpenID Connect RP-Initiated Logout 1.0, 2 and 3"
	backchannelClause = "OpenID Connect Back-Channel Logout 1.0, 2"
	logoutWait        = 30 * time.Second
)

// logoutChecks are skipped unless the provider announces an end_session_endpoint.
var logoutChecks = []Check{
	{ID: "oidcc-logout-discovery", Title: "end_session_endpoint is announced, and front and back channel with their sessions", Clause: logoutClause, run: logoutDiscovery},
	{ID: "oidcc-rp-initiated-logout", Title: "A good logout request leads back with the state, and nobody is logged in any more", Clause: logoutClause, run: func(t *trial) {
		f, hint := loggedIn(t)
		state := randomText(10, alphanumeric)
		f.backAt(f.logout(url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {postLogout(t)}, "state": {state}}), state)
		f.loggedOut()
	}},
	{ID: "oidcc-rp-initiated-logout-no-state", Title: "Without state it leads back without state", Clause: logoutClause, run: func(t *trial) {
		f, hint := loggedIn(t)
		f.backAt(f.logout(url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {postLogout(t)}}), "")
		f.loggedOut()
	}},
	{ID: "oidcc-rp-initiated-logout-bad-post-logout-redirect-uri", Title: "An unregistered URI is not followed", Clause: logoutClause, run: func(t *trial) {
		f, hint := loggedIn(t)
		uri := "https://another.example/" + randomText(8, alphanumeric)
		f.browser.callbacks = append(f.browser.callbacks, uri)
		f.staysHere(f.logout(url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {uri}, "state": {"x"}}))
	}},
	{ID: "oidcc-rp-initiated-logout-query-added-to-post-logout-redirect-uri", Title: "A registered URI with another query is not followed", Clause: logoutClause, run: func(t *trial) {
		f, hint := loggedIn(t)
		f.staysHere(f.logout(url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {addQuery(postLogout(t), "foo=bar")}}))
	}},
	{ID: "oidcc-rp-initiated-logout-bad-id-token-hint", Title: "A hint signed by a stranger is not believed", Clause: logoutClause, run: func(t *trial) {
		f, hint := loggedIn(t)
		stranger := t.newDPoPKey()
		forged := newJWS(stranger, "", jwtClaims(hint))
		f.staysHere(f.logout(url.Values{"id_token_hint": {t.sign(forged)}, "post_logout_redirect_uri": {postLogout(t)}}))
	}},
	{ID: "oidcc-rp-initiated-logout-modified-id-token-hint", Title: "A hint with alg none is not believed", Clause: logoutClause, run: func(t *trial) {
		f, hint := loggedIn(t)
		forged := newJWS(jose.JSONWebKey{}, "", jwtClaims(hint))
		f.staysHere(f.logout(url.Values{"id_token_hint": {t.sign(forged, unsigned)}, "post_logout_redirect_uri": {postLogout(t)}}))
	}},
	{ID: "oidcc-rp-initiated-logout-no-id-token-hint", Title: "A redirect URI without a hint is not followed", Clause: logoutClause, run: func(t *trial) {
		f, _ := loggedIn(t)
		f.staysHere(f.logout(url.Values{"post_logout_redirect_uri": {postLogout(t)}}))
	}},
	{ID: "oidcc-rp-initiated-logout-no-params", Title: "A request without parameters ends on a page", Clause: logoutClause, run: func(t *trial) { endsHere(t, false, nil) }},
	{ID: "oidcc-rp-initiated-logout-no-post-logout-redirect-uri", Title: "A request with a hint alone ends on a page", Clause: logoutClause, run: func(t *trial) { endsHere(t, true, nil) }},
	{ID: "oidcc-rp-initiated-logout-only-state", Title: "A request with a state alone ends on a page", Clause: logoutClause, run: func(t *trial) { endsHere(t, false, url.Values{"state": {"x"}}) }},
	{ID: "oidcc-frontchannel-rp-initiated-logout", Title: "The client's front-channel URI is loaded with iss and sid", Clause: "OpenID Connect Front-Channel Logout 1.0, 2", run: frontchannel},
	{ID: "oidcc-backchannel-rp-initiated-logout", Title: "The client gets a good logout token", Clause: backchannelClause, run: backchannel},
}

func logoutDiscovery(t *trial) {
	m := t.metadata()
	if !m.has("end_session_endpoint") {
		t.skip("there is no end_session_endpoint")
	}
	for _, channel := range []string{"frontchannel", "backchannel"} {
		if m.has(channel+"_logout_supported") && m.flag(channel+"_logout_supported") != m.flag(channel+"_logout_session_supported") {
			t.fail("%s_logout_supported and %[1]s_logout_session_supported differ", channel)
		}
	}
}

// loggedIn runs a flow, and skips the check if the provider has no logout.
func loggedIn(t *trial) (*flow, string) {
	if !t.metadata().has("end_session_endpoint") {
		t.skip("there is no end_session_endpoint")
	}
	f := t.flow(1)
	return f, f.tokens().idToken
}

func postLogout(t *trial) string {
	if t.profile.PostLogoutRedirectURI == "" {
		t.skip("the client has no post_logout_redirect_uri")
	}
	return t.profile.PostLogoutRedirectURI
}

// logout goes to the end session endpoint. The person confirms if they are asked to.
func (f *flow) logout(query url.Values) *landing {
	u := f.t.endpoint("end_session_endpoint")
	if len(query) > 0 {
		u = addQuery(u, query.Encode())
	}
	return f.browser.login(u, LogIn)
}

// backAt checks that the browser is at the client, with the state and nothing else.
func (f *flow) backAt(l *landing, state string) {
	if l.callback == nil {
		f.t.fatal("the browser should be at the post_logout_redirect_uri, and is on %v", l)
	}
	if got, ok := l.callback.params["state"]; state == "" && ok || state != "" && l.callback.params.Get("state") != state {
		f.t.fail("the state of the logout response is %v and should be %q", got, state)
	}
}

func (f *flow) staysHere(l *landing) {
	if l.callback != nil {
		f.t.fail("the browser must not be sent anywhere, and is sent to %s", l.callback.uri)
	}
}

// loggedOut checks that the session is over.
func (f *flow) loggedOut() {
	next := f.again()
	next.params.Set("prompt", "none")
	l := next.browser.open(next.requestURL())
	if l.callback == nil {
		f.t.fatal("prompt=none must not show a page, and shows %v", l)
	}
	next.errorCallback(l.callback, []string{"login_required", "interaction_required", "account_selection_required", "consent_required"})
}

func endsHere(t *trial, withHint bool, query url.Values) {
	f, hint := loggedIn(t)
	if withHint {
		query = url.Values{"id_token_hint": {hint}}
	}
	l := f.logout(query)
	f.staysHere(l)
	if l.page != nil && l.page.Status != http.StatusOK {
		t.fail("the logged-out page has status %d", l.page.Status)
	}
}

func frontchannel(t *trial) {
	if !t.metadata().flag("frontchannel_logout_supported") {
		t.skip("frontchannel_logout_supported is not true")
	}
	if t.profile.FrontchannelLogoutURI == "" {
		t.skip("the client has no frontchannel_logout_uri")
	}
	f, hint := loggedIn(t)
	l := f.logout(url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {postLogout(t)}})
	for _, page := range l.shown {
		for _, frame := range page.frames() {
			if !sameEndpoint(frame, t.profile.FrontchannelLogoutURI) {
				continue
			}
			if iss := frame.Query().Get("iss"); iss != t.target.Issuer {
				t.fail("the front-channel URI is loaded with iss %q", iss)
			}
			if sid := frame.Query().Get("sid"); sid == "" || sid != jwtClaims(hint)["sid"] {
				t.fail("the front-channel URI is loaded with sid %q, and the ID Token has %v", sid, jwtClaims(hint)["sid"])
			}
			return
		}
	}
	t.fail("no page loads the client's front-channel logout URI")
}

func backchannel(t *trial) {
	if !t.metadata().flag("backchannel_logout_supported") {
		t.skip("backchannel_logout_supported is not true")
	}
	receive := t.target.LogoutToken
	if receive == nil {
		if t.profile.BackchannelListen == "" {
			t.skip("the client has no back-channel logout URI that could be listened at")
		}
		receive = t.listen()
	}
	f, hint := loggedIn(t)
	f.logout(url.Values{"id_token_hint": {hint}})
	ctx, cancel := context.WithTimeout(t.ctx, logoutWait)
	defer cancel()
	id := jwtClaims(hint)
	for {
		token, err := receive(ctx)
		if err != nil {
			t.fatal("no logout token for the session arrived: %v", err)
		}
		// Other checks log the same client out at the same time.
		if sid, ok := jwtClaims(token)["sid"]; !ok || sid == id["sid"] {
			f.goodLogoutToken(token, id)
			return
		}
	}
}

// goodLogoutToken checks a logout token against the ID Token of the session (Back-Channel Logout 2.4).
func (f *flow) goodLogoutToken(token string, id map[string]any) {
	t := f.t
	_, claims := t.verified("the logout token", token)
	f.forMe("the logout token", claims)
	if claims["iss"] != t.target.Issuer {
		t.fail("the iss of the logout token is %v", claims["iss"])
	}
	if iat, ok := claims["iat"].(float64); !ok || until(iat).Abs() > 24*time.Hour {
		t.fail("the iat of the logout token is not within a day: %v", claims["iat"])
	}
	if !isText(claims["jti"]) {
		t.fail("the logout token has no jti")
	}
	events, _ := claims["events"].(map[string]any)
	event, ok := events["http://schemas.openid.net/event/backchannel-logout"].(map[string]any)
	if !ok || len(events) != 1 || len(event) != 0 {
		t.fail("the events of the logout token are %v", claims["events"])
	}
	if _, ok := claims["nonce"]; ok {
		t.fail("the logout token has a nonce")
	}
	if claims["sub"] == nil && claims["sid"] == nil {
		t.fail("the logout token has neither sub nor sid")
	}
	for _, name := range []string{"sub", "sid"} {
		if value, ok := claims[name]; ok && value != id[name] {
			t.fail("the %s of the logout token is %v and that of the ID Token %v", name, value, id[name])
		}
	}
}

// listen serves the client's back-channel logout URI until the check ends.
func (t *trial) listen() func(context.Context) (string, error) {
	listener, err := net.Listen("tcp", t.profile.BackchannelListen)
	if err != nil {
		t.fatal("listen for logout tokens: %v", err)
	}
	tokens := make(chan string, 16)
	server := &http.Server{ReadHeaderTimeout: requestTimeout, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		select {
		case tokens <- r.PostFormValue("logout_token"):
		default:
		}
	})}
	go server.Serve(listener)
	context.AfterFunc(t.ctx, func() { server.Close() })
	return func(ctx context.Context) (string, error) {
		select {
		case token := <-tokens:
			return token, nil
		case <-ctx.Done():
			return "", errors.Join(errors.New("nothing was delivered to "+t.profile.BackchannelListen), ctx.Err())
		}
	}
}
