package authenticatortest

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/gosignet/signet/authenticator"
)

// concurrent is how many calls are made at once.
const concurrent = 64

var callRules = []rule{
	{
		name: "EndedContext",
		rule: "When its context has ended, a call returns at once, with the context's error or Unavailable.",
		why:  "People hang up: work for them takes from others, and WrongCredentials would cost them an attempt.",
		check: func(ctx context.Context, s *subject) error {
			identity, err := s.login(ctx)
			if err != nil {
				return err
			}
			ended, cancel := context.WithCancel(ctx)
			cancel()
			err = s.eachFactor(func(f authenticator.Factor) error {
				tx := transaction()
				answer, err := s.right(ctx, tx, f)
				if err != nil {
					return err
				}
				_, err = s.authenticate(ended, request(tx, s.Person, answer))
				return expectEnded("Authenticate", err)
			})
			if err == nil && s.sender() != nil {
				_, err = s.sendCode(ended, codeRequest(transaction(), s.Person))
				err = expectEnded("SendCode", err)
			}
			if err == nil && len(s.Claims) > 0 {
				_, err = s.claims(ended, claimsRequest(*identity, s.Claims, nil))
				err = expectEnded("Claims", err)
			}
			if err == nil {
				var all *[]authenticator.VerifiedClaims
				if all, err = s.ask(ended, verificationRequest(*identity, s.Claims)); all != nil || err != nil {
					err = expectEnded("Verifications", err)
				}
			}
			if err == nil && s.binder() != nil {
				tx := transaction()
				answer, rightErr := s.right(ctx, tx, s.factors()[0])
				if rightErr != nil {
					return rightErr
				}
				_, err = s.bindKey(ended, keyRequest(tx, s.Person, newKey().jwk, answer))
				err = expectEnded("BindKey", err)
			}
			if err == nil {
				var today *authenticator.Identity
				if today, err = s.recall(ended, identity); today != nil || err != nil {
					err = expectEnded("Recall", err)
				}
			}
			return err
		},
	},
	{
		name: "ConcurrentCalls",
		rule: "Calls at the same time do not disturb each other.",
		why:  "A provider serves many people at once; mixing them up is the worst that it can do.",
		check: func(ctx context.Context, s *subject) error {
			identity, err := s.login(ctx)
			if err != nil {
				return err
			}
			factors := s.factors()
			errs := make([]error, concurrent)
			start := make(chan struct{})
			var wg sync.WaitGroup
			for i := range concurrent {
				wg.Go(func() {
					<-start
					f := factors[i/2%len(factors)]
					if i%2 == 0 {
						errs[i] = s.succeedsAs(ctx, f, identity.Subject)
						return
					}
					// Only somebody unknown answers wrongly, so that the person is not locked.
					tx := transaction()
					c := authenticator.Challenge{Factor: f, Response: s.Answers[f].Wrong}
					if f == authenticator.OTP {
						c.Response = "000000"
					}
					_, err := s.authenticate(ctx, request(tx, s.Unknown, c))
					errs[i] = expectReason("somebody unknown at the same time", err, authenticator.WrongCredentials)
				})
			}
			close(start)
			wg.Wait()
			return errors.Join(errs...)
		},
	},
}

// succeedsAs logs the Person in and asks for the claims.
func (s *subject) succeedsAs(ctx context.Context, f authenticator.Factor, subject string) error {
	identity, err := s.prove(ctx, f)
	if err != nil {
		return fmt.Errorf("a right answer at the same time as others: %w", err)
	}
	if identity.Subject != subject {
		return fmt.Errorf("at the same time as others, the person has another subject: %q instead of %q", identity.Subject, subject)
	}
	if _, err := s.claims(ctx, claimsRequest(*identity, s.Claims, nil)); err != nil {
		return fmt.Errorf("claims at the same time as others: %w", err)
	}
	return nil
}

func expectEnded(what string, err error) error {
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return expectReason(what+" with an ended context", err, authenticator.Unavailable)
}
