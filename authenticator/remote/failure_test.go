package remote_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/remote"
)

func TestAnswersThatCannotBeTrustedAreUnavailable(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]http.HandlerFunc{
		"empty subject":      says(200, `{"subject": ""}`),
		"no subject":         says(200, `{"state": "AA=="}`),
		"null":               says(200, `null`),
		"oversized subject":  says(200, `{"subject": "`+strings.Repeat("x", 257)+`"}`),
		"subject of no text": says(200, `{"subject": "\ud800"}`),
		"subject of no type": says(200, `{"subject": 7}`),
		"subject twice":      says(200, `{"subject": "a", "subject": "grace-1"}`),
		"state of no type":   says(200, `{"subject": "grace-1", "state": {}}`),
		"state of bytes":     says(200, `{"subject": "grace-1", "state": [1, 2]}`),
		"oversized state":    says(200, `{"subject": "grace-1", "state": "`+strings.Repeat("AAAA", 8<<10/3+1)+`"}`),
		"nonsense":           says(200, "Grace Wanjiru Otieno"),
		"more after it":      says(200, `{"subject": "grace-1"} {}`),
		"huge":               says(200, `{"subject": "grace-1", "x": "`+strings.Repeat("x", 2<<20)+`"}`),
		"another status":     says(201, `{"subject": "grace-1"}`),
		"nothing":            says(204, ""),
		"reason of success":  says(200, `{"reason": "wrong_credentials"}`),
		"error of no type":   says(403, `{"reason": 1}`),
		"error of no JSON":   says(403, `Grace`),
		"not of this version": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(`{"subject": "grace-1"}`))
		},
		"not JSON by its type": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Authenticator-Version", "1")
			w.Header().Set("Content-Type", "text/html")
			_, _ = w.Write([]byte(`{"subject": "grace-1"}`))
		},
		"cut off": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "1000")
			says(200, `{"subject": "grace-1"`)(w, r)
		},
		"panic": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			c := w.client(t)
			w.intercept("/v1/authenticate", answer)
			_, err := c.Authenticate(t.Context(), login())
			requireReason(t, err, authenticator.Unavailable)
			noPersonalData(t, err.Error())
			noPersonalData(t, w.logs.String())
		})
	}
}

func TestBindingsThatCannotBeTrustedAreUnavailable(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.config.MaxFailures = 1000
	c := w.client(t)
	var body string
	w.intercept("/v1/key-bindings", func(rw http.ResponseWriter, r *http.Request) { says(200, body)(rw, r) })
	for _, body = range []string{
		`null`, `{}`, `{"certificate": "MAA="}`, `{"subject": "grace-1"}`, `{"identity": null}`, `{"identity": "grace-1"}`, `{"identity": {"subject": ""}}`,
		`{"identity": {"subject": "\ud800"}}`, `{"identity": {"subject": "a"}, "identity": {"subject": "grace-1"}}`,
		`{"identity": {"subject": "grace-1", "state": "` + strings.Repeat("AAAA", 8<<10/3+1) + `"}}`,
		`{"identity": {"subject": "grace-1"}, "certificate": [48]}`, `{"identity": {"subject": "grace-1"}, "certificate": "MAA"}`,
		`{"identity": {"subject": "grace-1"}, "certificate": "` + strings.Repeat("AAAA", 16<<10/3+1) + `"}`,
	} {
		_, err := c.BindKey(t.Context(), bindingFor())
		requireReason(t, err, authenticator.Unavailable)
		noPersonalData(t, err.Error())
	}
	body = `{"identity": {"subject": "grace-1"}}`
	binding, err := c.BindKey(t.Context(), bindingFor())
	require.NoError(t, err)
	assert.Empty(t, binding.Certificate, "the provider certifies")
}

