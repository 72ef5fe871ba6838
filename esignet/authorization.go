package esignet

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/idtoken"
	"github.com/gosignet/signet/captcha"
	"github.com/gosignet/signet/dpop"
	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/oidc"
	"github.com/gosignet/signet/par"
	"github.com/gosignet/signet/store"
)

// AuthorizationConfig configures logins in a browser, and what relying parties call.
type AuthorizationConfig struct {
	// Origin is where the world reaches the API, without Config.Prefix: https://id.example. Required.
	Origin string
	// Flow takes people through logins. Required.
	Flow *login.Flow
	// Server is the authorization server, of the issuer that Issuer names. Required, both.
	Server *oauth.Server
	Issuer string
	// OpenID is OpenID Connect on top of it. Required.
	OpenID *oidc.Provider
	// Pushed keeps pushed requests. Required.
	Pushed *par.Requests
	// DPoP verifies proofs at userinfo. Required.
	DPoP *dpop.Verifier
	// Clients looks clients up. Required.
	Clients oauth.ClientStore

	// Channels are those by which the identity system sends codes. Nil means that it chooses between telephone and e-mail.
	Channels []authenticator.Channel
	// Forms describes what people are asked for where one secret is not enough. Nil means that there are no forms.
	Forms authenticator.FormProvider
	// Challenges are the formats and lengths of answers to challenges, by the type of their factor. Nil means those of
	// [DefaultChallenges]. Options with other factors are not offered.
	Challenges map[string]Challenge
	// Captcha tells the pages which widget to show, and CaptchaOn for what, as Flow has them. Nil if there is none.
	Captcha   captcha.Verifier
	CaptchaOn []login.Use
	// SignUp reads the ID Tokens that people bring back from the sign-up portal: those of Flow, of which it is one of the
	// Methods, for its Portal. Required with a Portal, and nil without.
	SignUp *idtoken.Method
	// UI are the settings of the pages, which they find in "configs", on top of [DefaultUI] and of what is known of the
	// server. A key that is an integer is refused: a browser would change the order.
	UI map[string]any
	// NonceLifetime is how long the nonce of a client's request is not accepted again. Zero means 24 hours.
	NonceLifetime time.Duration
}

// authorization serves the part.
type authorization struct {
	*AuthorizationConfig
	api          *API
	transactions store.Bucket[transaction]
	base         string // the URL of the prefix
}

