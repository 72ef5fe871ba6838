package remote

import (
	"encoding/base64"
	stdjson "encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-jose/go-jose/v4/json"

	"github.com/gosignet/signet/authenticator"
)

// The version of the protocol, and what it is called over HTTP.
const (
	version       = "1"
	versionHeader = "Authenticator-Version"

	pathCapabilities  = "/v1/capabilities"
	pathAuthenticate  = "/v1/authenticate"
	pathCodes         = "/v1/codes"
	pathClaims        = "/v1/claims"
	pathForms         = "/v1/forms/"
	pathChallenges    = "/v1/challenges"
	pathRecall        = "/v1/recall"
	pathKeys          = "/v1/keys"
	pathBindings      = "/v1/key-bindings"
	pathVerifications = "/v1/verifications"
	pathOpenAPI       = "/v1/openapi.json"
)

// Bounds of what the server says; the description has the same.
const (
	maxSubject      = 256
	maxState        = 8 << 10
	maxDestinations = 8
	maxDestination  = 256
	maxCodeLength   = 32
	maxFactors      = 32
	maxVersions     = 32
	maxLanguage     = 64
	maxClaims       = 256
	maxVerified     = 32
	maxSources      = 16
	maxEndpoint     = 2 << 10
	maxAccessToken  = 8 << 10
	maxDeviceState  = 4 << 10
	maxResponse     = 4 << 20
	maxChannels     = 8
	maxACRs         = 32
	maxACR          = 256
	maxKeys         = 64
	maxKey          = 16 << 10
	maxHeader       = 32
	maxHeaderName   = 64
	maxHeaderValue  = 4 << 10
	maxCertificate  = 16 << 10
)

// A challenge and the requests are those of the contract, with their names on the wire.
type (
	challenge struct {
		Factor   authenticator.Factor `json:"factor"`
		Response string               `json:"response"`
		State    base64Text           `json:"state,omitempty"`
	}
	authenticateRequest struct {
		Transaction string                   `json:"transaction"`
		ClientID    string                   `json:"client_id"`
		Identifier  authenticator.Identifier `json:"identifier,omitzero"`
		Challenges  []challenge              `json:"challenges"`
		ACRs        []string                 `json:"acrs,omitempty"`
		Locales     []string                 `json:"locales,omitempty"`
	}
	identity struct {
		Subject string     `json:"subject"`
		State   base64Text `json:"state,omitempty"`
	}
	recallRequest struct {
		Identity identity `json:"identity"`
	}
	claimsRequest struct {
		Transaction string   `json:"transaction"`
		ClientID    string   `json:"client_id"`
		Identity    identity `json:"identity"`
		Names       []string `json:"names"`
		Verified    []string `json:"verified,omitempty"`
		Locales     []string `json:"locales,omitempty"`
	}
	codeRequest struct {
		Transaction string                   `json:"transaction"`
		ClientID    string                   `json:"client_id"`
		Identifier  authenticator.Identifier `json:"identifier"`
		Channels    []authenticator.Channel  `json:"channels,omitempty"`
		ACRs        []string                 `json:"acrs,omitempty"`
		Locales     []string                 `json:"locales,omitempty"`
	}
	codeReceipt struct {
		Destinations []string  `json:"destinations,omitempty"`
		Length       int       `json:"length,omitempty"`
		ExpiresAt    time.Time `json:"expires_at,omitzero"`
		ResendAfter  time.Time `json:"resend_after,omitzero"`
	}
	deviceRequest struct {
		Transaction string                   `json:"transaction"`
		ClientID    string                   `json:"client_id"`
		Factor      authenticator.Factor     `json:"factor"`
		Identifier  authenticator.Identifier `json:"identifier,omitzero"`
		ACRs        []string                 `json:"acrs,omitempty"`
		Locales     []string                 `json:"locales,omitempty"`
	}
	device struct {
		Options stdjson.RawMessage `json:"options"`
		State   base64Text         `json:"state,omitempty"`
	}
	bindingRequest struct {
		Authentication authenticateRequest  `json:"authentication"`
		Factor         authenticator.Factor `json:"factor"`
		Key            stdjson.RawMessage   `json:"key"`
		Header         map[string]string    `json:"header,omitempty"`
	}
	binding struct {
		Identity    identity   `json:"identity"`
		Certificate base64Text `json:"certificate,omitempty"`
	}
	// problem is an error (RFC 9457).
	problem struct {
		Title   string               `json:"title"`
		Status  int                  `json:"status"`
		Reason  authenticator.Reason `json:"reason,omitempty"`
		RetryAt time.Time            `json:"retry_at,omitzero"`
		Unasked bool                 `json:"unasked,omitempty"`
	}
)

// base64Text is bytes that stand in JSON as base64 with padding. A plain []byte would also be read from an array.
type base64Text []byte

// MarshalText encodes.
func (b base64Text) MarshalText() ([]byte, error) {
	return base64.StdEncoding.AppendEncode(nil, b), nil
}

