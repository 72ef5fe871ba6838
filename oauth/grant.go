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

// TakeGrant uses up a code and returns its grant, without tokens: for pages of the provider itself that have people log
// in. The client is their own registration, and its codes reach nobody else because its redirect URI is the provider's; the
// verifier is that of the request's code_challenge, empty if it had none, which ties the code to the browser that asked for it. A code that is
// unknown, used, another client's or another request's is an [*Error] with the code invalid_grant.
func (s *Server) TakeGrant(ctx context.Context, clientID, code, verifier string) (*Grant, error) {
	record, err := s.codes.Get(ctx, code)
	bound := record.CodeChallenge != "" || verifier != ""
	if errors.Is(err, store.ErrNotFound) || err == nil &&
		(record.ClientID != clientID || record.Spent || bound && !verifies(verifier, record.CodeChallenge)) {
		return nil, errCode(err)
	}
	if err == nil {
		record, err = s.codes.Take(ctx, code)
	}
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, errCode(err)
	case err != nil:
		return nil, fmt.Errorf("oauth: take the grant: %w", err)
	}
	return &record.Grant, nil
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
