// Package directory turns a plain look-up of people into an [authenticator.Authenticator] with one-time codes, passwords,
// PINs and knowledge.
//
// # Nobody learns who is registered
//
// An unknown person is answered as a known one who answers wrongly, in the same words, shape and time: a code request
// gives a receipt with an invented destination that stays the same for the identifier, a code is kept (and known to
// nobody), a password is hashed. The same holds for people who cannot use a factor, because they have no address to
// send to, no password or nothing that they could be asked. Messages are sent in the background, since the time that a
// gateway takes would otherwise tell known people from unknown ones; a code that is wanted by a channel on which the
// person cannot be reached goes nowhere, and the receipt looks as if it went. Which of several answers was wrong is never
// said, and that a person is locked only after right answers.
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
//
// # Knowledge
//
// Answers are compared as people write them: case, white space, punctuation, accents, the script of digits and the
// notation of dates do not count. All of them have to be right.
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
	factors   []authenticator.Factor
	hasher    *hasher
	dummy     *passwordHash
	upgrades  *upgrades // nil without a Rehash
	form      *authenticator.Form
	questions questions
	logger    *slog.Logger

	// What follows is for one-time codes, and zero without a Sender.
	sender      Sender
	channels    []Channel
	preferred   []Channel     // those of people who do not choose
	sending     chan struct{} // one element per message on its way
	closing     sync.Once
	sendTimeout time.Duration
	codes       *codes
	decoys      *decoys
}

var (
	_ authenticator.Authenticator = (*Directory)(nil)
	_ authenticator.ChannelSender = (*Directory)(nil)
	_ authenticator.FormProvider  = (*Directory)(nil)
	_ authenticator.Recaller      = (*Directory)(nil)
)

// New returns a Directory, or everything that is wrong with the configuration.
func New(c Config) (*Directory, error) {
	c = c.withDefaults()
	if err := c.validate(); err != nil {
		return nil, err
	}
	q, err := newQuestions(c.Form)
	if err != nil {
		return nil, err
	}
	d := &Directory{
		lookup:    c.Lookup,
		normalize: c.Normalize,
		factors:   factors(c),
		hasher:    &hasher{cost: c.passwordCost(), slots: make(chan struct{}, c.MaxHashing)},
		dummy:     dummy(c.passwordCost()),
		form:      c.Form.Clone(),
		questions: q,
		logger:    c.Logger,
	}
	if c.Rehash != nil {
		d.upgrades = newUpgrades(c, d.hasher)
	}
	if c.Sender == nil {
		return d, nil
	}
	d.sender = c.Sender
	d.channels = slices.Clone(c.Channels)
	d.preferred = slices.Clone(c.DefaultChannels)
	d.sending = make(chan struct{}, c.MaxSending)
	d.sendTimeout = c.SendTimeout
	if d.codes, err = newCodes(c); err != nil {
		return nil, err
	}
	if d.decoys, err = newDecoys(c); err != nil {
		return nil, err
	}
	return d, nil
}

// Factors returns Password, OTP if there is a Sender, PIN if people may have one, and Knowledge if there is a Form.
func (d *Directory) Factors() []authenticator.Factor { return slices.Clone(d.factors) }

func factors(c Config) []authenticator.Factor {
	var all []authenticator.Factor
	if c.Sender != nil {
		all = append(all, authenticator.OTP)
	}
	all = append(all, authenticator.Password)
	if c.PIN {
		all = append(all, authenticator.PIN)
	}
	if len(c.Form.Fields) > 0 {
		all = append(all, authenticator.Knowledge)
	}
	return all
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

	// Every answer is looked at, whatever the others were.
	right, causes := person != nil, []error(nil)
	secrets := secrets(person, answers)
	for i := range secrets {
		matches, cause, err := d.checkSecret(ctx, &secrets[i])
		if err != nil {
			return nil, err
		}
		right = right && matches
		causes = append(causes, cause)
	}
	if response, ok := answers[authenticator.Knowledge]; ok {
		matches, cause := d.questions.match(person, response)
		right = right && matches
		causes = append(causes, cause)
	}
	// The code comes last: this is the step that cannot be taken back.
	if code, ok := answers[authenticator.OTP]; ok {
		if right, err = d.codes.redeem(ctx, r.Transaction, id, code, right); err != nil {
			return nil, err
		}
	}
	if !right {
		return nil, fail(authenticator.WrongCredentials, errors.Join(causes...))
	}
	if person.Locked {
		return nil, fail(authenticator.Locked, nil)
	}
	for i := range secrets {
		d.upgrades.begin(ctx, id, &secrets[i])
	}
	return identity(person, id)
}

// Recall returns the person's Identity of today. WrongCredentials says that the identifier of the earlier login names
// nobody, or somebody else, by now.
func (d *Directory) Recall(ctx context.Context, earlier *authenticator.Identity) (*authenticator.Identity, error) {
	person, id, err := d.findAgain(ctx, earlier, authenticator.WrongCredentials)
	if err != nil {
		return nil, err
	}
	return identity(person, id)
}

// identity is what a login says of a person; findAgain reads it.
func identity(person *Person, id authenticator.Identifier) (*authenticator.Identity, error) {
	state, err := json.Marshal(id)
	if err != nil {
		return nil, fail(authenticator.Unavailable, err)
	}
	return &authenticator.Identity{Subject: person.Subject, State: state}, nil
}

// findAgain looks up somebody who logged in before. The reason is the one for somebody who is not there any more.
func (d *Directory) findAgain(
	ctx context.Context, earlier *authenticator.Identity, gone authenticator.Reason,
) (*Person, authenticator.Identifier, error) {
	var id authenticator.Identifier
	if err := json.Unmarshal(earlier.State, &id); err != nil {
		return nil, id, fail(authenticator.Unavailable, errors.New("directory: state of the identity cannot be read"))
	}
	person, err := d.find(ctx, id)
	switch {
	case err != nil:
		return nil, id, err
	case person == nil || person.Subject != earlier.Subject: // an identifier can pass to somebody else
		return nil, id, fail(gone, errors.New("directory: the identifier names nobody, or somebody else, by now"))
	case person.Locked:
		return nil, id, fail(authenticator.Locked, nil)
	}
	return person, id, nil
}

// Claims releases the claims that are named and that the person has. It looks the person up again.
func (d *Directory) Claims(ctx context.Context, r *authenticator.ClaimsRequest) (*authenticator.Claims, error) {
	person, _, err := d.findAgain(ctx, &r.Identity, authenticator.Unavailable)
	if err != nil {
		return nil, err
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
		if !slices.Contains(d.factors, c.Factor) {
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
		return nil, &authenticator.Error{Reason: authenticator.Unavailable, Unasked: true, Err: fmt.Errorf("directory: look-up: %w", err)}
	case person == nil || person.Subject == "" || len(person.Subject) > maxSubjectBytes:
		return nil, fail(authenticator.Unavailable, errors.New("directory: look-up gave a person without a subject, or with too long a one"))
	}
	return person, nil
}

func fail(reason authenticator.Reason, cause error) *authenticator.Error {
	return &authenticator.Error{Reason: reason, Err: cause}
}
