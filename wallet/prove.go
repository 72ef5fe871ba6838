package wallet

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gosignet/signet/audit"
	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/store"
)

const (
	maxChallenges = 5
	// codeLife is for how long a code that was sent belongs to the transaction in which it was.
	codeLife = 10 * time.Minute

	// Bounds of what a Verifier says, from the contract of package authenticator.
	maxSubject = 256
	maxState   = 8 << 10
)

// CodeRequest asks for a one-time code, with which a wallet is then bound.
type CodeRequest struct {
	Identifier authenticator.Identifier
	// Channels are those by which the code is to come. None leaves it to the identity system.
	Channels []authenticator.Channel
	// Captcha is the response to a captcha, if one was shown.
	Captcha string
	// Locales are the person's languages in order of preference.
	Locales []string
}

// SendCode has a one-time code sent to the person. The error is an *[authenticator.Error] that the person should hear about,
// [login.ErrCaptcha], or that of a backend. Whether the person exists is not to be learnt from it.
func (b *Binder) SendCode(ctx context.Context, q *CodeRequest) (*authenticator.CodeReceipt, error) {
	id := q.Identifier
	id.Value = strings.TrimSpace(id.Value)
	sender, ok := b.config.Verifier.(authenticator.CodeSender)
	if !ok {
		return nil, &authenticator.Error{Reason: authenticator.Unsupported}
	}
	for _, c := range q.Channels {
		if channels, ok := sender.(authenticator.ChannelSender); !ok || !slices.Contains(channels.Channels(), c) {
			return nil, &authenticator.Error{Reason: authenticator.Unsupported}
		}
	}
	if err := id.Validate(); err != nil {
		return nil, &authenticator.Error{Reason: authenticator.WrongCredentials, Err: err}
	}
	release, err := b.config.Attempts.Try(ctx, login.UseCode, id, q.Captcha)
	if err != nil {
		return nil, b.refused(ctx, audit.CodeSent, "", err)
	}
	transaction, err := b.transaction(ctx, id)
	if err != nil {
		release(context.WithoutCancel(ctx))
		return nil, err
	}
	receipt, err := contain(ctx, b, func(ctx context.Context) (*authenticator.CodeReceipt, error) {
		receipt, err := sender.SendCode(ctx, &authenticator.CodeRequest{
			Transaction: transaction, ClientID: b.config.ClientID, Identifier: id,
			Channels: slices.Clone(q.Channels), Locales: slices.Clone(q.Locales),
		})
		if err == nil && receipt == nil {
			err = errors.New("no receipt")
		}
		return receipt, err
	})
	if err != nil {
		return nil, b.refused(ctx, audit.CodeSent, transaction, err)
	}
	b.audit(ctx, audit.Event{
		Type: audit.CodeSent, Outcome: audit.Success, Transaction: transaction, Factors: []string{string(authenticator.OTP)},
	})
	return receipt, nil
}

// transaction is the one in which a person is being identified: a code that was sent counts in the same. Nobody outside
// learns it.
func (b *Binder) transaction(ctx context.Context, id authenticator.Identifier) (string, error) {
	key := b.transactionKey(id)
	var random [16]byte
	rand.Read(random[:])
	fresh := base64.RawURLEncoding.EncodeToString(random[:])
	err := b.config.Store.Add(ctx, key, []byte(fresh), codeLife)
	if err == nil {
		return fresh, nil
	}
	if errors.Is(err, store.ErrExists) {
		var known []byte
		if known, err = b.config.Store.Get(ctx, key); err == nil {
			return string(known), nil
		}
		if errors.Is(err, store.ErrNotFound) { // it ended just now
			return fresh, nil
		}
	}
	return "", fmt.Errorf("wallet: the store: %w", err)
}

func (b *Binder) transactionKey(id authenticator.Identifier) string {
	return "wallet-proof:" + b.registry.name("transaction", id.Type+":"+id.Value)
}

