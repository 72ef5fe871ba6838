package wallet

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/gosignet/signet/audit"
	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/store"
)

const maxLifetime = 10 * 365 * 24 * time.Hour

// Attempts counts what people, and those who guess, try outside of logins. A [login.Flow] is one, and says what the method
// does.
type Attempts interface {
	Try(ctx context.Context, u login.Use, id authenticator.Identifier, captcha string) (release func(context.Context), err error)
}

// BinderConfig configures a [Binder]. It is not changed after NewBinder.
type BinderConfig struct {
	// Registry keeps the bindings. Required.
	Registry *Registry
	// Store remembers for which transaction a code was sent. Required.
	Store store.Ephemeral
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

func (c *BinderConfig) setDefaults() {
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

func (c *BinderConfig) validate() error {
	var errs []error
	refuse := func(wrong bool, problem string) {
		if wrong {
			errs = append(errs, errors.New("wallet: BinderConfig."+problem))
		}
	}
	refuse(c.Registry == nil, "Registry is missing")
	refuse(c.Store == nil, "Store is missing")
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

// Binder binds wallets to people. It is safe for concurrent use, by any number of instances on one ledger and one store.
type Binder struct {
	config   BinderConfig
	registry *Registry
}

// NewBinder returns a Binder, or everything that is wrong with the configuration.
func NewBinder(c BinderConfig) (*Binder, error) {
	c.setDefaults()
	if err := c.validate(); err != nil {
		return nil, err
	}
	return &Binder{config: c, registry: c.Registry}, nil
}
