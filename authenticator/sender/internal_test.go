package sender

import (
	"bytes"
	"encoding/json"
	"io"
	"mime"
	"mime/quotedprintable"
	"net/mail"
	"strings"
	"testing"
	"time"
)

// An address comes from the register, and may have been typed by a stranger.
func FuzzCompose(f *testing.F) {
	for _, s := range []string{"a@example.org", "a@example.org\r\nBcc: b@example.org", "សុភា@ឧទាហរណ៍.example", "=?utf-8?q?a?=@example.org", `"a"@b`, "a@b(c)", ""} {
		f.Add(s, "Your code", "480269\r\n.\r\nx")
		f.Add("a@example.org", s, s)
	}
	from := &mail.Address{Name: "ID", Address: "no-reply@example.org"}
	f.Fuzz(func(t *testing.T, to, subject, body string) {
		if !plainAddress(to) || strings.ContainsAny(subject, "\r\n\x00") || !isASCII(subject+body) {
			return
		}
		raw, err := compose(envelope{from: from, to: to, subject: subject, body: body, date: time.Unix(0, 0)})
		if err != nil {
			t.Fatal(err)
		}
		m, err := mail.ReadMessage(bytes.NewReader(raw))
		if err != nil {
			t.Fatalf("%q: %v", raw, err)
		}
		if len(m.Header) != 9 {
			t.Fatalf("%q has the headers %v", raw, m.Header)
		}
		list, err := m.Header.AddressList("To")
		if err != nil || len(list) != 1 || list[0].Address != to {
			t.Fatalf("%q goes to %v: %v", to, list, err)
		}
		if _, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject")); err != nil {
			t.Fatalf("subject %q: %v", subject, err)
		}
		if _, err := io.ReadAll(quotedprintable.NewReader(m.Body)); err != nil {
			t.Fatalf("body %q: %v", body, err)
		}
	})
}

// An answer comes from the gateway.
func FuzzFind(f *testing.F) {
	for _, s := range []string{`{"a":[{"b":0}]}`, `{"a":null}`, `[]`, `{"a":{"b":"c"}}`, "", "null", `{"a":`, `{"a":[1e999]}`} {
		f.Add(s, "a.0.b")
	}
	f.Fuzz(func(t *testing.T, answer, path string) {
		value, ok := find(json.RawMessage(answer), path)
		if ok && !json.Valid([]byte(answer)) {
			t.Fatalf("found %q at %q in %q", value, path, answer)
		}
	})
}

func FuzzEscapeJSON(f *testing.F) {
	for _, s := range []string{`"`, `\`, "\n", "\u2028", "\xff", "ក", "{{.Code}}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var back string
		if err := json.Unmarshal([]byte(`"`+escapeJSON(s)+`"`), &back); err != nil || back != strings.ToValidUTF8(s, "\ufffd") && isASCII(s) {
			t.Fatalf("%q is %q: %v", s, back, err)
		}
	})
}
