package passkey_test

import (
	"bytes"
	"context"
	"encoding/json"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/passkey"
	"github.com/gosignet/signet/store"
	"github.com/gosignet/signet/store/memory"
)

const (
	origin = "https://id.example"
	rpID   = "id.example"
)

var (
	grace  = authenticator.Identity{Subject: "grace-1", State: []byte("kyc-grace")}
	amelie = authenticator.Identity{Subject: "amelie-2"}
)

// people is the identity system: it recalls whom it is asked for, with a new State, or what the test says.
type people struct {
	mu    sync.Mutex
	asked []authenticator.Identity

	answer *authenticator.Identity
	err    error
}

func (p *people) Recall(_ context.Context, earlier *authenticator.Identity) (*authenticator.Identity, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = append(p.asked, *earlier)
	if p.answer != nil || p.err != nil {
		return p.answer, p.err
	}
	return &authenticator.Identity{Subject: earlier.Subject, State: []byte("today")}, nil
}

type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// world is a Method with what it stands on.
type world struct {
	testing.TB
	*passkey.Method

	config passkey.Config
	people *people
	clock  *clock
	ledger store.Ledger
}

func newWorld(t testing.TB, change ...func(*passkey.Config)) *world {
	t.Helper()
	w := &world{TB: t, people: new(people), clock: &clock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}}
	ledger, err := memory.New(memory.Config{Now: w.clock.Now})
	require.NoError(t, err)
	w.config = passkey.Config{
		RPID: rpID, Origins: []string{origin}, DisplayName: "Example ID",
		Ledger: ledger, Identities: w.people, Secret: bytes.Repeat([]byte{7}, 32), Now: w.clock.Now,
	}
	for _, f := range change {
		f(&w.config)
	}
	w.ledger = w.config.Ledger
	w.Method, err = passkey.New(w.config)
	require.NoError(t, err)
	return w
}

func (w *world) enrollment(id authenticator.Identity) *authenticator.EnrollmentRequest {
	return &authenticator.EnrollmentRequest{
		Transaction: "1", ClientID: "portal", Factor: authenticator.Passkey, Identity: id, Account: "••• 356",
	}
}

// begin begins an enrollment and returns the request that is to finish it.
func (w *world) begin(id authenticator.Identity) (*authenticator.EnrollmentRequest, json.RawMessage) {
	w.Helper()
	r := w.enrollment(id)
	begun, err := w.BeginEnrollment(w.Context(), r)
	require.NoError(w, err)
	r.State = begun.State
	return r, begun.Options
}

func (w *world) enroll(id authenticator.Identity, d *device) error {
	w.Helper()
	r, options := w.begin(id)
	r.Response = d.create(options)
	return w.FinishEnrollment(w.Context(), r)
}

// enrolled returns a device with a passkey of the person.
func (w *world) enrolled(id authenticator.Identity) *device {
	w.Helper()
	d := newDevice(w, "ES256")
	require.NoError(w, w.enroll(id, d))
	d.counter++
	return d
}

func (w *world) challenge() *authenticator.Device {
	w.Helper()
	c, err := w.Challenge(w.Context(), &authenticator.DeviceRequest{Transaction: "2", ClientID: "portal", Factor: authenticator.Passkey})
	require.NoError(w, err)
	return c
}

func (w *world) answer(state []byte, response string) (*authenticator.Identity, error) {
	return w.Authenticate(w.Context(), &authenticator.Request{
		Transaction: "2", ClientID: "portal",
		Challenges: []authenticator.Challenge{{Factor: authenticator.Passkey, Response: response, State: state}},
	})
}

// login is a whole login with the device.
func (w *world) login(d *device) (*authenticator.Identity, error) {
	w.Helper()
	c := w.challenge()
	return w.answer(c.State, d.get(c.Options))
}

// refused requires an error with the reason, and returns its text for the log.
func refused(t testing.TB, err error, reason authenticator.Reason) string {
	t.Helper()
	var failure *authenticator.Error
	require.ErrorAs(t, err, &failure)
	assert.Equal(t, reason, failure.Reason, "%v", err)
	return failure.Error()
}