// serve mounts the endpoints.
func (c *AuthorizationConfig) serve(a *API) error {
	if c == nil {
		return nil
	}
	config := *c
	if config.Challenges == nil {
		config.Challenges = DefaultChallenges()
	}
	a.makeRoom(config.Challenges)
	if config.NonceLifetime == 0 {
		config.NonceLifetime = 24 * time.Hour
	}
	p := &authorization{
		AuthorizationConfig: &config, api: a, base: c.Origin + a.prefix,
		transactions: store.Bucket[transaction]{Store: a.store, Name: "esignet", Now: a.now},
	}
	if err := p.validate(); err != nil {
		return err
	}
	a.pages = p
	a.handle("POST /authorization/oauth-details", enveloped(a, p.detailsV1, scoped[*detailsV1](p)))
	a.handle("POST /authorization/v2/oauth-details", enveloped(a, p.detailsV2, scoped[*detailsV2](p)))
	a.handle("POST /authorization/v3/oauth-details", enveloped(a, p.detailsV3, scoped[*detailsV3](p)))
	a.handle("POST /authorization/par-oauth-details", enveloped(a, p.pushedDetails))
	a.handle("POST /authorization/send-otp", p.filtered(preauth, enveloped(a, p.sendOTP, among[*sendOTPRequest](c.Channels))))
	a.handle("POST /authorization/authenticate", p.filtered(preauth, enveloped(a, p.authenticateV1, formatted[*authenticateRequest](config.Challenges))))
	a.handle("POST /authorization/v2/authenticate", p.filtered(preauth, enveloped(a, p.authenticateV2, formatted[*authenticateRequest](config.Challenges))))
	a.handle("POST /authorization/v3/authenticate", p.filtered(preauth, enveloped(a, p.authenticateV3, formatted[*authenticateV3](config.Challenges))))
	a.handle("POST /authorization/auth-code", p.filtered(authenticated, enveloped(a, p.authCode)))
	a.handle("GET /authorization/claim-details", p.filtered(authenticated, http.HandlerFunc(p.claimDetails)))
	a.handle("POST /authorization/prepare-signup-redirect", p.filtered(authenticated, enveloped(a, p.prepareSignup)))
	a.handle("POST /authorization/complete-signup-redirect", p.filtered(halted, enveloped(a, p.completeSignup)))
	a.handle("POST /oauth/token", p.token(oauth.Endpoint{
		URL: p.base + "/oauth/token", Audiences: []string{c.Issuer + "/oauth/token"},
	}))
	a.handle("POST /oauth/v2/token", p.token(oauth.Endpoint{URL: p.base + "/oauth/v2/token", RequireNonce: true}))
	a.handle("POST /oauth/par", http.HandlerFunc(p.push))
	a.handle("GET /oidc/userinfo", http.HandlerFunc(p.userinfo))
	metadata := p.metadata()
	a.handle("GET /oauth/.well-known/jwks.json", c.OpenID.JWKSHandler())
	a.handle("GET /oauth/.well-known/oauth-authorization-server", document(metadata.Metadata))
	a.handle("GET /oidc/.well-known/openid-configuration", document(metadata))
	return nil
}

func (p *authorization) validate() error {
	var errs []error
	for name, missing := range map[string]bool{
		"Flow": p.Flow == nil, "Server": p.Server == nil, "OpenID": p.OpenID == nil, "Pushed": p.Pushed == nil,
		"DPoP": p.DPoP == nil, "Clients": p.Clients == nil,
	} {
		if missing {
			errs = append(errs, fmt.Errorf("esignet: Authorization.%s is required", name))
		}
	}
	if err := oauth.CheckIssuer(p.Origin); err != nil {
		errs = append(errs, fmt.Errorf("esignet: Authorization.Origin: %w", err))
	}
	if err := oauth.CheckIssuer(p.Issuer); err != nil {
		errs = append(errs, fmt.Errorf("esignet: Authorization.Issuer: %w", err))
	}
	for t, c := range p.Challenges {
		if t == "" || t != strings.ToUpper(t) || c.Format == "" || c.MinLength < 1 || c.MaxLength < c.MinLength {
			errs = append(errs, fmt.Errorf("esignet: Authorization.Challenges: %q is not upper case, or has no format or range", t))
		}
	}
	errs = append(errs, p.checkSignUp())
	if _, err := encode(p.UI); err != nil {
		errs = append(errs, fmt.Errorf("esignet: Authorization.UI: %w", err))
	}
	return errors.Join(errs...)
}

// transaction is what the API keeps beside the login, under the same handle.
type transaction struct {
	// Hash is the oauth-details-hash.
	Hash string `json:"hash"`
	// Browser is the hash of the cookie of the browser that began.
	Browser     string `json:"browser,omitempty"`
	RedirectURI string `json:"redirect_uri"`
	// Nonce and State are those of the request, nil if it had none.
	Nonce *string `json:"nonce,omitempty"`
	State *string `json:"state,omitempty"`
	// Claims are what was asked for, Verified those of them that the client must have verified.
	Claims   []string `json:"claims,omitempty"`
	Verified []string `json:"verified,omitempty"`
	// Halted says that the person is at the sign-up portal, Over that there is a code, or that they did not come back well.
	Halted bool `json:"halted,omitempty"`
	Over   bool `json:"over,omitempty"`
}

// phase is where a transaction stands, in the words of the API.
type phase int

