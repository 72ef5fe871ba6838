package mock

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

const (
	// exchangeWindow is how long after a login claims may be asked for, loginLifetime how long this is told from no login.
	exchangeWindow = 3 * time.Minute
	loginLifetime  = 10 * time.Minute

	wrongToken     = "mock-ida-006"
	expiredToken   = "mock-ida-007"
	exchangeFailed = "mock-ida-008"

	verifiedClaims = "verified_claims"
)

// localTime is a date and time without zone, which is UTC: ISO 8601, or the array that Java makes of it.
type localTime struct{ time.Time }

// UnmarshalJSON reads both forms, and one with the zone Z.
func (t *localTime) UnmarshalJSON(data []byte) (err error) {
	if bytes.Equal(data, []byte("null")) {
		return nil
	}
	if data[0] == '[' {
		var parts []int
		if err := json.Unmarshal(data, &parts); err != nil {
			return err
		}
		if len(parts) < 5 || len(parts) > 7 {
			return errors.New("mock: not a local date-time")
		}
		parts = append(parts, 0, 0)[:7]
		t.Time = time.Date(parts[0], time.Month(parts[1]), parts[2], parts[3], parts[4], parts[5], parts[6], time.UTC)
		return nil
	}
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		return err
	}
	text = strings.TrimSuffix(text, "Z")
	if t.Time, err = time.Parse("2006-01-02T15:04:05", text); err != nil {
		t.Time, err = time.Parse("2006-01-02T15:04", text)
	}
	return err
}

// kycExchangeRequest asks for claims.
type kycExchangeRequest struct {
	RequestDateTime localTime                  `json:"requestDateTime"`
	TransactionID   string                     `json:"transactionId"`
	Token           string                     `json:"kycToken"`
	IndividualID    string                     `json:"individualId"`
	Claims          []string                   `json:"acceptedClaims"`
	Locales         []string                   `json:"claimLocales"`
	Details         map[string]json.RawMessage `json:"acceptedClaimDetail"`
	RespType        string                     `json:"respType"`
	ResponseType    string                     `json:"responseType"` // what the plugin sends for respType
}

type kycExchangeResult struct {
	KYC string `json:"kyc"`
}

func (a *api) kycExchange(version int) endpoint {
	return func(r *http.Request, body []byte) (any, error) {
		var request kycExchangeRequest
		if err := decode(body, &request); err != nil {
			return nil, err
		}
		if version < 2 {
			request.Details = nil
		}
		encrypted := version >= 3 && strings.EqualFold(orElse(request.RespType, request.ResponseType), "JWE")
		login, err := a.logins.Get(r.Context(), request.Token)
		if err != nil || login.TransactionID != request.TransactionID || login.IndividualID != request.IndividualID {
			return nil, problem(wrongToken)
		}
		if age := request.RequestDateTime.Sub(login.At).Truncate(time.Second); age < 0 || age > exchangeWindow {
			a.logins.Take(r.Context(), request.Token) // whoever else takes it finds it as old
			return nil, problem(expiredToken)
		}
		kyc, err := a.kyc(r, &request, login.Pseudonym, encrypted)
		if err != nil {
			return nil, problem(exchangeFailed)
		}
		// Last, so that what went wrong can be tried again: a token gives claims once.
		if _, err := a.logins.Take(r.Context(), request.Token); err != nil {
			return nil, problem(wrongToken)
		}
		return kycExchangeResult{kyc}, nil
	}
}

// kyc is what the relying party gets.
func (a *api) kyc(r *http.Request, request *kycExchangeRequest, pseudonym string, encrypted bool) (string, error) {
	who := a.people.get(request.IndividualID)
	if who == nil {
		return "", errUnknown
	}
	payload, err := who.kycClaims(request)
	if err != nil {
		return "", err
	}
	payload["sub"], payload["iss"], payload["aud"] = pseudonym, a.config.Issuer, r.PathValue("client")
	jws, err := a.signer.sign(payload)
	if err != nil || !encrypted {
		return jws, err
	}
	return a.encrypt(partner{r.PathValue("rp"), r.PathValue("client")}, jws)
}

