package wallet

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/gosignet/signet/audit"
	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/store"
)

// BindRequest asks to bind a wallet.
type BindRequest struct {
	// Identifier says who the person is; its value is the individual ID, which the wallet will put into what it signs.
	Identifier authenticator.Identifier
	// Challenges prove it. Their factors are one of RegistryConfig.Accept.
	Challenges []authenticator.Challenge
	// Key is the wallet's public key, a JWK; see [ParseKey].
	Key json.RawMessage
	// Captcha is the response to a captcha, if one was shown.
	Captcha string
	// Locales are the person's languages in order of preference.
	Locales []string
	// Header is for an [authenticator.KeyBinder].
	Header map[string]string
}

// Bound is what a wallet gets.
type Bound struct {
	// WalletUserID is random, and stays the same when a binding is replaced. It may be encrypted to Key.
	WalletUserID string
	Key          jose.JSONWebKey
	// Certificate is for the key, and the binding ends with it. Chain is that of the authority, its own certificate first;
	// empty if the identity system issued the certificate.
	Certificate *x509.Certificate
	Chain       []*x509.Certificate
	ExpiresAt   time.Time
	// Replaced says that the person had a wallet bound, which is bound no longer.
	Replaced bool
}

// Bind binds a key to the person who answers the challenges, in place of the one that was bound. Of two that are bound at the
// same time, the later stays.
//
// The error is an *[authenticator.Error] that the person should hear about, [login.ErrCaptcha], ErrKey, or that of a
// backend. After the last nothing is bound that was not, and the person may try again, with new challenges if theirs count
// once.
func (b *Binder) Bind(ctx context.Context, q *BindRequest) (*Bound, error) {
	request := *q
	request.Identifier.Value = strings.TrimSpace(q.Identifier.Value)
	request.Header = maps.Clone(q.Header)
	public, err := ParseKey(request.Key)
	if err != nil {
		return nil, b.refused(ctx, audit.DeviceEnrolled, "", err)
	}
	if err := b.check(&request); err != nil {
		return nil, b.refused(ctx, audit.DeviceEnrolled, "", err)
	}
	proof, transaction, err := b.prove(ctx, &request)
	if err != nil {
		return nil, b.refused(ctx, audit.DeviceEnrolled, transaction, err)
	}
	bound, err := b.bind(ctx, individualHash(request.Identifier.Value), public, proof)
	if err != nil {
		return nil, b.refused(ctx, audit.DeviceEnrolled, transaction, err)
	}
	b.audit(ctx, audit.Event{Type: audit.DeviceEnrolled, Outcome: audit.Success, Transaction: transaction, Factors: wallets()})
	return bound, nil
}

func (b *Binder) bind(
	ctx context.Context, hash string, public jose.JSONWebKey, proof *authenticator.KeyBinding,
) (*Bound, error) {
	at := b.registry.name("person", proof.Identity.Subject)
	before, err := b.registry.bindings.Get(ctx, at)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, fmt.Errorf("wallet: the ledger: %w", err)
	}
	id := before.Value.WalletUserID
	if id == "" || !before.Value.RevokedAt.IsZero() {
		id = store.NewHandle()
	}
	bound := &Bound{WalletUserID: id, Key: public}
	if len(proof.Certificate) > 0 {
		bound.Certificate, err = b.accept(proof.Certificate, public)
	} else if b.config.Keys == nil {
		err = &authenticator.Error{Reason: authenticator.Unavailable, Err: errors.New("wallet: the Verifier certified nothing")}
	} else {
		bound.Certificate, bound.Chain, err = b.certify(ctx, id, public.Key)
	}
	if err != nil {
		return nil, err
	}
	bound.ExpiresAt = bound.Certificate.NotAfter
	return bound, b.registry.keep(ctx, at, hash, bound, &proof.Identity)
}

// accept reads a certificate that the identity system issued.
func (b *Binder) accept(der []byte, public jose.JSONWebKey) (*x509.Certificate, error) {
	certificate, err := x509.ParseCertificate(der)
	if err == nil {
		chain := []*x509.Certificate{certificate}
		err = errors.Join(keystore.CheckCertificates(public.Key, chain), keystore.CheckCertificateTime(chain, b.config.Now()))
	}
	if err != nil {
		return nil, &authenticator.Error{Reason: authenticator.Unavailable, Err: fmt.Errorf("wallet: the Verifier's certificate: %w", err)}
	}
	return certificate, nil
}

func wallets() []string { return []string{string(authenticator.Wallet)} }

func (b *Binder) audit(ctx context.Context, e audit.Event) {
	e.Time = b.config.Now()
	b.config.Audit.Record(ctx, e)
}

// refused records what came of an attempt, and returns why.
func (b *Binder) refused(ctx context.Context, what audit.Type, transaction string, err error) error {
	e := audit.Event{Type: what, Outcome: audit.Refused, Transaction: transaction, Factors: wallets()}
	if what == audit.CodeSent {
		e.Factors = []string{string(authenticator.OTP)}
	}
	cause, ok := errors.AsType[*authenticator.Error](err)
	switch {
	case ok && cause.Reason != authenticator.Unavailable:
		e.Reason = string(cause.Reason)
	case errors.Is(err, login.ErrCaptcha):
		e.Reason = "captcha"
	case errors.Is(err, ErrKey):
		e.Reason = "key"
	default:
		e.Outcome, e.Reason = audit.Failed, string(authenticator.Unavailable)
	}
	b.audit(ctx, e)
	return err
}
