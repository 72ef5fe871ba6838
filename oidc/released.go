package oidc

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
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
		value, err := r.value(name, version.value, wanted)
		if err != nil {
			return nil, err
		}
		if value == nil || valid != nil && !r.allowed(name, value, valid) {
			continue
		}
		b = append(appendName(b, version.name), value...)
	}
	return b, nil
}

// value returns a released value as compact JSON, or nil if it says nothing, is not what the claim may be, or is none that
// was wanted, of which nil wants any.
func (r *released) value(name string, raw json.RawMessage, wanted []json.RawMessage) ([]byte, error) {
	if len(raw) == 0 {
		return nil, nil
	}
	var b bytes.Buffer
	if json.Compact(&b, raw) != nil {
		return nil, fmt.Errorf("oidc: the claim %s was released as malformed JSON", name)
	}
	value := b.Bytes()
	switch {
	case isEmpty(value):
		return nil, nil
	case name == "picture" && !r.p.isPicture(value):
		r.drop(name, "neither an image within the limits nor the https address of one")
		return nil, nil
	case name == "address":
		if value = address(value); value == nil {
			r.drop(name, "not an address")
			return nil, nil
		}
	}
	if wanted != nil && !matches(value, wanted) {
		return nil, nil
	}
	return value, nil
}

func (r *released) allowed(name string, value []byte, valid func(string, *document.Value) bool) bool {
	v, err := document.Parse(value, maxReleasedDepth)
	if err == nil && valid(name, v) {
		return true
	}
	r.drop(name, "not as the schema of verified claims has it")
	return false
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
func isEmpty(compact []byte) bool {
	switch string(compact) {
	case "null", "{}", "[]":
		return true
	}
	return compact[0] == '"' && len(bytes.TrimSpace(compact[1:len(compact)-1])) == 0
}

// matches says whether a value is one of those wanted, however they are written.
func matches(value []byte, wanted []json.RawMessage) bool {
	v, err := document.Parse(value, maxReleasedDepth)
	return err == nil && slices.ContainsFunc(wanted, func(raw json.RawMessage) bool {
		want, err := document.Parse(raw, maxReleasedDepth)
		return err == nil && document.Equal(v, want)
	})
}
