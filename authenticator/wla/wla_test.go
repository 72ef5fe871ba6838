package wla_test

import (
	"crypto/elliptic"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math/big"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/wla"
	"github.com/gosignet/signet/store"
	"github.com/gosignet/signet/store/memory"
)

func refused(t testing.TB, err error, reason authenticator.Reason) string {
	t.Helper()
	var failure *authenticator.Error
	require.ErrorAs(t, err, &failure)
	assert.Equal(t, reason, failure.Reason, "%v", err)
	return failure.Error()
}

func TestAPersonLogsInWithTheirWallet(t *testing.T) {
	t.Parallel()
	for _, alg := range []jose.SignatureAlgorithm{jose.RS256, jose.PS256, jose.ES256, jose.EdDSA} {
		t.Run(string(alg), func(t *testing.T) {
			t.Parallel()
			w := newWorldWith(t, newWallet(t, alg))
			identity, err := w.answer(w.wallet.token(t))
			require.NoError(t, err)
			assert.Equal(t, &authenticator.Identity{Subject: grace.Subject, State: []byte("today")}, identity)
		})
	}
}

func TestWhatMayBeAbsentOrDifferent(t *testing.T) {
	t.Parallel()
	tests := map[string]func(h map[jose.HeaderKey]any, c map[string]any){
		"no kid":                       func(h map[jose.HeaderKey]any, _ map[string]any) { delete(h, "kid") },
		"no typ":                       func(h map[jose.HeaderKey]any, _ map[string]any) { delete(h, "typ") },
		"aud in a list":                func(_ map[jose.HeaderKey]any, c map[string]any) { c["aud"] = []string{"esignet-binding"} },
		"clock of the wallet is fast":  func(_ map[jose.HeaderKey]any, c map[string]any) { c["iat"] = now.Add(time.Minute).Unix() },
		"expired within the tolerance": func(_ map[jose.HeaderKey]any, c map[string]any) { c["exp"] = now.Add(-59 * time.Second).Unix() },
		"made a while ago":             func(_ map[jose.HeaderKey]any, c map[string]any) { c["iat"] = now.Add(-5 * time.Minute).Unix() },
		"with a jti":                   func(_ map[jose.HeaderKey]any, c map[string]any) { c["jti"] = "1" },
		"another certificate in the header": func(h map[jose.HeaderKey]any, _ map[string]any) {
			h["x5c"] = []string{base64.StdEncoding.EncodeToString(newWallet(t, jose.ES256).certificate.Raw)}
		},
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			h, c := w.wallet.header(), claims()
			change(h, c)
			_, err := w.answer(w.wallet.sign(t, h, c))
			require.NoError(t, err)
		})
	}
}

func TestWrongJWTsAreRefused(t *testing.T) {
	t.Parallel()
	set := func(name string, value any) func(*wallet, map[jose.HeaderKey]any, map[string]any) {
		return func(_ *wallet, _ map[jose.HeaderKey]any, c map[string]any) {
			if c[name] = value; value == nil {
				delete(c, name)
			}
		}
	}
	head := func(name jose.HeaderKey, value any) func(*wallet, map[jose.HeaderKey]any, map[string]any) {
		return func(_ *wallet, h map[jose.HeaderKey]any, _ map[string]any) {
			if h[name] = value; value == nil {
				delete(h, name)
			}
		}
	}
	tests := []struct {
		name   string
		change func(w *wallet, h map[jose.HeaderKey]any, c map[string]any)
		log    string
	}{
		{"no thumbprint", head("x5t#S256", nil), "x5t#S256"},
		{"thumbprint of another type", head("x5t#S256", 1), "x5t#S256"},
		{"thumbprint of SHA-1 length", head("x5t#S256", "AAAAAAAAAAAAAAAAAAAAAAAAAAA"), "x5t#S256"},
		{"thumbprint of another certificate", head("x5t#S256", newWallet(t, jose.ES256).thumbprint()), "no wallet"},
		{"kid of another certificate", head("kid", "1767225600001"), "kid is another"},
		{"kid in hexadecimal", head("kid", big.NewInt(1767225600000).Text(16)), "kid is another"},
		{"of another type", head("typ", "dpop+jwt"), "typ"},
		{"signed with another key", func(w *wallet, _ map[jose.HeaderKey]any, _ map[string]any) { w.key = newWallet(t, jose.ES256).key }, "signature"},
		{"signed with a key of another kind", func(w *wallet, _ map[jose.HeaderKey]any, _ map[string]any) {
			w.alg, w.key = jose.RS256, newWallet(t, jose.RS256).key
		}, "alg"},
		{"no issuer", set("iss", nil), "iss"},
		{"nobody", set("sub", nil), "sub"},
		{"somebody else", set("sub", "5860356276"), "no wallet"},
		{"no individual ID", set("sub", "27401\n98356"), "sub"},
		{"for nobody", set("aud", nil), "aud"},
		{"for somebody else", set("aud", "portal"), "aud"},
		{"for others too", set("aud", []string{"esignet-binding", "portal"}), "aud"},
		{"without end", set("exp", nil), "exp"},
		{"expired", set("exp", now.Add(-time.Minute).Unix()), "time of validity"},
		{"without beginning", set("iat", nil), "iat"},
		{"from the future", set("iat", now.Add(2*time.Minute).Unix()), "time of validity"},
		{"not valid yet", set("nbf", now.Add(2*time.Minute).Unix()), "time of validity"},
		{"made too long ago", set("iat", now.Add(-6*time.Minute).Unix()), "too long ago"},
		{"date of another type", set("iat", "now"), "malformed"},
		{"long jti", set("jti", strings.Repeat("x", 257)), "jti"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			thief := *w.wallet
			h, c := w.wallet.header(), claims()
			tt.change(&thief, h, c)
			identity, err := w.answer(thief.sign(t, h, c))
			assert.Nil(t, identity)
			text := refused(t, err, authenticator.WrongCredentials)
			assert.Contains(t, text, tt.log)
			for _, personal := range []string{individualID, "5860356276", "1767225600000", grace.Subject} {
				assert.NotContains(t, text, personal)
			}
		})
	}
}

