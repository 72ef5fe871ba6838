package wallet_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/audit"
	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/consent"
	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/store"
	"github.com/gosignet/signet/wallet"
)

func TestAWalletLogsAPersonIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.bound(grace)
	handle := w.begin()
	code, err := w.linker.LinkCode(t.Context(), handle)
	require.NoError(t, err)
	assert.Equal(t, now.Add(time.Minute), code.ExpiresAt)
	s, err := w.linker.Status(t.Context(), handle, code.Code, wallet.Unlinked, 0)
	require.NoError(t, err)
	assert.Equal(t, wallet.Unlinked, s.Stage)

	seen, err := w.linker.Link(t.Context(), code.Code)
	require.NoError(t, err)
	assert.Equal(t, "clinic", seen.Client.ID)
	assert.Contains(t, seen.Voluntary, "name", "the wallet says what is asked before the person proves who they are")
	assert.Equal(t, []string{"appointments"}, seen.Scopes)
	assert.Equal(t, []authenticator.FactorSet{{authenticator.Wallet}, {authenticator.OTP}}, seen.Options)
	assert.Equal(t, audit.WalletLinked, w.trail.last().Type)
	s, err = w.linker.Status(t.Context(), handle, code.Code, wallet.Unlinked, 0)
	require.NoError(t, err)
	assert.Equal(t, wallet.Linked, s.Stage)

	proved, err := w.linker.Authenticate(t.Context(), seen.Handle, authenticator.Identifier{}, p.proof(now))
	require.NoError(t, err)
	assert.Equal(t, login.StepConsent, proved.Step)
	done, err := w.linker.Consent(t.Context(), seen.Handle, p.decision([]string{"name"}, []string{"appointments"}))
	require.NoError(t, err)
	assert.True(t, done.Granted)

	s, err = w.linker.Status(t.Context(), handle, code.Code, wallet.Linked, 0)
	require.NoError(t, err)
	assert.Equal(t, wallet.Done, s.Stage)
	authorization := s.Login.Response.Parameters.Get("code")
	assert.NotEmpty(t, authorization)
	// The hazard H18 of eSignet: each time the browser asked there was another code.
	for range 3 {
		_, err = w.linker.Consent(t.Context(), seen.Handle, p.decision(nil, nil))
		require.NoError(t, err)
		s, err = w.linker.Status(t.Context(), handle, code.Code, wallet.Linked, time.Minute)
		require.NoError(t, err)
		assert.Equal(t, authorization, s.Login.Response.Parameters.Get("code"))
	}
}

func TestAPersonTypesACodeIntoTheWallet(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.bound(grace)
	_, tx := w.linked()
	id := authenticator.Identifier{Value: grace}
	sent, err := w.linker.SendCode(t.Context(), tx, id)
	require.NoError(t, err)
	assert.Equal(t, []string{"** 12"}, sent.Code.Destinations)
	wrong := authenticator.Challenge{Factor: authenticator.OTP, Response: "a guess"}
	refused, err := w.linker.Authenticate(t.Context(), tx, id, wrong)
	assert.Equal(t, authenticator.WrongCredentials, reason(t, err))
	assert.Equal(t, 4, refused.AttemptsLeft)
	proved, err := w.linker.Authenticate(t.Context(), tx, id, p.request().Challenges...)
	require.NoError(t, err)
	assert.Equal(t, login.StepConsent, proved.Step)
	again, err := w.linker.Authenticate(t.Context(), tx, id, p.request().Challenges...)
	require.NoError(t, err, "the answer did not reach the wallet")
	assert.Equal(t, login.StepConsent, again.Step)
	done, err := w.linker.Consent(t.Context(), tx, p.decision(nil, nil))
	require.NoError(t, err)
	assert.True(t, done.Granted)
}

