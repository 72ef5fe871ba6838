package consent

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/gosignet/signet/store"
)

// placeLength is the length of the part of a consent's ID that says where its record is.
const placeLength = 43

// Status says whether a consent holds.
type Status string

const (
	// Active consents hold for the choices that have not expired.
	Active Status = "active"
	// Withdrawn consents were taken back; the choices are those that there were.
	Withdrawn Status = "withdrawn"
)

// Choice is what a person decided on one Item, the last time that they were asked.
type Choice struct {
	Item
	Granted   bool      `json:"granted"`
	DecidedAt time.Time `json:"decided_at"`
	// ExpiresAt is when the choice has ended, zero for never.
	ExpiresAt time.Time `json:"expires_at,omitzero"`
	// TextVersion names the text that the person was shown.
	TextVersion string `json:"text_version,omitempty"`
	// Once says that the choice was not to be remembered, and Session that it was for one session, which it is a pseudonym of.
	Once    bool   `json:"once,omitempty"`
	Session string `json:"session,omitempty"`
}

// Record is one version of what a person decided for a client. As JSON it is fit to be shown to the person.
type Record struct {
	// ID names the consent: what was issued on it carries the ID. It is opaque, and of the alphabet of keys of package store.
	ID string `json:"consent_id"`
	// Version counts the decisions and withdrawals for the client from 1 on, whatever the ID.
	Version  int64  `json:"version"`
	ClientID string `json:"client_id"`
	// Subject is the person's pairwise pseudonym at the client.
	Subject string `json:"sub"`
	Status  Status `json:"status"`
	// ChangedAt is when this version was made.
	ChangedAt time.Time `json:"changed_at"`
	// Choices are what was granted and refused, in this decision and in earlier ones that it was not about.
	Choices []Choice `json:"choices"`
	// AskedHash is the hash of what the last decision was about, Language the one in which it was asked, and TextVersion
	// names the text.
	AskedHash   string `json:"asked_hash"`
	Language    string `json:"language,omitempty"`
	TextVersion string `json:"text_version,omitempty"`
	// ACR, AMR and AuthTime say how the person had logged in for the last decision.
	ACR      string    `json:"acr,omitempty"`
	AMR      []string  `json:"amr,omitempty"`
	AuthTime time.Time `json:"auth_time,omitzero"`
	// Controller is the relying party as receipts name it.
	Controller Controller `json:"controller,omitzero"`
	// Wallet is the wallet's signature on the last decision, nil if there is none.
	Wallet *WalletProof `json:"wallet,omitempty"`
	// Receipt is the signed receipt of this version. Only that of a withdrawal may be missing, if it could not be signed.
	Receipt string `json:"receipt,omitempty"`
}

// kept is what the ledger has of a Record. The names of its members are for ever.
type kept struct {
	Record
	// Ended are the last consents that came before this one. Their tokens have been ended, unless that failed.
	Ended []string `json:"ended,omitempty"`
	// Transaction names the login of the last decision.
	Transaction string `json:"transaction,omitempty"`
}

// record returns a version as it was written.
func record(e *store.Entry[kept]) *Record {
	rec := e.Value.Record
	rec.Version = e.Version
	return &rec
}

// Get returns the present version of a consent of the person, or store.ErrNotFound. When the consent has ended, it is the one
// that followed, with another ID.
func (r *Registry) Get(ctx context.Context, person, id string) (*Record, error) {
	e, err := r.get(ctx, person, id)
	if err != nil {
		return nil, err
	}
	return record(&e), nil
}

// History returns the versions of all consents that the person gave to the client of the consent, the present one first, at most
// [store.MaxList] of them, or store.ErrNotFound.
func (r *Registry) History(ctx context.Context, person, id string) ([]*Record, error) {
	if _, err := r.get(ctx, person, id); err != nil {
		return nil, err
	}
	all, err := r.records.History(ctx, place(id))
	if err != nil {
		return nil, err
	}
	records := make([]*Record, len(all))
	for i := range all {
		records[i] = record(&all[i])
	}
	return records, nil
}

// List returns the present versions of all records of a person, those that were withdrawn or have expired included.
func (r *Registry) List(ctx context.Context, person string) ([]*Record, error) {
	var records []*Record
	q := store.Query{Owner: r.owner(person)}
	for {
		page, err := r.records.List(ctx, q)
		if err != nil {
			return nil, err
		}
		for i := range page {
			records = append(records, record(&page[i]))
		}
		if len(page) < store.MaxList {
			return records, nil
		}
		q.After = page[len(page)-1].ID
	}
}

// Check returns nil if the consent holds, and otherwise ErrEnded. It is for who issues something on a consent that was
// read a while ago.
func (r *Registry) Check(ctx context.Context, id string) error {
	if !validID(id) {
		return ErrEnded
	}
	e, err := r.records.Get(ctx, place(id))
	switch {
	case errors.Is(err, store.ErrNotFound):
		return ErrEnded
	case err != nil:
		return err
	case e.Value.ID != id || !e.Value.holds(r.now()):
		return ErrEnded
	}
	return nil
}

// ErrEnded says that a consent was withdrawn, was followed by another one or has expired.
var ErrEnded = errors.New("consent: ended")

// holds reports whether the consent was not withdrawn, and some choice has not expired.
func (rec *Record) holds(now time.Time) bool {
	return rec.Status == Active && slices.ContainsFunc(rec.Choices, func(c Choice) bool { return c.live(now) })
}

// live reports whether the choice has not expired.
func (c *Choice) live(now time.Time) bool { return c.ExpiresAt.IsZero() || now.Before(c.ExpiresAt) }

// get reads a record of the person.
func (r *Registry) get(ctx context.Context, person, id string) (store.Entry[kept], error) {
	if !validID(id) {
		return store.Entry[kept]{}, store.ErrNotFound
	}
	e, err := r.records.Get(ctx, place(id))
	if err == nil && !hmac.Equal([]byte(e.Owner), []byte(r.owner(person))) {
		return store.Entry[kept]{}, store.ErrNotFound
	}
	return e, err
}

// newID mints the ID of a consent in a record. The ID says where the record is, and is never given twice, even when the
// record was erased in between.
func newID(place string) string { return place + "." + rand.Text()[:16] }

func place(id string) string { return id[:placeLength] }

func validID(id string) bool {
	return len(id) == placeLength+17 && id[placeLength] == '.' && strings.Trim(id, alphabet) == ""
}

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."
