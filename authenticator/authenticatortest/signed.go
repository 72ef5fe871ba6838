package authenticatortest

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/gosignet/signet/authenticator"
)

// signedRules are about claims that come with more than values: how they were verified, and who signed them.
var signedRules = []rule{
	{
		name: "VerifiedClaims",
		rule: "How claims were verified is released for the names in Verified alone, as objects with a trust_framework.",
		why:  "How a person was verified tells more than the claim, and is consented to by itself.",
		check: func(ctx context.Context, s *subject) error {
			asked := [][]string{nil, s.Claims}
			for _, name := range s.Claims {
				asked = append(asked, []string{name})
			}
			for _, names := range asked {
				claims, err := s.releaseVerified(ctx, names)
				if err != nil {
					return err
				}
				seen, err := verifiedNames(claims.Verified)
				if err != nil {
					return err
				}
				for _, name := range seen {
					if !slices.Contains(names, name) {
						return fmt.Errorf("asked how %q were verified, it released how %q was", names, name)
					}
				}
				for _, name := range s.Verified {
					if slices.Contains(names, name) && !slices.Contains(seen, name) {
						return fmt.Errorf("asked how %q were verified, it did not release how %q was", names, name)
					}
				}
			}
			return nil
		},
	},
	{
		name: "ClaimSources",
		rule: "A source has names that were asked for, and either a signed JWT or an https endpoint.",
		why:  "Clients go there, or verify it: with both or none they cannot tell what to do.",
		check: func(ctx context.Context, s *subject) error {
			claims, err := s.releaseVerified(ctx, nil)
			if err != nil {
				return err
			}
			for _, source := range claims.Sources {
				for _, name := range source.Names {
					if !slices.Contains(s.Claims, name) {
						return fmt.Errorf("asked for %q, it has a source for %q", s.Claims, name)
					}
				}
				endpoint, badEndpoint := url.Parse(source.Endpoint)
				switch {
				case len(source.Names) == 0:
					return errors.New("a source has no names")
				case (source.JWT == "") == (source.Endpoint == ""):
					return errors.New("a source has both JWT and Endpoint, or neither")
				case source.JWT != "" && source.AccessToken != "":
					return errors.New("a source has an AccessToken, but no Endpoint")
				case source.Endpoint != "" && (badEndpoint != nil || endpoint.Scheme != "https" || endpoint.Host == ""):
					return errors.New("the Endpoint of a source is not https")
				}
				if source.JWT != "" {
					if _, err := signatureOf(source.JWT); err != nil {
						return fmt.Errorf("the JWT of a source: %w", err)
					}
				}
			}
			return nil
		},
	},
	{
		name: "Original",
		rule: "Original is a JWT in compact form, encrypted or signed with an asymmetric key that is published.",
		why:  "It reaches the client untouched, which verifies it with the keys of the provider's JWK Set.",
		check: func(ctx context.Context, s *subject) error {
			claims, err := s.releaseVerified(ctx, nil)
			if err != nil || claims.Original == "" {
				return err
			}
			publisher, ok := s.Authenticator.(authenticator.KeyPublisher)
			if !ok {
				return errors.New("there is an Original, but nobody publishes its key: PublicKeys is missing")
			}
			if strings.Count(claims.Original, ".") == 4 { // only the client can open a JWE
				_, err := headerOf(claims.Original, 5)
				return err
			}
			header, err := signatureOf(claims.Original)
			if err != nil {
				return err
			}
			keys, err := s.publicKeys(ctx, publisher)
			if err != nil {
				return err
			}
			if !slices.ContainsFunc(keys, func(key map[string]any) bool { return header["kid"] == nil || key["kid"] == header["kid"] }) {
				return errors.New("the key with the kid of Original is not in PublicKeys")
			}
			return nil
		},
	},
	{
		name: "PublicKeys",
		rule: "PublicKeys is a JWK Set of public keys.",
		why:  "It is published: a private key in it is everybody's.",
		check: func(ctx context.Context, s *subject) error {
			publisher, ok := s.Authenticator.(authenticator.KeyPublisher)
			if !ok {
				return nil
			}
			keys, err := s.publicKeys(ctx, publisher)
			if err != nil {
				return err
			}
			for i, key := range keys {
				if kty, _ := key["kty"].(string); kty == "" || kty == "oct" {
					return fmt.Errorf("key %d has no kty of a public key", i)
				}
				for _, secret := range []string{"d", "k", "p", "q", "dp", "dq", "qi", "oth", "priv"} {
					if key[secret] != nil {
						return fmt.Errorf("key %d is private: it has %q", i, secret)
					}
				}
			}
			return nil
		},
	},
}

