package router

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/store"
)

// binding is what is known of a login: the systems that could be asked, and the one that sent a code in it or proved
// something.
type binding struct {
	systems []*system
	system  *system // nil if there is none yet
	proved  bool
}

const (
	sent   = "sent"
	proved = "proved"
)

// binding chooses systems and reads what is known of the login, unless there is but one to ask. A login whose system is
// not among them has moved to another identifier, and begins again.
func (r *Router) binding(ctx context.Context, transaction string, c Choice) (binding, error) {
	var b binding
	for _, name := range r.choose(c) {
		s := r.systems[name]
		if s == nil {
			return b, fail(authenticator.Unavailable, fmt.Errorf("router: Choose named %q, which is no system", name))
		}
		b.systems = append(b.systems, s)
	}
	if len(b.systems) < 2 {
		return b, nil
	}
	value, err := r.store.Get(ctx, key(transaction))
	if errors.Is(err, store.ErrNotFound) {
		return b, nil
	}
	if err != nil {
		return b, unavailableStore(ctx, err)
	}
	state, name, _ := strings.Cut(string(value), " ")
	for _, s := range b.systems {
		if s.name == name {
			b.system, b.proved = s, state == proved
		}
	}
	return b, nil
}

// bind writes down that the system sent a code, or proved something.
func (r *Router) bind(ctx context.Context, transaction string, b binding, s *system, state string) error {
	if len(b.systems) < 2 {
		return nil
	}
	// What the system did is done, even if the person hangs up now.
	err := r.store.Put(context.WithoutCancel(ctx), key(transaction), []byte(state+" "+s.name), r.lifetime)
	if err != nil {
		return unavailableStore(ctx, err)
	}
	return nil
}

// key does not repeat the transaction, which stands in logs.
func key(transaction string) string {
	sum := sha256.Sum256([]byte(transaction))
	return "router:" + base64.RawURLEncoding.EncodeToString(sum[:])
}

func unavailableStore(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return fail(authenticator.Unavailable, fmt.Errorf("router: store: %w", err))
}
