package esignet

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/oidc"
	"github.com/gosignet/signet/store"
)

func (p *authorization) detailsV1(ctx context.Context, r *http.Request, d *detailsV1) (any, error) {
	return p.details(ctx, r, &detailsV3{detailsV2: detailsV2{detailsV1: *d}}, true)
}

func (p *authorization) detailsV2(ctx context.Context, r *http.Request, d *detailsV2) (any, error) {
	return p.details(ctx, r, &detailsV3{detailsV2: *d}, false)
}

func (p *authorization) detailsV3(ctx context.Context, r *http.Request, d *detailsV3) (any, error) {
	if d.IDTokenHint != nil && p.fromPortal(string(d.ClientID)) {
		var err error
		if ctx, d.Nonce, d.State, err = p.returning(ctx, r, string(d.ClientID), string(*d.IDTokenHint)); err != nil {
			return nil, err
		}
		d.IDTokenHint = nil
	}
	return p.details(ctx, r, d, false)
}

func (p *authorization) details(ctx context.Context, r *http.Request, d *detailsV3, v1 bool) (any, error) {
	parameters := d.parameters()
	ignorePrompt(parameters)
	if err := p.reduceScope(ctx, parameters); err != nil {
		return nil, err
	}
	req, err := p.Server.Request(ctx, parameters)
	if err != nil {
		return nil, requestError(err, parameters)
	}
	if nonce := parameters.Get("nonce"); nonce != "" {
		if err := p.useNonce(ctx, req.ClientID, nonce); err != nil {
			return nil, err
		}
	}
	if err := checkClaims(req); err != nil {
		return nil, err
	}
	return p.begin(ctx, r, req, v1, d.Nonce, d.State)
}

// ignorePrompt leaves out the prompt that needs a session, which nobody has here.
func ignorePrompt(parameters url.Values) {
	if parameters.Get("prompt") == oidc.PromptNone {
		parameters.Del("prompt")
	}
}

// markNonce remembers, in a batch, that the client used the nonce. It is not the client's own protection, but what the
// API's clients expect: the same nonce again is an error.
func (p *authorization) markNonce(b *store.Batch, clientID, nonce string) (result func() error) {
	added := b.Queue(p.api.store, store.Operation{
		Verb: store.VerbAdd, Key: "esignet-nonce:" + hash(clientID+"\x00"+nonce), TTL: p.NonceLifetime,
	})
	return func() error {
		if errors.Is(added.Err, store.ErrExists) {
			return fail(invalidRequest, nil)
		}
		return added.Err
	}
}

// useNonce is markNonce at once.
func (p *authorization) useNonce(ctx context.Context, clientID, nonce string) error {
	var b store.Batch
	result := p.markNonce(&b, clientID, nonce)
	b.Do(ctx)
	return result()
}

// hash is base64url(SHA-256).
func hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// pushedDetails begins a transaction with a pushed request, once.
func (p *authorization) pushedDetails(ctx context.Context, r *http.Request, d *pushedDetails) (any, error) {
	parameters := url.Values{"client_id": {string(d.ClientID)}, "request_uri": {string(d.RequestURI)}}
	req, err := p.Server.Request(ctx, parameters)
	if err != nil {
		// Whether there is a client is told to nobody who does not know what the client pushed.
		if _, pushedErr := p.Pushed.Request(ctx, string(d.ClientID), string(d.RequestURI)); pushedErr != nil {
			err = pushedErr
		}
		return nil, requestError(err, parameters)
	}
	if req.ResponseMode != "" && req.ResponseMode != oauth.ModeQuery { // the pages know no other
		return nil, fail(invalidRequest, nil)
	}
	err = p.api.store.Add(ctx, "esignet-par:"+hash(string(d.RequestURI)), nil, 15*time.Minute)
	if errors.Is(err, store.ErrExists) {
		return nil, fail(invalidRequest, nil)
	}
	if err != nil {
		return nil, err
	}
	if err := checkClaims(req); err != nil {
		return nil, err
	}
	var nonce, state *text
	if n := text(req.Parameters["nonce"]); n != "" {
		nonce = &n
	}
	if s := text(req.State); s != "" {
		state = &s
	}
	if hint := req.Parameters["id_token_hint"]; hint != "" && p.fromPortal(req.ClientID) {
		if ctx, nonce, state, err = p.returning(ctx, r, req.ClientID, hint); err != nil {
			return nil, err
		}
		if err := p.useNonce(ctx, req.ClientID, string(*nonce)); err != nil {
			return nil, err
		}
		changed := *req
		changed.State, changed.Parameters = string(*state), maps.Clone(req.Parameters)
		changed.Parameters["nonce"] = string(*nonce)
		delete(changed.Parameters, "id_token_hint")
		req = &changed
	}
	return p.begin(ctx, r, req, false, nonce, state)
}

