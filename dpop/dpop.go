// Package dpop is RFC 9449, Demonstrating Proof of Possession: a token that is bound to a key is worth nothing to whoever
// steals it without the key.
//
//   - An authorization server verifies the proofs that come with requests for tokens: [Verifier], [Proof].
//   - A resource server lets in whoever has a token and the key to which it is bound: [Resource].
//   - A client sends a proof with each request: [Transport].
//   - Any server may demand that proofs are fresh, without keeping state for it: [Nonces].
package dpop

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/gosignet/signet/internal/jwt"
	"github.com/gosignet/signet/store"
)

const (
	// HeaderProof is the header field of a request that has the proof.
	HeaderProof = "DPoP"
	// HeaderNonce is the header field of an answer that has the nonce for the next proof.
	HeaderNonce = "DPoP-Nonce"
	// Scheme is the authentication scheme of a bound token in an Authorization header, and the token_type in the answer
	// that brings it.
	Scheme = "DPoP"

	// MaxProofSize is the length of the longest proof that is read, in bytes. One by an RSA key of 4096 bits has 2000.
	MaxProofSize = 8 << 10

	defaultWindow = time.Minute
	minWindow     = 10 * time.Second
	maxWindow     = 10 * time.Minute
	// clockSkew is how far the clock of a client may be ahead of ours, and that of a store apart from it.
	clockSkew = 15 * time.Second
	maxJTI    = 256
	proofType = "dpop+jwt"
)

// Config configures a [Verifier]. It is not changed after New.
type Config struct {
	// Store remembers the proofs that were used. All instances that accept proofs for one URL share it. Required.
	Store store.Ephemeral
	// Algorithms are those that proofs may be signed with, the preferred ones first. Nil means ES256, PS256 and EdDSA,
	// which FAPI 2.0 allows. RS256 and ES384 are accepted if they are listed; none and HMAC never are.
	Algorithms []jose.SignatureAlgorithm
	// Window is how old the iat of a proof may be: 10 seconds to 10 minutes. Zero means a minute. It may be 15 seconds ahead
	// of our clock (FAPI 2.0 Security Profile section 5.3.2.1 allows 10). A nonce tells better, and lifts both limits.
	Window time.Duration
	// Nonces makes and knows the nonces of this server. Nil means that it has none, and ignores those in proofs.
	Nonces *Nonces
	// RequireNonce demands a nonce in every proof; [Request] can demand it of one.
	RequireNonce bool
	// Now is the clock. Nil means time.Now.
	Now func() time.Time
}

// Verifier verifies proofs. It is safe for concurrent use.
type Verifier struct {
	store        store.Ephemeral
	algorithms   []jose.SignatureAlgorithm
	window       time.Duration
	nonces       *Nonces
	requireNonce bool
	now          func() time.Time
}

