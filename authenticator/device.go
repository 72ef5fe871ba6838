package authenticator

import (
	"context"
	"encoding/json"
)

// Challenger is a [Method] some of whose factors are proved by a device that has to be given something to answer, such as
// the challenge of a passkey.
type Challenger interface {
	// Challenge returns what the device is to answer. It is an *[Error] with the reason Unsupported for a factor whose
	// device needs nothing. For an unknown person it answers as for a known one.
	Challenge(ctx context.Context, r *DeviceRequest) (*Device, error)
}

// Enroller is a [Method] with which a person who proved who they are can register a device for some factors.
type Enroller interface {
	// Enrollable names the factors, out of those of the Method. It is asked once, at start-up.
	Enrollable() []Factor
	// BeginEnrollment returns what the person's device is to make a credential from.
	BeginEnrollment(ctx context.Context, r *EnrollmentRequest) (*Device, error)
	// FinishEnrollment registers the credential that the device made. WrongCredentials says that it is not what was asked
	// for.
	FinishEnrollment(ctx context.Context, r *EnrollmentRequest) error
}

// Device is what a page gives to a person's device.
type Device struct {
	// Options is a JSON value for the script on the page: the options of navigator.credentials.get, say.
	Options json.RawMessage
	// State comes back with the answer: the challenge, say. At most 4 KiB. It is kept encrypted, for this login only.
	State []byte
}

// DeviceRequest asks for what a device is to answer.
type DeviceRequest struct {
	Transaction string
	ClientID    string
	Factor      Factor
	// Identifier is who the person says they are. It is empty as long as nobody said anything.
	Identifier Identifier
	// ACRs are the authentication contexts that the login may end in, in order of preference.
	ACRs    []string
	Locales []string
}

// EnrollmentRequest asks to register a device.
type EnrollmentRequest struct {
	Transaction string
	ClientID    string
	Factor      Factor
	// Identity is who the person proved to be, in this very login.
	Identity Identity
	// Account is what to call the person towards themselves: part of what they typed.
	Account string
	Locales []string
	// State and Response, when the enrollment is finished, are those of the Device and what it made.
	State    []byte
	Response string
}
