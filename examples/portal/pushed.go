package portal

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/pkg/oidc"

	"github.com/gosignet/signet/dpop"
	"github.com/gosignet/signet/keystore"
)

const maxAnswer = 1 << 20 // of the provider to a program, in bytes

// errNoPushing says that the provider has no endpoint for pushed requests.
var errNoPushing = errors.New("the provider takes no pushed authorization requests")

// metadata is what zitadel/oidc does not read of the provider's metadata: RFC 9126 section 5, and Identity Assurance.
type metadata struct {
	Issuer       string `json:"issuer"`
	PushEndpoint string `json:"pushed_authorization_request_endpoint"`
	MustPush     bool   `json:"require_pushed_authorization_requests"`

	VerifiedClaims   bool     `json:"verified_claims_supported"`
	ClaimsInVerified []string `json:"claims_in_verified_claims_supported"`
	Evidence         []string `json:"evidence_supported"`
}

func (p *provider) metadata(ctx context.Context) (*metadata, error) {
	address := strings.TrimSuffix(p.config.Issuer, "/") + oidc.DiscoveryEndpoint
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	res, err := p.config.Client.Do(req)
	if err != nil {
		return nil, err
	}
	body, err := readAnswer(res, http.StatusOK, maxAnswer)
	if err != nil {
		return nil, err
	}
	var m metadata
	if err := json.Unmarshal(body, &m); err != nil || m.Issuer != p.config.Issuer {
		return nil, errors.New("the metadata are not the provider's")
	}
	return &m, nil
}

// newProofs returns what adds DPoP proofs (RFC 9449) to requests, with a key that lives as long as the portal.
func newProofs(base http.RoundTripper) (*dpop.Transport, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	key, err := keystore.NewKey(jose.ES256, private)
	if err != nil {
		return nil, err
	}
	return dpop.NewTransport(dpop.TransportConfig{Key: key, Base: base})
}

// push takes an authorization request to the provider ahead of the browser (RFC 9126), and returns the reference that the
// browser is to carry. The proof that goes with it binds the code to the portal's key (RFC 9449 section 10.1).
func (p *provider) push(ctx context.Context, party *party, request url.Values) (requestURI string, err error) {
	if party.metadata.PushEndpoint == "" {
		return "", errNoPushing
	}
	assertion, err := p.assertion(party)
	if err != nil {
		return "", err
	}
	request.Set("client_assertion_type", oidc.ClientAssertionTypeJWTAssertion)
	request.Set("client_assertion", assertion)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, party.metadata.PushEndpoint, strings.NewReader(request.Encode()))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := p.bound.Do(req)
	if err != nil {
		return "", err
	}
	body, err := readAnswer(res, http.StatusCreated, maxAnswer)
	if err != nil {
		return "", err
	}
	var answer struct {
		RequestURI string `json:"request_uri"`
	}
	if err := json.Unmarshal(body, &answer); err != nil || answer.RequestURI == "" {
		return "", errors.New("the answer has no request_uri")
	}
	return answer.RequestURI, nil
}

// refusal is the error of an OAuth endpoint, for logs.
func refusal(status string, body []byte) error {
	var e struct {
		Error string `json:"error"`
	}
	if json.Unmarshal(body, &e) != nil || e.Error == "" {
		return fmt.Errorf("the provider answered %s", status)
	}
	return fmt.Errorf("the provider answered %s: %q", status, e.Error)
}
