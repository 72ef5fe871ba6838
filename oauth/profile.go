package oauth

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/url"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"github.com/gosignet/signet/keystore"
)

// Profile is a set of rules that a client is held to, beyond those that hold for all.
type Profile string

const (
	// ProfileNone holds a client to what its registration says, and to no more.
	ProfileNone Profile = ""
	// ProfileFAPI2 is the FAPI 2.0 Security Profile: requests are pushed and use PKCE, tokens are bound to a key with
	// DPoP, assertions name the issuer and nothing else as their audience, redirect URIs are https, and signatures are
	// ES256, PS256 or EdDSA.
	ProfileFAPI2 Profile = "fapi2"
	// ProfileFAPI2MessageSigning is ProfileFAPI2 with signed authorization requests, of FAPI 2.0 Message Signing: requests
	// are pushed in signed request objects. Signed responses are there for the clients that ask for them.
	ProfileFAPI2MessageSigning Profile = "fapi2-message-signing"
)

// fapi2 reports whether the rules of ProfileFAPI2 are among those of the profile.
func (p Profile) fapi2() bool { return p == ProfileFAPI2 || p == ProfileFAPI2MessageSigning }

// fapi2Algorithms are those of the FAPI 2.0 Security Profile section 5.4.1.
var fapi2Algorithms = []jose.SignatureAlgorithm{jose.ES256, jose.PS256, jose.EdDSA}

// Allows reports whether the profile lets the algorithm sign anything.
func (p Profile) Allows(alg jose.SignatureAlgorithm) bool {
	return !p.fapi2() || slices.Contains(fapi2Algorithms, alg)
}

func (p Profile) check() error {
	if p != ProfileNone && !p.fapi2() {
		return fmt.Errorf("oauth: unknown profile %q", p)
	}
	return nil
}

// checkClient says how the registration breaks the profile. Loopback redirect URIs are for development, with an issuer
// that is one too.
func (p Profile) checkClient(c *Client, development bool) error {
	if !p.fapi2() {
		return nil
	}
	var errs []error
	fail := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("oauth: client %q breaks the FAPI 2.0 profile: "+format, append([]any{c.ID}, args...)...))
	}
	for _, alg := range []jose.SignatureAlgorithm{
		c.AssertionAlgorithm, c.IDTokenAlgorithm, c.UserinfoAlgorithm, c.RequestObjectAlgorithm, c.AuthorizationResponseAlgorithm,
	} {
		if alg != "" && !p.Allows(alg) {
			fail("it is registered for %s", alg)
		}
	}
	if c.PKCEOptional {
		fail("it may do without PKCE")
	}
	if len(c.RedirectURIPatterns) > 0 {
		fail("it has patterns for redirect URIs")
	}
	for _, uri := range c.RedirectURIs {
		if u, err := url.Parse(uri); err != nil || u.Scheme != "https" && (u.Scheme != "http" || !development) {
			fail("the redirect URI %q is not https", uri)
		}
	}
	if strings.HasPrefix(c.JWKSURI, "http:") && !development {
		fail("the jwks_uri is not https")
	}
	return errors.Join(errs...)
}

// profile is the one that the client is held to: the stricter of its own and that of the whole server.
func (s *Server) profile(c *Client) Profile { return stricter(s.serverProfile, c.Profile) }

func stricter(server, client Profile) Profile {
	if server == ProfileNone || client == ProfileFAPI2MessageSigning {
		return client
	}
	return server
}

func (s *Server) mustPush(c *Client) bool {
	return s.requirePushed || c.RequirePushedRequests || s.profile(c).fapi2()
}

func (s *Server) mustBind(c *Client) bool {
	return c.DPoPBound || s.profile(c).fapi2()
}

func (s *Server) mustSign(c *Client) bool {
	return s.requireSigned || c.RequireSignedRequestObject || s.profile(c) == ProfileFAPI2MessageSigning
}

// clientLister is a ClientStore that knows all its clients, so that mistakes show at start.
type clientLister interface {
	All() iter.Seq[*Client]
}

