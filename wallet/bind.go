package wallet

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/gosignet/signet/audit"
	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/store"
)

// maxIndividuals is with how many individual IDs a person can use a wallet. The one that was used for binding longest ago is
// forgotten first.
const maxIndividuals = 8

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
func (r *Registry) Bind(ctx context.Context, q *BindRequest) (*Bound, error) {
	request := *q
	request.Identifier.Value = strings.TrimSpace(q.Identifier.Value)
	request.Header = maps.Clone(q.Header)
	public, err := ParseKey(request.Key)
	if err != nil {
		return nil, r.refused(ctx, audit.DeviceEnrolled, "", err)
	}
	if err := r.check(&request); err != nil {
		return nil, r.refused(ctx, audit.DeviceEnrolled, "", err)
	}
	proof, transaction, err := r.prove(ctx, &request)
	if err != nil {
		return nil, r.refused(ctx, audit.DeviceEnrolled, transaction, err)
	}
	bound, err := r.bind(ctx, individualHash(request.Identifier.Value), public, proof)
	if err != nil {
		return nil, r.refused(ctx, audit.DeviceEnrolled, transaction, err)
	}
	r.audit(ctx, audit.Event{Type: audit.DeviceEnrolled, Outcome: audit.Success, Transaction: transaction, Factors: wallets()})
	return bound, nil
}

func (r *Registry) bind(
	ctx context.Context, hash string, public jose.JSONWebKey, proof *authenticator.KeyBinding,
) (*Bound, error) {
	at := r.name("person", proof.Identity.Subject)
	before, err := r.bindings.Get(ctx, at)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, fmt.Errorf("wallet: the ledger: %w", err)
	}
	id := before.Value.WalletUserID
	if id == "" || !before.Value.RevokedAt.IsZero() {
		id = store.NewHandle()
	}
	b := &Bound{WalletUserID: id, Key: public}
	if proof.Certificate != nil {
		b.Certificate, err = r.accept(proof.Certificate, public)
	} else if r.config.Keys == nil {
		err = &authenticator.Error{Reason: authenticator.Unavailable, Err: errors.New("wallet: the Verifier certified nothing")}
	} else {
		b.Certificate, b.Chain, err = r.certify(ctx, id, public.Key)
	}
	if err != nil {
		return nil, err
	}
	b.ExpiresAt = b.Certificate.NotAfter
	return b, r.keep(ctx, at, hash, b, &proof.Identity)
}

// accept reads a certificate that the identity system issued.
func (r *Registry) accept(der []byte, public jose.JSONWebKey) (*x509.Certificate, error) {
	certificate, err := x509.ParseCertificate(der)
	if err == nil {
		chain := []*x509.Certificate{certificate}
		err = errors.Join(keystore.CheckCertificates(public.Key, chain), keystore.CheckCertificateTime(chain, r.config.Now()))
	}
	if err != nil {
		return nil, &authenticator.Error{Reason: authenticator.Unavailable, Err: fmt.Errorf("wallet: the Verifier's certificate: %w", err)}
	}
	return certificate, nil
}

// keep writes the binding down. What leads to it is written before, and holds nothing that was not proved, so that the
// binding itself is replaced in one step.
func (r *Registry) keep(ctx context.Context, at, hash string, b *Bound, who *authenticator.Identity) error {
	print, err := thumbprint(b.Certificate.PublicKey)
	if err != nil {
		return err
	}
	if err := r.claim(ctx, print, at, b.ExpiresAt); err != nil {
		return err
	}
	if err := r.lead(ctx, at, hash, who.Subject, b.ExpiresAt); err != nil {
		return err
	}
	state, err := r.seal("state", who.Subject, who.State)
	if err != nil {
		return err
	}
	pointer := r.name("individual", hash)
	now := r.config.Now()
	e, err := r.bindings.Update(ctx, at, func(e *store.Entry[binding]) error {
		v := &e.Value
		b.Replaced = v.Certificate != nil && v.RevokedAt.IsZero()
		if b.Replaced { // which another request may have bound just now
			b.WalletUserID = v.WalletUserID
		}
		individuals := append(slices.DeleteFunc(slices.Clone(v.Individuals), func(s string) bool { return s == pointer }), pointer)
		*v = binding{
			WalletUserID: b.WalletUserID, Certificate: b.Certificate.Raw, Key: print, State: state, BoundAt: now,
			Individuals: individuals[max(0, len(individuals)-maxIndividuals):],
		}
		e.ExpiresAt = b.ExpiresAt
		return nil
	})
	if err != nil {
		return fmt.Errorf("wallet: the ledger: %w", err)
	}
	for _, other := range e.Value.Individuals { // the others live as long as what they lead to
		if other == pointer {
			continue
		}
		if err := r.prolong(ctx, other, at, b.ExpiresAt); err != nil {
			r.config.Logger.WarnContext(ctx, "an individual ID may stop to lead to its wallet early", "error", err)
		}
	}
	return nil
}

// claim makes a key the person's own, unless it is somebody else's.
func (r *Registry) claim(ctx context.Context, print, at string, until time.Time) error {
	_, err := r.keys.Update(ctx, print, func(e *store.Entry[key]) error {
		switch {
		case e.Version > 0 && e.Value.Binding != at:
			return fmt.Errorf("%w: it is somebody else's", ErrKey)
		case e.Value.Revoked:
			return fmt.Errorf("%w: it was revoked", ErrKey)
		}
		e.Value.Binding = at
		if until.After(e.ExpiresAt) {
			e.ExpiresAt = until
		}
		return nil
	})
	if err != nil && !errors.Is(err, ErrKey) {
		err = fmt.Errorf("wallet: the ledger: %w", err)
	}
	return err
}

// lead makes the individual ID lead to the binding.
func (r *Registry) lead(ctx context.Context, at, hash, subject string, until time.Time) error {
	sealed, err := r.seal("subject", hash, []byte(subject))
	if err != nil {
		return err
	}
	_, err = r.individuals.Update(ctx, r.name("individual", hash), func(e *store.Entry[individual]) error {
		e.Value, e.Owner, e.ExpiresAt = individual{Binding: at, Subject: sealed}, at, until
		return nil
	})
	if err != nil {
		return fmt.Errorf("wallet: the ledger: %w", err)
	}
	return nil
}

var errGone = errors.New("wallet: it leads elsewhere now")

func (r *Registry) prolong(ctx context.Context, pointer, at string, until time.Time) error {
	_, err := r.individuals.Update(ctx, pointer, func(e *store.Entry[individual]) error {
		if e.Value.Binding != at {
			return errGone
		}
		e.ExpiresAt = until
		return nil
	})
	if errors.Is(err, errGone) {
		return nil
	}
	return err
}

func wallets() []string { return []string{string(authenticator.Wallet)} }

func (r *Registry) audit(ctx context.Context, e audit.Event) {
	e.Time = r.config.Now()
	r.config.Audit.Record(ctx, e)
}

// refused records what came of an attempt, and returns why.
func (r *Registry) refused(ctx context.Context, what audit.Type, transaction string, err error) error {
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
	r.audit(ctx, e)
	return err
}
