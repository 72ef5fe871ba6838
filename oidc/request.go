package oidc

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/gosignet/signet/oauth"
)

// The values of the prompt parameter (OpenID Connect Core section 3.1.2.1).
const (
	PromptNone          = "none"
	PromptLogin         = "login"
	PromptConsent       = "consent"
	PromptSelectAccount = "select_account"
)

// Bounds of what a client may send. The whole of a request is bounded by package oauth.
const (
	maxNonce     = 512
	maxLoginHint = 256
	maxLocales   = 16
	maxACRValues = 32
	maxAge       = 100 * 365 * 24 * time.Hour
)

// Request is the OpenID Connect part of an authorization request. It can be stored as JSON.
type Request struct {
	// OpenID says whether the scope has openid. If not, the request is plain OAuth: only UILocales, LoginHint, Display
	// and ACRValues are read, and no claims are asked for.
	OpenID bool `json:"openid,omitempty"`
	// Nonce is to be repeated in the ID Token. Empty if none was sent.
	Nonce string `json:"nonce,omitempty"`
	// Display is page, popup, touch or wap, or empty.
	Display string `json:"display,omitempty"`
	// Prompt holds the known values of the prompt parameter. It is never PromptNone together with another.
	Prompt []string `json:"prompt,omitempty"`
	// MaxAge is how old the authentication may be. Nil means any age. It is never negative.
	MaxAge *time.Duration `json:"max_age,omitempty"`
	// UILocales and ClaimsLocales are well-formed language tags in order of preference, perhaps of languages that
	// nobody knows.
	UILocales     []string `json:"ui_locales,omitempty"`
	ClaimsLocales []string `json:"claims_locales,omitempty"`
	// LoginHint may hold what the person will type to say who they are. It is personal.
	LoginHint string `json:"login_hint,omitempty"`
	// ACRValues are the authentication contexts that were asked for, in order of preference: those of the claims
	// parameter, or else those of acr_values. ACREssential says that no other will do. See [Provider.ACRs].
	ACRValues    []string `json:"acr_values,omitempty"`
	ACREssential bool     `json:"acr_essential,omitempty"`
	// Subjects are the subjects at this client of which the person must be one, according to id_token_hint and the
	// claims parameter. Nil means anybody. [Provider.Authorize] refuses everybody else with login_required.
	Subjects []string `json:"subjects,omitempty"`
	// Claims is the claims parameter.
	Claims ClaimsParameter `json:"claims,omitzero"`
}

// HasPrompt says whether the request has the prompt value.
func (r *Request) HasPrompt(value string) bool { return slices.Contains(r.Prompt, value) }

// AcceptsSubject says whether the login may end with the subject, which is one of [Provider.Subject].
func (r *Request) AcceptsSubject(subject string) bool {
	return r.Subjects == nil || slices.Contains(r.Subjects, subject)
}

// ParseRequest reads the OpenID Connect part of the client's request. What is malformed is refused with an
// [*oauth.Error], mostly invalid_request; unknown prompts, displays, languages and claims are ignored. An
// id_token_hint is verified with the provider's keys; any other error comes from the backends that this needs.
func (p *Provider) ParseRequest(ctx context.Context, c *oauth.Client, req *oauth.AuthorizationRequest) (*Request, error) {
	r := &Request{OpenID: slices.Contains(req.Scope, ScopeOpenID)}
	params := req.Parameters
	r.Display = parseDisplay(params["display"])
	r.UILocales = parseLocales(params["ui_locales"])
	var err error
	if r.LoginHint, err = parseLoginHint(params["login_hint"]); err != nil {
		return nil, err
	}
	if r.ACRValues, err = parseACRValues(params["acr_values"]); err != nil {
		return nil, err
	}
	if !r.OpenID {
		return r, nil
	}
	r.ClaimsLocales = parseLocales(params["claims_locales"])
	if r.Nonce, err = parseNonce(params["nonce"]); err != nil {
		return nil, err
	}
	if r.Prompt, err = parsePrompt(params["prompt"]); err != nil {
		return nil, err
	}
	if r.MaxAge, err = parseMaxAge(params["max_age"]); err != nil {
		return nil, err
	}
	if s := params["claims"]; s != "" {
		if err := r.readClaims(s, p.assured()); err != nil {
			return nil, err
		}
	}
	if s := params["id_token_hint"]; s != "" {
		subject, err := p.hintedSubject(ctx, c, s)
		if err != nil {
			return nil, err
		}
		if !r.restrictSubjects([]string{subject}) {
			return nil, invalidRequest("id_token_hint and the claims parameter ask for different subjects")
		}
	}
	return r, nil
}

