package login_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/login"
)

const (
	acrPasskey  = "urn:example:passkey"
	acrFace     = "urn:example:face"
	acrCard     = "urn:example:card"
	acrTwoSteps = "urn:example:passkey-and-code"

	// card is a factor of one country's own.
	card authenticator.Factor = "card"
)

// devices is a Method: passkeys and faces are answered by devices that were given something to sign, cards by such that
// need nothing. Passkeys can be registered.
type devices struct {
	// challenge, begin and finish, where they are set, do the work instead; wait comes before each answer is looked at.
	challenge func(context.Context, *authenticator.DeviceRequest) (*authenticator.Device, error)
	begin     func(context.Context, *authenticator.EnrollmentRequest) (*authenticator.Device, error)
	finish    func(context.Context, *authenticator.EnrollmentRequest) error
	wait      func()

	mu         sync.Mutex
	challenges []authenticator.DeviceRequest
	requests   []authenticator.Request
	begun      []authenticator.EnrollmentRequest
	finished   []authenticator.EnrollmentRequest
}

func (d *devices) Factors() []authenticator.Factor {
	return []authenticator.Factor{authenticator.Passkey, authenticator.Biometrics, card}
}

func (d *devices) Enrollable() []authenticator.Factor {
	return []authenticator.Factor{authenticator.Passkey}
}

func (d *devices) Challenge(ctx context.Context, r *authenticator.DeviceRequest) (*authenticator.Device, error) {
	d.mu.Lock()
	d.challenges = append(d.challenges, *r)
	n := len(d.challenges)
	d.mu.Unlock()
	switch {
	case d.challenge != nil:
		return d.challenge(ctx, r)
	case r.Factor == card:
		return nil, &authenticator.Error{Reason: authenticator.Unsupported}
	}
	return given(n), nil
}

// given is the n-th thing that a device is given.
func given(n int) *authenticator.Device {
	return &authenticator.Device{
		Options: json.RawMessage(fmt.Sprintf(`{"challenge":"%d"}`, n)), State: fmt.Appendf(nil, "expecting %d.", n),
	}
}

// signed is how the person's device answers to what it was given.
func signed(options json.RawMessage, id authenticator.Identifier, f authenticator.Factor) authenticator.Challenge {
	var o struct{ Challenge string }
	if err := json.Unmarshal(options, &o); err != nil {
		return authenticator.Challenge{Factor: f, Response: "no options"}
	}
	return authenticator.Challenge{Factor: f, Response: id.Value + " signs expecting " + o.Challenge + "."}
}

func (d *devices) Authenticate(_ context.Context, r *authenticator.Request) (*authenticator.Identity, error) {
	d.mu.Lock()
	d.requests = append(d.requests, *r)
	d.mu.Unlock()
	if d.wait != nil {
		d.wait()
	}
	c := r.Challenges[0]
	person, state, _ := strings.Cut(c.Response, " signs ")
	if c.Factor == card {
		person, state = r.Identifier.Value, string(c.State)
		if c.Response != right(r.Identifier, card).Response {
			return nil, &authenticator.Error{Reason: authenticator.WrongCredentials}
		}
	}
	if state != string(c.State) || r.Identifier.Value != "" && r.Identifier.Value != person {
		return nil, &authenticator.Error{Reason: authenticator.WrongCredentials}
	}
	return &authenticator.Identity{Subject: "person " + person}, nil
}

func (d *devices) BeginEnrollment(ctx context.Context, r *authenticator.EnrollmentRequest) (*authenticator.Device, error) {
	d.mu.Lock()
	d.begun = append(d.begun, *r)
	n := len(d.begun)
	d.mu.Unlock()
	if d.begin != nil {
		return d.begin(ctx, r)
	}
	return given(n), nil
}

func (d *devices) FinishEnrollment(ctx context.Context, r *authenticator.EnrollmentRequest) error {
	d.mu.Lock()
	d.finished = append(d.finished, *r)
	d.mu.Unlock()
	if d.finish != nil {
		return d.finish(ctx, r)
	}
	if !strings.HasSuffix(r.Response, " signs "+string(r.State)) {
		return &authenticator.Error{Reason: authenticator.WrongCredentials}
	}
	return nil
}

// registered is how many credentials were offered for registration.
func (d *devices) registered() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.finished)
}

// newDeviceWorld is a world with devices. A passkey may be registered by whoever logged in with a code.
func newDeviceWorld(t testing.TB, config ...func(*login.Config)) (*world, *devices) {
	t.Helper()
	d := &devices{}
	config = append([]func(*login.Config){func(c *login.Config) {
		c.Methods = []authenticator.Method{d}
		c.ACRs = append(slices.Clip(c.ACRs),
			authenticator.ACR{Value: acrPasskey, Alternatives: []authenticator.FactorSet{{authenticator.Passkey}}},
			authenticator.ACR{Value: acrFace, Alternatives: []authenticator.FactorSet{{authenticator.Biometrics}}},
			authenticator.ACR{Value: acrCard, Alternatives: []authenticator.FactorSet{{card}}},
			authenticator.ACR{Value: acrTwoSteps, Alternatives: []authenticator.FactorSet{{authenticator.Passkey, authenticator.OTP}}},
		)
		c.EnrollmentACRs = []string{acrCode}
	}}, config...)
	return newWorld(t, config...), d
}

// given is what the person's device is given for the factor.
func (w *world) given(handle string, f authenticator.Factor) json.RawMessage {
	w.Helper()
	options, err := w.Challenge(w.Context(), handle, f)
	if err != nil {
		w.Fatal("no challenge: ", err)
	}
	return options
}
