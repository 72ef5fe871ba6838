package signet

import (
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/dpop"
	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/oidc"
	"github.com/gosignet/signet/par"
	"github.com/gosignet/signet/ui"
)

// minSecret is the least entropy of a secret, in bytes.
const minSecret = 32

// maxFAPI2RequestLifetime is what the life of a request_uri stays below (FAPI 2.0 Security Profile section 5.3.2.2).
const maxFAPI2RequestLifetime = 10 * time.Minute

// New composes a Provider, or returns every mistake in the configuration that it can see at once.
func New(c Config) (*Provider, error) {
	c.Paths.setDefaults()
	if err := c.validate(); err != nil {
		return nil, err
	}
	p := &Provider{hsts: strings.HasPrefix(c.Issuer, "https:")}
	if err := c.wallets(p); err != nil {
		return nil, fmt.Errorf("signet: %w", err)
	}
	if err := c.signUp(p); err != nil {
		return nil, fmt.Errorf("signet: %w", err)
	}
	if c.ACRs == nil {
		c.ACRs = DefaultACRs(c.factors())
	}
	if c.Ledger != nil {
		c.Clients = withAccount(c.Clients, ui.AccountClient(c.Issuer, c.accountBase()))
	}
	for _, compose := range []func(*Provider) error{c.openID, c.oauth, c.backchannel, c.consents, c.login, c.linker, c.pages, c.button, c.account, c.esignet, c.landing} {
		if err := compose(p); err != nil {
			return nil, fmt.Errorf("signet: %w", err)
		}
	}
	p.mux = c.routes(p)
	return p, nil
}

// factors are those of the Authenticator and of the Methods.
func (c *Config) factors() []authenticator.Factor {
	factors := c.Authenticator.Factors()
	for _, m := range c.Methods {
		factors = append(slices.Clip(factors), m.Factors()...)
	}
	return factors
}

// validate finds what would keep New from getting far enough for the packages to validate their own parts.
func (c *Config) validate() error {
	var errs []error
	if err := oauth.CheckIssuer(c.Issuer); err != nil {
		errs = append(errs, err)
	}
	if c.Clients == nil {
		errs = append(errs, errors.New("Config.Clients is missing"))
	}
	if c.Authenticator == nil {
		errs = append(errs, errors.New("Config.Authenticator is missing"))
	}
	if slices.Contains(c.Methods, nil) {
		errs = append(errs, errors.New("Config.Methods has one that is nil"))
	}
	if c.Keys == nil {
		errs = append(errs, errors.New("Config.Keys is missing"))
	}
	if c.Store == nil {
		errs = append(errs, errors.New("Config.Store is missing: name one, such as store/memory"))
	}
	if len(c.PairwiseSecret) < minSecret {
		errs = append(errs, fmt.Errorf("Config.PairwiseSecret must have at least %d random bytes", minSecret))
	}
	for name, path := range map[string]string{
		"Authorization": c.Paths.Authorization, "Token": c.Paths.Token, "Introspection": c.Paths.Introspection,
		"Revocation": c.Paths.Revocation, "Userinfo": c.Paths.Userinfo, "JWKS": c.Paths.JWKS,
		"PushedRequests": c.Paths.PushedRequests, "Login": c.Paths.Login, "Logout": c.Paths.Logout,
		"Account": c.Paths.Account, "Consents": c.Paths.Consents, "ReceiptKeys": c.Paths.ReceiptKeys,
		"Plugins": c.Paths.Plugins,
	} {
		if !strings.HasPrefix(path, "/") || strings.ContainsAny(path, "{}?# ") {
			errs = append(errs, fmt.Errorf("Config.Paths.%s: %q is not a path that begins with a slash", name, path))
		}
	}
	for name, path := range map[string]string{
		"Login": c.Paths.Login, "Account": c.Paths.Account, "Plugins": c.Paths.Plugins,
	} {
		if !strings.HasSuffix(path, "/") {
			errs = append(errs, fmt.Errorf("Config.Paths.%s must end with a slash", name))
		}
	}
	errs = append(errs, c.checkProfile(), c.checkSignUp())
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("signet: %w", err)
	}
	return nil
}

