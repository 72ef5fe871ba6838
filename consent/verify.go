package consent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"github.com/gosignet/signet/internal/jwt"
	"github.com/gosignet/signet/store"
)

// maxReceipt is the length of the longest receipt in bytes; it is part of a record.
const maxReceipt = store.MaxRecord

// ErrReceipt says that a receipt is not one that the provider signed.
var ErrReceipt = errors.New("consent: not a receipt of this provider")

// Verify returns what a receipt says if the provider signed it, and otherwise an error that wraps ErrReceipt. With a key
// that the provider does not publish any more the receipt must be the one that is kept: with the record, such receipts are
// erased. What was decided later, a receipt does not say; see [Registry.History].
func (r *Registry) Verify(ctx context.Context, receipt string) (*Receipt, error) {
	if len(receipt) > maxReceipt {
		return nil, fmt.Errorf("%w: more than %d bytes", ErrReceipt, maxReceipt)
	}
	jws, err := jose.ParseSignedCompact(receipt, jwt.Algorithms())
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrReceipt, err)
	}
	header := jws.Signatures[0].Protected
	if typ, _ := header.ExtraHeaders[jose.HeaderType].(string); typ != ReceiptType {
		return nil, fmt.Errorf("%w: typ %.64q", ErrReceipt, typ)
	}
	key, published, err := r.key(ctx, header.KeyID)
	if err != nil {
		return nil, err
	}
	if key.Algorithm != header.Algorithm {
		return nil, fmt.Errorf("%w: the key does not serve %q", ErrReceipt, header.Algorithm)
	}
	payload, err := jws.Verify(key)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrReceipt, err)
	}
	var says Receipt
	if err := json.Unmarshal(payload, &says); err != nil || says.Issuer != r.config.Issuer {
		return nil, fmt.Errorf("%w: not its payload", ErrReceipt)
	}
	if !published {
		if err := r.checkKept(ctx, &says, receipt); err != nil {
			return nil, err
		}
	}
	return &says, nil
}

// checkKept makes sure that the receipt is the very one that is kept.
func (r *Registry) checkKept(ctx context.Context, says *Receipt, receipt string) error {
	version, err := strconv.ParseInt(strings.TrimPrefix(says.ID, says.RecordID+"."), 10, 64)
	if err != nil || !validID(says.RecordID) {
		return fmt.Errorf("%w: its jti", ErrReceipt)
	}
	history, err := r.records.History(ctx, place(says.RecordID))
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("consent: %w", err)
	}
	if !slices.ContainsFunc(history, func(e store.Entry[kept]) bool { return e.Version == version && e.Value.Receipt == receipt }) {
		return fmt.Errorf("%w: its key is retired, and it is not kept", ErrReceipt)
	}
	return nil
}

// Keys returns every public key that ever signed a receipt, for publishing beside the keys of the provider: with
// them anybody verifies a receipt whose key was retired. The provider's own JWKS has those that are in use.
func (r *Registry) Keys(ctx context.Context) ([]jose.JSONWebKey, error) {
	var keys []jose.JSONWebKey
	q := store.Query{}
	for {
		page, err := r.keys.List(ctx, q)
		if err != nil {
			return nil, fmt.Errorf("consent: %w", err)
		}
		for _, e := range page {
			keys = append(keys, e.Value)
		}
		if len(page) < store.MaxList {
			return keys, nil
		}
		q.After = page[len(page)-1].ID
	}
}

// keepKey makes sure that the ledger has a public key. It is read once by each instance, and written once.
func (r *Registry) keepKey(ctx context.Context, key jose.JSONWebKey) error {
	if _, known := r.published.Load(key.KeyID); known {
		return nil
	}
	// Certificates expire and are renewed; the key stays what it is.
	key = jose.JSONWebKey{Key: key.Key, KeyID: key.KeyID, Algorithm: key.Algorithm, Use: key.Use}
	_, err := r.keys.Put(ctx, store.Entry[jose.JSONWebKey]{ID: key.KeyID, Value: key})
	if err != nil && !errors.Is(err, store.ErrConflict) {
		return err
	}
	r.published.Store(key.KeyID, true)
	return nil
}

// key finds the key of a receipt, and says whether the provider publishes it.
func (r *Registry) key(ctx context.Context, kid string) (key jose.JSONWebKey, published bool, err error) {
	public, err := r.config.Keys.Keys(ctx)
	if err != nil {
		return key, false, fmt.Errorf("consent: %w", err)
	}
	for _, key := range public {
		if key.KeyID == kid && key.Use == "sig" {
			return key, true, nil
		}
	}
	if store.CheckKey(kid) != nil {
		return key, false, fmt.Errorf("%w: kid %.64q", ErrReceipt, kid)
	}
	e, err := r.keys.Get(ctx, kid)
	if errors.Is(err, store.ErrNotFound) {
		return key, false, fmt.Errorf("%w: unknown key %.64q", ErrReceipt, kid)
	}
	if err != nil {
		return key, false, fmt.Errorf("consent: %w", err)
	}
	return e.Value, false, nil
}
