package rotation_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/audit"
	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/keystore/rotation"
)

func TestRotateLetsAKeyTakeOverAsSoonAsItWasPublishedForLongEnough(t *testing.T) {
	t.Parallel()
	w := newWorld()
	events := &trail{}
	k := w.started(t, func(c *rotation.Config) { c.Audit = events })
	first := signs(t, k)

	next, err := k.Rotate(t.Context(), keystore.TokenSigning, "ES256", false)
	require.NoError(t, err)
	require.Equal(t, rotation.Next, next.State)
	require.Equal(t, w.clock.Now().Add(ahead), next.Activates)
	require.Equal(t, first, signs(t, k))
	require.Equal(t, []string{first, next.KeyID}, published(t, k))

	w.clock.Advance(time.Hour)
	again, err := k.Rotate(t.Context(), keystore.TokenSigning, "ES256", false)
	require.NoError(t, err)
	require.Equal(t, next, again, "asking again changes nothing")

	w.clock.Advance(ahead - time.Hour)
	require.Equal(t, next.KeyID, signs(t, k))
	require.Contains(t, events.types(next.KeyID), audit.KeyRotated)
}

func TestRotateTakesTheNextKeyThatHasBeenPublishedLongEnoughAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld()
	policy := func(c *rotation.Config) { c.Policy.PublishAhead = 10 * 24 * time.Hour }
	k := w.running(t, policy)
	_, err := k.Rotate(t.Context(), keystore.TokenSigning, "ES256", false)
	require.NoError(t, err)
	patient := w.started(t) // publishes for a day only
	w.clock.Advance(2 * 24 * time.Hour)
	info, err := patient.Rotate(t.Context(), keystore.TokenSigning, "ES256", false)
	require.NoError(t, err)
	require.Equal(t, rotation.Current, info.State)
	require.Equal(t, info.KeyID, signs(t, patient))
	require.Eventually(t, func() bool { return info.KeyID == signer(k) }, time.Minute, time.Millisecond)
}

func TestRotateByForceDoesNotWait(t *testing.T) {
	t.Parallel()
	w := newWorld()
	k := w.started(t)
	first := signs(t, k)
	info, err := k.Rotate(t.Context(), keystore.TokenSigning, "ES256", true)
	require.NoError(t, err)
	require.Equal(t, rotation.Current, info.State)
	require.Equal(t, info.KeyID, signs(t, k))
	require.Equal(t, []string{first, info.KeyID}, published(t, k), "the old one still verifies")

	_, err = k.Rotate(t.Context(), keystore.TokenSigning, "EdDSA", false)
	require.ErrorContains(t, err, "do not name token-signing/EdDSA")
}

func TestARevokedKeyIsGoneFromEveryInstance(t *testing.T) {
	t.Parallel()
	w := newWorld()
	events := &trail{}
	instances := []*rotation.Keystore{w.running(t), w.running(t), w.running(t)}
	first := signs(t, instances[0])
	operator := w.instance(t, func(c *rotation.Config) { c.Audit = events }) // a command is not started
	require.NoError(t, operator.Revoke(t.Context(), first))

	infos := list(t, operator)
	require.Equal(t, []rotation.State{rotation.Revoked, rotation.Current}, states(t, operator))
	for _, k := range instances {
		require.Eventually(t, func() bool {
			return signer(k) == infos[1].KeyID && len(published(t, k)) == 1
		}, time.Minute, time.Millisecond, "a fresh key took over")
	}
	require.Equal(t, 1, w.vault.holds(t), "its private key was destroyed")
	require.Equal(t, []audit.Type{audit.KeyRevoked, audit.KeyDestroyed}, events.types(first))
	require.NoError(t, operator.Revoke(t.Context(), first), "once more does nothing")
	require.Equal(t, []rotation.State{rotation.Revoked, rotation.Current}, states(t, operator))
	require.ErrorIs(t, operator.Revoke(t.Context(), "unknown"), rotation.ErrNoKey)
}

