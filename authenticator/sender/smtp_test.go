package sender_test

import (
	"cmp"
	"context"
	"io"
	"mime"
	"mime/quotedprintable"
	"net/mail"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/sender"
)

const address = "sophea.chan@example.org"

func newSMTP(t *testing.T, c sender.SMTPConfig) *sender.SMTP {
	t.Helper()
	s, err := sender.NewSMTP(c)
	require.NoError(t, err)
	return s
}

// open reads a message as a mail program does.
func open(t *testing.T, raw string) (header mail.Header, subject, body string) {
	t.Helper()
	for line := range strings.SplitSeq(raw, "\r\n") {
		require.LessOrEqual(t, len(line), 78, "a line is short")
		require.NotContains(t, line, "\n")
	}
	m, err := mail.ReadMessage(strings.NewReader(raw))
	require.NoError(t, err)
	subject, err = new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	require.NoError(t, err)
	require.Equal(t, "quoted-printable", m.Header.Get("Content-Transfer-Encoding"))
	require.Equal(t, "text/plain; charset=utf-8", m.Header.Get("Content-Type"))
	b, err := io.ReadAll(quotedprintable.NewReader(m.Body))
	require.NoError(t, err)
	return m.Header, subject, string(b)
}

func TestAnEmailIsSentOverSTARTTLSAfterALogin(t *testing.T) {
	t.Parallel()
	server := newSMTPServer(t, nil)
	s := newSMTP(t, server.config())
	require.NoError(t, s.SendCode(t.Context(), message(authenticator.Email, address, "en")))

	commands, messages := server.seen()
	assert.Equal(t, []string{
		"EHLO id.example.org", "STARTTLS", "tls EHLO id.example.org", "tls AUTH PLAIN",
		"tls MAIL FROM:<no-reply@id.example.org> BODY=8BITMIME SMTPUTF8", "tls RCPT TO:<sophea.chan@example.org>", "tls DATA", "tls QUIT",
	}, commands)
	require.Len(t, messages, 1)
	header, subject, body := open(t, messages[0])
	assert.Equal(t, "Your code", subject)
	assert.Equal(t, "480269 is your code for health-portal, for 3 minutes.\r\n", body)
	from, err := header.AddressList("From")
	require.NoError(t, err)
	assert.Equal(t, []*mail.Address{{Name: "លេខសម្គាល់ ID", Address: "no-reply@id.example.org"}}, from)
	assert.Equal(t, "<"+address+">", header.Get("To"))
	date, err := header.Date()
	require.NoError(t, err)
	assert.True(t, date.Equal(now))
	assert.Regexp(t, `^<[A-Z2-7]{26}@id\.example\.org>$`, header.Get("Message-Id"))
	assert.Equal(t, "auto-generated", header.Get("Auto-Submitted"))
}

func TestAnEmailIsSentOverImplicitTLS(t *testing.T) {
	t.Parallel()
	server := newSMTPServer(t, func(s *smtpServer) { s.implicit = true })
	require.NoError(t, newSMTP(t, server.config()).SendCode(t.Context(), message(authenticator.Email, address)))
	commands, messages := server.seen()
	assert.Equal(t, "tls EHLO id.example.org", commands[0])
	assert.Len(t, messages, 1)
}

func TestTheMechanismIsOneThatTheServerOffers(t *testing.T) {
	t.Parallel()
	for offered, used := range map[string]string{
		"AUTH LOGIN": "tls AUTH LOGIN", "AUTH CRAM-MD5 PLAIN": "tls AUTH PLAIN", "AUTH login PLAIN": "tls AUTH LOGIN",
	} {
		server := newSMTPServer(t, func(s *smtpServer) { s.secure = []string{offered} })
		require.NoError(t, newSMTP(t, server.config()).SendCode(t.Context(), message(authenticator.Email, address)))
		commands, messages := server.seen()
		assert.Contains(t, commands, used)
		assert.Len(t, messages, 1)
	}
	server := newSMTPServer(t, nil)
	c := server.config()
	c.Username, c.Password = "", ""
	require.NoError(t, newSMTP(t, c).SendCode(t.Context(), message(authenticator.Email, address)))
	assert.Empty(t, server.logins)
}

