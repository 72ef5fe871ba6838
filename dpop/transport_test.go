package dpop_test

import (
	"bytes"
	"crypto"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/dpop"
	"github.com/gosignet/signet/keystore"
)

// server answers a Transport without a network, and remembers what it was sent.
type server struct {
	mu      sync.Mutex
	seen    []exchange
	answers func(n int, r *http.Request) *http.Response
}

type exchange struct {
	header map[string]any // of the proof
	claims map[string]any
	body   string
}

func (s *server) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var e exchange
	if r.Body != nil {
		e.body = string(must(io.ReadAll(r.Body)))
		r.Body.Close()
	}
	e.header, e.claims = openForeign(r.Header.Values("DPoP"))
	s.seen = append(s.seen, e)
	response := s.answers(len(s.seen), r)
	response.Request = r
	return response, nil
}

// openForeign verifies a proof with go-jose alone.
func openForeign(proofs []string) (header, claims map[string]any) {
	if len(proofs) != 1 {
		panic(fmt.Sprint(len(proofs), " proofs"))
	}
	jws := must(jose.ParseSignedCompact(proofs[0], []jose.SignatureAlgorithm{jose.ES256, jose.PS256, jose.EdDSA}))
	protected := jws.Signatures[0].Protected
	payload := must(jws.Verify(protected.JSONWebKey))
	must(0, json.Unmarshal(payload, &claims))
	return map[string]any{"typ": protected.ExtraHeaders[jose.HeaderType], "alg": protected.Algorithm, "jwk": protected.JSONWebKey}, claims
}

func answer(status int, body string, headers ...string) *http.Response {
	r := &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return r
}

// challenge is what a token endpoint answers without a good nonce.
func challenge(nonce string) *http.Response {
	return answer(400, `{"error":"use_dpop_nonce"}`, "Content-Type", "application/json", "DPoP-Nonce", nonce)
}

func ok(headers ...string) *http.Response { return answer(200, "fine", headers...) }

func newTransport(t testing.TB, alg jose.SignatureAlgorithm, base http.RoundTripper) *dpop.Transport {
	t.Helper()
	transport, err := dpop.NewTransport(dpop.TransportConfig{Key: newKey(t, alg), Base: base, Now: newClock().Now})
	require.NoError(t, err)
	return transport
}

func do(t testing.TB, transport http.RoundTripper, r *http.Request) (status int, body string) {
	t.Helper()
	response, err := transport.RoundTrip(r)
	require.NoError(t, err)
	defer response.Body.Close()
	return response.StatusCode, string(must(io.ReadAll(response.Body)))
}

func request(method, url, body string) *http.Request {
	if body == "" {
		return must(http.NewRequest(method, url, nil))
	}
	return must(http.NewRequest(method, url, strings.NewReader(body)))
}

func TestTransportMakesAProofForEachRequest(t *testing.T) {
	t.Parallel()
	for _, alg := range []jose.SignatureAlgorithm{jose.ES256, jose.PS256, jose.EdDSA} {
		t.Run(string(alg), func(t *testing.T) {
			t.Parallel()
			s := &server{answers: func(int, *http.Request) *http.Response { return ok() }}
			transport := newTransport(t, alg, s)
			assert.Equal(t, thumbprint(signer(alg)), transport.Thumbprint())

			r := request("POST", "https://user:pass@id.example/a%2Fb/~c?query=1#fragment", "x=y")
			status, body := do(t, transport, r)
			assert.Equal(t, 200, status)
			assert.Equal(t, "fine", body)
			assert.Empty(t, r.Header, "the request belongs to the caller")
			r = request("", "https://rs.example", "")
			r.Header.Set("Authorization", "dpop "+accessToken)
			r.Header.Set("DPoP", "an old one")
			do(t, transport, r)
			r = request("GET", "https://rs.example/", "")
			r.Header.Set("Authorization", "Bearer "+accessToken)
			do(t, transport, r)

			require.Len(t, s.seen, 3)
			seen := make(map[any]bool)
			for i, want := range []map[string]any{
				{"htm": "POST", "htu": "https://id.example/a%2Fb/~c"},
				{"htm": "GET", "htu": "https://rs.example/", "ath": tokenHash(accessToken)},
				{"htm": "GET", "htu": "https://rs.example/"},
			} {
				header, claims := s.seen[i].header, s.seen[i].claims
				assert.Equal(t, "dpop+jwt", header["typ"])
				assert.Equal(t, string(alg), header["alg"])
				assert.Equal(t, jose.JSONWebKey{Key: signer(alg).Public()}.Key, header["jwk"].(*jose.JSONWebKey).Key)
				assert.GreaterOrEqual(t, len(claims["jti"].(string)), 22)
				assert.False(t, seen[claims["jti"]])
				seen[claims["jti"]] = true
				want["jti"], want["iat"] = claims["jti"], float64(start.Unix())
				assert.Equal(t, want, claims)
			}
			assert.Equal(t, "x=y", s.seen[0].body)
		})
	}
}

