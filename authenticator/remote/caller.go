package remote

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/internal/breaker"
)

// caller makes calls. None of its errors has anything that a person or the server said.
type caller struct {
	http     *http.Client
	guard    *breaker.Breaker
	signer   *signer // nil if requests are not signed
	baseURL  string
	timeout  time.Duration
	maxBytes int64
	now      func() time.Time
}

func newCaller(c Config) (*caller, error) {
	err := c.validate()
	var s *signer
	if c.Signer != nil {
		var signerErr error
		if s, signerErr = newSigner(c.Signer); signerErr != nil {
			err = errors.Join(err, signerErr)
		}
	}
	if err != nil {
		return nil, err
	}
	transport := c.Transport
	if transport == nil {
		transport = newTransport(c)
	}
	return &caller{
		http: &http.Client{
			Transport: transport,
			// A redirect could carry what a person typed to anywhere.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		guard: breaker.New(breaker.Config{
			MaxInFlight: c.MaxInFlight, Failures: c.MaxFailures, Pause: c.Pause, Now: c.Now,
			OnChange: func(open bool) {
				if open {
					c.Logger.Warn("remote: the authenticator fails, calls are suspended", "pause", c.Pause)
				} else {
					c.Logger.Info("remote: the authenticator works again")
				}
			},
		}),
		signer: s, baseURL: c.BaseURL, timeout: c.Timeout, maxBytes: c.MaxResponseBytes, now: c.Now,
	}, nil
}

func newTransport(c Config) *http.Transport {
	config := &tls.Config{}
	if c.TLS != nil {
		config = c.TLS.Clone()
	}
	config.MinVersion = max(config.MinVersion, tls.VersionTLS12)
	return &http.Transport{
		DialContext:            (&net.Dialer{Timeout: c.Timeout}).DialContext,
		TLSClientConfig:        config,
		TLSHandshakeTimeout:    c.Timeout,
		ForceAttemptHTTP2:      true,
		MaxConnsPerHost:        c.MaxInFlight,
		MaxIdleConns:           c.MaxInFlight,
		MaxIdleConnsPerHost:    c.MaxInFlight,
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
	}
}

// post encodes the request, and turns errors into those of the contract.
func post[T any](ctx context.Context, c *caller, path string, request any, parse func([]byte) (*T, error)) (*T, error) {
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false) // which makes six bytes of one
	if err := encoder.Encode(request); err != nil {
		return nil, toError(errors.New("remote: the request cannot be encoded"))
	}
	answer, err := call(ctx, c, http.MethodPost, path, body.Bytes(), parse)
	if err != nil {
		return nil, toError(err)
	}
	return answer, nil
}

// call makes a call, once, and tells the breaker how it ended.
func call[T any](ctx context.Context, c *caller, method, path string, body []byte, parse func([]byte) (*T, error)) (*T, error) {
	release, err := c.guard.Acquire()
	if err != nil {
		return nil, err
	}
	outcome := breaker.Failure // also if the transport panics
	defer func() { release(outcome) }()

	answer, err := c.once(ctx, method, path, body)
	if err == nil {
		var v *T
		if v, err = parse(answer); err == nil {
			outcome = breaker.Success
			return v, nil
		}
	}
	if ctx.Err() != nil {
		err = ctx.Err() // the caller's deadline says something of the server, its departure does not
	}
	status, _ := errors.AsType[statusError](err)
	refusal, refused := errors.AsType[*authenticator.Error](err)
	switch {
	case refused && refusal.Reason != authenticator.Unavailable:
		outcome = breaker.Success // it works, and says no
	case errors.Is(err, context.Canceled), errors.Is(err, errSigning), status >= 400 && status < 500:
		outcome = breaker.Unknown
	}
	return nil, err
}

// once makes one HTTP call and returns the body of the answer if its status is 200.
func (c *caller) once(ctx context.Context, method, path string, body []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, c.baseURL+path, bytes.NewReader(body))
	if err != nil {
		return nil, errors.New("remote: the request cannot be made")
	}
	req.Header.Set("Accept", "application/json, application/problem+json")
	req.Header.Set(versionHeader, version)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.signer != nil {
		token, err := c.signer.sign(ctx, method, c.baseURL+path, body, c.now())
		if err != nil {
			return nil, err
		}
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, connectionError(err)
	}
	defer resp.Body.Close()
	// The body is read whatever the status, so that the connection can be used again.
	answer, err := io.ReadAll(io.LimitReader(resp.Body, c.maxBytes+1))
	media, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	switch {
	case err != nil:
		return nil, connectionError(err)
	case int64(len(answer)) > c.maxBytes:
		return nil, errors.New("remote: the answer is too long")
	case resp.Header.Get(versionHeader) != version:
		return nil, fmt.Errorf("%w, without this version's header", statusError(resp.StatusCode))
	case resp.StatusCode >= 400 && media == "application/problem+json":
		if e := parseProblem(answer); e != nil {
			e.Err = statusError(resp.StatusCode)
			return nil, e
		}
		return nil, statusError(resp.StatusCode)
	case resp.StatusCode != http.StatusOK:
		return nil, statusError(resp.StatusCode)
	case media != "application/json":
		return nil, errNonsense
	}
	return answer, nil
}

// statusError is an HTTP status that should have been 200.
type statusError int

func (e statusError) Error() string { return fmt.Sprintf("remote: the server answered %d", int(e)) }

// connectionError keeps of an error what an operator needs and what cannot contain anything personal: errors of net/http
// quote URLs and answers.
func connectionError(err error) error {
	if outer, ok := errors.AsType[*url.Error](err); ok {
		err = outer.Err
	}
	known := func(cause error) error { return fmt.Errorf("remote: no answer from the server: %w", cause) }
	if errors.Is(err, context.DeadlineExceeded) {
		return known(context.DeadlineExceeded)
	}
	if errors.Is(err, context.Canceled) {
		return known(context.Canceled)
	}
	if e, ok := errors.AsType[*net.OpError](err); ok {
		return known(e)
	}
	if e, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return known(e)
	}
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return known(io.ErrUnexpectedEOF)
	}
	return fmt.Errorf("remote: no answer from the server: %T", err)
}