// New returns a Verifier, or every mistake in the Config at once.
func New(c Config) (*Verifier, error) {
	v := &Verifier{
		store:        c.Store,
		algorithms:   slices.Clone(c.Algorithms),
		window:       c.Window,
		nonces:       c.Nonces,
		requireNonce: c.RequireNonce,
		now:          c.Now,
	}
	if v.algorithms == nil {
		v.algorithms = []jose.SignatureAlgorithm{jose.ES256, jose.PS256, jose.EdDSA}
	}
	if v.window == 0 {
		v.window = defaultWindow
	}
	if v.now == nil {
		v.now = time.Now
	}
	var errs []error
	if v.store == nil {
		errs = append(errs, errors.New("dpop: Store is missing"))
	}
	if err := jwt.CheckAlgorithms(v.algorithms); err != nil {
		errs = append(errs, fmt.Errorf("dpop: Algorithms: %w", err))
	}
	if v.window < minWindow || v.window > maxWindow {
		errs = append(errs, fmt.Errorf("dpop: Window is %s, not %s to %s", v.window, minWindow, maxWindow))
	}
	if v.requireNonce && v.nonces == nil {
		errs = append(errs, errors.New("dpop: RequireNonce needs Nonces"))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return v, nil
}

// Algorithms returns the algorithms that proofs may be signed with, for dpop_signing_alg_values_supported in metadata.
func (v *Verifier) Algorithms() []jose.SignatureAlgorithm { return slices.Clone(v.algorithms) }

// Request is what a proof must be made for.
type Request struct {
	// Header is the header of the HTTP request.
	Header http.Header
	// Method is the method of the HTTP request.
	Method string
	// URL is the address at which the client sees the endpoint; a query and a fragment are ignored. The server knows it
	// from its configuration: the Host header and its like come from whoever sends the request.
	URL string
	// AccessToken is the token that came with the request. The proof must then be made for this token; whether the token
	// is bound to the proof's key is for the caller to ask with [Proof.CheckKey]. Empty at the token endpoint and at PAR.
	AccessToken string
	// RequireNonce demands a nonce of this proof, as Config.RequireNonce does of all.
	RequireNonce bool
}

// HasProof reports whether the request has a DPoP header field at all. One that is there must be verified, even where
// none is needed: a client that sends one expects that its token will be bound.
func HasProof(h http.Header) bool { return len(h.Values(HeaderProof)) > 0 }

// Verify checks the proof of a request as RFC 9449 section 4.3 demands, except that it was not used before: that is for
// [Proof.Consume], which must have succeeded before anything is done for the client. In between the caller validates the
// rest of the request, so that a request that fails uses nothing up. The caller also compares the key; see
// [Proof.CheckKey].
//
// A proof that is refused, is missing, or lacks a fresh nonce gives an *[Error]. Any other error is a mistake in the
// Request by the server.
func (v *Verifier) Verify(r Request) (*Proof, error) {
	target, err := normalise(r.URL)
	if err != nil {
		return nil, fmt.Errorf("dpop: URL of the request: %w", err)
	}
	requireNonce := v.requireNonce || r.RequireNonce
	if requireNonce && v.nonces == nil {
		return nil, v.demandNonce()
	}
	claims, thumbprint, err := v.open(r.Header)
	if err != nil {
		return nil, err
	}
	if err := checkTarget(claims, r, target); err != nil {
		return nil, err
	}
	if r.AccessToken != "" {
		if err := checkToken(claims, r.AccessToken); err != nil {
			return nil, err
		}
	}
	if claims.ID == "" || len(claims.ID) > maxJTI {
		return nil, refuse("jti of the DPoP proof is missing or too long", nil)
	}
	p := &Proof{Thumbprint: thumbprint, IssuedAt: claims.IssuedAt, ID: claims.ID, verifier: v, target: target}
	if err := v.checkNonce(p, claims, requireNonce); err != nil {
		return nil, err
	}
	if err := v.checkTime(p, claims); err != nil {
		return nil, err
	}
	return p, nil
}

// open returns the claims of a proof that its own key has signed, and the thumbprint of the key.
func (v *Verifier) open(h http.Header) (*jwt.Claims, string, error) {
	values := h.Values(HeaderProof)
	switch {
	case len(values) == 0:
		return nil, "", refuse("the DPoP proof is missing", nil)
	case len(values) > 1:
		return nil, "", refuse("there is more than one DPoP proof", nil)
	case len(values[0]) > MaxProofSize:
		return nil, "", refuse("the DPoP proof is too long", nil)
	}
	token, err := jwt.Parse(values[0], v.algorithms)
	if errors.Is(err, jwt.ErrAlgorithm) {
		return nil, "", refuse("the DPoP proof is signed with an algorithm that is not accepted", err)
	}
	if err != nil {
		return nil, "", refuse("the DPoP proof is malformed", err)
	}
	if !token.HasType(proofType) {
		return nil, "", refuse("typ of the DPoP proof is not dpop+jwt", nil)
	}
	key, err := token.EmbeddedKey()
	if err != nil {
		return nil, "", refuse("jwk of the DPoP proof is not one public key", err)
	}
	key.KeyID = token.KeyID // there is one key, whatever the proof calls it
	payload, err := token.Verify([]jose.JSONWebKey{key})
	if err != nil {
		return nil, "", refuse("the DPoP proof is not signed by the key in its jwk", err)
	}
	claims, err := jwt.DecodeClaims(payload)
	if err != nil {
		return nil, "", refuse("the claims of the DPoP proof are malformed", err)
	}
	thumbprint, err := Thumbprint(key)
	if err != nil {
		return nil, "", refuse("jwk of the DPoP proof is not one public key", err)
	}
	return claims, thumbprint, nil
}

// checkTarget says whether the proof is for the method and the URL of the request, which target is the normal form of.
func checkTarget(c *jwt.Claims, r Request, target string) error {
	htm, err := c.Text("htm")
	if err != nil || htm == "" || htm != r.Method {
		return refuse("htm of the DPoP proof is not the method of the request", err)
	}
	htu, err := c.Text("htu")
	if err == nil && htu == r.URL {
		return nil
	}
	if err == nil {
		htu, err = normalise(htu)
	}
	if err != nil || htu != target {
		return refuse("htu of the DPoP proof is not the URL of the request", err)
	}
	return nil
}

// checkToken says whether the proof is for the access token.
func checkToken(c *jwt.Claims, token string) error {
	ath, err := c.Text("ath")
	if err != nil || subtle.ConstantTimeCompare([]byte(ath), []byte(tokenHash(token))) != 1 {
		return refuse("ath of the DPoP proof is not the hash of the access token", err)
	}
	return nil
}

// tokenHash is the ath of an access token.
func tokenHash(token string) string {
	digest := sha256.Sum256([]byte(token))
	return base64.RawURLEncoding.EncodeToString(digest[:])
}

// checkNonce says whether the proof has a nonce of ours. A nonce that is there is checked even if none is required: whoever
// sends one has learned from us to do so.
func (v *Verifier) checkNonce(p *Proof, c *jwt.Claims, required bool) error {
	nonce, err := c.Text("nonce")
	switch {
	case err != nil:
		return refuse("nonce of the DPoP proof is not a string", err)
	case v.nonces == nil || nonce == "" && !required:
		return nil
	case !v.nonces.Check(nonce):
		return v.demandNonce()
	}
	p.fresh = true
	if current := v.nonces.Current(); current != nonce {
		p.NextNonce = current
	}
	return nil
}

// demandNonce is the answer to a proof without a nonce that is good now.
func (v *Verifier) demandNonce() error {
	if v.nonces == nil {
		return errors.New("dpop: a nonce is required of a proof and there are no Nonces")
	}
	return &Error{Code: UseNonce, Description: "the DPoP proof needs the nonce of this answer", Nonce: v.nonces.Current()}
}

// checkTime says whether the proof was made just now, and until when it must be remembered. A fresh nonce tells when it
// was made better than the client's clock does, which may be hours off (RFC 9449 section 4.3, item 11).
func (v *Verifier) checkTime(p *Proof, c *jwt.Claims) error {
	now := v.now()
	age := now.Sub(c.IssuedAt)
	switch {
	case c.IssuedAt.IsZero():
		return refuse("iat of the DPoP proof is missing", nil)
	case !p.fresh && (age > v.window || age < -clockSkew):
		return refuse("iat of the DPoP proof is too far from now", nil)
	case !c.ExpiresAt.IsZero() && now.Sub(c.ExpiresAt) >= clockSkew:
		return refuse("the DPoP proof has expired", nil)
	case !c.NotBefore.IsZero() && c.NotBefore.Sub(now) > clockSkew:
		return refuse("the DPoP proof is not valid yet", nil)
	}
	p.remember, p.age = v.window-age+clockSkew, age+clockSkew
	if p.fresh {
		p.remember, p.age = v.nonces.lifetime()+clockSkew, v.nonces.lifetime()
	}
	p.age = max(p.age, time.Millisecond)
	return nil
}
