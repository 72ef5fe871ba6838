// Package rotation is a keystore whose keys change without anyone noticing.
//
// Private keys live in a [keystore.Vault]; when each of them is published, signs and goes is written in a
// [store.Ledger]. Every instance of a provider derives from those dates, and its own clock, which key signs now. So a
// rotation needs no instance to be alive at a certain second, and clocks that differ by up to [ClockSkew] do no harm:
// a key has long been published when the first instance signs with it, and stays published long after the last one did.
//
// A key is next (published, so that relying parties have it before they need it), then current (it signs), then retired
// (published, until the last signature expires), and is then destroyed in the vault. One that is revoked is neither
// published nor used from that moment on.
//
// The work that this takes is done by [Keystore.Run], in every instance; a lease in the ledger makes sure that only one
// of them makes or destroys keys of a kind at a time, and a comparison with what was read, at every write, that none
// overwrites what another did.
//
// # Stored state
//
// Later versions will read what this one wrote. The ledger has a collection "signing-keys" with one record for each role
// and algorithm, and a collection "signing-key-leases" whose records live for minutes. Keys in the vault have labels of
// the form signet/role/algorithm/seconds, the last being when the key was made; keys with other labels are left alone.
package rotation

import (
	"crypto/rand"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/gosignet/signet/audit"
	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/store"
)

// ClockSkew is by how much the clock of an instance may be wrong.
const ClockSkew = 2 * time.Minute

const (
	// Topic is what instances wake each other with, through a [store.Notifier], when keys change.
	Topic = "signing-keys"

	collection      = "signing-keys"
	leaseCollection = "signing-key-leases"
)

// Spec says that the provider has keys in a role with an algorithm.
type Spec struct {
	Role keystore.Role
	// Algorithm is one of [keystore.Algorithms]: for RequestDecryption one that decrypts, for the others one that signs.
	Algorithm string
}

// Policy says how long keys are what they are.
type Policy struct {
	// Lifetime is how long a key signs. Zero means 90 days, and 730 for [keystore.BindingCA].
	Lifetime time.Duration
	// PublishAhead is how long a key is published before it signs. It must be longer than relying parties may cache the
	// JSON Web Key Set, by twice ClockSkew and Config.Refresh. Zero means one day.
	PublishAhead time.Duration
	// KeepFor is how long a key is published after it stopped to sign: as long as the longest of its signatures is valid.
	// Zero means 25 hours.
	KeepFor time.Duration
}

// Config says what a Keystore manages.
type Config struct {
	// Vault holds the private keys. All instances have the same one. Required.
	Vault keystore.Vault
	// Ledger holds everything else. All instances have the same one. Required.
	Ledger store.Ledger
	// Notifier carries changes to other instances at once. Nil leaves that to Refresh.
	Notifier store.Notifier
	// Keys are the keys to have. Where no Spec names UserinfoSigning or ResponseSigning, the keys of TokenSigning serve
	// these roles too. What is not named any more is published until it is retired by command. Required.
	Keys []Spec
	// Policy is for all roles. Its zero fields mean the defaults.
	Policy Policy
	// Policies are for single roles. Their zero fields mean those of Policy.
	Policies map[keystore.Role]Policy
	// JWKSMaxAge is how long relying parties may cache the JSON Web Key Set: DocumentMaxAge of package oidc. Zero means 5
	// minutes, as there.
	JWKSMaxAge time.Duration
	// Refresh is how often each instance looks what others changed. Zero means 5 seconds.
	Refresh time.Duration
	// SelfSigned gives each new key that signs a certificate which it signed itself. Keys of BindingCA have one in any
	// case: that of an authority.
	SelfSigned bool
	// Subject is whom such certificates name. Zero means the common name "Signet".
	Subject pkix.Name
	// Audit takes an event for each change. Nil discards.
	Audit audit.Sink
	// Logger is told of changes, of what fails, and of certificates that expire soon. Nil discards.
	Logger *slog.Logger
	// Now is the clock. Nil means time.Now.
	Now func() time.Time
}

// Keystore is a [keystore.Keystore] and [keystore.Decrypter] whose keys rotate. It is made by [New], has keys from
// [Keystore.Start] on, and keeps them up to date while [Keystore.Run] runs. It is safe for concurrent use.
//
// When the vault or the ledger is away, it goes on with what it knows.
type Keystore struct {
	vault      keystore.Vault
	records    store.Collection[record]
	notifier   store.Notifier
	specs      []Spec
	policies   map[keystore.Role]Policy
	refresh    time.Duration
	selfSigned bool
	subject    pkix.Name
	sink       audit.Sink
	logger     *slog.Logger
	now        func() time.Time
	instance   string // tells the leases of one instance from those of another

	snapshot atomic.Pointer[snapshot] // nil before Start

	mu     sync.Mutex // held while a snapshot is built
	opened map[string]opened

	warnings sync.Mutex
	warned   map[string]time.Time // when a warning was last logged
}

