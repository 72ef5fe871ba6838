package rotation_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/keystore/rotation"
	"github.com/gosignet/signet/store"
)

// withoutLedger returns the world after its ledger was lost.
func (w *world) withoutLedger() *world {
	fresh := *w
	fresh.ledger = &ledger{now: w.clock.Now, records: map[string]store.Record{}}
	return &fresh
}

func TestKeysAreFoundAgainWhenTheLedgerIsLost(t *testing.T) {
	t.Parallel()
	w := newWorld()
	made := func(age time.Duration) string {
		key, err := w.vault.MemoryVault.Generate(t.Context(), fmt.Sprintf("signet/token-signing/ES256/%d", w.clock.Now().Add(-age).Unix()), "ES256")
		require.NoError(t, err)
		sum, err := (&jose.JSONWebKey{Key: key.Public}).Thumbprint(crypto.SHA256)
		require.NoError(t, err)
		return base64.RawURLEncoding.EncodeToString(sum)
	}
	oldest, old, current, next := made(200*24*time.Hour), made(100*24*time.Hour), made(30*24*time.Hour), made(time.Hour)
	k := w.started(t)
	require.Equal(t, []string{oldest, old, current, next}, published(t, k))
	require.Equal(t, []rotation.State{rotation.Retired, rotation.Retired, rotation.Current, rotation.Next}, states(t, k))
	require.Equal(t, current, signs(t, k))
	require.EqualValues(t, 0, w.vault.generated.Load())

	again := w.withoutLedger().started(t)
	require.Equal(t, current, signs(t, again))
	w.clock.Advance(ahead - time.Hour)
	require.Equal(t, next, signs(t, k))
	require.Equal(t, next, signs(t, again))
}

func TestAYoungKeySignsIfItIsTheOnlyOneThatIsFound(t *testing.T) {
	t.Parallel()
	w := newWorld()
	kid := signs(t, w.started(t))
	w.clock.Advance(time.Minute)
	k := w.withoutLedger().started(t)
	require.Equal(t, kid, signs(t, k))
	require.Equal(t, []rotation.State{rotation.Current}, states(t, k))
}

func TestKeysOfOthersInTheVaultAreLeftAlone(t *testing.T) {
	t.Parallel()
	w := newWorld()
	for _, label := range []string{
		"mine", "signet/", "signet/token-signing/ES256/", "signet/token-signing/ES256/x", "signet/token-signing/ES256/-1",
		"signet/token-signing/ES256/1/2", "SIGNET/token-signing/ES256/1", "signet/token-signing/ES384/1", "signet/userinfo-signing/ES256/1",
	} {
		_, err := w.vault.MemoryVault.Generate(t.Context(), label, "ES256")
		require.NoError(t, err)
	}
	k := w.started(t)
	require.Len(t, published(t, k), 1)
	require.EqualValues(t, 1, w.vault.generated.Load())
	require.Equal(t, 10, w.vault.holds(t))
}

func TestAKeyThatWasMadeByOneWhoDiedIsUsed(t *testing.T) {
	t.Parallel()
	w := newWorld()
	k := w.started(t)
	w.clock.Advance(time.Hour)
	left, err := w.vault.MemoryVault.Generate(t.Context(), fmt.Sprintf("signet/token-signing/ES256/%d", w.clock.Now().Unix()), "ES256")
	require.NoError(t, err)
	next, err := k.Rotate(t.Context(), keystore.TokenSigning, "ES256", false)
	require.NoError(t, err)
	require.Equal(t, left.ID, next.VaultID)
	require.EqualValues(t, 1, w.vault.generated.Load())
	require.Equal(t, w.clock.Now().Add(ahead), next.Activates, "published now, whenever it was made")
}

func TestALeaseOfOneWhoDiedExpires(t *testing.T) {
	t.Parallel()
	w := newWorld()
	_, err := w.ledger.Write(t.Context(), "signing-key-leases", store.Record{
		ID: "token-signing/ES256", Value: []byte(`"dead"`), ExpiresAt: w.clock.Now().Add(5 * time.Minute),
	})
	require.NoError(t, err)
	k := w.instance(t)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, k.Start(ended), context.Canceled)
	done := make(chan error)
	go func() { done <- k.Start(t.Context()) }()
	require.EqualValues(t, 0, w.vault.generated.Load())
	w.clock.Advance(5 * time.Minute)
	require.NoError(t, <-done)
	signs(t, k)
	_, err = w.ledger.Read(t.Context(), "signing-key-leases", "token-signing/ES256")
	require.ErrorIs(t, err, store.ErrNotFound, "it was given back")
}

func TestAnInstanceGoesOnWithoutLedgerAndVault(t *testing.T) {
	t.Parallel()
	w := newWorld()
	out := &log{}
	k := w.running(t, with(es256, rotation.Spec{Role: keystore.RequestDecryption, Algorithm: "ECDH-ES"}), func(c *rotation.Config) { c.Logger = out.logger() })
	kid := signs(t, k)
	w.ledger.away.Store(true)
	w.vault.away.Store(true)
	require.Eventually(t, func() bool { return strings.Contains(out.String(), "going on with the keys that are known") }, time.Minute, time.Millisecond)
	w.clock.Advance(time.Hour)
	require.Equal(t, kid, signs(t, k))
	require.NotEmpty(t, k.Health(t.Context()).Problems)
	require.True(t, k.Health(t.Context()).Ready, "it signs")
	_, err := k.List(t.Context())
	require.ErrorIs(t, err, errAway)
	_, err = k.Rotate(t.Context(), keystore.TokenSigning, "ES256", false)
	require.ErrorIs(t, err, errAway)
	require.ErrorIs(t, k.Revoke(t.Context(), kid), errAway)

	w.ledger.away.Store(false)
	w.vault.away.Store(false)
	require.Eventually(t, func() bool { return len(k.Health(t.Context()).Problems) == 0 }, time.Minute, time.Millisecond)
}

