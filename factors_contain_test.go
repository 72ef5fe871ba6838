package signet_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet"
	"github.com/gosignet/signet/audit"
	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/login"
)

// An identity system that breaks its contract when a person answers: the person sees what helps, the operator gets one line
// that names nobody and an event, and the next login works.
func TestBrokenAuthenticatorIsContained(t *testing.T) {
	t.Parallel()
	hung := make(chan struct{})
	t.Cleanup(func() { close(hung) })
	leak := func(r *authenticator.Request) string { return r.Identifier.Value + " said " + r.Challenges[0].Response }
	type authenticate = func(context.Context, *authenticator.Request) (*authenticator.Identity, error)
	identity := func(i *authenticator.Identity, err error) authenticate {
		return func(context.Context, *authenticator.Request) (*authenticator.Identity, error) { return i, err }
	}
	for name, test := range map[string]struct {
		does authenticate
		log  string
	}{
		"hangs, and does not heed its context": {func(context.Context, *authenticator.Request) (*authenticator.Identity, error) {
			<-hung
			return nil, nil
		}, "authenticator did not answer in time"},
		"panics with what the person typed": {func(_ context.Context, r *authenticator.Request) (*authenticator.Identity, error) {
			panic(leak(r))
		}, "authenticator panicked"},
		"panics with an error": {func(_ context.Context, r *authenticator.Request) (*authenticator.Identity, error) {
			panic(errors.New(leak(r)))
		}, "authenticator panicked"},
		"ends its goroutine": {func(context.Context, *authenticator.Request) (*authenticator.Identity, error) {
			runtime.Goexit()
			return nil, nil
		}, "authenticator broke its contract"},
		"returns neither": {identity(nil, nil), "authenticator broke its contract"},
		"returns nobody":  {identity(&authenticator.Identity{}, nil), "authenticator broke its contract"},
		"returns a subject that is no text": {
			identity(&authenticator.Identity{Subject: "\xff" + alice}, nil), "authenticator broke its contract",
		},
		"returns a subject without end": {
			identity(&authenticator.Identity{Subject: strings.Repeat(alice, 100)}, nil), "authenticator broke its contract",
		},
		"returns a state without end": {
			identity(&authenticator.Identity{Subject: alice, State: make([]byte, 9<<10)}, nil), "authenticator broke its contract",
		},
		"returns an error with what the person typed": {func(_ context.Context, r *authenticator.Request) (*authenticator.Identity, error) {
			return nil, errors.New(leak(r))
		}, "authenticator failed"},
		"returns a reason of its own": {
			identity(nil, &authenticator.Error{Reason: authenticator.Reason("not open for " + alice)}),
			"authenticator gave a reason that does not exist",
		},
		"is not there": {identity(nil, &authenticator.Error{Reason: authenticator.Unavailable}), "authenticator unavailable"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newFactorsWorld(t, func(c *signet.Config) {
				if strings.HasPrefix(name, "hangs") {
					c.AuthenticatorTimeout = 3 * time.Second
				}
			})
			person := w.from("192.0.2.1")
			page := person.begin(authenticator.Password)
			w.system.set(test.does, nil)
			page = person.submit(page, "/verify/pwd", "identifier", alice, "response", "my secret phrase")

			assert.Equal(t, http.StatusServiceUnavailable, page.status)
			assert.Equal(t, "verify/pwd", page.page(), "the person can try again where they are")
			assert.Equal(t, unavailableText, page.banner())
			w.requireOneLine(test.log)
			events := w.trail.of(audit.AuthenticationAttempted)
			require.Len(t, events, 1)
			assert.Equal(t, audit.Failed, events[0].Outcome)
			assert.Equal(t, "unavailable", events[0].Reason)
			assert.Equal(t, []string{"pwd"}, events[0].Factors)
			assert.Empty(t, events[0].Subject)

			w.system.set(nil, nil)
			assert.Equal(t, []string{"pwd"}, w.from("192.0.2.2").logIn(alice).AMR, "the next login works")
			page = person.submit(page, "/verify/pwd", "identifier", alice, "response", password)
			assert.Equal(t, "consent", page.page(), "and so does the same one")
		})
	}
}

