package signet

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/idtoken"
	"github.com/gosignet/signet/esignet"
)

// ESignet configures eSignet's HTTP API. The zero value serves it as eSignet does.
type ESignet struct {
	// Prefix is the path of the API below the issuer's own. Empty means /v1/esignet.
	Prefix string
	// UI are further settings of eSignet's pages, which they get with each login; see [esignet.AuthorizationConfig].
	UI map[string]any
	// Challenges are the formats and lengths of answers to challenges. Nil means [esignet.DefaultChallenges].
	Challenges map[string]esignet.Challenge
	// Management serves the registration of clients, and certificates. Nil serves neither. ACRs that are nil are those of the
	// provider, Claims those of the provider and of [esignet.DefaultClaims].
	Management *esignet.ManagementConfig
	// SignUpClient is the client_id of a sign-up portal to which Config.Verifier sends people, and which then logs them in by
	// the ID Token that they bring along ([login.Departure]). What verifies the factor [authenticator.IDToken] comes with it,
	// and one of the ACRs has to be reached by this factor, which is for this client alone. Empty means that there is none, and
	// no method for the factor either.
	SignUpClient string
	// Bearer says whose tokens may bind wallets, with Config.Wallet; OpenBinding that everybody may. With neither, no wallet is
	// bound through the API.
	Bearer      *esignet.Bearer
	OpenBinding bool
}

func (e *ESignet) prefix() string { return cmp.Or(e.Prefix, esignet.DefaultPrefix) }

// mount mounts the API, and the one of its addresses outside of the prefix that is no other's.
func (e *ESignet) mount(mux *router, base string, p *Provider) {
	mux.Handle(base+e.prefix()+"/", p.ESignet)
	mux.Handle(base+"/.well-known/jwks.json", p.OpenID.JWKSHandler())
}

// checkSignUp finds what would keep people from going to the sign-up portal, and from coming back.
func (c *Config) checkSignUp() error {
	if c.ESignet == nil {
		return nil
	}
	var errs []error
	refuse := func(wrong bool, problem string) {
		if wrong {
			errs = append(errs, errors.New("Config."+problem))
		}
	}
	verified := slices.ContainsFunc(append([]authenticator.Method{c.Authenticator}, c.Methods...), func(m authenticator.Method) bool {
		return m != nil && slices.Contains(m.Factors(), authenticator.IDToken)
	})
	if c.signUpClient() == "" {
		refuse(verified, "ESignet: without a SignUpClient nobody brings the ID Tokens that one of Methods, or the Authenticator, verifies (idt)")
		return errors.Join(errs...)
	}
	refuse(verified, "ESignet.SignUpClient brings a method for its ID Tokens, and one of Methods, or the Authenticator, verifies them too (idt)")
	refuse(c.Verifier == nil, "ESignet.SignUpClient needs a Verifier, which sends people to it")
	refuse(c.ACRs != nil && !slices.ContainsFunc(c.ACRs.Alternatives(), func(a authenticator.Alternative) bool {
		return slices.Contains(a.Factors, authenticator.IDToken)
	}), "ESignet.SignUpClient needs one of ACRs to be reached by an ID Token (idt)")
	return errors.Join(errs...)
}

// signUp makes what verifies the ID Tokens that people bring back from the sign-up portal.
func (c *Config) signUp(p *Provider) (err error) {
	if c.signUpClient() == "" {
		return nil
	}
	p.signUp, err = idtoken.New(idtoken.Config{
		Issuer: c.Issuer, Keys: c.Keys, Audience: []string{c.signUpClient()}, Identities: halted{p}, Store: c.Store,
		Algorithms: c.Algorithms, Now: c.Now,
	})
	c.Methods = append(slices.Clip(c.Methods), p.signUp)
	return err
}

func (c *Config) signUpClient() string {
	if c.ESignet == nil {
		return ""
	}
	return c.ESignet.SignUpClient
}

// halted knows whom the ID Tokens stand for: the people of the logins that they left.
type halted struct{ *Provider }

func (h halted) Bearer(ctx context.Context, t *idtoken.Token) (*authenticator.Identity, error) {
	return h.Login.Halted(ctx, t.Subject, t.Nonce)
}

func (c *Config) esignet(p *Provider) (err error) {
	if c.ESignet == nil {
		return nil
	}
	a := &esignet.AuthorizationConfig{
		Origin:     c.origin(),
		Issuer:     c.Issuer,
		Flow:       p.Login,
		Server:     p.OAuth,
		OpenID:     p.OpenID,
		Pushed:     p.Pushed,
		DPoP:       p.DPoP,
		Clients:    c.Clients,
		Challenges: c.ESignet.Challenges,
		Captcha:    c.Captcha,
		CaptchaOn:  c.CaptchaOn,
		SignUp:     p.signUp,
		UI:         c.ESignet.UI,
	}
	if sender, ok := c.Authenticator.(authenticator.ChannelSender); ok {
		a.Channels = sender.Channels()
	}
	a.Forms, _ = c.Authenticator.(authenticator.FormProvider)
	management := c.ESignet.Management
	if management != nil {
		copied := *management
		if copied.ACRs == nil {
			copied.ACRs = c.ACRs.Values()
		}
		if copied.Claims == nil {
			copied.Claims = append(esignet.DefaultClaims(), p.OpenID.Metadata(p.OAuth.Metadata()).ClaimsSupported...)
		}
		management = &copied
	}
	p.ESignet, err = esignet.New(esignet.Config{
		Prefix:        c.issuerPath() + c.ESignet.prefix(),
		Authorization: a,
		Management:    management,
		Wallet:        c.ESignet.wallet(p),
		Store:         c.Store,
		Audit:         c.Audit,
		Logger:        c.Logger,
		Now:           c.Now,
	})
	return err
}

// wallet is what wallets call. It is nil where there are none.
func (e *ESignet) wallet(p *Provider) *esignet.WalletConfig {
	if p.Linker == nil {
		return nil
	}
	w := &esignet.WalletConfig{Linker: p.Linker, Challenges: e.Challenges}
	if e.Bearer != nil {
		w.Binder, w.Guard = p.Binder, e.Bearer.Guard
	} else if e.OpenBinding {
		w.Binder, w.OpenBinding = p.Binder, true
	}
	return w
}
