package directory

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"time"

	"github.com/gosignet/signet/authenticator"
)

// rehashTimeout bounds the replacement of one hash.
const rehashTimeout = 30 * time.Second

// Rehash replaces a hash in the register, of a Password or a PIN, by one of the cost that the configuration asks for. The
// identifier is one as a [Lookup] gets it.
//
// It must do so only where the register still holds the old hash, in one step: the person may have changed the secret in
// the meantime, and the new hash is of the old one. It is called concurrently, in the background, after a login with right
// answers, with a context that ends after 30 seconds; it must return when the context ends. An error is only logged: the
// next login tries again.
type Rehash func(ctx context.Context, id authenticator.Identifier, factor authenticator.Factor, oldHash, newHash string) error

// upgrades replaces hashes in the background.
type upgrades struct {
	rehash  Rehash
	hasher  *hasher
	running chan struct{} // one element per hash that is being replaced
	logger  *slog.Logger
}

func newUpgrades(c Config, h *hasher) *upgrades {
	return &upgrades{rehash: c.Rehash, hasher: h, running: make(chan struct{}, c.MaxHashing), logger: c.Logger}
}

// begin replaces the hash of a secret that was right, if it should be. When there is much to do it leaves that to another
// login. Nil does nothing.
func (u *upgrades) begin(ctx context.Context, id authenticator.Identifier, s *secret) {
	if u == nil || !outdated(s.cost, u.hasher.cost) {
		return
	}
	select {
	case u.running <- struct{}{}:
	default:
		return
	}
	go func(s secret) {
		defer func() { <-u.running }()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rehashTimeout)
		defer cancel()
		if err := u.replace(ctx, id, s); err != nil {
			u.logger.ErrorContext(ctx, "hash was not replaced", "factor", string(s.factor), "error", err)
		}
	}(*s)
}

// outdated reports whether a hash is weaker than it should be, or of another kind.
func outdated(cost, should cost) bool {
	return reflect.TypeOf(cost) != reflect.TypeOf(should) || cost.upTo(should) != nil
}

// replace turns a panic of the Rehash, which would end the process, into an error.
func (u *upgrades) replace(ctx context.Context, id authenticator.Identifier, s secret) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = errors.New("rehash panicked")
		}
	}()
	hash, err := u.hasher.hash(ctx, s.answer)
	if err != nil {
		return fmt.Errorf("hashing: %w", err)
	}
	return u.rehash(ctx, id, s.factor, s.stored, hash)
}

// close waits for what is running and lets nothing more run.
func (u *upgrades) close() {
	if u == nil {
		return
	}
	for range cap(u.running) {
		u.running <- struct{}{}
	}
}
