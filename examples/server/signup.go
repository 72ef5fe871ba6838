package main

import (
	"context"
	"errors"
	"net/url"
	"strings"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/oauth"
)

// ekycSetting is where eSignet's pages read to which URL of the sign-up portal they take people.
const ekycSetting = "eKYC-steps.config"

// signUpPortal is a portal that has claims verified, as MOSIP's does: people come to it with the ID Token that eSignet's
// pages get for them, and what came of it is for the identity system to say.
type signUpPortal struct {
	url string
	// pages is what the addresses of the server's own pages begin with.
	pages string
}

// Start refuses people who are on the server's own pages: without the ID Token, which these do not bring, the portal can do
// nothing for them. There they go on without what is not verified.
func (p *signUpPortal) Start(_ context.Context, r *login.VerificationRequest) (string, []byte, error) {
	if strings.HasPrefix(r.ReturnURI, p.pages) {
		return "", nil, errors.New("the sign-up portal takes people from eSignet's pages only")
	}
	return p.url, nil, nil
}

// Resume has nothing to read.
func (p *signUpPortal) Resume(context.Context, []byte, url.Values) error { return nil }

// signUp returns where people have claims verified. It is nil without -signup-client.
func (c *config) signUp(s *identitySystem) (login.Verifier, error) {
	if c.signUpClient == "" {
		return nil, nil
	}
	if authenticator.AssurerOf(s.Authenticator) == nil {
		return nil, errors.New("-signup-client: the identity system does not say how claims are verified, so that nobody is sent to a portal")
	}
	if len(s.assurance.Claims) == 0 {
		return nil, errors.New("-signup-client: no client can have claims verified, so that nobody is sent to a portal: there is no \"assurance\" in the file of -identity")
	}
	return &signUpPortal{url: c.signUpURL, pages: c.issuer + loginPath}, nil
}

// checkSignUpACRs finds ACRs of -acrs by which nobody can come back from the portal.
func (c *config) checkSignUpACRs(acrs authenticator.ACRs) error {
	if c.signUpClient != "" && !uses(acrs, authenticator.IDToken) {
		return errors.New("none of the ACRs is reached by idt, with which people come back from the portal of -signup-client")
	}
	return nil
}

// validateSignUp finds what the portal lacks.
func (c *config) validateSignUp() error {
	if c.signUpClient == "" && c.signUpURL == "" {
		return nil
	}
	var errs []error
	if c.signUpClient == "" || c.signUpURL == "" {
		errs = append(errs, errors.New("-signup-client and -signup-url need each other"))
	}
	if !c.esignet {
		errs = append(errs, errors.New("-signup-client: goes with eSignet's API, which -esignet=false switches off"))
	}
	if u, err := url.Parse(c.signUpURL); c.signUpURL != "" && (err != nil || u.Fragment != "" || oauth.CheckIssuer(u.Scheme+"://"+u.Host) != nil) {
		errs = append(errs, errors.New("-signup-url: must be an https URL without fragment; http is for a portal on this machine"))
	}
	return errors.Join(errs...)
}

// signUpSettings adds to those of eSignet's pages where the portal is, unless they say so.
func (c *config) signUpSettings(settings map[string]any) map[string]any {
	if c.signUpURL == "" || settings[ekycSetting] != nil {
		return settings
	}
	if settings == nil {
		settings = map[string]any{}
	}
	settings[ekycSetting] = c.signUpURL
	return settings
}
