package mock

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/gosignet/signet/store"
)

// BasePath is where the endpoints of the HTTP API are.
const BasePath = "/v1/mock-identity-system"

const (
	// maxBody bounds a request; a photograph is the largest thing in one.
	maxBody    = 2 << 20
	maxSkew    = 2 * time.Minute
	timeFormat = "2006-01-02T15:04:05.000Z"
	minRSA     = 2048
)

// APIConfig configures the HTTP API.
type APIConfig struct {
	// Mock has the people. Required.
	Mock *Mock
	// Issuer is the iss of what the API signs: that of the provider which passes it on. Required.
	Issuer string
	// Key signs claims, with RS256. Nil means a new one.
	Key *rsa.PrivateKey
	// Schema says which identities may be created. The zero value is DefaultSchema.
	Schema Schema
	// UISpec is a JSON value with which sign-up pages are drawn. Nil means that there is none.
	UISpec json.RawMessage
}

// api is the HTTP API.
type api struct {
	*Mock
	config APIConfig
	signer *signer
	codes  store.Bucket[bool]
	logins store.Bucket[kycLogin]

	mu       sync.RWMutex
	partners map[partner]jose.JSONWebKey
}

// NewAPI returns eSignet's mock identity system: its endpoints below [BasePath], over the people of the Mock. Programs that
// were written for that one cannot tell the difference, except that
//
//   - a person who is read comes without PIN and password,
//   - all answers of a login must be right, not just the last of them, and an answer to questions has to answer each,
//   - a claim that is in none of the languages that were asked for comes in the person's own, not empty,
//   - plain parts of an address, such as the postal code, are released,
//   - languages may be named as in BCP 47 everywhere, and responseType means respType.
//
// Nobody has to prove who they are to use it: whoever reaches it can log in as anybody, and change them. It is for the
// machine that it runs on.
func NewAPI(c APIConfig) (http.Handler, error) {
	var errs []error
	if c.Mock == nil {
		errs = append(errs, errors.New("mock: Mock is required"))
	}
	if c.Issuer == "" {
		errs = append(errs, errors.New("mock: Issuer is required"))
	}
	if c.Key != nil && c.Key.N.BitLen() < minRSA {
		errs = append(errs, fmt.Errorf("mock: Key has less than %d bits", minRSA))
	}
	if c.Schema != DefaultSchema && c.Schema != SignupSchema {
		errs = append(errs, errors.New("mock: there is no such Schema"))
	}
	if c.UISpec != nil && !json.Valid(c.UISpec) {
		errs = append(errs, errors.New("mock: UISpec is not JSON"))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	if c.Key == nil {
		var err error
		if c.Key, err = rsa.GenerateKey(rand.Reader, minRSA); err != nil {
			return nil, fmt.Errorf("mock: %w", err)
		}
	}
	signer, err := newSigner(c.Key, c.Mock.now())
	if err != nil {
		return nil, err
	}
	a := &api{
		Mock: c.Mock, config: c, signer: signer, partners: make(map[partner]jose.JSONWebKey),
		codes:  store.Bucket[bool]{Store: c.Mock.store, Name: "mock-code", Now: c.Mock.now},
		logins: store.Bucket[kycLogin]{Store: c.Mock.store, Name: "mock-login", Now: c.Mock.now},
	}
	return a.routes(), nil
}

// endpoint answers a request whose body was read with the response that belongs into an envelope. Its errors are of type
// problems.
type endpoint func(r *http.Request, body []byte) (any, error)

func (a *api) routes() http.Handler {
	mux := http.NewServeMux()
	for _, route := range []struct {
		method, path, rest string
		endpoint           endpoint
	}{
		{"POST", "/identity", "", a.createIdentity},
		{"PUT", "/identity", "", a.updateIdentity},
		{"GET", "/identity", "/{id}", a.readIdentity},
		{"GET", "/identity/ui-spec", "", a.uiSpec},
		{"GET", "/identity/identity-schema", "", a.identitySchema},
		{"POST", "/identity/add-verified-claim", "", a.addVerifiedClaim},
		{"POST", "/partner", "", a.addPartner},
		{"POST", "/send-otp", "/{rp}/{client}", a.sendOTP},
		{"POST", "/kyc-auth", "/{rp}/{client}", a.kycAuth(false)},
		{"POST", "/v2/kyc-auth", "/{rp}/{client}", a.kycAuth(true)},
		{"POST", "/kyc-exchange", "/{rp}/{client}", a.kycExchange(1)},
		{"POST", "/v2/kyc-exchange", "/{rp}/{client}", a.kycExchange(2)},
		{"POST", "/v3/kyc-exchange", "/{rp}/{client}", a.kycExchange(3)},
		{"GET", "/keys.json", "", a.keys},
	} {
		mux.Handle(route.method+" "+BasePath+route.path+route.rest, a.handler(Calling(route.path), route.endpoint))
	}
	return mux
}

// envelope is around every answer.
type envelope struct {
	ResponseTime string  `json:"responseTime"`
	Response     any     `json:"response"`
	Errors       []issue `json:"errors"`
}

// issue is an error as the API tells it.
type issue struct {
	Code    string `json:"errorCode"`
	Message string `json:"message"`
}

// problems are all that is wrong with a request.
type problems []issue

// Error lists the codes.
func (p problems) Error() string {
	codes := make([]string, len(p))
	for i := range p {
		codes[i] = p[i].Code
	}
	return "mock: " + strings.Join(codes, ", ")
}

// The codes that more than one endpoint has.
const (
	unknownError         = "unknown_error"
	invalidRequest       = "invalid_request"
	invalidIndividualID  = "invalid_individual_id"
	invalidTransactionID = "invalid_transaction_id"
)

func problem(code string) problems { return problems{{Code: code, Message: code}} }

// add notes that a field is wrong.
func (p *problems) add(path, code string) {
	*p = append(*p, issue{Code: code, Message: path + ": " + code})
}

// require notes a text that is blank.
func (p *problems) require(text, path, code string) {
	if strings.TrimSpace(text) == "" {
		p.add(path, code)
	}
}

// err is nil if there are no problems.
func (p problems) err() error {
	if len(p) == 0 {
		return nil
	}
	return p
}

func (a *api) handler(o Operation, e endpoint) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		nonsense, err := a.faults.happen(r.Context(), o)
		switch {
		case err != nil:
			a.answer(w, http.StatusInternalServerError, nil, err)
			return
		case nonsense:
			io.WriteString(w, "<html>")
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		if err != nil {
			a.answer(w, http.StatusRequestEntityTooLarge, nil, err)
			return
		}
		response, err := e(r, body)
		a.answer(w, http.StatusOK, response, err)
	})
}