// requireOneLine makes sure that there is one line in the log, which has the message and says nothing of the person.
func (w *factorsWorld) requireOneLine(message string) {
	w.Helper()
	lines := w.logs.all()
	require.Len(w, lines, 1, "%s", lines)
	var line struct{ Msg, Transaction string }
	require.NoError(w, json.Unmarshal([]byte(lines[0]), &line))
	assert.Equal(w, message, line.Msg)
	assert.Len(w, line.Transaction, 22, "which ties it to the audit trail")
	for _, personal := range []string{alice, bob, "my secret", " said "} {
		assert.NotContains(w, lines[0], personal)
	}
}

func TestBrokenSenderOfCodesIsContained(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		does func(context.Context, *authenticator.CodeRequest) (*authenticator.CodeReceipt, error)
		log  string
	}{
		"panics": {func(_ context.Context, r *authenticator.CodeRequest) (*authenticator.CodeReceipt, error) {
			panic(r.Identifier.Value)
		}, "authenticator panicked"},
		"fails": {func(_ context.Context, r *authenticator.CodeRequest) (*authenticator.CodeReceipt, error) {
			return nil, fmt.Errorf("no route to %s", r.Identifier.Value)
		}, "authenticator failed"},
		"returns neither": {func(context.Context, *authenticator.CodeRequest) (*authenticator.CodeReceipt, error) {
			return nil, nil
		}, "authenticator broke its contract"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newFactorsWorld(t)
			person := w.from("192.0.2.1")
			page := person.begin(authenticator.OTP)
			w.system.set(nil, test.does)
			page = person.submit(page, "/identify/otp", "identifier", alice, "channel", "phone")
			assert.Equal(t, "identify/otp", page.page())
			assert.Equal(t, unavailableText, page.banner())
			w.requireOneLine(test.log)
			events := w.trail.of(audit.CodeSent)
			require.Len(t, events, 1)
			assert.Equal(t, audit.Failed, events[0].Outcome)

			w.system.set(nil, nil)
			page = person.submit(page, "/identify/otp", "identifier", alice, "channel", "phone")
			assert.Equal(t, "verify/otp", page.page())
		})
	}
}

// The system says that the password is Alice's and the code, which goes with the same number, is Bob's.
func TestAuthenticatorThatLiesAboutItsSubjectIsContained(t *testing.T) {
	t.Parallel()
	w := newFactorsWorld(t)
	person := w.from("192.0.2.1")
	page := person.begin(authenticator.Password, authenticator.OTP)
	page = person.submit(page, "/verify/pwd", "identifier", alice, "response", password)
	page = person.submit(page, "/identify/otp", "identifier", alice, "channel", "phone")
	w.system.set(func(context.Context, *authenticator.Request) (*authenticator.Identity, error) {
		return &authenticator.Identity{Subject: bob}, nil
	}, nil)
	page = person.submit(page, "/verify/otp", "response", "111111")
	assert.Equal(t, "verify/otp", page.page())
	assert.Equal(t, "This code is not right. Use the code of the newest message.", page.banner())
	w.requireOneLine("two factors of a login belong to different people")
	events := w.trail.of(audit.AuthenticationAttempted)
	require.Len(t, events, 2)
	assert.Equal(t, audit.Refused, events[1].Outcome)
	assert.Empty(t, w.trail.of(audit.Authenticated))

	w.system.set(nil, nil)
	assert.Equal(t, []string{"pwd"}, w.from("192.0.2.2").logIn(alice).AMR)
	page = person.submit(page, "/verify/otp", "response", "111111")
	assert.Equal(t, "consent", page.page())
}

// A session is one person's. A system that says so of somebody else in a later login gives them nothing of it.
func TestStepUpOfASessionIsOfTheSamePerson(t *testing.T) {
	t.Parallel()
	w := newFactorsWorld(t, func(c *signet.Config) { c.Sessions = login.Sessions{Idle: time.Hour} })
	person := w.from("192.0.2.1")
	person.logIn(alice)
	page := person.begin(authenticator.Password, authenticator.OTP)
	require.Equal(t, "identify/otp", page.page(), "the password is proved")
	page = person.submit(page, "/identify/otp", "identifier", bob, "channel", "phone")
	page = person.submit(page, "/verify/otp", "response", "111111")
	assert.Contains(t, page.banner(), "This is another person than the one who is logged in.")
	assert.Equal(t, "verify/otp", page.page())
}
