package login_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/store"
)

func TestFaultsOfTheAuthenticatorAreContained(t *testing.T) {
	t.Parallel()
	for name, authenticate := range map[string]func() (*authenticator.Identity, error){
		"panic":              func() (*authenticator.Identity, error) { panic("index of " + alice.Value) },
		"unknown error":      func() (*authenticator.Identity, error) { return nil, errors.New("no row for " + alice.Value) },
		"unknown reason":     func() (*authenticator.Identity, error) { return nil, &authenticator.Error{Reason: "odd"} },
		"nil error pointer":  func() (*authenticator.Identity, error) { return nil, (*authenticator.Error)(nil) },
		"no identity":        func() (*authenticator.Identity, error) { return nil, nil },
		"empty subject":      func() (*authenticator.Identity, error) { return &authenticator.Identity{}, nil },
		"subject not UTF-8":  func() (*authenticator.Identity, error) { return &authenticator.Identity{Subject: "a\xff"}, nil },
		"subject too long":   func() (*authenticator.Identity, error) { return identity(257, 0), nil },
		"state too long":     func() (*authenticator.Identity, error) { return identity(1, 8<<10+1), nil },
		"system unreachable": func() (*authenticator.Identity, error) { return nil, &authenticator.Error{Reason: "unavailable"} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			w := newWorld(t, func(c *login.Config) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
			w.people.authenticate = func(context.Context, *authenticator.Request) (*authenticator.Identity, error) {
				return authenticate()
			}
			handle := w.begin(acrPassword)
			s, err := w.Answer(t.Context(), handle, alice, right(alice, authenticator.Password))
			require.Equal(t, authenticator.Unavailable, reasonOf(t, err))
			require.Equal(t, login.StepVerify, s.Step)
			require.Equal(t, 4, s.AttemptsLeft, "a fault must not be a way to guess for ever")
			require.Contains(t, w.trail.lines(), "authentication_attempted failed unavailable")
			require.Contains(t, log.String(), login.ID(handle))
			require.NotContains(t, log.String(), alice.Value)
			require.NotContains(t, err.Error(), alice.Value)

			w.people.authenticate = nil
			w.ok(w.Answer(t.Context(), handle, alice, right(alice, authenticator.Password)))
		})
	}
}

// Who could bring it about that there is no verdict would guess for ever: only an answer at which nobody looked is not
// counted, by no limit.
func TestAnswerAtWhichNobodyLookedCostsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.people.authenticate = func(context.Context, *authenticator.Request) (*authenticator.Identity, error) {
		return nil, &authenticator.Error{Reason: authenticator.Unavailable, Unasked: true}
	}
	handle := w.begin(acrPassword)
	for range 30 {
		s, err := w.Answer(from(t, "192.0.2.1"), handle, alice, right(alice, authenticator.Password))
		require.Equal(t, authenticator.Unavailable, reasonOf(t, err))
		require.Equal(t, login.StepVerify, s.Step)
		require.Equal(t, 5, s.AttemptsLeft)
		require.Equal(t, alice, s.Identifier)
	}
	require.Contains(t, w.trail.lines(), "authentication_attempted failed unavailable")

	// Of another reason it means nothing.
	w.people.authenticate = func(context.Context, *authenticator.Request) (*authenticator.Identity, error) {
		return nil, &authenticator.Error{Reason: authenticator.WrongCredentials, Unasked: true}
	}
	s, err := w.Answer(t.Context(), handle, alice, wrong(authenticator.Password))
	require.Equal(t, authenticator.WrongCredentials, reasonOf(t, err))
	require.Equal(t, 4, s.AttemptsLeft)
	w.people.authenticate = nil
	w.ok(w.Answer(t.Context(), handle, alice, right(alice, authenticator.Password)))
}

func identity(subject, state int) *authenticator.Identity {
	return &authenticator.Identity{Subject: strings.Repeat("s", subject), State: make([]byte, state)}
}