// The hazard H06 of eSignet: the wallet's calls had no limits.
func TestWrongAnswersInAWalletEndTheLogin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	handle, tx := w.linked()
	id := authenticator.Identifier{Value: grace}
	_, err := w.linker.SendCode(t.Context(), tx, id)
	require.NoError(t, err)
	wrong := authenticator.Challenge{Factor: authenticator.OTP, Response: "a guess"}
	for range 4 {
		_, err = w.linker.Authenticate(t.Context(), tx, id, wrong)
		assert.Equal(t, authenticator.WrongCredentials, reason(t, err))
		w.clock.advance(30 * time.Second)
	}
	over, err := w.linker.Authenticate(t.Context(), tx, id, wrong)
	require.NoError(t, err)
	assert.Equal(t, login.StepDone, over.Step)
	assert.False(t, over.Granted)
	s, err := w.linker.Status(t.Context(), handle, "", wallet.Linked, 0)
	require.NoError(t, err)
	assert.Equal(t, "access_denied", s.Login.Response.Parameters.Get("error"))
}

func TestConsentIsSignedByTheKeyOfThePersonWhoLoggedIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p, other := w.bound(grace), w.bound(ada)
	_, tx := w.linked()
	_, err := w.linker.Consent(t.Context(), tx, p.decision(nil, nil))
	require.ErrorIs(t, err, login.ErrStep, "nobody proved who they are")
	_, err = w.linker.Authenticate(t.Context(), tx, authenticator.Identifier{}, p.proof(now))
	require.NoError(t, err)
	forged := p.decision([]string{"name"}, nil)
	forged.Claims = []string{"name", "birthdate"}
	for name, d := range map[string]wallet.Decision{
		"SomebodyElse": other.decision([]string{"name"}, nil),
		"AnotherOne":   forged,
		"Unsigned":     {Claims: []string{"name"}},
		"Garbage":      {Claims: []string{"name"}, Signature: "a.b"},
	} {
		shown, err := w.linker.Consent(t.Context(), tx, d)
		require.ErrorIs(t, err, consent.ErrWallet, name)
		assert.Equal(t, login.StepConsent, shown.Step)
	}
	_, err = w.linker.Consent(t.Context(), tx, p.decision([]string{"shoe_size"}, nil))
	require.ErrorIs(t, err, wallet.ErrDecision)
	done, err := w.linker.Consent(t.Context(), tx, p.decision([]string{"name"}, nil))
	require.NoError(t, err)
	assert.True(t, done.Granted)
}

func TestUnsignedConsentIsForThoseWhoAllowIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *wallet.LinkerConfig) { c.UnsignedConsent = true })
	p := w.bound(grace)
	_, tx := w.linked()
	_, err := w.linker.Authenticate(t.Context(), tx, authenticator.Identifier{}, p.proof(now))
	require.NoError(t, err)
	done, err := w.linker.Consent(t.Context(), tx, wallet.Decision{Claims: []string{"name"}})
	require.NoError(t, err)
	assert.True(t, done.Granted)
}

func TestWhoGoesOnInTheBrowserIsNotDecidedForByTheWallet(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *wallet.LinkerConfig) { c.UnsignedConsent = true })
	handle, tx := w.linked()
	id := authenticator.Identifier{Value: grace}
	_, err := w.linker.SendCode(t.Context(), tx, id)
	require.NoError(t, err)
	answer := newPhone(t, grace).request().Challenges[0]
	_, err = w.flow.Answer(t.Context(), handle, authenticator.Identifier{}, answer)
	require.NoError(t, err)
	_, err = w.linker.Authenticate(t.Context(), tx, id, authenticator.Challenge{Factor: authenticator.OTP, Response: "a guess"})
	require.ErrorIs(t, err, login.ErrStep)
	_, err = w.linker.Consent(t.Context(), tx, wallet.Decision{})
	require.ErrorIs(t, err, login.ErrStep)
}

