package directory

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/gosignet/signet/authenticator"
)

// Sender delivers one-time codes to people.
type Sender interface {
	// SendCode sends one message. It is called concurrently, in the background, with a context that ends after
	// [Config.SendTimeout] and outlives the request of the person; it must return when the context ends. The person
	// has been told already that the message is coming, so an error is only logged.
	SendCode(ctx context.Context, m *Message) error
}

// Message is a one-time code on its way. The Sender words it.
type Message struct {
	// Code is the code, ASCII digits.
	Code string
	// To is where it goes.
	To Contact
	// ClientID is the relying party that the person is logging in to.
	ClientID string
	// Locales are the person's languages in order of preference, BCP 47.
	Locales []string
	// ExpiresAt is when the code stops working.
	ExpiresAt time.Time
}

// SendCode makes a code, starts to send it, and says where it went. The code replaces an earlier one of the same
// transaction and identifier. For somebody unknown, or without an address, all is the same except that nothing is
// sent.
func (d *Directory) SendCode(ctx context.Context, r *authenticator.CodeRequest) (*authenticator.CodeReceipt, error) {
	if d.sender == nil {
		return nil, fail(authenticator.Unsupported, errors.New("directory: there is no sender"))
	}
	id, err := d.identifier(r.Identifier)
	if err != nil {
		return nil, fail(authenticator.WrongCredentials, err)
	}
	// Taken before it is known whether there will be something to send, so that a shortage says nothing about the person.
	select {
	case d.sending <- struct{}{}:
	default:
		return nil, fail(authenticator.Unavailable, errors.New("directory: too many messages are being sent, or the directory is closed"))
	}
	delivering := false
	defer func() {
		if !delivering {
			<-d.sending
		}
	}()

	person, err := d.find(ctx, id)
	if err != nil {
		return nil, err
	}
	issued, err := d.codes.issue(ctx, r.Transaction, id)
	if err != nil {
		return nil, err
	}
	to := d.decoys.contact(id)
	if person != nil && len(person.Contacts) > 0 {
		to = person.Contacts[0]
		delivering = true
		go d.deliver(context.WithoutCancel(ctx), &Message{
			Code: issued.code, To: to, ClientID: r.ClientID, Locales: r.Locales, ExpiresAt: issued.expiresAt,
		})
	}
	return &authenticator.CodeReceipt{
		Destinations: []string{mask(to)},
		Length:       len(issued.code),
		ExpiresAt:    issued.expiresAt,
		ResendAfter:  issued.resendAfter,
	}, nil
}

// Close waits until the messages that are on their way are sent. Requests for codes get Unavailable from then on.
func (d *Directory) Close() error {
	d.closing.Do(func() {
		for range cap(d.sending) {
			d.sending <- struct{}{}
		}
	})
	return nil
}

// deliver frees its place among the messages on their way when it is done, whatever the Sender does.
func (d *Directory) deliver(ctx context.Context, m *Message) {
	defer func() { <-d.sending }()
	ctx, cancel := context.WithTimeout(ctx, d.sendTimeout)
	defer cancel()
	if err := d.send(ctx, m); err != nil {
		// Gateways like to repeat the address in their errors.
		redact := strings.NewReplacer(m.To.Address, "[address]", m.Code, "[code]")
		d.logger.ErrorContext(ctx, "one-time code was not sent",
			"channel", string(m.To.Channel), "error", redact.Replace(err.Error()))
	}
}

// send turns a panic of the Sender, which would end the process, into an error.
func (d *Directory) send(ctx context.Context, m *Message) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("sender panicked: %v", p)
		}
	}()
	return d.sender.SendCode(ctx, m)
}
