package registry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/gosignet/signet/audit"
	"github.com/gosignet/signet/internal/outbound"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/store"
)

const (
	// collection is where the registrations are, and topic what is notified of their changes.
	collection = "clients"
	topic      = "clients"

	defaultCacheFor  = 5 * time.Second
	defaultStaleFor  = time.Minute
	defaultMaxCached = 10_000

	// ledgerTimeout bounds a call to the ledger that serves several callers, and so ends with none of theirs.
	ledgerTimeout = 3 * time.Second
	// retryAfter is how long an instance waits before it asks again what it could not reach.
	retryAfter = time.Second
)

// Config configures a [Registry]. It is not changed after New.
type Config struct {
	// Ledger keeps the registrations. Required.
	Ledger store.Ledger
	// Notifier tells the other instances of changes. Nil means that they find out within CacheFor.
	Notifier store.Notifier
	// CacheFor is how old what an instance knows of a client may be. At most one minute; 0 means 5 seconds.
	CacheFor time.Duration
	// StaleFor is how long a client is served that cannot be read again because the ledger cannot be reached. It is
	// counted from the last time that it was read. Zero means one minute, which outlives the restart or the failover of a
	// database, and is how long a client could be served that was deactivated where this instance cannot see it.
	// Negative means that look-ups fail at once.
	StaleFor time.Duration
	// MaxCached is how many clients an instance keeps in memory, approximately, at some 10 KB each; those that were read
	// longest ago make room. Zero means 10,000.
	MaxCached int
	// Profile is that of the provider: clients that break it cannot be registered.
	Profile oauth.Profile
	// Development says that the issuer is one with http: clients under a FAPI profile may have redirect URIs on a loopback
	// host.
	Development bool
	// AllowPrivate lets keys be fetched from loopback, private and otherwise not public addresses. The zero value
	// refuses these, whatever name leads to them, so that no registration makes the provider call what only it can
	// reach.
	AllowPrivate bool
	// Audit takes the changes. Nil discards them.
	Audit audit.Sink
	// Logger takes what goes wrong. Nil discards it.
	Logger *slog.Logger
	// Now is the clock. Nil means time.Now.
	Now func() time.Time
}

// Registry is the register of clients. It is an [oauth.ClientStore] of the active ones, and an [oauth.KeyRefresher]. It
// is safe for concurrent use, and used until Close.
type Registry struct {
	config  Config
	records store.Collection[record]
	fetcher *fetcher
	started time.Time

	cache     *cache
	unknown   unknownIDs
	strangers chan struct{} // holds a token for each look-up under way of a client that is not in memory

	life context.Context // ends with Close
	end  context.CancelFunc
	ears sync.WaitGroup
}

var _ oauth.KeyRefresher = (*Registry)(nil)

// New returns a Registry, or everything that is wrong with the configuration. It needs no answer of the ledger: one that
// cannot be reached yet makes look-ups fail.
func New(c Config) (*Registry, error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	if c.CacheFor == 0 {
		c.CacheFor = defaultCacheFor
	}
	if c.StaleFor == 0 {
		c.StaleFor = defaultStaleFor
	}
	if c.MaxCached == 0 {
		c.MaxCached = defaultMaxCached
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
	r := &Registry{
		config:    c,
		records:   store.Collection[record]{Ledger: c.Ledger, Name: collection},
		started:   c.Now(),
		cache:     newCache(c.MaxCached),
		strangers: make(chan struct{}, maxStrangers),
	}
	r.life, r.end = context.WithCancel(context.Background())
	r.fetcher = &fetcher{
		client: outbound.NewClient(c.AllowPrivate, maxFetches), slots: make(chan struct{}, maxFetches),
		life: r.life, clock: r.clock, logger: c.Logger,
	}
	if c.Notifier != nil {
		r.ears.Go(r.listen)
	}
	return r, nil
}

func (c *Config) validate() error {
	var errs []error
	if c.Ledger == nil {
		errs = append(errs, errors.New("registry: Config.Ledger is missing"))
	}
	if c.CacheFor < 0 || c.CacheFor > time.Minute {
		errs = append(errs, errors.New("registry: Config.CacheFor must be between 0 and one minute"))
	}
	if c.MaxCached < 0 {
		errs = append(errs, errors.New("registry: Config.MaxCached is negative"))
	}
	switch c.Profile {
	case oauth.ProfileNone, oauth.ProfileFAPI2, oauth.ProfileFAPI2MessageSigning:
	default:
		errs = append(errs, fmt.Errorf("registry: Config.Profile: unknown profile %q", c.Profile))
	}
	return errors.Join(errs...)
}

// Close ends what the Registry does in the background. It always returns nil.
func (r *Registry) Close() error {
	r.end()
	r.ears.Wait()
	r.fetcher.client.CloseIdleConnections()
	return nil
}

// clock tells how long the Registry has existed, which no change of the machine's time affects.
func (r *Registry) clock() time.Duration { return r.config.Now().Sub(r.started) }

// listen waits for other instances to change something.
func (r *Registry) listen() {
	for {
		hints, err := r.config.Notifier.Subscribe(r.life, topic)
		if err != nil {
			if r.life.Err() != nil {
				return
			}
			r.config.Logger.Warn("changes of clients are not heard of", "error", err)
			select {
			case <-time.After(retryAfter):
			case <-r.life.Done():
			}
			continue
		}
		for r.cache.generation.Add(1); ; r.cache.generation.Add(1) { // the first, for what came before the subscription
			select {
			case <-hints:
			case <-r.life.Done():
				return
			}
		}
	}
}

// changed makes this instance forget the client, and every other one read again what it knows. A notice that cannot be
// sent is no error: what was changed is changed.
func (r *Registry) changed(ctx context.Context, id string) {
	r.cache.generation.Add(1)
	r.cache.remove(id)
	if r.config.Notifier == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), ledgerTimeout)
	defer cancel()
	if err := r.config.Notifier.Notify(ctx, topic); err != nil {
		r.config.Logger.WarnContext(ctx, "other instances hear later of a changed client", "error", err)
	}
}
