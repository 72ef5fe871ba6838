package esignet

import (
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/oidc"
)

// detailsV1 is an authorization request as the pages turn it into JSON.
type detailsV1 struct {
	ClientID      text    `json:"clientId"`
	Scope         text    `json:"scope"`
	ResponseType  text    `json:"responseType"`
	RedirectURI   text    `json:"redirectUri"`
	Display       *text   `json:"display"`
	Prompt        *text   `json:"prompt"`
	Nonce         *text   `json:"nonce"`
	State         *text   `json:"state"`
	ACRValues     text    `json:"acrValues"`
	MaxAge        integer `json:"maxAge"`
	Claims        claims  `json:"claims"`
	ClaimsLocales text    `json:"claimsLocales"`
	UILocales     text    `json:"uiLocales"`
	DPoPJKT       text    `json:"dpopJkt"`
}

// detailsV2 is one with PKCE.
type detailsV2 struct {
	detailsV1
	CodeChallenge       *text `json:"codeChallenge"`
	CodeChallengeMethod *text `json:"codeChallengeMethod"`
}

// detailsV3 is one with an ID Token.
type detailsV3 struct {
	detailsV2
	IDTokenHint *text `json:"idTokenHint"`
}

// integer is a number, or one in a string.
type integer string

func (i *integer) UnmarshalJSON(data []byte) error {
	s := strings.Trim(string(data), `"`)
	if s == "null" || s == "" {
		return nil
	}
	if _, err := strconv.ParseInt(s, 10, 32); err != nil {
		return errors.New("not an integer")
	}
	*i = integer(s)
	return nil
}

func blank(t text) bool { return strings.TrimSpace(string(t)) == "" }

func value(t *text) string {
	if t == nil {
		return ""
	}
	return string(*t)
}

func (d *detailsV1) validate(v *violations) {
	v.check(!blank(d.ClientID), "request.clientId", "invalid_client_id")
	v.check(d.ResponseType == "code", "request.responseType", "invalid_response_type")
	v.check(validRedirectURI(string(d.RedirectURI)), "request.redirectUri", "invalid_redirect_uri")
	v.check(d.Display == nil || validDisplay(string(*d.Display)), "request.display", "invalid_display")
	v.check(d.Prompt == nil || validPrompt(string(*d.Prompt)), "request.prompt", "invalid_prompt")
	v.check(d.Claims.valid(), "request.claims", "invalid_claim")
}

func (d *detailsV2) validate(v *violations) {
	d.detailsV1.validate(v)
	v.check((d.CodeChallenge == nil) == (d.CodeChallengeMethod == nil) &&
		(d.CodeChallenge == nil || !blank(*d.CodeChallenge)), "request", "invalid_pkce_challenge")
	v.check(d.CodeChallengeMethod == nil || *d.CodeChallengeMethod == "S256",
		"request.codeChallengeMethod", "unsupported_pkce_challenge_method")
}

func (d *detailsV1) scope() string { return string(d.Scope) }

func validDisplay(s string) bool {
	return slices.Contains([]string{"page", "popup", "touch", "wap"}, s)
}

// validPrompt accepts one value alone, as eSignet does.
func validPrompt(s string) bool {
	return slices.Contains([]string{oidc.PromptNone, oidc.PromptLogin, oidc.PromptConsent, oidc.PromptSelectAccount}, s)
}

// parameters are those of the request, as package oauth reads them.
func (d *detailsV3) parameters() url.Values {
	parameters := url.Values{}
	for name, v := range map[string]string{
		"client_id": string(d.ClientID), "scope": strings.Join(strings.Fields(string(d.Scope)), " "),
		"response_type": string(d.ResponseType), "redirect_uri": string(d.RedirectURI), "display": value(d.Display),
		"prompt": value(d.Prompt), "nonce": strings.TrimSpace(value(d.Nonce)), "state": value(d.State),
		"acr_values": string(d.ACRValues), "claims": d.Claims.text(), "claims_locales": string(d.ClaimsLocales),
		"ui_locales": string(d.UILocales), "dpop_jkt": string(d.DPoPJKT), "code_challenge": value(d.CodeChallenge),
		"code_challenge_method": value(d.CodeChallengeMethod), "id_token_hint": value(d.IDTokenHint),
	} {
		if v != "" {
			parameters.Set(name, v)
		}
	}
	if !strings.HasPrefix(string(d.MaxAge), "-") && d.MaxAge != "" {
		parameters.Set("max_age", string(d.MaxAge))
	}
	return parameters
}

// pushedDetails names a pushed request.
type pushedDetails struct {
	ClientID   text `json:"clientId"`
	RequestURI text `json:"requestUri"`
}

func (d *pushedDetails) validate(v *violations) {
	v.check(!blank(d.ClientID), "request.clientId", "invalid_client_id")
	v.check(strings.HasPrefix(string(d.RequestURI), oauth.RequestURIPrefix), "request.requestUri", invalidRequest)
}

// claims is the claims parameter. It is JSON already.
type claims map[string]json.RawMessage

// text is the parameter as other clients send it.
func (c claims) text() string {
	if c == nil {
		return ""
	}
	data, err := json.Marshal(map[string]json.RawMessage(c))
	if err != nil { // of what was read from JSON
		return ""
	}
	return string(data)
}
