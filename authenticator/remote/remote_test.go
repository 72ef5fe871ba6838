package remote_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/remote"
)

func TestEverythingArrivesAsItWasSent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.client(t)
	assert.Equal(t, w.people.Factors(), c.Factors())

	receipt, err := c.SendCode(t.Context(), codeFor())
	require.NoError(t, err)
	assert.Equal(t, w.people.receipt, receipt)
	identity, err := c.Authenticate(t.Context(), login())
	require.NoError(t, err)
	assert.Equal(t, w.people.identity, identity)
	claims, err := c.Claims(t.Context(), claimsOf(*identity))
	require.NoError(t, err)
	assert.Equal(t, w.people.claims, claims)
	device, err := c.Challenge(t.Context(), deviceFor(authenticator.Passkey))
	require.NoError(t, err)
	assert.Equal(t, w.people.device, device)
	today, err := c.Recall(t.Context(), identity)
	require.NoError(t, err)
	assert.Equal(t, w.people.identity, today)
	keys, err := c.PublicKeys(t.Context())
	require.NoError(t, err)
	assert.JSONEq(t, string(w.people.keys), string(keys))
	binding, err := c.BindKey(t.Context(), bindingFor())
	require.NoError(t, err)
	assert.Equal(t, w.people.binding, binding)
	verified, err := c.Verifications(t.Context(), claimsOf(*identity))
	require.NoError(t, err)
	assert.Equal(t, w.people.verified, verified)

	assert.Equal(t, []any{
		codeFor(), login(), claimsOf(*identity), deviceFor(authenticator.Passkey), identity, "keys", bindingFor(), claimsOf(*identity),
	}, w.people.asked)
}

func TestAPasskeyNeedsNoIdentifierAndBringsItsState(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.client(t)
	r := login()
	r.Identifier = authenticator.Identifier{}
	_, err := c.Authenticate(t.Context(), r)
	requireReason(t, err, authenticator.Unavailable) // a password says nothing of who one is
	assert.Empty(t, w.people.asked)

	r.Challenges = []authenticator.Challenge{{Factor: authenticator.Passkey, Response: "{}", State: []byte{0, 1, 2}}}
	_, err = c.Authenticate(t.Context(), r)
	require.NoError(t, err)
	assert.Equal(t, []any{r}, w.people.asked)
	device := &authenticator.DeviceRequest{Transaction: "tx-2", ClientID: "health-portal", Factor: authenticator.Passkey}
	_, err = c.Challenge(t.Context(), device)
	require.NoError(t, err)
	assert.Equal(t, []any{r, device}, w.people.asked)
}

func TestAbilitiesAreThoseOfTheServer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.client(t)
	w.server.Close() // all of it was said at the start
	assert.Equal(t, []authenticator.Channel{authenticator.Phone, authenticator.Email}, c.Channels())
	assert.Equal(t, authenticator.Traits{Identifies: true, MaxResponse: 5000}, authenticator.TraitsOf(c, authenticator.Passkey))
	_, err := c.Challenge(t.Context(), deviceFor(authenticator.Password))
	requireReason(t, err, authenticator.Unsupported)
}

func TestSomebodyElseIsNotRecalled(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.client(t)
	_, err := c.Recall(t.Context(), &authenticator.Identity{Subject: "grace-2"})
	requireReason(t, err, authenticator.Unavailable)
	require.ErrorContains(t, err, "somebody else")
}

// TestLongAnswersArrive sends the longest capture that the traits allow, and quotes, which JSON makes longer.
func TestLongAnswersArrive(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.handler.Handler = must(remote.Handler(captures{w.people}, w.serverConfig))
	c := w.client(t)
	longest := authenticator.TraitsOf(c, authenticator.Biometrics).MaxResponse
	require.Equal(t, 2<<20, longest)
	r := login()
	r.Challenges = []authenticator.Challenge{{Factor: authenticator.Biometrics, Response: strings.Repeat(`"<`, longest/2)}}
	_, err := c.Authenticate(t.Context(), r)
	require.NoError(t, err)
	assert.Equal(t, []any{r}, w.people.asked)
}

// captures verifies biometrics, and has no traits of its own.
type captures struct{ authenticator.Authenticator }

