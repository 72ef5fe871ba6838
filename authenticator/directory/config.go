package directory

import (
	"cmp"
	"crypto/fips140"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"slices"
	"time"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/store"
)

const (
	minSecretBytes = 32
	maxChannels    = 8 // what a receipt may name
)

// Config configures a Directory. Lookup alone gives one with passwords; one-time codes need Sender, Store, Secret and
// Decoys, PINs need PIN and knowledge needs Form.
type Config struct {
	// Lookup finds people. Required.
	Lookup Lookup
	// Normalize maps all spellings of an identifier that name one person to a single one: it removes spaces, folds
	// case, converts digits. It must not depend on who is registered. A Lookup that is lenient by itself would betray
	// known people, whose receipts stay the same while those of unknown people change with the spelling. Nil means
	// that spellings are different identifiers.
	Normalize func(authenticator.Identifier) authenticator.Identifier

	// PIN says that people may have PINs. False means that it is no factor.
	PIN bool
	// Form asks people for what they know, each field for that member of [Person.Answers]. It is what pages show; its
	// Identifier may be nil. Without fields, knowledge is no factor. Whoever knows an identifier and these answers gets in,
	// so that it should be one factor of two where much is at stake.
	Form authenticator.Form

	// Sender delivers one-time codes. Nil means that there are none.
	Sender Sender
	// Store keeps the codes. Required with Sender.
	Store store.Ephemeral
	// Secret keys the digests of codes and identifiers, so that a copy of the store reveals neither. At least 32
	// random bytes, the same on all instances, not kept in the store. A new one ends the codes that are out. Required
	// with Sender.
	Secret []byte
	// Decoys are invented contacts that look like those in the register: the receipts of unknown people are made from
	// them, with other last digits or another first letter. One of them is chosen per identifier, so their
	// proportions, channels, country codes and e-mail domains should be those of the register. They must reach
	// nobody's phone, although nothing is ever sent to them. Required with Sender, of each of the Channels.
	Decoys []Contact
	// Channels are those that people may choose by which a code comes, at most 8. Nil means those of the Decoys.
	Channels []Channel
	// DefaultChannels are where codes go if the person has not chosen: all of them. Nil means to the first contact of the
	// person, whatever its channel.
	DefaultChannels []Channel
	// CodeLength is the number of digits, 6 to 10. Zero means 6.
	CodeLength int
	// CodeLifetime is how long a code works, at most 15 minutes. Zero means 3 minutes.
	CodeLifetime time.Duration
	// MaxTries is how many answers to one code are looked at, right or wrong, at most 10. Zero means 5.
	MaxTries int
	// ResendAfter is how long a login must wait before it can have another code for the same identifier, at most
	// CodeLifetime. Zero means 30 seconds.
	ResendAfter time.Duration
	// SendTimeout bounds one call of the Sender. Zero means 30 seconds.
	SendTimeout time.Duration
	// MaxSending bounds how many messages are on their way at once; beyond it, requests for codes get Unavailable,
	// whoever they are for. It cannot be less than the number of Channels. Zero means 64.
	MaxSending int

	// Argon2id is the cost that hashes of passwords and PINs should have: the work that is done for people without one and
	// for nobody. Weaker hashes cost as much, so that they do not tell who is registered. Stronger ones do, and those of
	// another kind. The zero value is the cost of [HashPassword]. In FIPS 140-3 mode (GODEBUG=fips140=on) Argon2id is not
	// available: it must be zero then, and hashes with it in the register cannot be used.
	Argon2id Argon2id
	// PBKDF2 takes the place of Argon2id if the hashes in the register are of this kind, and in FIPS 140-3 mode. Not
	// both may be given.
	PBKDF2 PBKDF2
	// MaxHashing bounds how many passwords and PINs are hashed at once, each in the memory of its cost. The others wait,
	// as long as their contexts allow. Zero means one per processor.
	MaxHashing int
	// Rehash hears of the new hash after a login with a hash that is weaker than it should be, or of another kind. Nil
	// means that hashes stay as they are.
	Rehash Rehash

	// Now is the clock. Nil means time.Now.
	Now func() time.Time
	// Random is the source of codes. Nil means crypto/rand.
	Random io.Reader
	// Logger hears of messages that could not be sent, and hashes that could not be replaced. Nil means that nobody does.
	Logger *slog.Logger
}

