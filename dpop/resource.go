package dpop

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/gosignet/signet/store"
)

const (
	bearer = "Bearer"
	// retryAfter is when to come back after an outage, in seconds.
	retryAfter = "5"
)

// TokenVerifier says whether an access token is valid for the resource, and to which key it is bound. The error wraps
// [ErrInvalidToken] if the token is not valid; any other error means that nobody can tell now. It must change nothing:
// it is asked before the proof is, so a thief without the key gets this far.
type TokenVerifier func(ctx context.Context, token string) (*Token, error)

// Token is what a resource server knows of a valid access token.
type Token struct {
	// Thumbprint is the jkt of the token's cnf claim. It is empty if the token is bound to no key.
	Thumbprint string
	// RequireNonce demands a nonce in the proofs that come with this token.
	RequireNonce bool
	// ACR and AuthTime are the token's claims of the same names, for [Resource.Require]: which authentication context the
	// person met, and when. They are zero if the token does not say.
	ACR      string
	AuthTime time.Time
	// Claims is what else there is to know, for the handler behind.
	Claims any
}

// Access is how a request was let in.
type Access struct {
	// Token is what the TokenVerifier said.
	Token *Token
	// Proof is the proof that came with the token, and is used up. It is nil for a bearer token.
	Proof *Proof
}

// ResourceConfig configures a [Resource]. It is not changed after NewResource.
type ResourceConfig struct {
	// Verifier verifies proofs. Required.
	Verifier *Verifier
	// Tokens verifies access tokens. Required, unless TokensIn is there.
	Tokens TokenVerifier
	// TokensIn is for access tokens that are kept in a store. It puts what it has to read into the batch that uses the
	// proof up, and returns the TokenVerifier's answer once the batch was carried out. The proof is then verified first
	// and used up whatever the answer is, for one round trip instead of two.
	TokensIn func(b *store.Batch, token string) func(context.Context) (*Token, error)
	// BaseURL is the address at which clients see the root of the resources, as "https://api.example" or, where a proxy
	// takes a prefix away, "https://example/api". The path of a request comes after it. Required, unless URL is there.
	BaseURL string
	// URL returns the address at which the client sees what it requests, where BaseURL is not enough. It must not
	// believe the Host header of a request without knowing all hosts.
	URL func(*http.Request) string
	// AllowBearer lets tokens in that are bound to no key, with the scheme Bearer. A bound token is never let in so.
	AllowBearer bool
	// Logger takes why requests are refused, and outages. Nil discards it.
	Logger *slog.Logger
}

// Resource guards the resources of a resource server. It is safe for concurrent use.
type Resource struct {
	verifier    *Verifier
	tokens      TokenVerifier
	tokensIn    func(*store.Batch, string) func(context.Context) (*Token, error)
	url         func(*http.Request) string
	allowBearer bool
	logger      *slog.Logger
}

// NewResource returns a Resource, or every mistake in the configuration at once.
func NewResource(c ResourceConfig) (*Resource, error) {
	s := &Resource{
		verifier: c.Verifier, tokens: c.Tokens, tokensIn: c.TokensIn, url: c.URL, allowBearer: c.AllowBearer, logger: c.Logger,
	}
	if s.logger == nil {
		s.logger = slog.New(slog.DiscardHandler)
	}
	var errs []error
	if s.verifier == nil {
		errs = append(errs, errors.New("dpop: Verifier of the Resource is missing"))
	}
	if (s.tokens == nil) == (s.tokensIn == nil) {
		errs = append(errs, errors.New("dpop: the Resource needs Tokens or TokensIn, and not both"))
	}
	switch {
	case (c.BaseURL == "") == (c.URL == nil):
		errs = append(errs, errors.New("dpop: the Resource needs a BaseURL or a URL, and not both"))
	case c.URL == nil:
		if _, err := normalise(c.BaseURL); err != nil || strings.ContainsAny(c.BaseURL, "?#") {
			errs = append(errs, errors.New("dpop: BaseURL of the Resource is not a URL with http or https and a host alone"))
		}
		base := strings.TrimSuffix(c.BaseURL, "/")
		s.url = func(r *http.Request) string { return base + r.URL.EscapedPath() }
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return s, nil
}

// Handler lets a request through to next if [Resource.Authenticate] does; next finds its [Access] with [FromContext].
func (s *Resource) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		access, err := s.Authenticate(r)
		if err != nil {
			s.Refuse(w, r, err)
			return
		}
		if access.Proof != nil && access.Proof.NextNonce != "" {
			setNonce(w.Header(), access.Proof.NextNonce)
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), accessKey{}, access)))
	})
}

type accessKey struct{}

// FromContext returns how a request was let in. It reports false for a request that came through no [Resource].
func FromContext(ctx context.Context) (*Access, bool) {
	access, ok := ctx.Value(accessKey{}).(*Access)
	return access, ok
}

// Authenticate verifies the token of a request and the proof with it, and uses the proof up last, or along with
// [ResourceConfig.TokensIn]. The answer to an error
// is for [Resource.Refuse]. A proof that fails is nobody's fault but the sender's, and changes nothing for the token.
func (s *Resource) Authenticate(r *http.Request) (*Access, error) {
	scheme, credentials, err := authorization(r.Header)
	if err != nil {
		return nil, err
	}
	if scheme != Scheme && !s.allowBearer {
		return nil, &Error{Code: InvalidToken, Description: "the access token must be used with the scheme DPoP"}
	}
	if s.tokensIn != nil {
		return s.authenticateIn(r, scheme, credentials)
	}
	token, err := s.tokens(r.Context(), credentials)
	if err := usable(scheme, token, err); err != nil {
		return nil, err
	}
	if scheme == bearer {
		return &Access{Token: token}, nil
	}
	proof, err := s.verify(r, credentials, token.RequireNonce)
	if err != nil {
		return nil, err
	}
	if err := s.checkProof(proof, token); err != nil {
		return nil, err
	}
	if err := proof.Consume(r.Context()); err != nil {
		return nil, err
	}
	return &Access{Token: token, Proof: proof}, nil
}