// answer writes the response, or the error instead. One that is not problems is told as little as possible about.
func (a *api) answer(w http.ResponseWriter, status int, response any, err error) {
	answer := envelope{ResponseTime: a.now().UTC().Format(timeFormat), Response: response, Errors: []issue{}}
	if err != nil {
		answer.Response, answer.Errors = nil, problem(unknownError)
		if told, ok := errors.AsType[problems](err); ok {
			answer.Errors = told
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(answer) // whoever asked may have gone
}

// decode reads a body that has nothing around it.
func decode(body []byte, into any) error {
	if err := json.Unmarshal(body, into); err != nil || slices.Equal(body, []byte("null")) {
		return problems{{Code: unknownError, Message: "the request is not the JSON that is expected"}}
	}
	return nil
}

// unwrap reads a body with an envelope, whose own problems it returns.
func unwrap[T any](a *api, body []byte) (request *T, found problems, err error) {
	var wrapped struct {
		RequestTime string `json:"requestTime"`
		Request     *T     `json:"request"`
	}
	if err := decode(body, &wrapped); err != nil {
		return nil, nil, err
	}
	at, err := time.Parse(timeFormat, wrapped.RequestTime)
	if err != nil || a.now().Sub(at).Abs() > maxSkew {
		found.add("requestTime", invalidRequest)
	}
	if wrapped.Request == nil {
		found.add("request", invalidRequest)
		return nil, nil, found
	}
	return wrapped.Request, found, nil
}
