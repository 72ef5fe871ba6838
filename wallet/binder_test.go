package wallet_test

import (
	"context"
	"crypto/sha3"
	"encoding/base64"
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/captcha"
	"github.com/gosignet/signet/consent"
	"github.com/gosignet/signet/keystore/keystoretest"
	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/store/memory"
	"github.com/gosignet/signet/wallet"
)

// certifying is an identity system that certifies keys itself.
type certifying struct {
	people
	certificate []byte
	asked       *authenticator.KeyBindingRequest
}

func (c *certifying) BindKey(ctx context.Context, r *authenticator.KeyBindingRequest) (*authenticator.KeyBinding, error) {
	c.asked = r
	who, err := c.Authenticate(ctx, &r.Request)
	if err != nil {
		return nil, err
	}
	return &authenticator.KeyBinding{Identity: *who, Certificate: c.certificate}, nil
}

func (w *world) binder(verifier authenticator.Method, attempts wallet.Attempts) *wallet.Binder {
	w.Helper()
	used, err := memory.New(memory.Config{})
	require.NoError(w, err)
	b, err := wallet.NewBinder(wallet.BinderConfig{
		Registry: w.Registry, Store: used, Verifier: verifier, Accept: []authenticator.FactorSet{{authenticator.OTP}},
		Attempts: attempts, Keys: keystoretest.WithBindingCA(w, must(providerKeys()), now), Now: w.clock.Now,
	})
	require.NoError(w, err)
	return b
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestAnIdentitySystemCertifiesKeysItself(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.bound(grace)
	system := &certifying{certificate: p.certificate.Raw}
	q := p.request()
	q.Header = map[string]string{"partner-id": "p1"}
	bound, err := w.binder(system, w.flow).Bind(t.Context(), q)
	require.NoError(t, err)
	assert.Equal(t, p.certificate.Raw, bound.Certificate.Raw)
	assert.Empty(t, bound.Chain)
	assert.JSONEq(t, string(q.Key), string(system.asked.Key))
	assert.Equal(t, q.Header, system.asked.Header)
	assert.Equal(t, authenticator.Wallet, system.asked.Factor)

	_, err = w.binder(system, w.flow).Bind(t.Context(), newPhone(t, grace).request())
	assert.Equal(t, authenticator.Unavailable, reason(t, err), "the certificate is another key's")
	system.certificate = []byte("no certificate")
	_, err = w.binder(system, w.flow).Bind(t.Context(), p.request())
	assert.Equal(t, authenticator.Unavailable, reason(t, err))
}

// panicking is an identity system that does.
type panicking struct{ people }

func (*panicking) Authenticate(context.Context, *authenticator.Request) (*authenticator.Identity, error) {
	panic("of " + grace)
}

func TestAnIdentitySystemThatPanicsIsUnavailable(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, err := w.binder(&panicking{}, w.flow).Bind(t.Context(), newPhone(t, grace).request())
	assert.Equal(t, authenticator.Unavailable, reason(t, err))
	assert.NotContains(t, err.Error(), grace)
}

// puzzle is a captcha that "solved" solves.
type puzzle struct{ err error }

func (puzzle) Widget(context.Context) (*captcha.Widget, error) { return &captcha.Widget{}, nil }

func (p puzzle) Verify(_ context.Context, response string, _ netip.Addr) (bool, error) {
	return response == "solved", p.err
}

func TestTheCaptchaOfLoginsIsAskedForBindingToo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, c := range map[string]struct {
		puzzle   puzzle
		solution string
		check    func(error)
	}{
		"Solved":      {puzzle{}, "solved", func(err error) { require.NoError(t, err) }},
		"Wrong":       {puzzle{}, "wrong", func(err error) { require.ErrorIs(t, err, login.ErrCaptcha) }},
		"Missing":     {puzzle{}, "", func(err error) { require.ErrorIs(t, err, login.ErrCaptcha) }},
		"Unavailable": {puzzle{errors.New("down")}, "x", func(err error) { assert.Equal(t, authenticator.Unavailable, reason(t, err)) }},
	} {
		t.Run(name, func(t *testing.T) {
			config := w.loginConfig
			config.Captcha = c.puzzle
			flow, err := login.New(config)
			require.NoError(t, err)
			q := newPhone(t, grace).request()
			q.Captcha = c.solution
			b := w.binder(w.people, flow)
			_, err = b.Bind(t.Context(), q)
			c.check(err)
			_, err = b.SendCode(t.Context(), &wallet.CodeRequest{Identifier: q.Identifier, Captcha: c.solution})
			c.check(err)
		})
	}
}

func TestBindingsOfESignetAreTakenOver(t *testing.T) {
	t.Parallel()
	there, here := newWorld(t), newWorld(t)
	p := there.bound(grace)
	hash := sha3.Sum256([]byte(grace))
	imported := &wallet.ImportedBinding{
		IndividualHash: base64.RawURLEncoding.EncodeToString(hash[:]), WalletUserID: "eSignet's",
		Identity: authenticator.Identity{Subject: "person " + grace}, Certificate: p.certificate,
	}
	require.NoError(t, here.Import(t.Context(), imported))
	require.NoError(t, here.Import(t.Context(), imported), "again changes nothing")
	b, err := here.Validate(t.Context(), grace, consent.Thumbprint(p.certificate.Raw))
	require.NoError(t, err)
	assert.Equal(t, "eSignet's", b.WalletUserID)
	_, tx := here.linked()
	_, err = here.linker.Authenticate(t.Context(), tx, authenticator.Identifier{}, p.proof(now))
	require.NoError(t, err)

	stolen := *imported
	stolen.Identity.Subject = "person " + ada
	require.ErrorIs(t, here.Import(t.Context(), &stolen), wallet.ErrKey)
	require.Error(t, here.Import(t.Context(), &wallet.ImportedBinding{}))
	here.clock.advance(200 * 24 * time.Hour)
	require.ErrorIs(t, here.Import(t.Context(), imported), wallet.ErrKey)
}