// releaseVerified logs the Person in and asks for all claims, and for how some of them were verified.
func (s *subject) releaseVerified(ctx context.Context, verified []string) (*authenticator.Claims, error) {
	if len(s.Claims) == 0 {
		return &authenticator.Claims{}, nil
	}
	identity, err := s.login(ctx)
	if err != nil {
		return nil, fmt.Errorf("the person could not log in: %w", err)
	}
	r := claimsRequest(*identity, s.Claims, nil)
	r.Verified = verified
	return s.claims(ctx, r)
}

// frameworkOf returns the trust framework of a verification, if that is well-formed.
func frameworkOf(verification json.RawMessage) (framework string, err error) {
	var members map[string]json.RawMessage
	switch {
	case json.Unmarshal(verification, &members) != nil || members == nil:
		return "", errors.New("a Verification is no JSON object")
	case json.Unmarshal(members["trust_framework"], &framework) != nil || framework == "":
		return "", errors.New("a Verification has no trust_framework")
	}
	return framework, nil
}

// verifiedNames returns the names that verifications are of, without languages, if all is well-formed.
func verifiedNames(all []authenticator.VerifiedClaims) ([]string, error) {
	var names []string
	for _, v := range all {
		if _, err := frameworkOf(v.Verification); err != nil {
			return nil, err
		}
		if len(v.Values) == 0 {
			return nil, errors.New("a Verification is of no values")
		}
		for name, value := range v.Values {
			if !json.Valid(value) {
				return nil, fmt.Errorf("the verified value of %q is not JSON", name)
			}
			base, _, _ := strings.Cut(name, "#")
			names = append(names, base)
		}
	}
	return names, nil
}

// signatureOf returns the header of a JWS that is signed with an asymmetric key, by what it says.
func signatureOf(jws string) (map[string]any, error) {
	header, err := headerOf(jws, 3)
	if err != nil {
		return nil, err
	}
	if alg, _ := header["alg"].(string); alg == "" || alg == "none" || strings.HasPrefix(alg, "HS") {
		return nil, fmt.Errorf("the alg is %q, which is no signature that others can verify", alg)
	}
	return header, nil
}

// headerOf returns the header of a JWT in compact form with so many parts.
func headerOf(jwt string, parts int) (map[string]any, error) {
	all := strings.Split(jwt, ".")
	if len(all) != parts {
		return nil, fmt.Errorf("%d parts are no JWT in compact form", len(all))
	}
	var header map[string]any
	for i, part := range all {
		data, err := base64.RawURLEncoding.DecodeString(part)
		// The second part of a JWE is empty where its key was agreed upon.
		if err != nil || part == "" && !(parts == 5 && i == 1) {
			return nil, fmt.Errorf("part %d is no base64url", i+1)
		}
		if i == 0 && json.Unmarshal(data, &header) != nil {
			return nil, errors.New("the header is no JSON object")
		}
	}
	return header, nil
}

func (s *subject) publicKeys(ctx context.Context, p authenticator.KeyPublisher) ([]map[string]any, error) {
	data, err := call(s.patience, "PublicKeys", func() (*json.RawMessage, error) {
		data, err := p.PublicKeys(ctx)
		if err != nil {
			return nil, err
		}
		return &data, nil
	})
	if err != nil {
		return nil, err
	}
	var set struct {
		Keys []map[string]any `json:"keys"`
	}
	if json.Unmarshal(*data, &set) != nil || set.Keys == nil {
		return nil, errors.New("it is no JWK Set")
	}
	return set.Keys, nil
}
