package directory

import (
	"context"
	"errors"
	"fmt"
	"slices"
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

// Channels returns those by which people may choose to get codes.
func (d *Directory) Channels() []Channel { return slices.Clone(d.channels) }

// SendCode makes a code, starts to send it by each of the channels, and says where it went. The code replaces an earlier
// one of the same transaction and identifier. For somebody unknown, or without an address for a channel, all is the same
// except that nothing is sent.
func (d *Directory) SendCode(ctx context.Context, r *authenticator.CodeRequest) (*authenticator.CodeReceipt, error) {
	if d.sender == nil {
		return nil, fail(authenticator.Unsupported, errors.New("directory: there is no sender"))
	}
	id, err := d.identifier(r.Identifier)
	if err != nil {
		return nil, fail(authenticator.WrongCredentials, err)
	}
	channels, err := d.chosen(r.Channels)
	if err != nil {
		return nil, fail(authenticator.Unsupported, err)
	}
	// Taken before it is known whether there will be something to send, so that a shortage says nothing about the person.
	places := max(1, len(channels))
	if !d.reserve(places) {
		return nil, fail(authenticator.Unavailable, errors.New("directory: too many messages are being sent, or the directory is closed"))
	}
	defer func() { d.free(places) }()

	person, err := d.find(ctx, id)
	if err != nil {
		return nil, err
	}
	reached, shown := d.destinations(person, id, channels)
	issued, err := d.codes.issue(ctx, r.Transaction, id, len(reached) > 0)
	if err != nil {
		return nil, err
	}
	for _, to := range reached {
		places--
		go d.deliver(context.WithoutCancel(ctx), &Message{
			Code: issued.code, To: to, ClientID: r.ClientID, Locales: r.Locales, ExpiresAt: issued.expiresAt,
		})
	}
	return &authenticator.CodeReceipt{
		Destinations: shown,
		Length:       len(issued.code),
		ExpiresAt:    issued.expiresAt,
		ResendAfter:  issued.resendAfter,
	}, nil
}

// chosen returns the channels by which a code goes, each once, and none if it goes to the first contact.
func (d *Directory) chosen(asked []Channel) ([]Channel, error) {
	var channels []Channel
	for _, channel := range asked {
		if !slices.Contains(d.channels, channel) {
			return nil, errors.New("directory: channel is not supported")
		}
		if !slices.Contains(channels, channel) {
			channels = append(channels, channel)
		}
	}
	if len(channels) == 0 {
		return d.preferred, nil
	}
	return channels, nil
}

// destinations returns the contacts that the code goes to, and the masked ones of the receipt: one per channel, or one if
// there are no channels. What the person does not have is invented.
func (d *Directory) destinations(person *Person, id authenticator.Identifier, channels []Channel) (reached []Contact, shown []string) {
	var contacts []Contact
	if person != nil {
		contacts = person.Contacts
	}
	if len(channels) == 0 {
		to := d.decoys.any(id)
		if len(contacts) > 0 {
			to = contacts[0]
			reached = []Contact{to}
		}
		return reached, []string{mask(to)}
	}
	for _, channel := range channels {
		to := d.decoys.contact(id, channel)
		if i := slices.IndexFunc(contacts, func(c Contact) bool { return c.Channel == channel }); i >= 0 {
			to = contacts[i]
			reached = append(reached, to)
		}
		shown = append(shown, mask(to))
	}
	return reached, shown
}

// reserve takes the places of n messages on their way, unless there are not so many.
func (d *Directory) reserve(n int) bool {
	for taken := range n {
		select {
		case d.sending <- struct{}{}:
		default:
			d.free(taken)
			return false
		}
	}
	return true
}

func (d *Directory) free(n int) {
	for range n {
		<-d.sending
	}
}

// Close waits until the messages that are on their way are sent, and the hashes that are being replaced are. Requests for
// codes get Unavailable from then on.
func (d *Directory) Close() error {
	d.closing.Do(func() {
		for range cap(d.sending) {
			d.sending <- struct{}{}
		}
		d.upgrades.close()
	})
	return nil
}

// deliver frees its place among the messages on their way when it is done, whatever the Sender does.
func (d *Directory) deliver(ctx context.Context, m *Message) {
	defer d.free(1)
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
