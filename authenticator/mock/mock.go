// Package mock is an identity system with a dozen invented people, for demonstrations, examples and tests.
//
// Everybody logs in with their national ID number, which has ten digits, by the one-time code [OTP], by the password of
// [Config], by the [PIN], by what they know about themselves, or by any biometric capture that was made just now. A code
// must be asked for before it works, it expires, it is used once, and an unknown number looks like a known one. Nothing is
// ever sent.
//
// The people live in several countries and write their names in Latin, Arabic, Devanagari, Khmer, Kannada and Tamil
// letters; those in other letters than Latin have their names a second time in English ("name#en"). One has no e-mail
// address, one has one that is not verified. They do not exist: their addresses are under example.org, and nobody can
// have their telephone numbers, which are in ranges for fiction or begin with zeros.
//
// Other people come from a file ([ReadPersonas]), or over HTTP: [NewAPI] serves the same people as eSignet's mock identity
// system does, to programs that were written for that. What is changed there is seen at once by the [Mock].
//
// For tests of what happens when an identity system is slow or broken there are [Faults].
//
// # Personas in a file
//
// The file is a JSON array. An element is
//
//	{
//	  "national_id": "8051437269",
//	  "pin": "246810",
//	  "password": "a password of their own",
//	  "knowledge": {"mothersName": "an answer to a question that is about no claim"},
//	  "claims": {"name": "សុខ ដារ៉ា", "name#en": "Sok Dara", "birthdate": "1990-02-27", "locale": "km-KH"},
//	  "verified": [{"verification": {"trust_framework": "...", "time": "2025-03-01T09:00Z"}, "claims": ["name", "birthdate"]}]
//	}
//
// of which all but national_id and claims may be missing, or the identity JSON that eSignet's mock identity system takes,
// without anything around it.
package mock

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/directory"
	"github.com/gosignet/signet/store"
)

const (
	// OTP is the one-time code of everybody.
	OTP = "111111"
	// PIN is the PIN of everybody who has no other.
	PIN = "246810"
)

// NationalID is the type of identifier that the mock knows. An identifier without a type is one too.
const NationalID = "national_id"

const maxPassword = 1024

// Config configures a Mock.
type Config struct {
	// Password is the password of everybody who has no other, 1 to 1024 bytes. Required.
	Password string
	// Store keeps the codes that were asked for. Required.
	Store store.Ephemeral
	// Secret is that of the codes, at least 32 bytes. Nil means a random one, which does for a single instance.
	Secret []byte
	// Personas are the people at the beginning, as [ReadPersonas] returns them. Nil means those that are built in.
	Personas []Persona
	// Factors are those to offer, out of [AllFactors]. Nil means OTP and Password.
	Factors []authenticator.Factor
	// Questions are the form of Knowledge. A name is that of a member of identity JSON, such as "phone" or "fullName", or
	// of [Persona.Knowledge]. Nil means the full name, in any of the person's languages, and the date of birth.
	Questions []authenticator.FormField
	// CaptureMaxAge is how old a biometric capture may be. Zero means 5 minutes.
	CaptureMaxAge time.Duration
	// Faults are for tests. Nil means that nothing fails.
	Faults *Faults
	// Now is the clock. Nil means time.Now.
	Now func() time.Time
}

// Mock is an Authenticator over the personas. It is safe for concurrent use.
type Mock struct {
	people        *people
	factors       []authenticator.Factor
	questions     []authenticator.FormField
	captureMaxAge time.Duration
	codes         *directory.Directory
	store         store.Ephemeral
	faults        *Faults
	now           func() time.Time
	firstChannels []authenticator.Channel
	channelKey    []byte
}

var (
	_ authenticator.Authenticator = (*Mock)(nil)
	_ authenticator.ChannelSender = (*Mock)(nil)
	_ authenticator.FormProvider  = (*Mock)(nil)
	_ authenticator.Recaller      = (*Mock)(nil)
)

// AllFactors returns the factors that the mock can verify: one-time code, password, PIN, knowledge and biometrics.
func AllFactors() []authenticator.Factor {
	return []authenticator.Factor{
		authenticator.OTP, authenticator.Password, authenticator.PIN, authenticator.Knowledge, authenticator.Biometrics,
	}
}

