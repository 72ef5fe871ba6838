package authenticatortest

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/gosignet/signet/authenticator"
)

// bindingRules are for Authenticators that are KeyBinders. One that certifies nothing proves who the person is all the same.
var bindingRules = []rule{
	{
		name: "BindKey",
		rule: "With right answers BindKey returns the Subject that Authenticate does, and a State that works for claims.",
		why:  "The wallet logs the person in from then on: another subject is another person, and a dead state has no claims.",
		check: func(ctx context.Context, s *subject) error {
			if s.binder() == nil {
				return nil
			}
			known, err := s.login(ctx)
			if err != nil {
				return err
			}
			return s.eachFactor(func(f authenticator.Factor) error {
				binding, _, err := s.bind(ctx, f)
				switch {
				case err != nil:
					return fmt.Errorf("%s: right answer refused: %w", f, err)
				case binding.Identity.Subject != known.Subject:
					return fmt.Errorf("%s: the subject is %q, and %q to Authenticate", f, binding.Identity.Subject, known.Subject)
				case len(binding.Identity.State) > maxState:
					return fmt.Errorf("%s: the state has %d bytes", f, len(binding.Identity.State))
				}
				if _, err := s.claims(ctx, claimsRequest(binding.Identity, s.Claims, nil)); err != nil {
					return fmt.Errorf("%s: claims of whoever bound a key: %w", f, err)
				}
				return nil
			})
		},
	},
	{
		name: "BindKeyProves",
		rule: "BindKey refuses as Authenticate does: a wrong answer, somebody unknown, no answer, and a factor that is none.",
		why:  "A key that a stranger binds is the person's from then on, for months.",
		check: func(ctx context.Context, s *subject) error {
			if s.binder() == nil {
				return nil
			}
			key := newKey()
			refused := func(what string, id authenticator.Identifier, answers []authenticator.Challenge, want ...authenticator.Reason) error {
				_, err := s.bindKey(ctx, keyRequest(transaction(), id, key.jwk, answers...))
				return expectReason(what, err, want...)
			}
			foreign := authenticator.Challenge{Factor: "authenticatortest", Response: "anything"}
			err := s.eachFactor(func(f authenticator.Factor) error {
				for who, id := range map[string]authenticator.Identifier{"the person": s.Person, "somebody unknown": s.Unknown} {
					tx := transaction()
					wrong, err := s.wrong(ctx, tx, id, f)
					if err != nil {
						return err
					}
					_, err = s.bindKey(ctx, keyRequest(tx, id, key.jwk, wrong))
					if err := expectReason(fmt.Sprintf("%s, %s answered wrongly", who, f), err, authenticator.WrongCredentials); err != nil {
						return err
					}
				}
				tx := transaction()
				right, err := s.right(ctx, tx, f)
				if err != nil {
					return err
				}
				_, err = s.bindKey(ctx, keyRequest(tx, s.Person, key.jwk, right, foreign))
				return expectReason("an unknown factor beside a right answer", err, authenticator.Unsupported)
			})
			if err != nil {
				return err
			}
			if err := refused("an unknown factor", s.Person, []authenticator.Challenge{foreign}, authenticator.Unsupported); err != nil {
				return err
			}
			return refused("no answers", s.Person, nil, authenticator.Unsupported, authenticator.WrongCredentials)
		},
	},
	{
		name: "BindKeyCode",
		rule: "A code that bound a key is wrong from then on, for another key and for a login.",
		why:  "Who reads the message later must not bind their own key with it.",
		check: func(ctx context.Context, s *subject) error {
			if s.binder() == nil || s.sender() == nil {
				return nil
			}
			tx := transaction()
			code, err := s.right(ctx, tx, authenticator.OTP)
			if err != nil {
				return err
			}
			if _, err := s.bindKey(ctx, keyRequest(tx, s.Person, newKey().jwk, code)); err != nil {
				return fmt.Errorf("the code was refused: %w", err)
			}
			_, err = s.bindKey(ctx, keyRequest(tx, s.Person, newKey().jwk, code))
			if err := expectReason("a used code, for another key", err, authenticator.WrongCredentials, authenticator.CodeExpired); err != nil {
				return err
			}
			_, err = s.authenticate(ctx, request(tx, s.Person, code))
			return expectReason("a used code, for a login", err, authenticator.WrongCredentials, authenticator.CodeExpired)
		},
	},
	{
		name: "CertifiedKey",
		rule: "A certificate is X.509 in DER, of the key of the request, and may be had for one key after the other.",
		why:  "What the wallet signs is verified with it; of another key, somebody else is the person.",
		check: func(ctx context.Context, s *subject) error {
			if s.binder() == nil {
				return nil
			}
			for range 2 {
				binding, key, err := s.bind(ctx, s.factors()[0])
				if err != nil {
					return err
				}
				if err := key.certifiedBy(binding.Certificate); err != nil {
					return err
				}
			}
			return nil
		},
	},
	{
		name: "StrangeKeys",
		rule: "What is no public key is not certified, whoever brings it.",
		why:  "The key is what a stranger sends.",
		check: func(ctx context.Context, s *subject) error {
			if s.binder() == nil {
				return nil
			}
			f := s.factors()[0]
			for _, key := range []string{
				"", "null", "[]", "{}", `"key"`, "\xff", `{"kty":"EC"}`, `{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}`,
				`{"kty":"oct","k":"AAAAAAAAAAAAAAAAAAAAAA"}`, `{"kty":"RSA","n":"AQAB","e":"AA"}`, strings.Repeat("[", 64<<10),
			} {
				tx := transaction()
				answer, err := s.right(ctx, tx, f)
				if err != nil {
					return err
				}
				binding, err := s.bindKey(ctx, keyRequest(tx, s.Person, json.RawMessage(key), answer))
				if _, broken := errors.AsType[brokenError](err); broken {
					return fmt.Errorf("the key %.40q: %w", key, err)
				}
				if err == nil && len(binding.Certificate) > 0 {
					return fmt.Errorf("the key %.40q was certified", key)
				}
			}
			return nil
		},
	},
	{
		name: "SilentBindings",
		rule: "No error of BindKey contains the identifier or an answer.",
		why:  "Errors are logged, and logs are read by people who must not know who has a wallet.",
		check: func(ctx context.Context, s *subject) error {
			if s.binder() == nil {
				return nil
			}
			return s.eachFactor(func(f authenticator.Factor) error {
				for _, id := range []authenticator.Identifier{s.Person, s.Unknown} {
					tx := transaction()
					wrong, err := s.wrong(ctx, tx, id, f)
					if err != nil {
						return silent(err, id.Value)
					}
					_, err = s.bindKey(ctx, keyRequest(tx, id, newKey().jwk, wrong))
					if err := silent(err, append(texts(wrong.Response), id.Value)...); err != nil {
						return fmt.Errorf("%s: %w", f, err)
					}
				}
				return nil
			})
		},
	},
	{
		name: "ConcurrentBindings",
		rule: "Keys that are bound at the same time do not get each other's certificates.",
		why:  "A certificate of another key makes somebody else the person.",
		check: func(ctx context.Context, s *subject) error {
			if s.binder() == nil {
				return nil
			}
			errs := make([]error, concurrent/4)
			start := make(chan struct{})
			var wg sync.WaitGroup
			for i := range errs {
				wg.Go(func() {
					<-start
					binding, key, err := s.bind(ctx, s.factors()[0])
					if err == nil {
						err = key.certifiedBy(binding.Certificate)
					}
					errs[i] = err
				})
			}
			close(start)
			wg.Wait()
			return errors.Join(errs...)
		},
	},
}