func TestAlgorithmsAreAllowListed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *wla.Config) { c.Algorithms = []jose.SignatureAlgorithm{jose.RS256} })
	_, err := w.answer(w.wallet.token(t))
	assert.Contains(t, refused(t, err, authenticator.WrongCredentials), "not one of")

	w = newWorld(t)
	header, err := json.Marshal(map[string]any{"alg": "none", "x5t#S256": w.wallet.thumbprint()})
	require.NoError(t, err)
	_, rest, _ := strings.Cut(w.wallet.token(t), ".")
	payload, _, _ := strings.Cut(rest, ".")
	_, err = w.answer(base64.RawURLEncoding.EncodeToString(header) + "." + payload + ".")
	refused(t, err, authenticator.WrongCredentials)

	_, err = wla.New(wla.Config{Algorithms: []jose.SignatureAlgorithm{"none", "HS256"}})
	assert.ErrorContains(t, err, `"none"`)
	assert.ErrorContains(t, err, `"HS256"`)
}

func TestTheRequestAndTheJWTNameOnePerson(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	as := func(id string) error {
		_, err := w.Authenticate(t.Context(), &authenticator.Request{
			Identifier: authenticator.Identifier{Value: id},
			Challenges: []authenticator.Challenge{{Factor: authenticator.Wallet, Response: w.wallet.token(t)}},
		})
		return err
	}
	assert.Contains(t, refused(t, as("5860356276"), authenticator.WrongCredentials), "another individual ID")
	require.NoError(t, as(individualID))
}

func TestABindingEndsWithItsCertificate(t *testing.T) {
	t.Parallel()
	for name, at := range map[string]time.Time{"before": now.AddDate(0, 0, -2), "after": now.AddDate(0, 0, 10)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(c *wla.Config) { c.Now = func() time.Time { return at } })
			c := claims()
			c["iat"], c["exp"] = at.Unix(), at.Add(time.Minute).Unix()
			_, err := w.answer(w.wallet.sign(t, w.wallet.header(), c))
			assert.Contains(t, refused(t, err, authenticator.WrongCredentials), "not valid now")
		})
	}
}

func TestEachWalletOfAPersonWorks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	second := newWallet(t, jose.RS256)
	w.register.bindings[individualID] = append(w.register.bindings[individualID],
		wla.Binding{Identity: grace}, wla.Binding{Identity: grace, Certificate: second.certificate})
	for _, wallet := range []*wallet{second, w.wallet} {
		_, err := w.answer(wallet.token(t))
		require.NoError(t, err)
	}
}