// readClaims reads the claims parameter and what in it is not about claims to release: the authentication context, the
// subject, and the languages in the names of claims.
func (r *Request) readClaims(s string, assured bool) error {
	claims, locales, err := parseClaims(s, assured)
	if err != nil {
		return err
	}
	r.Claims = *claims
	for _, l := range locales {
		if !slices.Contains(r.ClaimsLocales, l) && len(r.ClaimsLocales) < maxLocales {
			r.ClaimsLocales = append(r.ClaimsLocales, l)
		}
	}
	acr, err := r.Claims.IDToken["acr"].strings("acr")
	if err != nil {
		return err
	}
	if len(acr) > 0 {
		r.ACRValues, r.ACREssential = acr, r.Claims.IDToken["acr"].Essential
	}
	for _, target := range []map[string]ClaimRequest{r.Claims.IDToken, r.Claims.Userinfo} {
		subjects, err := target["sub"].strings("sub")
		if err != nil {
			return err
		}
		if len(subjects) > 0 && !r.restrictSubjects(subjects) {
			return invalidRequest("the claims parameter asks for different subjects")
		}
	}
	return nil
}

// restrictSubjects reports whether anybody is left.
func (r *Request) restrictSubjects(subjects []string) bool {
	if r.Subjects != nil {
		subjects = slices.DeleteFunc(slices.Clone(subjects), func(s string) bool {
			return !slices.Contains(r.Subjects, s)
		})
	}
	r.Subjects = subjects
	return len(subjects) > 0
}

func parseDisplay(s string) string {
	switch s {
	case "page", "popup", "touch", "wap":
		return s
	}
	return ""
}

func parseLoginHint(s string) (string, error) {
	if len(s) > maxLoginHint || !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) {
		return "", invalidRequest("login_hint is too long or not text")
	}
	return s, nil
}

func parseACRValues(s string) ([]string, error) {
	values := strings.Fields(s)
	if len(values) > maxACRValues || !utf8.ValidString(s) {
		return nil, invalidRequest("acr_values has too many values or is not text")
	}
	return nilIfEmpty(values), nil
}

func parseNonce(s string) (string, error) {
	if len(s) > maxNonce || strings.ContainsFunc(s, func(c rune) bool { return c < ' ' || c > '~' }) {
		return "", invalidRequest("nonce is too long or not printable ASCII")
	}
	return s, nil
}

func parsePrompt(s string) ([]string, error) {
	var prompts []string
	values := strings.Fields(s)
	for _, v := range values {
		switch v {
		case PromptNone:
			if len(values) > 1 {
				return nil, invalidRequest("prompt has none together with other values")
			}
		case PromptLogin, PromptConsent, PromptSelectAccount:
		default:
			continue
		}
		if !slices.Contains(prompts, v) {
			prompts = append(prompts, v)
		}
	}
	return prompts, nil
}

func parseMaxAge(s string) (*time.Duration, error) {
	if s == "" {
		return nil, nil
	}
	seconds, err := strconv.ParseUint(s, 10, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return nil, invalidRequest("max_age is not a non-negative integer")
	}
	age := time.Duration(min(seconds, uint64(maxAge/time.Second))) * time.Second
	return &age, nil
}

// parseLocales keeps what looks like a language tag, each once.
func parseLocales(s string) []string {
	var locales []string
	for tag := range strings.FieldsSeq(s) {
		if len(locales) < maxLocales && isLanguageTag(tag) && !slices.Contains(locales, tag) {
			locales = append(locales, tag)
		}
	}
	return locales
}

func isLanguageTag(s string) bool {
	if len(s) > 35 {
		return false
	}
	for part := range strings.SplitSeq(s, "-") {
		if len(part) < 1 || len(part) > 8 || strings.ContainsFunc(part, func(c rune) bool {
			return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9')
		}) {
			return false
		}
	}
	return true
}

func nilIfEmpty(s []string) []string {
	if len(s) == 0 {
		return nil
	}
	return s
}

func invalidRequest(description string) *oauth.Error {
	return &oauth.Error{Code: oauth.InvalidRequest, Description: description}
}