// authenticateIn is Authenticate in one round trip. What is wrong with the token is said before what is wrong with the
// proof, as there.
func (s *Resource) authenticateIn(r *http.Request, scheme, credentials string) (*Access, error) {
	var b store.Batch
	find := s.tokensIn(&b, credentials)
	var proof *Proof
	var refused error
	consumed := func() error { return refused }
	if scheme == Scheme {
		if proof, refused = s.verify(r, credentials, false); refused == nil {
			consumed = proof.ConsumeIn(&b)
		}
	}
	b.Do(r.Context())
	token, err := find(r.Context())
	if err := usable(scheme, token, err); err != nil {
		return nil, err
	}
	switch {
	case refused != nil && token.RequireNonce: // a client whose clock is wrong needs a nonce to get any further
		_, err = s.verify(r, credentials, true)
	case proof != nil:
		err = s.checkProof(proof, token)
	}
	if err == nil {
		err = consumed()
	}
	if err != nil {
		return nil, err
	}
	return &Access{Token: token, Proof: proof}, nil
}

// usable says whether what the TokenVerifier returned can be used with the scheme.
func usable(scheme string, token *Token, err error) error {
	switch {
	case errors.Is(err, ErrInvalidToken):
		return &Error{Code: InvalidToken, Description: "the access token is not valid", Cause: err}
	case err != nil:
		return err
	case token == nil:
		return errors.New("dpop: the TokenVerifier gave neither a token nor an error")
	case scheme == bearer && token.Thumbprint != "":
		return &Error{Code: InvalidToken, Description: "the access token must be used with the scheme DPoP"}
	case scheme == Scheme && token.Thumbprint == "":
		return &Error{Code: InvalidToken, Description: "the access token is not bound to a key"}
	}
	return nil
}

func (s *Resource) verify(r *http.Request, credentials string, requireNonce bool) (*Proof, error) {
	return s.verifier.Verify(Request{
		Header: r.Header, Method: r.Method, URL: s.url(r), AccessToken: credentials, RequireNonce: requireNonce,
	})
}

// checkProof says whether the proof is what the token demands.
func (s *Resource) checkProof(proof *Proof, token *Token) error {
	switch {
	case token.RequireNonce && !proof.fresh:
		return s.verifier.demandNonce()
	case !SameKey(proof.Thumbprint, token.Thumbprint):
		return &Error{Code: InvalidToken, Description: "the access token is bound to another key"}
	}
	return nil
}

// authorization returns the scheme, as this package writes it, and the token of the one Authorization header field.
func authorization(h http.Header) (scheme, token string, err error) {
	values := h.Values("Authorization")
	if len(values) == 0 {
		return "", "", &Error{Description: "no access token"}
	}
	scheme, token, _ = strings.Cut(values[0], " ")
	token = strings.TrimLeft(token, " ")
	switch {
	case len(values) > 1 || !token68(token):
		return "", "", &Error{Code: InvalidToken, Description: "there is not one access token"}
	case strings.EqualFold(scheme, Scheme):
		return Scheme, token, nil
	case strings.EqualFold(scheme, bearer):
		return bearer, token, nil
	}
	return "", "", &Error{Description: "no access token"} // but credentials of a kind that this resource knows nothing of
}

// token68 reports whether the text is what RFC 9110 section 11.2 lets an access token be.
func token68(s string) bool {
	s = strings.TrimRight(s, "=")
	for i := range len(s) {
		if !unreserved(s[i]) && s[i] != '+' && s[i] != '/' {
			return false
		}
	}
	return s != ""
}

// Refuse answers a request that [Resource.Authenticate] refused: with 401, the challenge and, where it is demanded, the
// nonce; or with 503 for an error that is not an *[Error].
func (s *Resource) Refuse(w http.ResponseWriter, r *http.Request, err error) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	var e *Error
	if !errors.As(err, &e) {
		s.logger.LogAttrs(r.Context(), slog.LevelError, "access cannot be decided", slog.Any("error", err))
		h.Set("Retry-After", retryAfter)
		h.Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusServiceUnavailable)
		io.WriteString(w, `{"error":"temporarily_unavailable","error_description":"the service is temporarily unavailable"}`)
		return
	}
	s.logger.LogAttrs(r.Context(), slog.LevelInfo, "access refused", slog.Any("error", err))
	if e.Nonce != "" {
		setNonce(h, e.Nonce)
	}
	scheme, _, _ := authorization(r.Header)
	switch {
	case !s.allowBearer:
		h.Add("WWW-Authenticate", challenge(Scheme, e, s.verifier.algorithms))
	case scheme == bearer:
		h.Add("WWW-Authenticate", challenge(bearer, e, nil))
		h.Add("WWW-Authenticate", challenge(Scheme, nil, s.verifier.algorithms))
	default:
		h.Add("WWW-Authenticate", challenge(Scheme, e, s.verifier.algorithms))
		h.Add("WWW-Authenticate", bearer)
	}
	http.Error(w, http.StatusText(http.StatusUnauthorized), http.StatusUnauthorized)
}

// setNonce gives the client a nonce, in an answer that is not to be used for another request (RFC 9449 section 8.2).
func setNonce(h http.Header, nonce string) {
	h.Set(HeaderNonce, nonce)
	h.Set("Cache-Control", "no-store")
}
