package authenticator

import "context"

// Assurer is an Authenticator that can say how claims are verified before the person consented to share them.
type Assurer interface {
	// Verifications returns the verifications of the person's claims, out of the names of the request. No values are given
	// away: each of Values is null. An element without Verification has the claims that there are and nobody verified. The
	// reason is Unsupported if nobody can say so of this person, because their identity system is no Assurer: they log in as
	// if there were none.
	Verifications(ctx context.Context, r *ClaimsRequest) ([]VerifiedClaims, error)
}

// MaybeAssurer is an [Assurer] that stands for others, of which perhaps none is one.
type MaybeAssurer interface {
	Assurer
	// Assures reports whether any of them is. It is asked once, at start-up.
	Assures() bool
}

// AssurerOf returns the Assurer that the Authenticator is. It is nil if that is none, or a [MaybeAssurer] that stands for
// none.
func AssurerOf(a Authenticator) Assurer {
	if maybe, ok := a.(MaybeAssurer); ok && !maybe.Assures() {
		return nil
	}
	assurer, _ := a.(Assurer)
	return assurer
}