// kycClaims returns what is asked for.
func (p *person) kycClaims(r *kycExchangeRequest) (map[string]any, error) {
	locales := languages(r.Locales)
	verified, err := p.kycVerified(r.Details[verifiedClaims], locales)
	if err != nil {
		return nil, err
	}
	claims := make(map[string]any)
	for _, name := range slices.Concat(r.Claims, slices.Collect(maps.Keys(r.Details))) {
		if name != verifiedClaims {
			maps.Copy(claims, p.kycClaim(name, locales))
		}
	}
	for _, element := range verified {
		for name := range element.Claims {
			delete(claims, name)
		}
	}
	if verified != nil {
		claims[verifiedClaims] = verified
	}
	return claims, nil
}

// languages returns the languages of three letters, English if there are none.
func languages(locales []string) []string {
	var codes []string
	for _, locale := range locales {
		if code := iso3(locale); code != "" {
			codes = append(codes, code)
		}
	}
	if codes == nil {
		return []string{"eng"}
	}
	return codes
}

// kycClaim returns a claim in the languages: under its name, or if there are several in that language each under
// "name#eng". The address is one object.
func (p *person) kycClaim(name string, locales []string) map[string]any {
	claim, address := make(map[string]any), make(map[string]any)
	for i := range fields {
		f := &fields[i]
		if f.claim == "" || f.claimName() != name || !p.doc.has(f.name) {
			continue
		}
		target, member := claim, f.claim
		if f.part() != "" {
			target, member = address, f.part()
		}
		if f.kind == plainText {
			target[member] = p.doc.text(f.name)
			continue
		}
		values := p.doc.langs(f.name)
		chosen := slices.DeleteFunc(slices.Clone(values), func(v langValue) bool {
			return !slices.Contains(locales, iso3(v.Language))
		})
		switch len(chosen) {
		case 0:
			target[member] = tagged(values, p.doc.main())[""]
		case 1:
			target[member] = chosen[0].Value
		default:
			for _, v := range chosen {
				target[member+"#"+v.Language] = v.Value
			}
		}
	}
	if len(address) > 0 {
		claim[addressClaim] = address
	}
	return claim
}

// kycVerification is verified_claims in an answer.
type kycVerification struct {
	Verification struct {
		TrustFramework string `json:"trust_framework"`
		Time           string `json:"time"`
	} `json:"verification"`
	Claims map[string]any `json:"claims"`
}

// verifiedRequest is verified_claims in a request.
type verifiedRequest struct {
	Verification struct {
		TrustFramework *struct {
			Value  *string  `json:"value"`
			Values []string `json:"values"`
		} `json:"trust_framework"`
	} `json:"verification"`
	Claims map[string]json.RawMessage `json:"claims"`
}

func (r *verifiedRequest) accepts(framework string) bool {
	wanted := r.Verification.TrustFramework
	switch {
	case wanted == nil:
		return true
	case wanted.Value != nil:
		return *wanted.Value == framework
	}
	return wanted.Values == nil || slices.Contains(wanted.Values, framework)
}

// kycVerified answers a request for verified claims, an object or an array of them: one element for each of the trust
// frameworks that it accepts and in which something of it was verified.
func (p *person) kycVerified(request json.RawMessage, locales []string) ([]*kycVerification, error) {
	if len(request) == 0 || string(request) == "null" {
		return nil, nil
	}
	if request[0] == '{' {
		request = slices.Concat([]byte("["), request, []byte("]"))
	}
	var requests []verifiedRequest
	if err := json.Unmarshal(request, &requests); err != nil {
		return nil, errors.New("mock: verified_claims is not readable")
	}
	var all []*kycVerification
	for i := range requests {
		byFramework := make(map[string]*kycVerification)
		for _, v := range p.verified {
			if _, asked := requests[i].Claims[v.claim]; !asked || !v.active || !requests[i].accepts(v.framework) {
				continue
			}
			element := byFramework[v.framework]
			if element == nil {
				element = &kycVerification{Claims: make(map[string]any)}
				element.Verification.TrustFramework = v.framework
				byFramework[v.framework] = element
				all = append(all, element)
			}
			element.Verification.Time = max(element.Verification.Time, v.updated.UTC().Format("2006-01-02T15:04:05.000"))
			maps.Copy(element.Claims, p.kycClaim(v.claim, locales))
		}
	}
	return all, nil
}
