package remote

import (
	stdjson "encoding/json"
	"errors"
	"net/url"
	"regexp"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/json"

	"github.com/gosignet/signet/authenticator"
)

// The claims are those of the contract, with their names on the wire.
type (
	claims struct {
		Values   map[string]stdjson.RawMessage `json:"values"`
		Verified []verifiedClaims              `json:"verified,omitempty"`
		Sources  []claimSource                 `json:"sources,omitempty"`
		Original string                        `json:"original,omitempty"`
	}
	verifiedClaims struct {
		Verification stdjson.RawMessage            `json:"verification"`
		Values       map[string]stdjson.RawMessage `json:"values"`
	}
	claimSource struct {
		Names       []string `json:"names"`
		JWT         string   `json:"jwt,omitempty"`
		Endpoint    string   `json:"endpoint,omitempty"`
		AccessToken string   `json:"access_token,omitempty"`
	}
)

func claimsRequestOf(r *authenticator.ClaimsRequest) claimsRequest {
	return claimsRequest{
		Transaction: r.Transaction, ClientID: r.ClientID, Identity: *identityOf(&r.Identity),
		Names: append([]string{}, r.Names...), Verified: r.Verified, Locales: r.Locales,
	}
}

// contract returns the request, or nil if it is not as the description demands.
func (r *claimsRequest) contract() *authenticator.ClaimsRequest {
	if !r.Identity.fits() || len(r.Names) > maxClaims || len(r.Verified) > maxClaims {
		return nil
	}
	return &authenticator.ClaimsRequest{
		Transaction: r.Transaction, ClientID: r.ClientID, Identity: *r.Identity.contract(),
		Names: r.Names, Verified: r.Verified, Locales: r.Locales,
	}
}

// claimsOf returns nil for nil, which no client believes.
func claimsOf(c *authenticator.Claims) *claims {
	if c == nil {
		return nil
	}
	wire := &claims{Values: c.Values, Original: c.Original}
	if wire.Values == nil {
		wire.Values = map[string]stdjson.RawMessage{}
	}
	for _, v := range c.Verified {
		wire.Verified = append(wire.Verified, verifiedClaims(v))
	}
	for _, s := range c.Sources {
		wire.Sources = append(wire.Sources, claimSource(s))
	}
	return wire
}

func parseClaims(data []byte) (*authenticator.Claims, error) {
	c, err := decode[claims](data)
	switch {
	case err != nil:
		return nil, err
	case c.Values == nil || len(c.Values) > maxClaims:
		return nil, errors.New("remote: the values of the claims are missing or too many")
	case len(c.Verified) > maxVerified || len(c.Sources) > maxSources:
		return nil, errors.New("remote: the verifications or sources of claims are too many")
	case c.Original != "" && !compact.MatchString(c.Original):
		return nil, errors.New("remote: the original is no JWS or JWE in compact form")
	}
	released := &authenticator.Claims{Values: c.Values, Original: c.Original}
	for _, v := range c.Verified {
		if !isObject(v.Verification) || len(v.Values) == 0 || len(v.Values) > maxClaims {
			return nil, errors.New("remote: a verification is no object, or has no claims or too many")
		}
		released.Verified = append(released.Verified, authenticator.VerifiedClaims(v))
	}
	for _, s := range c.Sources {
		if !validSource(s) {
			return nil, errors.New("remote: a source of claims is not as the description demands")
		}
		released.Sources = append(released.Sources, authenticator.ClaimSource(s))
	}
	return released, nil
}

// compact is a JWT: a JWS has three parts, a JWE five of which the second may be empty.
var (
	compact = regexp.MustCompile(`^[A-Za-z0-9_-]+\.(?:[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+|[A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]+){3})$`)
	jws     = regexp.MustCompile(`^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$`)
)

// validSource reports whether there are claims, and one place to have them from.
func validSource(s claimSource) bool {
	if len(s.Names) == 0 || len(s.Names) > maxClaims || (s.JWT == "") == (s.Endpoint == "") {
		return false
	}
	if s.JWT != "" {
		return s.AccessToken == "" && jws.MatchString(s.JWT)
	}
	u, err := url.Parse(s.Endpoint)
	return err == nil && u.Scheme == "https" && u.Host != "" && u.User == nil && len(s.Endpoint) <= maxEndpoint &&
		len(s.AccessToken) <= maxAccessToken
}

func isObject(data []byte) bool {
	var members map[string]stdjson.RawMessage
	return json.Unmarshal(data, &members) == nil && members != nil
}

// parseKeys reads a JWK Set that can be published: public keys and nothing else.
func parseKeys(data []byte) (*stdjson.RawMessage, error) {
	set, err := decode[struct {
		Keys []stdjson.RawMessage `json:"keys"`
	}](data)
	if err != nil {
		return nil, err
	}
	if set.Keys == nil || len(set.Keys) > maxKeys {
		return nil, errors.New("remote: the keys are missing or too many")
	}
	for _, data := range set.Keys {
		var key jose.JSONWebKey
		if key.UnmarshalJSON(data) != nil || !key.Valid() || !key.IsPublic() {
			return nil, errors.New("remote: a key is no public key of a kind that is known")
		}
	}
	keys, err := stdjson.Marshal(set)
	return (*stdjson.RawMessage)(&keys), err
}
