package ida_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/ida"
)

func TestWhatIDAsCodesMean(t *testing.T) {
	t.Parallel()
	const (
		wrong, expired, locked   = authenticator.WrongCredentials, authenticator.CodeExpired, authenticator.Locked
		unsupported, unavailable = authenticator.Unsupported, authenticator.Unavailable
	)
	tests := map[string]authenticator.Reason{
		"IDA-OTA-003": expired, "IDA-OTA-004": wrong, "IDA-OTA-005": wrong, "IDA-OTA-007": locked, "IDA-OTA-010": wrong,
		"IDA-MLC-002": wrong, "IDA-MLC-003": wrong, "IDA-MLC-004": wrong, "IDA-MLC-005": wrong, "IDA-MLC-009": wrong,
		"IDA-MLC-010": wrong, "IDA-MLC-018": wrong, "IDA-MLC-019": locked, "IDA-MLC-022": wrong, "IDA-MLC-023": wrong,
		"IDA-MLC-026": wrong, "IDA-MLC-029": wrong, "IDA-MLC-016": wrong, "IDA-MLC-030": wrong,
		"IDA-BIA-001": wrong, "IDA-BIA-006": wrong, "IDA-BIA-015": wrong, "IDA-SPA-001": wrong, "IDA-PSD-007": wrong,
		"IDA-MLC-011": unsupported, "IDA-MPA-006": unsupported, "IDA-MPA-029": unsupported, "IDA-MPA-030": unsupported,
		"IDA-BIA-004": unsupported, "IDA-DPM-001": unsupported,
		"IDA-MLC-001": unavailable, "IDA-MLC-007": unavailable, "IDA-MPA-001": unavailable, "IDA-MPA-003": unavailable,
		"IDA-MPA-007": unavailable, "IDA-MPA-016": unavailable, "IDA-MPA-021": unavailable, "IDA-BIA-017": unavailable,
		"IDA-RST-007": unavailable, "PMS_PMP_020": unavailable, "never heard of": unavailable, "": unavailable,
	}
	for code, want := range tests {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			for _, reveal := range []bool{true, false} {
				body := fmt.Sprintf(`{"transactionID":%q,"response":null,"errors":[{"errorCode":%q,"errorMessage":"Asha"},{"errorCode":"IDA-X-1"}]}`, idaID, code)
				a, s := start(t, answering("kyc-auth", body), func(_ *stub, c *ida.Config) { c.RevealLocks = reveal })
				_, err := a.Authenticate(t.Context(), request(asha, challenge(authenticator.PIN, "1")))
				if want == locked && !reveal {
					want = wrong
				}
				assert.Equal(t, want, reasonOf(t, err))
				assert.NotContains(t, err.Error(), "Asha")
				assert.Equal(t, 1, s.Count("kyc-auth"), "an authentication is never repeated")
				if strings.HasPrefix(code, "IDA-") {
					assert.ErrorContains(t, err, code, "the log has IDA's code")
				}
			}
		})
	}
}

// calls are the three calls that must never be made twice.
var calls = map[string]func(ctx context.Context, a *ida.Authenticator) error{
	"kyc-auth": func(ctx context.Context, a *ida.Authenticator) error {
		_, err := a.Authenticate(ctx, request(asha, challenge(authenticator.PIN, people[asha].PIN)))
		return err
	},
	"otp": func(ctx context.Context, a *ida.Authenticator) error {
		_, err := a.SendCode(ctx, codeRequest(asha))
		return err
	},
	"kyc-exchange": func(ctx context.Context, a *ida.Authenticator) error {
		identity, err := a.Authenticate(ctx, request(asha, challenge(authenticator.PIN, people[asha].PIN)))
		if err != nil {
			return err
		}
		_, err = a.Claims(ctx, claimsRequest(identity, "name"))
		return err
	},
}