// New returns a Mock, or everything that is wrong with the configuration.
func New(c Config) (*Mock, error) {
	var errs []error
	if c.Personas == nil {
		var err error
		if c.Personas, err = ReadPersonas(bytes.NewReader(personasJSON)); err != nil {
			return nil, err
		}
	} else {
		errs = checkPersonas(c.Personas)
	}
	if c.Password == "" || len(c.Password) > maxPassword {
		errs = append(errs, fmt.Errorf("mock: a password has 1 to %d bytes", maxPassword))
	}
	if c.CaptureMaxAge < 0 {
		errs = append(errs, errors.New("mock: CaptureMaxAge is negative"))
	}
	if c.CaptureMaxAge == 0 {
		c.CaptureMaxAge = 5 * time.Minute
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Secret == nil {
		c.Secret = make([]byte, 32)
		rand.Read(c.Secret) // never fails: it ends the program instead
	}
	if c.Factors == nil {
		c.Factors = []authenticator.Factor{authenticator.OTP, authenticator.Password}
	}
	if c.Questions == nil {
		c.Questions = defaultQuestions()
	}
	errs = append(errs, checkFactors(c.Factors), checkQuestions(c.Questions))
	m := &Mock{
		people:  &people{byID: make(map[string]*person)},
		factors: slices.Clone(c.Factors), questions: slices.Clone(c.Questions),
		captureMaxAge: c.CaptureMaxAge, store: c.Store, faults: c.Faults, now: c.Now,
	}
	for _, p := range c.Personas {
		if err := m.people.create(p.person(c.Password, c.Now())); err != nil && !errors.Is(err, errDuplicate) { // told already
			errs = append(errs, err)
		}
	}
	mac := hmac.New(sha256.New, c.Secret)
	mac.Write([]byte("mock: first channel"))
	m.firstChannels, m.channelKey = firstChannelsOf(m.people.all()), mac.Sum(nil)
	var err error
	m.codes, err = m.newCodes(c)
	if err := errors.Join(append(errs, err)...); err != nil {
		return nil, err
	}
	return m, nil
}

func checkFactors(factors []authenticator.Factor) error {
	var errs []error
	if len(factors) == 0 {
		errs = append(errs, errors.New("mock: Factors is empty"))
	}
	for i, f := range factors {
		if !slices.Contains(AllFactors(), f) {
			errs = append(errs, fmt.Errorf("mock: %q is no factor of the mock", f))
		}
		if slices.Contains(factors[:i], f) {
			errs = append(errs, fmt.Errorf("mock: the factor %q is there twice", f))
		}
	}
	return errors.Join(errs...)
}

// Personas returns the people whom one can log in as now.
func (m *Mock) Personas() []Persona {
	var personas []Persona
	for _, p := range m.people.all() {
		personas = append(personas, p.persona())
	}
	return personas
}

// ClaimNames returns the claims that any persona has now, in alphabetical order and without languages: what a provider
// over the mock can release.
func (m *Mock) ClaimNames() []string {
	names := make(map[string]bool)
	for _, p := range m.people.all() {
		for name := range p.claims {
			base, _, _ := strings.Cut(name, "#")
			names[base] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// Factors returns those of [Config].
func (m *Mock) Factors() []authenticator.Factor { return slices.Clone(m.factors) }

// Authenticate verifies all answers, and uses the code up only if all are right.
func (m *Mock) Authenticate(ctx context.Context, r *authenticator.Request) (*authenticator.Identity, error) {
	var code *string
	seen := make(map[authenticator.Factor]bool)
	for _, c := range r.Challenges {
		if !slices.Contains(m.factors, c.Factor) || seen[c.Factor] {
			return nil, fail(authenticator.Unsupported, "a factor is not supported, or answered twice")
		}
		seen[c.Factor] = true
	}
	if len(seen) == 0 {
		return nil, fail(authenticator.Unsupported, "no challenge was answered")
	}
	who := m.find(r.Identifier)
	right, nonsense := who != nil, false
	for _, c := range r.Challenges {
		broken, err := m.faults.happen(ctx, Answering(c.Factor))
		if err != nil {
			return nil, err
		}
		nonsense = nonsense || broken
		if c.Factor == authenticator.OTP {
			code = &c.Response
			continue
		}
		if !m.answers(who, c) {
			right = false
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, &authenticator.Error{Reason: authenticator.Unavailable, Err: err}
	}
	// The code comes last: this is the step that cannot be taken back.
	if code != nil {
		if err := m.redeem(ctx, r, *code, right); err != nil {
			return nil, err
		}
	}
	switch {
	case !right:
		return nil, fail(authenticator.WrongCredentials, "an answer or the identifier is wrong")
	case nonsense:
		return &authenticator.Identity{}, nil
	}
	return &authenticator.Identity{Subject: who.id()}, nil
}

// find returns the person, or nil.
func (m *Mock) find(id authenticator.Identifier) *person {
	if id = normalize(id); id.Validate() != nil || id.Type != NationalID {
		return nil
	}
	return m.people.get(id.Value)
}

// Recall returns the Identity of somebody who logged in earlier.
func (m *Mock) Recall(ctx context.Context, earlier *authenticator.Identity) (*authenticator.Identity, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	nonsense, err := m.faults.happen(ctx, Recalling)
	switch {
	case err != nil:
		return nil, err
	case nonsense:
		return &authenticator.Identity{}, nil
	case m.people.get(earlier.Subject) == nil:
		return nil, fail(authenticator.WrongCredentials, "the person is not there any more")
	}
	return &authenticator.Identity{Subject: earlier.Subject}, nil
}

// Close ends the mock.
func (m *Mock) Close() error { return m.codes.Close() }

func fail(reason authenticator.Reason, cause string) *authenticator.Error {
	return &authenticator.Error{Reason: reason, Err: errors.New("mock: " + cause)}
}
