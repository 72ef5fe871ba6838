package remote

import (
	"encoding/base64"
	stdjson "encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
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

	pathCapabilities = "/v1/capabilities"
	pathAuthenticate = "/v1/authenticate"
	pathCodes        = "/v1/codes"
	pathClaims       = "/v1/claims"
	pathForms        = "/v1/forms/"
	pathOpenAPI      = "/v1/openapi.json"
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
	maxFields       = 32
	maxLabels       = 64
	maxLanguage     = 64
	maxLabel        = 512
	maxPattern      = 512
	maxFormat       = 32
	maxFieldLength  = 10_000
	maxClaims       = 256
)

// A challenge and the requests are those of the contract, with their names on the wire.
type (
	challenge struct {
		Factor   authenticator.Factor `json:"factor"`
		Response string               `json:"response"`
	}
	authenticateRequest struct {
		Transaction string                   `json:"transaction"`
		ClientID    string                   `json:"client_id"`
		Identifier  authenticator.Identifier `json:"identifier"`
		Challenges  []challenge              `json:"challenges"`
		Locales     []string                 `json:"locales,omitempty"`
	}
	identity struct {
		Subject string     `json:"subject"`
		State   base64Text `json:"state,omitempty"`
	}
	claimsRequest struct {
		Transaction string   `json:"transaction"`
		ClientID    string   `json:"client_id"`
		Identity    identity `json:"identity"`
		Names       []string `json:"names"`
		Locales     []string `json:"locales,omitempty"`
	}
	claims struct {
		Values map[string]stdjson.RawMessage `json:"values"`
	}
	codeRequest struct {
		Transaction string                   `json:"transaction"`
		ClientID    string                   `json:"client_id"`
		Identifier  authenticator.Identifier `json:"identifier"`
		Locales     []string                 `json:"locales,omitempty"`
	}
	codeReceipt struct {
		Destinations []string  `json:"destinations,omitempty"`
		Length       int       `json:"length,omitempty"`
		ExpiresAt    time.Time `json:"expires_at,omitzero"`
		ResendAfter  time.Time `json:"resend_after,omitzero"`
	}
	capabilities struct {
		// Versions are those of the protocol that the server speaks.
		Versions []int                  `json:"versions"`
		Factors  []authenticator.Factor `json:"factors"`
		Codes    bool                   `json:"codes"`
		Forms    []authenticator.Factor `json:"forms,omitempty"`
	}
	// problem is an error (RFC 9457).
	problem struct {
		Title   string               `json:"title"`
		Status  int                  `json:"status"`
		Reason  authenticator.Reason `json:"reason,omitempty"`
		RetryAt time.Time            `json:"retry_at,omitzero"`
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

// identityOf returns nil for nil, which no client believes.
func identityOf(i *authenticator.Identity) *identity {
	if i == nil {
		return nil
	}
	return &identity{Subject: i.Subject, State: i.State}
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
	switch {
	case err != nil:
		return nil, err
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

func parseClaims(data []byte) (*authenticator.Claims, error) {
	c, err := decode[claims](data)
	switch {
	case err != nil:
		return nil, err
	case c.Values == nil || len(c.Values) > maxClaims:
		return nil, errors.New("remote: the values of the claims are missing or too many")
	}
	return &authenticator.Claims{Values: c.Values}, nil
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

var (
	factorName = regexp.MustCompile(`^[a-z0-9_-]{1,32}$`)
	fieldName  = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
)

func parseCapabilities(data []byte) (*capabilities, error) {
	c, err := decode[capabilities](data)
	if err != nil {
		return nil, err
	}
	if len(c.Versions) > maxVersions || !slices.Contains(c.Versions, 1) {
		return nil, errors.New("remote: the server does not speak version 1")
	}
	return c, c.check()
}

// check is for both sides: neither can work with factors that are no names or contradict each other.
func (c *capabilities) check() error {
	if len(c.Factors) == 0 || len(c.Factors) > maxFactors || len(c.Forms) > maxFactors {
		return errors.New("remote: there are no factors, or too many")
	}
	var errs []error
	for i, f := range c.Factors {
		if !factorName.MatchString(string(f)) || slices.Contains(c.Factors[:i], f) {
			errs = append(errs, fmt.Errorf("remote: factor %d is no name, or there twice", i))
		}
	}
	for i, f := range c.Forms {
		if !slices.Contains(c.Factors, f) || slices.Contains(c.Forms[:i], f) {
			errs = append(errs, fmt.Errorf("remote: form %d is that of no factor, or there twice", i))
		}
	}
	if slices.Contains(c.Factors, authenticator.OTP) && !c.Codes {
		errs = append(errs, errors.New("remote: one-time codes are a factor, and cannot be sent"))
	}
	return errors.Join(errs...)
}

func parseForm(data []byte) (*authenticator.Form, error) {
	f, err := decode[authenticator.Form](data)
	if err != nil {
		return nil, err
	}
	if len(f.Fields) == 0 || len(f.Fields) > maxFields {
		return nil, errors.New("remote: the form has no fields, or too many")
	}
	fields := f.Fields
	if f.Identifier != nil {
		fields = append(slices.Clone(fields), *f.Identifier)
	}
	var errs []error
	for i, field := range fields {
		sameName := func(other authenticator.FormField) bool { return other.Name == field.Name }
		if !validField(field) || slices.ContainsFunc(fields[:i], sameName) {
			errs = append(errs, fmt.Errorf("remote: field %d of the form is not as the description demands, or there twice", i))
		}
	}
	return f, errors.Join(errs...)
}

func validField(f authenticator.FormField) bool {
	types := []authenticator.FieldType{"", authenticator.FieldText, authenticator.FieldDigits, authenticator.FieldDate}
	for language, label := range f.Labels {
		if language == "" || len(language) > maxLanguage || len(label) > maxLabel {
			return false
		}
	}
	if len(f.Pattern) > maxPattern {
		return false
	}
	_, err := regexp.Compile(f.Pattern)
	return err == nil && fieldName.MatchString(f.Name) && slices.Contains(types, f.Type) && len(f.Labels) <= maxLabels &&
		len(f.Format) <= maxFormat && f.MaxLength >= 0 && f.MaxLength <= maxFieldLength
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
		return &authenticator.Error{Reason: p.Reason, RetryAt: p.RetryAt}
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