// The hazard H17 of eSignet: neither rule held.
func TestLinkCodesAreFewAndTwoOfThemWork(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	handle := w.begin()
	var codes []wallet.Code
	for range 10 {
		c, err := w.linker.LinkCode(t.Context(), handle)
		require.NoError(t, err)
		codes = append(codes, c)
	}
	_, err := w.linker.LinkCode(t.Context(), handle)
	require.ErrorIs(t, err, wallet.ErrCodes)
	for _, c := range codes[:8] {
		_, err := w.linker.Link(t.Context(), c.Code)
		require.ErrorIs(t, err, wallet.ErrCode)
		_, err = w.linker.Status(t.Context(), handle, c.Code, wallet.Unlinked, 0)
		require.ErrorIs(t, err, wallet.ErrCode)
	}
	_, err = w.linker.Link(t.Context(), codes[8].Code)
	require.NoError(t, err)
	_, err = w.linker.Link(t.Context(), codes[9].Code)
	require.ErrorIs(t, err, wallet.ErrCode, "the login has a wallet")
	s, err := w.linker.Status(t.Context(), handle, codes[9].Code, wallet.Unlinked, 0)
	require.NoError(t, err, "the page shows a newer code than the one that was scanned")
	assert.Equal(t, wallet.Linked, s.Stage)
	_, err = w.linker.LinkCode(t.Context(), handle)
	require.ErrorIs(t, err, wallet.ErrLinked)
}

func TestWhatIsNoCodeLinksNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	handle, tx := w.linked()
	for _, code := range []string{"", "x", store.NewHandle(), handle, tx} {
		_, err := w.linker.Link(t.Context(), code)
		require.ErrorIs(t, err, wallet.ErrCode)
		_, err = w.linker.Transaction(t.Context(), code)
		if code != tx {
			require.ErrorIs(t, err, wallet.ErrTransaction)
		}
	}
	assert.Equal(t, audit.Refused, w.trail.last().Outcome)
	_, err := w.linker.LinkCode(t.Context(), store.NewHandle())
	require.ErrorIs(t, err, login.ErrUnknown)
	_, err = w.linker.Status(t.Context(), store.NewHandle(), "", wallet.Unlinked, 0)
	require.ErrorIs(t, err, login.ErrUnknown)
}

func TestEverythingExpires(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	handle := w.begin()
	code, err := w.linker.LinkCode(t.Context(), handle)
	require.NoError(t, err)
	w.clock.advance(time.Minute)
	_, err = w.linker.Link(t.Context(), code.Code)
	require.ErrorIs(t, err, wallet.ErrCode)
	_, err = w.linker.Status(t.Context(), handle, code.Code, wallet.Unlinked, time.Minute)
	require.ErrorIs(t, err, wallet.ErrCode)

	code, err = w.linker.LinkCode(t.Context(), handle)
	require.NoError(t, err)
	linked, err := w.linker.Link(t.Context(), code.Code)
	require.NoError(t, err)
	w.clock.advance(5 * time.Minute)
	_, err = w.linker.Transaction(t.Context(), linked.Handle)
	require.ErrorIs(t, err, wallet.ErrTransaction)
	_, err = w.linker.Status(t.Context(), handle, "", wallet.Linked, time.Minute)
	require.ErrorIs(t, err, wallet.ErrTransaction)

	code, err = w.linker.LinkCode(t.Context(), handle)
	require.NoError(t, err, "the person may scan again")
	linked, err = w.linker.Link(t.Context(), code.Code)
	require.NoError(t, err)
	w.clock.advance(4 * time.Minute)
	_, err = w.linker.Transaction(t.Context(), linked.Handle)
	require.ErrorIs(t, err, wallet.ErrTransaction)
	_, err = w.linker.Status(t.Context(), handle, "", wallet.Linked, time.Minute)
	require.ErrorIs(t, err, login.ErrUnknown)
}

