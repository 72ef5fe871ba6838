package sender

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/smtp"
	"net/textproto"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/directory"
)

// SMTPConfig configures an SMTP.
type SMTPConfig struct {
	// Host is the name of the server, for which its certificate has to be valid. Required.
	Host string
	// Port is 587 for STARTTLS and 465 for TLS from the beginning. Zero means that.
	Port int
	// ImplicitTLS begins with TLS (RFC 8314). False means STARTTLS (RFC 3207), without which no message is sent.
	ImplicitTLS bool
	// RootCAs verify the server's certificate. Nil means those of the system.
	RootCAs *x509.CertPool
	// Username and Password authenticate with PLAIN or LOGIN, whichever the server offers. Empty means that the server
	// asks for neither.
	Username, Password string
	// From is the sender's address, as in a header: "Example ID <no-reply@example.org>". Required.
	From string
	// LocalName is what the client calls itself. Empty means the domain of From.
	LocalName string
	// Texts are the words by language, BCP 47. Nil means a text in English.
	Texts map[string]Text
	// Fallback is the language for people of whose languages there is none. Empty means "en".
	Fallback string
	// Now is the clock. Nil means time.Now.
	Now func() time.Time
}

// SMTP is a directory.Sender that sends e-mail through a server, over TLS with a verified certificate. Each message has a
// connection of its own. It is safe for concurrent use.
type SMTP struct {
	config SMTPConfig
	from   *mail.Address
	texts  *texts
}

var _ directory.Sender = (*SMTP)(nil)

// NewSMTP returns an SMTP, or everything that is wrong with the configuration. It does not connect.
func NewSMTP(c SMTPConfig) (*SMTP, error) {
	var errs []error
	check := func(ok bool, problem string) {
		if !ok {
			errs = append(errs, errors.New("sender: "+problem))
		}
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Port == 0 {
		c.Port = 587
		if c.ImplicitTLS {
			c.Port = 465
		}
	}
	from, err := mail.ParseAddress(c.From)
	check(err == nil && plainAddress(from.Address), "From is not an e-mail address")
	if err == nil && c.LocalName == "" {
		c.LocalName = domainOf(from.Address)
	}
	check(c.Host != "" && !strings.ContainsFunc(c.Host, unicode.IsSpace), "Host is required")
	check(c.Port > 0 && c.Port < 1<<16, "Port is not one")
	check((c.Username == "") == (c.Password == ""), "Username and Password belong together")
	check(!strings.ContainsFunc(c.LocalName, func(r rune) bool { return r <= ' ' || r == 0x7f }), "LocalName is not a name")
	t, err := newTexts(c.Texts, c.Fallback, true, c.Now)
	if err := errors.Join(append(errs, err)...); err != nil {
		return nil, err
	}
	return &SMTP{config: c, from: from, texts: t}, nil
}

// SendCode sends one e-mail. It ends when the context does.
func (s *SMTP) SendCode(ctx context.Context, m *directory.Message) error {
	if m.To.Channel != authenticator.Email || !plainAddress(m.To.Address) {
		return errors.New("sender: smtp: the address is not one of e-mail")
	}
	subject, body, err := s.texts.write(m)
	if err != nil {
		return err
	}
	message, err := compose(envelope{from: s.from, to: m.To.Address, subject: subject, body: body, date: s.config.Now()})
	if err != nil {
		return err
	}
	conn, err := s.dial(ctx)
	if err != nil {
		return step("connect", err)
	}
	defer conn.Close()
	// The connection is the only thing that waits.
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if err := s.converse(conn, m.To.Address, message); err != nil {
		if ctx.Err() != nil {
			return fmt.Errorf("%w: %w", err, ctx.Err())
		}
		return err
	}
	return nil
}

func (s *SMTP) dial(ctx context.Context) (net.Conn, error) {
	address := net.JoinHostPort(s.config.Host, strconv.Itoa(s.config.Port))
	if s.config.ImplicitTLS {
		return (&tls.Dialer{Config: s.tls()}).DialContext(ctx, "tcp", address)
	}
	return new(net.Dialer).DialContext(ctx, "tcp", address)
}

func (s *SMTP) tls() *tls.Config {
	return &tls.Config{ServerName: s.config.Host, RootCAs: s.config.RootCAs, MinVersion: tls.VersionTLS12}
}

// converse delivers a message over a connection that is new.
func (s *SMTP) converse(conn net.Conn, to string, message []byte) error {
	c, err := smtp.NewClient(conn, s.config.Host)
	if err != nil {
		return step("greeting", err)
	}
	if err := c.Hello(s.config.LocalName); err != nil {
		return step("hello", err)
	}
	if !s.config.ImplicitTLS {
		if ok, _ := c.Extension("STARTTLS"); !ok {
			return errors.New("sender: smtp: the server does not offer STARTTLS")
		}
		if err := c.StartTLS(s.tls()); err != nil {
			return step("starttls", err)
		}
	}
	if s.config.Username != "" {
		if err := s.authenticate(c); err != nil {
			return err
		}
	}
	if !isASCII(to) {
		if ok, _ := c.Extension("SMTPUTF8"); !ok {
			return errors.New("sender: smtp: the server does not take addresses that are not ASCII")
		}
	}
	if err := c.Mail(s.from.Address); err != nil {
		return step("mail", err)
	}
	if err := c.Rcpt(to); err != nil {
		return step("rcpt", err)
	}
	w, err := c.Data()
	if err != nil {
		return step("data", err)
	}
	if _, err := w.Write(message); err != nil {
		return step("message", err)
	}
	if err := w.Close(); err != nil {
		return step("message", err)
	}
	c.Quit() // the message is accepted, however the server parts
	return nil
}

// authenticate is called over TLS only.
func (s *SMTP) authenticate(c *smtp.Client) error {
	_, offered := c.Extension("AUTH")
	mechanisms := strings.Fields(strings.ToUpper(offered))
	for _, m := range mechanisms {
		switch m {
		case "PLAIN":
			return step("auth", c.Auth(smtp.PlainAuth("", s.config.Username, s.config.Password, s.config.Host)))
		case "LOGIN":
			return step("auth", c.Auth(&loginAuth{username: s.config.Username, password: s.config.Password}))
		}
	}
	return errors.New("sender: smtp: the server offers neither AUTH PLAIN nor LOGIN")
}

// loginAuth is the mechanism LOGIN, which has no RFC but many servers.
type loginAuth struct {
	username, password string
	asked              int
}

// Start begins without a response.
func (a *loginAuth) Start(server *smtp.ServerInfo) (proto string, toServer []byte, err error) {
	if !server.TLS {
		return "", nil, errors.New("no TLS")
	}
	return "LOGIN", nil, nil
}

// Next answers the two questions, whose words differ between servers.
func (a *loginAuth) Next(_ []byte, more bool) ([]byte, error) {
	if !more {
		return nil, nil
	}
	a.asked++
	switch a.asked {
	case 1:
		return []byte(a.username), nil
	case 2:
		return []byte(a.password), nil
	}
	return nil, errors.New("too many questions")
}

// step says where the conversation ended. Of what the server said only the number is repeated: servers like to mention
// addresses and messages.
func step(name string, err error) error {
	if err == nil {
		return nil
	}
	if reply, ok := errors.AsType[*textproto.Error](err); ok {
		return fmt.Errorf("sender: smtp: %s: reply %d", name, reply.Code)
	}
	if _, ok := errors.AsType[textproto.ProtocolError](err); ok {
		return fmt.Errorf("sender: smtp: %s: the server does not speak SMTP", name)
	}
	return fmt.Errorf("sender: smtp: %s: %w", name, err)
}
