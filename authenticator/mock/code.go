package mock

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/directory"
	"github.com/gosignet/signet/authenticator/internal/democode"
	"github.com/gosignet/signet/authenticator/internal/digits"
)

// channelOrders are the ways in which a person can be looked for, each with a directory of its own. All of them share their
// codes, because they have the same store and secret.
var channelOrders = [][]authenticator.Channel{
	{authenticator.Phone, authenticator.Email}, // when nothing is said
	{authenticator.Email, authenticator.Phone},
	{authenticator.Phone},
	{authenticator.Email},
}

// Addresses from which the receipts of unknown people can be made.
var (
	maskablePhone = regexp.MustCompile(`^\+[1-9][0-9]{7,14}$`)
	maskableEmail = regexp.MustCompile(`^[a-z][^@\s]*@[a-z][^@\s]*$`)
)

func (m *Mock) newCodes(c Config) (map[string]*directory.Directory, error) {
	all := make(map[string]*directory.Directory)
	for _, channels := range channelOrders {
		d, err := directory.New(directory.Config{
			Lookup: func(_ context.Context, id authenticator.Identifier) (*directory.Person, error) {
				who := m.find(id)
				if who == nil {
					return nil, directory.ErrUnknown
				}
				p := &directory.Person{Subject: who.id()}
				if contact, ok := who.contact(channels); ok {
					p.Contacts = []directory.Contact{contact}
				}
				return p, nil
			},
			Normalize: normalize,
			Sender:    nowhere{},
			Store:     c.Store,
			Secret:    c.Secret,
			Decoys:    m.decoys(channels),
			PBKDF2:    directory.PBKDF2{Iterations: 1000}, // approved everywhere, and not used
			Now:       c.Now,
		})
		if err != nil {
			return nil, err
		}
		all[orderKey(channels)] = d
	}
	return all, nil
}

// orderKey names an order of channels.
func orderKey(channels []authenticator.Channel) string {
	var b strings.Builder
	for _, c := range channels {
		b.WriteString(string(c) + " ")
	}
	return b.String()
}

// contact returns the person's address for the first of the channels for which there is one.
func (p *person) contact(channels []authenticator.Channel) (directory.Contact, bool) {
	for _, c := range channels {
		switch c {
		case authenticator.Phone:
			if phone, ok := p.claims["phone_number"].(string); ok {
				return directory.Contact{Channel: directory.SMS, Address: phone}, true
			}
		case authenticator.Email:
			if email, ok := p.claims["email"].(string); ok {
				return directory.Contact{Channel: directory.Email, Address: email}, true
			}
		}
	}
	return directory.Contact{}, false
}

// decoys are the people's own addresses, so that nobody who asks for a code is told anything else than a country, or a
// letter.
func (m *Mock) decoys(channels []authenticator.Channel) []directory.Contact {
	var contacts []directory.Contact
	for _, who := range m.people.all() {
		contact, ok := who.contact(channels)
		if ok && (maskablePhone.MatchString(contact.Address) || maskableEmail.MatchString(contact.Address)) {
			contacts = append(contacts, contact)
		}
	}
	if contacts != nil {
		return contacts
	}
	if channels[0] == authenticator.Email {
		return []directory.Contact{{Channel: directory.Email, Address: "a@example.org"}}
	}
	return []directory.Contact{{Channel: directory.SMS, Address: "+999000100000"}}
}

// Channels returns Phone and Email.
func (*Mock) Channels() []authenticator.Channel {
	return []authenticator.Channel{authenticator.Phone, authenticator.Email}
}

// SendCode makes [OTP] work for the transaction and identifier. The code goes to one address: that of the first of the
// channels for which the person has one.
func (m *Mock) SendCode(ctx context.Context, r *authenticator.CodeRequest) (*authenticator.CodeReceipt, error) {
	if !slices.Contains(m.factors, authenticator.OTP) {
		return nil, fail(authenticator.Unsupported, "one-time codes are not among the factors")
	}
	nonsense, err := m.faults.happen(ctx, Sending)
	switch {
	case err != nil:
		return nil, err
	case nonsense:
		return &authenticator.CodeReceipt{Destinations: []string{"+999000100000"}, Length: -1}, nil
	}
	var channels []authenticator.Channel
	for _, c := range r.Channels {
		if slices.Contains(m.Channels(), c) && !slices.Contains(channels, c) {
			channels = append(channels, c)
		}
	}
	if channels == nil {
		channels = channelOrders[0]
	}
	alone := *r
	alone.Channels = nil
	return m.codes[orderKey(channels)].SendCode(democode.With(ctx, OTP), &alone)
}

// redeem judges a code. It counts as a try in any case, and is used up if the other answers were right.
func (m *Mock) redeem(ctx context.Context, r *authenticator.Request, code string, othersRight bool) error {
	if !othersRight {
		code = "" // never right
	}
	alone := *r
	alone.Challenges = []authenticator.Challenge{{Factor: authenticator.OTP, Response: code}}
	_, err := m.codes[orderKey(channelOrders[0])].Authenticate(ctx, &alone)
	return err
}

// normalize lets people type their number in their own digits and in groups.
func normalize(id authenticator.Identifier) authenticator.Identifier {
	if id.Type == "" {
		id.Type = NationalID
	}
	id.Value = digits.Normalize(id.Value)
	return id
}

// nowhere is the Sender.
type nowhere struct{}

func (nowhere) SendCode(context.Context, *directory.Message) error { return nil }