func TestInstancesAreToldOfARevocationThroughTheNotifier(t *testing.T) {
	t.Parallel()
	w := newWorld()
	k := w.running(t, func(c *rotation.Config) { c.Notifier = w.ledger })
	lazy := w.started(t, func(c *rotation.Config) { c.Notifier, c.Refresh = w.ledger, 10*time.Hour })
	go lazy.Run(t.Context())
	first := signs(t, k)
	require.Eventually(t, func() bool { return w.ledger.subscribers() == 2 }, time.Minute, time.Millisecond)
	require.NoError(t, k.Revoke(t.Context(), first))
	require.Eventually(t, func() bool { return signer(lazy) != first }, time.Minute, time.Millisecond,
		"although it looks every 10 hours")
}

func TestTheNextKeyTakesOverFromOneThatIsRevoked(t *testing.T) {
	t.Parallel()
	w := newWorld()
	k := w.started(t)
	first := signs(t, k)
	next, err := k.Rotate(t.Context(), keystore.TokenSigning, "ES256", false)
	require.NoError(t, err)
	require.NoError(t, k.Revoke(t.Context(), first))
	require.Equal(t, next.KeyID, signs(t, k))
	require.Equal(t, []string{next.KeyID}, published(t, k))
	require.EqualValues(t, 2, w.vault.generated.Load(), "no third one was made")
}

func TestARevokedNextKeyLeavesTheCurrentOneInPlace(t *testing.T) {
	t.Parallel()
	w := newWorld()
	k := w.started(t)
	first := signs(t, k)
	next, err := k.Rotate(t.Context(), keystore.TokenSigning, "ES256", false)
	require.NoError(t, err)
	require.NoError(t, k.Revoke(t.Context(), next.KeyID))
	w.clock.Advance(ahead)
	require.Equal(t, first, signs(t, k))
	require.True(t, list(t, k)[0].Retires.IsZero())
}

func TestARetiredKeyCanBeRevokedToo(t *testing.T) {
	t.Parallel()
	w := newWorld()
	k := w.started(t)
	first := signs(t, k)
	next, err := k.Rotate(t.Context(), keystore.TokenSigning, "ES256", true)
	require.NoError(t, err)
	require.NoError(t, k.Revoke(t.Context(), first))
	require.Equal(t, []string{next.KeyID}, published(t, k))
	require.Equal(t, next.KeyID, signs(t, k))
}

func TestARevocationDoesNotWaitForTheVault(t *testing.T) {
	t.Parallel()
	w := newWorld()
	k := w.running(t)
	first := signs(t, k)
	w.vault.away.Store(true)
	require.ErrorIs(t, k.Revoke(t.Context(), first), errAway, "something is left to do")
	require.Empty(t, published(t, k), "but the key is gone")
	_, err := k.Signer(t.Context(), keystore.TokenSigning, jose.ES256)
	require.ErrorIs(t, err, keystore.ErrNoKey, "better no token than one of this key")

	w.vault.away.Store(false)
	w.clock.Advance(time.Minute) // after which it is tried again
	require.Eventually(t, func() bool { return len(published(t, k)) == 1 }, time.Minute, time.Millisecond)
	require.NotEqual(t, first, signs(t, k))
	require.Eventually(t, func() bool { return w.vault.holds(t) == 1 }, time.Minute, time.Millisecond)
}

func TestARevokedKeyDoesNotComeBackWithABackupOfTheVault(t *testing.T) {
	t.Parallel()
	w := newWorld()
	k := w.started(t)
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	stolen, err := k.Import(t.Context(), keystore.TokenSigning, "ES256", private, nil)
	require.NoError(t, err)
	require.NoError(t, k.Revoke(t.Context(), stolen.KeyID))
	_, err = w.vault.Import(t.Context(), "signet/token-signing/ES256/1900000000", "ES256", private, nil)
	require.NoError(t, err)
	next, err := k.Rotate(t.Context(), keystore.TokenSigning, "ES256", false)
	require.NoError(t, err)
	require.NotEqual(t, stolen.KeyID, next.KeyID)
	_, err = k.Import(t.Context(), keystore.TokenSigning, "ES256", private, nil)
	require.ErrorIs(t, err, rotation.ErrState)
}

