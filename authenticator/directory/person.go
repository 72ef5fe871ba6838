package directory

import (
	"context"
	"errors"

	"github.com/gosignet/signet/authenticator"
)

const maxSubjectBytes = 256

// ErrUnknown is what a Lookup returns for an identifier that names nobody.
var ErrUnknown = errors.New("directory: unknown person")

// Lookup finds a person by an identifier that passed [Config.Normalize]. It returns ErrUnknown when there is nobody;
// any other error means that the register does not work, and is logged, so it must not contain personal data.
//
// It is called concurrently, once when a code is asked for, once per authentication and once when claims are released.
// It should take the same time for known and unknown people, and treat different identifiers as different people: see
// [Config.Normalize]. The Person is not changed, and may be shared between calls.
type Lookup func(ctx context.Context, id authenticator.Identifier) (*Person, error)

// Person is what the register knows about somebody.
type Person struct {
	// Subject identifies the person forever, whatever they log in with. Required, at most 256 bytes. It is not given
	// to relying parties.
	Subject string
	// Contacts are addresses that reach the person: of each channel the first is used. A person without any cannot use
	// codes.
	Contacts []Contact
	// PasswordHash is a string as [HashPassword] returns it. Empty: the person cannot use a password.
	PasswordHash string
	// PINHash is a string as [HashPIN] returns it. Empty: the person cannot use a PIN.
	PINHash string
	// Answers are what the person knows, by the names of the fields of [Config.Form]: as the register writes it, dates in
	// the field's Format or as "yyyy-MM-dd". What is asked for in several languages may be there for each: "name#km", with
	// the language as the form has it. Somebody who lacks an answer that has to be given, or has an empty one, cannot use
	// knowledge.
	Answers map[string]string
	// Locked refuses the person, after right answers. It is for decisions of the register, not a brake on guessing.
	Locked bool
	// Claims are what can be released, by the registered names ("given_name"). A value is whatever encoding/json
	// encodes.
	Claims map[string]any
}

// Contact is an address that reaches a person.
type Contact struct {
	Channel Channel
	// Address is an e-mail address, or a telephone number, preferably in the form of E.164: "+85512000321".
	Address string
}

// Channel is a way to send messages. The set is open: any channel but Email has telephone numbers as addresses.
type Channel = authenticator.Channel

// The usual channels.
const (
	SMS   = authenticator.Phone
	Email = authenticator.Email
)