// binder returns the KeyBinder, or nil.
func (s *subject) binder() authenticator.KeyBinder {
	binder, _ := s.Authenticator.(authenticator.KeyBinder)
	return binder
}

func (s *subject) bindKey(ctx context.Context, r *authenticator.KeyBindingRequest) (*authenticator.KeyBinding, error) {
	return call(s.patience, "BindKey", func() (*authenticator.KeyBinding, error) { return s.binder().BindKey(ctx, r) })
}

// bind answers one factor rightly, and has a key of its own bound.
func (s *subject) bind(ctx context.Context, f authenticator.Factor) (*authenticator.KeyBinding, *walletKey, error) {
	tx, key := transaction(), newKey()
	answer, err := s.right(ctx, tx, f)
	if err != nil {
		return nil, nil, err
	}
	binding, err := s.bindKey(ctx, keyRequest(tx, s.Person, key.jwk, answer))
	return binding, key, err
}

func keyRequest(
	transaction string, id authenticator.Identifier, key json.RawMessage, answers ...authenticator.Challenge,
) *authenticator.KeyBindingRequest {
	return &authenticator.KeyBindingRequest{
		Request: *request(transaction, id, answers...), Factor: authenticator.Wallet, Key: key,
		Header: map[string]string{"partner-id": client, "partner-api-key": client},
	}
}

// walletKey is the key of a wallet.
type walletKey struct {
	public *ecdsa.PublicKey
	jwk    json.RawMessage
}

func newKey() *walletKey {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil { // which crypto/rand never has
		panic(err)
	}
	point, err := private.PublicKey.Bytes()
	if err != nil {
		panic(err)
	}
	coordinate := base64.RawURLEncoding.EncodeToString // after the 4 of an uncompressed point
	jwk := fmt.Sprintf(`{"kty":"EC","crv":"P-256","x":%q,"y":%q}`, coordinate(point[1:33]), coordinate(point[33:]))
	return &walletKey{public: &private.PublicKey, jwk: json.RawMessage(jwk)}
}

// certifiedBy says what is wrong with the certificate, if there is one.
func (k *walletKey) certifiedBy(der []byte) error {
	if len(der) == 0 {
		return nil
	}
	certificate, err := x509.ParseCertificate(der)
	switch {
	case err != nil:
		return fmt.Errorf("the certificate is not X.509 in DER: %w", err)
	case !k.public.Equal(certificate.PublicKey):
		return errors.New("the certificate is of another key")
	case !certificate.NotAfter.After(certificate.NotBefore):
		return errors.New("the certificate is never valid")
	}
	return nil
}