func TestReceiptsAndClaimsKeepToTheirBounds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.config.MaxFailures = 100
	c := w.client(t)
	var body string
	answer := func(rw http.ResponseWriter, r *http.Request) { says(200, body)(rw, r) }
	w.intercept("/v1/codes", answer)
	w.intercept("/v1/claims", answer)
	for _, body = range []string{
		`{"length": -1}`, `{"length": 33}`, `{"length": 1.5}`, `{"expires_at": "tomorrow"}`, `{"destinations": "+254"}`,
		`{"destinations": ["` + strings.Repeat("x", 257) + `"]}`, `{"destinations": ["","","","","","","","",""]}`,
	} {
		_, err := c.SendCode(t.Context(), codeFor())
		requireReason(t, err, authenticator.Unavailable)
	}
	for _, body = range []string{`{}`, `{"values": null}`, `{"values": []}`, `{"values": {"name": }}`, `{"values": {"a": 1, "a": 2}}`,
		`{"values": {}, "original": "e30.e30"}`, `{"values": {}, "original": "e30.e30.?"}`, `{"values": {}, "original": "e30.AA.AA.AA"}`,
		`{"values": {}, "verified": [{"verification": "x", "values": {"a": 1}}]}`, `{"values": {}, "verified": [{"verification": {}}]}`,
		`{"values": {}, "verified": [` + strings.Repeat(`{"verification": {}, "values": {"a": 1}},`, 32) + `{"verification": {}, "values": {"a": 1}}]}`,
		`{"values": {}, "sources": [{"names": [], "jwt": "e30.e30.AA"}]}`, `{"values": {}, "sources": [{"names": ["a"]}]}`,
		`{"values": {}, "sources": [{"names": ["a"], "jwt": "e30.e30.AA", "endpoint": "https://a.example.org"}]}`,
		`{"values": {}, "sources": [{"names": ["a"], "jwt": "e30.e30.AA", "access_token": "x"}]}`,
		`{"values": {}, "sources": [{"names": ["a"], "jwt": "e30"}]}`, `{"values": {}, "sources": [{"names": ["a"], "endpoint": "http://a.example.org"}]}`,
	} {
		_, err := c.Claims(t.Context(), claimsOf(authenticator.Identity{Subject: "grace-1"}))
		requireReason(t, err, authenticator.Unavailable)
	}
	w.intercept("/v1/challenges", answer)
	for _, body = range []string{
		`{}`, `{"options": {}, "state": [0]}`, `{"options": {}, "state": "` + strings.Repeat("AAAA", 4<<10/3+1) + `"}`,
	} {
		_, err := c.Challenge(t.Context(), deviceFor(authenticator.Passkey))
		requireReason(t, err, authenticator.Unavailable)
	}
}

func TestOnlyPublicKeysArePublished(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.config.MaxFailures = 100
	c := w.client(t)
	private := must(json.Marshal(jose.JSONWebKey{Key: key}))
	symmetric := must(json.Marshal(jose.JSONWebKey{Key: []byte("a secret that is shared")}))
	for _, body := range []string{
		`{}`, `{"keys": null}`, `{"keys": [null]}`, `{"keys": [{"kty": "none"}]}`, `{"keys": [` + string(private) + `]}`,
		`{"keys": [` + string(symmetric) + `]}`, `{"keys": [` + strings.Repeat(`{},`, 64) + `{}]}`,
	} {
		w.people.keys = json.RawMessage(body)
		_, err := c.PublicKeys(t.Context())
		requireReason(t, err, authenticator.Unavailable)
		require.ErrorContains(t, err, "503", "the Handler does not send it")
	}
	w.people.keys = json.RawMessage(`{"keys": [` + string(private) + `]}`)
	w.intercept("/v1/keys", says(200, string(w.people.keys)))
	_, err := c.PublicKeys(t.Context())
	requireReason(t, err, authenticator.Unavailable)
	require.ErrorContains(t, err, "no public key", "nor does the Client believe it")
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.client(t)
	var followed atomic.Bool
	w.intercept("/elsewhere", func(http.ResponseWriter, *http.Request) { followed.Store(true) })
	w.intercept("/v1/authenticate", func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Authenticator-Version", "1")
		http.Redirect(rw, r, "/elsewhere", http.StatusTemporaryRedirect)
	})
	_, err := c.Authenticate(t.Context(), login())
	requireReason(t, err, authenticator.Unavailable)
	assert.False(t, followed.Load())
}

// transport answers without a network, which lets the tests of time run on their own clock.
type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func answerOf(status int, body string) *http.Response {
	recorder := httptest.NewRecorder()
	says(status, body)(recorder, nil)
	return recorder.Result()
}

