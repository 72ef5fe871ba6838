package main

import (
	"github.com/gosignet/signet/authenticator/directory"
	"github.com/gosignet/signet/authenticator/sender"
)

// readSenders reads {"sender": {"email": {…}, "phone": {…}}}: who brings a code, by channel. It is nil if there is none.
func (b *identityBuilder) readSenders(d *document) directory.Sender {
	if !d.has("sender") {
		return nil
	}
	mux := sender.Mux{}
	names, senders := d.named("sender")
	for _, name := range names {
		s := senders[name]
		var made directory.Sender
		var err error
		switch s.text("type") {
		case "smtp":
			made, err = readSMTP(s)
		case "gateway":
			made, err = readGateway(s)
		case "log":
			made, err = sender.NewLog(sender.LogConfig{Development: b.development || b.onLoopback(), Logger: b.logger})
		default:
			s.problem("type", "is none of smtp, gateway, log")
			s.ignore() // of the other members nothing is known
			continue
		}
		if err != nil {
			s.errs = append(s.errs, at(s, err))
		}
		mux[directory.Channel(name)] = made
	}
	return mux
}

func readSMTP(d *document) (directory.Sender, error) {
	return sender.NewSMTP(sender.SMTPConfig{
		Host: d.text("host"), Port: d.number("port"), ImplicitTLS: d.boolean("implicit_tls"), RootCAs: d.authorities("ca_file"),
		Username: d.text("username"), Password: d.secret("password_file"),
		From: d.text("from"), LocalName: d.text("local_name"), Texts: readTexts(d), Fallback: d.text("fallback"),
	})
}

// readGateway reads how an SMS gateway is called. A URL or a header with a secret in it comes from a file.
func readGateway(d *document) (directory.Sender, error) {
	c := sender.GatewayConfig{
		Method: d.text("method"), URL: d.text("url"), AllowHTTP: d.boolean("allow_http"), RootCAs: d.authorities("ca_file"),
		Headers: member[map[string]string](d, "headers"), Format: sender.Format(d.text("format")), Body: d.text("body"),
		Statuses: member[[]int](d, "statuses"), AnswerField: d.text("answer_field"), AnswerValues: d.texts("answer_values"),
		Tries: d.number("tries"), RetryAfter: d.duration("retry_after"), Texts: readTexts(d), Fallback: d.text("fallback"),
	}
	if d.has("url_file") {
		if c.URL != "" {
			d.problem("url_file", "and url are both there")
		}
		c.URL = d.secret("url_file")
	}
	if c.Headers == nil {
		c.Headers = make(map[string]string)
	}
	files := member[map[string]string](d, "header_files")
	for name, value := range files {
		if _, twice := c.Headers[name]; twice {
			d.problem("header_files", "%q is in headers too", name)
		}
		c.Headers[name] = d.line("header_files."+name, d.contents("header_files."+name, value))
	}
	return sender.NewGateway(c)
}

// readTexts reads {"texts": {"en": {"subject": …, "body": …}}}.
func readTexts(d *document) map[string]sender.Text {
	names, texts := d.named("texts")
	if len(names) == 0 {
		return nil
	}
	all := make(map[string]sender.Text)
	for _, language := range names {
		t := texts[language]
		all[language] = sender.Text{Subject: t.text("subject"), Body: t.text("body")}
	}
	return all
}
