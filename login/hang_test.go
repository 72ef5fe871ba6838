package login_test

import (
	"bytes"
	"context"
	"log/slog"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/login"
)

// A system that hangs, whatever its context says, keeps nobody waiting for longer than the timeout.
func TestCallsThatHangAreContained(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		acr   string
		call  func(*world, string) error
		event string
	}{
		"Authenticate": {acrPassword, func(w *world, handle string) error {
			_, err := w.Answer(w.Context(), handle, alice, right(alice, authenticator.Password))
			return err
		}, "authentication_attempted failed unavailable"},
		"SendCode": {acrCode, func(w *world, handle string) error {
			_, err := w.SendCode(w.Context(), handle, alice)
			return err
		}, "code_sent failed unavailable"},
		"Challenge": {acrPasskey, func(w *world, handle string) error {
			_, err := w.Challenge(w.Context(), handle, passkey)
			return err
		}, "factor_unavailable failed unavailable"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				w, d := newDeviceWorld(t, func(c *login.Config) {
					c.AuthenticatorTimeout, c.Logger = 7*time.Second, slog.New(slog.NewTextHandler(&log, nil))
				})
				release := make(chan struct{})
				w.people.authenticate = func(context.Context, *authenticator.Request) (*authenticator.Identity, error) {
					<-release
					return &authenticator.Identity{Subject: "late"}, nil
				}
				w.people.send = func(context.Context, *authenticator.CodeRequest) (*authenticator.CodeReceipt, error) {
					<-release
					return &authenticator.CodeReceipt{}, nil
				}
				d.challenge = func(context.Context, *authenticator.DeviceRequest) (*authenticator.Device, error) {
					<-release
					return given(1), nil
				}
				handle := w.begin(test.acr)
				before := w.ok(w.State(t.Context(), handle))
				began := time.Now()
				require.Equal(t, authenticator.Unavailable, reasonOf(t, test.call(w, handle)))
				require.Equal(t, 7*time.Second, time.Since(began))
				require.Contains(t, w.trail.lines(), test.event)
				require.Contains(t, log.String(), "authenticator did not answer in time")

				close(release)
				synctest.Wait()
				after := w.ok(w.State(t.Context(), handle))
				require.Equal(t, before.Step, after.Step, "a late answer is dropped")
				require.Empty(t, after.Succeeded)
			})
		})
	}
}

func TestTimeoutIsHalfAMinuteByDefault(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.people.authenticate = func(ctx context.Context, _ *authenticator.Request) (*authenticator.Identity, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		began := time.Now()
		_, err := w.Answer(t.Context(), w.begin(acrPassword), alice, right(alice, authenticator.Password))
		require.Equal(t, authenticator.Unavailable, reasonOf(t, err))
		require.Equal(t, 30*time.Second, time.Since(began))
	})
}

// Whoever hangs up does not wait either.
func TestHangingUpEndsTheWaitForASystemThatHangs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	release := make(chan struct{})
	defer close(release)
	ctx, cancel := context.WithCancel(t.Context())
	w.people.authenticate = func(context.Context, *authenticator.Request) (*authenticator.Identity, error) {
		cancel()
		<-release
		return nil, nil
	}
	_, err := w.Answer(ctx, w.begin(acrPassword), alice, right(alice, authenticator.Password))
	require.ErrorIs(t, err, context.Canceled)
}

// What nobody waits for any more is bounded: a system that hangs is not asked beyond that, until it comes back. Other
// systems are.
func TestCallsThatNobodyWaitsForAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const bound = 256
		w, _ := newDeviceWorld(t, func(c *login.Config) { c.IdentifierLimit.Attempts = 1000 })
		release := make(chan struct{})
		w.people.authenticate = func(context.Context, *authenticator.Request) (*authenticator.Identity, error) {
			<-release
			return nil, nil
		}
		answer := func() error {
			_, err := w.Answer(t.Context(), w.begin(acrPassword), alice, right(alice, authenticator.Password))
			return err
		}
		together(bound, func(int) {
			if reasonOf(t, answer()) != authenticator.Unavailable {
				t.Error("it answered")
			}
		})
		began := time.Now()
		require.Equal(t, authenticator.Unavailable, reasonOf(t, answer()))
		require.Equal(t, began, time.Now(), "nobody waits for it")
		answers, _ := w.people.asked()
		require.Equal(t, bound, answers)
		handle := w.begin(acrPasskey)
		w.ok(w.Answer(t.Context(), handle, nobodyID, signed(w.given(handle, passkey), alice, passkey)))

		close(release)
		synctest.Wait()
		w.people.authenticate = nil
		require.NoError(t, answer())
	})
}

// A call may end its goroutine, as the assertions of a test do, and panic in the methods of its error.
func TestOddEndsOfCallsAreContained(t *testing.T) {
	t.Parallel()
	for name, call := range map[string]func() (*authenticator.Identity, error){
		"exits":             func() (*authenticator.Identity, error) { runtime.Goexit(); return nil, nil },
		"error that panics": func() (*authenticator.Identity, error) { return nil, panicking{} },
		"cause that panics": func() (*authenticator.Identity, error) {
			return nil, &authenticator.Error{Reason: "locked", Err: panicking{}}
		},
		"an end of its time": func() (*authenticator.Identity, error) { return nil, context.DeadlineExceeded },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.people.authenticate = func(context.Context, *authenticator.Request) (*authenticator.Identity, error) { return call() }
			_, err := w.Answer(t.Context(), w.begin(acrPassword), alice, right(alice, authenticator.Password))
			require.Equal(t, authenticator.Unavailable, reasonOf(t, err))
			require.Contains(t, w.trail.lines(), "authentication_attempted failed unavailable")
		})
	}
}

type panicking struct{}

func (panicking) Error() string { panic("of " + alice.Value) }
func (panicking) Unwrap() error { panic("of " + alice.Value) }
