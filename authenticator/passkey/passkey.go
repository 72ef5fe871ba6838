// Package passkey lets people log in with passkeys: discoverable credentials of [Web Authentication].
//
// A [Method] registers passkeys for people who proved who they are in another way, verifies them later, and lists and
// removes them for a page on which people look after their own. It belongs to the provider, not to the identity system:
// what it remembers of a person is the [authenticator.Identity] of the login in which the passkey was registered, and
// [authenticator.Recaller] turns that into the one of today.
//
// What an operator can rely on:
//
//   - A login starts without a name: there is nothing to ask that would tell who is registered, and the answer alone says
//     who the person is. An identifier in the request is not looked at.
//   - An answer counts for the configured origins and RP ID, for the challenge it was made for, and never from within
//     another site's frame. The person was present and, unless configured otherwise, unlocked the device.
//   - Of two devices with the same signature counter one is refused ([ErrCloned]), on whichever instances they log in.
//     Devices whose counter stays at zero, as that of most passkeys does which are synchronised, are not told apart.
//   - Nobody is asked which make their device is: attestation is not requested, and one that comes is dropped unread.
//   - The ledger tells nothing. A record's name is a keyed hash of the credential's ID, its owner one of the person; the
//     rest is encrypted with AES-256-GCM under a key of its own, derived from [Config.Secret]. What a device stores under
//     the name of the user is a third keyed hash.
//
// The record holds the credential as the library go-webauthn writes it, and later versions keep reading what this one
// wrote.
//
// Each new signature counter is a new version of the record, and so is the first login on a day. A ledger keeps the
// versions before until the passkey is removed.
//
// [Web Authentication]: https://www.w3.org/TR/webauthn-3/
package passkey

import (
	"errors"
	"fmt"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/store"
)

var (
	// ErrCloned is the cause of the refusal of a passkey whose signature counter did not grow: another device has the same
	// key, or a login was replayed. It is worth an alarm; the person should remove the passkey.
	ErrCloned = errors.New("passkey: the signature counter did not grow")
	// ErrTooMany is the cause of the refusal, as Unsupported, to register more passkeys than [Config.MaxPerPerson].
	ErrTooMany = errors.New("passkey: the person has as many passkeys as allowed")
	// ErrUnknown says that the person has no such passkey.
	ErrUnknown = errors.New("passkey: the person has no such passkey")
)

// Method verifies and registers passkeys. It is safe for concurrent use.
type Method struct {
	config   Config
	webauthn *webauthn.WebAuthn
	records  store.Collection[record]
	keys     *keys
	now      func() time.Time
}

var (
	_ authenticator.Method     = (*Method)(nil)
	_ authenticator.Challenger = (*Method)(nil)
	_ authenticator.Enroller   = (*Method)(nil)
)

// New returns a Method, or everything that is wrong with the configuration.
func New(c Config) (*Method, error) {
	c.setDefaults()
	if err := c.validate(); err != nil {
		return nil, err
	}
	keys, err := newKeys(c.Secret)
	if err != nil {
		return nil, err
	}
	timeout := webauthn.TimeoutConfig{Timeout: c.Timeout, TimeoutUVD: c.Timeout} // enforced by our own clock
	required := true
	w, err := webauthn.New(&webauthn.Config{
		RPID:                  c.RPID,
		RPDisplayName:         c.DisplayName,
		RPOrigins:             c.Origins,
		AttestationPreference: protocol.PreferNoAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			ResidentKey:        protocol.ResidentKeyRequirementRequired,
			RequireResidentKey: &required,
			UserVerification:   protocol.UserVerificationRequirement(c.UserVerification),
		},
		Timeouts: webauthn.TimeoutsConfig{Login: timeout, Registration: timeout},
		// Some password managers answer what nobody asked. None of it is used.
		ExtensionsUnsolicitedOutputPolicy: protocol.UnsolicitedOutputPolicyIgnore,
	})
	if err != nil {
		return nil, fmt.Errorf("passkey: %w", err)
	}
	return &Method{
		config: c, webauthn: w, keys: keys, now: c.Now,
		records: store.Collection[record]{Ledger: c.Ledger, Name: "passkeys"},
	}, nil
}

// Factors returns Passkey.
func (m *Method) Factors() []authenticator.Factor {
	return []authenticator.Factor{authenticator.Passkey}
}

// Enrollable returns Passkey.
func (m *Method) Enrollable() []authenticator.Factor { return m.Factors() }

func fail(reason authenticator.Reason, cause error) *authenticator.Error {
	return &authenticator.Error{Reason: reason, Err: cause}
}

// refusal makes WrongCredentials of an error of the library. Its details go to the log; what it has for debugging, such as
// the challenge, does not.
func refusal(err error) error {
	var e *protocol.Error
	if errors.As(err, &e) {
		return fail(authenticator.WrongCredentials, errors.New("passkey: "+e.Details))
	}
	return fail(authenticator.WrongCredentials, errors.New("passkey: malformed response"))
}

// unavailable passes on our own errors and makes Unavailable of those of the ledger.
func unavailable(err error) error {
	var e *authenticator.Error
	if err == nil || errors.As(err, &e) {
		return err
	}
	return fail(authenticator.Unavailable, fmt.Errorf("passkey: %w", err))
}