func (captures) Factors() []authenticator.Factor {
	return []authenticator.Factor{authenticator.Biometrics}
}

func TestFormsAreThoseOfTheServer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.client(t)
	want, err := w.people.Form(t.Context(), authenticator.Knowledge)
	require.NoError(t, err)
	w.server.Close() // a form that is known needs no server
	form, err := c.Form(t.Context(), authenticator.Knowledge)
	require.NoError(t, err)
	assert.Equal(t, want, form)
	_, err = c.Form(t.Context(), authenticator.Password)
	requireReason(t, err, authenticator.Unsupported)
}

// plain is an Authenticator without the further abilities.
type plain struct{ authenticator.Authenticator }

func (plain) Factors() []authenticator.Factor { return []authenticator.Factor{authenticator.Password} }

func TestServerWithoutFurtherAbilities(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.handler.Handler = must(remote.Handler(plain{w.people}, w.serverConfig))
	c := w.client(t)
	_, err := c.SendCode(t.Context(), codeFor())
	requireReason(t, err, authenticator.Unsupported)
	_, err = c.Form(t.Context(), authenticator.Password)
	requireReason(t, err, authenticator.Unsupported)
	_, err = c.Challenge(t.Context(), deviceFor(authenticator.Password))
	requireReason(t, err, authenticator.Unsupported)
	_, err = c.Recall(t.Context(), w.people.identity)
	requireReason(t, err, authenticator.Unsupported)
	assert.Nil(t, c.Channels())
	keys, err := c.PublicKeys(t.Context())
	require.NoError(t, err)
	assert.JSONEq(t, `{"keys": []}`, string(keys))
	assert.Equal(t, authenticator.Traits{MaxResponse: 4 << 10}, authenticator.TraitsOf(c, authenticator.Password))
	_, err = c.Authenticate(t.Context(), login())
	require.NoError(t, err)
	binding, err := c.BindKey(t.Context(), bindingFor())
	require.NoError(t, err)
	assert.Equal(t, &authenticator.KeyBinding{Identity: *w.people.identity}, binding, "nothing is certified")
	assert.Equal(t, []any{login(), login()}, w.people.asked)
}

func TestNobodyBindsAKeyWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.client(t)
	r := bindingFor()
	r.Challenges = nil
	_, err := c.BindKey(t.Context(), r)
	requireReason(t, err, authenticator.Unsupported)
	assert.Empty(t, w.people.asked)
}

func TestReasonsArrive(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.client(t)
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, reason := range reasons() {
		w.people.err = &authenticator.Error{Reason: reason, RetryAt: at}
		_, err := c.Authenticate(t.Context(), login())
		assert.Equal(t, at, requireReason(t, err, reason).RetryAt)
		_, err = c.Claims(t.Context(), claimsOf(authenticator.Identity{Subject: "grace-1"}))
		requireReason(t, err, reason)
		_, err = c.SendCode(t.Context(), codeFor())
		requireReason(t, err, reason)
	}
	w.people.err = &authenticator.Error{Reason: "bored"}
	_, err := c.Authenticate(t.Context(), login())
	requireReason(t, err, authenticator.Unavailable)
	noPersonalData(t, err.Error())
}

func TestLoginsAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.client(t)
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			for j := range 5 {
				r := login()
				r.Transaction = fmt.Sprint("tx-", i, "-", j)
				identity, err := c.Authenticate(t.Context(), r)
				if assert.NoError(t, err) {
					assert.Equal(t, "grace-1", identity.Subject)
				}
			}
		})
	}
	wg.Wait()
	transactions := make(map[string]bool)
	for _, r := range w.people.asked {
		transactions[r.(*authenticator.Request).Transaction] = true
	}
	assert.Len(t, transactions, 16*5)
}

func TestOnlySoManyCallsAreUnderWay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.config.MaxInFlight = 1
	c := w.client(t)
	arrived, leave := make(chan bool), make(chan bool)
	w.intercept("/v1/authenticate", func(rw http.ResponseWriter, r *http.Request) {
		arrived <- true
		<-leave
		says(200, `{"subject": "grace-1"}`)(rw, r)
	})
	done := make(chan error)
	go func() {
		_, err := c.Authenticate(t.Context(), login())
		done <- err
	}()
	<-arrived
	_, err := c.Authenticate(t.Context(), login())
	requireReason(t, err, authenticator.Unavailable)
	close(leave)
	require.NoError(t, <-done)
}

