package dpop_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/dpop"
)

func TestANonceIsAcceptedInItsStepAndInTheNext(t *testing.T) {
	t.Parallel()
	c := newClock() // at the beginning of a step
	n := newNonces(t, c, secretA)
	nonce := n.Current()
	assert.Regexp(t, `^[A-Za-z0-9_-]{43}$`, nonce)
	for second := range 200 {
		assert.Equal(t, second < 120, n.Check(nonce), "after %d s", second)
		assert.Equal(t, second < 60, n.Current() == nonce, "after %d s", second)
		c.Advance(time.Second)
	}
	assert.False(t, n.Check(""))
	assert.False(t, n.Check(n.Current()+"A"))
	assert.False(t, n.Check(strings.ToUpper(n.Current())))
}

func TestANonceOfTheFutureIsRefused(t *testing.T) {
	t.Parallel()
	c, ahead := newClock(), newClock()
	ahead.Advance(time.Minute)
	assert.False(t, newNonces(t, c, secretA).Check(newNonces(t, ahead, secretA).Current()))
}

func TestInstancesThatShareSecretsKnowEachOthersNonces(t *testing.T) {
	t.Parallel()
	c := newClock()
	assert.True(t, newNonces(t, c, secretA).Check(newNonces(t, c, secretA).Current()))
	assert.False(t, newNonces(t, c, secretA).Check(newNonces(t, c, secretB).Current()))
}

func TestSecretsOfNoncesRotate(t *testing.T) {
	t.Parallel()
	c := newClock()
	before, announced := newNonces(t, c, secretA), newNonces(t, c, secretA, secretB)
	switched, after := newNonces(t, c, secretB, secretA), newNonces(t, c, secretB)
	for _, neighbours := range [][2]*dpop.Nonces{{before, announced}, {announced, switched}, {switched, after}} {
		assert.True(t, neighbours[0].Check(neighbours[1].Current()))
		assert.True(t, neighbours[1].Check(neighbours[0].Current()))
	}
	assert.False(t, after.Check(before.Current()))
}

func TestNewNoncesReportsAllMistakesAtOnce(t *testing.T) {
	t.Parallel()
	_, err := dpop.NewNonces(dpop.NoncesConfig{Step: time.Hour})
	assert.ErrorContains(t, err, "Secrets")
	assert.ErrorContains(t, err, "Step")
	_, err = dpop.NewNonces(dpop.NoncesConfig{Secrets: [][]byte{[]byte(secretA), []byte("short"), nil}, Step: time.Second})
	assert.ErrorContains(t, err, "secret 1")
	assert.ErrorContains(t, err, "secret 2")
	assert.ErrorContains(t, err, "Step")
	secret := []byte(secretA)
	n, err := dpop.NewNonces(dpop.NoncesConfig{Secrets: [][]byte{secret}, Now: newClock().Now})
	require.NoError(t, err)
	clear(secret)
	assert.True(t, newNonces(t, newClock(), secretA).Check(n.Current()), "the caller's secret is copied")
}

