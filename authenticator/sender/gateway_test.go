package sender_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/sender"
)

const phone = "+855 12-000 269"

// received is a request as it came.
type received struct {
	method, uri, body string
	header            http.Header
}

// gateway is an HTTP server that remembers what it got.
type gateway struct {
	*httptest.Server
	mu       sync.Mutex
	requests []received
}

func newGatewayServer(t *testing.T, status int, answer string) *gateway {
	t.Helper()
	g := new(gateway)
	g.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		g.mu.Lock()
		g.requests = append(g.requests, received{r.Method, r.RequestURI, string(body), r.Header})
		g.mu.Unlock()
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(status)
		io.WriteString(w, answer)
	}))
	t.Cleanup(g.Close)
	return g
}

func (g *gateway) config() sender.GatewayConfig {
	return sender.GatewayConfig{
		URL: g.URL + "/send?key=url-secret", RootCAs: g.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs,
		Headers: map[string]string{"Authorization": "Bearer header-secret"},
		Body:    `{"to": "{{.To}}", "text": "{{.Text}}", "key": "body-secret"}`,
		Texts:   map[string]sender.Text{"en": {Body: "\"{{.Code}}\"\n& <{{.ClientID}}> \\ 100% é+"}, "km": {Body: "លេខកូដ៖ {{.Code}}"}},
		Now:     clock, RetryAfter: time.Nanosecond,
	}
}

func newGateway(t *testing.T, c sender.GatewayConfig) *sender.Gateway {
	t.Helper()
	s, err := sender.NewGateway(c)
	require.NoError(t, err)
	return s
}

const englishText = "\"480269\"\n& <health-portal> \\ 100% é+"

func TestAMessageIsPostedAsJSON(t *testing.T) {
	t.Parallel()
	server := newGatewayServer(t, http.StatusAccepted, "")
	s := newGateway(t, server.config())
	require.NoError(t, s.SendCode(t.Context(), message(authenticator.Phone, phone)))
	require.NoError(t, s.SendCode(t.Context(), message(authenticator.Phone, phone, "km")))

	require.Len(t, server.requests, 2)
	r := server.requests[0]
	assert.Equal(t, http.MethodPost, r.method)
	assert.Equal(t, "/send?key=url-secret", r.uri)
	assert.Equal(t, "Bearer header-secret", r.header.Get("Authorization"))
	assert.Equal(t, "application/json", r.header.Get("Content-Type"))
	var body map[string]string
	require.NoError(t, json.Unmarshal([]byte(r.body), &body))
	assert.Equal(t, map[string]string{"to": "+85512000269", "text": englishText, "key": "body-secret"}, body)
	assert.Equal(t, `{"to": "+85512000269", "text": "លេខកូដ៖ 480269", "key": "body-secret"}`, server.requests[1].body)
}

func TestAMessageIsPostedAsAForm(t *testing.T) {
	t.Parallel()
	server := newGatewayServer(t, http.StatusOK, "")
	c := server.config()
	c.Format, c.Method = sender.Form, http.MethodPut
	c.Body = "to={{.To}}&digits={{.Digits}}&text={{.Text}}&code={{.Code}}&lang={{.Language}}"
	require.NoError(t, newGateway(t, c).SendCode(t.Context(), message(authenticator.Phone, phone)))

	r := server.requests[0]
	assert.Equal(t, http.MethodPut, r.method)
	assert.Equal(t, "application/x-www-form-urlencoded", r.header.Get("Content-Type"))
	form, err := url.ParseQuery(r.body)
	require.NoError(t, err)
	assert.Equal(t, url.Values{
		"to": {"+85512000269"}, "digits": {"85512000269"}, "text": {englishText}, "code": {code}, "lang": {"en"},
	}, form)
	assert.NotContains(t, r.body, "+", "a plus sign may mean a space")
}

func TestAMessageIsSentInTheURL(t *testing.T) {
	t.Parallel()
	server := newGatewayServer(t, http.StatusOK, "")
	c := server.config()
	c.Method, c.Body = http.MethodGet, ""
	c.URL = server.URL + "/{{.Digits}}?text={{.Text}}&to={{.To}}"
	require.NoError(t, newGateway(t, c).SendCode(t.Context(), message(authenticator.Phone, phone)))

	r := server.requests[0]
	u, err := url.Parse(r.uri)
	require.NoError(t, err)
	assert.Equal(t, "/85512000269", u.Path)
	assert.Equal(t, url.Values{"text": {englishText}, "to": {"+85512000269"}}, u.Query())
	assert.Empty(t, r.body)
	assert.Empty(t, r.header.Get("Content-Type"))
}

