package ui

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"github.com/gosignet/signet/authenticator"
)

const maxFormBytes = 16 << 10

var (
	errForeignForm = errors.New("ui: the form does not come from this login in this browser")
	errBadForm     = errors.New("ui: the form is malformed")
)

// csrfBytes is how long the secret behind a token is.
const csrfBytes = 16

// csrfToken is what the forms of a login or a session carry. Only who holds the handle can make it. It is another one on every
// page, as a mask and what it hides, so that the length of a compressed page that also has what a stranger sent says nothing
// of it (BREACH).
func csrfToken(handle string) string {
	token := make([]byte, 2*csrfBytes)
	mask, masked := token[:csrfBytes], token[csrfBytes:]
	rand.Read(mask)
	subtle.XORBytes(masked, mask, csrfSecret(handle))
	return base64.RawURLEncoding.EncodeToString(token)
}

// isCSRFToken reports whether csrfToken made the token for the handle.
func isCSRFToken(token, handle string) bool {
	b, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(b) != 2*csrfBytes {
		return false
	}
	secret := b[csrfBytes:]
	subtle.XORBytes(secret, secret, b[:csrfBytes])
	return hmac.Equal(secret, csrfSecret(handle))
}

func csrfSecret(handle string) []byte {
	mac := hmac.New(sha256.New, []byte(handle))
	mac.Write([]byte("signet/ui/csrf"))
	return mac.Sum(nil)[:csrfBytes]
}

// readForm reads a form that one of the login's own pages sent. It returns errForeignForm for one that another page
// sent, and another error for one that is malformed or larger than allowed.
func (u *UI) readForm(w http.ResponseWriter, r *http.Request, handle string, maxBytes int64) (url.Values, error) {
	if err := u.origin.Check(r); err != nil {
		return nil, errForeignForm
	}
	form, err := readValues(w, r, maxBytes)
	if err != nil {
		return nil, err
	}
	for name, values := range form {
		// A form has one value per field, but for groups of check boxes, where each value stands once.
		if group := name == "claim" || name == "scope" || name == "channel"; !group && len(values) > 1 || repeats(values) {
			return nil, errBadForm
		}
	}
	if !isCSRFToken(form.Get("csrf"), handle) {
		return nil, errForeignForm
	}
	return form, nil
}

// Bounds of forms with files. What a file has beyond that of a photo is passed over, so that the page can say at the field
// that it is too large.
const (
	maxUploadBytes = 16 << 20
	maxParts       = 128
)

// readValues reads the body. The content of a file is the value of its field: files are kept in memory, never on a disk.
func readValues(w http.ResponseWriter, r *http.Request, maxBytes int64) (url.Values, error) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/form-data" {
		r.Body = http.MaxBytesReader(w, r.Body, maxBytes)
		err := r.ParseForm()
		return r.PostForm, err
	}
	most := maxBytes
	if maxBytes > 64<<10 { // the page takes more than texts
		most = maxUploadBytes
	}
	r.Body = http.MaxBytesReader(w, r.Body, most)
	parts, err := r.MultipartReader()
	if err != nil {
		return nil, err
	}
	form := url.Values{}
	for range maxParts {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return form, nil
		}
		if err != nil {
			return nil, err
		}
		limit, isFile := int64(maxFormBytes), part.FileName() != ""
		if isFile {
			limit = authenticator.MaxPhoto + 1
		}
		value, err := io.ReadAll(io.LimitReader(part, min(limit, maxBytes+1)))
		if err != nil {
			return nil, err
		}
		if maxBytes -= int64(len(value)); maxBytes < 0 || !isFile && len(value) == maxFormBytes {
			return nil, errBadForm
		}
		form.Add(part.FormName(), string(value))
	}
	return nil, errBadForm
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
