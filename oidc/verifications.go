package oidc

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/oidc/internal/assurance"
)

// verification is how some claims were verified, and what they are.
type verification struct {
	*assurance.Verification
	values languages
}

// readVerifications keeps the verifications of trust frameworks that the provider announces.
func (r *released) readVerifications(all []authenticator.VerifiedClaims, locales []string) error {
	if len(all) > maxVerifications {
		return errors.New("oidc: too many verifications were released")
	}
	for i := range all {
		v, err := assurance.NewVerification(string(all[i].Verification))
		if err != nil {
			return fmt.Errorf("oidc: a verification was released malformed: %w", err)
		}
		if !slices.Contains(r.p.config.Assurance.TrustFrameworks, v.TrustFramework()) {
			r.drop(verifiedClaims, "of a trust framework that is not announced")
			continue
		}
		r.verifications = append(r.verifications, verification{v, r.p.newLanguages(all[i].Values, locales)})
	}
	return nil
}

// appendVerified appends verified_claims: an object, or an array if there are several.
func (r *released) appendVerified(b []byte, requests []VerifiedRequest) ([]byte, error) {
	var elements [][]byte
	for i := range requests {
		more, err := r.verified(&requests[i])
		if err != nil {
			return nil, err
		}
		for _, element := range more {
			if !slices.ContainsFunc(elements, func(e []byte) bool { return bytes.Equal(e, element) }) {
				elements = append(elements, element)
			}
		}
	}
	switch len(elements) {
	case 0:
		return b, nil
	case 1:
		return append(appendName(b, verifiedClaims), elements[0]...), nil
	}
	b = append(appendName(b, verifiedClaims), '[')
	b = append(b, bytes.Join(elements, []byte{','})...)
	return append(b, ']'), nil
}

// verified returns an element for each verification that is as requested and has any of the claims.
func (r *released) verified(request *VerifiedRequest) ([][]byte, error) {
	wanted, fitting, err := r.fitting(request)
	if err != nil {
		return nil, err
	}
	isShared := func(name string) bool {
		_, ok := request.Claims[name]
		return ok
	}
	var elements [][]byte
	for _, v := range fitting {
		claims := []byte{'{'}
		for _, name := range r.p.sort(slices.Collect(maps.Keys(request.Claims))) {
			if claims, err = r.appendVerifiedClaim(claims, name, v, request); err != nil {
				return nil, err
			}
		}
		if len(claims) == len("{") {
			continue
		}
		said := v.For(*wanted, r.p.config.Now(), isShared)
		b := said.Append([]byte(`{"verification":`))
		b = append(append(b, `,"claims":`...), claims...)
		elements = append(elements, append(b, "}}"...))
	}
	return elements, nil
}

// fitting returns what the request wants of a verification, and the verifications that are like that.
func (r *released) fitting(request *VerifiedRequest) (*assurance.Request, []*verification, error) {
	wanted, err := request.read()
	if err != nil {
		return nil, nil, fmt.Errorf("oidc: the authorization holds a malformed verification: %w", err)
	}
	var fitting []*verification
	for i := range r.verifications {
		if v := &r.verifications[i]; v.Meets(*wanted, r.p.config.Now()) {
			fitting = append(fitting, v)
		}
	}
	return wanted, fitting, nil
}

func (r *released) appendVerifiedClaim(b []byte, name string, v *verification, request *VerifiedRequest) ([]byte, error) {
	return r.appendClaim(b, name, v.values, request.Claims[name].Values, assurance.ValidClaim)
}

// Missing returns the names of the verified claims that the request calls essential and that cannot be delivered, or not
// verified as the client wants them, when the identity system says of the person what is in claims: a login can then
// send the person to be verified anew. The values may be null, as an [authenticator.Assurer] has them. Where a client names several verifications for a claim, one of them is enough.
// The result is in the order of [ClaimSet]; nil means that nothing is missing.
func (p *Provider) Missing(
	ctx context.Context, c *oauth.Client, r *Request, claims *authenticator.Claims,
) ([]string, error) {
	there, err := p.newReleased(ctx, &authenticator.Claims{Verified: claims.Verified}, r.ClaimsLocales, nil)
	if err != nil {
		return nil, err
	}
	var missing []string
	for _, elements := range [][]VerifiedRequest{r.Claims.VerifiedUserinfo, r.Claims.VerifiedIDToken} {
		names, err := there.missing(p.verifiable(c, elements, anyName))
		if err != nil {
			return nil, err
		}
		missing = append(missing, names...)
	}
	return nilIfEmpty(p.sort(missing)), nil
}

// holdsBack reports whether the claim is there with null for its value: an [authenticator.Assurer] does not tell values.
func (v *verification) holdsBack(name string) bool {
	return slices.ContainsFunc(v.values.of(name), func(there version) bool {
		return bytes.Equal(bytes.TrimSpace(there.value), []byte("null"))
	})
}

// missing returns the essential claims that none of the elements gets.
func (r *released) missing(elements []VerifiedRequest) ([]string, error) {
	met := map[string]bool{} // the essential claims
	for i := range elements {
		_, fitting, err := r.fitting(&elements[i])
		if err != nil {
			return nil, err
		}
		for name, request := range elements[i].Claims {
			if !request.Essential || met[name] {
				continue
			}
			met[name] = false
			for _, v := range fitting {
				value, err := r.appendVerifiedClaim([]byte{'{'}, name, v, &elements[i])
				if err != nil {
					return nil, err
				}
				met[name] = met[name] || len(value) > len("{") || v.holdsBack(name)
			}
		}
	}
	var names []string
	for name, ok := range met {
		if !ok {
			names = append(names, name)
		}
	}
	return names, nil
}
