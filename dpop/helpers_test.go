package dpop_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/dpop"
	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/store"
	"github.com/gosignet/signet/store/memory"
)

const (
	accessToken = "2YotnFZFEjr1zCsicMWpAA.e30.c2ln"
	tokenURL    = "https://id.example/oauth/token"
)

var start = time.Unix(1_893_456_000, 0)

// clock is a time that tests turn.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: start} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func newStore(c *clock) store.Ephemeral { return must(memory.New(memory.Config{Now: c.Now})) }

func newVerifier(t testing.TB, c *clock, change func(*dpop.Config)) *dpop.Verifier {
	t.Helper()
	config := dpop.Config{Store: newStore(c), Now: c.Now}
	if change != nil {
		change(&config)
	}
	v, err := dpop.New(config)
	require.NoError(t, err)
	return v
}

func newNonces(t testing.TB, c *clock, secrets ...string) *dpop.Nonces {
	t.Helper()
	config := dpop.NoncesConfig{Now: c.Now}
	for _, secret := range secrets {
		config.Secrets = append(config.Secrets, []byte(secret))
	}
	n, err := dpop.NewNonces(config)
	require.NoError(t, err)
	return n
}

const (
	secretA = "a secret of at least 32 bytes: A"
	secretB = "a secret of at least 32 bytes: B"
)

func newECKey() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) }

var (
	ecKey  = sync.OnceValue(newECKey)
	rsaKey = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 2048)) })
	edKey  = sync.OnceValue(func() ed25519.PrivateKey { return ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)) })
)

func signer(alg jose.SignatureAlgorithm) crypto.Signer {
	switch alg {
	case jose.ES256:
		return ecKey()
	case jose.EdDSA:
		return edKey()
	default:
		return rsaKey()
	}
}

func thumbprint(key crypto.Signer) string {
	return must(dpop.Thumbprint(jose.JSONWebKey{Key: key.Public()}))
}

func tokenHash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// draft is a proof before it is signed; tests spoil it. It is signed with the standard library alone, so that it may be
// as wrong as can be.
type draft struct {
	header, claims map[string]any
	key            *ecdsa.PrivateKey
	spoil          func(proof string) string
}

func newDraft(method, url string, now time.Time) *draft {
	return &draft{
		header: map[string]any{"typ": "dpop+jwt", "alg": "ES256", "jwk": jose.JSONWebKey{Key: ecKey().Public()}},
		claims: map[string]any{"jti": rand.Text(), "htm": method, "htu": url, "iat": now.Unix()},
		key:    ecKey(),
	}
}

func (d *draft) withToken(token string) *draft {
	d.claims["ath"] = tokenHash(token)
	return d
}

func (d *draft) sign() string {
	encode := func(v any) string { return base64.RawURLEncoding.EncodeToString(must(json.Marshal(v))) }
	input := encode(d.header) + "." + encode(d.claims)
	sum := sha256.Sum256([]byte(input))
	r, s, err := ecdsa.Sign(rand.Reader, d.key, sum[:])
	signature := make([]byte, 64)
	must(0, err)
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	proof := input + "." + base64.RawURLEncoding.EncodeToString(signature)
	if d.spoil != nil {
		proof = d.spoil(proof)
	}
	return proof
}

// foreignProof is made by go-jose alone.
func foreignProof(alg jose.SignatureAlgorithm, key any, claims map[string]any) string {
	options := (&jose.SignerOptions{EmbedJWK: true}).WithType("dpop+jwt")
	s := must(jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, options))
	return must(must(s.Sign(must(json.Marshal(claims)))).CompactSerialize())
}

func header(proofs ...string) http.Header { return http.Header{"Dpop": proofs} }

// refusedWith says that the error is for the client, with this code, and that its texts may be sent.
func refusedWith(t testing.TB, err error, code dpop.ErrorCode) *dpop.Error {
	t.Helper()
	var e *dpop.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, code, e.Code, e.Error())
	require.Regexp(t, `^[\x20\x21\x23-\x5b\x5d-\x7e]+$`, e.Description)
	return e
}

func newKey(t testing.TB, alg jose.SignatureAlgorithm) *keystore.Key {
	t.Helper()
	key, err := keystore.NewKey(alg, signer(alg))
	require.NoError(t, err)
	return key
}
