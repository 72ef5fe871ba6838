package consent

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"github.com/gosignet/signet/internal/jwt"
)

// ErrWallet says that a wallet's signature on a decision is not valid.
var ErrWallet = errors.New("consent: the wallet's signature is not valid")

// WalletProof is a decision as a wallet signed it: a JWS without its payload, which whoever has the decision can make again.
type WalletProof struct {
	// Signature is the protected header and the signature, each in base64url, with one dot between them. The header has
	// alg and x5t#S256.
	Signature string `json:"signature"`
	// Key is the public key that is bound to the person, and Thumbprint the x5t#S256 of its certificate: the SHA-256 in
	// base64url. The caller knows that they belong to the person and together, and that the certificate has not expired.
	Key        jose.JSONWebKey `json:"key"`
	Thumbprint string          `json:"x5t#S256"`
}

// Thumbprint returns the x5t#S256 of a certificate in DER (RFC 7515, section 4.1.8).
func Thumbprint(certificate []byte) string {
	sum := sha256.Sum256(certificate)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// WalletPayload returns what a wallet signs of a decision, byte for byte:
//
//	{"accepted_claims":["email","name"],"permitted_authorized_scopes":[]}
//
// without white space, each list sorted by the bytes of its entries and without repetitions. A verified claim is accepted under
// its name, like a plain one. Strings are those of RFC 8785.
func WalletPayload(d Decision) []byte {
	b := appendStrings([]byte(`{"accepted_claims":`), set(slices.Concat(d.Claims, d.Verified)))
	b = appendStrings(append(b, `,"permitted_authorized_scopes":`...), set(d.Scopes))
	return append(b, '}')
}

// Verify returns nil if the wallet signed the decision, and otherwise an error that wraps ErrWallet.
func (p *WalletProof) Verify(d Decision) error {
	header, signature, ok := strings.Cut(p.Signature, ".")
	if !ok {
		return fmt.Errorf("%w: it does not have two parts", ErrWallet)
	}
	payload := base64.RawURLEncoding.EncodeToString(WalletPayload(d))
	token, err := jwt.Parse(header+"."+payload+"."+signature, jwt.Algorithms())
	if err != nil {
		return fmt.Errorf("%w: %w", ErrWallet, err)
	}
	// The header is strict JSON by now. A map, because encoding/json finds members of structs in any case of letters.
	var members map[string]any
	data, err := base64.RawURLEncoding.DecodeString(header)
	if err == nil {
		err = json.Unmarshal(data, &members)
	}
	if err != nil {
		return fmt.Errorf("%w: header: %w", ErrWallet, err)
	}
	if thumbprint, _ := members["x5t#S256"].(string); thumbprint == "" || thumbprint != p.Thumbprint {
		return fmt.Errorf("%w: x5t#S256 is not that of the certificate", ErrWallet)
	}
	key := p.Key
	key.KeyID = token.KeyID // which key it is, the thumbprint has said
	if _, err := token.Verify([]jose.JSONWebKey{key}); err != nil {
		return fmt.Errorf("%w: %w", ErrWallet, err)
	}
	return nil
}

// checkWallet verifies the proof of a decision. A wallet cannot tell a plain claim from a verified one of the same name, so
// that nobody else may either.
func checkWallet(p *WalletProof, choices []Choice, d Decision) error {
	granted := map[string]bool{}
	for _, c := range choices {
		if c.Kind == Scope {
			continue
		}
		if before, seen := granted[c.Name]; seen && before != c.Granted {
			return fmt.Errorf("%w: %q was decided in two ways, which a wallet cannot sign", ErrInvalid, c.Name)
		}
		granted[c.Name] = c.Granted
	}
	return p.Verify(d)
}
