// Package directory turns a plain look-up of people into an [authenticator.Authenticator] with one-time codes and
// passwords.
//
// # Nobody learns who is registered
//
// An unknown person is answered as a known one who answers wrongly, in the same words, shape and time: a code request
// gives a receipt with an invented destination that stays the same for the identifier, a code is kept (and known to
// nobody), a password is hashed. The same holds for people who cannot use a factor, because they have no address to
// send to or no password. Messages are sent in the background, since the time that a gateway takes would otherwise
// tell known people from unknown ones. That a person is locked is said only after right answers.
//
// Two things are left to the deployment: a [Lookup] that takes the same time either way, and [Config.Decoys] that look
// like the addresses in the register.
//
// # One-time codes
//
// A code belongs to one transaction and one identifier. The store sees neither, nor the code, nor a digest that could
// be searched without [Config.Secret]. Every answer costs a try, counted and judged in one atomic step of the store, so
// that any number of instances together allow MaxTries answers and one success. An answer with several factors consumes
// the code only if all of them are right.
package directory

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/gosignet/signet/authenticator"
)

// Directory is an Authenticator over a look-up of people. It is safe for concurrent use.
type Directory struct {
	lookup    Lookup
	normalize func(authenticator.Identifier) authenticator.Identifier
	hasher    *hasher
	dummy     *passwordHash
	logger    *slog.Logger

	// What follows is for one-time codes, and zero without a Sender.
	sender      Sender
	sending     chan struct{} // one element per message on its way
	closing     sync.Once
	sendTimeout time.Duration
	codes       *codes
	decoys      *decoys
}

var (
	_ authenticator.Authenticator = (*Directory)(nil)
	_ authenticator.CodeSender    = (*Directory)(nil)
)

// New returns a Directory, or everything that is wrong with the configuration.
func New(c Config) (*Directory, error) {
	c = c.withDefaults()
	if err := c.validate(); err != nil {
		return nil, err
	}
	d := &Directory{
		lookup:    c.Lookup,
		normalize: c.Normalize,
		hasher:    &hasher{slots: make(chan struct{}, c.MaxHashing)},
		dummy:     dummy(c.passwordCost()),
		logger:    c.Logger,
	}
	if c.Sender == nil {
		return d, nil
	}
	d.sender = c.Sender
	d.sending = make(chan struct{}, c.MaxSending)
	d.sendTimeout = c.SendTimeout
	var err error
	if d.codes, err = newCodes(c); err != nil {
		return nil, err
	}
	if d.decoys, err = newDecoys(c); err != nil {
		return nil, err
	}
	return d, nil
}

// Factors returns Password, and OTP if there is a Sender.
func (d *Directory) Factors() []authenticator.Factor {
	if d.sender == nil {
		return []authenticator.Factor{authenticator.Password}
	}
	return []authenticator.Factor{authenticator.OTP, authenticator.Password}
}

// Authenticate verifies all answers, and consumes the one-time code only if all are right.
func (d *Directory) Authenticate(ctx context.Context, r *authenticator.Request) (*authenticator.Identity, error) {
	answers, err := d.answers(r.Challenges)
	if err != nil {
		return nil, fail(authenticator.Unsupported, err)
	}
	id, err := d.identifier(r.Identifier)
	if err != nil {
		return nil, fail(authenticator.WrongCredentials, err)
	}
	person, err := d.find(ctx, id)
	if err != nil {
		return nil, err
	}

	right, cause := person != nil, error(nil)
	if password, ok := answers[authenticator.Password]; ok {
		var matches bool
		if matches, cause, err = d.checkPassword(ctx, person, password); err != nil {
			return nil, err
		}
		right = right && matches
	}
	// The code comes last: this is the step that cannot be taken back.
	if code, ok := answers[authenticator.OTP]; ok {
		reachable := right && len(person.Contacts) > 0
		if right, err = d.codes.redeem(ctx, r.Transaction, id, code, reachable); err != nil {
			return nil, err
		}
	}
	if !right {
		return nil, fail(authenticator.WrongCredentials, cause)
	}
	if person.Locked {
		return nil, fail(authenticator.Locked, nil)
	}
	state, err := json.Marshal(id)
	if err != nil {
		return nil, fail(authenticator.Unavailable, err)
	}
	return &authenticator.Identity{Subject: person.Subject, State: state}, nil
}

