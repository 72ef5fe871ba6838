package esignet

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"time"
)

// timeFormat is how the API writes times: UTC, three digits after the second.
const timeFormat = "2006-01-02T15:04:05.000Z"

// maxBody is the most that a request may have, in bytes, besides an answer to a challenge.
const maxBody = 128 << 10

// Error is an error of the API. Its message is shown to callers and never has anything from inside.
type Error struct {
	Code    string `json:"errorCode"`
	Message string `json:"errorMessage"`
	// cause is logged and never shown.
	cause error
}

func (e *Error) Error() string { return "esignet: " + e.Code }

func (e *Error) Unwrap() error { return e.cause }

// fail is an error of which the caller learns the code.
func fail(code string, cause error) *Error { return &Error{Code: code, Message: code, cause: cause} }

// The codes that several endpoints use.
const (
	invalidRequest       = "invalid_request"
	invalidTransaction   = "invalid_transaction"
	invalidTransactionID = "invalid_transaction_id"
	invalidIdentifier    = "invalid_identifier"
	invalidIndividualID  = "invalid_individual_id"
	authFailed           = "auth_failed"
	unknownError         = "unknown_error"
)

// violations collects what is wrong with a request, all of it.
type violations []Error

// check adds a violation of the member at the path, which begins with "request", unless it is ok.
func (v *violations) check(ok bool, path, code string) {
	if !ok {
		*v = append(*v, Error{Code: code, Message: path + ": " + code})
	}
}

// body is what a request of the envelope has under "request".
type body interface {
	// validate adds what is wrong with it.
	validate(v *violations)
}

// text is a string, for which numbers and booleans are accepted as the API always has.
type text string

func (t *text) UnmarshalJSON(data []byte) error {
	switch data[0] {
	case '{', '[':
		return errors.New("not a string")
	case '"':
		return json.Unmarshal(data, (*string)(t))
	case 'n': // null is absence
		return nil
	}
	*t = text(data)
	return nil
}

// jsonObject is a member that is an object, of whose members nothing is known here.
type jsonObject json.RawMessage

func (o *jsonObject) UnmarshalJSON(data []byte) error {
	switch data[0] {
	case '{':
		*o = bytes.Clone(data)
	case 'n': // null is absence
	default:
		return errors.New("not an object")
	}
	return nil
}

// enveloped is a handler of requests {requestTime, request}, whose request is of type Q, and which are answered with
// {responseTime, response, errors} and status 200, come what may. What is answered is encoded as encode does; a
// json.RawMessage is answered as it is. The checks add what the request alone does not know to be wrong with it.
func enveloped[Q any, P interface {
	*Q
	body
}](
	a *API, answer func(ctx context.Context, r *http.Request, q P) (response any, err error), checks ...func(q P, v *violations),
) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/json" {
			problem(w, http.StatusUnsupportedMediaType)
			return
		}
		q := P(new(Q))
		wrong := a.read(w, r, q, func(v *violations) {
			for _, check := range checks {
				check(q, v)
			}
		})
		if wrong != nil {
			a.respond(w, r, nil, wrong)
			return
		}
		response, err := answer(r.Context(), r, q)
		if wait, ok := response.(later); ok && err == nil {
			a.polls.Answer(w, r, maxLinkedWait, func(w http.ResponseWriter, r *http.Request) {
				response, err := wait(r.Context())
				a.finish(w, r, response, err)
			})
			return
		}
		a.finish(w, r, response, err)
	})
}

// later is a response for which the browser has to wait, at most maxLinkedWait.
type later func(ctx context.Context) (response any, err error)

// read reads the envelope into q and validates it, with further checks.
func (a *API) read(w http.ResponseWriter, r *http.Request, q body, checks ...func(v *violations)) []Error {
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, a.maxBody))
	if err != nil {
		return []Error{*fail(unknownError, err)}
	}
	var e struct {
		RequestTime text            `json:"requestTime"`
		Request     json.RawMessage `json:"request"`
	}
	if err := decode(data, &e); err != nil {
		return []Error{*fail(unknownError, err)}
	}
	var v violations
	at, err := time.Parse(timeFormat, string(e.RequestTime))
	now := a.now()
	written := at.Format(timeFormat) == string(e.RequestTime) // time.Parse takes other forms too
	v.check(err == nil && written && at.After(now.Add(-a.leeway)) && at.Before(now.Add(a.leeway)), "requestTime", invalidRequest)
	if len(e.Request) == 0 || string(e.Request) == "null" {
		v.check(false, "request", invalidRequest)
		return v
	}
	if err := decode(e.Request, q); err != nil {
		return []Error{*fail(unknownError, err)}
	}
	q.validate(&v)
	for _, check := range checks {
		check(&v)
	}
	return v
}

// decode reads one JSON value, of whose members it knows all.
func decode(data []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("more than one value")
	}
	return nil
}

// encode writes JSON as a browser's JSON.stringify would, so that a hash over the answer is the same on both sides.
func encode(value any) (json.RawMessage, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(value); err != nil {
		return nil, err
	}
	return stringify(b.Bytes())
}

// withCookie is a response that sets a cookie.
type withCookie struct {
	response any
	cookie   *http.Cookie
}

// finish answers with a response or, if err is not nil, with the error; one that is no *Error is logged and not shown.
func (a *API) finish(w http.ResponseWriter, r *http.Request, response any, err error) {
	if err == nil {
		if c, ok := response.(withCookie); ok {
			http.SetCookie(w, c.cookie)
			response = c.response
		}
		a.respond(w, r, response, nil)
		return
	}
	var e *Error
	if !errors.As(err, &e) {
		e = fail(unknownError, err)
	}
	if e.Code == unknownError {
		a.log.ErrorContext(r.Context(), "esignet: call failed", "pattern", r.Pattern, "error", e.cause)
	}
	a.respond(w, r, nil, []Error{*e})
}

func (a *API) respond(w http.ResponseWriter, r *http.Request, response any, wrong []Error) {
	if wrong == nil {
		wrong = []Error{}
	}
	data, err := encode(struct {
		ResponseTime string  `json:"responseTime"`
		Response     any     `json:"response"`
		Errors       []Error `json:"errors"`
	}{a.now().UTC().Format(timeFormat), response, wrong})
	if err != nil {
		a.log.ErrorContext(r.Context(), "esignet: encode answer", "error", err)
		problem(w, http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, "%s", data)
}