func TestAMessageIsInThePersonsLanguage(t *testing.T) {
	t.Parallel()
	server := newSMTPServer(t, nil)
	s := newSMTP(t, server.config())
	tests := []struct {
		locales       []string
		subject, body string
	}{
		{[]string{"fr", "km-KH"}, texts["km"].Subject, "លេខកូដ៖ 480269\r\nមានសុពលភាព 3 នាទី\r\n"},
		{[]string{"PT-br"}, "Seu código", "Código: 480269\r\n"},
		{[]string{"pt"}, "Your code", "480269 is your code for health-portal, for 3 minutes.\r\n"},
		{nil, "Your code", "480269 is your code for health-portal, for 3 minutes.\r\n"},
	}
	for i, tt := range tests {
		require.NoError(t, s.SendCode(t.Context(), message(authenticator.Email, address, tt.locales...)))
		_, messages := server.seen()
		require.Len(t, messages, i+1)
		_, subject, body := open(t, messages[i])
		assert.Equal(t, tt.subject, subject)
		assert.Equal(t, tt.body, body)
	}
}

func TestNothingIsSaidToAServerThatCannotBeTrusted(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		server  func(*smtpServer)
		config  func(*sender.SMTPConfig)
		problem string
		on      string
	}{
		{"no STARTTLS", func(s *smtpServer) { s.plain = []string{"AUTH PLAIN LOGIN"} }, nil, "does not offer STARTTLS", ""},
		{"STARTTLS refused", func(s *smtpServer) { s.replies["STARTTLS"] = "454 not now" }, nil, "starttls: reply 454", ""},
		{"a certificate of somebody unknown", nil, func(c *sender.SMTPConfig) { c.RootCAs = nil }, "certificate", ""},
		{"a certificate for another name", nil, func(c *sender.SMTPConfig) { c.Host = "127.0.0.2" }, "certificate", "127.0.0.2:0"},
		{"implicit TLS, unknown certificate", func(s *smtpServer) { s.implicit = true }, func(c *sender.SMTPConfig) { c.RootCAs = nil }, "certificate", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server := newSMTPServerOn(t, cmp.Or(tt.on, "127.0.0.1:0"), tt.server)
			c := server.config()
			if tt.config != nil {
				tt.config(&c)
			}
			err := newSMTP(t, c).SendCode(t.Context(), message(authenticator.Email, address))
			require.ErrorContains(t, err, tt.problem)
			commands, messages := server.seen()
			assert.Empty(t, messages)
			assert.Empty(t, server.logins)
			for _, command := range commands {
				assert.NotContains(t, command, "AUTH")
				assert.NotContains(t, command, "RCPT")
			}
		})
	}
}

func TestErrorsOfAServerAreItsNumbersAndNothingSecret(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		server func(*smtpServer)
		config func(*sender.SMTPConfig)
		want   string
	}{
		{"greeting", func(s *smtpServer) { s.replies["greeting"] = "554 no " + address }, nil, "sender: smtp: greeting: reply 554"},
		{"no SMTP", func(s *smtpServer) { s.replies["greeting"] = address }, nil, "sender: smtp: greeting: the server does not speak SMTP"},
		{"wrong password", nil, func(c *sender.SMTPConfig) { c.Password = "another secret" }, "sender: smtp: auth: reply 535"},
		{"wrong password, LOGIN", func(s *smtpServer) { s.secure = []string{"AUTH LOGIN"} }, func(c *sender.SMTPConfig) { c.Password = "another secret" }, "sender: smtp: auth: reply 535"},
		{"no mechanism", func(s *smtpServer) { s.secure = []string{"AUTH CRAM-MD5"} }, nil, "sender: smtp: the server offers neither AUTH PLAIN nor LOGIN"},
		{"sender", func(s *smtpServer) { s.replies["MAIL"] = "550 5.7.1 no" }, nil, "sender: smtp: mail: reply 550"},
		{"recipient", func(s *smtpServer) { s.replies["RCPT"] = "550 5.1.1 <" + address + "> unknown" }, nil, "sender: smtp: rcpt: reply 550"},
		{"data", func(s *smtpServer) { s.replies["DATA"] = "452 full" }, nil, "sender: smtp: data: reply 452"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server := newSMTPServer(t, tt.server)
			c := server.config()
			if tt.config != nil {
				tt.config(&c)
			}
			err := newSMTP(t, c).SendCode(t.Context(), message(authenticator.Email, address))
			require.EqualError(t, err, tt.want)
		})
	}
}

