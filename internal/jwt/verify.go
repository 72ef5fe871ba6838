package jwt

import (
	"fmt"

	"github.com/go-jose/go-jose/v4"
)

// Verify returns the payload if one of the keys signed it. With a kid in the header only keys with this kid are tried,
// otherwise all. A key fits if it serves the algorithm (see [CheckKey]), its use is absent or "sig", and its alg absent
// or the token's. When more than eight keys fit, the token must name one: the answer is ErrUnknownKey.
func (t *Token) Verify(keys []jose.JSONWebKey) (payload []byte, err error) {
	var fit []any
	for _, key := range keys {
		if (t.KeyID == "" || t.KeyID == key.KeyID) && (key.Use == "" || key.Use == "sig") &&
			(key.Algorithm == "" || key.Algorithm == string(t.Algorithm)) && CheckKey(t.Algorithm, key.Key) == nil {
			fit = append(fit, key.Key)
		}
	}
	switch {
	case len(fit) == 0:
		return nil, fmt.Errorf("%w: kid %q, alg %s", ErrUnknownKey, t.KeyID, t.Algorithm)
	case len(fit) > maxTries:
		return nil, fmt.Errorf("%w: %d keys could be meant by kid %q", ErrUnknownKey, len(fit), t.KeyID)
	}
	jws, err := jose.ParseSignedCompact(t.compact, []jose.SignatureAlgorithm{t.Algorithm})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	for _, key := range fit {
		if payload, err := jws.Verify(key); err == nil {
			return payload, nil
		}
	}
	return nil, ErrSignature
}
