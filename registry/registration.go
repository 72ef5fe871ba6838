package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/store"
)

// Status says whether a client is served.
type Status string

const (
	// Active clients are served.
	Active Status = "active"
	// Inactive clients are unknown to the protocol.
	Inactive Status = "inactive"
)

// Change says what made a version of a registration.
type Change string

// The changes of a registration.
const (
	Created     Change = "created"
	Updated     Change = "updated"
	Activated   Change = "activated"
	Deactivated Change = "deactivated"
)

// Registration is one version of what the registry has of a client. As JSON it is fit to be shown.
type Registration struct {
	// ID is the client_id.
	ID     string `json:"client_id"`
	Status Status `json:"status"`
	// Version counts the versions from 1 on.
	Version int64 `json:"version"`
	// Change is what made this version, ChangedBy who, and ChangedAt when, by the clock of the ledger.
	Change    Change    `json:"change"`
	ChangedBy string    `json:"changed_by"`
	ChangedAt time.Time `json:"changed_at"`
	// Metadata is the registration as [Marshal] writes it.
	Metadata json.RawMessage `json:"metadata"`
}

// Client reads the Metadata. An old version need not be valid by the rules of today.
func (r *Registration) Client() (*oauth.Client, error) { return Parse(r.Metadata) }

// record is what the ledger keeps of a client. The names of its members are for ever.
type record struct {
	Status   Status          `json:"status"`
	Change   Change          `json:"change"`
	Actor    string          `json:"actor"`
	Metadata json.RawMessage `json:"metadata"`
}

func registration(e *store.Entry[record]) *Registration {
	return &Registration{
		ID: e.ID, Status: e.Value.Status, Version: e.Version,
		Change: e.Value.Change, ChangedBy: e.Value.Actor, ChangedAt: e.WrittenAt, Metadata: e.Value.Metadata,
	}
}

// Get returns the present version of a registration, of an active client or not, or oauth.ErrUnknownClient.
func (r *Registry) Get(ctx context.Context, id string) (*Registration, error) {
	if store.CheckKey(id) != nil {
		return nil, oauth.ErrUnknownClient
	}
	e, err := r.records.Get(ctx, id)
	if err != nil {
		return nil, readError(err)
	}
	return registration(&e), nil
}

// List returns the present versions of up to limit registrations, in the order of their IDs, from the one that follows
// after on. An empty after begins with the first; a limit of 0 means [store.MaxList], which is the most. The list has
// come to its end when it is shorter than that.
func (r *Registry) List(ctx context.Context, after string, limit int) ([]*Registration, error) {
	return registrations(r.records.List(ctx, store.Query{After: after, Limit: limit}))
}

// History returns the versions of a registration, the present one first, up to [store.MaxList], or
// oauth.ErrUnknownClient.
func (r *Registry) History(ctx context.Context, id string) ([]*Registration, error) {
	if store.CheckKey(id) != nil {
		return nil, oauth.ErrUnknownClient
	}
	return registrations(r.records.History(ctx, id))
}

func registrations(entries []store.Entry[record], err error) ([]*Registration, error) {
	if err != nil {
		return nil, readError(err)
	}
	all := make([]*Registration, len(entries))
	for i := range entries {
		all[i] = registration(&entries[i])
	}
	return all, nil
}

func readError(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return oauth.ErrUnknownClient
	}
	return fmt.Errorf("registry: %w", err)
}