func TestLargestIdentityFits(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.people.authenticate = func(context.Context, *authenticator.Request) (*authenticator.Identity, error) {
		return identity(256, 8<<10), nil
	}
	w.ok(w.Decide(t.Context(), w.atConsent(request("")), login.Decision{}))
}

func TestFaultsOfTheCodeSenderAreContained(t *testing.T) {
	t.Parallel()
	for name, send := range map[string]func() (*authenticator.CodeReceipt, error){
		"panic":            func() (*authenticator.CodeReceipt, error) { panic(errOutage) },
		"unknown error":    func() (*authenticator.CodeReceipt, error) { return nil, errOutage },
		"no receipt":       func() (*authenticator.CodeReceipt, error) { return nil, nil },
		"long destination": func() (*authenticator.CodeReceipt, error) { return receipt(strings.Repeat("d", 257)), nil },
		"many destinations": func() (*authenticator.CodeReceipt, error) {
			return receipt(strings.Split(strings.Repeat("d", 9), "")...), nil
		},
		"negative length": func() (*authenticator.CodeReceipt, error) { return &authenticator.CodeReceipt{Length: -1}, nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.people.send = func(context.Context, *authenticator.CodeRequest) (*authenticator.CodeReceipt, error) {
				return send()
			}
			s, err := w.SendCode(t.Context(), w.begin(acrCode), alice)
			require.Equal(t, authenticator.Unavailable, reasonOf(t, err))
			require.Equal(t, login.StepIdentify, s.Step)
			require.Contains(t, w.trail.lines(), "code_sent failed unavailable")
		})
	}
}

func receipt(destinations ...string) *authenticator.CodeReceipt {
	return &authenticator.CodeReceipt{Destinations: destinations}
}

// Invariant 12: an outage of the store at any moment fails closed, and the login goes on when it is over.
func TestOutageOfTheStoreNeverAdvancesTheLogin(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		at   func(*world) string
		call func(*world, string) (*login.State, error)
	}{
		"State": {
			func(w *world) string { return w.begin("") },
			func(w *world, h string) (*login.State, error) { return w.State(w.Context(), h) },
		},
		"Choose": {
			func(w *world) string { return w.begin("") },
			func(w *world, h string) (*login.State, error) { return w.Choose(w.Context(), h, 1) },
		},
		"Back": {
			func(w *world) string { h := w.begin(""); w.ok(w.Choose(w.Context(), h, 1)); return h },
			func(w *world, h string) (*login.State, error) { return w.Back(w.Context(), h, login.StepVerify) },
		},
		"SendCode": {
			func(w *world) string { return w.begin(acrCode) },
			func(w *world, h string) (*login.State, error) { return w.SendCode(w.Context(), h, alice) },
		},
		"Answer": {
			func(w *world) string { return w.begin(acrPassword) },
			func(w *world, h string) (*login.State, error) {
				return w.Answer(w.Context(), h, alice, right(alice, authenticator.Password))
			},
		},
		"Decide": {
			func(w *world) string { return w.atConsent(request("")) },
			func(w *world, h string) (*login.State, error) { return w.Decide(w.Context(), h, login.Decision{}) },
		},
		"Cancel": {
			func(w *world) string { return w.begin("") },
			func(w *world, h string) (*login.State, error) { return w.Cancel(w.Context(), h) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for calls := 0; ; calls++ {
				w := newWorld(t, func(c *login.Config) { c.MaxCodes = 20 })
				handle := test.at(w)
				before := w.ok(w.State(t.Context(), handle))
				w.store.cutAfter(calls)
				s, err := test.call(w, handle)
				w.store.cut(false)
				if err == nil {
					require.Positive(t, calls)
					return
				}
				require.ErrorIs(t, err, errOutage)
				require.Nil(t, s)
				after := w.ok(w.State(t.Context(), handle))
				require.Equal(t, before.Step, after.Step)
				require.Equal(t, before.Option, after.Option)
				require.Equal(t, before.Succeeded, after.Succeeded)
				w.ok(test.call(w, handle))
				require.Less(t, calls, 10, "it does not end")
			}
		})
	}
}