// checkProfile finds what the profile forbids and no package sees for itself.
func (c *Config) checkProfile() error {
	var errs []error
	for _, alg := range c.Algorithms {
		if !c.Profile.Allows(alg) {
			errs = append(errs, fmt.Errorf("Config.Algorithms: the profile %s does not allow %s", c.Profile, alg))
		}
	}
	if c.Profile != oauth.ProfileNone && c.RequestLifetime >= maxFAPI2RequestLifetime {
		errs = append(errs, fmt.Errorf("Config.RequestLifetime must be less than %v in the profile %s", maxFAPI2RequestLifetime, c.Profile))
	}
	return errors.Join(errs...)
}

func (c *Config) openID(p *Provider) (err error) {
	languages, err := ui.Languages(c.Catalog)
	if err != nil {
		return err
	}
	if p.DPoP, err = c.dpop(); err != nil {
		return err
	}
	p.OpenID, err = oidc.New(oidc.Config{
		Issuer:             c.Issuer,
		UserinfoEndpoint:   c.Issuer + c.Paths.Userinfo,
		JWKSURI:            c.Issuer + c.Paths.JWKS,
		EndSessionEndpoint: c.endSession(),
		Keys:               c.Keys,
		Clients:            c.Clients,
		Claims:             c.Authenticator,
		PairwiseSecret:     c.PairwiseSecret,
		Scopes:             c.Scopes,
		ClaimsSupported:    c.ClaimsSupported,
		Assurance:          c.Assurance,
		ClaimSources:       c.ClaimSources,
		PictureTypes:       c.PictureTypes,
		ClaimsAtUserinfo:   c.ClaimsAtUserinfo,
		AcceptOriginal:     c.AcceptOriginal,
		PublishedKeys:      c.publishedKeys(),
		ACRValues:          c.ACRs.Values(),
		UILocales:          languages,
		DefaultAlgorithm:   c.Algorithm,
		Algorithms:         c.Algorithms,
		IDTokenLifetime:    c.IDTokenLifetime,
		DPoP:               p.DPoP,
		Audit:              c.Audit,
		Logger:             c.Logger,
		Now:                c.Now,
	})
	return err
}

func (c *Config) dpop() (*dpop.Verifier, error) {
	config := dpop.Config{Store: c.Store, RequireNonce: c.RequireDPoPNonces, Now: c.Now}
	secrets := c.NonceSecrets
	if secrets == nil {
		secret, err := c.derive("signet dpop nonce v1")
		if err != nil {
			return nil, err
		}
		secrets = [][]byte{secret}
	}
	var err error
	if config.Nonces, err = dpop.NewNonces(dpop.NoncesConfig{Secrets: secrets, Now: c.Now}); err != nil {
		return nil, err
	}
	return dpop.New(config)
}

// derive makes a secret for one use. What is derived so may change with the secret, subjects may not: one secret does for
// both.
func (c *Config) derive(use string) ([]byte, error) {
	return hkdf.Key(sha256.New, c.PairwiseSecret, nil, use, minSecret)
}

func (c *Config) sessions() bool { return c.Sessions != login.Sessions{} }

// endSession is the end session endpoint, empty if there is none.
func (c *Config) endSession() string {
	if !c.sessions() {
		return ""
	}
	return c.Issuer + c.Paths.Logout
}

func (c *Config) backchannel(p *Provider) (err error) {
	if c.sessions() {
		p.Backchannel, err = oidc.NewBackchannel(oidc.BackchannelConfig{
			Provider:     p.OpenID,
			AllowPrivate: c.AllowPrivateBackchannel,
			Audit:        c.Audit,
			Logger:       c.Logger,
		})
	}
	return err
}