func TestAFullVaultDelaysARotationAndNothingElse(t *testing.T) {
	t.Parallel()
	w := newWorld()
	out := &log{}
	k := w.running(t, func(c *rotation.Config) { c.Logger = out.logger() })
	kid := signs(t, k)
	w.vault.full.Store(true)
	w.clock.Advance(lifetime + time.Hour)
	require.Eventually(t, func() bool { return strings.Contains(out.String(), "the vault is full") }, time.Minute, time.Millisecond)
	require.Equal(t, kid, signs(t, k))
	require.Contains(t, strings.Join(k.Health(t.Context()).Problems, "\n"), "should have been replaced")

	w.vault.full.Store(false)
	w.clock.Advance(time.Minute)
	next := eventually(t, k, rotation.Current, rotation.Next)[1]
	require.Equal(t, next.Created.Add(ahead), next.Activates, "it is published ahead all the same")
}

// TestAKeyThatIsNotRightIsAnErrorAtStart breaks what the vault opens.
func TestAKeyThatIsNotRightIsAnErrorAtStart(t *testing.T) {
	t.Parallel()
	stranger, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	for name, tc := range map[string]struct {
		change func(crypto.PrivateKey) crypto.PrivateKey
		says   string
	}{
		"another key":              {func(crypto.PrivateKey) crypto.PrivateKey { return stranger }, "another"},
		"a key that does not sign": {func(crypto.PrivateKey) crypto.PrivateKey { return "key" }, "no crypto.Signer"},
		"a wrong signature": {func(private crypto.PrivateKey) crypto.PrivateKey {
			return mixed{private.(crypto.Signer), stranger}
		}, "failed its test"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			good := w.started(t)
			before := list(t, good)
			change := func(_ string, private crypto.PrivateKey) crypto.PrivateKey { return tc.change(private) }
			w.vault.open.Store(&change)
			k := w.instance(t)
			require.ErrorContains(t, k.Start(t.Context()), tc.says)
			require.Equal(t, before, list(t, k), "nothing was overwritten")
			_, err := k.Signer(t.Context(), keystore.TokenSigning, jose.ES256)
			require.ErrorIs(t, err, keystore.ErrNoKey)

			// And a new one that is not right is not published.
			_, err = good.Rotate(t.Context(), keystore.TokenSigning, "ES256", true)
			require.ErrorContains(t, err, tc.says)
			require.Equal(t, before, list(t, k))
			require.Equal(t, 1, w.vault.holds(t))
		})
	}
}

func TestAKeyThatTheVaultLostIsAnErrorAtStart(t *testing.T) {
	t.Parallel()
	w := newWorld()
	info := list(t, w.started(t))[0]
	require.NoError(t, w.vault.MemoryVault.Delete(t.Context(), info.VaultID))
	err := w.instance(t).Start(t.Context())
	require.ErrorIs(t, err, keystore.ErrNoVaultKey)
	require.ErrorContains(t, err, info.KeyID)
}

func TestAVaultThatWasRestoredMayCallItsKeysDifferently(t *testing.T) {
	t.Parallel()
	w := newWorld()
	k := w.started(t)
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	info, err := k.Import(t.Context(), keystore.TokenSigning, "ES256", private, nil)
	require.NoError(t, err)
	require.NoError(t, w.vault.MemoryVault.Delete(t.Context(), info.VaultID))
	restored, err := w.vault.MemoryVault.Import(t.Context(), "signet/token-signing/ES256/1", "ES256", private, nil)
	require.NoError(t, err)
	require.NotEqual(t, info.VaultID, restored.ID)
	w.clock.Advance(ahead)
	again := w.started(t)
	require.Equal(t, info.KeyID, signs(t, again))
	require.NoError(t, again.Revoke(t.Context(), info.KeyID))
	_, err = w.vault.MemoryVault.Open(t.Context(), restored.ID)
	require.ErrorIs(t, err, keystore.ErrNoVaultKey, "it is destroyed under its new name")
}

func TestAnInstanceThatCannotOpenTheNextKeyGoesOnWithTheOneBefore(t *testing.T) {
	t.Parallel()
	w := newWorld()
	mine := &vault{MemoryVault: w.vault.MemoryVault} // the same keys through another door
	k := w.running(t, func(c *rotation.Config) { c.Vault = mine })
	first := signs(t, k)
	mine.away.Store(true)
	other := w.started(t)
	next, err := other.Rotate(t.Context(), keystore.TokenSigning, "ES256", false)
	require.NoError(t, err)
	require.Eventually(t, func() bool { return len(published(t, k)) == 2 }, time.Minute, time.Millisecond,
		"it publishes what others sign with")
	w.clock.Advance(ahead)
	require.Equal(t, next.KeyID, signs(t, other))
	require.Equal(t, first, signs(t, k), "which is published still")
	require.Contains(t, strings.Join(k.Health(t.Context()).Problems, "\n"), next.KeyID)
	mine.away.Store(false)
	require.Eventually(t, func() bool { return signer(k) == next.KeyID }, time.Minute, time.Millisecond)
}

// mixed has the public key of one and signs with another.
type mixed struct{ public, private crypto.Signer }

func (m mixed) Public() crypto.PublicKey { return m.public.Public() }
func (m mixed) Sign(r io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return m.private.Sign(r, digest, opts)
}
