// Package sender delivers the one-time codes of a directory: by e-mail ([SMTP]), through the HTTP interface of an SMS
// gateway ([Gateway]), and for development into a log ([Log]). [Mux] chooses between them by channel.
//
// The words are the deployment's, in as many languages as it has: each message is in the first of the person's languages
// for which there is a text.
//
// Errors say at which step a message failed and what the other side answered in numbers. They contain no address, no code,
// no password and no part of a gateway's URL, so that they can be logged.
package sender

import (
	"context"
	"errors"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/directory"
)

// Mux sends each message by the sender of its channel. It must not be changed while it is in use.
type Mux map[authenticator.Channel]directory.Sender

var _ directory.Sender = Mux(nil)

// SendCode sends one message. It fails if the channel has no sender.
func (m Mux) SendCode(ctx context.Context, message *directory.Message) error {
	s := m[message.To.Channel]
	if s == nil {
		return errors.New("sender: no sender for the channel")
	}
	return s.SendCode(ctx, message)
}
