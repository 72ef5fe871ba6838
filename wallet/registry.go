package wallet

import (
	"cmp"
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/gosignet/signet/audit"
	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/wla"
	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/store"
)

const (
	minSecret   = 32
	maxLifetime = 10 * 365 * 24 * time.Hour
)

// Attempts counts what people, and those who guess, try outside of logins. A [login.Flow] is one, and says what the method
// does.
type Attempts interface {
	Try(ctx context.Context, u login.Use, id authenticator.Identifier, captcha string) (release func(context.Context), err error)
}

// RegistryConfig configures a [Registry]. It is not changed after NewRegistry.
type RegistryConfig struct {
	// Ledger keeps the bindings. Required.
	Ledger store.Ledger
	// Store remembers for which transaction a code was sent. Required.
	Store store.Ephemeral
	// Secret is what hashes and the keys of what is encrypted are derived from: at least 32 random bytes, the same in all
	// instances. Required. Whoever changes it makes everybody bind their wallet anew.
	Secret []byte
	// Verifier proves who people are. Required. If it is an [authenticator.KeyBinder], it certifies the keys too.
	Verifier authenticator.Method
	// Accept are the combinations of factors of which one has to be proved to bind a wallet. Required: whoever can bind a
	// wallet can log in with it for as long as the binding lasts.
	Accept []authenticator.FactorSet
	// Attempts limits attempts together with those of logins. Required; a [login.Flow] does.
	Attempts Attempts
	// Keys has the authority, in the role keystore.BindingCA, and Algorithm says which of its keys signs: empty means ES256.
	// Required, unless the Verifier certifies keys.
	Keys      keystore.Keystore
	Algorithm jose.SignatureAlgorithm
	// Lifetime is how long a binding lasts, at most 10 years, and at most as long as the authority's certificate. Zero means
	// 180 days. Where the Verifier certifies keys, its certificates say how long.
	Lifetime time.Duration
	// Timeout bounds each call of the Verifier. Zero means 30 seconds.
	Timeout time.Duration
	// ClientID is the relying party that the Verifier is told of. Empty means "wallet".
	ClientID string

	// Audit takes security events. Nil discards them.
	Audit audit.Sink
	// Logger takes what goes wrong inside. Nil discards it.
	Logger *slog.Logger
	// Now is the clock. Nil means time.Now.
	Now func() time.Time
}

func (c *RegistryConfig) setDefaults() {
	c.Algorithm = cmp.Or(c.Algorithm, jose.ES256)
	c.Lifetime = cmp.Or(c.Lifetime, 180*24*time.Hour)
	c.Timeout = cmp.Or(c.Timeout, 30*time.Second)
	c.ClientID = cmp.Or(c.ClientID, "wallet")
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

func (c *RegistryConfig) validate() error {
	var errs []error
	refuse := func(wrong bool, problem string) {
		if wrong {
			errs = append(errs, errors.New("wallet: RegistryConfig."+problem))
		}
	}
	refuse(c.Ledger == nil, "Ledger is missing")
	refuse(c.Store == nil, "Store is missing")
	refuse(len(c.Secret) < minSecret, fmt.Sprintf("Secret needs at least %d bytes", minSecret))
	refuse(c.Verifier == nil, "Verifier is missing")
	refuse(c.Attempts == nil, "Attempts is missing")
	_, binds := c.Verifier.(authenticator.KeyBinder)
	refuse(c.Keys == nil && !binds, "Keys is missing")
	refuse(c.Lifetime < time.Minute || c.Lifetime > maxLifetime, "Lifetime must be between a minute and 10 years")
	refuse(c.Timeout < 0, "Timeout is negative")
	refuse(len(c.Accept) == 0, "Accept is missing")
	for i, set := range c.Accept {
		refuse(len(set) == 0 || len(set) > maxChallenges, fmt.Sprintf("Accept[%d] must have 1 to %d factors", i, maxChallenges))
		for _, f := range set {
			refuse(c.Verifier != nil && !slices.Contains(c.Verifier.Factors(), f), fmt.Sprintf("Accept: Verifier does not verify %q", f))
			refuse(f == authenticator.Wallet, "Accept has a wallet, which would prolong itself")
		}
	}
	return errors.Join(errs...)
}

// Registry binds wallets to people, and knows which are bound. It is safe for concurrent use, by any number of instances on
// one ledger.
type Registry struct {
	config      RegistryConfig
	individuals store.Collection[individual]
	bindings    store.Collection[binding]
	keys        store.Collection[key]
	names       []byte // the key of their HMAC
	sealing     []byte // what the keys of records are derived from
}

var _ wla.Bindings = (*Registry)(nil)

// NewRegistry returns a Registry, or everything that is wrong with the configuration.
func NewRegistry(c RegistryConfig) (*Registry, error) {
	c.setDefaults()
	if err := c.validate(); err != nil {
		return nil, err
	}
	r := &Registry{
		config:      c,
		individuals: store.Collection[individual]{Ledger: c.Ledger, Name: "wallet-individuals"},
		bindings:    store.Collection[binding]{Ledger: c.Ledger, Name: "wallet-bindings"},
		keys:        store.Collection[key]{Ledger: c.Ledger, Name: "wallet-keys"},
	}
	for use, key := range map[string]*[]byte{"names": &r.names, "sealing": &r.sealing} {
		var err error
		if *key, err = hkdf.Key(sha256.New, c.Secret, nil, "signet/wallet/"+use, sha256.Size); err != nil {
			return nil, fmt.Errorf("wallet: derive a key: %w", err)
		}
	}
	return r, nil
}
