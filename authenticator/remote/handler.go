package remote

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/store"
)

// get answers requests without a body.
func get[Res, T any](s *server, do func(*http.Request) (*Res, error), parse func([]byte) (*T, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if _, ok := s.admit(w, r); ok {
			respond(s, w, r, do, parse)
		}
	}
}

// answer answers requests with a body.
func answer[Req, Res, T any](
	s *server, do func(context.Context, *Req) (*Res, error), parse func([]byte) (*T, error),
) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
		if media != "application/json" {
			refuse(w, http.StatusUnsupportedMediaType)
			return
		}
		body, ok := s.admit(w, r)
		if !ok {
			return
		}
		req, err := decode[Req](body)
		if err != nil {
			refuse(w, http.StatusBadRequest)
			return
		}
		respond(s, w, r, func(r *http.Request) (*Res, error) { return do(r.Context(), req) }, parse)
	}
}

// admit returns the body of a request that is of this version and authenticated. Otherwise it has answered.
func (s *server) admit(w http.ResponseWriter, r *http.Request) (body []byte, ok bool) {
	c := s.config
	if r.Header.Get(versionHeader) != version {
		refuse(w, http.StatusBadRequest)
		return nil, false
	}
	if c.ClientCertificate && (r.TLS == nil || len(r.TLS.VerifiedChains) == 0) {
		c.Logger.WarnContext(r.Context(), "remote: request without a client certificate that was verified")
		refuse(w, http.StatusUnauthorized)
		return nil, false
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, c.MaxRequestBytes))
	if err != nil {
		status := http.StatusBadRequest
		if _, long := errors.AsType[*http.MaxBytesError](err); long {
			status = http.StatusRequestEntityTooLarge
		}
		refuse(w, status)
		return nil, false
	}
	if len(c.Keys) == 0 {
		return body, true
	}
	id, until, err := s.verifier.verify(r, c.BaseURL+r.URL.EscapedPath(), body)
	if err == nil {
		sum := sha256.Sum256([]byte(id))
		key := "authenticator-request:" + base64.RawURLEncoding.EncodeToString(sum[:])
		err = c.Replays.Add(r.Context(), key, nil, until.Sub(c.Now()))
		if err != nil && !errors.Is(err, store.ErrExists) {
			c.Logger.ErrorContext(r.Context(), "remote: replays cannot be told", "error", err)
			writeProblem(w, problem{Status: http.StatusServiceUnavailable, Reason: authenticator.Unavailable})
			return nil, false
		}
	}
	if err != nil {
		c.Logger.WarnContext(r.Context(), "remote: request without a valid signature", "error", err)
		w.Header().Set("WWW-Authenticate", "Bearer")
		refuse(w, http.StatusUnauthorized)
		return nil, false
	}
	return body, true
}

// respond asks the Authenticator and sends what it says, if the other side would believe it.
func respond[Res, T any](
	s *server, w http.ResponseWriter, r *http.Request, do func(*http.Request) (*Res, error), parse func([]byte) (*T, error),
) {
	ctx, cancel := context.WithTimeout(r.Context(), s.config.Timeout)
	defer cancel()
	result, err := do(r.WithContext(ctx))
	var body []byte
	if err == nil {
		if body, err = json.Marshal(result); err == nil {
			_, err = parse(body)
		}
		if err != nil {
			// Its text is not logged, because encoding/json quotes.
			s.config.Logger.ErrorContext(ctx, "remote: the authenticator broke its contract", "type", fmt.Sprintf("%T", err))
			err = &authenticator.Error{Reason: authenticator.Unavailable}
		}
	}
	if err != nil {
		s.fail(ctx, w, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(body)
}

var errRequest = errors.New("remote: the request is not as the description demands")

// fail answers with an error of the Authenticator. The text of one that is not the contract's may hold anything.
func (s *server) fail(ctx context.Context, w http.ResponseWriter, err error) {
	if errors.Is(err, errRequest) {
		refuse(w, http.StatusBadRequest)
		return
	}
	e, ok := errors.AsType[*authenticator.Error](err)
	p := problem{Status: http.StatusServiceUnavailable, Reason: authenticator.Unavailable}
	switch {
	case !ok:
		s.config.Logger.ErrorContext(ctx, "remote: the authenticator failed", "type", fmt.Sprintf("%T", err))
	case e.Reason == authenticator.Unavailable:
		s.config.Logger.WarnContext(ctx, "remote: the authenticator is unavailable", "error", e)
		p.RetryAt, p.Unasked = e.RetryAt, e.Unasked
	case statusOf(e.Reason) == http.StatusServiceUnavailable:
		s.config.Logger.ErrorContext(ctx, "remote: the authenticator gave a reason that does not exist")
	default:
		p = problem{Status: statusOf(e.Reason), Reason: e.Reason, RetryAt: e.RetryAt}
	}
	writeProblem(w, p)
}

// refuse answers a request that was not passed on.
func refuse(w http.ResponseWriter, status int) { writeProblem(w, problem{Status: status}) }

func writeProblem(w http.ResponseWriter, p problem) {
	p.Title = http.StatusText(p.Status)
	body, err := json.Marshal(p)
	if err != nil { // RetryAt is in a year that RFC 3339 cannot write
		body = []byte(`{"title":"Service Unavailable","status":503,"reason":"unavailable"}`)
		p.Status = http.StatusServiceUnavailable
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	_, _ = w.Write(body)
}
