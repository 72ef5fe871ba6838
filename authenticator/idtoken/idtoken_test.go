package idtoken_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/idtoken"
	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/store"
	"github.com/gosignet/signet/store/memory"
)

const issuer = "https://id.example"

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// world is a Method, the provider's key, and a person whom the portal knows as "pairwise".
type world struct {
	testing.TB
	*idtoken.Method

	key    *keystore.Key
	config idtoken.Config

	identity *authenticator.Identity
	err      error
}

func (w *world) Bearer(_ context.Context, t *idtoken.Token) (*authenticator.Identity, error) {
	if w.err != nil {
		return nil, w.err
	}
	if t.ClientID != "signup" || t.Subject != "pairwise" {
		return nil, &authenticator.Error{Reason: authenticator.WrongCredentials}
	}
	return w.identity, nil
}

func newWorld(t testing.TB, change ...func(*idtoken.Config)) *world {
	t.Helper()
	w := &world{TB: t, identity: &authenticator.Identity{Subject: "grace-1"}}
	keys, err := keystore.Generate(jose.ES256)
	require.NoError(t, err)
	w.key, err = keys.Signer(t.Context(), keystore.TokenSigning, jose.ES256)
	require.NoError(t, err)
	used, err := memory.New(memory.Config{Now: func() time.Time { return now }})
	require.NoError(t, err)
	w.config = idtoken.Config{
		Issuer: issuer, Keys: keys, Audience: []string{"signup", "signup-2"}, Identities: w, Store: used,
		Now: func() time.Time { return now },
	}
	for _, f := range change {
		f(&w.config)
	}
	w.Method, err = idtoken.New(w.config)
	require.NoError(t, err)
	return w
}

// begin begins a handover and returns its nonce.
func (w *world) begin() string {
	w.Helper()
	d, err := w.Challenge(w.Context(), &authenticator.DeviceRequest{Factor: authenticator.IDToken})
	require.NoError(w, err)
	var options struct{ Nonce string }
	require.NoError(w, json.Unmarshal(d.Options, &options))
	require.Equal(w, string(d.State), options.Nonce)
	return options.Nonce
}

// claims are those of a good ID Token.
func claims(nonce string) map[string]any {
	return map[string]any{
		"iss": issuer, "sub": "pairwise", "aud": "signup", "iat": now.Unix(), "exp": now.Add(time.Minute).Unix(),
		"auth_time": now.Add(-time.Minute).Unix(), "nonce": nonce, "amr": []string{"otp"}, "at_hash": "x",
	}
}

func (w *world) sign(typ string, claims map[string]any) string {
	w.Helper()
	token, err := w.key.SignJSON(w.Context(), typ, claims)
	require.NoError(w, err)
	return token
}

func (w *world) answer(nonce, token string) (*authenticator.Identity, error) {
	return w.Authenticate(w.Context(), &authenticator.Request{
		Challenges: []authenticator.Challenge{{Factor: authenticator.IDToken, Response: token, State: []byte(nonce)}},
	})
}

func refused(t testing.TB, err error, reason authenticator.Reason) string {
	t.Helper()
	var failure *authenticator.Error
	require.ErrorAs(t, err, &failure)
	assert.Equal(t, reason, failure.Reason, "%v", err)
	return failure.Error()
}

func TestThePortalHandsAPersonOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	nonce := w.begin()
	identity, err := w.answer(nonce, w.sign("JWT", claims(nonce)))
	require.NoError(t, err)
	assert.Equal(t, w.identity, identity)
}

func TestEveryHandoverHasItsOwnNonce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first, second := w.begin(), w.begin()
	assert.Len(t, first, 43)
	assert.NotEqual(t, first, second)

	_, err := w.answer(second, w.sign("JWT", claims(first)))
	assert.Contains(t, refused(t, err, authenticator.WrongCredentials), "another login")
	_, err = w.answer("", w.sign("JWT", claims("")))
	assert.Contains(t, refused(t, err, authenticator.WrongCredentials), "no handover")
	c := claims(first)
	delete(c, "nonce")
	_, err = w.answer(first, w.sign("JWT", c))
	refused(t, err, authenticator.WrongCredentials)
}

