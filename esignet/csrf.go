package esignet

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"
)

const (
	csrfCookie    = "XSRF-TOKEN"
	csrfHeader    = "X-XSRF-TOKEN"
	csrfParameter = "_csrf"
)

// uuid is the form of the cookie's value.
var uuid = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)

// csrfToken answers with a token that is worth something together with the cookie alone. The token is different each
// time, so that compression tells nothing about it.
func (a *API) csrfToken(w http.ResponseWriter, r *http.Request) {
	secret := csrfSecret(r)
	if secret == "" {
		secret = newUUID()
		http.SetCookie(w, &http.Cookie{
			Name: csrfCookie, Value: secret, Path: "/", HttpOnly: true, Secure: a.secure(r), SameSite: http.SameSiteLaxMode,
		})
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(struct {
		ParameterName string `json:"parameterName"`
		HeaderName    string `json:"headerName"`
		Token         string `json:"token"`
	}{csrfParameter, csrfHeader, mask(secret)})
}

// secure reports whether the browser came by https, to this process or to a proxy in front of it.
func (a *API) secure(r *http.Request) bool { return r.TLS != nil || a.https }

// csrfSecret is the value of the cookie, or empty if it has none that is ours.
func csrfSecret(r *http.Request) string {
	c, err := r.Cookie(csrfCookie)
	if err != nil || !uuid.MatchString(c.Value) {
		return ""
	}
	return c.Value
}

// forged reports whether a request is not known to come from a page that could read a token.
func forged(r *http.Request) bool {
	secret := csrfSecret(r)
	return secret == "" || !unmasks(r.Header.Get(csrfHeader), secret)
}

// csrfProtected reports whether requests to the route, without the prefix, need a token. Those of wallets do not: they
// come from no browser.
func csrfProtected(method, path string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return false
	}
	switch path {
	case "/linked-authorization/link-code", "/linked-authorization/link-status", "/linked-authorization/link-auth-code",
		"/linked-authorization/send-otp":
		return true
	}
	return strings.HasPrefix(path, "/authorization/")
}

// mask is base64url(R || R XOR secret).
func mask(secret string) string {
	masked := make([]byte, 2*len(secret))
	rand.Read(masked[:len(secret)])
	subtle.XORBytes(masked[len(secret):], masked[:len(secret)], []byte(secret))
	return base64.URLEncoding.EncodeToString(masked)
}

// unmasks reports whether a token was made from the secret.
func unmasks(token, secret string) bool {
	data, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(token, "="))
	if err != nil || len(data) != 2*len(secret) {
		return false
	}
	subtle.XORBytes(data[:len(secret)], data[:len(secret)], data[len(secret):])
	return subtle.ConstantTimeCompare(data[:len(secret)], []byte(secret)) == 1
}

func newUUID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// same compares in constant time.
func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// forbidden is the answer to a forged request.
func (a *API) forbidden(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusForbidden)
	json.NewEncoder(w).Encode(struct {
		Timestamp string `json:"timestamp"`
		Status    int    `json:"status"`
		Error     string `json:"error"`
		Path      string `json:"path"`
	}{a.now().UTC().Format(time.RFC3339), http.StatusForbidden, http.StatusText(http.StatusForbidden), ""})
}