func TestCanceledContextNeverAdvancesTheLogin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for method := range calls(w, "") {
		handle := w.begin("")
		before := w.ok(w.State(t.Context(), handle))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		canceled := *w
		canceled.TB = inContext{t, ctx}
		s, err := calls(&canceled, handle)[method]()
		assert.ErrorIs(t, err, context.Canceled, method)
		assert.Nil(t, s, method)
		assert.Equal(t, before, w.ok(w.State(t.Context(), handle)), method)
	}
}

type inContext struct {
	testing.TB
	ctx context.Context
}

func (c inContext) Context() context.Context { return c.ctx }

// Who hangs up while the identity system decides learns nothing of the verdict, and does not get the attempt back.
func TestContextCanceledByTheIdentitySystem(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	handle := w.begin(acrPassword)
	ctx, cancel := context.WithCancel(t.Context())
	w.people.authenticate = func(ctx context.Context, _ *authenticator.Request) (*authenticator.Identity, error) {
		cancel()
		return nil, errors.Join(errors.New("hung up"), ctx.Err())
	}
	_, err := w.Answer(ctx, handle, alice, right(alice, authenticator.Password))
	require.ErrorIs(t, err, context.Canceled)
	require.Contains(t, w.trail.lines(), "authentication_attempted failed canceled")
	require.Equal(t, 4, w.ok(w.State(t.Context(), handle)).AttemptsLeft)
}

// Invariant 9: personal data is never at rest in clear, never in logs.
func TestNothingPersonalIsInStoreLogsAndAudit(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	w := newWorld(t, func(c *login.Config) { c.Logger = slog.New(slog.NewJSONHandler(&log, nil)) })
	id := authenticator.Identifier{Type: "email", Value: "sokha.chan@example.org"}
	w.people.authenticate = func(_ context.Context, r *authenticator.Request) (*authenticator.Identity, error) {
		if r.Challenges[0].Response != "correct horse battery" {
			return nil, errors.New("sql: no person " + r.Identifier.Value)
		}
		return &authenticator.Identity{Subject: "subject-4711", State: []byte("kyc-token-0815")}, nil
	}
	req := request(acrBoth)
	req.Parameters["login_hint"] = id.Value
	handle, _, err := w.Begin(t.Context(), req, "")
	require.NoError(t, err)
	answer := func(f authenticator.Factor, response string) (*login.State, error) {
		return w.Answer(t.Context(), handle, id, authenticator.Challenge{Factor: f, Response: response})
	}
	_, err = answer(authenticator.Password, "a wrong password")
	require.Error(t, err)
	w.ok(answer(authenticator.Password, "correct horse battery"))
	w.ok(w.SendCode(t.Context(), handle, id))
	w.ok(answer(authenticator.OTP, "correct horse battery"))
	s := w.ok(w.Decide(t.Context(), handle, login.Decision{Claims: []string{"name"}}))

	secrets := []string{
		id.Value, "sokhachan", "correct horse", "a wrong password", "subject-4711", "kyc-token-0815", "** *** 321",
		handle, s.Response.Parameters.Get("code"), "given_name", string(secret),
	}
	require.NotEmpty(t, w.store.keysOf("login-limit:"))
	for _, hidden := range secrets {
		for key, values := range w.store.values {
			assert.NotContains(t, key, hidden)
			assert.False(t, bytes.Contains(values, []byte(hidden)), "%q is in the store under %q", hidden, key)
		}
		assert.NotContains(t, log.String(), hidden)
		for _, e := range w.trail.events {
			assert.NotContains(t, strings.Join(append(e.Factors, e.Reason, e.Subject, e.Transaction, e.ClientID), " "), hidden)
		}
	}
	require.NotEmpty(t, log.String())
}

