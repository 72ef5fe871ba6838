package ida_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/ida"
	"github.com/gosignet/signet/authenticator/ida/idatest"
)

// Every call is made in every way in which it can fail; then the log and the errors are searched for what people are,
// what they typed, and what is secret.
func TestNothingPersonalAndNoSecretIsLoggedOrInAnError(t *testing.T) {
	t.Parallel()
	var said lockedBuffer
	bad := []http.HandlerFunc{
		nil,
		status(500, `{"errors":[{"errorCode":"about Asha Rao"}]}`),
		status(200, `asha@example.org`),
		status(200, `{"transactionID":"asha@example.org"}`),
		status(200, `{"response":{"kycToken":7,"authToken":"psut-of-asha"}}`),
		func(w http.ResponseWriter, _ *http.Request) { // not HTTP: package http quotes it
			connection, _, err := w.(http.Hijacker).Hijack()
			must(err)
			fmt.Fprint(connection, "HTTP/1.1 Asha Rao\r\n\r\n")
			connection.Close()
		},
		func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://example.org/asha", http.StatusFound)
		},
	}
	for _, code := range []string{"IDA-MLC-009", "IDA-MLC-018", "IDA-MPA-003", "Asha Rao", "8267411571Asha!"} {
		bad = append(bad, status(200, `{"errors":[{"errorCode":"`+code+`","errorMessage":"Asha Rao"}]}`))
	}
	for _, answer := range bad {
		for _, failing := range []string{"otp", "kyc-auth", "kyc-exchange", "certificate", "signing", "token"} {
			exercise(t, &said, func(s *stub, c *ida.Config) {
				// Without the time, in whose nanoseconds any six digits stand now and then.
				c.Logger = slog.New(slog.NewJSONHandler(&said, &slog.HandlerOptions{
					Level: slog.LevelDebug, ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
						if a.Key == slog.TimeKey && len(groups) == 0 {
							return slog.Attr{}
						}
						return a
					},
				}))
				c.Failures = 1
				s.Override = func(call string, w http.ResponseWriter, r *http.Request) bool {
					if answer != nil && call == failing {
						answer(w, r)
						return true
					}
					return false
				}
			})
		}
	}
	log := said.String()
	assert.Contains(t, log, "calls to IDA are suspended", "the operator hears of failures")
	assert.Contains(t, log, "IDA-MLC-009", "and of doubtful refusals")

	secrets := []string{asha, nobody, "misp", idatest.LicenseKey, idatest.AccountKey, idatest.APIKey, "psut-of", "Asha", "asha", "guess", "wrong-pin"}
	for _, p := range people {
		secrets = append(secrets, p.OTP, p.Email, p.Mobile)
		secrets = append(secrets, strings.FieldsFunc(p.PIN+"\n"+p.Password, func(r rune) bool { return r == '\n' })...)
	}
	for _, secret := range secrets {
		if secret != "" {
			assert.NotContains(t, log, secret)
		}
	}
}

// exercise makes all calls, right ones and wrong ones, and writes down the errors.
func exercise(t *testing.T, said *lockedBuffer, configure func(*stub, *ida.Config)) {
	t.Helper()
	a, s := start(t, withDecoys, configure)
	for _, id := range []string{asha, nobody} {
		_, err := a.SendCode(t.Context(), codeRequest(id))
		fmt.Fprintln(said, err)
		for _, c := range []authenticator.Challenge{
			challenge(authenticator.OTP, people[asha].OTP),
			challenge(authenticator.PIN, people[asha].PIN),
			challenge(authenticator.PIN, "wrong-pin"),
			challenge(authenticator.Password, people[asha].Password),
			challenge(authenticator.Password, "guess"),
			challenge(authenticator.Biometrics, idatest.Capture(segment(nil))),
			challenge(authenticator.Biometrics, idatest.Capture(segment(map[string]any{"purpose": "asha"}))),
			challenge(authenticator.Knowledge, `{"name":"Asha"}`),
		} {
			identity, err := a.Authenticate(t.Context(), request(id, c))
			fmt.Fprintln(said, err)
			if err == nil {
				_, err = a.Claims(t.Context(), claimsRequest(identity, "name", "email"))
				fmt.Fprintln(said, err)
			}
			s.clock.advance(11 * time.Second)
		}
	}
}

type lockedBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.String()
}

func TestTheStateHoldsOnlyWhatTheExchangeNeeds(t *testing.T) {
	t.Parallel()
	a, _ := start(t)
	var state map[string]any
	assert.NoError(t, json.Unmarshal(logIn(t, a).State, &state))
	assert.Len(t, state["kyc_token"], 26)
	delete(state, "kyc_token")
	assert.Equal(t, map[string]any{"individual_id": asha, "transaction": idaID, "client_id": clientID}, state)
}
