package authenticator

import "context"

// Assurer is an Authenticator that can say how claims are verified before the person consented to share them.
type Assurer interface {
	// Verifications returns the verifications of the person's claims, out of the names of the request. No values are given
	// away: each of Values is null. An element without Verification has the claims that there are and nobody verified.
	Verifications(ctx context.Context, r *ClaimsRequest) ([]VerifiedClaims, error)
}
