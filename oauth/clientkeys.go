package oauth

import (
	"context"
	"errors"

	"github.com/gosignet/signet/internal/jwt"
)

// verify returns the payload of a token that the client signed. A key that is not among those of a client that publishes
// them may be a new one, so the store is asked for it. What is no signature of the client's becomes an error by refuse.
func (s *Server) verify(ctx context.Context, client *Client, token *jwt.Token, refuse func(cause error) *Error) ([]byte, error) {
	payload, err := token.Verify(client.Keys.Keys)
	if client.JWKSURI != "" && s.keyRefresher != nil && errors.Is(err, jwt.ErrUnknownKey) {
		refreshed, failure := s.keyRefresher.RefreshKeys(ctx, client.ID, token.KeyID)
		switch {
		case errors.Is(failure, ErrUnknownClient):
			return nil, refuse(failure)
		case failure != nil:
			return nil, failure
		}
		payload, err = token.Verify(refreshed.Keys.Keys)
	}
	if err != nil {
		return nil, refuse(err)
	}
	return payload, nil
}
