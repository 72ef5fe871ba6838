package rotation_test

import (
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/audit"
	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/keystore/keystoretest"
	"github.com/gosignet/signet/keystore/rotation"
	"github.com/gosignet/signet/store"
)

// all are keys of every role, with every algorithm.
var all = []rotation.Spec{
	es256, eddsa,
	{Role: keystore.TokenSigning, Algorithm: "ES384"},
	{Role: keystore.TokenSigning, Algorithm: "PS256"},
	{Role: keystore.TokenSigning, Algorithm: "RS256"},
	{Role: keystore.UserinfoSigning, Algorithm: "RS256"},
	{Role: keystore.RequestDecryption, Algorithm: "RSA-OAEP-256"},
	{Role: keystore.RequestDecryption, Algorithm: "ECDH-ES"},
	{Role: keystore.BindingCA, Algorithm: "ES256"},
}

func TestAManagedKeystoreBreaksNoRule(t *testing.T) {
	t.Parallel()
	k := newWorld().started(t, with(all...))
	keystoretest.RunKeystore(t, func(testing.TB) keystore.Keystore { return k })
}

func TestNewReturnsEveryMistakeAtOnce(t *testing.T) {
	t.Parallel()
	_, err := rotation.New(rotation.Config{})
	for _, says := range []string{"Vault", "Ledger", "Keys"} {
		require.ErrorContains(t, err, says)
	}
	w := newWorld()
	_, err = rotation.New(rotation.Config{
		Vault: w.vault, Ledger: w.ledger, Refresh: -1, JWKSMaxAge: -1,
		Keys: []rotation.Spec{
			es256, es256, {"cooking", "ES256"}, {keystore.TokenSigning, "HS256"}, {keystore.TokenSigning, "RSA-OAEP-256"}, {keystore.RequestDecryption, "RS256"},
		},
		Policies: map[keystore.Role]rotation.Policy{"cooking": {}, keystore.BindingCA: {Lifetime: -1}},
	})
	for _, says := range []string{"Refresh", `ES256 twice`, `role "cooking"`, `"HS256"`, `"RSA-OAEP-256"`, `"RS256"`, "Policies name", "negative (binding-ca)"} {
		require.ErrorContains(t, err, says)
	}
}

func TestAKeyMustBePublishedForLongerThanKeySetsAreCached(t *testing.T) {
	t.Parallel()
	w := newWorld()
	for _, tc := range []struct {
		ahead, maxAge time.Duration
		says          string
	}{
		{0, 0, ""},
		{time.Hour, 55 * time.Minute, ""},
		{time.Hour, 56 * time.Minute, "unknown one"},
		{time.Hour, 2 * time.Hour, "unknown one"},
		{0, 24 * time.Hour, "unknown one"},
		{90 * 24 * time.Hour, 0, "not longer than PublishAhead"},
	} {
		_, err := rotation.New(rotation.Config{
			Vault: w.vault, Ledger: w.ledger, Keys: []rotation.Spec{es256},
			Policy: rotation.Policy{PublishAhead: tc.ahead}, JWKSMaxAge: tc.maxAge,
		})
		if tc.says == "" {
			require.NoError(t, err)
		} else {
			require.ErrorContains(t, err, tc.says)
		}
	}
}

func TestEachSpecGetsOneKeyHoweverManyInstancesStartAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld()
	specs := []rotation.Spec{es256, eddsa, {Role: keystore.RequestDecryption, Algorithm: "ECDH-ES"}, {Role: keystore.BindingCA, Algorithm: "ES256"}}
	var group sync.WaitGroup
	instances := make([]*rotation.Keystore, 8)
	errs := make([]error, len(instances))
	for i := range instances {
		instances[i] = w.instance(t, with(specs...))
		group.Go(func() { errs[i] = instances[i].Start(t.Context()) })
	}
	group.Wait()
	for i, k := range instances {
		require.NoError(t, errs[i])
		require.Len(t, list(t, k), len(specs))
		require.Equal(t, published(t, instances[0]), published(t, k))
		require.Equal(t, signs(t, instances[0]), signs(t, k))
	}
	require.Equal(t, len(specs), w.vault.holds(t))
	require.EqualValues(t, len(specs), w.vault.generated.Load(), "none was made in vain")
}

func TestAKeyGoesThroughItsStates(t *testing.T) {
	t.Parallel()
	w := newWorld()
	events := &trail{}
	k := w.running(t, func(c *rotation.Config) { c.Audit = events })
	first := eventually(t, k, rotation.Current)[0]
	require.Equal(t, []string{first.KeyID}, published(t, k))

	w.clock.Advance(lifetime - ahead)
	second := eventually(t, k, rotation.Current, rotation.Next)[1]
	require.Eventually(t, func() bool { return len(published(t, k)) == 2 }, time.Minute, time.Millisecond)
	require.Equal(t, first.Activates.Add(lifetime), second.Activates)
	require.Equal(t, second.Activates.Add(-ahead), second.Created)
	require.Equal(t, first.KeyID, signs(t, k))

	w.clock.Advance(ahead - time.Second)
	require.Equal(t, first.KeyID, signs(t, k), "until the last second")
	w.clock.Advance(time.Second)
	require.Equal(t, second.KeyID, signs(t, k), "at once: the dates say so")
	require.Equal(t, []rotation.State{rotation.Retired, rotation.Current}, states(t, k))

	w.clock.Advance(keep)
	require.Equal(t, []string{first.KeyID, second.KeyID}, published(t, k), "until the last signature has expired")
	require.Equal(t, 2, w.vault.holds(t))
	w.clock.Advance(2 * rotation.ClockSkew)
	eventually(t, k, rotation.Current)
	require.Eventually(t, func() bool { return len(published(t, k)) == 1 }, time.Minute, time.Millisecond)
	require.Equal(t, 1, w.vault.holds(t), "it was destroyed")
	require.Equal(t, []audit.Type{audit.KeyCreated, audit.KeyDestroyed}, events.types(first.KeyID))
	require.Equal(t, second.KeyID, signs(t, k))
}

