package sunbird_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/sunbird/sunbirdtest"
)

func logger(w io.Writer) *slog.Logger {
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

func TestARegistryThatDoesNotWorkIsUnavailable(t *testing.T) {
	t.Parallel()
	const secret = "Béranger"
	tests := []struct {
		name  string
		say   func(http.ResponseWriter, *http.Request) bool
		calls int64
		cause string
		read  bool // also when a record is read
	}{
		{"an internal error", says(500, secret), 1, "answered 500", true},
		{"a wrong URL", says(404, secret), 1, "answered 404", true},
		{"a gateway that wants more", says(401, secret), 1, "answered 401", true},
		{"no content", says(204, ""), 1, "answered 204", true},
		{"a bad gateway", says(502, secret), 2, "answered 502", true},
		{"maintenance", says(503, secret), 2, "answered 503", true},
		{"a gateway's timeout", says(504, secret), 2, "answered 504", true},
		{"nothing", says(200, ""), 1, "is not a JSON", true},
		{"a page", says(200, "<html>"+secret), 1, "is not a JSON", true},
		{"null", says(200, "null"), 1, "is not a JSON", true},
		{"a text", says(200, `"`+secret+`"`), 1, "is not a JSON", true},
		{"not UTF-8", says(200, "[{\"fullName\": \"B\xe9ranger\"}]"), 1, "is not a JSON", true},
		{"cut off JSON", says(200, `[{"fullName": "`+secret), 1, "is not a JSON", true},
		{"two answers", says(200, `[][]`), 1, "is not a JSON", true},
		{"an object instead of an array", says(200, `{"fullName": "`+secret+`"}`), 1, "is not a JSON array", false},
		{"an array of something", says(200, `["`+secret+`"]`), 1, "is not a JSON array", false},
		{"an array of null", says(200, `[null]`), 1, "is not a JSON array", false},
		{"endless", says(200, "["+strings.Repeat(" ", 4096)+"]"), 1, "too long", true},
		{"a connection that breaks", func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Content-Length", "1000")
			_, _ = io.WriteString(w, `[{"fullName": "`+secret)
			return true
		}, 2, "no answer from the registry", true},
		{"a connection that is closed", func(http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) }, 2,
			"no answer from the registry", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := sunbirdtest.New(t)
			r.Answer = tt.say
			c := r.Config()
			c.MaxResponseBytes = 4096
			s := newSunbird(t, c)

			_, err := s.Authenticate(t.Context(), amelie())
			failure := requireReason(t, err, authenticator.Unavailable)
			require.ErrorContains(t, failure, tt.cause)
			assert.Equal(t, tt.calls, r.Searches.Load())
			noPersonalData(t, failure.Error())
			if !tt.read {
				return
			}
			_, err = s.Claims(t.Context(), claimsOf(sunbirdtest.AmelieID, "name"))
			failure = requireReason(t, err, authenticator.Unavailable)
			require.ErrorContains(t, failure, tt.cause)
			assert.Equal(t, tt.calls, r.Reads.Load())
			noPersonalData(t, failure.Error())
		})
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	elsewhere := sunbirdtest.New(t)
	for _, status := range []int{301, 302, 303, 307, 308} {
		r := sunbirdtest.New(t)
		r.Answer = func(w http.ResponseWriter, req *http.Request) bool {
			http.Redirect(w, req, elsewhere.Server.URL+req.URL.Path, status)
			return true
		}
		s := newSunbird(t, r.Config())
		_, err := s.Authenticate(t.Context(), amelie())
		requireReason(t, err, authenticator.Unavailable)
		_, err = s.Claims(t.Context(), claimsOf(sunbirdtest.AmelieID, "name"))
		requireReason(t, err, authenticator.Unavailable)
		assert.ErrorContains(t, err, fmt.Sprint("answered ", status))
	}
	assert.Zero(t, elsewhere.Searches.Load()+elsewhere.Reads.Load())
}

func TestAnotherTryHelpsOverAHiccup(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		hiccups, tries int
		works          bool
		calls          int
	}{
		"one":                {1, 0, true, 2},
		"two are too many":   {2, 0, false, 2},
		"unless more tries":  {2, 3, true, 3},
		"no second try":      {1, 1, false, 1},
		"more than are made": {9, 5, false, 5},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				calls := 0
				c := offline(func(r *http.Request) (*http.Response, error) {
					body, err := io.ReadAll(r.Body)
					assert.NoError(t, err)
					assert.Contains(t, string(body), `"policyNumber":{"eq":"FR274019"}`, "the whole request again")
					if calls++; calls <= tt.hiccups {
						return nil, &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
					}
					return ok(r, `[]`)
				})
				c.Tries = tt.tries
				_, err := newSunbird(t, c).Authenticate(t.Context(), amelie())
				if tt.works {
					requireReason(t, err, authenticator.WrongCredentials)
				} else {
					requireReason(t, err, authenticator.Unavailable)
					assert.ErrorContains(t, err, "dial tcp: connection refused")
					e, _ := errors.AsType[*authenticator.Error](err)
					assert.True(t, e.Unasked, "nobody looked at the answer")
				}
				assert.Equal(t, tt.calls, calls)
			})
		})
	}
}

func TestARegistryThatHangsIsNotAskedTwice(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		s := newSunbird(t, offline(func(r *http.Request) (*http.Response, error) {
			calls++
			<-r.Context().Done()
			return nil, r.Context().Err()
		}))
		start := time.Now()
		_, err := s.Authenticate(t.Context(), amelie())
		requireReason(t, err, authenticator.Unavailable)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, 5*time.Second, time.Since(start))
		assert.Equal(t, 1, calls)
	})
}