// prepareFAPI2 finds out whether the server can serve clients under ProfileFAPI2, and what their access tokens are signed
// with.
func (s *Server) prepareFAPI2() {
	var errs []error
	if s.pushed == nil || s.dpop == nil {
		errs = append(errs, errors.New("oauth: the FAPI 2.0 profile needs Config.Pushed and Config.DPoP"))
	}
	if s.dpop != nil {
		for _, alg := range s.dpop.Algorithms() {
			if !ProfileFAPI2.Allows(alg) {
				errs = append(errs, fmt.Errorf("oauth: the FAPI 2.0 profile does not allow DPoP proofs with %s", alg))
			}
		}
	}
	for _, alg := range append([]jose.SignatureAlgorithm{s.accessTokenAlg}, fapi2Algorithms...) {
		if s.keys == nil || !ProfileFAPI2.Allows(alg) {
			continue
		}
		if _, err := s.keys.Signer(context.Background(), keystore.TokenSigning, alg); err == nil {
			s.fapi2TokenAlg = alg
			break
		}
	}
	if s.fapi2TokenAlg == "" {
		errs = append(errs, errors.New("oauth: the FAPI 2.0 profile needs a key for access tokens"))
	}
	s.fapi2Problem = errors.Join(errs...)
}

// accessTokenAlgorithm signs the access tokens of the client.
func (s *Server) accessTokenAlgorithm(c *Client) jose.SignatureAlgorithm {
	if s.profile(c).fapi2() {
		return s.fapi2TokenAlg
	}
	return s.accessTokenAlg
}

// validateProfile checks the server, and the clients that are known at start, against the profile.
func (s *Server) validateProfile() error {
	errs := []error{s.serverProfile.check()}
	if s.serverProfile.fapi2() {
		errs = append(errs, s.fapi2Problem)
		for _, alg := range slices.Concat([]jose.SignatureAlgorithm{s.accessTokenAlg}, s.algorithms, s.responseAlgs) {
			if !s.serverProfile.Allows(alg) {
				errs = append(errs, fmt.Errorf("oauth: the FAPI 2.0 profile does not allow %s", alg))
			}
		}
	}
	if clients, ok := s.clients.(clientLister); ok {
		for c := range clients.All() {
			errs = append(errs, s.checkProfile(c))
		}
	}
	return errors.Join(errs...)
}

// checkProfile says why the server does not serve the client.
func (s *Server) checkProfile(c *Client) error {
	profile := s.profile(c)
	errs := []error{profile.check(), profile.checkClient(c, s.development)}
	if profile.fapi2() && s.fapi2Problem != nil {
		errs = append(errs, fmt.Errorf("oauth: client %q cannot be held to its profile: %w", c.ID, s.fapi2Problem))
	}
	if c.RequirePushedRequests && s.pushed == nil {
		errs = append(errs, fmt.Errorf("oauth: client %q must push requests, and the server takes none", c.ID))
	}
	if alg := c.RequestObjectEncryption; alg != "" && !slices.Contains(s.decryptionAlgs, alg) {
		errs = append(errs, fmt.Errorf("oauth: client %q encrypts request objects with %s, which the keystore has no key for", c.ID, alg))
	}
	if s.mustSign(c) && c.RequestObjectAlgorithm == "" {
		errs = append(errs, fmt.Errorf("oauth: client %q must sign its requests, and is registered for no algorithm to do so", c.ID))
	}
	if alg := c.RequestObjectAlgorithm; alg != "" && !slices.Contains(s.algorithms, alg) {
		errs = append(errs, fmt.Errorf("oauth: client %q signs its requests with %s, which the server does not take", c.ID, alg))
	}
	if alg := c.AuthorizationResponseAlgorithm; alg != "" && !slices.Contains(s.responseAlgs, alg) {
		errs = append(errs, fmt.Errorf("oauth: client %q wants responses signed with %s, which the server does not use", c.ID, alg))
	}
	if c.DPoPBound && s.dpop == nil {
		errs = append(errs, fmt.Errorf("oauth: client %q must bind tokens, and the server binds none", c.ID))
	}
	return errors.Join(errs...)
}