func (c Config) withDefaults() Config {
	c.CodeLength = cmp.Or(c.CodeLength, 6)
	c.CodeLifetime = cmp.Or(c.CodeLifetime, 3*time.Minute)
	c.MaxTries = cmp.Or(c.MaxTries, 5)
	c.ResendAfter = cmp.Or(c.ResendAfter, 30*time.Second)
	c.SendTimeout = cmp.Or(c.SendTimeout, 30*time.Second)
	c.MaxSending = cmp.Or(c.MaxSending, 64)
	if c.Channels == nil {
		for _, decoy := range c.Decoys {
			if !slices.Contains(c.Channels, decoy.Channel) {
				c.Channels = append(c.Channels, decoy.Channel)
			}
		}
	}
	c.MaxHashing = cmp.Or(c.MaxHashing, runtime.GOMAXPROCS(0))
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Random == nil {
		c.Random = rand.Reader
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

func (c Config) validate() error {
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf("directory: "+format, args...))
		}
	}
	check(c.Lookup != nil, "Lookup is required")
	check(c.MaxHashing > 0, "MaxHashing is negative")
	check(c.Argon2id == Argon2id{} || c.PBKDF2 == PBKDF2{}, "Argon2id and PBKDF2 exclude each other")
	if err := c.passwordCost().validate(); err != nil {
		errs = append(errs, err)
	}
	if _, err := newQuestions(c.Form); err != nil {
		errs = append(errs, err)
	}
	if c.Sender == nil {
		return errors.Join(errs...)
	}
	check(c.Store != nil, "Store is required with a Sender")
	check(len(c.Secret) >= minSecretBytes, "Secret needs %d bytes", minSecretBytes)
	check(len(c.Decoys) > 0, "Decoys are required with a Sender")
	for i, decoy := range c.Decoys {
		check(mask(decoy) != hidden, "decoy %d is no e-mail address or telephone number", i+1)
	}
	check(len(c.Channels) <= maxChannels, "more than %d Channels", maxChannels)
	for i, channel := range c.Channels {
		ofChannel := func(decoy Contact) bool { return decoy.Channel == channel }
		check(slices.ContainsFunc(c.Decoys, ofChannel), "channel %q has no decoy", channel)
		check(!slices.Contains(c.Channels[:i], channel), "channel %q is there twice", channel)
	}
	for i, channel := range c.DefaultChannels {
		check(slices.Contains(c.Channels, channel), "DefaultChannels: %q is not one of the Channels", channel)
		check(!slices.Contains(c.DefaultChannels[:i], channel), "DefaultChannels: %q is there twice", channel)
	}
	check(c.CodeLength >= 6 && c.CodeLength <= 10, "CodeLength is not within 6 to 10")
	check(c.CodeLifetime > 0 && c.CodeLifetime <= 15*time.Minute, "CodeLifetime is not within 15 minutes")
	check(c.MaxTries > 0 && c.MaxTries <= 10, "MaxTries is not within 1 to 10")
	check(c.ResendAfter > 0 && c.ResendAfter <= c.CodeLifetime, "ResendAfter is not within CodeLifetime")
	check(c.SendTimeout > 0, "SendTimeout is negative")
	check(c.MaxSending >= max(1, len(c.Channels)), "MaxSending is negative, or less than the number of Channels")
	return errors.Join(errs...)
}

// passwordCost is that of most hashes in the register.
func (c Config) passwordCost() cost {
	if c.PBKDF2 != (PBKDF2{}) || c.Argon2id == (Argon2id{}) && fips140.Enabled() {
		return c.PBKDF2.withDefaults()
	}
	return c.Argon2id.withDefaults()
}

// deriveKey gives each use of the Secret a key of its own.
func (c Config) deriveKey(use string) ([]byte, error) {
	return hkdf.Key(sha256.New, c.Secret, nil, "signet/directory/"+use, sha256.Size)
}