// detailsResponse is what the pages get. The order of its members is part of the hash.
type detailsResponse struct {
	TransactionID    string         `json:"transactionId"`
	LogoURL          string         `json:"logoUrl"`
	AuthFactors      [][]authFactor `json:"authFactors"`
	AuthorizeScopes  []string       `json:"authorizeScopes"`
	EssentialClaims  []string       `json:"essentialClaims"`
	VoluntaryClaims  []string       `json:"voluntaryClaims"`
	Configs          map[string]any `json:"configs"`
	RedirectURI      string         `json:"redirectUri"`
	ClientName       any            `json:"clientName"`
	CredentialScopes *[]string      `json:"credentialScopes,omitempty"`
}

type authFactor struct {
	Type     string   `json:"type"`
	Count    int      `json:"count"`
	SubTypes []string `json:"subTypes"`
}

// begin begins a login. Somebody who is logged in elsewhere is a stranger here: there are no sessions, so that prompt has
// no effect but for consent. One that needs a session may come with a request that was pushed elsewhere.
func (p *authorization) begin(
	ctx context.Context, r *http.Request, req *oauth.AuthorizationRequest, v1 bool, nonce, state *text,
) (any, error) {
	if req.Parameters["prompt"] == oidc.PromptNone {
		stripped := *req
		stripped.Parameters = maps.Clone(req.Parameters)
		delete(stripped.Parameters, "prompt")
		req = &stripped
	}
	handle, s, err := p.Flow.Begin(login.WithAnswersAtOnce(ctx), req, "")
	if err != nil {
		return nil, requestError(err, url.Values{})
	}
	if s.Step == login.StepDone { // which needs a session
		return nil, errors.New("a login without a session ended at once")
	}
	configs, err := p.settings(ctx, s)
	if err != nil {
		return nil, err
	}
	response := detailsResponse{
		TransactionID: handle, LogoURL: s.Client.LogoURI(), AuthFactors: p.authFactors(s), AuthorizeScopes: orEmpty(s.Scopes),
		EssentialClaims: orEmpty(s.Essential), VoluntaryClaims: orEmpty(s.Voluntary), Configs: configs,
		RedirectURI: req.RedirectURI, ClientName: s.Client.Name(),
	}
	if len(response.AuthFactors) == 0 {
		return nil, fail("no_acr_registered", nil)
	}
	if !v1 {
		response.ClientName, response.CredentialScopes = byCode(s.Client.Names), &[]string{}
	}
	body, err := encode(response)
	if err != nil {
		return nil, fail("failed_to_generate_header_hash", err)
	}
	essential := essentialVerified(req.Parameters["claims"])
	t := transaction{
		Hash: hash(string(body)), Browser: hash(csrfSecret(r)), RedirectURI: req.RedirectURI,
		Nonce: (*string)(nonce), State: (*string)(state), Claims: slices.Concat(s.Essential, s.Voluntary),
	}
	for _, v := range s.Verified {
		if slices.Contains(essential, v.Name) {
			t.Verified = append(t.Verified, v.Name)
		}
	}
	if err := p.transactions.Add(ctx, handle, t, s.ExpiresAt.Sub(p.api.now())); err != nil {
		return nil, err
	}
	return body, nil
}

func orEmpty(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}

// authFactors are the options of a login.
func (p *authorization) authFactors(s *login.State) [][]authFactor {
	return factorsOf(slices.DeleteFunc(slices.Clone(s.Options), func(set authenticator.FactorSet) bool { return !p.offered(set) }))
}

// factorsOf are options in the API's own words.
func factorsOf(options []authenticator.FactorSet) [][]authFactor {
	factors := [][]authFactor{}
	for _, set := range options {
		option := make([]authFactor, len(set))
		for i, f := range set {
			option[i].Type = typeOf(f)
			if option[i].Type == "BIO" {
				option[i].Count = 1
			}
		}
		factors = append(factors, option)
	}
	return factors
}

// requestError is what the pages learn of an authorization request that is refused.
func requestError(err error, parameters url.Values) error {
	e, ok := errors.AsType[*oauth.Error](err)
	if !ok || e.StatusCode() >= http.StatusInternalServerError {
		return err
	}
	switch e.Parameter {
	case "client_id":
		return fail("invalid_client_id", err)
	case "redirect_uri":
		return fail("invalid_redirect_uri", err)
	case "claims":
		return fail("invalid_claim", err)
	case "id_token_hint":
		return fail(invalidIDTokenHint, err)
	case "code_challenge_method":
		return fail("unsupported_pkce_challenge_method", err)
	case "code_challenge":
		if parameters.Has("code_challenge") {
			return fail("invalid_pkce_challenge", err)
		}
		return fail("use_pkce", err)
	}
	switch e.Code {
	case oauth.InvalidScope:
		return fail("invalid_scope", err)
	case oauth.UnauthorizedClient:
		return fail("invalid_client_id", err)
	case oauth.UnmetAuthenticationRequirements:
		return fail("no_acr_registered", err)
	}
	return fail(invalidRequest, err)
}
