package registry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/gosignet/signet/audit"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/store"
)

const maxActor = 256

// errUnchanged ends a change that would change nothing.
var errUnchanged = errors.New("registry: unchanged")

// Create registers a client, which is active from then on. The actor says who does so, for the history: 1 to 256 bytes
// of text, best the pseudonym of an administrator. A client with the ID, active or not, is store.ErrExists.
func (r *Registry) Create(ctx context.Context, actor string, c *oauth.Client) (*Registration, error) {
	new := record{Status: Active, Change: Created, Actor: actor}
	err := r.encode(c, &new)
	if err == nil {
		err = checkActor(actor)
	}
	if err != nil {
		return r.done(ctx, Created, "", store.Entry[record]{}, err)
	}
	e, err := r.records.Put(ctx, store.Entry[record]{ID: c.ID, Value: new})
	if errors.Is(err, store.ErrConflict) {
		err = store.ErrExists
	}
	return r.done(ctx, Created, c.ID, e, err)
}

// Put replaces the registration of a client, which stays active or not, as it was. The version must be the present one,
// otherwise store.ErrConflict is returned and nothing changes; 0 means whatever version there is. A client that was never
// registered is oauth.ErrUnknownClient. What changes nothing makes no new version; so it is with the other changes.
func (r *Registry) Put(ctx context.Context, actor string, c *oauth.Client, version int64) (*Registration, error) {
	return r.change(ctx, actor, c.ID, version, Updated, func(present *record) error { return r.encode(c, present) })
}

// Patch applies a JSON Merge Patch (RFC 7396) to the registration of a client: the members of the patch replace those of
// the registration, and null takes them away. The version is as for Put.
func (r *Registry) Patch(ctx context.Context, actor, id string, patch []byte, version int64) (*Registration, error) {
	return r.change(ctx, actor, id, version, Updated, func(present *record) error {
		c, err := patched(present.Metadata, patch)
		if err != nil {
			return err
		}
		if c.ID != id {
			return invalid("client_id: cannot be changed")
		}
		return r.encode(c, present)
	})
}

// Activate has a client served again. Its registration must be valid by the rules of today. The version is as for Put.
func (r *Registry) Activate(ctx context.Context, actor, id string, version int64) (*Registration, error) {
	return r.change(ctx, actor, id, version, Activated, func(present *record) error {
		c, err := Parse(present.Metadata)
		if err != nil {
			return err
		}
		present.Status = Active
		return r.encode(c, present)
	})
}

// Deactivate has a client served no longer. Tokens that it has go on living for the little while that they do. The
// version is as for Put.
func (r *Registry) Deactivate(ctx context.Context, actor, id string, version int64) (*Registration, error) {
	return r.change(ctx, actor, id, version, Deactivated, func(present *record) error {
		present.Status = Inactive
		return nil
	})
}

// change edits the record of a client that exists.
func (r *Registry) change(ctx context.Context, actor, id string, version int64, change Change, edit func(*record) error) (*Registration, error) {
	err := checkActor(actor)
	if err == nil && store.CheckKey(id) != nil {
		err = oauth.ErrUnknownClient
	}
	if err != nil {
		return r.done(ctx, change, "", store.Entry[record]{}, err)
	}
	var before store.Entry[record]
	after, err := r.records.Update(ctx, id, func(e *store.Entry[record]) error {
		before = *e
		switch {
		case e.Version == 0:
			return oauth.ErrUnknownClient
		case version != 0 && version != e.Version:
			return store.ErrConflict
		}
		if err := edit(&e.Value); err != nil {
			return err
		}
		if e.Value.Status == before.Value.Status && bytes.Equal(e.Value.Metadata, before.Value.Metadata) {
			return errUnchanged
		}
		e.Value.Change, e.Value.Actor = change, actor
		return nil
	})
	if errors.Is(err, errUnchanged) {
		return registration(&before), nil
	}
	return r.done(ctx, change, before.ID, after, err)
}

// done records how a change ended, and tells everybody of one that may have happened. The id is that of a registered
// client, or empty.
func (r *Registry) done(ctx context.Context, change Change, id string, e store.Entry[record], err error) (*Registration, error) {
	event := audit.Event{Time: r.config.Now(), Type: change.event(), Outcome: audit.Refused, ClientID: id}
	_, invalid := errors.AsType[*InvalidError](err)
	switch {
	case err == nil:
		event.Outcome = audit.Success
	case invalid:
		event.Reason = "invalid_client_metadata"
	case errors.Is(err, oauth.ErrUnknownClient):
		event.Reason, event.ClientID = "unknown_client", ""
	case errors.Is(err, store.ErrConflict):
		event.Reason = "conflict"
	case errors.Is(err, store.ErrExists):
		event.Reason = "exists"
	default: // and it may have happened for all that
		event.Outcome, event.Reason = audit.Failed, "unavailable"
		err = fmt.Errorf("registry: %w", err)
	}
	if event.Outcome != audit.Refused {
		r.changed(ctx, id)
	}
	r.config.Audit.Record(ctx, event)
	if err != nil {
		return nil, err
	}
	return registration(&e), nil
}

func (c Change) event() audit.Type {
	switch c {
	case Created:
		return audit.ClientCreated
	case Activated:
		return audit.ClientActivated
	case Deactivated:
		return audit.ClientDeactivated
	}
	return audit.ClientUpdated
}

// encode makes c the metadata of the record, once all is well with it.
func (r *Registry) encode(c *oauth.Client, to *record) error {
	if c == nil {
		return invalid("no client")
	}
	mistakes := lines(c, c.Validate())
	for _, line := range lines(c, c.ValidateProfile(r.config.Profile, r.config.Development)) {
		if !slices.Contains(mistakes, line) {
			mistakes = append(mistakes, line)
		}
	}
	if len(mistakes) > 0 {
		return &InvalidError{mistakes}
	}
	data, err := Marshal(c)
	if err != nil {
		return err
	}
	// What cannot be read again is not written.
	if _, err := Parse(data); err != nil {
		return err
	}
	to.Metadata = data
	return nil
}

func checkActor(actor string) error {
	if actor == "" || len(actor) > maxActor || !utf8.ValidString(actor) || checkText(actor) != nil {
		return invalid("the actor must be 1 to %d bytes of text", maxActor)
	}
	return nil
}