// Claims releases the claims that are named and that the person has. It looks the person up again.
func (d *Directory) Claims(ctx context.Context, r *authenticator.ClaimsRequest) (*authenticator.Claims, error) {
	var id authenticator.Identifier
	if err := json.Unmarshal(r.Identity.State, &id); err != nil {
		return nil, fail(authenticator.Unavailable, errors.New("directory: state of the identity cannot be read"))
	}
	person, err := d.find(ctx, id)
	if err != nil {
		return nil, err
	}
	// An identifier can pass to somebody else between the login and now, and a person can be locked.
	if person == nil || person.Subject != r.Identity.Subject {
		return nil, fail(authenticator.Unavailable, errors.New("directory: the identifier names nobody, or somebody else, by now"))
	}
	if person.Locked {
		return nil, fail(authenticator.Locked, nil)
	}
	values := make(map[string]json.RawMessage, len(r.Names))
	for _, name := range variants(r.Names, r.Locales) {
		claim, ok := person.Claims[name]
		if !ok {
			continue
		}
		if values[name], err = json.Marshal(claim); err != nil {
			return nil, fail(authenticator.Unavailable, fmt.Errorf("directory: claim %q cannot be encoded", name))
		}
	}
	return &authenticator.Claims{Values: values}, nil
}

// variants returns the names, and each name in each of the languages as OpenID Connect Core section 5.2 writes it:
// "name#km".
func variants(names, locales []string) []string {
	all := slices.Clone(names)
	for _, name := range names {
		for _, locale := range locales {
			all = append(all, name+"#"+locale)
		}
	}
	return all
}

// answers returns the response to each factor.
func (d *Directory) answers(challenges []authenticator.Challenge) (map[authenticator.Factor]string, error) {
	if len(challenges) == 0 {
		return nil, errors.New("directory: no challenge was answered")
	}
	answers := make(map[authenticator.Factor]string, len(challenges))
	for _, c := range challenges {
		if c.Factor != authenticator.Password && (c.Factor != authenticator.OTP || d.sender == nil) {
			return nil, errors.New("directory: factor is not supported")
		}
		if _, ok := answers[c.Factor]; ok {
			return nil, errors.New("directory: factor was answered twice")
		}
		answers[c.Factor] = c.Response
	}
	return answers, nil
}

func (d *Directory) identifier(id authenticator.Identifier) (authenticator.Identifier, error) {
	if err := id.Validate(); err != nil {
		return id, err
	}
	if d.normalize != nil {
		id = d.normalize(id)
	}
	return id, id.Validate()
}

// find returns the person, nil if there is none, or an *authenticator.Error.
func (d *Directory) find(ctx context.Context, id authenticator.Identifier) (*Person, error) {
	if err := ctx.Err(); err != nil {
		return nil, fail(authenticator.Unavailable, fmt.Errorf("directory: look-up: %w", err))
	}
	person, err := d.lookup(ctx, id)
	switch {
	case errors.Is(err, ErrUnknown):
		return nil, nil
	case err != nil:
		return nil, fail(authenticator.Unavailable, fmt.Errorf("directory: look-up: %w", err))
	case person == nil || person.Subject == "" || len(person.Subject) > maxSubjectBytes:
		return nil, fail(authenticator.Unavailable, errors.New("directory: look-up gave a person without a subject, or with too long a one"))
	}
	return person, nil
}

// checkPassword reports whether the password is the person's. The work is the same for somebody without a password,
// and for nobody. The cause says why a hash in the register could not be used.
func (d *Directory) checkPassword(ctx context.Context, person *Person, password string) (matches bool, cause, err error) {
	if !validPasswordLength(password) {
		return false, nil, nil
	}
	hash, usable := d.dummy, false
	if person != nil && person.PasswordHash != "" {
		parsed, err := parsePasswordHash(person.PasswordHash)
		if err != nil {
			cause = err
		} else {
			hash, usable = parsed, true
		}
	}
	matches, err = d.hasher.verify(ctx, hash, password)
	return matches && usable, cause, err
}

func fail(reason authenticator.Reason, cause error) *authenticator.Error {
	return &authenticator.Error{Reason: reason, Err: cause}
}
