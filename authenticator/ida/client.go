package ida

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/gosignet/signet/authenticator/internal/breaker"
)

const (
	contentType = "application/json;charset=UTF-8"
	// authorization is what IDA's gateway wants to read in the header of that name.
	authorization = "Authorization"

	maxAnswer = 256 << 10
	// maxKYC bounds answers with claims, among which is a photograph.
	maxKYC = 4 << 20
)

// client calls one service of IDA, and leaves it alone while it fails. It never repeats a call: an authentication counts
// as a try, a code is sent, a KYC token is spent. (Package http takes another connection when one from the pool turns out
// to be closed, but only if not a byte of the request was written.)
type client struct {
	http      *http.Client
	breaker   *breaker.Breaker
	signatory *signatory
	timeout   time.Duration
}

func newClient(c Config, service string, s *signatory) *client {
	return &client{
		http: &http.Client{
			Transport: c.Transport,
			// A redirect would take the person's data to somewhere that nobody configured.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		breaker: breaker.New(breaker.Config{
			MaxInFlight: c.MaxInFlight, Failures: c.Failures, Pause: c.Pause, Now: c.Now,
			OnChange: func(open bool) {
				if open {
					c.Logger.Error("calls to IDA are suspended", "service", service)
				} else {
					c.Logger.Info("calls to IDA are made again", "service", service)
				}
			},
		}),
		signatory: s,
		timeout:   c.Timeout,
	}
}

// answer is the envelope of all that IDA says.
type answer[T any] struct {
	TransactionID string `json:"transactionID"`
	Response      *T     `json:"response"`
	Errors        []struct {
		Code string `json:"errorCode"`
	} `json:"errors"`
}

// refusal returns the first error, nil if there is none.
func (a *answer[T]) refusal() error {
	if len(a.Errors) == 0 {
		return nil
	}
	return &refusal{code: printable(a.Errors[0].Code)}
}

// refusal is IDA's no, for a reason that it names.
type refusal struct{ code string }

func (r *refusal) Error() string { return "IDA answered " + r.code }

// printable returns a code if it looks like one. Whatever else is there may be anything, also personal.
func printable(code string) string {
	for i := range len(code) {
		c := code[i]
		if !('A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '_') {
			return "an error without a code"
		}
	}
	if code == "" || len(code) > 32 {
		return "an error without a code"
	}
	return code
}

// call posts a signed request and reads the answer. The error is a *refusal if IDA gave a reason; without an error there
// is a response.
func call[T any](ctx context.Context, c *client, to, transaction string, body any, limit int64) (*answer[T], error) {
	data, err := json.Marshal(body)
	if err != nil {
		return nil, fmt.Errorf("encode the request: %w", err)
	}
	signature, err := c.signatory.sign(data)
	if err != nil {
		return nil, err
	}
	header := http.Header{
		"Content-Type":  {contentType},
		"Accept":        {"application/json"},
		"Authorization": {authorization},
		"Signature":     {signature},
	}
	var a answer[T]
	err = c.do(ctx, http.MethodPost, to, header, data, limit, func(status int, _ http.Header, body []byte) error {
		if err := json.Unmarshal(body, &a); err != nil {
			return errAnswer(status)
		}
		switch {
		case a.TransactionID != "" && a.TransactionID != transaction:
			return errors.New("IDA answered another transaction")
		case status/100 != 2 && len(a.Errors) == 0, a.Response == nil && len(a.Errors) == 0:
			return errAnswer(status)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &a, a.refusal()
}

// errAnswer says that there is no answer to understand. Its text quotes nothing.
func errAnswer(status int) error { return fmt.Errorf("no answer of IDA's, with status %d", status) }

// do makes one call of the service and lets read judge the answer: an error of its means that the service does not work.
func (c *client) do(
	ctx context.Context, method, to string, header http.Header, body []byte, limit int64,
	read func(status int, header http.Header, body []byte) error,
) error {
	release, err := c.breaker.Acquire()
	if err != nil {
		return err
	}
	outcome := breaker.Failure // also if somebody's Transport panics
	defer func() { release(outcome) }()
	err = c.exchange(ctx, method, to, header, body, limit, read)
	switch {
	case err == nil:
		outcome = breaker.Success
	case ctx.Err() != nil: // the caller gave up, which says nothing
		outcome = breaker.Unknown
	}
	return err
}

func (c *client) exchange(
	ctx context.Context, method, to string, header http.Header, body []byte, limit int64,
	read func(status int, header http.Header, body []byte) error,
) error {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, to, bytes.NewReader(body))
	if err != nil {
		return errors.New("no request can be made for the URL") // the URL has the licence key in it
	}
	request.Header = header
	response, err := c.http.Do(request)
	if err != nil {
		return failed(err)
	}
	defer response.Body.Close()
	data, err := io.ReadAll(io.LimitReader(response.Body, limit+1))
	switch {
	case err != nil:
		return failed(err)
	case int64(len(data)) > limit:
		return fmt.Errorf("the answer has more than %d bytes", limit)
	case response.StatusCode >= 500 || response.StatusCode/100 == 3:
		return errAnswer(response.StatusCode)
	}
	return read(response.StatusCode, response.Header, data)
}

// failed says why a call failed. Errors of package http quote the URL, in which the licence key is, and what the server
// sent, which may be anything: only those of the connection are repeated.
func failed(err error) error {
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		return errors.New("no answer in time")
	}
	if e, ok := errors.AsType[*net.OpError](err); ok {
		return e
	}
	if e, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return e
	}
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err
	}
	return fmt.Errorf("the call failed (%T)", err)
}

// retry makes a call that may be repeated, once more if it fails.
func retry(ctx context.Context, logger *slog.Logger, call func() error) error {
	err := call()
	if err == nil || ctx.Err() != nil {
		return err
	}
	if breaker.Refused(err) {
		return err
	}
	logger.WarnContext(ctx, "IDA is asked again", "error", err)
	return call()
}
