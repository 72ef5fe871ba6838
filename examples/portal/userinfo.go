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
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/pkg/oidc"

	"github.com/gosignet/signet/dpop"
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
	sealed string // the header of the encryption around it, JSON; empty if there was none
	proof  string // the DPoP proof that went with the access token, if it is bound
}

// errEnded says that the provider does not take the access token, which it gave out itself.
var errEnded = errors.New("the access token is not accepted any more")

// userinfo fetches the claims of the person. An encrypted response is decrypted and a signed one verified, as OpenID
// Connect Core section 5.3.2 says; in any form it must be about the person of the ID Token, for tokens can be swapped
// (section 5.3.4).
func (p *provider) userinfo(ctx context.Context, party *party, access accessToken, subject string) (*userinfo, error) {
	res, err := p.call(ctx, party.UserinfoEndpoint(), access)
	if err != nil {
		return nil, err
	}
	if challengeOf(res)["error"] == "invalid_token" {
		res.Body.Close()
		return nil, errEnded
	}
	body, err := readAnswer(res, http.StatusOK, maxUserinfo)
	if err != nil {
		return nil, err
	}
	mediaType, _, err := mime.ParseMediaType(res.Header.Get("Content-Type"))
	if err != nil {
		return nil, err
	}
	info := &userinfo{raw: body}
	if res.Request != nil {
		info.proof = res.Request.Header.Get(dpop.HeaderProof)
	}
	if p.config.encrypts() {
		var inner string
		if inner, info.sealed, err = p.config.decrypt(string(body)); err != nil {
			return nil, err
		}
		if info.raw = []byte(inner); strings.HasPrefix(inner, "{") { // it may be encrypted and not signed
			mediaType = "application/json"
		}
	}
	switch mediaType {
	case "application/jwt":
		info.signed = true
		if info.raw, err = p.verifyUserinfo(ctx, party, string(info.raw)); err != nil {
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
	if err := json.Unmarshal(info.claims["sub"], &sub); err != nil || sub != subject {
		return nil, errors.New("sub differs from that of the ID Token")
	}
	return info, nil
}

// call presents a token in the way of its type. One that is bound to the portal's key needs a proof beside it.
func (p *provider) call(ctx context.Context, endpoint string, access accessToken) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, endpoint, nil)
	if err != nil {
		return nil, err
	}
	scheme, client := "Bearer", p.config.Client
	if strings.EqualFold(access.kind, dpop.Scheme) {
		scheme, client = dpop.Scheme, p.bound
	}
	req.Header.Set("Authorization", scheme+" "+access.value)
	req.Header.Set("Accept", "application/jwt, application/json")
	return client.Do(req)
}

// readAnswer returns the body of an answer with the status.
func readAnswer(res *http.Response, status, limit int) ([]byte, error) {
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, int64(limit)+1))
	switch {
	case err != nil:
		return nil, err
	case len(body) > limit:
		return nil, errors.New("the answer is too large")
	case res.StatusCode != status:
		return nil, refusal(res.Status, body)
	}
	return body, nil
}

// verifyUserinfo returns the claims of a signed response, once its signature, iss, aud and time are right.
func (p *provider) verifyUserinfo(ctx context.Context, party *party, token string) ([]byte, error) {
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