func TestAttemptsAreNotRepeated(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]http.HandlerFunc{
		"unavailable":     says(503, `{"reason": "unavailable"}`),
		"gateway":         says(502, ""),
		"connection lost": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			c := w.client(t) // has connections by now that net/http would use again
			var calls atomic.Int64
			count := func(rw http.ResponseWriter, r *http.Request) {
				calls.Add(1)
				answer(rw, r)
			}
			w.intercept("/v1/authenticate", count)
			w.intercept("/v1/codes", count)
			_, err := c.Authenticate(t.Context(), login())
			requireReason(t, err, authenticator.Unavailable)
			_, err = c.SendCode(t.Context(), codeFor())
			requireReason(t, err, authenticator.Unavailable)
			assert.EqualValues(t, 2, calls.Load())
		})
	}
}

func TestStartFailsIfTheServerContradictsItself(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"no JSON":               "<html>",
		"another version":       `{"versions": [2], "factors": ["pwd"], "codes": false}`,
		"no factors":            `{"versions": [1], "factors": [], "codes": false}`,
		"factor twice":          `{"versions": [1], "factors": ["pwd", "pwd"], "codes": false}`,
		"factor is no name":     `{"versions": [1], "factors": ["../../x"], "codes": false}`,
		"factor of no type":     `{"versions": [1], "factors": [1], "codes": false}`,
		"codes nobody can send": `{"versions": [1], "factors": ["otp"], "codes": false}`,
		"device of no factor":   `{"versions": [1], "factors": ["pwd"], "codes": false, "devices": ["pop"]}`,
		"device twice":          `{"versions": [1], "factors": ["pop"], "codes": false, "devices": ["pop", "pop"]}`,
		"traits of no factor":   `{"versions": [1], "factors": ["pwd"], "codes": false, "traits": {"pop": {}}}`,
		"negative bound":        `{"versions": [1], "factors": ["pwd"], "codes": false, "traits": {"pwd": {"max_response": -1}}}`,
		"bound beyond all":      `{"versions": [1], "factors": ["pwd"], "codes": false, "traits": {"pwd": {"max_response": 4194305}}}`,
		"channels, no codes":    `{"versions": [1], "factors": ["pwd"], "codes": false, "channels": ["phone"]}`,
		"channel twice":         `{"versions": [1], "factors": ["otp"], "codes": true, "channels": ["phone", "phone"]}`,
		"channel is no name":    `{"versions": [1], "factors": ["otp"], "codes": true, "channels": ["+254"]}`,
		"form of no factor":     `{"versions": [1], "factors": ["pwd"], "codes": false, "forms": ["kba"]}`,
		"member twice":          `{"versions": [1], "factors": ["pwd"], "codes": false, "codes": true}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.intercept("/v1/capabilities", says(200, body))
			_, err := remote.New(t.Context(), w.config)
			require.Error(t, err)
		})
	}
	for name, body := range map[string]string{
		"no fields":          `{"fields": []}`,
		"no name":            `{"fields": [{}]}`,
		"name twice":         `{"identifier": {"name": "a"}, "fields": [{"name": "a"}]}`,
		"no type":            `{"fields": [{"name": "a", "type": "file"}]}`,
		"pattern that is no": `{"fields": [{"name": "a", "pattern": "("}]}`,
		"too long":           `{"fields": [{"name": "a", "maxLength": 10001}]}`,
	} {
		t.Run("form: "+name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.intercept("/v1/forms/kba", says(200, body))
			_, err := remote.New(t.Context(), w.config)
			require.ErrorContains(t, err, `form of "kba"`)
		})
	}
}

func TestMembersThatAreNotKnownAreIgnored(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.intercept("/v1/authenticate", says(200, `{"assurance": {"level": 3}, "subject": "grace-1", "Subject": "other"}`))
	identity, err := w.client(t).Authenticate(t.Context(), login())
	require.NoError(t, err)
	assert.Equal(t, &authenticator.Identity{Subject: "grace-1"}, identity)
}
