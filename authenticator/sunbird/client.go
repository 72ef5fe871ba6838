package sunbird

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gosignet/signet/authenticator/internal/breaker"
)

// pauseBetweenTries is what the second try waits; the third waits twice as long.
const pauseBetweenTries = 100 * time.Millisecond

// client speaks the registry's API. No error of its contains a URL, because those of records contain their ids, or
// anything else that a person or the registry said.
type client struct {
	http      *http.Client
	guard     *breaker.Breaker
	searchURL string
	entityURL string // ends in a slash
	timeout   time.Duration
	tries     int
	maxBytes  int64
}

func newClient(c Config) *client {
	transport := c.Transport
	if transport == nil {
		transport = &http.Transport{
			DialContext:            (&net.Dialer{Timeout: c.Timeout}).DialContext,
			TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout:    c.Timeout,
			ForceAttemptHTTP2:      true,
			MaxConnsPerHost:        c.MaxInFlight,
			MaxIdleConns:           c.MaxInFlight,
			MaxIdleConnsPerHost:    c.MaxInFlight,
			IdleConnTimeout:        90 * time.Second,
			MaxResponseHeaderBytes: 64 << 10,
		}
	}
	return &client{
		http: &http.Client{
			Transport: transport,
			// A redirect could carry what a person typed to anywhere.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		guard: breaker.New(breaker.Config{
			MaxInFlight: c.MaxInFlight, Failures: c.MaxFailures, Pause: c.Pause, Now: c.Now,
			OnChange: func(open bool) {
				if open {
					c.Logger.Warn("sunbird: the registry fails, calls are suspended", "pause", c.Pause)
				} else {
					c.Logger.Info("sunbird: the registry works again")
				}
			},
		}),
		searchURL: c.SearchURL,
		entityURL: strings.TrimSuffix(c.EntityURL, "/") + "/",
		timeout:   c.Timeout,
		tries:     c.Tries,
		maxBytes:  c.MaxResponseBytes,
	}
}

// search returns the records that match all filters, at most two, because nobody needs to know how many there are.
func (c *client) search(ctx context.Context, filters map[string]filter) (records []record, err error) {
	body, err := json.Marshal(searchRequest{Offset: 0, Limit: 2, Filters: filters})
	if err != nil {
		return nil, errors.New("sunbird: the search cannot be encoded")
	}
	err = c.call(ctx, http.MethodPost, c.searchURL, body, func(answer []byte) (err error) {
		records, err = parseSearch(answer)
		return err
	})
	return records, err
}

// get returns the record with an id, which must be valid.
func (c *client) get(ctx context.Context, id string) (r record, err error) {
	err = c.call(ctx, http.MethodGet, c.entityURL+id, nil, func(answer []byte) (err error) {
		r, err = parseRecord(answer)
		return err
	})
	return r, err
}

// call makes a call, repeats it where that may help, and tells the breaker how it ended.
func (c *client) call(ctx context.Context, method, url string, body []byte, decode func([]byte) error) error {
	release, err := c.guard.Acquire()
	if err != nil {
		return err
	}
	outcome := breaker.Failure // also if the transport panics
	defer func() { release(outcome) }()

	for try := 1; ; try++ {
		answer, err := c.once(ctx, method, url, body)
		if err == nil {
			err = decode(answer)
		}
		if ctx.Err() != nil && err != nil {
			err = ctx.Err() // the caller's deadline says something of the registry, its departure does not
		}
		refused, _ := errors.AsType[statusError](err)
		switch {
		case err == nil:
			outcome = breaker.Success
			return nil
		case errors.Is(err, context.Canceled), refused >= 400 && refused < 500:
			outcome = breaker.Unknown
			return err
		case try >= c.tries || !transient(err) || !wait(ctx, time.Duration(try)*pauseBetweenTries):
			return err
		}
	}
}

// once makes one HTTP call and returns the body of the answer if its status is 200.
func (c *client) once(ctx context.Context, method, url string, body []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return nil, errors.New("sunbird: the request cannot be made")
	}
	req.Header.Set("Accept", "application/json")
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, connectionError(err)
	}
	defer resp.Body.Close()
	// The body is read whatever the status, so that the connection can be used again.
	answer, err := io.ReadAll(io.LimitReader(resp.Body, c.maxBytes+1))
	switch {
	case err != nil:
		return nil, connectionError(err)
	case resp.StatusCode != http.StatusOK:
		return nil, statusError(resp.StatusCode)
	case int64(len(answer)) > c.maxBytes:
		return nil, errors.New("sunbird: the registry's answer is too long")
	}
	return answer, nil
}

// statusError is an HTTP status that should have been 200.
type statusError int

func (e statusError) Error() string { return fmt.Sprintf("sunbird: the registry answered %d", int(e)) }

// lostError is a call that got no complete answer.
type lostError struct{ cause error }

func (e *lostError) Error() string { return "sunbird: no answer from the registry: " + e.cause.Error() }
func (e *lostError) Unwrap() error { return e.cause }

// connectionError keeps of an error what an operator needs and what cannot contain anything personal: errors of net/http
// quote URLs and answers.
func connectionError(err error) error {
	if outer, ok := errors.AsType[*url.Error](err); ok {
		err = outer.Err
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return &lostError{context.DeadlineExceeded}
	}
	if errors.Is(err, context.Canceled) {
		return &lostError{context.Canceled}
	}
	if e, ok := errors.AsType[*net.OpError](err); ok {
		return &lostError{e}
	}
	if e, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return &lostError{e}
	}
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return &lostError{io.ErrUnexpectedEOF}
	}
	return &lostError{fmt.Errorf("%T", err)}
}

// transient reports whether another try may help, and is no burden for a registry that is slow.
func transient(err error) bool {
	if status, ok := errors.AsType[statusError](err); ok {
		return status == http.StatusBadGateway || status == http.StatusServiceUnavailable || status == http.StatusGatewayTimeout
	}
	_, lost := errors.AsType[*lostError](err)
	timeout, ok := errors.AsType[net.Error](err)
	return lost && !(ok && timeout.Timeout())
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
