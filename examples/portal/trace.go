package portal

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/zitadel/oidc/v3/pkg/oidc"
)

// trace is what happened in a login, for developers to compare: what the browser carried, and what the access token is
// worth to a thief. It holds nothing that can be used again.
type trace struct {
	FAPI2     bool
	Browser   string // the authorization request, as the browser carried it
	Pushed    string // what went to the provider ahead of it
	TokenType string
	BoundTo   string // the thumbprint of the key to which the access token is bound, if it says so
	Key       string // that of the portal's own key
	Proof     string // the DPoP proof at userinfo, decoded
}

func (p *Portal) trace(party *party, l *pendingLogin, tokens *oidc.Tokens[*oidc.IDTokenClaims], info *userinfo) *trace {
	t := &trace{
		FAPI2:     l.FAPI2,
		Browser:   readableURL(p.browserURL(party, l)),
		TokenType: tokens.TokenType,
		BoundTo:   boundTo(tokens.AccessToken),
	}
	if l.FAPI2 {
		t.Pushed = readableQuery(p.request(party, l), "")
		t.Key = p.provider.proofs.Thumbprint()
		t.Proof = readableJWT(info.proof)
	}
	return t
}

// boundTo returns the jkt of a token that is a JWT (RFC 9449 section 6.1). To clients tokens are opaque: this is to
// show, and not to rely on.
func boundTo(token string) string {
	var claims struct {
		Confirmation struct {
			Thumbprint string `json:"jkt"`
		} `json:"cnf"`
	}
	if _, err := oidc.ParseToken(token, &claims); err != nil {
		return ""
	}
	return claims.Confirmation.Thumbprint
}

// readableURL writes each parameter on a line of its own.
func readableURL(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	query := u.Query()
	u.RawQuery = ""
	return u.String() + "\n" + readableQuery(query, "  ")
}

func readableQuery(query url.Values, indent string) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(query)) {
		b.WriteString(indent + name + " = " + query.Get(name) + "\n")
	}
	return b.String()
}

// readableJWT decodes header and claims, without the signature.
func readableJWT(token string) string {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return ""
	}
	var decoded []string
	for _, part := range parts[:2] {
		raw, err := base64.RawURLEncoding.DecodeString(part)
		var b bytes.Buffer
		if err != nil || json.Indent(&b, raw, "", "  ") != nil {
			return ""
		}
		decoded = append(decoded, b.String())
	}
	return strings.Join(decoded, "\n.\n")
}
