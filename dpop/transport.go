package dpop

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/gosignet/signet/keystore"
)

const (
	// maxOrigins is how many servers' nonces a Transport remembers.
	maxOrigins = 128
	// maxNonce is the length of the longest nonce that is remembered, in bytes.
	maxNonce = 1 << 10
	// maxErrorBody is how much of an answer is read to find out whether it demands a nonce.
	maxErrorBody = 16 << 10
)

// TransportConfig configures a [Transport].
type TransportConfig struct {
	// Key signs the proofs. It should be the client's own for this purpose, and may be one for each session of a person.
	// Required.
	Key *keystore.Key
	// Base makes the requests. Nil means http.DefaultTransport.
	Base http.RoundTripper
	// Now is the clock. Nil means time.Now.
	Now func() time.Time
}

// Transport is an [http.RoundTripper] that adds a fresh proof to each request. When the request has an access token
// with the scheme DPoP, the proof is for this token.
//
// A Transport remembers the last nonce of each server. When a server demands one that the Transport does not have, it
// sends the request again, once, with the nonce: its answer is the one that counts. This needs the request's GetBody, as
// [http.NewRequest] sets it, if the request has a body. It is safe for concurrent use.
type Transport struct {
	key    *keystore.Key
	base   http.RoundTripper
	now    func() time.Time
	nonces origins
}

var _ http.RoundTripper = (*Transport)(nil)

// NewTransport returns a Transport, or says what is wrong with the configuration.
func NewTransport(c TransportConfig) (*Transport, error) {
	if c.Key == nil {
		return nil, errors.New("dpop: Key of the Transport is missing")
	}
	t := &Transport{key: c.Key, base: c.Base, now: c.Now, nonces: origins{nonces: make(map[string]string)}}
	if t.base == nil {
		t.base = http.DefaultTransport
	}
	if t.now == nil {
		t.now = time.Now
	}
	return t, nil
}

// Thumbprint returns the thumbprint of the key, for dpop_jkt in an authorization request.
func (t *Transport) Thumbprint() string { return t.key.ID() }

// RoundTrip implements [http.RoundTripper].
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	origin := strings.ToLower(r.URL.Scheme + "://" + host(r))
	sent := t.nonces.get(origin)
	response, err := t.send(r, r.Body, sent)
	if err != nil {
		return nil, err
	}
	fresh := t.remember(origin, response)
	if fresh == "" || fresh == sent || !demandsNonce(response) {
		return response, nil
	}
	body, ok := bodyAgain(r)
	if !ok {
		return response, nil
	}
	io.Copy(io.Discard, io.LimitReader(response.Body, maxErrorBody)) // so that the connection can be used again
	response.Body.Close()
	if response, err = t.send(r, body, fresh); err != nil {
		return nil, err
	}
	t.remember(origin, response)
	return response, nil
}

// send sends a copy of the request with the body and a proof. Like any RoundTripper it closes the body.
func (t *Transport) send(r *http.Request, body io.ReadCloser, nonce string) (*http.Response, error) {
	proof, err := t.proof(r, nonce)
	if err != nil {
		if body != nil {
			body.Close()
		}
		return nil, err
	}
	r = r.Clone(r.Context())
	r.Body = body
	r.Header.Set(HeaderProof, proof)
	return t.base.RoundTrip(r)
}

// proofClaims are the claims of RFC 9449 section 4.2.
type proofClaims struct {
	ID        string `json:"jti"`
	Method    string `json:"htm"`
	URL       string `json:"htu"`
	IssuedAt  int64  `json:"iat"`
	TokenHash string `json:"ath,omitempty"`
	Nonce     string `json:"nonce,omitempty"`
}

func (t *Transport) proof(r *http.Request, nonce string) (string, error) {
	target := url.URL{Scheme: r.URL.Scheme, Host: host(r), Path: r.URL.Path, RawPath: r.URL.RawPath}
	if target.Path == "" {
		target.Path = "/"
	}
	claims := proofClaims{
		ID:       rand.Text(),
		Method:   cmp.Or(r.Method, http.MethodGet),
		URL:      target.String(),
		IssuedAt: t.now().Unix(),
		Nonce:    nonce,
	}
	if scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " "); strings.EqualFold(scheme, Scheme) {
		claims.TokenHash = tokenHash(strings.TrimLeft(token, " "))
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("dpop: encode the proof: %w", err)
	}
	proof, err := t.key.SignWithJWK(r.Context(), proofType, payload)
	if err != nil {
		return "", fmt.Errorf("dpop: sign the proof: %w", err)
	}
	return proof, nil
}

// host is the one that the server is told, and so part of the request's URL.
func host(r *http.Request) string { return cmp.Or(r.Host, r.URL.Host) }

// remember takes over the nonce of an answer and returns it. It is empty if there is not one that may be used.
func (t *Transport) remember(origin string, response *http.Response) string {
	values := response.Header.Values(HeaderNonce)
	if len(values) != 1 || !validNonce(values[0]) {
		return ""
	}
	t.nonces.set(origin, values[0])
	return values[0]
}

// validNonce reports whether RFC 9449 section 8.1 allows the nonce.
func validNonce(nonce string) bool {
	for i := range len(nonce) {
		if c := nonce[i]; c <= ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return nonce != "" && len(nonce) <= maxNonce
}

// demandsNonce reports whether the answer is the error use_dpop_nonce: at a resource in the challenge, at the token
// endpoint and at PAR in the body, which can be read afterwards as if nothing had happened.
func demandsNonce(r *http.Response) bool {
	if r.StatusCode != http.StatusUnauthorized && r.StatusCode != http.StatusBadRequest {
		return false
	}
	if challengeError(r.Header.Values("WWW-Authenticate")) == string(UseNonce) {
		return true
	}
	if mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || mediaType != "application/json" {
		return false
	}
	read, err := io.ReadAll(io.LimitReader(r.Body, maxErrorBody))
	rest := io.Reader(r.Body)
	if err != nil {
		rest = failed{err}
	}
	r.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(read), rest), r.Body}
	var answer struct {
		Error string `json:"error"`
	}
	return json.Unmarshal(read, &answer) == nil && answer.Error == string(UseNonce)
}

// failed is what is left of a body that could not be read.
type failed struct{ err error }

func (f failed) Read([]byte) (int, error) { return 0, f.err }

// bodyAgain returns the body of a request that was sent, if there is a way to have it again.
func bodyAgain(r *http.Request) (io.ReadCloser, bool) {
	if r.Body == nil || r.Body == http.NoBody {
		return r.Body, true
	}
	if r.GetBody == nil {
		return nil, false
	}
	body, err := r.GetBody()
	return body, err == nil
}

// origins remembers a nonce for each of a bounded number of servers.
type origins struct {
	mu     sync.Mutex
	nonces map[string]string
}

func (o *origins) get(origin string) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.nonces[origin]
}

// set makes room by forgetting any other server, whose next request then takes one more round trip.
func (o *origins) set(origin, nonce string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if _, known := o.nonces[origin]; !known && len(o.nonces) >= maxOrigins {
		for other := range o.nonces {
			delete(o.nonces, other)
			break
		}
	}
	o.nonces[origin] = nonce
}
