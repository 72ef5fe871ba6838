package esignet

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gosignet/signet/dpop"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/store"
)

const (
	assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
	// nonceSentence is the example of RFC 9449 section 8.
	nonceSentence = "Authorization server requires nonce in DPoP proof"
)

// once is an error if the transaction was asked for the same before.
func (p *authorization) once(ctx context.Context, what, handle string) error {
	err := p.api.store.Add(ctx, "esignet-once:"+what+":"+hash(handle), nil, 3*time.Minute)
	if errors.Is(err, store.ErrExists) {
		return fail("no_attempts_left", nil)
	}
	return err
}

// form reads the form of a request, and leaves it to be read again. If it cannot, it has answered.
func (p *authorization) form(w http.ResponseWriter, r *http.Request) (url.Values, bool) {
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/x-www-form-urlencoded" {
		problem(w, http.StatusUnsupportedMediaType)
		return nil, false
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		writeOAuthError(w, http.StatusRequestEntityTooLarge, "payload_too_large", "the request is too large")
		return nil, false
	}
	form, parseErr := url.ParseQuery(string(body))
	if err != nil || parseErr != nil {
		writeOAuthError(w, http.StatusBadRequest, invalidRequest, "the parameters are malformed")
		return nil, false
	}
	setForm(r, form)
	return form, true
}

func setForm(r *http.Request, form url.Values) {
	body := form.Encode()
	r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
}

// token is the token endpoint of one version. The first knows neither PKCE nor DPoP: a code that needs one of them is not
// redeemed there.
func (p *authorization) token(endpoint oauth.Endpoint) http.Handler {
	v1 := !endpoint.RequireNonce
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r = r.Clone(r.Context())
		form, ok := p.form(w, r)
		if !ok {
			return
		}
		for _, c := range []struct {
			ok   bool
			code string
		}{
			{form.Get("grant_type") == "authorization_code", "unsupported_grant_type"},
			{strings.TrimSpace(form.Get("code")) != "", "invalid_grant"},
			{validRedirectURI(form.Get("redirect_uri")), "invalid_redirect_uri"},
			{form.Get("client_assertion_type") == assertionType, "invalid_client"},
			{strings.TrimSpace(form.Get("client_assertion")) != "", "invalid_client"},
			{strings.TrimSpace(form.Get("client_id")) == "" || !p.speaksForAnother(r.Context(), form.Get("client_assertion"), form.Get("client_id")), "invalid_client_id"},
		} {
			if !c.ok {
				p.refuseOAuth(w, c.code)
				return
			}
		}
		if v1 {
			form.Del("code_verifier")
			setForm(r, form)
			r.Header.Del(dpop.HeaderProof)
		}
		body, err := p.Server.IssueToken(w, r, endpoint)
		switch {
		case err == nil:
		case oauth.AsError(err).Code == oauth.InvalidClient && p.isNobody(r.Context(), form.Get("client_id")):
			p.refuseOAuth(w, "invalid_client_id")
			return
		default:
			p.oauthError(w, r, form, err)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Write(body)
	})
}

