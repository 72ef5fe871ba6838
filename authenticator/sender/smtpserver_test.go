package sender_test

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator/sender"
)

const (
	smtpUser     = "mailer@example.org"
	smtpPassword = "mail secret ✓"
)

// smtpServer is a mail server that takes what RFC 5321 and its extensions allow, and remembers it.
type smtpServer struct {
	listener net.Listener
	tls      *tls.Config
	roots    *x509.CertPool
	implicit bool
	// extensions are those of the greeting before and after TLS began.
	plain, secure []string
	// replies are what it answers to a command instead of doing what it says.
	replies map[string]string

	mu       sync.Mutex
	commands []string // "tls AUTH PLAIN", without what is secret
	messages []string // as they were transferred, without dots that were stuffed
	logins   []string
}

func newSMTPServer(t *testing.T, change func(*smtpServer)) *smtpServer {
	t.Helper()
	return newSMTPServerOn(t, "127.0.0.1:0", change)
}

func newSMTPServerOn(t *testing.T, address string, change func(*smtpServer)) *smtpServer {
	t.Helper()
	certificate, roots := authority(t)
	s := &smtpServer{
		tls: &tls.Config{Certificates: []tls.Certificate{certificate}}, roots: roots,
		plain: []string{"STARTTLS"}, secure: []string{"AUTH PLAIN LOGIN", "8BITMIME", "SMTPUTF8"},
		replies: make(map[string]string),
	}
	if change != nil {
		change(s)
	}
	var err error
	s.listener, err = net.Listen("tcp", address)
	require.NoError(t, err)
	if s.implicit {
		s.listener = tls.NewListener(s.listener, s.tls)
	}
	var group sync.WaitGroup
	group.Go(func() {
		for {
			conn, err := s.listener.Accept()
			if err != nil {
				return
			}
			group.Go(func() {
				defer conn.Close()
				s.serve(conn)
			})
		}
	})
	t.Cleanup(func() {
		s.listener.Close()
		group.Wait()
	})
	return s
}

func (s *smtpServer) config() sender.SMTPConfig {
	return sender.SMTPConfig{
		Host: "localhost", Port: s.listener.Addr().(*net.TCPAddr).Port, ImplicitTLS: s.implicit, RootCAs: s.roots,
		Username: smtpUser, Password: smtpPassword, From: "លេខសម្គាល់ ID <no-reply@id.example.org>", Texts: texts, Now: clock,
	}
}

// serve is one session.
func (s *smtpServer) serve(conn net.Conn) {
	secure := s.implicit
	in := bufio.NewReader(conn)
	say := func(line string) { fmt.Fprintf(conn, "%s\r\n", line) }
	read := func() string {
		line, _ := in.ReadString('\n')
		return strings.TrimSuffix(line, "\r\n")
	}
	if reply, ok := s.replies["greeting"]; ok {
		say(reply)
		return
	}
	say("220 mail.example.org ESMTP")
	for {
		line := read()
		if line == "" {
			return
		}
		verb, rest, _ := strings.Cut(line, " ")
		s.note(secure, verb, rest)
		if reply, ok := s.replies[verb]; ok {
			if reply == "hang" {
				in.ReadByte()
				return
			}
			say(reply)
			continue
		}
		switch verb {
		case "EHLO":
			extensions := s.plain
			if secure {
				extensions = s.secure
			}
			say("250-mail.example.org")
			for _, e := range extensions {
				say("250-" + e)
			}
			say("250 SIZE 100000")
		case "STARTTLS":
			say("220 go ahead")
			conn = tls.Server(conn, s.tls)
			in, secure = bufio.NewReader(conn), true
		case "AUTH":
			say(s.login(rest, func(question string) string {
				say("334 " + base64.StdEncoding.EncodeToString([]byte(question)))
				return read()
			}))
		case "MAIL", "RCPT":
			say("250 ok")
		case "DATA":
			say("354 go on")
			var b strings.Builder
			for line := read(); line != "."; line = read() {
				b.WriteString(strings.TrimPrefix(line, ".") + "\r\n")
			}
			s.mu.Lock()
			s.messages = append(s.messages, b.String())
			s.mu.Unlock()
			say("250 queued")
		case "QUIT":
			say("221 bye")
			return
		default:
			say("502 not implemented")
		}
	}
}

func (s *smtpServer) login(arguments string, ask func(string) string) string {
	decode := func(text string) string {
		b, _ := base64.StdEncoding.DecodeString(text)
		return string(b)
	}
	var user, password string
	switch mechanism, initial, _ := strings.Cut(arguments, " "); mechanism {
	case "PLAIN":
		if parts := strings.Split(decode(initial), "\x00"); len(parts) == 3 && parts[0] == "" {
			user, password = parts[1], parts[2]
		}
	case "LOGIN":
		user, password = decode(ask("User Name\x00")), decode(ask("Password:"))
	}
	s.mu.Lock()
	s.logins = append(s.logins, user)
	s.mu.Unlock()
	if user != smtpUser || password != smtpPassword {
		return "535 5.7.8 wrong: " + user + " " + password
	}
	return "235 welcome"
}

func (s *smtpServer) note(secure bool, verb, rest string) {
	if verb == "AUTH" {
		rest, _, _ = strings.Cut(rest, " ")
	}
	line := strings.TrimSpace(verb + " " + rest)
	if secure {
		line = "tls " + line
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.commands = append(s.commands, line)
}

// seen returns what the server got.
func (s *smtpServer) seen() (commands, messages []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.commands...), append([]string(nil), s.messages...)
}