func TestWrongTokensAreRefused(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		claim string
		value any
		log   string
	}{
		{"another issuer's", "iss", "https://other.example", "iss"},
		{"for another client", "aud", "portal", "aud"},
		{"for others too", "aud", []string{"signup", "portal"}, "aud"},
		{"for nobody", "aud", nil, "aud"},
		{"about nobody", "sub", nil, "sub"},
		{"without end", "exp", nil, "exp"},
		{"without beginning", "iat", nil, "iat"},
		{"expired", "exp", now.Add(-10 * time.Second).Unix(), "time of validity"},
		{"from the future", "iat", now.Add(time.Minute).Unix(), "time of validity"},
		{"no time of the login", "auth_time", nil, "auth_time"},
		{"time of the login is a text", "auth_time", "now", "auth_time"},
		{"login in the future", "auth_time", now.Add(time.Minute).Unix(), "auth_time"},
		{"login too long ago", "auth_time", now.Add(-10*time.Minute - 10*time.Second).Unix(), "too long ago"},
		{"login of ever", "auth_time", int64(1)<<62 + 1, "auth_time"},
		{"a handover itself", "amr", []string{"idt"}, "before"},
		{"factors of another type", "amr", "idt", "amr"},
		{"nonce of another type", "nonce", 1, "nonce"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			nonce := w.begin()
			c := claims(nonce)
			if c[tt.claim] = tt.value; tt.value == nil {
				delete(c, tt.claim)
			}
			identity, err := w.answer(nonce, w.sign("JWT", c))
			assert.Nil(t, identity)
			text := refused(t, err, authenticator.WrongCredentials)
			assert.Contains(t, text, tt.log)
			assert.NotContains(t, text, "pairwise")
		})
	}
}

func TestOnlyIDTokensCount(t *testing.T) {
	t.Parallel()
	for _, typ := range []string{"at+jwt", "logout+jwt", "dpop+jwt"} {
		w := newWorld(t)
		nonce := w.begin()
		_, err := w.answer(nonce, w.sign(typ, claims(nonce)))
		assert.Contains(t, refused(t, err, authenticator.WrongCredentials), "typ")
	}
}

func TestOnlyTheProvidersOwnKeysVerify(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	nonce := w.begin()
	own := w.key
	w.key = newWorld(t).key
	_, err := w.answer(nonce, w.sign("JWT", claims(nonce)))
	refused(t, err, authenticator.WrongCredentials)

	withItsKey, err := w.key.SignWithJWK(t.Context(), "JWT", []byte(`{"iss":"https://id.example"}`))
	require.NoError(t, err)
	_, err = w.answer(nonce, withItsKey)
	assert.Contains(t, refused(t, err, authenticator.WrongCredentials), "wrong signature")

	w.key = own
	token := w.sign("JWT", claims(nonce))
	_, err = w.answer(nonce, token[:len(token)-4]+"AAAA")
	refused(t, err, authenticator.WrongCredentials)
	_, err = w.answer(nonce, token)
	require.NoError(t, err, "one that was refused is not used up")
}

func TestAnIDTokenCountsOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	nonce := w.begin()
	token := w.sign("JWT", claims(nonce))
	var accepted atomic.Int32
	var group sync.WaitGroup
	for range 16 {
		group.Go(func() {
			if _, err := w.answer(nonce, token); err == nil {
				accepted.Add(1)
			}
		})
	}
	group.Wait()
	assert.EqualValues(t, 1, accepted.Load())
	_, err := w.answer(nonce, token)
	assert.Contains(t, refused(t, err, authenticator.WrongCredentials), "used before")
}

func TestAnIDTokenIsRememberedForAsLongAsItIsAccepted(t *testing.T) {
	t.Parallel()
	at := now
	clock := func() time.Time { return at }
	used, err := memory.New(memory.Config{Now: clock})
	require.NoError(t, err)
	w := newWorld(t, func(c *idtoken.Config) { c.Store, c.Now = used, clock })
	nonce := w.begin()
	c := claims(nonce)
	c["exp"], c["auth_time"] = now.Add(time.Hour).Unix(), now.Unix()
	token := w.sign("JWT", c)
	_, err = w.answer(nonce, token)
	require.NoError(t, err)
	at = now.Add(10*time.Minute + 10*time.Second - 1)
	_, err = w.answer(nonce, token)
	assert.Contains(t, refused(t, err, authenticator.WrongCredentials), "used before")
	at = now.Add(10*time.Minute + 10*time.Second)
	_, err = w.answer(nonce, token)
	assert.Contains(t, refused(t, err, authenticator.WrongCredentials), "too long ago")
}

