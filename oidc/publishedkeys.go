package oidc

import (
	"context"
	"crypto"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/internal/jwt"
)

// PublishedKeys returns public keys to publish with those of the provider, such as an identity system's ([KeysOf]) or
// those that signed consent receipts. Clients take what such a key signs for what the provider signed, ID Tokens too: a
// publisher is to be trusted like the provider's own keystore.
//
// It is asked at most once in [Config.DocumentMaxAge], never by two requests at once, and has five seconds to answer.
// While it fails, what it said last is published; the keys of the provider are in any case.
type PublishedKeys func(ctx context.Context) ([]jose.JSONWebKey, error)

// KeysOf returns the keys of an identity system.
func KeysOf(p authenticator.KeyPublisher) PublishedKeys {
	return func(ctx context.Context) ([]jose.JSONWebKey, error) {
		data, err := p.PublicKeys(ctx)
		if err != nil {
			return nil, err
		}
		set, err := jwt.ParseKeySet(data)
		return set.Keys, err
	}
}

const (
	publisherTimeout = 5 * time.Second
	publisherPause   = 30 * time.Second // after a failure
	maxPublished     = 100
)

// publisher remembers what PublishedKeys said.
type publisher struct {
	config *Config
	keys   PublishedKeys

	mu       sync.Mutex
	known    []jose.JSONWebKey
	until    time.Time
	fetching context.Context // done when there is nothing to wait for any more; nil if nobody fetches
}

// refresh begins to fetch the keys if they are too old, and returns what to wait for.
func (p *publisher) refresh(ctx context.Context) (fetched <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fetching == nil && !p.config.Now().Before(p.until) {
		fetching, cancel := context.WithTimeout(context.WithoutCancel(ctx), publisherTimeout)
		p.fetching = fetching
		go p.fetch(fetching, cancel)
	}
	if p.fetching == nil {
		return nil
	}
	return p.fetching.Done()
}

func (p *publisher) fetch(ctx context.Context, done context.CancelFunc) {
	defer done()
	keys, err := p.keys(ctx)
	pause := p.config.DocumentMaxAge
	if err != nil {
		pause = min(pause, publisherPause)
		p.config.Logger.LogAttrs(ctx, slog.LevelError, "keys to publish were not found", slog.Any("error", err))
	} else {
		keys = p.valid(ctx, keys)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if err == nil {
		p.known = keys
	}
	p.until, p.fetching = p.config.Now().Add(pause), nil
}

// valid returns the keys that may be published.
func (p *publisher) valid(ctx context.Context, keys []jose.JSONWebKey) []jose.JSONWebKey {
	var valid []jose.JSONWebKey
	for i := range keys {
		err := checkPublished(&keys[i])
		if len(valid) == maxPublished {
			err = errors.New("one of too many keys")
		}
		if err != nil {
			p.config.Logger.LogAttrs(ctx, slog.LevelError, "a key was not published",
				slog.String("kid", keys[i].KeyID), slog.Any("error", err))
			continue
		}
		valid = append(valid, keys[i])
	}
	return valid
}

// checkPublished wants a public key that verifies signatures, has a name, and is of a kind and size that clients take.
func checkPublished(key *jose.JSONWebKey) error {
	switch {
	case key.KeyID == "":
		return errors.New("it has no kid")
	case key.Use == "enc":
		return errors.New("it is one for encryption")
	case !key.Valid() || !key.IsPublic():
		return errors.New("it is not a public key")
	}
	set, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{*key}})
	if err != nil {
		return err
	}
	_, err = jwt.ParseKeySet(set)
	return err
}

// publicKeys returns the keys of the provider and those of the publishers.
func (p *Provider) publicKeys(ctx context.Context) ([]jose.JSONWebKey, error) {
	waits := make([]<-chan struct{}, len(p.published))
	for i, publisher := range p.published {
		waits[i] = publisher.refresh(ctx)
	}
	keys, err := p.config.Keys.Keys(ctx)
	if err != nil {
		return nil, err
	}
	for i := range keys {
		if !keys[i].Valid() || !keys[i].IsPublic() {
			return nil, fmt.Errorf("oidc: the keystore publishes %q, which is not a public key", keys[i].KeyID)
		}
	}
	keys = slices.Clip(keys)
	for i, publisher := range p.published {
		if waits[i] != nil {
			select {
			case <-waits[i]:
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
		keys = p.join(ctx, keys, publisher)
	}
	return keys, nil
}

// join adds the keys of the publisher whose kid is not taken.
func (p *Provider) join(ctx context.Context, keys []jose.JSONWebKey, publisher *publisher) []jose.JSONWebKey {
	publisher.mu.Lock()
	known := publisher.known
	publisher.mu.Unlock()
	for i := range known {
		at := slices.IndexFunc(keys, func(key jose.JSONWebKey) bool { return key.KeyID == known[i].KeyID })
		if at < 0 {
			keys = append(keys, known[i])
		} else if !sameKey(&keys[at], &known[i]) {
			p.config.Logger.LogAttrs(ctx, slog.LevelError, "a key was not published",
				slog.String("kid", known[i].KeyID), slog.String("error", "another key has its kid"))
		}
	}
	return keys
}

func sameKey(a, b *jose.JSONWebKey) bool {
	first, err := a.Thumbprint(crypto.SHA256)
	second, err2 := b.Thumbprint(crypto.SHA256)
	return err == nil && err2 == nil && string(first) == string(second)
}
