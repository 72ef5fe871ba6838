package jwt

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

const (
	// MaxTokenSize is the length of the longest token that is read, in bytes.
	MaxTokenSize = 16 << 10

	// maxTries bounds the verifications that one token may cause.
	maxTries = 8
)

var base64url = base64.RawURLEncoding.Strict()

// Token is a signed token that was parsed and not verified: nothing in it is true yet.
type Token struct {
	// Algorithm is one of the allow-list that was given to Parse.
	Algorithm jose.SignatureAlgorithm
	// KeyID is the header's kid, "" if it has none.
	KeyID string
	// Type is the header's typ as it was sent, "" if it has none. Compare it with HasType.
	Type string

	input     string // what is signed: header and payload, encoded
	signature []byte
	payload   []byte
	header    members
}

// Parse reads a compact JWS of at most [MaxTokenSize] bytes. The algorithm of its header must be in the allow-list, and
// the allow-list within [Algorithms]. A header with crit or b64 is refused: Signet knows no extension that would have
// to be understood. The headers jwk, x5c, x5u and jku choose no key; see [Token.EmbeddedKey] for the one use of jwk.
func Parse(token string, algs []jose.SignatureAlgorithm) (*Token, error) {
	if err := CheckAlgorithms(algs); err != nil {
		return nil, err
	}
	if len(token) > MaxTokenSize {
		return nil, fmt.Errorf("%w: token of more than %d bytes", ErrMalformed, MaxTokenSize)
	}
	header, rest, _ := strings.Cut(token, ".")
	payload, signature, ok := strings.Cut(rest, ".")
	if !ok || strings.Contains(signature, ".") {
		return nil, fmt.Errorf("%w: not a compact JWS", ErrMalformed)
	}
	t := &Token{input: token[:len(token)-len(signature)-1]}
	decoded := make([]byte, 0, len(token)) // one for all three
	members, decoded, err := decode(decoded, header)
	if err != nil {
		return nil, err
	}
	if t.payload, decoded, err = decode(decoded, payload); err != nil {
		return nil, err
	}
	if t.signature, _, err = decode(decoded, signature); err != nil {
		return nil, err
	}
	if err := t.readHeader(members); err != nil {
		return nil, err
	}
	if !slices.Contains(algs, t.Algorithm) {
		return nil, fmt.Errorf("%w: %.32q is not one of %v", ErrAlgorithm, t.Algorithm, algs)
	}
	return t, nil
}

// decode appends what the part decodes to, and returns that alone too. It is strict, so that one token has one spelling:
// no padding, no stray bits at the end, and no line breaks, which encoding/base64 would skip.
func decode(to []byte, part string) (data, all []byte, err error) {
	if strings.ContainsAny(part, "\r\n") {
		return nil, nil, fmt.Errorf("%w: line break in base64url", ErrMalformed)
	}
	all, err = base64url.AppendDecode(to, []byte(part))
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return all[len(to):len(all):len(all)], all, nil
}

func (t *Token) readHeader(data []byte) error {
	header, err := object(data)
	if err != nil {
		return err
	}
	for _, name := range []string{"crit", "b64"} {
		if header.get(name) != nil {
			return fmt.Errorf("%w: header %q is not supported", ErrMalformed, name)
		}
	}
	alg, algErr := header.text("alg")
	kid, kidErr := header.text("kid")
	typ, typErr := header.text("typ")
	t.Algorithm, t.KeyID, t.Type = jose.SignatureAlgorithm(alg), kid, typ
	t.header = header
	return errors.Join(algErr, kidErr, typErr)
}

// HasType reports whether the header's typ is the media type, such as "dpop+jwt": without regard to case, and with or
// without "application/" (RFC 7515, section 4.1.9).
func (t *Token) HasType(typ string) bool {
	const prefix = "application/"
	got := t.Type
	if len(got) > len(prefix) && strings.EqualFold(got[:len(prefix)], prefix) {
		got = got[len(prefix):]
	}
	return strings.EqualFold(got, typ)
}

// HeaderText returns any member of the header that must be a string, such as x5t#S256; it is "" when the member is absent.
func (t *Token) HeaderText(name string) (string, error) { return t.header.text(name) }

// SigningInput returns what the signature is over. It identifies the token, which the token's text does not: whoever has
// one signature of ECDSA can make a second one over the same.
func (t *Token) SigningInput() string { return t.input }

// EmbeddedKey returns the public key in the header's jwk. It proves only that the sender has its private half, which is
// the purpose of DPoP (RFC 9449); a token that says who somebody is must never be verified with it.
func (t *Token) EmbeddedKey() (jose.JSONWebKey, error) {
	key := t.header.get("jwk")
	if key == nil {
		return jose.JSONWebKey{}, fmt.Errorf("%w: no jwk in the header", ErrMalformed)
	}
	return parseKey(key)
}

// UnverifiedPayload returns the payload before anybody vouches for it. Its use is to learn whose keys to fetch.
func (t *Token) UnverifiedPayload() []byte { return t.payload }

// Verify returns the payload if one of the keys signed it. With a kid in the header only keys with this kid are tried,
// otherwise all. A key fits if it serves the algorithm (see [CheckKey]), its use is absent or "sig", and its alg absent
// or the token's. When more than eight keys fit, the token must name one: the answer is ErrUnknownKey.
func (t *Token) Verify(keys []jose.JSONWebKey) (payload []byte, err error) {
	fit := make([]any, 0, maxTries)
	for _, key := range keys {
		if (t.KeyID == "" || t.KeyID == key.KeyID) && (key.Use == "" || key.Use == "sig") &&
			(key.Algorithm == "" || key.Algorithm == string(t.Algorithm)) && CheckKey(t.Algorithm, key.Key) == nil {
			fit = append(fit, key.Key)
		}
	}
	switch {
	case len(fit) == 0:
		return nil, fmt.Errorf("%w: kid %.64q, alg %s", ErrUnknownKey, t.KeyID, t.Algorithm)
	case len(fit) > maxTries:
		return nil, fmt.Errorf("%w: %d keys could be meant by kid %.64q", ErrUnknownKey, len(fit), t.KeyID)
	}
	for _, key := range fit {
		if verify(t.Algorithm, key, t.input, t.signature) {
			return t.payload, nil
		}
	}
	return nil, ErrSignature
}
