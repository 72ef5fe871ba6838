package passkey

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/gosignet/signet/authenticator"
)

// maxResponse bounds what a device answers, in bytes.
const maxResponse = 16 << 10

var (
	errNoChallenge = errors.New("passkey: there is no challenge that could be answered")
	errLate        = errors.New("passkey: the challenge is too old")
	errTooLong     = errors.New("passkey: the response is too long")
)

// ceremony is what is kept from the challenge to the answer, as the State of a Device.
type ceremony struct {
	Session   webauthn.SessionData `json:"session"`
	ExpiresAt time.Time            `json:"expires_at"`
}

// user is a person as the library wants them.
type user struct {
	handle      []byte
	name        string
	credentials []webauthn.Credential
}

func (u *user) WebAuthnID() []byte                         { return u.handle }
func (u *user) WebAuthnName() string                       { return u.name }
func (u *user) WebAuthnDisplayName() string                { return u.name }
func (u *user) WebAuthnCredentials() []webauthn.Credential { return u.credentials }

// device begins a ceremony: options are those of navigator.credentials.get or create, in the JSON form of Web
// Authentication Level 3.
func (m *Method) device(options any, session *webauthn.SessionData) (*authenticator.Device, error) {
	forPage, err := json.Marshal(options)
	if err != nil {
		return nil, fmt.Errorf("passkey: encoding options: %w", err)
	}
	state, err := json.Marshal(&ceremony{Session: *session, ExpiresAt: m.now().Add(m.config.Timeout)})
	if err != nil {
		return nil, fmt.Errorf("passkey: encoding a challenge: %w", err)
	}
	return &authenticator.Device{Options: forPage, State: state}, nil
}

// resume returns what an answer is to be verified against.
func (m *Method) resume(state []byte, response string) (webauthn.SessionData, error) {
	var c ceremony
	if len(state) == 0 || json.Unmarshal(state, &c) != nil {
		return c.Session, fail(authenticator.WrongCredentials, errNoChallenge)
	}
	if !m.now().Before(c.ExpiresAt) {
		return c.Session, fail(authenticator.WrongCredentials, errLate)
	}
	if len(response) > maxResponse {
		return c.Session, fail(authenticator.WrongCredentials, errTooLong)
	}
	return c.Session, nil
}