func TestFailuresBehindItAreToldApart(t *testing.T) {
	t.Parallel()
	outage := errors.New("connection refused")
	t.Run("keys", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, func(c *idtoken.Config) { c.Keys = noKeys{outage} })
		nonce := w.begin()
		_, err := w.answer(nonce, w.sign("JWT", claims(nonce)))
		require.ErrorIs(t, err, outage)
	})
	t.Run("store", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, func(c *idtoken.Config) { c.Store = brokenStore{c.Store} })
		nonce := w.begin()
		_, err := w.answer(nonce, w.sign("JWT", claims(nonce)))
		refused(t, err, authenticator.Unavailable)
	})
	t.Run("a person who is not remembered", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		nonce := w.begin()
		c := claims(nonce)
		c["aud"] = "signup-2"
		_, err := w.answer(nonce, w.sign("JWT", c))
		refused(t, err, authenticator.WrongCredentials)
	})
	t.Run("a person who is locked", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.err = &authenticator.Error{Reason: authenticator.Locked}
		nonce := w.begin()
		_, err := w.answer(nonce, w.sign("JWT", claims(nonce)))
		refused(t, err, authenticator.Locked)
	})
	t.Run("nonsense", func(t *testing.T) {
		t.Parallel()
		for _, identity := range []*authenticator.Identity{nil, {}} {
			w := newWorld(t)
			w.identity = identity
			nonce := w.begin()
			_, err := w.answer(nonce, w.sign("JWT", claims(nonce)))
			refused(t, err, authenticator.Unavailable)
		}
	})
}

func TestOtherFactorsAreNotSupported(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	assert.Equal(t, []authenticator.Factor{authenticator.IDToken}, w.Factors())
	_, err := w.Challenge(t.Context(), &authenticator.DeviceRequest{Factor: authenticator.OTP})
	refused(t, err, authenticator.Unsupported)
	for _, challenges := range [][]authenticator.Challenge{
		nil, {{Factor: authenticator.OTP}}, {{Factor: authenticator.IDToken}, {Factor: authenticator.IDToken}},
	} {
		_, err := w.Authenticate(t.Context(), &authenticator.Request{Challenges: challenges})
		refused(t, err, authenticator.Unsupported)
	}
}

func TestNewReportsEveryMistake(t *testing.T) {
	t.Parallel()
	_, err := idtoken.New(idtoken.Config{MaxAge: -1, Algorithms: []jose.SignatureAlgorithm{"none"}})
	for _, want := range []string{"Issuer", "Keys", "Audience", "Identities", "Store", "MaxAge", `"none"`} {
		assert.ErrorContains(t, err, want)
	}
}

func FuzzAuthenticate(f *testing.F) {
	w := newWorld(f)
	nonce := w.begin()
	good := w.sign("JWT", claims(nonce))
	for _, s := range []string{good, "", "..", good[:len(good)/2], strings.ToUpper(good), good + "." + good} {
		f.Add(s)
	}
	_, err := w.answer(nonce, good) // used up
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, token string) {
		identity, err := w.Authenticate(t.Context(), &authenticator.Request{
			Challenges: []authenticator.Challenge{{Factor: authenticator.IDToken, Response: token, State: []byte(nonce)}},
		})
		var failure *authenticator.Error
		if identity != nil || !errors.As(err, &failure) || failure.Reason != authenticator.WrongCredentials {
			t.Fatalf("%q: %v", token, err)
		}
	})
}

// Nothing signs claims that strangers made up; they are fuzzed as if something did.
func FuzzClaims(f *testing.F) {
	w := newWorld(f)
	nonce := w.begin()
	good, err := json.Marshal(claims(nonce))
	require.NoError(f, err)
	f.Add(good)
	f.Add([]byte(`{"auth_time":9223372036854775807}`))
	f.Add([]byte(`{"auth_time":1e400,"amr":[null]}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		token, err := w.key.Sign(t.Context(), "JWT", payload)
		if err != nil {
			return
		}
		if identity, err := w.Authenticate(t.Context(), &authenticator.Request{
			Challenges: []authenticator.Challenge{{Factor: authenticator.IDToken, Response: token, State: []byte("another nonce")}},
		}); identity != nil || err == nil {
			t.Fatalf("accepted %q", payload)
		}
	})
}

type noKeys struct{ err error }

func (n noKeys) Keys(context.Context) ([]jose.JSONWebKey, error) { return nil, n.err }

type brokenStore struct{ store.Ephemeral }

func (brokenStore) Add(context.Context, string, []byte, time.Duration) error {
	return errors.New("connection refused")
}
