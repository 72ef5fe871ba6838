package portal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/pkg/client/rp"
	"github.com/zitadel/oidc/v3/pkg/oidc"
)

const (
	maxUserinfo = 4 << 20 // photos are large
	clockSkew   = 10 * time.Second
)

// userinfo is what the provider released about a person.
type userinfo struct {
	claims map[string]json.RawMessage
	raw    []byte // the same, as it came
	signed bool
}

// userinfo fetches the claims of the person. A signed response is verified as OpenID Connect Core section 5.3.2 says;
// in either form it must be about the person of the ID Token, for tokens can be swapped (section 5.3.4).
func (p *provider) userinfo(ctx context.Context, party rp.RelyingParty, tokens *oidc.Tokens[*oidc.IDTokenClaims]) (*userinfo, error) {
	mediaType, body, err := p.fetchUserinfo(ctx, party.UserinfoEndpoint(), tokens.AccessToken)
	if err != nil {
		return nil, err
	}
	info := &userinfo{raw: body}
	switch mediaType {
	case "application/jwt":
		info.signed = true
		if info.raw, err = p.verifyUserinfo(ctx, party, string(body)); err != nil {
			return nil, err
		}
	case "application/json":
	default:
		return nil, fmt.Errorf("unexpected media type %q", mediaType)
	}
	if err := json.Unmarshal(info.raw, &info.claims); err != nil {
		return nil, errors.New("the claims are not a JSON object")
	}
	var sub string
	if err := json.Unmarshal(info.claims["sub"], &sub); err != nil || sub != tokens.IDTokenClaims.Subject {
		return nil, errors.New("sub differs from that of the ID Token")
	}
	return info, nil
}

func (p *provider) fetchUserinfo(ctx context.Context, endpoint, accessToken string) (mediaType string, body []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, endpoint, nil)
	if err != nil {
		return "", nil, err
	}
	req.Header.Set("Authorization", "Bearer "+accessToken)
	req.Header.Set("Accept", "application/jwt, application/json")
	res, err := p.config.Client.Do(req)
	if err != nil {
		return "", nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return "", nil, fmt.Errorf("the provider answered %s", res.Status)
	}
	body, err = io.ReadAll(io.LimitReader(res.Body, maxUserinfo+1))
	if err != nil {
		return "", nil, err
	}
	if len(body) > maxUserinfo {
		return "", nil, errors.New("the response is too large")
	}
	mediaType, _, err = mime.ParseMediaType(res.Header.Get("Content-Type"))
	return mediaType, body, err
}

// verifyUserinfo returns the claims of a signed response, once its signature, iss, aud and time are right.
func (p *provider) verifyUserinfo(ctx context.Context, party rp.RelyingParty, token string) ([]byte, error) {
	jws, err := jose.ParseSignedCompact(token, algorithms)
	if err != nil {
		return nil, err
	}
	payload, err := party.IDTokenVerifier().KeySet.VerifySignature(ctx, jws)
	if err != nil {
		return nil, err
	}
	var c struct {
		Issuer    string        `json:"iss"`
		Audience  oidc.Audience `json:"aud"`
		ExpiresAt *float64      `json:"exp"`
	}
	if err := json.Unmarshal(payload, &c); err != nil {
		return nil, errors.New("the claims are malformed")
	}
	switch {
	case c.Issuer != party.Issuer():
		return nil, errors.New("iss is another issuer's")
	case !slices.Contains(c.Audience, p.config.ClientID):
		return nil, errors.New("aud does not name this client")
	case c.ExpiresAt != nil && time.Unix(int64(*c.ExpiresAt), 0).Add(clockSkew).Before(p.config.Now()):
		return nil, errors.New("it has expired")
	}
	return payload, nil
}
