package mock_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/authenticatortest"
	"github.com/gosignet/signet/authenticator/mock"
	"github.com/gosignet/signet/store/memory"
)

// clock is a clock that tests move on.
type clock struct {
	mu   sync.Mutex
	time time.Time
}

func newClock() *clock { return &clock{time: time.Date(2026, 1, 31, 10, 15, 0, 0, time.UTC)} }

func (c *clock) now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.time }

func (c *clock) advance(d time.Duration) { c.mu.Lock(); defer c.mu.Unlock(); c.time = c.time.Add(d) }

// everything is a mock with all factors, changed by change, and its clock.
func everything(t testing.TB, change ...func(*mock.Config)) (*mock.Mock, *clock) {
	t.Helper()
	c := newClock()
	codes, err := memory.New(memory.Config{Now: c.now})
	require.NoError(t, err)
	config := mock.Config{Password: password, Store: codes, Factors: mock.AllFactors(), Now: c.now}
	for _, f := range change {
		f(&config)
	}
	m, err := mock.New(config)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, m.Close()) })
	return m, c
}

var dara = authenticator.Identifier{Type: mock.NationalID, Value: "8051437269"}

func TestMockKeepsTheContract(t *testing.T) {
	t.Parallel()
	authenticatortest.Run(t, func(t testing.TB) authenticatortest.Subject {
		m, c := everything(t)
		return authenticatortest.Subject{
			Authenticator: m,
			Person:        dara,
			Unknown:       authenticator.Identifier{Type: mock.NationalID, Value: "1000000000"},
			Answers: map[authenticator.Factor]authenticatortest.Answer{
				authenticator.Password:   {Right: password, Wrong: "another password"},
				authenticator.PIN:        {Right: mock.PIN, Wrong: "135791"},
				authenticator.Knowledge:  {Right: knowledge("Sok Dara", "1990-02-27"), Wrong: knowledge("Sok Dara", "1990-02-28")},
				authenticator.Biometrics: {Right: capture(finger(c.now(), nil)), Wrong: capture(finger(c.now().Add(-time.Hour), nil))},
			},
			Code:      func(context.Context, string) (string, error) { return mock.OTP, nil },
			Expire:    func() { c.advance(4 * time.Minute) },
			Claims:    []string{"name", "phone_number", "birthdate", "address"},
			Languages: []string{"name#en"}, Verified: []string{"name", "phone_number", "birthdate"},
		}
	})
}

func knowledge(name, born string) string {
	data, _ := json.Marshal(map[string]string{"fullName": name, "dateOfBirth": born})
	return string(data)
}

// finger is a segment of a capture, with changes to what the device signed. A nil value removes a member.
func finger(at time.Time, changes map[string]any) map[string]any {
	signed := map[string]any{
		"digitalId": "a JWT", "bioType": "Finger", "bioSubType": "Left Thumb", "bioValue": "a thumb", "transactionId": "0123456789",
		"timestamp": at.Format(time.RFC3339Nano), "purpose": "Auth", "env": "Developer",
	}
	for name, value := range changes {
		if signed[name] = value; value == nil {
			delete(signed, name)
		}
	}
	payload, _ := json.Marshal(signed)
	// Nobody verifies the signature, because nobody knows the devices.
	header := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"` + string(jose.RS256) + `"}`))
	data := header + "." + base64.RawURLEncoding.EncodeToString(payload) + "." + strings.Repeat("A", 342)
	return map[string]any{
		"specVersion": "1.0", "data": data, "hash": "the hash", "sessionKey": "the key", "thumbprint": "the thumbprint",
		"error": map[string]any{"errorCode": "0", "errorInfo": "Success"},
	}
}

func capture(segments ...map[string]any) string {
	data, _ := json.Marshal(map[string]any{"biometrics": segments})
	return base64.RawURLEncoding.EncodeToString(data)
}
