package router

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/store"
)

// Config configures a Router.
type Config struct {
	// Systems are the identity systems. At least one.
	Systems []System
	// Choose says which systems to ask, by name, the first being the one that should answer and the others its
	// fallbacks. It must not depend on who is registered, and must not block. None means that nobody can log in that
	// way, which is Unsupported. Nil means all Systems in their order.
	Choose func(Choice) []string
	// Store remembers which system a login belongs to, where there is a fallback. Required.
	Store store.Ephemeral
	// Lifetime is how long a login can take, at least. Zero means an hour.
	Lifetime time.Duration
	// MaxFailures is how many failures in a row suspend a system. Zero means 5.
	MaxFailures int
	// Pause is how long it is suspended, until one call is tried. Zero means 10 seconds.
	Pause time.Duration
	// Now is the clock. Nil means time.Now.
	Now func() time.Time
	// Logger hears of systems that fail, by name and without anything of a person. Nil means that nobody does.
	Logger *slog.Logger
}

// System is one identity system.
type System struct {
	// Name says which system it is, in configuration, logs and the State of identities: at most 32 lower-case letters,
	// digits, '_' and '-'. It must not change as long as an identity may be recalled. Required.
	Name string
	// Register begins the subjects of the system's people: it must never change, nor pass to other people. A name like
	// Name. Systems that know the same people by the same subjects, such as a replica and its original, have the same;
	// any others must not, because one could then name the other's people. Empty means Name.
	Register string
	// Authenticator connects to it. Its subjects have at most 255 bytes less those of Register, and its State 8 KiB (that of
	// a device 4 KiB) less those of Name and one more. Required.
	Authenticator authenticator.Authenticator
	// MaxInFlight bounds the calls that are under way at once. Beyond it the system is Unavailable. Zero means 64.
	MaxInFlight int
	// Timeout bounds a call. Zero means 10 seconds.
	Timeout time.Duration
}

// Choice is what systems are chosen by.
type Choice struct {
	// ClientID is the relying party.
	ClientID string
	// Identifier is what the person typed. It is not validated, and empty as long as nobody typed anything, which is where
	// a factor tells by itself who somebody is ([authenticator.Traits]).
	Identifier authenticator.Identifier
	// ACRs are the authentication contexts that the login may end in, in order of preference.
	ACRs []string
}

// ByType chooses systems by the type of the identifier, and otherwise for types that are not there.
func ByType(types map[string][]string, otherwise ...string) func(Choice) []string {
	return func(c Choice) []string { return choose(types, c.Identifier.Type, otherwise) }
}

// ByClient chooses systems by the relying party, and otherwise for those that are not there.
func ByClient(clients map[string][]string, otherwise ...string) func(Choice) []string {
	return func(c Choice) []string { return choose(clients, c.ClientID, otherwise) }
}

// ByACR chooses systems by the first of the authentication contexts that is there, and otherwise if none is.
func ByACR(acrs map[string][]string, otherwise ...string) func(Choice) []string {
	return func(c Choice) []string {
		for _, acr := range c.ACRs {
			if names, ok := acrs[acr]; ok {
				return names
			}
		}
		return otherwise
	}
}

func choose(table map[string][]string, key string, otherwise []string) []string {
	if names, ok := table[key]; ok {
		return names
	}
	return otherwise
}

func (c Config) withDefaults() Config {
	c.Lifetime = cmp.Or(c.Lifetime, time.Hour)
	c.MaxFailures = cmp.Or(c.MaxFailures, 5)
	c.Pause = cmp.Or(c.Pause, 10*time.Second)
	if c.Now == nil {
		c.Now = time.Now
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
			errs = append(errs, fmt.Errorf("router: "+format, args...))
		}
	}
	check(len(c.Systems) > 0, "Systems are required")
	seen := make(map[string]bool)
	for _, s := range c.Systems {
		// A name of a system follows the rule for types of identifiers.
		check(s.Name != "" && authenticator.Identifier{Type: s.Name, Value: "x"}.Validate() == nil, "system %q: Name is not a name", s.Name)
		check(authenticator.Identifier{Type: s.Register, Value: "x"}.Validate() == nil, "system %q: Register is not a name", s.Name)
		check(!seen[s.Name], "system %q is there twice", s.Name)
		check(s.Authenticator != nil, "system %q: Authenticator is required", s.Name)
		check(s.MaxInFlight >= 0, "system %q: MaxInFlight is negative", s.Name)
		check(s.Timeout >= 0, "system %q: Timeout is negative", s.Name)
		seen[s.Name] = true
	}
	check(c.Store != nil, "Store is required")
	check(c.Lifetime >= time.Second, "Lifetime is less than a second")
	check(c.MaxFailures > 0, "MaxFailures is negative")
	check(c.Pause > 0, "Pause is negative")
	return errors.Join(errs...)
}
