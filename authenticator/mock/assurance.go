package mock

import (
	"context"
	"encoding/json"

	"github.com/gosignet/signet/authenticator"
)

// Verifications says how the persona's claims were verified, and which ones there are that were not.
func (m *Mock) Verifications(ctx context.Context, r *authenticator.ClaimsRequest) ([]authenticator.VerifiedClaims, error) {
	claims, err := m.Claims(ctx, r)
	if err != nil {
		return nil, err
	}
	withhold := func(values map[string]json.RawMessage) {
		for name := range values {
			values[name] = json.RawMessage("null")
		}
	}
	for _, v := range claims.Verified {
		withhold(v.Values)
	}
	withhold(claims.Values)
	return append(claims.Verified, authenticator.VerifiedClaims{Values: claims.Values}), nil
}
