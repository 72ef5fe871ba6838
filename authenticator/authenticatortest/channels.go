package authenticatortest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gosignet/signet/authenticator"
)

// channelRules are for Authenticators that are ChannelSenders with channels to choose among.
var channelRules = []rule{
	{
		name: "Channels",
		rule: "Channels names channels validly, each once, the same ones every time, and none without otp.",
		why:  "Pages are drawn from them once, and a choice among none that work is no choice.",
		check: func(_ context.Context, s *subject) error {
			sender, ok := s.Authenticator.(authenticator.ChannelSender)
			if !ok {
				return nil
			}
			channels := sender.Channels()
			for i, c := range channels {
				// A type of identifier follows the same rule.
				if (authenticator.Identifier{Type: string(c), Value: "x"}).Validate() != nil || c == "" {
					return fmt.Errorf("%q is not a name of at most 32 lower-case letters, digits, '_' and '-'", c)
				}
				if slices.Contains(channels[:i], c) {
					return fmt.Errorf("%q is there twice", c)
				}
			}
			if again := sender.Channels(); !slices.Equal(channels, again) {
				return fmt.Errorf("the result of Channels was %q and then %q", channels, again)
			}
			if len(channels) > 0 && s.sender() == nil {
				return errors.New("there are Channels, but otp is no factor")
			}
			return nil
		},
	},
	{
		name: "ChosenChannels",
		rule: "A code comes by the channels that were chosen and no others, for somebody unknown as for somebody known.",
		why:  "Who chose e-mail may not have the telephone at hand; and a receipt that differs tells who is registered.",
		check: func(ctx context.Context, s *subject) error {
			for _, choice := range s.choices() {
				known, err := s.sendBy(ctx, s.Person, choice)
				if err != nil {
					return err
				}
				unknown, err := s.sendBy(ctx, s.Unknown, choice)
				if err != nil {
					return fmt.Errorf("somebody unknown: %w", err)
				}
				if err := sameShape(known, unknown); err != nil {
					return fmt.Errorf("%q: %w", choice, err)
				}
			}
			return nil
		},
	},
}

// choices returns each channel alone, and all of them.
func (s *subject) choices() [][]authenticator.Channel {
	sender, ok := s.sender().(authenticator.ChannelSender)
	if !ok {
		return nil
	}
	var choices [][]authenticator.Channel
	for _, c := range sender.Channels() {
		choices = append(choices, []authenticator.Channel{c})
	}
	return append(choices, sender.Channels())
}

// sendBy asks for a code, and checks where it went as far as an address shows that.
func (s *subject) sendBy(
	ctx context.Context, id authenticator.Identifier, choice []authenticator.Channel,
) (*authenticator.CodeReceipt, error) {
	r := codeRequest(transaction(), id)
	r.Channels = choice
	receipt, err := s.sendCode(ctx, r)
	if err != nil || len(choice) != 1 {
		return receipt, err
	}
	for _, d := range receipt.Destinations {
		byEmail := strings.Contains(d, "@")
		if choice[0] == authenticator.Email && !byEmail || choice[0] == authenticator.Phone && byEmail {
			return nil, fmt.Errorf("asked for a code by %q, it was sent by another channel too", choice[0])
		}
	}
	return receipt, nil
}
