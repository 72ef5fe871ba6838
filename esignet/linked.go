package esignet

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"time"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/store"
	"github.com/gosignet/signet/wallet"
)

// The scopes that a bearer token needs to bind a wallet.
const (
	ScopeBindingOTP    = "send_binding_otp"
	ScopeWalletBinding = "wallet_binding"
)

// maxLinkedWait bounds how long a browser may wait in one call.
const maxLinkedWait = time.Minute

// WalletConfig configures wallets: linked logins, and the binding of keys.
//
// Limits, delays and captchas are those of the Flow and the Binder, for all versions of a call. A call with a one-time code
// or an answer may have the captchaToken, and without it is answered with invalid_captcha where a captcha is due.
type WalletConfig struct {
	// Linker takes wallets through logins, of the same flow as Authorization. Required. The first versions of consent have
	// no signature: they are refused unless its configuration says that wallets need not sign.
	Linker *wallet.Linker
	// Binder binds wallets. Nil means that /binding is not served.
	Binder *wallet.Binder
	// Guard lets those through whose bearer token has the scope, to /binding. Nil means nobody, which New refuses, unless
	// OpenBinding says that everybody may call it.
	Guard       func(scope string, h http.Handler) http.Handler
	OpenBinding bool
	// PlainUserID returns the walletUserId as it is, instead of encrypted to the key of the wallet, which has to be RSA.
	PlainUserID bool
	// Challenges are the formats and lengths of answers to challenges, by the type of their factor. Nil means those of
	// [DefaultChallenges].
	Challenges map[string]Challenge
	// Channels are those by which the identity system sends codes. Nil means those of Authorization, or that it chooses
	// between telephone and e-mail.
	Channels []authenticator.Channel
	// Configs are the settings that wallets find in "configs". Nil means those of the pages of Authorization, but for the form
	// and what is the client's.
	Configs map[string]any
	// Wait is how long link-status and link-auth-code wait, at most a minute. Zero means 25 seconds.
	Wait time.Duration
}

// wallets serves the part.
type wallets struct {
	*WalletConfig
	api *API
	// requests are what the part Authorization keeps of the requests, under the handle of the login.
	requests store.Bucket[linkedRequest]
}

// linkedRequest is what the browser is told of its own request.
type linkedRequest struct {
	Nonce *string `json:"nonce,omitempty"`
	State *string `json:"state,omitempty"`
}

// serve mounts the endpoints.
func (c *WalletConfig) serve(a *API) error {
	if c == nil {
		return nil
	}
	config := *c
	if config.Challenges == nil {
		config.Challenges = DefaultChallenges()
	}
	a.makeRoom(config.Challenges)
	if config.Channels == nil && a.pages != nil {
		config.Channels = a.pages.Channels
	}
	if config.Wait == 0 {
		config.Wait = 25 * time.Second
	}
	var errs []error
	if c.Linker == nil {
		errs = append(errs, errors.New("esignet: Wallet.Linker is required"))
	}
	if config.Wait < 0 || config.Wait > maxLinkedWait {
		errs = append(errs, errors.New("esignet: Wallet.Wait must be at most a minute"))
	}
	if c.Binder != nil && (c.Guard == nil) != c.OpenBinding {
		errs = append(errs, errors.New("esignet: Wallet.Binder needs Guard, or OpenBinding, and not both"))
	}
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	a.linker = c.Linker
	w := &wallets{
		WalletConfig: &config, api: a,
		requests: store.Bucket[linkedRequest]{Store: a.store, Name: "esignet", Now: a.now},
	}
	const linked = "POST /linked-authorization/"
	proof := formatted[*linkedProof](config.Challenges)
	a.handle(linked+"link-code", enveloped(a, w.linkCode))
	a.handle(linked+"link-status", enveloped(a, w.linkStatus))
	a.handle(linked+"link-auth-code", enveloped(a, w.linkAuthCode))
	a.handle(linked+"send-otp", sourced(enveloped(a, w.sendOTP, among[*linkedCodeRequest](config.Channels))))
	a.handle(linked+"link-transaction", enveloped(a, w.linkTransactionV1))
	a.handle(linked+"v2/link-transaction", enveloped(a, w.linkTransactionV2))
	a.handle(linked+"authenticate", sourced(enveloped(a, w.authenticateV1, proof)))
	a.handle(linked+"v2/authenticate", sourced(enveloped(a, w.authenticateV2, proof)))
	a.handle(linked+"consent", enveloped(a, w.consentV1))
	a.handle(linked+"v2/consent", enveloped(a, w.consentV2))
	if c.Binder != nil {
		guard := c.Guard
		if guard == nil {
			guard = func(_ string, h http.Handler) http.Handler { return h }
		}
		a.handle("POST /binding/binding-otp", guard(ScopeBindingOTP, sourced(enveloped(a, w.bindingOTPV1, among[*bindingCodeRequest](config.Channels)))))
		a.handle("POST /binding/v2/binding-otp", guard(ScopeBindingOTP, sourced(enveloped(a, w.bindingOTPV2, among[*bindingCodeV2](config.Channels)))))
		a.handle("POST /binding/wallet-binding", guard(ScopeWalletBinding, sourced(enveloped(a, w.bind, formatted[*bindingRequest](config.Challenges)))))
	}
	return nil
}

// sourced says where a request comes from, for limits by address.
func sourced(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if source, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
			r = r.WithContext(login.WithSource(r.Context(), source.Addr().Unmap()))
		}
		next.ServeHTTP(w, r)
	})
}

// linkError is what the caller learns of an error of the Linker.
func linkError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, wallet.ErrCode):
		return fail("invalid_link_code", err)
	case errors.Is(err, wallet.ErrCodes):
		return fail("link_code_limit_reached", err)
	case errors.Is(err, wallet.ErrTransaction), errors.Is(err, wallet.ErrLinked), errors.Is(err, login.ErrUnknown),
		errors.Is(err, login.ErrStep):
		return fail(invalidTransaction, err)
	}
	return err
}

// transaction is the link transaction of a wallet.
func (p *wallets) transaction(ctx context.Context, handle text) (*wallet.Transaction, error) {
	t, err := p.Linker.Transaction(ctx, string(handle))
	return t, linkError(err)
}
