package sender

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"mime"
	"mime/quotedprintable"
	"net/mail"
	"strings"
	"time"
	"unicode"
)

// maxAddress is the length of a path in SMTP (RFC 5321 section 4.5.3.1.3).
const maxAddress = 254

// envelope is what a message is made of.
type envelope struct {
	from          *mail.Address
	to            string
	subject, body string
	date          time.Time
}

// compose writes a message of plain text (RFC 5322, RFC 2045, RFC 2047).
func compose(e envelope) ([]byte, error) {
	var b bytes.Buffer
	header := func(name, value string) { fmt.Fprintf(&b, "%s:%s\r\n", name, fold(" "+value)) }
	header("From", e.from.String())
	header("To", (&mail.Address{Address: e.to}).String())
	header("Subject", mime.QEncoding.Encode("utf-8", e.subject))
	header("Date", e.date.Format(time.RFC1123Z))
	header("Message-ID", "<"+rand.Text()+"@"+domainOf(e.from.Address)+">")
	header("Auto-Submitted", "auto-generated") // RFC 3834: no out-of-office answers
	header("MIME-Version", "1.0")
	header("Content-Type", "text/plain; charset=utf-8")
	header("Content-Transfer-Encoding", "quoted-printable")
	b.WriteString("\r\n")
	w := quotedprintable.NewWriter(&b)
	if _, err := w.Write([]byte(strings.TrimRight(e.body, "\r\n") + "\n")); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// fold gives each encoded word a line of its own, since such lines have 76 characters at most (RFC 2047 section 2).
func fold(value string) string {
	return strings.NewReplacer(" =?", "\r\n =?", "?= <", "?=\r\n <").Replace(value)
}

// plainAddress reports whether the text is an address and nothing else: no name, no second address, no line break, nothing
// that must be quoted.
func plainAddress(s string) bool {
	if len(s) > maxAddress || strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsControl(r) || unicode.IsSpace(r) || strings.ContainsRune(`<>()[],;:\"`, r) || r == unicode.ReplacementChar
	}) {
		return false
	}
	a, err := mail.ParseAddress(s)
	return err == nil && a.Address == s && a.Name == ""
}

func domainOf(address string) string { return address[strings.LastIndexByte(address, '@')+1:] }

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r > unicode.MaxASCII })
}
