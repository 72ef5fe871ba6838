package oidc_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"log/slog"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/consent"
	"github.com/gosignet/signet/oidc"
)

var _ oidc.PublishedKeys = new(consent.Registry).Keys

func ecKey(tb testing.TB) *ecdsa.PrivateKey {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(tb, err)
	return key
}

// keysOf publishes public keys with the names.
func keysOf(tb testing.TB, names ...string) oidc.PublishedKeys {
	tb.Helper()
	var keys []jose.JSONWebKey
	for _, name := range names {
		keys = append(keys, jose.JSONWebKey{Key: ecKey(tb).Public(), KeyID: name, Use: "sig", Algorithm: "ES256"})
	}
	return func(context.Context) ([]jose.JSONWebKey, error) { return keys, nil }
}

// served returns the names of the keys in the key set, behind those of the provider, of which none may be missing.
func served(tb testing.TB, f *fixture) (names []string) {
	tb.Helper()
	w := serve(f.JWKSHandler(), "GET")
	require.Equal(tb, http.StatusOK, w.Code)
	var set jose.JSONWebKeySet
	require.NoError(tb, json.Unmarshal(w.Body.Bytes(), &set))
	own, err := testKeys().Keys(tb.Context())
	require.NoError(tb, err)
	for i, key := range set.Keys {
		require.Len(tb, set.Key(key.KeyID), 1)
		if i < len(own) {
			require.Equal(tb, own[i].KeyID, key.KeyID)
			continue
		}
		names = append(names, key.KeyID)
	}
	require.GreaterOrEqual(tb, len(set.Keys), len(own))
	return names
}

func published(publishers ...oidc.PublishedKeys) func(*oidc.Config) {
	return func(c *oidc.Config) { c.PublishedKeys = publishers }
}

func TestPublishedKeysOfSeveralPublishersAreServedWithTheProvidersOwn(t *testing.T) {
	t.Parallel()
	f := newFixture(t, published(keysOf(t, "register-1", "register-2"), keysOf(t, "receipts-2024", "register-1")))
	assert.Equal(t, []string{"register-1", "register-2", "receipts-2024"}, served(t, f), "of two with one kid the first is served")
}

func TestKeysOfTheProviderWin(t *testing.T) {
	t.Parallel()
	own, err := testKeys().Keys(t.Context())
	require.NoError(t, err)
	for name, tc := range map[string]struct {
		keys   oidc.PublishedKeys
		logged bool
	}{
		"over others with their kid": {keysOf(t, own[0].KeyID, "other"), true},
		"in silence over themselves": {func(context.Context) ([]jose.JSONWebKey, error) {
			others, err := keysOf(t, "other")(t.Context())
			return append(others, own...), err
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			f := newFixture(t, published(tc.keys), func(c *oidc.Config) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
			x := f.extended(t, "health", "openid")
			assert.Equal(t, []string{"other"}, served(t, f))
			assert.Equal(t, tc.logged, bytes.Contains(log.Bytes(), []byte("another key has its kid")))
			open(t, x.Response["id_token"])
		})
	}
}

func TestKeysThatMustNotBePublishedAreNot(t *testing.T) {
	t.Parallel()
	private := ecKey(t)
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	require.NoError(t, err)
	p224, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	require.NoError(t, err)
	for name, key := range map[string]jose.JSONWebKey{
		"private":              {Key: private, KeyID: "bad", Use: "sig"},
		"symmetric":            {Key: []byte("secret-secret-secret-secret-secr"), KeyID: "bad", Use: "sig"},
		"without a kid":        {Key: private.Public(), Use: "sig"},
		"for encryption":       {Key: private.Public(), KeyID: "bad", Use: "enc"},
		"short":                {Key: weak.Public(), KeyID: "bad", Use: "sig"},
		"on a curve of nobody": {Key: p224.Public(), KeyID: "bad", Use: "sig"},
		"of another algorithm": {Key: private.Public(), KeyID: "bad", Use: "sig", Algorithm: "RS256"},
		"something else":       {Key: "secret", KeyID: "bad", Use: "sig"},
		"nothing":              {KeyID: "bad", Use: "sig"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			good, err := keysOf(t, "good")(t.Context())
			require.NoError(t, err)
			var log bytes.Buffer
			f := newFixture(t, published(func(context.Context) ([]jose.JSONWebKey, error) {
				return append([]jose.JSONWebKey{key}, good...), nil
			}), func(c *oidc.Config) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
			assert.Equal(t, []string{"good"}, served(t, f))
			assert.Contains(t, log.String(), "a key was not published")
			assert.NotContains(t, log.String(), "secret")
		})
	}
}

// shaky is a publisher that answers as its fields say.
type shaky struct {
	keys  []jose.JSONWebKey
	err   error
	hangs chan struct{}
	calls atomic.Int32
}

func (s *shaky) Keys(context.Context) ([]jose.JSONWebKey, error) {
	s.calls.Add(1)
	if s.hangs != nil {
		<-s.hangs
	}
	return s.keys, s.err
}

func newShaky(t *testing.T, names ...string) *shaky {
	keys, err := keysOf(t, names...)(t.Context())
	require.NoError(t, err)
	return &shaky{keys: keys}
}

// inBubble runs a test with the time of synctest as the clock of the provider.
func inBubble(t *testing.T, test func(t *testing.T, f func(...oidc.PublishedKeys) *fixture)) {
	testKeys() // outside
	synctest.Test(t, func(t *testing.T) {
		test(t, func(publishers ...oidc.PublishedKeys) *fixture {
			return newFixture(t, published(publishers...), func(c *oidc.Config) { c.Now = nil })
		})
	})
}

func TestPublishedKeysAreAskedForOnceInAWhile(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, newFixture func(...oidc.PublishedKeys) *fixture) {
		register := newShaky(t, "first")
		f := newFixture(register.Keys)
		for range 3 {
			assert.Equal(t, []string{"first"}, served(t, f))
		}
		assert.EqualValues(t, 1, register.calls.Load())
		register.keys = newShaky(t, "second").keys
		<-time.After(5 * time.Minute)
		assert.Equal(t, []string{"second"}, served(t, f))
		assert.EqualValues(t, 2, register.calls.Load())
	})
}

