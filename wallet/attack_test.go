package wallet_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/consent"
	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/wallet"
)

// Whoever sits before the browser asks for more time, and then waits until it would be forgotten that a wallet has the login.
func TestALoginThatIsExtendedStaysTheWallets(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.bound(grace)
	handle := w.begin()
	state, err := w.flow.State(t.Context(), handle)
	require.NoError(t, err)
	lifetime := state.ExpiresAt.Sub(w.clock.Now())
	_, err = w.linker.LinkCode(t.Context(), handle)
	require.NoError(t, err)

	w.clock.advance(lifetime - 30*time.Second)
	extended, err := w.flow.Extend(t.Context(), handle)
	require.NoError(t, err)
	code, err := w.linker.LinkCode(t.Context(), handle)
	require.NoError(t, err)
	linked, err := w.linker.Link(t.Context(), code.Code)
	require.NoError(t, err)
	proved, err := w.linker.Authenticate(t.Context(), linked.Handle, authenticator.Identifier{}, p.proof(w.clock.Now()))
	require.NoError(t, err)
	require.Equal(t, login.StepConsent, proved.Step)

	w.clock.advance(time.Minute) // the login would have ended
	has, err := w.linker.Linked(t.Context(), handle)
	require.NoError(t, err)
	assert.True(t, has, "the browser decides nothing in the place of the person")
	_, err = w.linker.Consent(t.Context(), linked.Handle, p.decision([]string{"name"}, nil))
	require.NoError(t, err, "the person still decides")

	w.clock.advance(extended.ExpiresAt.Sub(w.clock.Now()) - time.Second)
	has, err = w.linker.Linked(t.Context(), handle)
	require.NoError(t, err)
	assert.True(t, has, "to the end of the login")
}

// The last code may be older than the extension.
func TestALoginThatIsExtendedAfterItsCodeStaysTheWallets(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.bound(grace)
	handle := w.begin()
	state, err := w.flow.State(t.Context(), handle)
	require.NoError(t, err)
	w.clock.advance(state.ExpiresAt.Sub(w.clock.Now()) - 30*time.Second)
	code, err := w.linker.LinkCode(t.Context(), handle)
	require.NoError(t, err)
	_, err = w.flow.Extend(t.Context(), handle)
	require.NoError(t, err)
	linked, err := w.linker.Link(t.Context(), code.Code)
	require.NoError(t, err)
	_, err = w.linker.Authenticate(t.Context(), linked.Handle, authenticator.Identifier{}, p.proof(w.clock.Now()))
	require.NoError(t, err)
	w.clock.advance(time.Minute)
	has, err := w.linker.Linked(t.Context(), handle)
	require.NoError(t, err)
	assert.True(t, has)
}

// A wallet that has a code of one person, and the key of another.
func TestNobodyElsesKeySignsAConsent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p, other := w.bound(grace), w.bound(ada)
	_, transaction := w.linked()
	_, err := w.linker.Authenticate(t.Context(), transaction, authenticator.Identifier{Value: ada}, p.proof(w.clock.Now()))
	require.NoError(t, err, "a wallet's proof says who it is")
	_, err = w.linker.Consent(t.Context(), transaction, other.decision([]string{"name"}, nil))
	assert.ErrorIs(t, err, consent.ErrWallet)
}

// gate knows people by their faces, without an individual ID.
type gate struct{}

func (gate) Factors() []authenticator.Factor { return []authenticator.Factor{authenticator.Biometrics} }

func (gate) Traits(authenticator.Factor) authenticator.Traits {
	return authenticator.Traits{Identifies: true, MaxResponse: 64}
}

func (gate) Authenticate(_ context.Context, r *authenticator.Request) (*authenticator.Identity, error) {
	return &authenticator.Identity{Subject: "person " + r.Challenges[0].Response}, nil
}

// Where the answer says who it is, nobody looks at the individual ID beside it.
func TestTheIndividualIDThatNobodyLooksAtChoosesNoKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	accomplice := w.bound(ada)
	w.loginConfig.Methods = append(w.loginConfig.Methods, gate{})
	w.loginConfig.ACRs = append(w.loginConfig.ACRs[:1:1], authenticator.ACR{
		Value: acrCode, Alternatives: []authenticator.FactorSet{{authenticator.Biometrics}},
	})
	var err error
	w.flow, err = login.New(w.loginConfig)
	require.NoError(t, err)
	w.linker, err = wallet.NewLinker(wallet.LinkerConfig{Flow: w.flow, Bindings: w.Registry, Store: w.loginConfig.Store, Now: w.clock.Now})
	require.NoError(t, err)
	_, transaction := w.linked()
	_, err = w.linker.Authenticate(t.Context(), transaction, authenticator.Identifier{Value: ada},
		authenticator.Challenge{Factor: authenticator.Biometrics, Response: "face of grace"})
	require.NoError(t, err)
	_, err = w.linker.Consent(t.Context(), transaction, accomplice.decision([]string{"name"}, nil))
	assert.ErrorIs(t, err, consent.ErrWallet, "it is bound to somebody else")
}

func TestARevokedKeyIsNotBoundAgainLater(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.bound(grace)
	b, err := w.Find(t.Context(), grace)
	require.NoError(t, err)
	require.NoError(t, w.Revoke(t.Context(), b.ID))
	_, err = p.bind(w)
	require.ErrorIs(t, err, wallet.ErrKey)
	w.clock.advance(b.ExpiresAt.Sub(w.clock.Now()) + time.Hour)
	_, err = p.bind(w)
	assert.ErrorIs(t, err, wallet.ErrKey, "whoever has it has it still")
}

func TestARevokedKeySignsNoConsentOfALoginThatItProved(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(w *world, b *wallet.Binding) error{
		"revoked":  func(w *world, b *wallet.Binding) error { return w.Revoke(w.Context(), b.ID) },
		"replaced": func(w *world, _ *wallet.Binding) error { w.bound(grace); return nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			p := w.bound(grace)
			b, err := w.Find(t.Context(), grace)
			require.NoError(t, err)
			_, transaction := w.linked()
			_, err = w.linker.Authenticate(t.Context(), transaction, authenticator.Identifier{}, p.proof(w.clock.Now()))
			require.NoError(t, err)
			require.NoError(t, end(w, b))
			_, err = w.linker.Consent(t.Context(), transaction, p.decision([]string{"name"}, nil))
			assert.ErrorIs(t, err, consent.ErrWallet)
		})
	}
}
