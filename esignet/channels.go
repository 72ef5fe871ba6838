package esignet

import (
	"slices"

	"github.com/gosignet/signet/authenticator"
)

// channelled is a request for a one-time code, by some of the channels that it names.
type channelled interface{ channels() []text }

// among is a check that a request names channels, and only such by which the identity system sends codes. Nil are those that
// it chooses between itself.
func among[Q channelled](known []authenticator.Channel) func(Q, *violations) {
	if known == nil {
		known = []authenticator.Channel{authenticator.Email, authenticator.Phone}
	}
	return func(q Q, v *violations) {
		names := q.channels()
		unknown := func(n text) bool { return !slices.Contains(known, authenticator.Channel(n)) }
		v.check(len(names) > 0 && !slices.ContainsFunc(names, unknown), "request.otpChannels", invalidChannel)
	}
}

// chosen are the channels that a request names, as far as there is a choice.
func chosen(known []authenticator.Channel, names []text) []authenticator.Channel {
	if known == nil {
		return nil
	}
	channels := make([]authenticator.Channel, len(names))
	for i, n := range names {
		channels[i] = authenticator.Channel(n)
	}
	return channels
}
