package passkey

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/go-webauthn/webauthn/webauthn"
	"github.com/google/uuid"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/store"
)

// Passkey is a passkey as its owner sees it.
type Passkey struct {
	// ID names the passkey for [Method.Remove]. It is no secret and opens nothing.
	ID string
	// CreatedAt is when it was registered.
	CreatedAt time.Time
	// UsedOn is the day, UTC, of the last login with it, or of its registration.
	UsedOn time.Time
	// AAGUID says what kind of device or password manager it is in, as a UUID: the key of a list of names such as that of
	// the FIDO Metadata Service. Nobody vouches for it. Empty if it is not known.
	AAGUID string
	// BackedUp says that it was last seen with a copy elsewhere: losing the device does not lose the passkey.
	BackedUp bool
}

// List returns the passkeys of a person who proved who they are, the oldest first.
func (m *Method) List(ctx context.Context, identity *authenticator.Identity) ([]Passkey, error) {
	all, err := m.owned(ctx, identity.Subject)
	if err != nil {
		return nil, err
	}
	passkeys := make([]Passkey, len(all))
	for i, o := range all {
		passkeys[i] = Passkey{
			ID: o.id, CreatedAt: o.passkey.CreatedAt, UsedOn: o.passkey.UsedOn, BackedUp: o.credential.Flags.BackupState,
		}
		if id, err := uuid.FromBytes(o.credential.Authenticator.AAGUID); err == nil && id != uuid.Nil {
			passkeys[i].AAGUID = id.String()
		}
	}
	slices.SortStableFunc(passkeys, func(a, b Passkey) int { return a.CreatedAt.Compare(b.CreatedAt) })
	return passkeys, nil
}

// Remove erases a passkey of a person who proved who they are. It is ErrUnknown when the person has no such passkey,
// whether or not somebody else has.
func (m *Method) Remove(ctx context.Context, identity *authenticator.Identity, id string) error {
	if store.CheckKey(id) != nil {
		return ErrUnknown
	}
	e, err := m.records.Get(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return ErrUnknown
	}
	if err != nil {
		return unavailable(err)
	}
	if e.Owner != m.keys.ownerOf(identity.Subject) {
		return ErrUnknown
	}
	return unavailable(m.records.Erase(ctx, id))
}

// owned is a passkey of a person, opened.
type owned struct {
	id         string
	passkey    *passkey
	credential webauthn.Credential
}

// owned returns the passkeys of a person.
func (m *Method) owned(ctx context.Context, subject string) ([]owned, error) {
	entries, err := m.records.List(ctx, store.Query{Owner: m.keys.ownerOf(subject)})
	if err != nil {
		return nil, unavailable(err)
	}
	all := make([]owned, len(entries))
	for i := range entries {
		all[i].id = entries[i].ID
		if all[i].passkey, err = m.keys.open(&entries[i]); err != nil {
			return nil, unavailable(err)
		}
		if all[i].credential, err = all[i].passkey.credential(); err != nil {
			return nil, unavailable(err)
		}
	}
	return all, nil
}