func TestTransportFollowsADemandForANonce(t *testing.T) {
	t.Parallel()
	for name, demand := range map[string]func() *http.Response{
		"token endpoint": func() *http.Response { return challenge("n1") },
		"token endpoint, 401 and charset": func() *http.Response {
			return answer(401, `{"error":"use_dpop_nonce"}`, "Content-Type", "application/json; charset=utf-8", "DPoP-Nonce", "n1")
		},
		"resource": func() *http.Response {
			return answer(401, "", "WWW-Authenticate", "Bearer", "WWW-Authenticate", `DPoP algs="ES256", error="use_dpop_nonce"`, "DPoP-Nonce", "n1")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &server{answers: func(n int, _ *http.Request) *http.Response {
				switch n {
				case 1:
					return demand()
				case 2:
					return ok("DPoP-Nonce", "n2")
				}
				return ok()
			}}
			transport := newTransport(t, jose.ES256, s)
			for range 2 {
				status, body := do(t, transport, request("POST", tokenURL, "code=c"))
				assert.Equal(t, 200, status)
				assert.Equal(t, "fine", body)
			}
			do(t, transport, request("GET", "https://ID.example/other", ""))
			do(t, transport, request("GET", "https://id.example:8443/", ""))
			do(t, transport, request("GET", "http://id.example/", ""))
			var nonces []any
			for _, e := range s.seen {
				nonces = append(nonces, e.claims["nonce"])
			}
			assert.Equal(t, []any{nil, "n1", "n2", "n2", nil, nil}, nonces)
			assert.Equal(t, "code=c", s.seen[1].body)
			assert.NotEqual(t, s.seen[0].claims["jti"], s.seen[1].claims["jti"])
		})
	}
}

func TestTransportSendsARequestTwiceAtMost(t *testing.T) {
	t.Parallel()
	s := &server{answers: func(n int, _ *http.Request) *http.Response { return challenge(fmt.Sprint("n", n)) }}
	status, body := do(t, newTransport(t, jose.ES256, s), request("POST", tokenURL, "code=c"))
	assert.Equal(t, 400, status)
	assert.JSONEq(t, `{"error":"use_dpop_nonce"}`, body)
	assert.Len(t, s.seen, 2)
}