func TestFailuresOfIDAAreUnavailableAndNothingIsRepeated(t *testing.T) {
	t.Parallel()
	elsewhere := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("the redirect was followed")
	}))
	t.Cleanup(elsewhere.Close)
	refused := `{"transactionID":"` + idaID + `","errors":[{"errorCode":"IDA-OTA-004"}]}`
	tests := map[string]http.HandlerFunc{
		"500":              status(500, refused),
		"503":              status(503, "busy"),
		"404":              status(404, "<html>"),
		"403 without code": status(403, `{"errors":[]}`),
		"no body":          status(200, ""),
		"no JSON":          status(200, "<html>personal</html>"),
		"JSON of a kind":   status(200, `[]`),
		"null":             status(200, `null`),
		"half an answer":   status(200, `{"response":{"kycStatus":tr`),
		"two answers":      status(200, refused+refused),
		"no response":      status(200, `{"transactionID":"`+idaID+`","response":null,"errors":null}`),
		"other transaction": status(200, `{"transactionID":"0123456789","response":{"kycStatus":true,"kycToken":"k","authToken":"a",
			"encryptedKyc":"x"}}`),
		"a huge answer": status(200, refused+strings.Repeat(" ", 5<<20)),
		"a redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
		},
		"a broken connection": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"a broken answer": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			w.Write([]byte(`{`))
		},
	}
	for name, handler := range tests {
		for failing, call := range calls {
			t.Run(failing+"/"+name, func(t *testing.T) {
				t.Parallel()
				a, s := start(t, func(s *stub, _ *ida.Config) {
					s.Override = func(call string, w http.ResponseWriter, r *http.Request) bool {
						if call == failing {
							handler(w, r)
						}
						return call == failing
					}
				})
				err := call(t.Context(), a)
				assert.Equal(t, authenticator.Unavailable, reasonOf(t, err))
				assert.NotContains(t, err.Error(), "misp", "the licence key")
				assert.NotContains(t, err.Error(), "personal")
				assert.Equal(t, 1, s.Count(failing))
				e, _ := errors.AsType[*authenticator.Error](err)
				assert.False(t, e.Unasked, "IDA may have looked at the answer")
			})
		}
	}
}

func TestNobodyLookedAtWhatDidNotReachIDA(t *testing.T) {
	t.Parallel()
	for failing, call := range calls {
		t.Run(failing, func(t *testing.T) {
			t.Parallel()
			a, s := start(t)
			s.Close()
			err := call(t.Context(), a)
			require.Equal(t, authenticator.Unavailable, reasonOf(t, err))
			e, _ := errors.AsType[*authenticator.Error](err)
			assert.True(t, e.Unasked)
		})
	}
}

func status(code int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(code)
		fmt.Fprint(w, body)
	}
}

func TestACallEndsInTime(t *testing.T) {
	t.Parallel()
	for failing, call := range calls {
		t.Run(failing, func(t *testing.T) {
			t.Parallel()
			s := startStub(t)
			s.Override = func(call string, _ http.ResponseWriter, r *http.Request) bool {
				if call == failing {
					<-r.Context().Done()
				}
				return call == failing
			}
			c := s.Config()
			c.Transport = direct{s}
			synctest.Test(t, func(t *testing.T) {
				a, err := ida.New(c)
				require.NoError(t, err)
				began := time.Now()
				err = call(t.Context(), a)
				assert.Equal(t, authenticator.Unavailable, reasonOf(t, err))
				assert.ErrorContains(t, err, "no answer in time")
				assert.Equal(t, 10*time.Second, time.Since(began), "of the bubble")
				assert.Equal(t, 1, s.Count(failing))
			})
		})
	}
}

func TestAnAnswerWithAStatusOfTheClientIsStillIDAs(t *testing.T) {
	t.Parallel()
	a, _ := start(t, func(s *stub, _ *ida.Config) {
		s.Override = func(call string, w http.ResponseWriter, _ *http.Request) bool {
			if call == "kyc-auth" {
				status(401, `{"errors":[{"errorCode":"IDA-SPA-001"}]}`)(w, nil)
			}
			return call == "kyc-auth"
		}
	})
	assert.Equal(t, authenticator.WrongCredentials, reasonOf(t, calls["kyc-auth"](t.Context(), a)))
}

