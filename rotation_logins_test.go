package signet_test

import (
	"context"
	"encoding/json"
	"net/http"
	"regexp"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet"
	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/keystore/rotation"
	"github.com/gosignet/signet/store/memory"
)

// TestRotationsAreNotNoticedByPeopleWhoLogIn logs people in all the time through three rotations. Relying parties that
// look for keys no sooner than the max-age of the JSON Web Key Set allows verify every ID Token and access token when
// they get it, and again just before it expires.
func TestRotationsAreNotNoticedByPeopleWhoLogIn(t *testing.T) {
	t.Parallel()
	tokens, failures := loginsThroughRotations(t, 0)
	assert.Greater(t, tokens, 500)
	assert.Zero(t, failures)
}

// TestPartiesThatKeepKeysTooLongNoticeRotations shows that the test above can fail: for a party that keeps the keys for
// longer than it was told, they are published too late.
func TestPartiesThatKeepKeysTooLongNoticeRotations(t *testing.T) {
	t.Parallel()
	_, failures := loginsThroughRotations(t, 20*time.Minute)
	assert.NotZero(t, failures)
}

// loginsThroughRotations counts the verifications and those that failed. Parties cache the keys for as long as they
// are told, and for extra.
func loginsThroughRotations(t *testing.T, extra time.Duration) (verifications, failures int) {
	w := newFAPIWorld(t)
	ledger, err := memory.New(memory.Config{Now: w.now})
	require.NoError(t, err)
	t.Cleanup(func() { ledger.Close() })
	keys, err := rotation.New(rotation.Config{
		Vault: keystore.NewMemoryVault(), Ledger: ledger, Notifier: ledger, Now: w.now,
		Keys:    []rotation.Spec{{Role: keystore.TokenSigning, Algorithm: "ES256"}},
		Policy:  rotation.Policy{Lifetime: time.Hour, PublishAhead: 10 * time.Minute, KeepFor: 11 * time.Minute},
		Refresh: 5 * time.Millisecond,
	})
	require.NoError(t, err)
	require.NoError(t, keys.Start(t.Context()))
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { assert.NoError(t, keys.Run(ctx)) })
	defer running.Wait()
	defer stop()
	w.restart(func(c *signet.Config) { c.Keys = keys })

	parties := make([]*verifyingParty, 6)
	for i := range parties {
		parties[i] = &verifyingParty{w: w, extra: extra, fetched: w.now().Add(-time.Duration(i) * time.Minute)}
	}
	signers := map[string]bool{}
	verify := func(token string) {
		for _, p := range parties {
			kid, err := p.verify(token)
			verifications++
			if err != nil {
				failures++
			} else {
				signers[kid] = true
			}
		}
	}
	type issued struct {
		token string
		at    time.Time
	}
	var valid []issued
	for range 3*30 + 20 {
		a := w.portal.begin()
		tokens := a.tokens(w.newVisitor().login(a.url()))
		for _, name := range []string{"id_token", "access_token"} {
			token := tokens[name].(string)
			verify(token)
			valid = append(valid, issued{token, w.now()})
		}
		require.Equal(t, http.StatusOK, w.userinfo(tokens["access_token"].(string), a.dpop).status)
		for len(valid) > 0 && w.now().Sub(valid[0].at) > 7*time.Minute { // they live for ten, and the next step is two
			verify(valid[0].token)
			valid = valid[1:]
		}
		w.pass(2 * time.Minute)
		// What runs beside the logins has seen the time before they go on.
		require.Eventually(t, func() bool { return w.now().Sub(keys.Health(t.Context()).LoadedAt) < time.Minute }, time.Minute, time.Millisecond)
	}
	assert.GreaterOrEqual(t, len(signers), 4, "three rotations")
	return verifications, failures
}

// verifyingParty is a relying party that fetches the key set when its copy has expired, and then only.
type verifyingParty struct {
	w             *fapiWorld
	extra, maxAge time.Duration
	fetched       time.Time
	keys          *jose.JSONWebKeySet
}

var maxAgeDirective = regexp.MustCompile(`max-age=(\d+)`)

func (p *verifyingParty) verify(token string) (kid string, err error) {
	t := p.w.t
	t.Helper()
	if p.keys == nil || p.w.now().Sub(p.fetched) >= p.maxAge+p.extra {
		res := p.w.send(p.w.server.Client(), http.MethodGet, p.w.issuer+"/jwks.json", "")
		directive := maxAgeDirective.FindStringSubmatch(res.header.Get("Cache-Control"))
		require.NotNil(t, directive)
		seconds, err := strconv.Atoi(directive[1])
		require.NoError(t, err)
		require.GreaterOrEqual(t, seconds, 60)
		if p.keys != nil { // the first time, parties are apart
			p.fetched = p.w.now()
		}
		p.maxAge, p.keys = time.Duration(seconds)*time.Second, new(jose.JSONWebKeySet)
		require.NoError(t, json.Unmarshal([]byte(res.body), p.keys))
	}
	jws, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.ES256})
	require.NoError(t, err)
	_, err = jws.Verify(p.keys)
	return jws.Signatures[0].Header.KeyID, err
}