func TestTheGatewaySaysWhetherItAccepted(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		statuses []int
		field    string
		values   []string
		status   int
		answer   string
		want     string // empty: it did
	}{
		{"a status", nil, "", nil, 202, "{", ""},
		{"another status", nil, "", nil, 500, "to +85512000269 failed", "sender: gateway: status 500"},
		{"a redirection", nil, "", nil, 307, "", "sender: gateway: status 307"},
		{"a status of its own", []int{409}, "", nil, 409, "", ""},
		{"a status that usually does", []int{409}, "", nil, 200, "", "sender: gateway: status 200"},
		{"a text", nil, "status", []string{"queued", "sent"}, 200, `{"status": "sent"}`, ""},
		{"another text", nil, "status", []string{"queued"}, 200, `{"status": "no balance"}`, "sender: gateway: status 200, with another status than expected"},
		{"a number", nil, "messages.0.status", []string{"0"}, 200, `{"messages": [{"status": 0}]}`, ""},
		{"a truth value", nil, "ok", []string{"true"}, 200, `{"ok": true}`, ""},
		{"null", nil, "ok", []string{"null"}, 200, `{"ok": null}`, "sender: gateway: status 200, with an answer that has no ok"},
		{"no such element", nil, "messages.1.status", []string{"0"}, 200, `{"messages": [{"status": 0}]}`, "sender: gateway: status 200, with an answer that has no messages.1.status"},
		{"no such member", nil, "a.b", []string{"0"}, 200, `{"a": 0}`, "sender: gateway: status 200, with an answer that has no a.b"},
		{"an object", nil, "a", []string{"{}"}, 200, `{"a": {}}`, "sender: gateway: status 200, with an answer that has no a"},
		{"no JSON", nil, "a", []string{"0"}, 200, `OK`, "sender: gateway: status 200, with an answer that has no a"},
		{"a long answer", nil, "a", []string{"0"}, 200, `{"a":0,"b":"` + string(make([]byte, 64<<10)) + `"}`, "sender: gateway: status 200, with an answer that cannot be read or is too long"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server := newGatewayServer(t, tt.status, tt.answer)
			c := server.config()
			c.Statuses, c.AnswerField, c.AnswerValues = tt.statuses, tt.field, tt.values
			err := newGateway(t, c).SendCode(t.Context(), message(authenticator.Phone, phone))
			if tt.want == "" {
				require.NoError(t, err)
			} else {
				require.EqualError(t, err, tt.want)
			}
			assert.Len(t, server.requests, 1, "nothing is sent twice, or elsewhere")
		})
	}
}

// cutting is a gateway that may cut a connection instead of answering.
func cutting(t *testing.T, inner http.Handler, cut func(connection int32, w http.ResponseWriter) bool) *gateway {
	t.Helper()
	g := new(gateway)
	var count atomic.Int32
	g.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.mu.Lock()
		g.requests = append(g.requests, received{method: r.Method})
		g.mu.Unlock()
		if !cut(count.Add(1), w) {
			inner.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(g.Close)
	return g
}

func TestARequestThatMayHaveArrivedIsNotRepeated(t *testing.T) {
	t.Parallel()
	ok := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	for _, method := range []string{http.MethodPost, http.MethodGet} {
		for what, write := range map[string]string{"cut": "", "no HTTP": "to " + phone + " accepted\r\n\r\n"} {
			t.Run(method+" "+what, func(t *testing.T) {
				t.Parallel()
				// The first request is answered, so that net/http keeps the connection if it may.
				server := cutting(t, ok, func(n int32, w http.ResponseWriter) bool {
					if n == 1 {
						return false
					}
					conn, _, err := w.(http.Hijacker).Hijack()
					if err == nil {
						io.WriteString(conn, write)
						conn.Close()
					}
					return true
				})
				c := server.config()
				if c.Method = method; method == http.MethodGet {
					c.Body = ""
				}
				s := newGateway(t, c)
				require.NoError(t, s.SendCode(t.Context(), message(authenticator.Phone, phone)))
				err := s.SendCode(t.Context(), message(authenticator.Phone, phone))
				require.Error(t, err)
				for _, private := range []string{"secret", "12-000", "12000269", code} {
					assert.NotContains(t, err.Error(), private)
				}
				server.mu.Lock()
				defer server.mu.Unlock()
				assert.Len(t, server.requests, 2)
			})
		}
	}
}

func TestAConnectionThatFailsIsTriedAgain(t *testing.T) {
	t.Parallel()
	certificate, roots := authority(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var connections, requests atomic.Int32
	server := &http.Server{
		Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { requests.Add(1) }),
		TLSConfig: &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			if connections.Add(1) < 3 {
				return nil, io.ErrUnexpectedEOF // the handshake fails
			}
			return &certificate, nil
		}},
		ErrorLog: discard,
	}
	go server.ServeTLS(listener, "", "")
	t.Cleanup(func() { server.Close() })

	c := newGatewayServer(t, 200, "").config()
	c.URL, c.RootCAs = "https://"+listener.Addr().String()+"/?key=url-secret", roots
	require.NoError(t, newGateway(t, c).SendCode(t.Context(), message(authenticator.Phone, phone)))
	assert.EqualValues(t, 3, connections.Load())
	assert.EqualValues(t, 1, requests.Load())

	connections.Store(0)
	c.Tries = 2
	err = newGateway(t, c).SendCode(t.Context(), message(authenticator.Phone, phone))
	require.Error(t, err)
	assert.NotContains(t, err.Error(), "secret")
	assert.EqualValues(t, 2, connections.Load())
}