func TestTransportSendsARequestOnce(t *testing.T) {
	t.Parallel()
	long := `{"error":"` + strings.Repeat("x", 100_000) + `"}`
	for name, response := range map[string]func() *http.Response{
		"another error": func() *http.Response {
			return answer(400, `{"error":"invalid_grant"}`, "Content-Type", "application/json", "DPoP-Nonce", "n")
		},
		"a long answer": func() *http.Response { return answer(400, long, "Content-Type", "application/json", "DPoP-Nonce", "n") },
		"no JSON":       func() *http.Response { return answer(400, "x", "Content-Type", "application/json", "DPoP-Nonce", "n") },
		"no type":       func() *http.Response { return answer(400, `{"error":"use_dpop_nonce"}`, "DPoP-Nonce", "n") },
		"another status": func() *http.Response {
			return answer(403, `{"error":"use_dpop_nonce"}`, "Content-Type", "application/json", "DPoP-Nonce", "n")
		},
		"no nonce": func() *http.Response {
			return answer(400, `{"error":"use_dpop_nonce"}`, "Content-Type", "application/json")
		},
		"two nonces": func() *http.Response {
			r := challenge("n")
			r.Header.Add("DPoP-Nonce", "m")
			return r
		},
		"nonce with a quote": func() *http.Response { return challenge(`a"b`) },
		"nonce with a space": func() *http.Response { return challenge("a b") },
		"empty nonce":        func() *http.Response { return challenge("") },
		"endless nonce":      func() *http.Response { return challenge(strings.Repeat("n", 1025)) },
		"bearer challenge": func() *http.Response {
			return answer(401, "", "WWW-Authenticate", `Bearer error="use_dpop_nonce"`, "DPoP-Nonce", "n")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := string(must(io.ReadAll(response().Body)))
			s := &server{answers: func(int, *http.Request) *http.Response { return response() }}
			_, body := do(t, newTransport(t, jose.ES256, s), request("POST", tokenURL, "code=c"))
			assert.Equal(t, want, body, "the answer is left as it was")
			assert.Len(t, s.seen, 1)
		})
	}
	t.Run("a body that cannot be had again", func(t *testing.T) {
		t.Parallel()
		for _, getBody := range []func() (io.ReadCloser, error){nil, func() (io.ReadCloser, error) { return nil, errors.New("gone") }} {
			s := &server{answers: func(int, *http.Request) *http.Response { return challenge("n") }}
			transport := newTransport(t, jose.ES256, s)
			r := request("POST", tokenURL, "code=c")
			r.GetBody = getBody
			status, body := do(t, transport, r)
			assert.Equal(t, 400, status)
			assert.JSONEq(t, `{"error":"use_dpop_nonce"}`, body)
			assert.Len(t, s.seen, 1)
			s.answers = func(int, *http.Request) *http.Response { return ok() }
			do(t, transport, request("POST", tokenURL, "code=c"))
			assert.Equal(t, "n", s.seen[1].claims["nonce"], "the next request has the nonce")
		}
	})
}

func TestTransportRemembersABoundedNumberOfServers(t *testing.T) {
	t.Parallel()
	s := &server{answers: func(int, *http.Request) *http.Response { return ok("DPoP-Nonce", "n") }}
	transport := newTransport(t, jose.EdDSA, s)
	for i := range dpop.MaxOrigins + 50 {
		do(t, transport, request("GET", fmt.Sprintf("https://rs%d.example/", i), ""))
	}
	assert.Equal(t, dpop.MaxOrigins, transport.Origins())
	last := fmt.Sprintf("https://rs%d.example/", dpop.MaxOrigins+49)
	do(t, transport, request("GET", last, ""))
	assert.Equal(t, "n", s.seen[len(s.seen)-1].claims["nonce"])
}

// closing remembers that it was closed.
type closing struct {
	io.Reader
	closed bool
}

func (c *closing) Close() error { c.closed = true; return nil }

// failing is a network that is down. Like any RoundTripper it closes the body.
type failing struct{ err error }

func (f failing) RoundTrip(r *http.Request) (*http.Response, error) {
	r.Body.Close()
	return nil, f.err
}

func TestTransportClosesBodies(t *testing.T) {
	t.Parallel()
	sent, first := &closing{Reader: strings.NewReader("x")}, &closing{Reader: strings.NewReader(`{"error":"use_dpop_nonce"}`)}
	s := &server{answers: func(n int, _ *http.Request) *http.Response {
		if n == 1 {
			r := challenge("n")
			r.Body = first
			return r
		}
		return ok()
	}}
	r := request("POST", tokenURL, "x")
	r.Body = sent
	do(t, newTransport(t, jose.ES256, s), r)
	assert.True(t, sent.closed)
	assert.True(t, first.closed)
	assert.Equal(t, "x", s.seen[1].body)

	down := errors.New("the network is down")
	sent = &closing{Reader: strings.NewReader("x")}
	r = request("POST", tokenURL, "x")
	r.Body = sent
	_, err := newTransport(t, jose.ES256, failing{down}).RoundTrip(r)
	assert.ErrorIs(t, err, down)
	assert.True(t, sent.closed)
}

