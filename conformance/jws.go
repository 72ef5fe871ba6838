package conformance

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// jws is a JWT before it is signed: every part of it can be made wrong. That is why it does not come from go-jose,
// which refuses to write what must not be accepted.
type jws struct {
	header map[string]any
	claims map[string]any
	key    jose.JSONWebKey
	// mangle changes what was signed. Nil leaves it.
	mangle func(string) string
}

// edit makes a JWT wrong, or different.
type edit func(*jws)

// newJWS returns a JWT with the key's own algorithm and kid.
func newJWS(key jose.JSONWebKey, typ string, claims map[string]any) *jws {
	header := map[string]any{"alg": key.Algorithm}
	if key.KeyID != "" {
		header["kid"] = key.KeyID
	}
	if typ != "" {
		header["typ"] = typ
	}
	return &jws{header: header, claims: claims, key: key}
}

// compact signs with the key's algorithm; the header says what it says. "none" has no signature.
func (j *jws) compact() (string, error) {
	header, err := json.Marshal(j.header)
	if err != nil {
		return "", err
	}
	claims, err := json.Marshal(j.claims)
	if err != nil {
		return "", err
	}
	input := base64url(header) + "." + base64url(claims)
	signature := []byte(nil)
	if j.header["alg"] != "none" {
		if signature, err = signRaw(j.key, []byte(input)); err != nil {
			return "", err
		}
	}
	text := input + "." + base64url(signature)
	if j.mangle != nil {
		text = j.mangle(text)
	}
	return text, nil
}

// signRaw returns the signature in the form of RFC 7518 and RFC 8037.
func signRaw(key jose.JSONWebKey, input []byte) ([]byte, error) {
	digest := sha256.Sum256(input)
	switch k := key.Key.(type) {
	case *ecdsa.PrivateKey:
		r, s, err := ecdsa.Sign(rand.Reader, k, digest[:])
		if err != nil {
			return nil, err
		}
		size := (k.Curve.Params().BitSize + 7) / 8
		return append(fill(r, size), fill(s, size)...), nil
	case *rsa.PrivateKey:
		if key.Algorithm == string(jose.RS256) {
			return rsa.SignPKCS1v15(rand.Reader, k, crypto.SHA256, digest[:])
		}
		return rsa.SignPSS(rand.Reader, k, crypto.SHA256, digest[:], &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
	case ed25519.PrivateKey:
		return ed25519.Sign(k, input), nil
	}
	return nil, fmt.Errorf("no algorithm for a key of type %T", key.Key)
}

func fill(n *big.Int, size int) []byte { return n.FillBytes(make([]byte, size)) }

// defaultAlgorithm is the FAPI 2.0 algorithm of a private key, or "".
func defaultAlgorithm(key any) string {
	switch k := key.(type) {
	case *ecdsa.PrivateKey:
		if k.Curve.Params().BitSize == 256 {
			return string(jose.ES256)
		}
	case *rsa.PrivateKey:
		return string(jose.PS256)
	case ed25519.PrivateKey:
		return string(jose.EdDSA)
	}
	return ""
}

// sign returns the compact form after the edits. The check ends if it cannot be made.
func (t *trial) sign(j *jws, edits ...edit) string {
	for _, e := range edits {
		if e != nil {
			e(j)
		}
	}
	text, err := j.compact()
	if err != nil {
		t.fatal("sign a JWT: %v", err)
	}
	return text
}

func base64url(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// breakSignature flips a bit in the middle of the signature, where no encoding ignores it.
func breakSignature(text string) string {
	b := []byte(text)
	i := len(b) - 20
	if b[i] == 'A' {
		b[i] = 'B'
	} else {
		b[i] = 'A'
	}
	return string(b)
}

// Some edits that several checks share.

func setClaim(name string, value any) edit { return func(j *jws) { j.claims[name] = value } }
func dropClaim(name string) edit           { return func(j *jws) { delete(j.claims, name) } }
func setHeader(name string, value any) edit {
	return func(j *jws) { j.header[name] = value }
}
func dropHeader(name string) edit { return func(j *jws) { delete(j.header, name) } }
func brokenSignature(j *jws)      { j.mangle = breakSignature }
func unsigned(j *jws)             { j.header["alg"] = "none"; delete(j.header, "kid") }

// withRS256 signs with the same RSA key by the algorithm that FAPI 2.0 rules out.
func withRS256(j *jws) {
	j.key.Algorithm = string(jose.RS256)
	j.header["alg"] = j.key.Algorithm
}

// shifted moves the times of a JWT.
func shifted(d time.Duration, names ...string) edit {
	return func(j *jws) {
		for _, name := range names {
			if at, ok := j.claims[name].(int64); ok {
				j.claims[name] = at + int64(d/time.Second)
			}
		}
	}
}
