package keystore

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/go-jose/go-jose/v4"
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosignet/signet/internal/jwt"
)

// Key is a key that signs with one algorithm. It is made by [NewKey], safe for concurrent use (as the signer under it
// must be) and never prints its private part.
type Key struct {
	public jose.JSONWebKey
	alg    jose.SignatureAlgorithm
	// sign is the SignContext method of the signer, or its Sign. The signer itself is out of reach even for reflection, which is how
	// printers reach the fields of whoever holds a Key.
	sign func(context.Context, io.Reader, []byte, crypto.SignerOpts) ([]byte, error)
	opts crypto.SignerOpts
	// size is the length of a signature in bytes; it is fixed for each key.
	size int
	// header is the protected header up to the value of typ.
	header string
}

// NewKey makes a key of any signer: one from the standard library, or one that forwards to an HSM or to a remote
// service. The signer's public key must fit the algorithm: P-256 for ES256, P-384 for ES384, RSA of 2048 to 4096 bits
// for PS256 and RS256, Ed25519 for EdDSA. Other algorithms are refused.
func NewKey(alg jose.SignatureAlgorithm, signer crypto.Signer) (*Key, error) {
	if signer == nil {
		return nil, errors.New("keystore: no signer")
	}
	k := &Key{
		public: jose.JSONWebKey{Key: signer.Public(), Use: "sig", Algorithm: string(alg)},
		alg:    alg,
	}
	if waits, ok := signer.(ContextSigner); ok {
		k.sign = waits.SignContext
	} else {
		k.sign = func(_ context.Context, rand io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
			return signer.Sign(rand, digest, opts)
		}
	}
	if err := jwt.CheckKey(alg, k.public.Key); err != nil {
		return nil, fmt.Errorf("keystore: key and algorithm do not fit: %w", err)
	}
	switch alg {
	case jose.ES256:
		k.opts, k.size = crypto.SHA256, 2*32
	case jose.ES384:
		k.opts, k.size = crypto.SHA384, 2*48
	case jose.RS256:
		k.opts, k.size = crypto.SHA256, k.public.Key.(*rsa.PublicKey).Size()
	case jose.PS256:
		k.opts = &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256}
		k.size = k.public.Key.(*rsa.PublicKey).Size()
	case jose.EdDSA:
		k.opts, k.size = crypto.Hash(0), 64
	}
	thumbprint, err := k.public.Thumbprint(crypto.SHA256)
	if err != nil {
		return nil, fmt.Errorf("keystore: thumbprint: %w", err)
	}
	k.public.KeyID = base64.RawURLEncoding.EncodeToString(thumbprint)
	k.header = `{"alg":"` + string(alg) + `","kid":"` + k.public.KeyID + `","typ":"`
	return k, nil
}

// ID returns the kid: the RFC 7638 thumbprint of the public key with SHA-256, in base64url.
func (k *Key) ID() string { return k.public.KeyID }

// Algorithm returns the algorithm that the key signs with.
func (k *Key) Algorithm() jose.SignatureAlgorithm { return k.alg }

// Public returns the public key as it is published: with kid, alg, and use "sig", and the certificates it was given.
func (k *Key) Public() jose.JSONWebKey { return copyJWK(k.public) }

// SignJSON encodes the claims as JSON and signs them; see [Key.Sign].
func (k *Key) SignJSON(ctx context.Context, typ string, claims any) (string, error) {
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("keystore: encode claims: %w", err)
	}
	return k.Sign(ctx, typ, payload)
}

// Sign returns the payload as a compact JWS (RFC 7515, section 7.1) whose header has alg, kid and typ. The typ says what
// the token is, so that it is never taken for another kind: "JWT", "at+jwt". It must be a media type name without
// parameters. When the signer fails, or gives something that cannot be a signature, there is an error and no token.
//
// Sign does not go through go-jose's signer, which spends 12 microseconds and 60 allocations on each token beside the
// signature (a header map encoded to JSON, several copies), a quarter of an ES256 signature. This spends 2 and 4 at most;
// BenchmarkOverhead compares them.
func (k *Key) Sign(ctx context.Context, typ string, payload []byte) (string, error) {
	if !validType(typ) {
		return "", fmt.Errorf("keystore: %q is no media type name", typ)
	}
	header := append(append(make([]byte, 0, 128), k.header...), typ...)
	return k.compact(ctx, append(header, `"}`...), payload)
}

