package idtoken

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/gosignet/signet/internal/jwt"
	"github.com/gosignet/signet/store"
)

const (
	// skew is how far the clocks of instances may be apart.
	skew = 10 * time.Second

	maxMaxAge = time.Hour
)

// Config configures a Method. It is not changed after New.
type Config struct {
	// Issuer is the provider's own. Required.
	Issuer string
	// Keys verify what the provider signed. Required.
	Keys Keys
	// Audience are the client_ids of the sign-up portals. Required.
	Audience []string
	// Identities knows whom the ID Tokens stand for. Required.
	Identities Identities
	// Store remembers the ID Tokens that were used. Required.
	Store store.Ephemeral
	// Algorithms are those that the provider signs ID Tokens with. None means all that Signet knows.
	Algorithms []jose.SignatureAlgorithm
	// MaxAge is how long ago the person may have logged in at the portal, at most an hour. Zero means 10 minutes.
	MaxAge time.Duration
	// Now is the clock. Nil means time.Now.
	Now func() time.Time
}

func (c *Config) setDefaults() {
	if c.Algorithms == nil {
		c.Algorithms = jwt.Algorithms()
	}
	c.MaxAge = cmp.Or(c.MaxAge, 10*time.Minute)
	if c.Now == nil {
		c.Now = time.Now
	}
}

func (c *Config) validate() error {
	var errs []error
	check := func(ok bool, message string) {
		if !ok {
			errs = append(errs, errors.New("idtoken: "+message))
		}
	}
	check(c.Issuer != "", "Issuer is required")
	check(c.Keys != nil, "Keys is required")
	check(len(c.Audience) > 0 && !slices.Contains(c.Audience, ""), "Audience is required, and has no empty client_id")
	check(c.Identities != nil, "Identities is required")
	check(c.Store != nil, "Store is required")
	check(c.MaxAge > 0 && c.MaxAge <= maxMaxAge, "MaxAge is not within an hour")
	if err := jwt.CheckAlgorithms(c.Algorithms); err != nil {
		errs = append(errs, fmt.Errorf("idtoken: Algorithms: %w", err))
	}
	return errors.Join(errs...)
}
