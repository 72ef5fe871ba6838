package ida

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/internal/digits"
)

const (
	maxCode     = 64
	maxPassword = 1 << 10
	maxSubject  = 256
	maxState    = 8 << 10
)

// state is what an Identity brings to the exchange.
type state struct {
	KYCToken     string `json:"kyc_token"`
	IndividualID string `json:"individual_id"`
	Transaction  string `json:"transaction"`
	ClientID     string `json:"client_id"`
	// Verifications say how claims were verified, as IDA said it.
	Verifications map[string][]json.RawMessage `json:"verifications,omitempty"`
}

// kycAuth is the outer request of kyc-auth.
type kycAuth struct {
	ID            string `json:"id"`
	Version       string `json:"version"`
	IndividualID  string `json:"individualId"`
	TransactionID string `json:"transactionID"`
	RequestTime   string `json:"requestTime"`
	DomainURI     string `json:"domainUri"`
	Environment   string `json:"env"`
	Consent       bool   `json:"consentObtained"`
	Metadata      bool   `json:"claimsMetadataRequired,omitempty"`
	*sealed
}

// answers is the inner request: what the person gave. IDA wants to see what is absent as null.
type answers struct {
	OTP        *string   `json:"otp"`
	PIN        *string   `json:"staticPin"`
	Timestamp  string    `json:"timestamp"`
	Biometrics []segment `json:"biometrics"`
	Tokens     []string  `json:"keyBindedTokens"` // of wallets, never there
	Password   *string   `json:"password"`
}

type kycAuthResponse struct {
	KYCToken  string `json:"kycToken"`
	AuthToken string `json:"authToken"`
	Status    bool   `json:"kycStatus"`
	// Metadata is a JSON object, as text.
	Metadata string `json:"verifiedClaimsMetadata"`
}

// Authenticate implements [authenticator.Authenticator]: all answers go to IDA in one call, which is not repeated.
func (a *Authenticator) Authenticate(ctx context.Context, r *authenticator.Request) (*authenticator.Identity, error) {
	wait := a.hold(ctx)
	identity, err := a.authenticate(ctx, r)
	if e, ok := errors.AsType[*authenticator.Error](err); ok && e.Reason == authenticator.WrongCredentials {
		wait()
	}
	return identity, err
}

func (a *Authenticator) authenticate(ctx context.Context, r *authenticator.Request) (*authenticator.Identity, error) {
	const name = "kyc-auth"
	transaction := TransactionID(r.Transaction)
	if transaction == "" {
		return nil, a.explain(ctx, name, errTransaction)
	}
	id := a.config.Normalize(r.Identifier).Value
	inner, err := a.answers(transaction, r.Challenges)
	if err != nil {
		return nil, err
	}
	to, err := a.kycURL(ctx, name, r.ClientID)
	if err != nil {
		return nil, a.explain(ctx, name, err)
	}
	certificate, err := a.encryption.certificate(ctx)
	if err != nil {
		return nil, a.explain(ctx, name, err)
	}
	plaintext, err := json.Marshal(inner)
	if err != nil {
		return nil, a.explain(ctx, name, err)
	}
	request, err := seal(plaintext, certificate)
	if err != nil {
		return nil, a.explain(ctx, name, err)
	}
	answer, err := call[kycAuthResponse](ctx, a.auth, to, transaction, &kycAuth{
		ID: "mosip.identity.kycauth", Version: "1.0", IndividualID: id, TransactionID: transaction,
		RequestTime: inner.Timestamp, DomainURI: a.config.DomainURI, Environment: a.config.Environment, Consent: true,
		Metadata: a.config.Verifications, sealed: request,
	}, maxAnswer)
	if err != nil {
		return nil, a.explain(ctx, name, err)
	}
	response := answer.Response
	switch {
	case !response.Status:
		return nil, wrong(errors.New("ida: kyc-auth: no status and no reason"))
	case response.KYCToken == "", response.AuthToken == "" || len(response.AuthToken) > maxSubject || !utf8.ValidString(response.AuthToken):
		return nil, a.explain(ctx, name, errors.New("IDA answered without a usable kycToken and authToken"))
	}
	kept, err := a.keep(ctx, state{
		KYCToken: response.KYCToken, IndividualID: id, Transaction: transaction, ClientID: r.ClientID,
	}, response.Metadata)
	if err != nil || len(kept) > maxState {
		return nil, a.explain(ctx, name, errors.New("IDA's kycToken cannot be kept"))
	}
	return &authenticator.Identity{Subject: response.AuthToken, State: kept}, nil
}

// kycURL returns where a KYC call of a client goes.
func (a *Authenticator) kycURL(ctx context.Context, call, clientID string) (string, error) {
	p, err := a.partner(ctx, clientID)
	if err != nil {
		return "", err
	}
	if a.config.Version == V2 {
		call += "/v2"
	}
	return a.path(a.config.AuthURL, call+"/delegated", p), nil
}

func (a *Authenticator) path(root, call string, p Partner) string {
	segments := []string{strings.TrimRight(root, "/"), call}
	for _, s := range []string{a.config.LicenseKey, p.ID, p.APIKey} {
		segments = append(segments, url.PathEscape(s))
	}
	return strings.Join(segments, "/")
}

// answers makes the inner request. Answers that cannot be right are refused here, whoever gave them.
func (a *Authenticator) answers(transaction string, challenges []authenticator.Challenge) (*answers, error) {
	now := a.config.Now()
	inner := &answers{Timestamp: timestamp(now)}
	if len(challenges) == 0 {
		return nil, wrong(errors.New("ida: no answer"))
	}
	for i, c := range challenges {
		for _, other := range challenges[:i] {
			if other.Factor == c.Factor {
				return nil, unsupported(errors.New("ida: two answers to one factor"))
			}
		}
		if err := a.answer(inner, transaction, c); err != nil {
			return nil, err
		}
	}
	return inner, nil
}

func (a *Authenticator) answer(inner *answers, transaction string, c authenticator.Challenge) error {
	if !slices.Contains(a.config.Factors, c.Factor) {
		return unsupported(fmt.Errorf("ida: factor %q is not configured", c.Factor))
	}
	response, limit := c.Response, maxPassword
	if c.Factor == authenticator.OTP || c.Factor == authenticator.PIN {
		response, limit = digits.Normalize(response), maxCode
	}
	if c.Factor != authenticator.Biometrics && (response == "" || len(response) > limit) {
		return wrong(fmt.Errorf("ida: an answer to %q that is empty or too long", c.Factor))
	}
	switch c.Factor {
	case authenticator.OTP:
		inner.OTP = &response
	case authenticator.PIN:
		inner.PIN = &response
	case authenticator.Password:
		inner.Password = &response
	case authenticator.Biometrics:
		segments, err := a.capture(transaction, response)
		if err != nil {
			return wrong(fmt.Errorf("ida: biometric capture: %w", err))
		}
		inner.Biometrics = segments
	}
	return nil
}

func unsupported(cause error) error {
	return &authenticator.Error{Reason: authenticator.Unsupported, Err: cause}
}
