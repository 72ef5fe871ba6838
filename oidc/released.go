package oidc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/oidc/internal/document"
)

const (
	// maxReleased bounds what an identity system may say about a person. Portraits are the largest part of it.
	maxReleased = 1 << 20
	// maxReleasedDepth bounds how deep values are nested of which more must be known than that they are JSON.
	maxReleasedDepth = 32
	// maxVerifications bounds the verifications, of which each may go with each requested one.
	maxVerifications = 100
)

// released are the claims that an identity system released about a person. The zero value has none.
type released struct {
	p             *Provider
	ctx           context.Context // for what is logged
	values        languages
	verifications []verification
	sources       []authenticator.ClaimSource
	// signed is all of it as the identity system signed it, where userinfo passes that on, or "".
	signed string
	// plain are the claims that the person shares as they are.
	plain []string
}

func (p *Provider) newReleased(
	ctx context.Context, claims *authenticator.Claims, locales, plain []string,
) (*released, error) {
	r := &released{p: p, ctx: ctx, values: p.newLanguages(claims.Values, locales), plain: plain}
	if err := r.readVerifications(claims.Verified, locales); err != nil {
		return nil, err
	}
	r.sources = r.validSources(claims.Sources)
	return r, nil
}

// object returns what the person shares in one place as a JSON object: those of the claims that were released, those
// of the verified ones whose verification is as it was asked for, and where to get others. Claims without content are left
// out, and so are those with a value that the client did not ask for.
func (r *released) object(shared []ConsentedClaim, verified []VerifiedRequest) ([]byte, error) {
	b := append(make([]byte, 0, 512), '{')
	var elsewhere []string
	for _, claim := range shared {
		before := len(b)
		var err error
		if b, err = r.appendClaim(b, claim.Name, r.values, claim.Values, nil); err != nil {
			return nil, err
		}
		// Nobody here can tell whether a value that is elsewhere is one that the client asked for.
		if len(b) == before && claim.Values == nil {
			elsewhere = append(elsewhere, claim.Name)
		}
	}
	b, err := r.appendVerified(b, verified)
	if err != nil {
		return nil, err
	}
	b = append(r.appendSources(b, elsewhere), '}')
	if len(b) > maxReleased || !utf8.Valid(b) {
		return nil, errors.New("oidc: the claims released are too long or not UTF-8")
	}
	return b, nil
}

// appendClaim appends a claim in the languages that it is released in. Values for which valid is false are left out;
// nil allows all.
func (r *released) appendClaim(
	b []byte, name string, values languages, wanted []json.RawMessage, valid func(string, *document.Value) bool,
) ([]byte, error) {
	for _, version := range values.of(name) {
		if len(version.value) == 0 {
			continue
		}
		value, err := document.Parse(string(version.value), maxReleasedDepth)
		if err != nil {
			return nil, fmt.Errorf("oidc: the claim %s was released malformed: %w", name, err)
		}
		if isEmpty(value) {
			continue
		}
		if problem := r.p.problemOf(name, value); problem != "" {
			r.drop(name, problem)
			continue
		}
		if wanted != nil && !matches(value, wanted) {
			continue
		}
		if valid != nil && !valid(name, value) {
			r.drop(name, "not as the schema of verified claims has it")
			continue
		}
		b = value.Append(appendName(b, version.name))
	}
	return b, nil
}

// drop tells the operator about something that the identity system should not say, without saying it again.
func (r *released) drop(name, problem string) {
	r.p.config.Logger.LogAttrs(r.ctx, slog.LevelWarn, "a released claim was left out",
		slog.String("claim", name), slog.String("problem", problem))
}

// appendName begins a member of an object that has only members of this kind. The name needs no escaping: it is a
// supported claim, perhaps with a language tag.
func appendName(b []byte, name string) []byte {
	if b[len(b)-1] != '{' {
		b = append(b, ',')
	}
	b = append(b, '"')
	b = append(b, name...)
	return append(b, '"', ':')
}

// isEmpty says whether a value tells nothing: userinfo leaves such claims out (OpenID Connect Core section 5.3.2).
func isEmpty(v *document.Value) bool {
	switch v.Kind {
	case document.Null:
		return true
	case document.String:
		return strings.TrimSpace(v.Raw[1:len(v.Raw)-1]) == ""
	case document.Array, document.Object:
		return len(v.Children) == 0
	}
	return false
}

// matches says whether a value is one of those wanted, however they are written.
func matches(v *document.Value, wanted []json.RawMessage) bool {
	return slices.ContainsFunc(wanted, func(raw json.RawMessage) bool {
		want, err := document.Parse(string(raw), maxReleasedDepth)
		return err == nil && document.Equal(v, want)
	})
}
