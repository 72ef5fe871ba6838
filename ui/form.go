package ui

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode"
)

const maxFormBytes = 16 << 10

var (
	errForeignForm = errors.New("ui: the form does not come from this login in this browser")
	errBadForm     = errors.New("ui: the form is malformed")
)

// csrfToken is what the forms of a login carry. Only who holds the handle can make it.
func csrfToken(handle string) string {
	mac := hmac.New(sha256.New, []byte(handle))
	mac.Write([]byte("signet/ui/csrf"))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// readForm reads a form that one of the login's own pages sent. It returns errForeignForm for one that another page
// sent, and another error for one that is malformed or larger than allowed.
func (u *UI) readForm(w http.ResponseWriter, r *http.Request, handle string, maxBytes int64) (url.Values, error) {
	if err := u.origin.Check(r); err != nil {
		return nil, errForeignForm
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxBytes)
	if err := r.ParseForm(); err != nil {
		return nil, err
	}
	for name, values := range r.PostForm {
		// A form has one value per field, but for groups of check boxes, where each value stands once.
		if group := name == "claim" || name == "scope" || name == "channel"; !group && len(values) > 1 || repeats(values) {
			return nil, errBadForm
		}
	}
	if !hmac.Equal([]byte(r.PostForm.Get("csrf")), []byte(csrfToken(handle))) {
		return nil, errForeignForm
	}
	return r.PostForm, nil
}

func repeats(values []string) bool {
	sorted := slices.Sorted(slices.Values(values))
	return len(slices.Compact(sorted)) != len(values)
}

// normalizeCode removes what people and keyboards put into a code: spaces, dashes, marks of direction, and the digits
// of other scripts.
func normalizeCode(code string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.In(r, unicode.Pd, unicode.Cf) {
			return -1
		}
		return asciiDigit(r)
	}, code)
}

// asciiDigit turns a decimal digit of any script into ASCII. Unicode keeps the ten digits of a script together, in
// order.
func asciiDigit(r rune) rune {
	if r < 0x80 || !unicode.IsDigit(r) {
		return r
	}
	for _, digits := range unicode.Nd.R16 {
		if rune(digits.Lo) <= r && r <= rune(digits.Hi) {
			return '0' + (r-rune(digits.Lo))%10
		}
	}
	for _, digits := range unicode.Nd.R32 {
		if rune(digits.Lo) <= r && r <= rune(digits.Hi) {
			return '0' + (r-rune(digits.Lo))%10
		}
	}
	return r
}