// speaksForAnother reports whether an assertion, which nobody verified yet, says that it is another client's, of those that
// there are. Any other assertion that is not the client's is no better than none.
func (p *authorization) speaksForAnother(ctx context.Context, assertion, client string) bool {
	parts := strings.Split(assertion, ".")
	if len(parts) != 3 {
		return false
	}
	var claims struct {
		Issuer  string `json:"iss"`
		Subject string `json:"sub"`
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil || json.Unmarshal(payload, &claims) != nil || claims.Subject != claims.Issuer || claims.Subject == client {
		return false
	}
	_, err = p.Clients.Client(ctx, claims.Subject)
	return err == nil
}

// isNobody reports whether a request names a client that there is not.
func (p *authorization) isNobody(ctx context.Context, client string) bool {
	if strings.TrimSpace(client) == "" {
		return false
	}
	_, err := p.Clients.Client(ctx, client)
	return errors.Is(err, oauth.ErrUnknownClient)
}

// push is the endpoint of pushed requests.
func (p *authorization) push(w http.ResponseWriter, r *http.Request) {
	r = r.Clone(r.Context())
	form, ok := p.form(w, r)
	if !ok {
		return
	}
	if code := p.checkPushed(r.Context(), form); code != "" {
		p.refuseOAuth(w, code)
		return
	}
	setForm(r, form)
	endpoint := oauth.Endpoint{URL: p.base + "/oauth/par", Audiences: []string{p.base + "/oauth/v2/token"}}
	var uri string
	err := p.Server.AcceptPushedRequest(w, r, endpoint, func(b *store.Batch, req *oauth.AuthorizationRequest) func() error {
		marked := func() error { return nil }
		if nonce := req.Parameters["nonce"]; nonce != "" {
			marked = p.markNonce(b, req.ClientID, nonce)
		}
		var kept func() error
		uri, kept = p.Pushed.PushIn(b, req)
		return func() error {
			if err := marked(); err != nil {
				if e, ok := errors.AsType[*Error](err); ok {
					return &oauth.Error{Code: oauth.ErrorCode(e.Code), Description: e.Code}
				}
				return err
			}
			return kept()
		}
	})
	if err != nil {
		p.oauthError(w, r, form, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusCreated)
	json.NewEncoder(w).Encode(struct {
		RequestURI string `json:"request_uri"`
		ExpiresIn  int    `json:"expires_in"`
	}{uri, int(p.Pushed.Lifetime() / time.Second)})
}

// checkPushed validates the parameters of a pushed request as the API does, and leaves out what it ignores.
func (p *authorization) checkPushed(ctx context.Context, form url.Values) (code string) {
	var c claims
	var claimsErr error
	if form.Has("claims") {
		claimsErr = decodeValue([]byte(form.Get("claims")), &c)
	}
	for _, check := range []struct {
		ok   bool
		code string
	}{
		{strings.TrimSpace(form.Get("client_id")) != "", "invalid_client_id"},
		{p.validScope(form.Get("scope")), "invalid_scope"},
		{form.Get("response_type") == "code", "invalid_response_type"},
		{validRedirectURI(form.Get("redirect_uri")), "invalid_redirect_uri"},
		{form.Get("client_assertion_type") == assertionType, "invalid_client"},
		{strings.TrimSpace(form.Get("client_assertion")) != "", "invalid_client"},
		{!form.Has("request_uri"), invalidRequest},
		{!form.Has("display") || validDisplay(form.Get("display")), "invalid_display"},
		{!form.Has("prompt") || validPrompt(form.Get("prompt")), "invalid_prompt"},
		{claimsErr == nil && c.valid(), "invalid_claim"},
		{!form.Has("code_challenge_method") || form.Get("code_challenge_method") == "S256", "unsupported_pkce_challenge_method"},
	} {
		if !check.ok {
			return check.code
		}
	}
	ignorePrompt(form)
	if err := p.reduceScope(ctx, form); err != nil {
		if e, ok := errors.AsType[*Error](err); ok {
			return e.Code
		}
	}
	return ""
}

func decodeValue(data []byte, into any) error {
	return json.NewDecoder(bytes.NewReader(data)).Decode(into)
}

// oauthError answers with the API's form of an OAuth error.
func (p *authorization) oauthError(w http.ResponseWriter, r *http.Request, form url.Values, err error) {
	e := oauth.AsError(err)
	status := e.StatusCode()
	switch {
	case status >= http.StatusInternalServerError:
		p.api.log.ErrorContext(r.Context(), "esignet: call failed", "pattern", r.Pattern, "error", err)
		w.Header().Set("Retry-After", "5")
		writeOAuthError(w, status, string(e.Code), "")
	case e.Code == oauth.UseDPoPNonce:
		w.Header().Set("Access-Control-Expose-Headers", "DPoP-Nonce, WWW-Authenticate")
		w.Header().Set("WWW-Authenticate", p.challengeDPoP(string(e.Code), nonceSentence))
		writeOAuthError(w, http.StatusBadRequest, string(e.Code), nonceSentence)
	case e.Code == oauth.InvalidDPoPProof:
		w.Header().Set("WWW-Authenticate", p.challengeDPoP(string(e.Code), string(e.Code)))
		writeOAuthError(w, http.StatusBadRequest, string(e.Code), string(e.Code))
	default:
		p.refuseOAuth(w, oauthCode(e, form))
	}
}

// oauthCode is the API's own name of an OAuth error in the answer to a form.
func oauthCode(e *oauth.Error, form url.Values) string {
	switch e.Parameter {
	case "client_id":
		return "invalid_client_id"
	case "redirect_uri":
		return "invalid_redirect_uri"
	case "claims":
		return "invalid_claim"
	case "code_challenge_method":
		return "unsupported_pkce_challenge_method"
	case "code_challenge":
		if form.Has("code_challenge") {
			return "invalid_pkce_challenge"
		}
		return "use_pkce"
	}
	return string(e.Code)
}

// refuseOAuth tells four codes as they are, and all others in the description.
func (p *authorization) refuseOAuth(w http.ResponseWriter, code string) {
	e := code
	if !slices.Contains([]string{"invalid_client", "unsupported_grant_type", "invalid_scope", "invalid_grant"}, code) {
		e = invalidRequest
	}
	writeOAuthError(w, http.StatusBadRequest, e, code)
}

// writeOAuthError writes the answer of RFC 6749 section 5.2.
func writeOAuthError(w http.ResponseWriter, status int, code, description string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(struct {
		Error       string `json:"error"`
		Description string `json:"error_description,omitempty"`
	}{code, description})
}

// challengeDPoP is a WWW-Authenticate value; it names the algorithms that are accepted.
func (p *authorization) challengeDPoP(code, description string) string {
	var algs []string
	for _, alg := range p.DPoP.Algorithms() {
		algs = append(algs, string(alg))
	}
	return `DPoP error="` + code + `", error_description="` + description + `", algs="` + strings.Join(algs, " ") + `"`
}

// userinfo answers with the claims that were granted. Errors have no body.
func (p *authorization) userinfo(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	if accept := r.Header.Get("Accept"); accept != "" && !strings.Contains(accept, "application/jwt") &&
		!strings.Contains(accept, "application/*") && !strings.Contains(accept, "*/*") {
		h.Set("WWW-Authenticate", `error="Not Acceptable"`)
		w.WriteHeader(http.StatusNotAcceptable)
		return
	}
	challenge, status := "", http.StatusUnauthorized
	token, err := p.accessToken(r)
	if err == nil {
		response, userinfoErr := p.OpenID.Userinfo(r.Context(), token)
		if err = userinfoErr; err == nil {
			h.Set("Content-Type", response.ContentType+";charset=UTF-8")
			w.Write(response.Body)
			return
		}
	}
	if e, ok := errors.AsType[*dpop.Error](err); ok {
		if challenge = p.challengeDPoP(string(e.Code), string(e.Code)); e.Nonce != "" {
			h.Set(dpop.HeaderNonce, e.Nonce)
			h.Set("Access-Control-Expose-Headers", "DPoP-Nonce, WWW-Authenticate")
			challenge = `DPoP error="` + string(e.Code) + `"`
		}
	} else if e := oauth.AsError(err); e.StatusCode() >= http.StatusInternalServerError {
		p.api.log.LogAttrs(r.Context(), slog.LevelError, "esignet: userinfo failed", slog.Any("error", err))
		h.Set("Retry-After", "5")
		challenge, status = `error="unknown_error"`, http.StatusServiceUnavailable
	} else if e.Code == oauth.InvalidRequest {
		challenge, status = `error="invalid_request"`, http.StatusBadRequest
	} else {
		challenge = `error="` + string(e.Code) + `"`
		if dpop.HasProof(r.Header) {
			challenge = "DPoP " + challenge
		}
	}
	h.Set("WWW-Authenticate", challenge)
	w.WriteHeader(status)
}

// accessToken is the live token of the request. One that is bound to a key comes with the scheme DPoP and a proof by this
// key; nothing else comes with a proof.
func (p *authorization) accessToken(r *http.Request) (*oauth.AccessToken, error) {
	ctx := r.Context()
	invalid := &oauth.Error{Code: oauth.InvalidToken, Status: http.StatusUnauthorized}
	values := r.Header.Values("Authorization")
	if len(values) > 1 {
		return nil, &oauth.Error{Code: oauth.InvalidRequest}
	}
	scheme, token, _ := strings.Cut(strings.Join(values, ""), " ")
	bound := scheme == dpop.Scheme
	if !bound && scheme != "Bearer" || dpop.HasProof(r.Header) != bound || token == "" || strings.Contains(token, " ") {
		return nil, invalid
	}
	t, err := p.Server.AccessToken(ctx, token)
	if err != nil {
		return nil, err
	}
	if (t.DPoPThumbprint != "") != bound {
		return nil, invalid
	}
	if !bound {
		return t, nil
	}
	proof, err := p.DPoP.Verify(dpop.Request{
		Header: r.Header, Method: r.Method, URL: p.base + "/oidc/userinfo", AccessToken: token, RequireNonce: true,
	})
	if err != nil {
		return nil, err
	}
	if err := proof.CheckKey(t.DPoPThumbprint); err != nil {
		return nil, err
	}
	if err := proof.Consume(ctx); err != nil {
		return nil, err
	}
	return t, nil
}
