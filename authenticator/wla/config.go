package wla

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/internal/jwt"
	"github.com/gosignet/signet/store"
)

const (
	// skew is how far the clock of a wallet may be off.
	skew = time.Minute

	maxMaxAge = time.Hour
	maxJTI    = 256
)

// Config configures a Method. It is not changed after New.
type Config struct {
	// Bindings finds wallets. Required.
	Bindings Bindings
	// Identities is the identity system, which says who the owner of a wallet is today. Required.
	Identities authenticator.Recaller
	// Store remembers the JWTs that were used. Required.
	Store store.Ephemeral
	// Audience is the aud of JWTs: the provider's name towards wallets. Empty means "esignet-binding".
	Audience string
	// Algorithms are those that a JWT may be signed with. None means RS256, PS256, ES256 and EdDSA; what eSignet's wallets
	// use is RS256.
	Algorithms []jose.SignatureAlgorithm
	// MaxAge is how long after it was made a JWT is accepted, at most an hour; clocks may differ by a minute. Zero means 5
	// minutes.
	MaxAge time.Duration
	// Now is the clock. Nil means time.Now.
	Now func() time.Time
}

func (c *Config) setDefaults() {
	c.Audience = cmp.Or(c.Audience, "esignet-binding")
	if c.Algorithms == nil {
		c.Algorithms = []jose.SignatureAlgorithm{jose.RS256, jose.PS256, jose.ES256, jose.EdDSA}
	}
	c.MaxAge = cmp.Or(c.MaxAge, 5*time.Minute)
	if c.Now == nil {
		c.Now = time.Now
	}
}

func (c *Config) validate() error {
	var errs []error
	check := func(ok bool, message string) {
		if !ok {
			errs = append(errs, errors.New("wla: "+message))
		}
	}
	check(c.Bindings != nil, "Bindings is required")
	check(c.Identities != nil, "Identities is required")
	check(c.Store != nil, "Store is required")
	check(c.MaxAge > 0 && c.MaxAge <= maxMaxAge, "MaxAge is not within an hour")
	if err := jwt.CheckAlgorithms(c.Algorithms); err != nil {
		errs = append(errs, fmt.Errorf("wla: Algorithms: %w", err))
	}
	return errors.Join(errs...)
}