func TestPublisherThatFailsTakesNoKeysDown(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, newFixture func(...oidc.PublishedKeys) *fixture) {
		register, receipts := newShaky(t, "register"), newShaky(t, "receipt")
		receipts.err = errBackend
		f := newFixture(receipts.Keys, register.Keys)
		assert.Equal(t, []string{"register"}, served(t, f))
		receipts.err, register.err = nil, errBackend
		assert.Equal(t, []string{"register"}, served(t, f), "it is not asked again at once")
		<-time.After(30 * time.Second)
		assert.Equal(t, []string{"receipt", "register"}, served(t, f))
		<-time.After(time.Hour)
		assert.Equal(t, []string{"receipt", "register"}, served(t, f), "what it said last is what is known")
		assert.EqualValues(t, 2, register.calls.Load())
	})
}

func TestPublisherThatHangsHoldsNobodyUpForLong(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, newFixture func(...oidc.PublishedKeys) *fixture) {
		register, hanging := newShaky(t, "register"), newShaky(t, "late")
		hanging.hangs = make(chan struct{})
		f := newFixture(hanging.Keys, register.Keys)
		start := time.Now()
		assert.Equal(t, []string{"register"}, served(t, f))
		assert.Equal(t, 5*time.Second, time.Since(start))
		for range 3 {
			assert.Equal(t, []string{"register"}, served(t, f))
		}
		assert.Equal(t, 5*time.Second, time.Since(start), "nobody waits for it any more")
		assert.EqualValues(t, 1, hanging.calls.Load(), "it is asked by one at a time")
		close(hanging.hangs)
		synctest.Wait()
		assert.Equal(t, []string{"late", "register"}, served(t, f))
	})
}

func TestManyWaitForOneAnswerOfAPublisher(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, newFixture func(...oidc.PublishedKeys) *fixture) {
		register := newShaky(t, "register")
		register.hangs = make(chan struct{})
		f := newFixture(register.Keys)
		answers := make(chan []string)
		for range 8 {
			go func() { answers <- served(t, f) }()
		}
		synctest.Wait()
		close(register.hangs)
		for range 8 {
			assert.Equal(t, []string{"register"}, <-answers)
		}
		assert.EqualValues(t, 1, register.calls.Load())
	})
}

// keyPublisher is an identity system that signs.
type keyPublisher struct {
	set string
	err error
}

func (k keyPublisher) PublicKeys(context.Context) (json.RawMessage, error) {
	return json.RawMessage(k.set), k.err
}

func TestKeysOfAnIdentitySystem(t *testing.T) {
	t.Parallel()
	key := jose.JSONWebKey{Key: ecKey(t).Public(), KeyID: "register", Use: "sig"}
	set, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{key}})
	require.NoError(t, err)
	keys, err := oidc.KeysOf(keyPublisher{set: string(set)})(t.Context())
	require.NoError(t, err)
	require.Len(t, keys, 1)
	assert.Equal(t, "register", keys[0].KeyID)

	leak, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: ecKey(t), KeyID: "leak"}}})
	require.NoError(t, err)
	for name, publisher := range map[string]keyPublisher{
		"that does not answer":     {err: errBackend},
		"that says nothing":        {},
		"that says something else": {set: `{"keys":{}}`},
		"that has a private key":   {set: string(leak)},
		"that has a shared secret": {set: `{"keys":[{"kty":"oct","kid":"s","k":"c2VjcmV0"}]}`},
	} {
		keys, err := oidc.KeysOf(publisher)(t.Context())
		require.Error(t, err, name)
		assert.Empty(t, keys, name)
		assert.Empty(t, served(t, newFixture(t, published(oidc.KeysOf(publisher)))), name)
	}
}
