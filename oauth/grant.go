package oauth

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/gosignet/signet/store"
)

// errEnded says that a grant was taken back.
var errEnded = errors.New("oauth: the grant was ended")

// EndGrant ends every token of the grant with the [Grant.ID], and every code that was not redeemed: the person took back
// what they granted. It may be repeated. A grant that is made later needs another ID.
func (s *Server) EndGrant(ctx context.Context, id string) error {
	if id == "" {
		return errors.New("oauth: a grant without an ID cannot be ended")
	}
	if err := s.store.Put(ctx, endedKey(id), []byte{1}, s.codeLifetime+s.accessTokenLifetime); err != nil {
		return fmt.Errorf("oauth: end the grant: %w", err)
	}
	return nil
}

// endedIn asks in a batch whether the grant was ended. Of one without an ID there is nothing to ask.
func (s *Server) endedIn(b *store.Batch, id string) (result func() (bool, error)) {
	if id == "" {
		return func() (bool, error) { return false, nil }
	}
	read := b.Queue(s.store, store.Operation{Verb: store.VerbGet, Key: endedKey(id)})
	return func() (bool, error) {
		if errors.Is(read.Err, store.ErrNotFound) {
			return false, nil
		}
		return read.Err == nil, read.Err
	}
}

func endedKey(id string) string {
	digest := sha256.Sum256([]byte(id))
	return "grant-ended:" + base64.RawURLEncoding.EncodeToString(digest[:])
}
