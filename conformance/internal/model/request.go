package model

import (
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// request is a validated authorization request.
type request struct {
	client *Client
	params url.Values
	// jkt is the thumbprint that the code will be bound to.
	jkt string
	// byProof says that jkt comes from a proof at PAR.
	byProof bool
	// requestURI is where the request was pushed to, and is spent with the login.
	requestURI string
}

func (r *request) redirectURI() string {
	if uri := r.params.Get("redirect_uri"); uri != "" {
		return uri
	}
	return r.client.RedirectURIs[0]
}

// goodRedirectURI says whether the redirect URI is registered. Nothing is sent to others.
func (p *Provider) goodRedirectURI(c *Client, uri string) bool {
	if uri == "" && !p.keeps(RedirectURIRequired) {
		return true
	}
	if slices.Contains(c.RedirectURIs, uri) || !p.keeps(RedirectURIExact) {
		return true
	}
	base, _, _ := strings.Cut(uri, "?")
	return !p.keeps(RedirectURIQueryExact) && slices.ContainsFunc(c.RedirectURIs, func(registered string) bool {
		other, _, _ := strings.Cut(registered, "?")
		return other == base
	})
}

// validate returns what is wrong with the parameters of a client whose redirect URI is good.
func (p *Provider) validate(c *Client, params url.Values) *refused {
	switch responseType := params.Get("response_type"); {
	case responseType == "" && p.keeps(ResponseTypeRequired):
		return refuse("invalid_request", "response_type is missing")
	case responseType != "code" && responseType != "" && p.keeps(ResponseTypeCode):
		return refuse("unsupported_response_type", "the response type must be code")
	}
	if e := p.validatePKCE(c, params); e != nil {
		return e
	}
	for _, scope := range fields(params.Get("scope")) {
		if !slices.Contains(c.Scopes, scope) {
			return refuse("invalid_scope", "the client may not ask for this")
		}
	}
	if !p.keeps(ScopeOrder) && !slices.IsSortedFunc(fields(params.Get("scope")), func(a, b string) int {
		return slices.Index(c.Scopes, a) - slices.Index(c.Scopes, b)
	}) {
		return refuse("invalid_scope", "the order is wrong")
	}
	if prompts := fields(params.Get("prompt")); len(prompts) > 1 && slices.Contains(prompts, "none") && p.keeps(PromptNoneAlone) {
		return refuse("invalid_request", "none stands alone")
	}
	if maxAge := params.Get("max_age"); maxAge != "" {
		if seconds, err := strconv.Atoi(maxAge); err != nil || seconds < 0 {
			return refuse("invalid_request", "max_age is not a number")
		}
	}
	if claims := params.Get("claims"); claims != "" && !json.Valid([]byte(claims)) {
		return refuse("invalid_request", "claims is not JSON")
	}
	if p.Assurance {
		if e := p.validateVerified(params.Get("claims")); e != nil {
			return e
		}
	}
	if len(params.Get("state")) > 500 && !p.keeps(LongState) {
		return refuse("invalid_request", "state is too long")
	}
	if params.Has("request") && !p.keeps(RequestUnsupported) {
		return refuse("invalid_request", "request is unsupported")
	}
	if params.Has("extra") && !p.keeps(UnknownParameters) {
		return refuse("invalid_request", "unknown parameter")
	}
	if !p.keeps(DisplayIgnored) {
		for _, name := range []string{"display", "login_hint", "ui_locales", "claims_locales"} {
			if params.Has(name) {
				return refuse("invalid_request", "unsupported parameter")
			}
		}
	}
	return nil
}

func (p *Provider) validatePKCE(c *Client, params url.Values) *refused {
	challenge, method := params.Get("code_challenge"), params.Get("code_challenge_method")
	switch {
	case challenge == "" && c.FAPI && p.keeps(PKCERequired):
		return refuse("invalid_request", "code_challenge is missing")
	case method == "S256" && !p.keeps(PKCES256Accepted):
		return refuse("invalid_request", "code_challenge_method is unknown")
	case challenge != "" && method != "S256" && p.keeps(PKCES256):
		return refuse("invalid_request", "code_challenge_method must be S256")
	}
	return nil
}

// readObject returns the parameters in a request object (RFC 9101, FAPI 2.0 Message Signing 5.3).
func (p *Provider) readObject(c *Client, object string) (url.Values, *refused) {
	header, claims := peek(object)
	if claims == nil {
		return nil, refuse("invalid_request_object", "not a JWT")
	}
	keys := c.Keys.Keys
	if !p.keeps(ObjectKey) {
		for _, other := range p.Clients {
			keys = append(slices.Clone(keys), other.Keys.Keys...)
		}
	}
	algs := fapiAlgorithms
	if !p.keeps(ObjectAlgorithm) {
		algs = openIDAlgorithms
	}
	_, _, ok := open(object, keys, algs)
	unsigned := header["alg"] == "none" && !p.keeps(ObjectAlgorithm)
	if !ok && !unsigned && p.keeps(ObjectSignature) {
		return nil, refuse("invalid_request_object", "not signed by the client")
	}
	typ := text(header, "typ")
	if p.keeps(ObjectTypCase) {
		typ = strings.ToLower(typ)
	}
	if typ != "oauth-authz-req+jwt" {
		return nil, refuse("invalid_request_object", "wrong typ")
	}
	if e := p.objectClaims(c, claims); e != nil {
		return nil, e
	}
	params := url.Values{}
	for name, value := range claims {
		switch v := value.(type) {
		case string:
			params.Set(name, v)
		case float64:
			params.Set(name, strconv.FormatInt(int64(v), 10))
		case map[string]any:
			raw, _ := json.Marshal(v)
			params.Set(name, string(raw))
		}
	}
	for _, name := range []string{"iss", "aud", "exp", "nbf", "iat", "jti"} {
		params.Del(name)
	}
	return params, nil
}

func (p *Provider) objectClaims(c *Client, claims map[string]any) *refused {
	const skew, hour = 15, 3600
	if p.keeps(ObjectIssuer) && (text(claims, "iss") != c.ID || text(claims, "client_id") != c.ID) {
		return refuse("invalid_request_object", "wrong iss or client_id")
	}
	audience := claims["aud"] == p.Issuer
	if array, ok := claims["aud"].([]any); ok && p.keeps(ObjectAudiences) {
		audience = slices.Contains(array, any(p.Issuer))
	}
	if !audience && p.keeps(ObjectAudience) {
		return refuse("invalid_request_object", "wrong aud")
	}
	if _, ok := claims["request_uri"]; ok && p.keeps(ObjectRequestURI) {
		return refuse("invalid_request_object", "request_uri inside")
	}
	exp, hasExp := number(claims, "exp")
	nbf, hasNbf := number(claims, "nbf")
	switch {
	case !hasExp && p.keeps(ObjectExpPresent):
		return refuse("invalid_request_object", "exp is missing")
	case !hasNbf && p.keeps(ObjectNbfPresent):
		return refuse("invalid_request_object", "nbf is missing")
	case hasExp && exp < now()-skew && p.keeps(ObjectExpiry):
		return refuse("invalid_request_object", "expired")
	case hasExp && exp > now()+hour && p.keeps(ObjectExpNear):
		return refuse("invalid_request_object", "exp is too far ahead")
	case hasNbf && nbf < now()-hour && p.keeps(ObjectNbfNear) && p.keeps(ObjectExpiry):
		return refuse("invalid_request_object", "nbf is too long ago")
	case hasNbf && nbf > now()+skew, hasNbf && nbf > now() && !p.keeps(ObjectSkew):
		return refuse("invalid_request_object", "nbf is ahead")
	}
	return nil
}