func TestAnInstanceNeedsNobodyToBeAliveWhenAKeyTakesOver(t *testing.T) {
	t.Parallel()
	w := newWorld()
	leader := w.running(t)
	w.clock.Advance(lifetime - ahead)
	next := eventually(t, leader, rotation.Current, rotation.Next)[1]
	other := w.started(t) // and never runs
	w.ledger.away.Store(true)
	w.vault.away.Store(true)
	w.clock.Advance(ahead)
	require.Equal(t, next.KeyID, signs(t, other))
	w.ledger.away.Store(false)
	w.vault.away.Store(false)
}

func TestClocksThatDifferSignWithPublishedKeys(t *testing.T) {
	t.Parallel()
	w := newWorld()
	skewed := func(by time.Duration) func(*rotation.Config) {
		return func(c *rotation.Config) { c.Now = func() time.Time { return w.clock.Now().Add(by) } }
	}
	leader := w.running(t)
	slow := w.started(t, skewed(-rotation.ClockSkew))
	require.Equal(t, signs(t, leader), signs(t, slow), "although the first key is dated later than its clock")

	w.clock.Advance(lifetime - ahead)
	infos := eventually(t, leader, rotation.Current, rotation.Next)
	slow = w.started(t, skewed(-rotation.ClockSkew))
	fast := w.started(t, skewed(rotation.ClockSkew))
	w.clock.Advance(ahead - rotation.ClockSkew)
	require.Equal(t, infos[1].KeyID, signs(t, fast))
	require.Equal(t, infos[0].KeyID, signs(t, leader))
	w.clock.Advance(2*rotation.ClockSkew - time.Second)
	require.Equal(t, infos[1].KeyID, signs(t, leader))
	require.Equal(t, infos[0].KeyID, signs(t, slow))
}

func TestTheKeysOfTokensServeUserinfoAndResponsesUnlessTheyHaveTheirOwn(t *testing.T) {
	t.Parallel()
	k := newWorld().started(t, with(es256, rotation.Spec{Role: keystore.UserinfoSigning, Algorithm: "EdDSA"}))
	token, err := k.Signer(t.Context(), keystore.TokenSigning, jose.ES256)
	require.NoError(t, err)
	response, err := k.Signer(t.Context(), keystore.ResponseSigning, jose.ES256)
	require.NoError(t, err)
	assert.Same(t, token, response)
	_, err = k.Signer(t.Context(), keystore.UserinfoSigning, jose.ES256)
	require.ErrorIs(t, err, keystore.ErrNoKey, "userinfo has keys of its own")
	_, err = k.Signer(t.Context(), keystore.UserinfoSigning, jose.EdDSA)
	require.NoError(t, err)
	_, err = k.Signer(t.Context(), keystore.BindingCA, jose.ES256)
	require.ErrorIs(t, err, keystore.ErrNoKey, "an authority shares its key with nobody")
}

func TestBeforeItsStartAKeystoreHasNoKeys(t *testing.T) {
	t.Parallel()
	k := newWorld().instance(t)
	_, err := k.Signer(t.Context(), keystore.TokenSigning, jose.ES256)
	require.ErrorIs(t, err, keystore.ErrNoKey)
	_, err = k.Keys(t.Context())
	require.ErrorContains(t, err, "not started")
	_, err = k.Decrypt(t.Context(), "....")
	require.ErrorContains(t, err, "not started")
	require.False(t, k.Health(t.Context()).Ready)
}

func TestWhatIsNotNamedAnyMoreStaysPublishedUntilItIsRetired(t *testing.T) {
	t.Parallel()
	w := newWorld()
	before := w.started(t, with(es256, eddsa))
	infos := list(t, before)
	require.Len(t, infos, 2)
	k := w.running(t)
	require.Len(t, published(t, k), 2)
	i := 0
	if infos[1].Algorithm == "EdDSA" {
		i = 1
	}
	require.NoError(t, k.Retire(t.Context(), infos[i].KeyID))
	w.clock.Advance(keep + 2*rotation.ClockSkew)
	eventually(t, k, rotation.Current)
	require.Equal(t, 1, w.vault.holds(t))
}

func TestRolesOfALaterVersionAreLeftAlone(t *testing.T) {
	t.Parallel()
	w := newWorld()
	later := `{"role":"later","alg":"ES256","keys":[{"jwk":{"kty":"EC","crv":"P-256","kid":"k",` +
		`"x":"weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ","y":"e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOyck"},` +
		`"vault_id":"v","created":"2020-01-01T00:00:00Z","activates":"2020-01-01T00:00:00Z","retires":"2021-01-01T00:00:00Z"}]}`
	_, err := w.ledger.Write(t.Context(), "signing-keys", store.Record{ID: "later/ES256", Value: []byte(later)})
	require.NoError(t, err)
	k := w.started(t)
	require.Len(t, published(t, k), 1)
	require.NoError(t, k.Tick(t.Context()))
	require.Len(t, list(t, k), 2)
}