const (
	gone phase = iota
	preauth
	authenticated
	halted
	exhausted
)

func phaseOf(t *transaction, s *login.State) phase {
	switch {
	case t.Over:
		return gone
	case t.Halted:
		return halted
	}
	switch s.Step {
	case login.StepAccount, login.StepChoose, login.StepIdentify, login.StepVerify:
		return preauth
	case login.StepDone:
		switch {
		case s.Response.Parameters.Get("code") != "":
			return authenticated
		case s.AttemptsLeft == 0:
			return exhausted
		}
		return gone
	}
	return authenticated
}

// opened is a transaction that a request has the right to.
type opened struct {
	transaction
	handle string
	state  *login.State
}

type openedKey struct{}

// of is the transaction of the request, if its body names the same one as its header.
func of(ctx context.Context, id text) (*opened, error) {
	o, ok := ctx.Value(openedKey{}).(*opened)
	if !ok || o.handle != string(id) {
		return nil, fail(invalidTransaction, nil)
	}
	return o, nil
}

// filtered lets a request through whose header proves that it comes from where the transaction began, and that comes at
// the right time.
func (p *authorization) filtered(want phase, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if source, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
			r = r.WithContext(login.WithSource(r.Context(), source.Addr().Unmap()))
		}
		o, err := p.open(r, r.Header.Get("oauth-details-key"), r.Header.Get("oauth-details-hash"), want)
		if err != nil {
			p.api.finish(w, r, nil, err)
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), openedKey{}, o)))
	})
}

// begunBy reports whether the browser of a request began the transaction. eSignet's pages find it in their address, and would
// otherwise take a person through one that somebody else began, who waits for the code. Reading needs no cookie.
func (t *transaction) begunBy(r *http.Request) bool {
	return r.Method == http.MethodGet || t.Browser == "" || same(t.Browser, hash(csrfSecret(r)))
}

func (p *authorization) open(r *http.Request, handle, hash string, want phase) (*opened, error) {
	ctx := r.Context()
	t, err := p.transactions.Get(ctx, handle)
	if errors.Is(err, store.ErrNotFound) {
		return nil, fail(invalidTransaction, err)
	}
	if err != nil {
		return nil, err
	}
	if !t.begunBy(r) {
		return nil, fail(invalidTransaction, nil)
	}
	state, err := p.Flow.State(ctx, handle)
	if errors.Is(err, login.ErrUnknown) {
		return nil, fail(invalidTransaction, err)
	}
	if state == nil {
		return nil, err
	}
	if p.api.linker != nil { // looked at last: whatever the state shows was then proved here, or the wallet is known
		linked, err := p.api.linker.Linked(ctx, handle)
		if err != nil {
			return nil, err
		}
		if linked {
			return nil, fail(invalidTransaction, nil)
		}
	}
	stands := phaseOf(&t, state)
	switch {
	case stands != want && (stands != exhausted || want != preauth):
		return nil, fail(invalidTransaction, nil)
	case !same(t.Hash, hash):
		return nil, fail(invalidRequest, nil)
	case stands == exhausted:
		return nil, fail("no_attempts_left", nil)
	}
	return &opened{t, handle, state}, nil
}

// move changes a transaction, unless it stands elsewhere meanwhile.
func (p *authorization) move(ctx context.Context, handle string, f func(*transaction) bool) error {
	_, err := p.transactions.Update(ctx, handle, func(t *transaction) error {
		if t.Over || !f(t) {
			return fail(invalidTransaction, nil)
		}
		return nil
	})
	if errors.Is(err, store.ErrNotFound) {
		return fail(invalidTransaction, err)
	}
	return err
}

// offered reports whether the API can take answers to all factors of an option.
func (p *authorization) offered(set authenticator.FactorSet) bool {
	return !slices.ContainsFunc(set, func(f authenticator.Factor) bool { _, ok := p.Challenges[typeOf(f)]; return !ok })
}