// SignWithJWK is [Key.Sign] for the few tokens that bring the public key along: the header has alg, typ and, in place of
// the kid, jwk. Such a token says only that its sender has the key, as a DPoP proof does (RFC 9449).
func (k *Key) SignWithJWK(ctx context.Context, typ string, payload []byte) (string, error) {
	if !validType(typ) {
		return "", fmt.Errorf("keystore: %q is no media type name", typ)
	}
	jwk, err := jose.JSONWebKey{Key: k.public.Key}.MarshalJSON()
	if err != nil {
		return "", fmt.Errorf("keystore: encode the public key: %w", err)
	}
	header := []byte(`{"alg":"` + string(k.alg) + `","typ":"` + typ + `","jwk":`)
	return k.compact(ctx, append(append(header, jwk...), '}'), payload)
}

// compact returns the header and the payload with their signature.
func (k *Key) compact(ctx context.Context, header, payload []byte) (string, error) {
	enc := base64.RawURLEncoding
	token := make([]byte, 0, enc.EncodedLen(len(header))+enc.EncodedLen(len(payload))+enc.EncodedLen(k.size)+2)
	token = enc.AppendEncode(token, header)
	token = enc.AppendEncode(append(token, '.'), payload)
	signature, err := k.signature(ctx, token)
	if err != nil {
		return "", err
	}
	return string(enc.AppendEncode(append(token, '.'), signature)), nil
}

// signature signs the input and returns the signature as JWS wants it (RFC 7518, sections 3.3 to 3.5; RFC 8037).
func (k *Key) signature(ctx context.Context, input []byte) ([]byte, error) {
	digest := input
	switch k.opts.HashFunc() {
	case crypto.SHA256:
		sum := sha256.Sum256(input)
		digest = sum[:]
	case crypto.SHA384:
		sum := sha512.Sum384(input)
		digest = sum[:]
	}
	signature, err := k.sign(ctx, rand.Reader, digest, k.opts)
	if err != nil {
		return nil, fmt.Errorf("keystore: sign with %s: %w", k.alg, err)
	}
	if _, ok := k.public.Key.(*ecdsa.PublicKey); ok {
		return fixedLength(signature, k.size)
	}
	if len(signature) != k.size {
		return nil, fmt.Errorf("keystore: the signer gave %d bytes for %s, not %d", len(signature), k.alg, k.size)
	}
	return signature, nil
}

// fixedLength turns an ECDSA signature from ASN.1, which every crypto.Signer gives, into r and s of equal length, which
// JWS wants.
func fixedLength(der []byte, size int) ([]byte, error) {
	var r, s []byte
	var inner cryptobyte.String
	input := cryptobyte.String(der)
	if !input.ReadASN1(&inner, asn1.SEQUENCE) || !input.Empty() ||
		!inner.ReadASN1Integer(&r) || !inner.ReadASN1Integer(&s) || !inner.Empty() ||
		!fits(r, size/2) || !fits(s, size/2) {
		return nil, errors.New("keystore: the signer gave no ASN.1 ECDSA signature")
	}
	out := make([]byte, size)
	copy(out[size/2-len(r):], r)
	copy(out[size-len(s):], s)
	return out, nil
}

// fits reports whether a big-endian number without leading zeros is positive and has at most size bytes.
func fits(n []byte, size int) bool { return len(n) <= size && n[0] != 0 }

// validType reports whether typ is a media type name as RFC 6838 restricts them, with or without "application/". Such
// a name needs no escaping in JSON.
func validType(typ string) bool {
	if typ == "" || len(typ) > 127 {
		return false
	}
	for i := range len(typ) {
		c := typ[i]
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("!#$&-^_.+/", c) >= 0) {
			return false
		}
	}
	return true
}

// Format prints the algorithm and the kid, whatever the verb. It has a value receiver so that a copy of a Key prints
// like the Key.
func (k Key) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "%s key %s", k.alg, k.public.KeyID)
}

// LogValue logs the algorithm and the kid.
func (k Key) LogValue() slog.Value {
	return slog.GroupValue(slog.String("alg", string(k.alg)), slog.String("kid", k.public.KeyID))
}
