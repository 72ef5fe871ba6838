package ida

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
	"golang.org/x/text/language"

	"github.com/gosignet/signet/authenticator"
)

// kycExchange is the request of kyc-exchange.
type kycExchange struct {
	ID            string   `json:"id"`
	Version       string   `json:"version"`
	RequestTime   string   `json:"requestTime"`
	TransactionID string   `json:"transactionID"`
	KYCToken      string   `json:"kycToken"`
	Consent       []string `json:"consentObtained"`
	Locales       []string `json:"locales"`
	ResponseType  string   `json:"respType"`
	IndividualID  string   `json:"individualId"`
	// Unverified are the same claims in the words of V2, each with what was asked of it: nothing.
	Unverified map[string]any `json:"unVerifiedConsentedClaims,omitempty"`
}

type kycExchangeResponse struct {
	KYC string `json:"encryptedKyc"`
}

// Claims implements [authenticator.Authenticator]. It spends the KYC token of the identity.
func (a *Authenticator) Claims(ctx context.Context, r *authenticator.ClaimsRequest) (*authenticator.Claims, error) {
	const name = "kyc-exchange"
	var s state
	if err := json.Unmarshal(r.Identity.State, &s); err != nil || s.KYCToken == "" {
		return nil, a.explain(ctx, name, errors.New("the identity has no KYC token"))
	}
	if s.ClientID != r.ClientID {
		return nil, a.explain(ctx, name, errors.New("the KYC token is another client's: do not share sessions over IDA"))
	}
	to, err := a.kycURL(ctx, name, r.ClientID)
	if err != nil {
		return nil, a.explain(ctx, name, err)
	}
	request := &kycExchange{
		ID: "mosip.identity.kycexchange", Version: "1.0", RequestTime: timestamp(a.config.Now()),
		TransactionID: s.Transaction, KYCToken: s.KYCToken, Consent: r.Names, Locales: threeLetters(r.Locales),
		ResponseType: "JWS", IndividualID: s.IndividualID,
	}
	if len(r.Names) == 0 {
		request.Consent = []string{"sub"}
	}
	if a.config.Decrypter != nil || a.config.Original == JWE {
		request.ResponseType = "JWE"
	}
	if a.config.Version == V2 {
		request.Unverified = make(map[string]any, len(r.Names))
		for _, claim := range r.Names {
			request.Unverified[claim] = nil
		}
	}
	answer, err := call[kycExchangeResponse](ctx, a.auth, to, s.Transaction, request, maxKYC)
	if err != nil {
		return nil, a.unavailable(ctx, name, err)
	}
	if answer.Response == nil || answer.Response.KYC == "" {
		return nil, a.unavailable(ctx, name, errors.New("IDA answered without claims"))
	}
	if a.config.Original == JWE {
		if _, err := jose.ParseEncryptedCompact(answer.Response.KYC, keyAlgorithms, contentEncryptions); err != nil {
			return nil, a.unavailable(ctx, name, errJWE)
		}
		return &authenticator.Claims{Values: map[string]json.RawMessage{}, Original: answer.Response.KYC}, nil
	}
	released, err := a.open(ctx, answer.Response.KYC)
	if err != nil {
		return nil, a.unavailable(ctx, name, err)
	}
	if err := a.checkReleased(released, r.Identity.Subject); err != nil {
		return nil, a.unavailable(ctx, name, err)
	}
	values := asked(released, r.Names)
	claims := &authenticator.Claims{Values: values, Verified: verified(values, r.Verified, s.Verifications)}
	if a.config.Original == JWS {
		if err := onlyAsked(released, r.Names); err != nil {
			return nil, a.unavailable(ctx, name, err)
		}
		claims.Original = answer.Response.KYC
	}
	return claims, nil
}

// ofJWT are the claims about a JWT itself (RFC 7519 section 4.1).
var ofJWT = []string{"iss", "sub", "aud", "exp", "nbf", "iat", "jti"}

// onlyAsked checks an answer that is passed on as it is.
func onlyAsked(released map[string]json.RawMessage, names []string) error {
	for member := range released {
		name, _, _ := strings.Cut(member, "#")
		if !slices.Contains(names, name) && !slices.Contains(ofJWT, name) {
			return errors.New("IDA released claims that nobody consented to")
		}
	}
	return nil
}

// unavailable is explain where the person answered nothing, and so nothing wrong.
func (a *Authenticator) unavailable(ctx context.Context, call string, err error) error {
	err = a.explain(ctx, call, err)
	if e, ok := errors.AsType[*authenticator.Error](err); ok {
		e.Reason = authenticator.Unavailable
	}
	return err
}

// checkReleased checks that the claims are still good and about the person who authenticated, where they say so.
func (a *Authenticator) checkReleased(released map[string]json.RawMessage, subject string) error {
	if raw, ok := released["sub"]; ok {
		var sub string
		if err := json.Unmarshal(raw, &sub); err != nil || sub != subject {
			return errors.New("IDA released claims about another person")
		}
	}
	if raw, ok := released["exp"]; ok {
		var exp float64
		if err := json.Unmarshal(raw, &exp); err != nil || exp <= float64(a.config.Now().Unix()) {
			return errors.New("IDA released claims that have expired")
		}
	}
	return nil
}

// asked keeps the claims with the names, also those of them in a language: "name#fra", which becomes "name#fr". Those
// without a value are left out.
func asked(released map[string]json.RawMessage, names []string) map[string]json.RawMessage {
	values := make(map[string]json.RawMessage)
	for member, value := range released {
		name, tag, inLanguage := strings.Cut(member, "#")
		if !slices.Contains(names, name) || string(value) == "null" {
			continue
		}
		if inLanguage {
			parsed, err := language.Parse(tag)
			if err != nil {
				continue
			}
			name += "#" + parsed.String()
		}
		values[name] = value
	}
	return values
}

// threeLetters returns the languages as IDA knows them, by their terminological codes of ISO 639-2. Those that have none
// are left out.
func threeLetters(locales []string) []string {
	codes := []string{}
	for _, locale := range locales {
		tag, err := language.Parse(locale)
		if err != nil {
			continue
		}
		base, confidence := tag.Base()
		if code := base.ISO3(); confidence != language.No && code != "" && !slices.Contains(codes, code) {
			codes = append(codes, code)
		}
	}
	return codes
}

// open verifies what IDA released, after decrypting it.
func (a *Authenticator) open(ctx context.Context, kyc string) (map[string]json.RawMessage, error) {
	if a.config.Decrypter != nil {
		decrypted, err := decrypt(kyc, a.config.Decrypter)
		if err != nil {
			return nil, err
		}
		kyc = decrypted
	}
	payload, err := a.signing.verify(ctx, kyc)
	if err != nil {
		return nil, err
	}
	var claims map[string]json.RawMessage
	if err := json.Unmarshal(payload, &claims); err != nil || claims == nil {
		return nil, fmt.Errorf("IDA released something that is no JSON object")
	}
	return claims, nil
}