func TestRetireTakesAKeyOutOfTheLine(t *testing.T) {
	t.Parallel()
	w := newWorld()
	k := w.running(t)
	first := signs(t, k)
	require.ErrorIs(t, k.Retire(t.Context(), first), rotation.ErrState, "something has to sign")
	require.ErrorIs(t, k.Retire(t.Context(), "unknown"), rotation.ErrNoKey)

	next, err := k.Rotate(t.Context(), keystore.TokenSigning, "ES256", false)
	require.NoError(t, err)
	require.NoError(t, k.Retire(t.Context(), next.KeyID))
	eventually(t, k, rotation.Current)
	w.clock.Advance(ahead)
	require.Equal(t, first, signs(t, k), "nothing took over")
	require.Eventually(t, func() bool { return w.vault.holds(t) == 1 }, time.Minute, time.Millisecond)
}

func TestAnImportedKeyIsTheNextOne(t *testing.T) {
	t.Parallel()
	w := newWorld()
	k := w.started(t)
	first := signs(t, k)
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	chain := issue(t, w.clock.Now(), private.Public())
	info, err := k.Import(t.Context(), keystore.TokenSigning, "ES256", private, chain)
	require.NoError(t, err)
	require.Equal(t, chain, info.Certificates)
	require.Equal(t, w.clock.Now().Add(ahead), info.Activates)
	require.Equal(t, []string{first, info.KeyID}, published(t, k))
	w.clock.Advance(ahead)
	require.Equal(t, info.KeyID, signs(t, k))
}

func TestAnImportedKeyThatCannotBeUsedLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	w := newWorld()
	specs := []rotation.Spec{es256, {Role: keystore.TokenSigning, Algorithm: "RS256"}, {Role: keystore.TokenSigning, Algorithm: "PS256"}}
	k := w.started(t, with(specs...))
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	for name, try := range map[string]func() error{
		"a key of another kind": func() error {
			_, err := k.Import(t.Context(), keystore.TokenSigning, "ES256", rsaKey, nil)
			return err
		},
		"an algorithm that is not named": func() error {
			_, err := k.Import(t.Context(), keystore.TokenSigning, "ES384", private, nil)
			return err
		},
		"the chain of another key": func() error {
			_, err := k.Import(t.Context(), keystore.TokenSigning, "ES256", private, issue(t, w.clock.Now(), other.Public()))
			return err
		},
		"an expired certificate": func() error {
			_, err := k.Import(t.Context(), keystore.TokenSigning, "ES256", private, issue(t, w.clock.Now().Add(-1000*time.Hour), private.Public()))
			return err
		},
		"a public key": func() error {
			_, err := k.Import(t.Context(), keystore.TokenSigning, "ES256", private.Public(), nil)
			return err
		},
		"nothing": func() error { _, err := k.Import(t.Context(), keystore.TokenSigning, "ES256", nil, nil); return err },
	} {
		require.Error(t, try(), name)
		require.Equal(t, len(specs), w.vault.holds(t), name)
		require.Len(t, list(t, k), len(specs), name)
	}
	_, err = k.Import(t.Context(), keystore.TokenSigning, "RS256", rsaKey, nil)
	require.NoError(t, err)
	_, err = k.Import(t.Context(), keystore.TokenSigning, "PS256", rsaKey, nil)
	require.ErrorContains(t, err, "one algorithm")
	_, err = k.Import(t.Context(), keystore.TokenSigning, "RS256", rsaKey, nil)
	require.ErrorIs(t, err, rotation.ErrState)
	another, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	_, err = k.Import(t.Context(), keystore.TokenSigning, "RS256", another, nil)
	require.ErrorContains(t, err, "retire it first")
}

func TestCommandsOfManyOperatorsAtOnceMakeOneKey(t *testing.T) {
	t.Parallel()
	w := newWorld()
	k := w.started(t)
	infos := make([]rotation.Info, 8)
	errs := make([]error, len(infos))
	var group sync.WaitGroup
	for i := range infos {
		operator := w.instance(t)
		group.Go(func() { infos[i], errs[i] = operator.Rotate(t.Context(), keystore.TokenSigning, "ES256", false) })
	}
	group.Wait()
	for i, info := range infos {
		require.NoError(t, errs[i])
		require.Equal(t, infos[0], info)
	}
	require.Equal(t, []rotation.State{rotation.Current, rotation.Next}, states(t, k))
	require.Equal(t, 2, w.vault.holds(t))
}