// noSigner is an HSM that was taken away.
type noSigner struct{ crypto.Signer }

func (noSigner) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	return nil, errors.New("the HSM is gone")
}

func TestTransportSendsNothingWithoutAProof(t *testing.T) {
	t.Parallel()
	key, err := keystore.NewKey(jose.ES256, noSigner{ecKey()})
	require.NoError(t, err)
	s := &server{}
	transport, err := dpop.NewTransport(dpop.TransportConfig{Key: key, Base: s})
	require.NoError(t, err)
	body := &closing{Reader: strings.NewReader("x")}
	_, err = transport.RoundTrip(must(http.NewRequest("POST", tokenURL, body)))
	assert.ErrorContains(t, err, "the HSM is gone")
	assert.True(t, body.closed)
	_, err = transport.RoundTrip(request("GET", tokenURL, ""))
	assert.Error(t, err)
	assert.Empty(t, s.seen)
}

func TestTheHostThatTheServerIsToldIsPartOfTheURL(t *testing.T) {
	t.Parallel()
	s := &server{answers: func(int, *http.Request) *http.Response { return ok() }}
	r := request("GET", "http://10.0.0.1:8080/a", "")
	r.Host = "rs.example"
	do(t, newTransport(t, jose.ES256, s), r)
	assert.Equal(t, "http://rs.example/a", s.seen[0].claims["htu"])
}

func TestAnAnswerThatBreaksOffStaysBroken(t *testing.T) {
	t.Parallel()
	broke := errors.New("connection reset")
	s := &server{answers: func(int, *http.Request) *http.Response {
		r := challenge("n")
		r.Body = io.NopCloser(io.MultiReader(strings.NewReader(`{"error":`), brokenReader{broke}))
		return r
	}}
	response, err := newTransport(t, jose.ES256, s).RoundTrip(request("POST", tokenURL, "x"))
	require.NoError(t, err)
	read, err := io.ReadAll(response.Body)
	assert.ErrorIs(t, err, broke)
	assert.Equal(t, `{"error":`, string(read))
}

type brokenReader struct{ err error }

func (i brokenReader) Read([]byte) (int, error) { return 0, i.err }

func TestNewTransportNeedsAKey(t *testing.T) {
	t.Parallel()
	_, err := dpop.NewTransport(dpop.TransportConfig{})
	assert.ErrorContains(t, err, "Key")
}

// TestTransportAndResource sends 64 requests at once through one Transport to a real server that demands nonces.
func TestTransportAndResource(t *testing.T) {
	t.Parallel()
	c := newClock()
	v := newVerifier(t, c, func(config *dpop.Config) {
		config.Nonces, config.RequireNonce = newNonces(t, c, secretA), true
	})
	var origin string
	guarded := resource(t, v, func(config *dpop.ResourceConfig) {
		config.BaseURL, config.URL = "", func(r *http.Request) string { return origin + r.URL.Path }
	})
	s := httptest.NewServer(guarded)
	defer s.Close()
	origin = s.URL
	client := &http.Client{Transport: newTransport(t, jose.ES256, nil)}
	var group sync.WaitGroup
	for range 64 {
		group.Go(func() {
			r := must(http.NewRequest("POST", s.URL+"/people/me?a=b", bytes.NewReader([]byte("x"))))
			r.Header.Set("Authorization", "DPoP "+accessToken)
			response, err := client.Do(r)
			if !assert.NoError(t, err) {
				return
			}
			defer response.Body.Close()
			assert.Equal(t, 200, response.StatusCode)
		})
	}
	group.Wait()
}