// Whoever could have an attempt back at which somebody looked would guess for ever.
func TestOnlyAnswersAtWhichNobodyLookedAreUnasked(t *testing.T) {
	t.Parallel()
	t.Run("no connection", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		c := w.client(t)
		w.server.Close()
		_, err := c.Authenticate(t.Context(), login())
		assert.True(t, requireReason(t, err, authenticator.Unavailable).Unasked)
	})
	t.Run("a connection that breaks", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		c := w.client(t)
		w.intercept("/v1/authenticate", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
		_, err := c.Authenticate(t.Context(), login())
		assert.False(t, requireReason(t, err, authenticator.Unavailable).Unasked)
	})
	t.Run("the Authenticator says so", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.config.MaxFailures = 100
		c := w.client(t)
		for _, reason := range reasons() {
			for _, unasked := range []bool{true, false} {
				w.people.err = &authenticator.Error{Reason: reason, Unasked: unasked}
				_, err := c.Authenticate(t.Context(), login())
				assert.Equal(t, unasked && reason == authenticator.Unavailable, requireReason(t, err, reason).Unasked, "%s", reason)
			}
		}
	})
	t.Run("the server says so of another reason", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		c := w.client(t)
		w.intercept("/v1/authenticate", says(403, `{"status": 403, "reason": "wrong_credentials", "unasked": true}`))
		_, err := c.Authenticate(t.Context(), login())
		assert.False(t, requireReason(t, err, authenticator.WrongCredentials).Unasked)
	})
	t.Run("calls are suspended", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.config.MaxFailures = 1
		c := w.client(t)
		w.intercept("/v1/authenticate", says(500, `{}`))
		_, err := c.Authenticate(t.Context(), login())
		assert.False(t, requireReason(t, err, authenticator.Unavailable).Unasked)
		_, err = c.Authenticate(t.Context(), login())
		assert.True(t, requireReason(t, err, authenticator.Unavailable).Unasked)
	})
}

func TestServerThatHangsIsLeftAfterTheTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, err := remote.New(t.Context(), remote.Config{
			BaseURL: "https://people.example.org", Timeout: 3 * time.Second,
			Transport: transport(func(r *http.Request) (*http.Response, error) {
				if r.URL.Path == "/v1/authenticate" {
					<-r.Context().Done()
					return nil, r.Context().Err()
				}
				return answerOf(200, `{"versions": [1], "factors": ["pwd"], "codes": false}`), nil
			}),
		})
		require.NoError(t, err)
		start := time.Now()
		_, err = c.Authenticate(t.Context(), login())
		requireReason(t, err, authenticator.Unavailable)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, 3*time.Second, time.Since(start))
	})
}

func TestFailuresInARowSuspendCallsAndOneHeals(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	w := newWorld(t)
	w.serverConfig.Now = func() time.Time { return now }
	w.handler.Handler = must(remote.Handler(w.people, w.serverConfig))
	w.config.MaxFailures, w.config.Pause, w.config.Now = 2, time.Minute, w.serverConfig.Now
	c := w.client(t)
	ask := func() error {
		_, err := c.Authenticate(t.Context(), login())
		return err
	}
	w.people.err = &authenticator.Error{Reason: authenticator.WrongCredentials}
	for range 5 { // a server that says no works
		requireReason(t, ask(), authenticator.WrongCredentials)
	}
	w.people.err = errors.New("the database is gone: Grace")
	requireReason(t, ask(), authenticator.Unavailable)
	requireReason(t, ask(), authenticator.Unavailable)
	asked := len(w.people.asked)
	assert.Equal(t, now.Add(time.Minute), requireReason(t, ask(), authenticator.Unavailable).RetryAt)
	assert.Len(t, w.people.asked, asked)

	now = now.Add(time.Minute)
	w.people.err = nil
	require.NoError(t, ask())
	assert.Contains(t, w.logs.String(), "calls are suspended")
	assert.Contains(t, w.logs.String(), "works again")
	noPersonalData(t, w.logs.String())
}

func TestPersonWhoGivesUpIsNoFailure(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.config.MaxFailures = 1
	c := w.client(t)
	ctx, cancel := context.WithCancel(t.Context())
	var once sync.Once
	w.people.before = func(serving context.Context) {
		once.Do(func() {
			cancel()
			<-serving.Done() // the answer must not win
		})
	}
	_, err := c.Authenticate(ctx, login())
	require.ErrorIs(t, err, context.Canceled)
	_, err = c.Authenticate(t.Context(), login())
	require.NoError(t, err)
}