func TestSendingEndsWithTheContext(t *testing.T) {
	t.Parallel()
	for _, command := range []string{"EHLO", "STARTTLS", "AUTH", "RCPT", "DATA"} {
		t.Run(command, func(t *testing.T) {
			t.Parallel()
			server := newSMTPServer(t, func(s *smtpServer) { s.replies[command] = "hang" })
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error)
			go func() { done <- newSMTP(t, server.config()).SendCode(ctx, message(authenticator.Email, address)) }()
			require.Eventually(t, func() bool {
				commands, _ := server.seen()
				return len(commands) > 0 && strings.Contains(commands[len(commands)-1], command)
			}, testPatience, testTick)
			cancel()
			require.ErrorIs(t, <-done, context.Canceled)
		})
	}
}

func TestAddressesCannotSayAnythingElse(t *testing.T) {
	t.Parallel()
	server := newSMTPServer(t, nil)
	s := newSMTP(t, server.config())
	for _, to := range []string{
		"", "nobody", "a@b@example.org", "a@example.org\r\nBcc: b@example.org", "a@example.org, b@example.org", "A <a@example.org>",
		"<a@example.org>", "a@example.org>", "a b@example.org", `"a b"@example.org`, "a@example.org\x00", "a@example.org\u0085",
		"a@example.org (comment)", "a@[127.0.0.1]", "group:a@example.org;", strings.Repeat("a", 250) + "@example.org", "a\xff@example.org",
	} {
		err := s.SendCode(t.Context(), message(authenticator.Email, to))
		require.EqualError(t, err, "sender: smtp: the address is not one of e-mail", "%q", to)
	}
	require.Error(t, s.SendCode(t.Context(), message(authenticator.Phone, address)))
	commands, _ := server.seen()
	assert.Empty(t, commands)
}

func TestAddressesInOtherScriptsNeedAServerThatTakesThem(t *testing.T) {
	t.Parallel()
	const to = "សុភា@ឧទាហរណ៍.example"
	server := newSMTPServer(t, nil)
	require.NoError(t, newSMTP(t, server.config()).SendCode(t.Context(), message(authenticator.Email, to)))
	commands, _ := server.seen()
	assert.Contains(t, commands, "tls RCPT TO:<"+to+">")

	server = newSMTPServer(t, func(s *smtpServer) { s.secure = []string{"AUTH PLAIN"} })
	err := newSMTP(t, server.config()).SendCode(t.Context(), message(authenticator.Email, to))
	require.ErrorContains(t, err, "not ASCII")
	_, messages := server.seen()
	assert.Empty(t, messages)
}

// A client's name goes into the body, where it must stay.
func TestWhatStandsInTheTextStaysInTheText(t *testing.T) {
	t.Parallel()
	server := newSMTPServer(t, nil)
	s := newSMTP(t, server.config())
	m := message(authenticator.Email, address)
	m.ClientID = "x\r\n.\r\nMAIL FROM:<evil@example.org>\r\n"
	require.NoError(t, s.SendCode(t.Context(), m))
	commands, messages := server.seen()
	assert.NotContains(t, strings.Join(commands, "\n"), "evil")
	_, _, body := open(t, messages[0])
	assert.Equal(t, "480269 is your code for x\r\n.\r\nMAIL FROM:<evil@example.org>\r\n, for 3 minutes.\r\n", body)

	c := server.config()
	c.Texts = map[string]sender.Text{"en": {Subject: "{{.ClientID}}", Body: "{{.Code}}"}}
	require.ErrorContains(t, newSMTP(t, c).SendCode(t.Context(), m), "the subject is not one line")
}

func TestNewSMTPReportsEveryProblem(t *testing.T) {
	t.Parallel()
	_, err := sender.NewSMTP(sender.SMTPConfig{
		Port: 1 << 16, Username: "user", From: "nobody", LocalName: "a\r\nb", Fallback: "km",
		Texts: map[string]sender.Text{
			"en": {Subject: "{{.Nothing}}", Body: "{{.Code}}"}, "EN": {Subject: "s", Body: "{{.Code}}"},
			"fr": {Body: "{{.Code}}"}, "pt": {Subject: "s", Body: "no code"}, "hi": {Subject: "{{", Body: ""}, "ta": {Subject: "a\nb", Body: "{{.Code}}"},
		},
	})
	for _, problem := range []string{
		"Host is required", "Port", "Username and Password", "From is not", "LocalName", `language "en"`, `"en": is there twice`,
		`"fr": the Subject is empty`, `"pt": the Body does not contain the code`, `language "hi"`, `"ta": sender: the subject is not one line`,
		`Fallback language "km"`,
	} {
		require.ErrorContains(t, err, problem)
	}
	_, err = sender.NewSMTP(sender.SMTPConfig{Host: "mail.example.org", From: "no-reply@example.org"})
	require.NoError(t, err, "there is a text in English")
}