func TestNothingSecretIsInTheErrorOfAGatewayThatIsNotThere(t *testing.T) {
	t.Parallel()
	server := newGatewayServer(t, 200, "")
	server.Close()
	err := newGateway(t, server.config()).SendCode(t.Context(), message(authenticator.Phone, phone))
	require.ErrorContains(t, err, "connection refused")
	assert.NotContains(t, err.Error(), "secret")
	assert.NotContains(t, err.Error(), "12000269")

	server = newGatewayServer(t, 200, "")
	c := server.config()
	c.RootCAs = nil
	err = newGateway(t, c).SendCode(t.Context(), message(authenticator.Phone, phone))
	require.ErrorContains(t, err, "certificate")
	assert.Empty(t, server.requests)
}

func TestARequestEndsWithTheContext(t *testing.T) {
	t.Parallel()
	arrived, release := make(chan struct{}), make(chan struct{})
	server := cutting(t, nil, func(int32, http.ResponseWriter) bool { close(arrived); <-release; return true })
	defer close(release)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- newGateway(t, server.config()).SendCode(ctx, message(authenticator.Phone, phone)) }()
	<-arrived
	cancel()
	require.ErrorIs(t, <-done, context.Canceled)
}

func TestTheWaitForAnotherConnectionEndsWithTheContext(t *testing.T) {
	t.Parallel()
	server := newGatewayServer(t, 200, "")
	server.Close()
	c := server.config()
	c.RetryAfter = time.Hour
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- newGateway(t, c).SendCode(ctx, message(authenticator.Phone, phone)) }()
	cancel()
	require.Error(t, <-done)
}

func TestOnlyTelephoneNumbersGoToAGateway(t *testing.T) {
	t.Parallel()
	server := newGatewayServer(t, 200, "")
	s := newGateway(t, server.config())
	for _, to := range []string{"", "nobody", "123456", "+1234567890123456", "+855 12 000 269;1", "++85512000269", "855+12000269", "a@example.org", "+٨٥٥١٢٠٠٠٢٦٩"} {
		err := s.SendCode(t.Context(), message(authenticator.Phone, to))
		require.EqualError(t, err, "sender: gateway: the address is not a telephone number", "%q", to)
	}
	assert.Empty(t, server.requests)
}

func TestNewGatewayReportsEveryProblem(t *testing.T) {
	t.Parallel()
	_, err := sender.NewGateway(sender.GatewayConfig{
		Method: "DELETE", URL: "http://gateway.example.org/?key=url-secret", Format: "xml", Body: "{{.Nothing}} body-secret",
		Headers:  map[string]string{"a b": "header-secret", "Idempotency-Key": "1", "X-Key": "a\nb"},
		Statuses: []int{100, 302}, AnswerField: "status", Tries: 11, RetryAfter: -1, Fallback: "km",
	})
	for _, problem := range []string{
		"Method is not", "URL is not https", "Format is not", "Body is not a template", `header "a b"`, `header "Idempotency-Key"`, `header "X-Key"`,
		"AnswerField and AnswerValues", "status 100", "status 302", "Tries", "RetryAfter", `"km"`,
	} {
		require.ErrorContains(t, err, problem)
	}
	assert.NotContains(t, err.Error(), "secret")

	const text = `{"text": "{{.Text}}"}`
	tests := []struct {
		name, problem string
		config        sender.GatewayConfig
	}{
		{"no URL", "URL is required", sender.GatewayConfig{Body: text}},
		{"a relative URL", "URL is not absolute", sender.GatewayConfig{URL: "/send", Body: text}},
		{"a host from the message", "URL does not begin with", sender.GatewayConfig{URL: "https://{{.Digits}}.example.org/", Body: text}},
		{"a user", "URL has a user", sender.GatewayConfig{URL: "https://user:secret@example.org/", Body: text}},
		{"no template", "URL is not a template", sender.GatewayConfig{URL: "https://example.org/{{secret", Body: text}},
		{"no body", "Body is required", sender.GatewayConfig{URL: "https://example.org/"}},
		{"a body with GET", "Body is required, except", sender.GatewayConfig{URL: "https://example.org/", Method: "GET", Body: text}},
		{"no JSON", "Body is not JSON", sender.GatewayConfig{URL: "https://example.org/", Body: `{"text": {{.Text}}}`}},
		{"a number with zeros in front", "Body is not JSON", sender.GatewayConfig{URL: "https://example.org/", Body: `{"code": {{.Code}}}`}},
		{"no form", "Body is not a form", sender.GatewayConfig{URL: "https://example.org/", Format: sender.Form, Body: "a=%zz"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := sender.NewGateway(tt.config)
			require.ErrorContains(t, err, tt.problem)
			assert.NotContains(t, err.Error(), "secret")
		})
	}
	_, err = sender.NewGateway(sender.GatewayConfig{URL: "http://127.0.0.1:8080/", AllowHTTP: true, Body: text})
	require.NoError(t, err)
}
