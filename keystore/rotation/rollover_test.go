package rotation_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/keystore/rotation"
	"github.com/gosignet/signet/store"
)

// maxAge is for how long the relying parties of these tests cache the keys.
const maxAge = time.Hour

func TestARelyingPartyThatCachesTheKeysNeverMeetsAnUnknownOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tokens, failures := rollover(t, rotation.Config{
			JWKSMaxAge: maxAge,
			// The shortest that New allows.
			Policy: rotation.Policy{Lifetime: 2 * 24 * time.Hour, PublishAhead: maxAge + 2*rotation.ClockSkew + time.Minute},
		})
		require.Greater(t, tokens, 2000)
		require.Zero(t, failures)
	})
}

// TestKeysThatArePublishedTooLateAreMissed shows that the test above can fail.
func TestKeysThatArePublishedTooLateAreMissed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]rotation.Config{
		"published for less than they are cached": {
			JWKSMaxAge: 5 * time.Minute, // so we say, but relying parties are told otherwise
			Policy:     rotation.Policy{Lifetime: 2 * 24 * time.Hour, PublishAhead: maxAge - 35*time.Minute},
		},
		"removed while signatures are valid": {
			JWKSMaxAge: maxAge,
			Policy:     rotation.Policy{Lifetime: 2 * 24 * time.Hour, PublishAhead: 2 * time.Hour, KeepFor: 20 * time.Hour},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				_, failures := rollover(t, c)
				require.NotZero(t, failures)
			})
		})
	}
}

// rollover lets three instances, whose clocks differ, sign through three rotations. Six relying parties verify every token
// when they get it, and a day later, when it is about to expire.
func rollover(t *testing.T, c rotation.Config) (tokens, failures int) {
	ctx, stop := context.WithCancel(t.Context())
	shared := newWorld()
	c.Vault, c.Ledger = shared.vault, &ledger{now: time.Now, records: map[string]store.Record{}}
	c.Keys, c.Refresh = []rotation.Spec{es256}, time.Minute
	var instances []*rotation.Keystore
	done := make(chan error)
	for _, skew := range []time.Duration{0, -rotation.ClockSkew, rotation.ClockSkew} {
		c.Now = func() time.Time { return time.Now().Add(skew) }
		k, err := rotation.New(c)
		require.NoError(t, err)
		require.NoError(t, k.Start(ctx))
		go func() { done <- k.Run(ctx) }()
		instances = append(instances, k)
	}
	var parties []*party
	for i := range 6 {
		parties = append(parties, &party{keys: instances[i%3], fetched: time.Now().Add(-maxAge * time.Duration(i) / 6)})
	}
	signers := map[string]bool{}
	verify := func(s signed) {
		for _, p := range parties {
			if !p.knows(t, s.kid) {
				failures++
			}
		}
		if p := parties[len(signers)%len(parties)]; p.knows(t, s.kid) {
			require.True(t, p.verifies(t, s.token))
		}
	}
	var old []signed
	for begin := time.Now(); time.Since(begin) < 3*c.Policy.Lifetime+30*time.Hour; {
		for _, k := range instances {
			key, err := k.Signer(ctx, keystore.TokenSigning, jose.ES256)
			require.NoError(t, err)
			token, err := key.Sign(ctx, "JWT", []byte(`{}`))
			require.NoError(t, err)
			s := signed{key.ID(), token, time.Now()}
			verify(s)
			signers[key.ID()] = true
			old = append(old, s)
			tokens++
		}
		for len(old) > 0 && time.Since(old[0].at) >= 24*time.Hour {
			verify(old[0])
			old = old[1:]
		}
		step := 13 * time.Minute
		for _, info := range list(t, instances[0]) {
			if d := time.Until(info.Activates).Abs(); d < time.Hour/6 {
				step = time.Minute // when a key takes over
			}
		}
		time.Sleep(step)
	}
	stop()
	for range instances {
		require.NoError(t, <-done)
	}
	require.Len(t, signers, 4, "three rotations")
	return tokens, failures
}

type signed struct {
	kid, token string
	at         time.Time
}

// party is a relying party that looks for keys when its copy has expired, and then only.
type party struct {
	keys    *rotation.Keystore
	cached  jose.JSONWebKeySet
	fetched time.Time
}

// knows reports whether the party has the key by now.
func (p *party) knows(t *testing.T, kid string) bool {
	if old := time.Since(p.fetched) >= maxAge; old || p.cached.Keys == nil {
		var err error
		p.cached.Keys, err = p.keys.Keys(t.Context())
		require.NoError(t, err)
		if old {
			p.fetched = time.Now()
		}
	}
	return len(p.cached.Key(kid)) == 1
}

func (p *party) verifies(t *testing.T, token string) bool {
	jws, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.ES256})
	require.NoError(t, err)
	_, err = jws.Verify(&p.cached)
	return err == nil
}