func TestAuthenticatorThatBreaksItsContractIsContainedByTheHandler(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*people){
		"panics": func(p *people) { p.before = func(context.Context) { panic("Grace") } },
		"returns nothing": func(p *people) {
			p.identity, p.claims, p.receipt, p.device, p.binding = nil, nil, nil, nil, nil
			p.verified[0].Verification = []byte("null")
		},
		"fails": func(p *people) { p.err = errors.New("no row for 4409173820") },
		"lies": func(p *people) {
			p.identity.Subject, p.receipt.Length = "", -1
			p.claims.Values["x"] = []byte("Grace")
			p.device.Options = nil
			p.binding.Certificate = make([]byte, 16<<10+1)
			p.verified[0].Verification = []byte("Grace")
		},
		"subject of no text": func(p *people) {
			p.identity.Subject = "grace-1\xff"
			p.claims, p.receipt, p.device, p.binding = nil, nil, nil, nil
			p.verified[0].Verification = []byte(`"grace-1"`)
		},
		"gives impossible times": func(p *people) {
			p.err = &authenticator.Error{Reason: authenticator.TooSoon, RetryAt: time.Date(12026, 1, 1, 0, 0, 0, 0, time.UTC)}
		},
		"hangs": func(p *people) {
			p.before = func(ctx context.Context) { <-ctx.Done() }
			p.err = context.DeadlineExceeded
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.serverConfig.Timeout = 20 * time.Millisecond
			w.handler.Handler = must(remote.Handler(w.people, w.serverConfig))
			c := w.client(t)
			spoil(w.people)
			_, err := c.Authenticate(t.Context(), login())
			requireReason(t, err, authenticator.Unavailable)
			require.ErrorContains(t, err, "503", "the server answers, and does not hang up")
			_, err = c.Claims(t.Context(), claimsOf(authenticator.Identity{Subject: "grace-1"}))
			requireReason(t, err, authenticator.Unavailable)
			_, err = c.SendCode(t.Context(), codeFor())
			requireReason(t, err, authenticator.Unavailable)
			_, err = c.Challenge(t.Context(), deviceFor(authenticator.Passkey))
			requireReason(t, err, authenticator.Unavailable)
			_, err = c.Recall(t.Context(), &authenticator.Identity{Subject: "grace-1"})
			requireReason(t, err, authenticator.Unavailable)
			_, err = c.BindKey(t.Context(), bindingFor())
			requireReason(t, err, authenticator.Unavailable)
			_, err = c.Verifications(t.Context(), claimsOf(authenticator.Identity{Subject: "grace-1"}))
			requireReason(t, err, authenticator.Unavailable)
			noPersonalData(t, w.logs.String())
		})
	}
}

func TestNothingPersonalIsInURLsLogsOrErrors(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var said strings.Builder
	direct := w.config.Transport
	w.config.Transport = transport(func(r *http.Request) (*http.Response, error) {
		fmt.Fprintln(&said, r.URL, r.Header)
		return direct.RoundTrip(r)
	})
	c := w.client(t)
	exercise := func() {
		_, err := c.SendCode(t.Context(), codeFor())
		fmt.Fprintln(&said, err)
		_, err = c.Authenticate(t.Context(), login())
		fmt.Fprintln(&said, err)
		_, err = c.Claims(t.Context(), claimsOf(*w.people.identity))
		fmt.Fprintln(&said, err)
		_, err = c.Challenge(t.Context(), deviceFor(authenticator.Passkey))
		fmt.Fprintln(&said, err)
		_, err = c.Recall(t.Context(), w.people.identity)
		fmt.Fprintln(&said, err)
		_, err = c.BindKey(t.Context(), bindingFor())
		fmt.Fprintln(&said, err)
		_, err = c.Verifications(t.Context(), claimsOf(*w.people.identity))
		fmt.Fprintln(&said, err)
	}
	exercise()
	for _, reason := range append(reasons(), "Grace") {
		w.people.err = &authenticator.Error{Reason: reason}
		exercise()
	}
	w.config.Transport = transport(func(r *http.Request) (*http.Response, error) {
		return nil, errors.New("cannot " + r.URL.String() + " for Grace")
	})
	_, err := remote.New(t.Context(), w.config)
	require.ErrorContains(t, err, "*errors.errorString")
	fmt.Fprintln(&said, err)
	noPersonalData(t, said.String())
	noPersonalData(t, w.logs.String())
	assert.Contains(t, w.logs.String(), "unavailable")
}
