package oidc

import (
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"github.com/gosignet/signet/internal/jwt"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/oidc/internal/document"
)

// maxOriginal bounds what an identity system signs itself.
const maxOriginal = 64 << 10

// original returns the JWT of the identity system as userinfo passes it on, or "" if it does not.
func (r *released) original(c *oauth.Client, token string) string {
	if token == "" {
		return ""
	}
	if problem := r.p.problemOfOriginal(c, token); problem != "" {
		r.p.config.Logger.LogAttrs(r.ctx, slog.LevelWarn, "what the identity system signed was left out",
			slog.String("client", c.ID), slog.String("problem", problem))
		return ""
	}
	return token
}

// problemOfOriginal says why the client cannot be given what the identity system signed. Nothing is verified: that is for
// the client, with the keys that are published for it.
func (p *Provider) problemOfOriginal(c *oauth.Client, token string) string {
	switch {
	case !p.config.AcceptOriginal:
		return "it is not configured to be accepted"
	case c.UserinfoJSON:
		return "the client is registered for unsigned userinfo"
	case len(token) > maxOriginal:
		return "it is too long"
	case strings.ContainsAny(token, "\r\n"): // which base64 passes over
		return "it is not a JWT in compact form"
	}
	parts := strings.Split(token, ".")
	for i, part := range parts {
		isKey := len(parts) == 5 && i == 1 // of a JWE, which direct key agreement leaves empty
		if _, err := base64.RawURLEncoding.Strict().DecodeString(part); err != nil || part == "" && !isKey {
			return "it is not a JWT in compact form"
		}
	}
	header := decodePart(parts[0])
	alg := textMember(header, "alg")
	switch len(parts) {
	case 3:
		return problemOfSigned(c, jose.SignatureAlgorithm(alg), decodePart(parts[1]))
	case 5:
		with := oauth.Encryption{
			KeyAlgorithm: jose.KeyAlgorithm(alg), Content: jose.ContentEncryption(textMember(header, "enc")),
		}
		if with != c.UserinfoEncryption || with == (oauth.Encryption{}) {
			return "it is encrypted as the client is not registered for"
		}
		return ""
	}
	return "it is not a JWT in compact form"
}

func problemOfSigned(c *oauth.Client, alg jose.SignatureAlgorithm, payload *document.Value) string {
	switch {
	case jwt.CheckAlgorithms([]jose.SignatureAlgorithm{alg}) != nil || !c.Profile.Allows(alg):
		return "it is signed with an algorithm that is not allowed"
	case c.UserinfoAlgorithm != "" && c.UserinfoAlgorithm != alg:
		return "it is signed with another algorithm than the client is registered for"
	case payload == nil || payload.Kind != document.Object:
		return "it holds no object"
	}
	return ""
}

// textMember returns a member of an object that is a string, or "".
func textMember(v *document.Value, name string) string {
	if m := v.Member(name); m != nil {
		s, _ := m.Text()
		return s
	}
	return ""
}

// isEncrypted says whether the JWT is a JWE.
func isEncrypted(token string) bool { return strings.Count(token, ".") == 4 }

// isOriginal says whether what is kept for userinfo is a JWT of the identity system.
func isOriginal(kept json.RawMessage) bool { return len(kept) > 0 && kept[0] == '"' }