func TestAnAnswerThatNeverEndsIsCutOff(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	r := sunbirdtest.New(t)
	t.Cleanup(func() { close(release) }) // before the server waits for its calls
	r.Answer = func(w http.ResponseWriter, _ *http.Request) bool {
		_, _ = io.WriteString(w, "[")
		w.(http.Flusher).Flush()
		<-release
		return true
	}
	c := r.Config()
	c.Timeout = 50 * time.Millisecond
	_, err := newSunbird(t, c).Authenticate(t.Context(), amelie())
	requireReason(t, err, authenticator.Unavailable)
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

func TestWhoLeavesIsNotWaitedForAndBlamesNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		hang := true
		c := offline(func(r *http.Request) (*http.Response, error) {
			if hang {
				<-r.Context().Done()
				return nil, r.Context().Err()
			}
			return ok(r, `[]`)
		})
		c.MaxFailures = 1
		s := newSunbird(t, c)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		start := time.Now()
		_, err := s.Authenticate(ctx, amelie())
		requireReason(t, err, authenticator.Unavailable)
		require.ErrorIs(t, err, context.Canceled)
		assert.Equal(t, time.Second, time.Since(start))

		hang = false
		_, err = s.Authenticate(t.Context(), amelie())
		requireReason(t, err, authenticator.WrongCredentials) // not suspended
	})
}

func TestCallsAreSuspendedAfterFailuresAndComeBack(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	r := sunbirdtest.New(t)
	r.Answer = says(http.StatusInternalServerError, "")
	var log strings.Builder
	c := r.Config()
	c.Now = func() time.Time { return now }
	c.Logger = logger(&log)
	c.MaxFailures, c.Pause = 3, time.Minute
	s := newSunbird(t, c)

	// Searches and reads count together.
	for range 2 {
		_, err := s.Authenticate(t.Context(), amelie())
		requireReason(t, err, authenticator.Unavailable)
	}
	_, err := s.Claims(t.Context(), claimsOf(sunbirdtest.AmelieID, "name"))
	requireReason(t, err, authenticator.Unavailable)
	assert.Contains(t, log.String(), "calls are suspended")

	r.Answer = nil
	for _, call := range []func() error{
		func() error { _, err := s.Authenticate(t.Context(), amelie()); return err },
		func() error { _, err := s.Claims(t.Context(), claimsOf(sunbirdtest.AmelieID, "name")); return err },
	} {
		failure := requireReason(t, call(), authenticator.Unavailable)
		assert.Equal(t, now.Add(time.Minute), failure.RetryAt)
	}
	assert.EqualValues(t, 2, r.Searches.Load(), "left in peace")
	assert.EqualValues(t, 1, r.Reads.Load(), "left in peace")

	now = now.Add(time.Minute)
	for range 2 {
		_, err = s.Authenticate(t.Context(), amelie())
		require.NoError(t, err)
	}
	assert.Contains(t, log.String(), "works again")
}

func TestIllFormedAnswersOfTheRegistrySuspendCallsAndRefusedRequestsDoNot(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		say   func(http.ResponseWriter, *http.Request) bool
		calls int64
	}{
		"ill-formed answers": {says(200, "<html>"), 2},
		"refused requests":   {says(400, ""), 4}, // somebody could provoke them on purpose
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := sunbirdtest.New(t)
			r.Answer = tt.say
			c := r.Config()
			c.MaxFailures = 2
			s := newSunbird(t, c)
			for range 4 {
				_, err := s.Authenticate(t.Context(), amelie())
				requireReason(t, err, authenticator.Unavailable)
			}
			assert.Equal(t, tt.calls, r.Searches.Load())
		})
	}
}

func TestWrongAnswersDoNotSuspendCalls(t *testing.T) {
	t.Parallel()
	r := sunbirdtest.New(t)
	c := r.Config()
	c.MaxFailures = 1
	s := newSunbird(t, c)
	for range 3 {
		_, err := s.Authenticate(t.Context(), login("XX000001", answers("x", "17/04/1991")))
		requireReason(t, err, authenticator.WrongCredentials)
	}
}

func TestCallsUnderWayAreBounded(t *testing.T) {
	t.Parallel()
	arrived, release := make(chan struct{}), make(chan struct{})
	var calls atomic.Int64
	c := offline(func(r *http.Request) (*http.Response, error) {
		calls.Add(1)
		arrived <- struct{}{}
		<-release
		return ok(r, `[]`)
	})
	c.MaxInFlight = 2
	s := newSunbird(t, c)
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			_, err := s.Authenticate(t.Context(), amelie())
			assert.ErrorContains(t, err, "wrong_credentials")
		})
		<-arrived
	}
	_, err := s.Authenticate(t.Context(), amelie())
	requireReason(t, err, authenticator.Unavailable)
	assert.ErrorContains(t, err, "too many calls")
	assert.EqualValues(t, 2, calls.Load())
	close(release)
	wg.Wait()

	go func() { <-arrived }()
	_, err = s.Authenticate(t.Context(), amelie())
	requireReason(t, err, authenticator.WrongCredentials)
}

func TestATransportThatPanicsLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	broken := true
	c := offline(func(r *http.Request) (*http.Response, error) {
		if broken {
			panic("broken")
		}
		return ok(r, `[]`)
	})
	c.MaxInFlight = 1
	s := newSunbird(t, c)
	require.Panics(t, func() { _, _ = s.Authenticate(t.Context(), amelie()) })
	broken = false
	_, err := s.Authenticate(t.Context(), amelie())
	requireReason(t, err, authenticator.WrongCredentials)
}