var (
	_ keystore.Keystore  = (*Keystore)(nil)
	_ keystore.Decrypter = (*Keystore)(nil)
)

// New returns a Keystore that has no keys yet, or every mistake in the Config. It reaches for neither vault nor ledger.
func New(c Config) (*Keystore, error) {
	c.setDefaults()
	k := &Keystore{
		vault:      c.Vault,
		records:    store.Collection[record]{Ledger: c.Ledger, Name: collection},
		notifier:   c.Notifier,
		specs:      slices.Clone(c.Keys),
		policies:   map[keystore.Role]Policy{},
		refresh:    c.Refresh,
		selfSigned: c.SelfSigned,
		subject:    c.Subject,
		sink:       c.Audit,
		logger:     c.Logger,
		now:        c.Now,
		instance:   rand.Text(),
		opened:     map[string]opened{},
		warned:     map[string]time.Time{},
	}
	for _, role := range keystore.Roles() {
		k.policies[role] = c.policy(role)
	}
	if err := errors.Join(c.check(k.policies)...); err != nil {
		return nil, err
	}
	return k, nil
}

func (c *Config) setDefaults() {
	if c.JWKSMaxAge == 0 {
		c.JWKSMaxAge = 5 * time.Minute
	}
	if c.Refresh == 0 {
		c.Refresh = 5 * time.Second
	}
	if c.Subject.String() == "" {
		c.Subject = pkix.Name{CommonName: "Signet"}
	}
	if c.Audit == nil {
		c.Audit = audit.Discard
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
}

// policy returns what is valid for a role.
func (c *Config) policy(role keystore.Role) Policy {
	fallback := Policy{Lifetime: 90 * 24 * time.Hour, PublishAhead: 24 * time.Hour, KeepFor: 25 * time.Hour}
	if role == keystore.BindingCA {
		fallback.Lifetime = 730 * 24 * time.Hour
	}
	return c.Policies[role].or(c.Policy).or(fallback)
}

// or fills what is zero.
func (p Policy) or(other Policy) Policy {
	for _, f := range []struct{ own, other *time.Duration }{
		{&p.Lifetime, &other.Lifetime}, {&p.PublishAhead, &other.PublishAhead}, {&p.KeepFor, &other.KeepFor},
	} {
		if *f.own == 0 {
			*f.own = *f.other
		}
	}
	return p
}

func (c *Config) check(policies map[keystore.Role]Policy) (errs []error) {
	problem := func(format string, args ...any) { errs = append(errs, fmt.Errorf("rotation: "+format, args...)) }
	if c.Vault == nil {
		problem("Vault is missing")
	}
	if c.Ledger == nil {
		problem("Ledger is missing")
	}
	if len(c.Keys) == 0 {
		problem("Keys are missing")
	}
	if c.JWKSMaxAge < 0 || c.Refresh < 0 {
		problem("JWKSMaxAge or Refresh is negative")
	}
	for i, spec := range c.Keys {
		switch decrypts := slices.Contains(keystore.DecryptionAlgorithms(), jose.KeyAlgorithm(spec.Algorithm)); {
		case slices.Contains(c.Keys[:i], spec):
			problem("Keys name %s with %s twice", spec.Role, spec.Algorithm)
		case !slices.Contains(keystore.Roles(), spec.Role):
			problem("unknown role %q", spec.Role)
		case !slices.Contains(keystore.Algorithms(), spec.Algorithm) || decrypts != (spec.Role == keystore.RequestDecryption):
			problem("%q is no algorithm for %s", spec.Algorithm, spec.Role)
		}
	}
	for role := range c.Policies {
		if !slices.Contains(keystore.Roles(), role) {
			problem("Policies name the unknown role %q", role)
		}
	}
	ahead := c.JWKSMaxAge + 2*ClockSkew + c.Refresh
	var said []string // what is wrong with Policy itself is said once
	for _, role := range slices.Sorted(maps.Keys(policies)) {
		p := policies[role]
		if _, named := c.Policies[role]; !named && !slices.ContainsFunc(c.Keys, func(spec Spec) bool { return spec.Role == role }) {
			continue
		}
		var text string
		switch {
		case p.Lifetime < 0 || p.PublishAhead < 0 || p.KeepFor < 0:
			text = "a duration of the Policy is negative"
		case p.PublishAhead < ahead:
			text = fmt.Sprintf("PublishAhead of %s is less than %s: relying parties that cache the keys for %s would meet an unknown one", p.PublishAhead, ahead, c.JWKSMaxAge)
		case p.Lifetime <= p.PublishAhead:
			text = fmt.Sprintf("Lifetime of %s is not longer than PublishAhead of %s", p.Lifetime, p.PublishAhead)
		}
		if text != "" && !slices.Contains(said, text) {
			said = append(said, text)
			problem("%s (%s)", text, role)
		}
	}
	return errs
}
