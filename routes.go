package signet

import (
	"net/url"
	"strings"

	"github.com/gosignet/signet/ui"
	"github.com/gosignet/signet/ui/button"
)

// landing is the page at the issuer's root.
func (c *Config) landing(p *Provider) (err error) {
	l := ui.Landing{Issuer: c.Issuer, Endpoints: []ui.Endpoint{
		{Name: "OpenID Provider configuration", URI: c.Issuer + discoveryPath},
		{Name: "OAuth authorization server metadata", URI: c.origin() + metadataPath + c.issuerPath()},
		{Name: "JSON Web Key Set", URI: c.Issuer + c.Paths.JWKS},
	}}
	if p.Account != nil {
		l.Account = c.issuerPath() + c.Paths.Account
	}
	p.landing, err = p.Pages.LandingHandler(l)
	return err
}

// Where the provider's metadata is: below the issuer, and before its path.
const (
	discoveryPath = "/.well-known/openid-configuration"
	metadataPath  = "/.well-known/oauth-authorization-server"
)

// origin is the issuer without its path.
func (c *Config) origin() string { return strings.TrimSuffix(c.Issuer, c.issuerPath()) }

// issuerPath is the path of the issuer, without a slash at the end.
func (c *Config) issuerPath() string {
	u, err := url.Parse(c.Issuer)
	if err != nil { // validate has parsed it before
		return ""
	}
	return u.EscapedPath()
}

// routes mounts the endpoints. OpenID Connect Discovery appends the well-known path to the issuer (section 4), RFC 8414
// puts it before the issuer's path (section 3.1).
func (c *Config) routes(p *Provider) *router {
	base := c.issuerPath()
	mux := new(router)
	mux.Handle(base+"/{$}", p.landing)
	if base != "" {
		mux.Handle(base, p.landing)
	}
	mux.Handle(base+c.Paths.Authorization, p.OAuth.AuthorizationHandler(p.Pages))
	mux.Handle(base+c.Paths.PushedRequests, p.Pushed.Handler(p.OAuth, c.Issuer+c.Paths.PushedRequests))
	mux.Handle(base+c.Paths.Token, p.OAuth.TokenHandler())
	mux.Handle(base+c.Paths.Introspection, p.OAuth.IntrospectionHandler())
	mux.Handle(base+c.Paths.Revocation, p.OAuth.RevocationHandler())
	mux.Handle(base+c.Paths.Userinfo, p.OpenID.UserinfoHandler(p.OAuth))
	mux.Handle(base+c.Paths.JWKS, p.OpenID.JWKSHandler())
	mux.Handle(base+c.Paths.Login, p.Pages)
	mux.Handle(base+c.Paths.Plugins, p.Button)
	if c.sessions() {
		mux.Handle(base+c.Paths.Logout, p.Pages.LogoutHandler())
	}
	if p.Consents != nil {
		mux.Handle(base+c.Paths.Account, p.Account)
		mux.Handle(base+c.Paths.Consents, p.consentAPI)
		mux.Handle(base+c.Paths.Consents+"/", p.consentAPI)
		mux.Handle(base+c.Paths.ReceiptKeys, newReceiptKeys(p.Consents, c.Logger, c.Now))
	}
	if c.ESignet != nil {
		c.ESignet.mount(mux, base, p)
	}
	mux.Handle(base+discoveryPath, p.OpenID.DiscoveryHandler(p.OAuth.Metadata()))
	mux.Handle(metadataPath+base, p.OAuth.MetadataHandler())
	return mux
}

func (c *Config) button(p *Provider) (err error) {
	p.Button, err = button.New(button.Config{Names: c.Theme.Names, BasePath: c.issuerPath() + c.Paths.Plugins})
	return err
}