// Invariant 9, for what is given to devices and what they answer.
func TestNothingOfDevicesIsInStoreLogsAndAudit(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	w, d := newDeviceWorld(t, func(c *login.Config) {
		c.Logger, c.EnrollmentACRs = slog.New(slog.NewJSONHandler(&log, nil)), []string{acrFace}
	})
	d.challenge = func(context.Context, *authenticator.DeviceRequest) (*authenticator.Device, error) {
		return &authenticator.Device{Options: []byte(`"some-options"`), State: []byte("some-state")}, nil
	}
	d.begin = func(context.Context, *authenticator.EnrollmentRequest) (*authenticator.Device, error) {
		return &authenticator.Device{Options: []byte(`"more-options"`), State: []byte("more-state")}, nil
	}
	d.finish = func(context.Context, *authenticator.EnrollmentRequest) error {
		return errors.New("no row for some-credential")
	}
	handle := w.begin(acrFace)
	w.ok(w.WishToEnroll(t.Context(), handle, passkey))
	w.given(handle, face)
	_, err := w.Answer(t.Context(), handle, alice, wrong(face))
	require.Error(t, err)
	w.given(handle, face)
	w.ok(w.Answer(t.Context(), handle, alice,
		authenticator.Challenge{Factor: face, Response: alice.Value + " signs some-state"}))
	_, err = w.EnrollmentOptions(t.Context(), handle)
	require.NoError(t, err)
	_, err = w.Enroll(t.Context(), handle, "some-credential")
	require.Error(t, err)

	require.NotEmpty(t, log.String())
	for _, hidden := range []string{
		alice.Value, "some-", "more-", "signs", "a wrong guess", "person ", handle,
	} {
		for key, values := range w.store.values {
			assert.NotContains(t, key, hidden)
			assert.False(t, bytes.Contains(values, []byte(hidden)), "%q is in the store under %q", hidden, key)
		}
		assert.NotContains(t, log.String(), hidden)
		for _, e := range w.trail.events {
			assert.NotContains(t, strings.Join(append(e.Factors, e.Reason, e.Subject, e.Transaction, e.ClientID), " "), hidden)
		}
	}
}

func TestEndedLoginForgetsThePerson(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	req := request("")
	req.Parameters["login_hint"] = alice.Value
	s := w.ok(w.Decide(t.Context(), w.atConsent(req), login.Decision{}))
	require.Empty(t, s.Identifier)
	require.Empty(t, s.LoginHint)
}

func TestAttemptsThatCannotBeCountedAreNotMade(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	answer, send := w.begin(acrPassword), w.begin(acrCode)
	w.store.breakKeys("login-limit:")
	s, err := w.Answer(t.Context(), answer, alice, right(alice, authenticator.Password))
	require.ErrorIs(t, err, errOutage)
	require.Nil(t, s)
	s, err = w.SendCode(t.Context(), send, alice)
	require.ErrorIs(t, err, errOutage)
	require.Nil(t, s)
	answers, codes := w.people.asked()
	require.Zero(t, answers+codes)

	w.store.breakKeys("")
	w.ok(w.Answer(t.Context(), answer, alice, right(alice, authenticator.Password)))
	w.ok(w.SendCode(t.Context(), send, alice))
}

// A live transaction has 12 KB (architecture, section 6).
func TestRecordOfALoginIsSmall(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	req := request("")
	req.Scope = w.client.Scopes
	req.Parameters["claims"] = `{"userinfo":{"given_name":{"essential":true},"phone_number":null,"address":null}}`
	w.people.authenticate = func(context.Context, *authenticator.Request) (*authenticator.Identity, error) {
		return identity(64, 1<<10), nil
	}
	w.atConsent(req)
	value, err := w.store.Ephemeral.Get(t.Context(), w.store.keysOf("login:")[0])
	require.NoError(t, err)
	require.Less(t, len(value), 6<<10)
	require.Less(t, len(value), store.MaxValue)
}
