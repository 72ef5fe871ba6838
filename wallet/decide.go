package wallet

import (
	"context"
	"fmt"
	"slices"

	"github.com/go-jose/go-jose/v4"

	"github.com/gosignet/signet/consent"
	"github.com/gosignet/signet/login"
)

// Decision is what a person decided in their wallet.
type Decision struct {
	// Claims are those that they share, out of Transaction.Essential and Voluntary; Scopes those that they grant.
	Claims, Scopes []string
	// Language is the one in which the wallet asked (BCP 47).
	Language string
	// Signature is the wallet's: [consent.WalletProof].Signature over [consent.WalletPayload]. It may be empty if
	// LinkerConfig.UnsignedConsent says so.
	Signature string
}

// Consent takes what the person decided, and ends the login. The wallet must have proved who the person is, and signs with a
// key that is bound to them; a signature that is not valid is [consent.ErrWallet], what was not asked for is ErrDecision,
// and both come together with the Transaction, as [login.ErrStep] does and the errors of [login.Flow.Decide] may. In a login
// that is over nothing changes.
func (l *Linker) Consent(ctx context.Context, handle string, d Decision) (*Transaction, error) {
	v, err := l.visit(ctx, handle)
	if err != nil {
		return nil, err
	}
	switch {
	case v.state.Step == login.StepDone:
		return v.show(), nil
	case v.state.Step != login.StepConsent, len(v.link.Proved) == 0, !v.own():
		return v.show(), login.ErrStep
	}
	if beyond(d.Claims, slices.Concat(v.state.Essential, v.state.Voluntary)) || beyond(d.Scopes, v.state.Scopes) {
		return v.show(), ErrDecision
	}
	decision := login.Decision{Claims: d.Claims, Scopes: d.Scopes, Language: d.Language}
	if d.Signature != "" || !l.config.UnsignedConsent {
		proof, err := v.verify(ctx, d)
		if err != nil {
			return v.show(), err
		}
		decision = decision.Signed(proof)
	}
	state, err := l.config.Flow.Decide(ctx, v.login, decision)
	if ok, err := v.take(ctx, state, err); !ok {
		return nil, err
	}
	if err == nil {
		v.forget(ctx)
	}
	return v.show(), err
}

// Cancel ends the login at the person's wish: the client is told access_denied. A login that is over stays as it is.
func (l *Linker) Cancel(ctx context.Context, handle string) (*Transaction, error) {
	v, err := l.visit(ctx, handle)
	if err != nil {
		return nil, err
	}
	state, err := l.config.Flow.Cancel(ctx, v.login)
	if ok, err := v.take(ctx, state, err); !ok {
		return nil, err
	}
	v.forget(ctx)
	return v.show(), err
}

// verify finds the key of the person that signed the decision.
func (v *visit) verify(ctx context.Context, d Decision) (*consent.WalletProof, error) {
	if v.link.Individual == "" || v.config.Bindings == nil {
		return nil, fmt.Errorf("%w: no key is bound", consent.ErrWallet)
	}
	bindings, err := v.config.Bindings.WalletBindings(ctx, v.link.Individual)
	if err != nil {
		return nil, err
	}
	err = fmt.Errorf("%w: no key is bound", consent.ErrWallet)
	for _, b := range bindings {
		proof := &consent.WalletProof{
			Signature: d.Signature, Key: jose.JSONWebKey{Key: b.Certificate.PublicKey},
			Thumbprint: consent.Thumbprint(b.Certificate.Raw),
		}
		if err = proof.Verify(consent.Decision{Claims: d.Claims, Scopes: d.Scopes}); err == nil {
			return proof, nil
		}
	}
	return nil, err
}

// forget forgets the individual ID once the login is over. If that fails, the record's end does.
func (v *visit) forget(ctx context.Context) {
	if v.link.Individual == "" {
		return
	}
	if err := v.update(context.WithoutCancel(ctx), func(r *link) { r.Individual = "" }); err != nil {
		v.config.Logger.WarnContext(ctx, "an individual ID is kept until its login expires", "transaction", login.ID(v.login), "error", err)
	}
}

func beyond(chosen, asked []string) bool {
	return slices.ContainsFunc(chosen, func(name string) bool { return !slices.Contains(asked, name) })
}