// UnmarshalText decodes.
func (b *base64Text) UnmarshalText(text []byte) (err error) {
	*b, err = base64.StdEncoding.Strict().AppendDecode(nil, text)
	return err
}

func requestOf(r *authenticator.Request) authenticateRequest {
	req := authenticateRequest{
		Transaction: r.Transaction, ClientID: r.ClientID, Identifier: r.Identifier,
		Challenges: make([]challenge, len(r.Challenges)), ACRs: r.ACRs, Locales: r.Locales,
	}
	for i, answer := range r.Challenges {
		req.Challenges[i] = challenge{Factor: answer.Factor, Response: answer.Response, State: answer.State}
	}
	return req
}

// identityOf returns nil for nil, which no client believes.
func identityOf(i *authenticator.Identity) *identity {
	if i == nil {
		return nil
	}
	return &identity{Subject: i.Subject, State: i.State}
}

// fits reports whether it can be asked about.
func (i *identity) fits() bool {
	return i.Subject != "" && len(i.Subject) <= maxSubject && len(i.State) <= maxState
}

func (i *identity) contract() *authenticator.Identity {
	return &authenticator.Identity{Subject: i.Subject, State: i.State}
}

var errNonsense = errors.New("remote: not the JSON that the description demands")

// decode reads one JSON object. It is strict where readers differ: names are case-sensitive and must not be there twice,
// and text is UTF-8. The error quotes nothing.
func decode[T any](data []byte) (*T, error) {
	var v *T
	if !utf8.Valid(data) || !stdjson.Valid(data) || json.Unmarshal(data, &v) != nil || v == nil {
		return nil, errNonsense
	}
	return v, nil
}

func parseIdentity(data []byte) (*authenticator.Identity, error) {
	i, err := decode[identity](data)
	if err != nil {
		return nil, err
	}
	return i.believe()
}

// believe is what the server says of a person, unless it is out of bounds.
func (i *identity) believe() (*authenticator.Identity, error) {
	switch {
	case i.Subject == "" || len(i.Subject) > maxSubject:
		return nil, errors.New("remote: the subject is missing or too long")
	case strings.ContainsRune(i.Subject, utf8.RuneError):
		// It stands for what JSON could not carry, in which two people may differ.
		return nil, errors.New("remote: the subject is not text")
	case len(i.State) > maxState:
		return nil, errors.New("remote: the state is too long")
	}
	return i.contract(), nil
}

func parseBinding(data []byte) (*authenticator.KeyBinding, error) {
	b, err := decode[binding](data)
	if err != nil {
		return nil, err
	}
	if len(b.Certificate) > maxCertificate {
		return nil, errors.New("remote: the certificate is too long")
	}
	i, err := b.Identity.believe()
	if err != nil {
		return nil, err
	}
	return &authenticator.KeyBinding{Identity: *i, Certificate: b.Certificate}, nil
}

func parseReceipt(data []byte) (*authenticator.CodeReceipt, error) {
	r, err := decode[codeReceipt](data)
	tooLong := func(s string) bool { return len(s) > maxDestination }
	switch {
	case err != nil:
		return nil, err
	case len(r.Destinations) > maxDestinations || slices.ContainsFunc(r.Destinations, tooLong):
		return nil, errors.New("remote: the destinations of the code are too many or too long")
	case r.Length < 0 || r.Length > maxCodeLength:
		return nil, errors.New("remote: the length of the code is out of bounds")
	}
	return (*authenticator.CodeReceipt)(r), nil
}

func parseDevice(data []byte) (*authenticator.Device, error) {
	d, err := decode[device](data)
	switch {
	case err != nil:
		return nil, err
	case len(d.Options) == 0 || string(d.Options) == "null":
		return nil, errors.New("remote: the options of the device are missing")
	case len(d.State) > maxDeviceState:
		return nil, errors.New("remote: the state of the device is too long")
	}
	return &authenticator.Device{Options: d.Options, State: d.State}, nil
}

// parseProblem returns the reason that the server gives, or nil if it gives none that is known. Its texts are not read:
// they may quote anything.
func parseProblem(data []byte) *authenticator.Error {
	p, err := decode[problem](data)
	if err != nil {
		return nil
	}
	switch p.Reason {
	case authenticator.WrongCredentials, authenticator.CodeExpired, authenticator.TooSoon, authenticator.Locked,
		authenticator.Unsupported, authenticator.Unavailable:
		return &authenticator.Error{Reason: p.Reason, RetryAt: p.RetryAt, Unasked: p.Unasked && p.Reason == authenticator.Unavailable}
	}
	return nil
}

// statusOf is the HTTP status that goes with a reason. None is one that proxies answer by trying again, but for 503.
func statusOf(r authenticator.Reason) int {
	switch r {
	case authenticator.WrongCredentials, authenticator.CodeExpired, authenticator.Locked:
		return http.StatusForbidden
	case authenticator.TooSoon:
		return http.StatusTooManyRequests
	case authenticator.Unsupported:
		return http.StatusUnprocessableEntity
	}
	return http.StatusServiceUnavailable
}
