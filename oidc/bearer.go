package oidc

import (
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
)

// Bounds of a request with an access token.
const (
	maxToken = 8 << 10
	maxForm  = 16 << 10
)

// bearerToken returns the access token of a request (RFC 6750 section 2), or nothing if the request has none. It never
// takes one from the URL, and refuses a request with two.
func bearerToken(w http.ResponseWriter, r *http.Request) (string, error) {
	header, err := headerToken(r)
	if err != nil {
		return "", err
	}
	form, err := formToken(w, r)
	if err != nil {
		return "", err
	}
	switch {
	case hasQueryToken(r):
		return "", invalidRequest("the access token must not be in the URL")
	case header != "" && form != "":
		return "", invalidRequest("the access token is there twice")
	}
	token := header + form
	if len(token) > maxToken || strings.ContainsFunc(token, notToken) {
		return "", invalidToken(nil)
	}
	return token, nil
}

func headerToken(r *http.Request) (string, error) {
	headers := r.Header.Values("Authorization")
	if len(headers) > 1 {
		return "", invalidRequest("there are several Authorization headers")
	}
	if len(headers) == 0 {
		return "", nil
	}
	scheme, token, _ := strings.Cut(headers[0], " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return "", nil
	}
	if token = strings.Trim(token, " "); token == "" {
		return "", invalidRequest("the Authorization header has no access token")
	}
	return token, nil
}

func formToken(w http.ResponseWriter, r *http.Request) (string, error) {
	if r.Method != http.MethodPost {
		return "", nil
	}
	mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || mediaType != "application/x-www-form-urlencoded" {
		return "", nil
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxForm))
	if err != nil {
		return "", invalidRequest("the body is too long or incomplete")
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return "", invalidRequest("the body is not a form")
	}
	if len(form["access_token"]) > 1 {
		return "", invalidRequest("the access token is there twice")
	}
	return form.Get("access_token"), nil
}

// hasQueryToken also finds a token in a query that is malformed elsewhere.
func hasQueryToken(r *http.Request) bool {
	query, _ := url.ParseQuery(r.URL.RawQuery)
	return query.Has("access_token")
}

// notToken says whether a character cannot be in a b64token of RFC 6750 section 2.1.
func notToken(c rune) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		return false
	}
	return !strings.ContainsRune("-._~+/=", c)
}