// TestChecklistNonce is item 10 of RFC 9449 section 4.3, and what item 11 says of nonces.
func TestChecklistNonce(t *testing.T) {
	t.Parallel()
	c := newClock()
	nonces := newNonces(t, c, secretA)
	stale := nonces.Current()
	c.Advance(2 * time.Minute)
	previous := nonces.Current()
	c.Advance(time.Minute)
	current, now := nonces.Current(), c.Now()

	forAll := func(c *dpop.Config) { c.Nonces, c.RequireNonce = nonces, true }
	ifAsked := func(c *dpop.Config) { c.Nonces = nonces }
	never := func(*dpop.Config) {}
	for _, tc := range []struct {
		name      string
		config    func(*dpop.Config)
		ask       bool
		nonce     any
		iat       time.Time
		want      dpop.ErrorCode
		nextNonce string
	}{
		{"required of all, current", forAll, false, current, now, "", ""},
		{"required of all, previous", forAll, false, previous, now, "", current},
		{"required of all, stale", forAll, false, stale, now, dpop.UseNonce, ""},
		{"required of all, none", forAll, false, nil, now, dpop.UseNonce, ""},
		{"required of all, empty", forAll, false, "", now, dpop.UseNonce, ""},
		{"required of all, invented", forAll, false, "invented", now, dpop.UseNonce, ""},
		{"required of this one, current", ifAsked, true, current, now, "", ""},
		{"required of this one, none", ifAsked, true, nil, now, dpop.UseNonce, ""},
		{"not required, none", ifAsked, false, nil, now, "", ""},
		{"not required, current", ifAsked, false, current, now, "", ""},
		{"not required, previous", ifAsked, false, previous, now, "", current},
		{"not required, stale", ifAsked, false, stale, now, dpop.UseNonce, ""},
		{"no nonces, any", never, false, "invented", now, "", ""},
		{"a fresh nonce and a clock an hour behind", forAll, false, current, now.Add(-time.Hour), "", ""},
		{"a fresh nonce and a clock an hour ahead", ifAsked, false, current, now.Add(time.Hour), "", ""},
		{"no nonce and a clock an hour behind", ifAsked, false, nil, now.Add(-time.Hour), dpop.InvalidProof, ""},
		{"a stale nonce and a clock an hour behind", forAll, false, stale, now.Add(-time.Hour), dpop.UseNonce, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			d := newDraft("POST", tokenURL, tc.iat)
			if tc.nonce != nil {
				d.claims["nonce"] = tc.nonce
			}
			r := tokenRequest(d.sign())
			r.RequireNonce = tc.ask
			proof, err := newVerifier(t, c, tc.config).Verify(r)
			if tc.want != "" {
				e := refusedWith(t, err, tc.want)
				assert.Equal(t, tc.want == dpop.UseNonce, e.Nonce == current)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, tc.nextNonce, proof.NextNonce)
			require.NoError(t, proof.Consume(t.Context()))
		})
	}
	t.Run("a fresh nonce does not stand in for iat", func(t *testing.T) {
		t.Parallel()
		d := newDraft("POST", tokenURL, now)
		d.claims["nonce"] = current
		delete(d.claims, "iat")
		_, err := newVerifier(t, c, forAll).Verify(tokenRequest(d.sign()))
		refusedWith(t, err, dpop.InvalidProof)
	})
	t.Run("a missing or spoilt proof is no reason for a nonce", func(t *testing.T) {
		t.Parallel()
		v := newVerifier(t, c, forAll)
		for _, h := range []string{"", "x", newDraft("GET", tokenURL, now).sign()} {
			_, err := v.Verify(tokenRequest(h))
			refusedWith(t, err, dpop.InvalidProof)
		}
		_, err := v.Verify(dpop.Request{Method: "POST", URL: tokenURL})
		refusedWith(t, err, dpop.InvalidProof)
	})
}

func TestAChallengeUsesNothingUp(t *testing.T) {
	t.Parallel()
	c := newClock()
	v := newVerifier(t, c, func(c *dpop.Config) { c.Nonces, c.RequireNonce = newNonces(t, &clock{now: start}, secretA), true })
	d := newDraft("POST", tokenURL, start)
	_, err := v.Verify(tokenRequest(d.sign()))
	d.claims["nonce"] = refusedWith(t, err, dpop.UseNonce).Nonce // with the same jti
	proof, err := v.Verify(tokenRequest(d.sign()))
	require.NoError(t, err)
	require.NoError(t, proof.Consume(t.Context()))
}

// TestAProofWithANonceIsRememberedAsLongAsTheNonceIsGood does with a nonce what the test without one does.
func TestAProofWithANonceIsRememberedAsLongAsTheNonceIsGood(t *testing.T) {
	t.Parallel()
	c := newClock()
	v := newVerifier(t, c, func(config *dpop.Config) { config.Nonces = newNonces(t, c, secretA) })
	d := newDraft("POST", tokenURL, start.Add(time.Hour))
	d.claims["nonce"] = newNonces(t, c, secretA).Current()
	r := tokenRequest(d.sign())
	proof, err := v.Verify(r)
	require.NoError(t, err)
	require.NoError(t, proof.Consume(t.Context()))
	used := 0
	for range 150 {
		c.Advance(time.Second)
		proof, err := v.Verify(r)
		if err != nil {
			refusedWith(t, err, dpop.UseNonce)
			continue
		}
		refusedWith(t, proof.Consume(t.Context()), dpop.InvalidProof)
		used++
	}
	assert.Equal(t, 119, used)
}