func TestAJWTCountsOnce(t *testing.T) {
	t.Parallel()
	t.Run("as it is", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		token := w.wallet.token(t)
		other, err := wla.New(w.config) // another instance
		require.NoError(t, err)
		_, err = w.answer(token)
		require.NoError(t, err)
		w.Method = other
		_, err = w.answer(token)
		assert.Contains(t, refused(t, err, authenticator.WrongCredentials), "used before")
	})
	t.Run("with the other signature of ECDSA", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		token := w.wallet.token(t)
		_, err := w.answer(token)
		require.NoError(t, err)

		dot := strings.LastIndexByte(token, '.')
		signature, err := base64.RawURLEncoding.DecodeString(token[dot+1:])
		require.NoError(t, err)
		s := new(big.Int).SetBytes(signature[32:])
		s.Sub(elliptic.P256().Params().N, s).FillBytes(signature[32:])
		_, err = w.answer(token[:dot+1] + base64.RawURLEncoding.EncodeToString(signature))
		assert.Contains(t, refused(t, err, authenticator.WrongCredentials), "used before")
	})
	t.Run("by its jti", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		c := claims()
		c["jti"] = "1"
		_, err := w.answer(w.wallet.sign(t, w.wallet.header(), c))
		require.NoError(t, err)
		c["iss"] = "changed"
		_, err = w.answer(w.wallet.sign(t, w.wallet.header(), c))
		refused(t, err, authenticator.WrongCredentials)
		c["jti"] = "2"
		_, err = w.answer(w.wallet.sign(t, w.wallet.header(), c))
		require.NoError(t, err)
	})
	t.Run("of many at once", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		token := w.wallet.token(t)
		var accepted atomic.Int32
		var group sync.WaitGroup
		for range 16 {
			group.Go(func() {
				if _, err := w.answer(token); err == nil {
					accepted.Add(1)
				}
			})
		}
		group.Wait()
		assert.EqualValues(t, 1, accepted.Load())
	})
}

func TestAJWTIsRememberedForAsLongAsItIsAccepted(t *testing.T) {
	t.Parallel()
	at := now
	clock := func() time.Time { return at }
	used, err := memory.New(memory.Config{Now: clock})
	require.NoError(t, err)
	w := newWorld(t, func(c *wla.Config) { c.Store, c.Now = used, clock })
	token := w.wallet.token(t)
	_, err = w.answer(token)
	require.NoError(t, err)
	at = now.Add(6*time.Minute - 1)
	_, err = w.answer(token)
	assert.Contains(t, refused(t, err, authenticator.WrongCredentials), "used before")
	at = now.Add(6 * time.Minute)
	_, err = w.answer(token)
	assert.Contains(t, refused(t, err, authenticator.WrongCredentials), "too long ago")
}

func TestARefusedJWTIsNotUsedUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.wallet.token(t)
	_, err := w.answer(token[:len(token)-4] + "AAAA")
	refused(t, err, authenticator.WrongCredentials)
	_, err = w.answer(token)
	require.NoError(t, err)
}

func TestFailuresBehindItAreToldApart(t *testing.T) {
	t.Parallel()
	outage := errors.New("connection refused")
	t.Run("bindings", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.register.err = outage
		_, err := w.answer(w.wallet.token(t))
		require.ErrorIs(t, err, outage)
	})
	t.Run("store", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, func(c *wla.Config) { c.Store = brokenStore{c.Store, store.ErrForgotten} })
		_, err := w.answer(w.wallet.token(t))
		refused(t, err, authenticator.Unavailable)
	})
	t.Run("identity system", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.register.recallErr = &authenticator.Error{Reason: authenticator.Locked}
		_, err := w.answer(w.wallet.token(t))
		refused(t, err, authenticator.Locked)
	})
	t.Run("identity system that recalls somebody else", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.register.recall = &authenticator.Identity{Subject: "amelie-2"}
		_, err := w.answer(w.wallet.token(t))
		refused(t, err, authenticator.Unavailable)
	})
}

func TestOtherFactorsAreNotSupported(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	assert.Equal(t, []authenticator.Factor{authenticator.Wallet}, w.Factors())
	for _, challenges := range [][]authenticator.Challenge{
		nil, {{Factor: authenticator.OTP}}, {{Factor: authenticator.Wallet}, {Factor: authenticator.Wallet}},
	} {
		_, err := w.Authenticate(t.Context(), &authenticator.Request{Challenges: challenges})
		refused(t, err, authenticator.Unsupported)
	}
}

func TestNewReportsEveryMistake(t *testing.T) {
	t.Parallel()
	_, err := wla.New(wla.Config{MaxAge: 2 * time.Hour})
	for _, want := range []string{"Bindings", "Identities", "Store", "MaxAge"} {
		assert.ErrorContains(t, err, want)
	}
}

func FuzzAuthenticate(f *testing.F) {
	w := newWorld(f)
	good := w.wallet.token(f)
	for _, s := range []string{good, "", "..", good[:len(good)/2], strings.ToUpper(good), good + "." + good} {
		f.Add(s)
	}
	_, err := w.answer(good) // used up
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, token string) {
		identity, err := w.Authenticate(t.Context(), &authenticator.Request{
			Challenges: []authenticator.Challenge{{Factor: authenticator.Wallet, Response: token}},
		})
		var failure *authenticator.Error
		if identity != nil || !errors.As(err, &failure) || failure.Reason != authenticator.WrongCredentials {
			t.Fatalf("%q: %v", token, err)
		}
	})
}
