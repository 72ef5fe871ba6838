package mock

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"regexp"
	"slices"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/directory"
	"github.com/gosignet/signet/authenticator/internal/democode"
	"github.com/gosignet/signet/authenticator/internal/digits"
)

// Addresses from which the receipts of unknown people can be made.
var (
	maskablePhone = regexp.MustCompile(`^\+[1-9][0-9]{7,14}$`)
	maskableEmail = regexp.MustCompile(`^[a-z][^@\s]*@[a-z][^@\s]*$`)
)

func (m *Mock) newCodes(c Config) (*directory.Directory, error) {
	return directory.New(directory.Config{
		Lookup: func(_ context.Context, id authenticator.Identifier) (*directory.Person, error) {
			who := m.find(id)
			if who == nil {
				return nil, directory.ErrUnknown
			}
			return &directory.Person{Subject: who.id(), Contacts: who.contacts()}, nil
		},
		Normalize: normalize,
		Sender:    nowhere{},
		Store:     c.Store,
		Secret:    c.Secret,
		Channels:  []authenticator.Channel{authenticator.Phone, authenticator.Email},
		Decoys:    m.decoys(),
		PBKDF2:    directory.PBKDF2{Iterations: 1000}, // approved everywhere, and not used
		Now:       c.Now,
	})
}

// contacts returns the person's addresses, the one that a code goes to if nothing is said first.
func (p *person) contacts() (contacts []directory.Contact) {
	if phone, ok := p.claims["phone_number"].(string); ok {
		contacts = append(contacts, directory.Contact{Channel: authenticator.Phone, Address: phone})
	}
	if email, ok := p.claims["email"].(string); ok {
		contacts = append(contacts, directory.Contact{Channel: authenticator.Email, Address: email})
	}
	return contacts
}

// decoys are the people's own addresses, so that nobody who asks for a code is told anything else than a country, or a
// letter. One is invented where nobody has an address: among those of people it would tell who is not there.
func (m *Mock) decoys() []directory.Contact {
	var decoys []directory.Contact
	for _, who := range m.people.all() {
		for _, contact := range who.contacts() {
			if maskablePhone.MatchString(contact.Address) || maskableEmail.MatchString(contact.Address) {
				decoys = append(decoys, contact)
			}
		}
	}
	for _, invented := range []directory.Contact{
		{Channel: authenticator.Phone, Address: "+999000100000"}, {Channel: authenticator.Email, Address: "a@example.org"},
	} {
		if !slices.ContainsFunc(decoys, func(c directory.Contact) bool { return c.Channel == invented.Channel }) {
			decoys = append(decoys, invented)
		}
	}
	return decoys
}

// firstChannel is where the code of somebody goes who did not choose: of an unknown person, where that of one or the other
// known one goes, always the same.
func (m *Mock) firstChannel(id authenticator.Identifier) authenticator.Channel {
	if who := m.find(id); who != nil {
		if contacts := who.contacts(); len(contacts) > 0 {
			return contacts[0].Channel
		}
	}
	mac := hmac.New(sha256.New, m.channelKey)
	mac.Write([]byte(normalize(id).Value))
	return m.firstChannels[binary.BigEndian.Uint64(mac.Sum(nil))%uint64(len(m.firstChannels))]
}

// firstChannelsOf are those of the people, each as often as there are people with it.
func firstChannelsOf(people []*person) (channels []authenticator.Channel) {
	for _, who := range people {
		if contacts := who.contacts(); len(contacts) > 0 {
			channels = append(channels, contacts[0].Channel)
		}
	}
	if channels == nil {
		return []authenticator.Channel{authenticator.Phone}
	}
	return channels
}

// Channels returns Phone and Email.
func (m *Mock) Channels() []authenticator.Channel { return m.codes.Channels() }

// SendCode makes [OTP] work for the transaction and identifier.
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
	if len(r.Channels) == 0 {
		chosen := *r
		chosen.Channels = []authenticator.Channel{m.firstChannel(r.Identifier)}
		r = &chosen
	}
	return m.codes.SendCode(democode.With(ctx, OTP), r)
}

// redeem judges a code. It counts as a try in any case, and is used up if the other answers were right.
func (m *Mock) redeem(ctx context.Context, r *authenticator.Request, code string, othersRight bool) error {
	if !othersRight {
		code = "" // never right
	}
	alone := *r
	alone.Challenges = []authenticator.Challenge{{Factor: authenticator.OTP, Response: code}}
	_, err := m.codes.Authenticate(ctx, &alone)
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
