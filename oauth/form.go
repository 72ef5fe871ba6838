package oauth

import (
	"bytes"
	"errors"
	"mime"
	"net/http"
	"net/url"
	"unicode/utf8"

	"github.com/gosignet/signet/internal/jwt"
)

const (
	// maxForm bounds the parameters of one request, in a query or a body. The largest honest ones are a request object
	// or a claims parameter.
	maxForm = 64 << 10
	// usualForm is for what room is made at once; more is made as it comes.
	usualForm = 4 << 10
	// maxParameters bounds their number.
	maxParameters = 100
)

var errFormTooLarge = &Error{
	Code: InvalidRequest, Description: "the request is too large", Status: http.StatusRequestEntityTooLarge,
}

// form is the parameters of a request.
type form struct {
	values url.Values
	// object, if there is one, has the parameters instead: the claims of a request object.
	object *jwt.Claims
}

// parseForm reads parameters in application/x-www-form-urlencoded. What is malformed anywhere is refused as a whole.
func parseForm(encoded string) (form, error) {
	if len(encoded) > maxForm {
		return form{}, errFormTooLarge
	}
	values, err := url.ParseQuery(encoded)
	if err != nil {
		return form{}, refuse(InvalidRequest, "the parameters are malformed")
	}
	if len(values) > maxParameters {
		return form{}, refuse(InvalidRequest, "there are too many parameters")
	}
	return form{values: values}, nil
}

// readForm reads the body of a POST. Parameters in the URL do not count there (RFC 6749 section 3.2).
func readForm(w http.ResponseWriter, r *http.Request) (form, error) {
	mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || mediaType != "application/x-www-form-urlencoded" {
		return form{}, &Error{
			Code: InvalidRequest, Description: "the body must be application/x-www-form-urlencoded",
			Status: http.StatusUnsupportedMediaType,
		}
	}
	var body bytes.Buffer
	body.Grow(int(min(max(r.ContentLength, 0), usualForm)) + bytes.MinRead)
	_, err = body.ReadFrom(http.MaxBytesReader(w, r.Body, maxForm))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return form{}, errFormTooLarge
	}
	if err != nil {
		return form{}, refuse(InvalidRequest, "the body could not be read")
	}
	return parseForm(body.String())
}

// get returns the value of a parameter that may be sent once, empty if it was not. A parameter without a value counts
// as not sent, one that is repeated is an error (RFC 6749 section 3.1).
func (f form) get(name string) (string, error) {
	if f.object != nil {
		return parameterText(name, f.object.Member(name))
	}
	v := f.values[name]
	switch {
	case len(v) == 0:
		return "", nil
	case len(v) > 1:
		return "", refuse(InvalidRequest, "the parameter "+name+" is repeated")
	case !utf8.ValidString(v[0]):
		return "", refuse(InvalidRequest, "the parameter "+name+" is not UTF-8")
	}
	return v[0], nil
}

// need is get for a parameter that must be there.
func (f form) need(name string) (string, error) {
	v, err := f.get(name)
	if err == nil && v == "" {
		err = refuse(InvalidRequest, "the parameter "+name+" is missing")
	}
	return v, err
}