func TestWhoGivesUpIsToldSo(t *testing.T) {
	t.Parallel()
	for name, call := range calls {
		a, s := start(t)
		ctx, cancel := context.WithCancel(t.Context())
		s.Override = func(call string, _ http.ResponseWriter, r *http.Request) bool {
			if call == name {
				cancel()
				<-r.Context().Done()
			}
			return call == name
		}
		assert.ErrorIs(t, call(ctx, a), context.Canceled, name)
	}
}

func TestWhoGivesUpDoesNotSuspendCalls(t *testing.T) {
	t.Parallel()
	a, s := start(t, func(_ *stub, c *ida.Config) { c.Failures = 1 })
	require.NoError(t, calls["kyc-auth"](t.Context(), a))
	ctx, cancel := context.WithCancel(t.Context())
	s.Set(func() {
		s.Override = func(_ string, _ http.ResponseWriter, r *http.Request) bool {
			cancel()
			<-r.Context().Done()
			return true
		}
	})
	require.ErrorIs(t, calls["kyc-auth"](ctx, a), context.Canceled)
	s.Set(func() { s.Override = nil })
	assert.NoError(t, calls["kyc-auth"](t.Context(), a))
}

func TestAFailingServiceIsLeftAlone(t *testing.T) {
	t.Parallel()
	a, s := start(t, func(_ *stub, c *ida.Config) { c.Failures, c.Pause = 3, time.Minute })
	broken := func(call string, w http.ResponseWriter, _ *http.Request) bool {
		if call == "kyc-auth" {
			w.WriteHeader(http.StatusBadGateway)
		}
		return call == "kyc-auth"
	}
	s.Set(func() { s.Override = broken })
	logIn := func() error { return calls["kyc-auth"](t.Context(), a) }
	for range 5 {
		require.Equal(t, authenticator.Unavailable, reasonOf(t, logIn()))
	}
	assert.Equal(t, 3, s.Count("kyc-auth"))
	e, _ := errors.AsType[*authenticator.Error](logIn())
	assert.Equal(t, began.Add(time.Minute), e.RetryAt)
	assert.NoError(t, calls["otp"](t.Context(), a), "another service works")

	s.Set(func() { s.Override = nil })
	s.clock.advance(time.Minute)
	assert.NoError(t, logIn(), "after the pause it is tried again")
	assert.NoError(t, logIn())
}

func TestRefusalsDoNotSuspendCalls(t *testing.T) {
	t.Parallel()
	a, s := start(t, func(_ *stub, c *ida.Config) { c.Failures = 1 })
	for range 3 {
		_, err := a.Authenticate(t.Context(), request(asha, challenge(authenticator.PIN, "000000")))
		require.Equal(t, authenticator.WrongCredentials, reasonOf(t, err))
	}
	assert.Equal(t, 3, s.Count("kyc-auth"))
}

func TestOnlySoManyCallsRunAtOnce(t *testing.T) {
	t.Parallel()
	a, s := start(t, func(_ *stub, c *ida.Config) { c.MaxInFlight = 2 })
	require.NoError(t, calls["kyc-auth"](t.Context(), a))
	arrived, leave := make(chan struct{}), make(chan struct{})
	s.Set(func() {
		s.Override = func(call string, _ http.ResponseWriter, _ *http.Request) bool {
			if call == "kyc-auth" {
				arrived <- struct{}{}
				<-leave
			}
			return false
		}
	})
	done := make(chan error)
	for range 2 {
		go func() { done <- calls["kyc-auth"](context.Background(), a) }()
		<-arrived
	}
	err := calls["kyc-auth"](t.Context(), a)
	assert.Equal(t, authenticator.Unavailable, reasonOf(t, err))
	assert.Equal(t, 3, s.Count("kyc-auth"))
	close(leave)
	assert.NoError(t, <-done)
	assert.NoError(t, <-done)
}
