package wallet

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"

	"github.com/go-jose/go-jose/v4"

	"github.com/gosignet/signet/authenticator"
)

// ImportedBinding is a binding out of another registry, as eSignet's.
type ImportedBinding struct {
	// IndividualHash is the SHA3-256 of the individual ID, in base64url without padding: eSignet's id_hash.
	IndividualHash string
	// Identity is who the person is to the identity system.
	Identity authenticator.Identity
	// WalletUserID is eSignet's wallet_binding_id.
	WalletUserID string
	// Certificate was issued for the wallet's key. The import does not ask by whom.
	Certificate *x509.Certificate
}

// Import takes a binding over as if it had been made now. A key that is somebody else's, one that could not be bound, or a
// certificate that has expired is ErrKey.
func (r *Registry) Import(ctx context.Context, i *ImportedBinding) error {
	if len(i.IndividualHash) != 43 || !validIdentity(&i.Identity) || i.WalletUserID == "" || len(i.WalletUserID) > 256 || i.Certificate == nil {
		return errors.New("wallet: an imported binding is incomplete")
	}
	if !r.config.Now().Before(i.Certificate.NotAfter) {
		return fmt.Errorf("%w: its certificate has expired", ErrKey)
	}
	jwk, err := jose.JSONWebKey{Key: i.Certificate.PublicKey}.MarshalJSON()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrKey, err)
	}
	public, err := ParseKey(jwk)
	if err != nil {
		return err
	}
	b := &Bound{WalletUserID: i.WalletUserID, Key: public, Certificate: i.Certificate, ExpiresAt: i.Certificate.NotAfter}
	return r.keep(ctx, r.name("person", i.Identity.Subject), i.IndividualHash, b, &i.Identity)
}