func (c *Config) oauth(p *Provider) (err error) {
	p.Pushed, err = par.New(par.Config{Store: c.Store, Lifetime: c.RequestLifetime, Now: c.Now})
	if err != nil {
		return err
	}
	p.OAuth, err = oauth.New(oauth.Config{
		Issuer: c.Issuer,
		Endpoints: oauth.Endpoints{
			Authorization:  c.Issuer + c.Paths.Authorization,
			Token:          c.Issuer + c.Paths.Token,
			Introspection:  c.Issuer + c.Paths.Introspection,
			Revocation:     c.Issuer + c.Paths.Revocation,
			JWKS:           c.Issuer + c.Paths.JWKS,
			PushedRequests: c.Issuer + c.Paths.PushedRequests,
		},
		Profile:               c.Profile,
		DPoP:                  p.DPoP,
		Pushed:                p.Pushed,
		RequirePushedRequests: c.RequirePushedRequests,
		Clients:               c.Clients,
		Scopes:                c.ownScopes(),
		Keys:                  c.Keys,
		Store:                 c.Store,
		Extension:             p.OpenID,
		AccessTokenAlgorithm:  c.Algorithm,
		AccessTokenAudience:   c.AccessTokenAudience,
		Resources:             c.Resources,
		AccessTokenLifetime:   c.AccessTokenLifetime,
		CodeLifetime:          c.CodeLifetime,
		Audit:                 c.Audit,
		Logger:                c.Logger,
		Now:                   c.Now,

		AuthorizationResponseAlgorithms: c.Algorithms,
		RequireSignedRequestObjects:     c.RequireSignedRequestObjects,
	})
	return err
}

func (c *Config) login(p *Provider) error {
	// Two issuers on one store do not share sessions, even if they share the secret.
	secret, err := c.derive("signet login v1 " + c.Issuer)
	if err != nil {
		return err
	}
	var notifier login.LogoutNotifier
	if p.Backchannel != nil {
		notifier = p.Backchannel
	}
	var consents login.Consents
	if p.Consents != nil {
		consents = p.Consents
	}
	p.Login, err = login.New(login.Config{
		Authorizer:           p.OAuth,
		OpenID:               p.OpenID,
		Clients:              c.Clients,
		Authenticator:        c.Authenticator,
		Methods:              c.Methods,
		EnrollmentACRs:       c.EnrollmentACRs,
		ACRs:                 c.ACRs,
		Store:                c.Store,
		Secret:               secret,
		Lifetime:             c.LoginLifetime,
		MaxAttempts:          c.MaxAttempts,
		MaxCodes:             c.MaxCodes,
		IdentifierLimit:      c.IdentifierLimit,
		SourceLimit:          c.SourceLimit,
		Delay:                c.Delay,
		Captcha:              c.Captcha,
		CaptchaOn:            c.CaptchaOn,
		CaptchaAfter:         c.CaptchaAfter,
		AuthenticatorTimeout: c.AuthenticatorTimeout,
		Sessions:             c.Sessions,
		Consents:             consents,
		ConsentPolicy:        c.ConsentPolicy,
		Verifier:             c.Verifier,
		Portal:               c.signUpClient(),
		Assure:               c.ESignet != nil,
		Logout:               notifier,
		Audit:                c.Audit,
		Logger:               c.Logger,
		Now:                  c.Now,
	})
	return err
}

func (c *Config) pages(p *Provider) (err error) {
	u := ui.Config{
		Flow:               p.Login,
		Logout:             p.OpenID,
		Secure:             p.hsts,
		BasePath:           c.issuerPath() + c.Paths.Login,
		Origin:             c.origin(),
		IdentifierTypes:    c.IdentifierTypes,
		Links:              c.Links,
		FrameAncestors:     c.FrameAncestors,
		Theme:              c.Theme,
		Templates:          c.Templates,
		Documents:          c.Documents,
		Logos:              c.Logos,
		Biometrics:         c.Biometrics,
		CaptureTransaction: c.CaptureTransaction,
		MaxResponse:        c.maxResponse,
		Catalog:            c.Catalog,
		DefaultLanguage:    c.DefaultLanguage,
		Logger:             c.Logger,
		Now:                c.Now,
	}
	c.showCodes(p, &u)
	p.Pages, err = ui.New(u)
	return err
}

// maxResponse bounds an answer to the factor, as whoever verifies it says.
func (c *Config) maxResponse(f authenticator.Factor) int {
	for _, m := range c.Methods {
		if slices.Contains(m.Factors(), f) {
			return authenticator.TraitsOf(m, f).MaxResponse
		}
	}
	return authenticator.TraitsOf(c.Authenticator, f).MaxResponse
}
