package mock

import (
	"context"
	"crypto/sha3"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gosignet/signet/store"
)

const (
	authFailed   = "auth_failed"
	codeLifetime = 10 * time.Minute
)

var otpChannels = []string{"email", "phone"}

// sendOTPRequest asks for a code.
type sendOTPRequest struct {
	TransactionID string   `json:"transactionId"`
	IndividualID  string   `json:"individualId"`
	Channels      []string `json:"otpChannels"`
}

// sendOTPResult says where the code went.
type sendOTPResult struct {
	TransactionID string  `json:"transactionId"`
	MaskedEmail   *string `json:"maskedEmail"`
	MaskedMobile  *string `json:"maskedMobile"`
}

func (a *api) sendOTP(r *http.Request, body []byte) (any, error) {
	var request sendOTPRequest
	if err := decode(body, &request); err != nil {
		return nil, err
	}
	var found problems
	found.require(request.TransactionID, "transactionId", invalidTransactionID)
	found.require(request.IndividualID, "individualId", invalidIndividualID)
	if len(request.Channels) == 0 {
		found.add("otpChannels", "invalid_otp_channel")
	}
	result := sendOTPResult{TransactionID: request.TransactionID}
	who := a.people.get(request.IndividualID)
	for _, channel := range request.Channels {
		channel = strings.ToLower(channel)
		switch {
		case !slices.Contains(otpChannels, channel):
			found.add("otpChannels", "invalid_otp_channel")
		case who == nil:
		case channel == "email" && who.doc.has("email"):
			masked := maskEmail(who.doc.text("email"))
			result.MaskedEmail = &masked
		case channel == "phone" && who.doc.has("phone"):
			masked := maskMobile(who.doc.text("phone"))
			result.MaskedMobile = &masked
		}
	}
	switch {
	case len(found) > 0:
		return nil, found
	case who == nil:
		return nil, problem(invalidIndividualID)
	case result.MaskedEmail == nil && result.MaskedMobile == nil:
		return nil, problem("no_email_mobile_found")
	}
	handle := codeHandle(request.TransactionID, request.IndividualID)
	err := a.codes.Add(r.Context(), handle, true, codeLifetime)
	if errors.Is(err, store.ErrExists) { // asked for again, it lives longer
		_, err = a.codes.UpdateFor(r.Context(), handle, codeLifetime, func(*bool) error { return nil })
	}
	return result, err
}

// codeHandle is where it is kept that a code was sent.
func codeHandle(transaction, id string) string { return hash(transaction + id + OTP) }

// hash is SHA3-256 in base64url.
func hash(text string) string {
	sum := sha3.Sum256([]byte(text))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// maskMobile hides the first half of a number and one more character.
func maskMobile(number string) string {
	n := min(len(number)/2+1, len(number))
	return strings.Repeat("X", n) + number[n:]
}

// maskEmail hides two of three characters before the @, and not the first.
func maskEmail(address string) string {
	local, _, _ := strings.Cut(address, "@")
	masked := []byte(address)
	for i := range len(local) {
		if i%3 != 0 {
			masked[i] = 'X'
		}
	}
	return string(masked)
}

// kycAuthRequest has the answers of a person.
type kycAuthRequest struct {
	TransactionID    string   `json:"transactionId"`
	IndividualID     string   `json:"individualId"`
	OTP              *string  `json:"otp"`
	PIN              *string  `json:"pin"`
	Biometrics       *string  `json:"biometrics"`
	Knowledge        *string  `json:"kbi"`
	Password         *string  `json:"password"`
	Tokens           []string `json:"tokens"`
	MetadataRequired bool     `json:"claimMetadataRequired"`
}

// kycAuthResult says whether they are right.
type kycAuthResult struct {
	Status    bool                         `json:"authStatus"`
	Token     string                       `json:"kycToken,omitempty"`
	Pseudonym string                       `json:"partnerSpecificUserToken,omitempty"`
	Metadata  map[string][]json.RawMessage `json:"claimMetadata,omitempty"`
}

// kycLogin is what is kept of a login until claims are asked for.
type kycLogin struct {
	TransactionID string    `json:"transaction"`
	IndividualID  string    `json:"individual"`
	Pseudonym     string    `json:"pseudonym"`
	At            time.Time `json:"at"`
}

func (a *api) kycAuth(metadata bool) endpoint {
	return func(r *http.Request, body []byte) (any, error) {
		var request kycAuthRequest
		if err := decode(body, &request); err != nil {
			return nil, err
		}
		var found problems
		found.require(request.TransactionID, "transactionId", invalidTransactionID)
		found.require(request.IndividualID, "individualId", invalidIndividualID)
		if err := found.err(); err != nil {
			return nil, err
		}
		who := a.people.get(request.IndividualID)
		if who == nil {
			return nil, problem(invalidIndividualID)
		}
		right, err := a.proves(r.Context(), who, &request)
		if err != nil || !right {
			return kycAuthResult{}, err
		}
		login := kycLogin{
			TransactionID: request.TransactionID, IndividualID: request.IndividualID, At: a.now(),
			Pseudonym: hash(request.IndividualID + r.PathValue("rp")),
		}
		result := kycAuthResult{Status: true, Pseudonym: login.Pseudonym}
		if metadata && request.MetadataRequired {
			result.Metadata = who.metadata()
		}
		result.Token, err = a.logins.Create(r.Context(), login, loginLifetime)
		return result, err
	}
}

// proves reports whether there are answers, and all of them are right. Some that are wrong are errors.
func (a *api) proves(ctx context.Context, who *person, r *kycAuthRequest) (bool, error) {
	answered, right := false, true
	answer := func(given, isRight bool) {
		answered = answered || given
		right = right && (!given || isRight)
	}
	if r.OTP != nil {
		if _, err := a.codes.Get(ctx, codeHandle(r.TransactionID, r.IndividualID)); err != nil {
			return false, problem("invalid_transaction")
		}
		if !same(*r.OTP, OTP) {
			return false, problem(authFailed)
		}
		answered = true
	}
	if r.PIN != nil && !who.hasPIN(*r.PIN) {
		return false, problem(authFailed)
	}
	answer(r.PIN != nil, true)
	answer(r.Biometrics != nil, true)
	if r.Knowledge != nil {
		decoded, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(*r.Knowledge, "="))
		if err != nil || len(decoded) > a.maxKnowledge() || !json.Valid(decoded) {
			return false, problem("auth-failed") // sic
		}
		answer(true, a.knows(who, decoded))
	}
	answer(r.Password != nil, r.Password != nil && who.hasPassword(*r.Password))
	if len(r.Tokens) > 0 {
		if r.Tokens[0] == "" {
			return false, problem(authFailed)
		}
		answered = true
	}
	if !answered || !right {
		return false, nil
	}
	// The code comes last: it works once, for one of any number of requests.
	if r.OTP != nil {
		if _, err := a.codes.Take(ctx, codeHandle(r.TransactionID, r.IndividualID)); err != nil {
			return false, problem("invalid_transaction")
		}
	}
	return true, nil
}

// metadata says for each claim how it was verified. An empty list is that of a claim that was not.
func (p *person) metadata() map[string][]json.RawMessage {
	all := make(map[string][]json.RawMessage)
	for i := range fields {
		f := &fields[i]
		if f.claim == "" || !p.doc.has(f.name) {
			continue
		}
		details := []json.RawMessage{}
		for _, v := range p.verified {
			if v.active && (v.field == f.name || v.field == f.claimName()) {
				details = append(details, v.detail)
			}
		}
		all[f.claim] = details
	}
	return all
}