func TestAWalletThatDidNothingYetCanBeUnlinked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.bound(grace)
	handle, first := w.linked()
	require.NoError(t, w.linker.Unlink(t.Context(), handle))
	_, err := w.linker.Authenticate(t.Context(), first, authenticator.Identifier{}, p.proof(now))
	require.ErrorIs(t, err, wallet.ErrTransaction)
	_, err = w.linker.Cancel(t.Context(), first)
	require.ErrorIs(t, err, wallet.ErrTransaction)
	code, err := w.linker.LinkCode(t.Context(), handle)
	require.NoError(t, err)
	second, err := w.linker.Link(t.Context(), code.Code)
	require.NoError(t, err)
	_, err = w.linker.Authenticate(t.Context(), second.Handle, authenticator.Identifier{}, p.proof(now))
	require.NoError(t, err)
	require.ErrorIs(t, w.linker.Unlink(t.Context(), handle), wallet.ErrLinked)
	require.NoError(t, w.linker.Unlink(t.Context(), w.begin()), "there is nothing to unlink")
}

func TestAWalletRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	handle, tx := w.linked()
	over, err := w.linker.Cancel(t.Context(), tx)
	require.NoError(t, err)
	assert.Equal(t, login.StepDone, over.Step)
	assert.False(t, over.Granted)
	s, err := w.linker.Status(t.Context(), handle, "", wallet.Linked, time.Minute)
	require.NoError(t, err)
	assert.Equal(t, "access_denied", s.Login.Response.Parameters.Get("error"))
}

func TestOfTwoWalletsOneWins(t *testing.T) {
	t.Parallel()
	for name, instances := range backends(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, b := instances(t)
			for range 10 {
				handle := a.begin()
				code, err := a.linker.LinkCode(t.Context(), handle)
				require.NoError(t, err)
				var won atomic.Int32
				var all sync.WaitGroup
				for i := range 8 {
					all.Go(func() {
						w := []*world{a, b}[i%2]
						linked, err := w.linker.Link(t.Context(), code.Code)
						if err != nil {
							assert.ErrorIs(t, err, wallet.ErrCode)
							return
						}
						won.Add(1)
						_, err = w.linker.Transaction(t.Context(), linked.Handle)
						assert.NoError(t, err)
					})
				}
				all.Wait()
				assert.EqualValues(t, 1, won.Load())
			}
		})
	}
}

func TestTheWalletGetsOneCodeHoweverOftenItDecides(t *testing.T) {
	t.Parallel()
	for name, instances := range backends(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, b := instances(t)
			p := a.bound(grace)
			handle, tx := a.linked()
			_, err := b.linker.Authenticate(t.Context(), tx, authenticator.Identifier{}, p.proof(now))
			require.NoError(t, err)
			decisions := []wallet.Decision{p.decision([]string{"name"}, nil), p.decision(nil, nil)}
			codes := make([]string, 8)
			var all sync.WaitGroup
			for i := range codes {
				all.Go(func() {
					w := []*world{a, b}[i%2]
					_, err := w.linker.Consent(t.Context(), tx, decisions[i%2])
					assert.NoError(t, err)
					s, err := w.linker.Status(t.Context(), handle, "", wallet.Linked, time.Minute)
					assert.NoError(t, err)
					codes[i] = s.Login.Response.Parameters.Get("code")
				})
			}
			all.Wait()
			for _, code := range codes {
				assert.Equal(t, codes[0], code)
			}
			assert.NotEmpty(t, codes[0])
		})
	}
}

func FuzzLink(f *testing.F) {
	f.Add("", "")
	f.Add(store.NewHandle(), "a.b")
	w := newWorld(f)
	p := w.bound(grace)
	_, tx := w.linked()
	_, err := w.linker.Authenticate(f.Context(), tx, authenticator.Identifier{}, p.proof(now))
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, code, signature string) {
		_, err := w.linker.Link(t.Context(), code)
		require.ErrorIs(t, err, wallet.ErrCode)
		_, err = w.linker.Transaction(t.Context(), code)
		require.ErrorIs(t, err, wallet.ErrTransaction)
		_, err = w.linker.Consent(t.Context(), tx, wallet.Decision{Signature: signature})
		require.ErrorIs(t, err, consent.ErrWallet)
	})
}
