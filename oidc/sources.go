package oidc

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/oidc/internal/document"
)

// The kinds of sources of claims other than the provider itself (OpenID Connect Core section 5.6).
const (
	// Aggregated claims come along, signed by their source.
	Aggregated = "aggregated"
	// Distributed claims are fetched by the client from where they are.
	Distributed = "distributed"
)

// Bounds of sources.
const (
	maxSources     = 16
	maxSourceJWT   = 256 << 10
	maxSourceToken = 8 << 10
)

// validSources returns the sources that may be passed on: of a kind that is announced, well-formed, and with nothing in
// them that the person does not share, since whoever has the source has all of it.
func (r *released) validSources(all []authenticator.ClaimSource) []authenticator.ClaimSource {
	var valid []authenticator.ClaimSource
	for i := range all {
		problem := r.problemOf(&all[i])
		if len(valid) == maxSources {
			problem = "one of too many sources"
		}
		if problem != "" {
			r.drop("_claim_sources", problem)
			continue
		}
		valid = append(valid, all[i])
	}
	return valid
}

func (r *released) problemOf(s *authenticator.ClaimSource) string {
	kind := Distributed
	if s.JWT != "" {
		kind = Aggregated
	}
	switch {
	case !slices.Contains(r.p.config.ClaimSources, kind):
		return "of a kind that is not announced"
	case slices.ContainsFunc(s.Names, r.isKept):
		return "with claims that are not shared"
	case kind == Distributed && (!isHTTPS(s.Endpoint) || !isToken(s.AccessToken)):
		return "without a valid address or access token"
	case kind == Aggregated && (s.Endpoint != "" || s.AccessToken != ""):
		return "both aggregated and distributed"
	case kind == Aggregated:
		return r.problemOfJWT(s.JWT)
	}
	return ""
}

// isKept says whether the person does not share the claim.
func (r *released) isKept(name string) bool {
	name, _, _ = strings.Cut(name, "#")
	return !slices.Contains(r.plain, name)
}

// problemOfJWT looks at what a source signed. The signature is for the client to verify.
func (r *released) problemOfJWT(token string) string {
	parts := strings.Split(token, ".")
	if len(token) > maxSourceJWT || len(parts) != 3 || parts[2] == "" || strings.ContainsAny(token, "\r\n") {
		return "not a signed JWT"
	}
	header, payload := decodePart(parts[0]), decodePart(parts[1])
	_, err := base64.RawURLEncoding.Strict().DecodeString(parts[2])
	algorithm, ok := "", false
	if alg := header.Member("alg"); alg != nil {
		algorithm, ok = alg.Text()
	}
	if err != nil || !ok || strings.EqualFold(algorithm, "none") || payload == nil || payload.Kind != document.Object {
		return "not a signed JWT"
	}
	for i := range payload.Children {
		if name := payload.Children[i].Name; r.isKept(name) && !isSourceProtocol(name) {
			return "with claims that are not shared"
		}
	}
	return ""
}

// isSourceProtocol knows the claims of a JWT that say nothing about a person but how its source calls them.
func isSourceProtocol(name string) bool {
	switch name {
	case "iss", "sub", "aud", "exp", "nbf", "iat", "jti":
		return true
	}
	return false
}

func decodePart(part string) *document.Value {
	text, err := base64.RawURLEncoding.Strict().DecodeString(part)
	if err != nil {
		return nil
	}
	v, err := document.Parse(string(text), maxReleasedDepth)
	if err != nil {
		return nil
	}
	return v
}

// isToken wants an access token as RFC 6750 section 2.1 has it, or none.
func isToken(s string) bool {
	return len(s) <= maxSourceToken && !strings.ContainsFunc(s, func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune("-._~+/=", c)
	})
}

// appendSources appends _claim_names and _claim_sources (OpenID Connect Core section 5.6.2) for those of the claims that
// a source has.
func (r *released) appendSources(b []byte, claims []string) []byte {
	var names, sources []byte
	for i := range r.sources {
		source := &r.sources[i]
		id := "src" + strconv.Itoa(i+1)
		before := len(names)
		for _, name := range source.Names {
			if at := slices.Index(claims, name); at >= 0 {
				claims = slices.Delete(slices.Clone(claims), at, at+1) // one source for each
				names = document.AppendText(appendName(orBrace(names), name), id)
			}
		}
		if len(names) > before {
			sources = append(appendName(orBrace(sources), id), encodeSource(source)...)
		}
	}
	if names == nil {
		return b
	}
	b = append(append(appendName(b, "_claim_names"), names...), '}')
	return append(append(appendName(b, "_claim_sources"), sources...), '}')
}

// orBrace begins an object that has not begun.
func orBrace(b []byte) []byte {
	if b == nil {
		return []byte{'{'}
	}
	return b
}

func encodeSource(s *authenticator.ClaimSource) []byte {
	encoded, _ := json.Marshal(struct { // strings have no way to fail
		JWT         string `json:"JWT,omitempty"`
		Endpoint    string `json:"endpoint,omitempty"`
		AccessToken string `json:"access_token,omitempty"`
	}{s.JWT, s.Endpoint, s.AccessToken})
	return encoded
}
