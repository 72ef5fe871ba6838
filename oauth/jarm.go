package oauth

import (
	"cmp"
	"context"
	"net/url"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/gosignet/signet/keystore"
)

// responseLifetime is how long a signed response is valid: at most ten minutes, and longer than any redirect takes (JARM
// section 2.1).
const responseLifetime = 5 * time.Minute

// responseAlgorithm signs the responses to the client: the registered algorithm, or the default one, or the first that
// the client's profile allows. It is empty if there is none.
func (s *Server) responseAlgorithm(c *Client) jose.SignatureAlgorithm {
	profile := s.profile(c)
	switch {
	case c.AuthorizationResponseAlgorithm != "":
		return c.AuthorizationResponseAlgorithm
	case profile.Allows(s.accessTokenAlg):
		return s.accessTokenAlg
	}
	if i := slices.IndexFunc(s.responseAlgs, profile.Allows); i >= 0 {
		return s.responseAlgs[i]
	}
	return ""
}

// signResponse returns the parameters of a response as a JWT for the client (JARM section 2.1).
func (s *Server) signResponse(ctx context.Context, req *AuthorizationRequest, parameters url.Values) (string, error) {
	key, err := s.keys.Signer(ctx, keystore.ResponseSigning, cmp.Or(req.ResponseAlgorithm, s.accessTokenAlg))
	if err != nil {
		return "", err
	}
	claims := map[string]any{"aud": req.ClientID, "exp": s.now().Add(responseLifetime).Unix()}
	for name := range parameters { // iss is one of them
		claims[name] = parameters.Get(name)
	}
	return key.SignJSON(ctx, "JWT", claims)
}