// check says whether the request can be answered by one of the accepted combinations of factors.
func (b *Binder) check(q *BindRequest) error {
	if err := q.Identifier.Validate(); err != nil {
		return &authenticator.Error{Reason: authenticator.WrongCredentials, Err: err}
	}
	if len(q.Challenges) > maxChallenges {
		return &authenticator.Error{Reason: authenticator.Unsupported}
	}
	var given []authenticator.Factor
	for _, c := range q.Challenges {
		given = append(given, c.Factor)
	}
	accepted := slices.ContainsFunc(b.config.Accept, func(set authenticator.FactorSet) bool {
		return slices.Equal(slices.Sorted(slices.Values(set)), slices.Sorted(slices.Values(given)))
	})
	if !accepted {
		return &authenticator.Error{Reason: authenticator.Unsupported}
	}
	for _, c := range q.Challenges {
		if c.Response == "" || len(c.Response) > authenticator.TraitsOf(b.config.Verifier, c.Factor).MaxResponse {
			return &authenticator.Error{Reason: authenticator.WrongCredentials}
		}
	}
	return nil
}

// prove has the Verifier prove who the person is, and certify the key if it does that. A right answer is not counted.
func (b *Binder) prove(ctx context.Context, q *BindRequest) (proof *authenticator.KeyBinding, transaction string, err error) {
	release, err := b.config.Attempts.Try(ctx, login.UseAnswer, q.Identifier, q.Captcha)
	if err != nil {
		return nil, "", err
	}
	if transaction, err = b.transaction(ctx, q.Identifier); err != nil {
		release(context.WithoutCancel(ctx))
		return nil, "", err
	}
	request := authenticator.Request{
		Transaction: transaction, ClientID: b.config.ClientID, Identifier: q.Identifier,
		Challenges: slices.Clone(q.Challenges), Locales: slices.Clone(q.Locales),
	}
	proof, err = contain(ctx, b, func(ctx context.Context) (*authenticator.KeyBinding, error) {
		if binder, ok := b.config.Verifier.(authenticator.KeyBinder); ok {
			proof, err := binder.BindKey(ctx, &authenticator.KeyBindingRequest{
				Request: request, Factor: authenticator.Wallet, Key: slices.Clone(q.Key), Header: q.Header,
			})
			if err == nil && (proof == nil || !validIdentity(&proof.Identity)) {
				err = errors.New("no identity")
			}
			return proof, err
		}
		identity, err := b.config.Verifier.Authenticate(ctx, &request)
		if err != nil {
			return nil, err
		}
		if identity == nil || !validIdentity(identity) {
			return nil, errors.New("no identity")
		}
		return &authenticator.KeyBinding{Identity: *identity}, nil
	})
	if err != nil {
		return nil, transaction, err
	}
	release(context.WithoutCancel(ctx))
	// The next to bind is not in this transaction any more.
	if _, err := b.config.Store.Take(ctx, b.transactionKey(q.Identifier)); err != nil && !errors.Is(err, store.ErrNotFound) {
		b.config.Logger.WarnContext(ctx, "a transaction of a wallet could not be ended", "error", err)
	}
	return proof, transaction, nil
}

func validIdentity(i *authenticator.Identity) bool {
	return i.Subject != "" && len(i.Subject) <= maxSubject && len(i.State) <= maxState && utf8.ValidString(i.Subject)
}

// contain calls the Verifier for as long as it may take. Its error is an *[authenticator.Error], or that of the context:
// the text of any other may hold what the person typed.
func contain[T any](ctx context.Context, b *Binder, call func(context.Context) (T, error)) (v T, err error) {
	bounded, cancel := context.WithTimeout(ctx, b.config.Timeout)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			b.config.Logger.ErrorContext(ctx, "authenticator panicked", "type", fmt.Sprintf("%T", p))
			err = &authenticator.Error{Reason: authenticator.Unavailable}
		}
	}()
	v, err = call(bounded)
	if err == nil {
		return v, nil
	}
	if ctx.Err() != nil {
		return v, fmt.Errorf("wallet: the authenticator: %w", ctx.Err())
	}
	if e, ok := errors.AsType[*authenticator.Error](err); ok && e != nil {
		return v, e
	}
	b.config.Logger.ErrorContext(ctx, "authenticator failed", "type", fmt.Sprintf("%T", err))
	return v, &authenticator.Error{Reason: authenticator.Unavailable}
}
