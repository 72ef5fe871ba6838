package captcha

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	// pauseBetweenTries is what the second try waits; the third waits twice as long.
	pauseBetweenTries = 100 * time.Millisecond
	// maxAnswer bounds what the service says, in bytes.
	maxAnswer = 64 << 10
)

// client calls the service. No error of its contains what was sent, or what the service answered beyond its status.
type client struct {
	http    *http.Client
	service Service
	timeout time.Duration
	tries   int
}

func newClient(c ReCaptchaConfig) *client {
	transport := c.Transport
	if transport == nil {
		transport = &http.Transport{
			DialContext:            (&net.Dialer{Timeout: c.Timeout}).DialContext,
			TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout:    c.Timeout,
			ForceAttemptHTTP2:      true,
			MaxConnsPerHost:        c.MaxInFlight,
			MaxIdleConnsPerHost:    c.MaxInFlight,
			IdleConnTimeout:        90 * time.Second,
			MaxResponseHeaderBytes: maxAnswer,
		}
	}
	return &client{
		http: &http.Client{
			Transport: transport,
			// A redirect could carry the secret to anywhere.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		service: c.Service,
		timeout: c.Timeout,
		tries:   c.Tries,
	}
}

// verify asks the service, and asks again where that is safe: a service that is not idempotent and has seen a response
// would find it used the second time.
func (c *client) verify(ctx context.Context, form url.Values) (*answer, error) {
	if c.service.Idempotent {
		form.Set("idempotency_key", newUUID())
	}
	for try := 1; ; try++ {
		a, err := c.once(ctx, form)
		again := unreached(err) || c.service.Idempotent && lost(err)
		if err == nil || !again || try >= c.tries || !wait(ctx, time.Duration(try)*pauseBetweenTries) {
			return a, err
		}
	}
}

func (c *client) once(ctx context.Context, form url.Values) (*answer, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.service.VerifyURL, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, errors.New("captcha: the request cannot be made")
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, connectionError(err)
	}
	defer resp.Body.Close()
	// The body is read whatever the status, so that the connection can be used again.
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case err != nil:
		return nil, connectionError(err)
	case resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusBadRequest: // which may say what was wrong
		return nil, statusError(resp.StatusCode)
	case len(body) > maxAnswer:
		return nil, errors.New("captcha: the service's answer is too long")
	}
	return parseAnswer(body)
}

// statusError is an HTTP status that should have been 200.
type statusError int

func (e statusError) Error() string { return fmt.Sprintf("captcha: the service answered %d", int(e)) }

// lostError is a call that got no complete answer.
type lostError struct{ cause error }

func (e *lostError) Error() string { return "captcha: no answer from the service: " + e.cause.Error() }
func (e *lostError) Unwrap() error { return e.cause }

// connectionError keeps of an error what an operator needs: errors of net/http quote URLs and answers.
func connectionError(err error) error {
	if outer, ok := errors.AsType[*url.Error](err); ok {
		err = outer.Err
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return &lostError{context.DeadlineExceeded}
	case errors.Is(err, context.Canceled):
		return &lostError{context.Canceled}
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return &lostError{io.ErrUnexpectedEOF}
	}
	if e, ok := errors.AsType[*net.OpError](err); ok {
		return &lostError{e}
	}
	if e, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return &lostError{e}
	}
	return &lostError{fmt.Errorf("%T", err)}
}

// unreached reports whether the service cannot have seen the request.
func unreached(err error) bool {
	e, ok := errors.AsType[*net.OpError](err)
	return ok && e.Op == "dial"
}

// lost reports whether another try may help, and is no burden for a service that is slow.
func lost(err error) bool {
	if status, ok := errors.AsType[statusError](err); ok {
		return status >= http.StatusInternalServerError
	}
	_, ok := errors.AsType[*lostError](err)
	return ok && !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, context.Canceled)
}

// wait reports whether the time has passed; otherwise the context ended.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// newUUID returns a random UUID (RFC 9562 version 4), which is what an idempotency_key has to be.
func newUUID() string {
	var u [16]byte
	rand.Read(u[:])
	u[6], u[8] = u[6]&0x0f|0x40, u[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:])
}
