package wallet

import (
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/gosignet/signet/audit"
	"github.com/gosignet/signet/authenticator/wla"
	"github.com/gosignet/signet/store"
)

const minSecret = 32

// RegistryConfig configures a [Registry]. It is not changed after NewRegistry.
type RegistryConfig struct {
	// Ledger keeps the bindings. Required.
	Ledger store.Ledger
	// Secret is what hashes and the keys of what is encrypted are derived from: at least 32 random bytes, the same in all
	// instances. Required. Whoever changes it makes everybody bind their wallet anew.
	Secret []byte

	// Audit takes security events. Nil discards them.
	Audit audit.Sink
	// Logger takes what goes wrong inside. Nil discards it.
	Logger *slog.Logger
	// Now is the clock. Nil means time.Now.
	Now func() time.Time
}

func (c *RegistryConfig) setDefaults() {
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
	refuse(len(c.Secret) < minSecret, fmt.Sprintf("Secret needs at least %d bytes", minSecret))
	return errors.Join(errs...)
}

// Registry knows which wallets are bound. A [Binder] binds them. It is safe for concurrent use, by any number of instances on
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
