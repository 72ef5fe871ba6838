// Package mock is an identity system with a dozen invented people, for demonstrations, examples and tests.
//
// Everybody logs in with their national ID number, which has ten digits, by the one-time code [OTP] or by the password
// of [Config]. The mock is a directory in every other way: a code must be asked for before it works, it expires, it is
// used once, and an unknown number looks like a known one. Nothing is ever sent.
//
// The people live in several countries and write their names in Latin, Arabic, Devanagari, Khmer, Kannada and Tamil
// letters; those in other letters than Latin have their names a second time in English ("name#en"). One has no e-mail
// address, one has one that is not verified. They do not exist: their addresses are under example.org, and nobody can
// have their telephone numbers, which are in ranges for fiction or begin with zeros.
package mock

import (
	"context"
	"crypto/rand"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/directory"
	"github.com/gosignet/signet/authenticator/internal/democode"
	"github.com/gosignet/signet/authenticator/internal/digits"
	"github.com/gosignet/signet/store"
)

// OTP is the one-time code of everybody.
const OTP = "111111"

// NationalID is the type of identifier that the mock knows. An identifier without a type is one too.
const NationalID = "national_id"

// Config configures a Mock.
type Config struct {
	// Password is the password of everybody, 1 to 1024 bytes. Required.
	Password string
	// Store keeps the codes that were asked for. Required.
	Store store.Ephemeral
	// Secret is that of the directory. Nil means a random one, which does for a single instance.
	Secret []byte
	// Now is the clock. Nil means time.Now.
	Now func() time.Time
}

// Mock is an Authenticator over the personas. It is safe for concurrent use.
type Mock struct {
	directory *directory.Directory
	personas  []Persona
}

var (
	_ authenticator.Authenticator = (*Mock)(nil)
	_ authenticator.CodeSender    = (*Mock)(nil)
)

// New returns a Mock, or everything that is wrong with the configuration.
func New(c Config) (*Mock, error) {
	personas, err := readPersonas()
	if err != nil {
		return nil, err
	}
	// The cheapest cost that a directory takes, and that is approved everywhere: the password is no secret.
	cost := directory.PBKDF2{Iterations: 1000}
	hash, passwordErr := cost.Hash(c.Password)

	people := make(map[string]*directory.Person, len(personas))
	for _, p := range personas {
		people[p.NationalID] = p.person(hash)
	}
	secret := c.Secret
	if secret == nil {
		secret = make([]byte, 32)
		rand.Read(secret) // never fails: it ends the program instead
	}
	d, err := directory.New(directory.Config{
		Lookup: func(_ context.Context, id authenticator.Identifier) (*directory.Person, error) {
			if p, ok := people[id.Value]; ok && id.Type == NationalID {
				return p, nil
			}
			return nil, directory.ErrUnknown
		},
		Normalize: normalize,
		Sender:    nowhere{},
		Store:     c.Store,
		Secret:    secret,
		Decoys:    decoys(personas),
		PBKDF2:    cost,
		Now:       c.Now,
	})
	if err := errors.Join(passwordErr, err); err != nil {
		return nil, err
	}
	return &Mock{directory: d, personas: personas}, nil
}

// Personas returns the people whom one can log in as.
func (m *Mock) Personas() []Persona {
	personas := slices.Clone(m.personas)
	for i := range personas {
		personas[i].Claims = maps.Clone(personas[i].Claims)
	}
	return personas
}

// ClaimNames returns the claims that any persona has, in alphabetical order and without languages: what a provider over
// the mock can release.
func (m *Mock) ClaimNames() []string {
	names := make(map[string]bool)
	for _, p := range m.personas {
		for name := range p.Claims {
			base, _, _ := strings.Cut(name, "#")
			names[base] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// Factors returns OTP and Password.
func (m *Mock) Factors() []authenticator.Factor { return m.directory.Factors() }

// SendCode makes [OTP] work for the transaction and identifier.
func (m *Mock) SendCode(ctx context.Context, r *authenticator.CodeRequest) (*authenticator.CodeReceipt, error) {
	return m.directory.SendCode(democode.With(ctx, OTP), r)
}

// Authenticate verifies the answers.
func (m *Mock) Authenticate(ctx context.Context, r *authenticator.Request) (*authenticator.Identity, error) {
	return m.directory.Authenticate(ctx, r)
}

// Claims releases the claims that are named and that the persona has.
func (m *Mock) Claims(ctx context.Context, r *authenticator.ClaimsRequest) (*authenticator.Claims, error) {
	return m.directory.Claims(ctx, r)
}

// Close ends the mock.
func (m *Mock) Close() error { return m.directory.Close() }

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
