// Package authenticatortest checks that an Authenticator keeps the contract of package authenticator.
//
// Whoever writes one calls [Run] in a test, with somebody whom their identity system knows, and learns which rules it
// breaks, why these exist, and what was seen.
package authenticatortest

import (
	"context"
	"crypto/rand"
	"slices"
	"testing"
	"time"

	"github.com/gosignet/signet/authenticator"
)

// Subject is an Authenticator under test, and what it takes to ask it.
type Subject struct {
	// Authenticator is tested with all abilities that it implements: [authenticator.CodeSender],
	// [authenticator.ChannelSender], [authenticator.FormProvider], [authenticator.Describer], [authenticator.Recaller],
	// [authenticator.KeyPublisher], [authenticator.KeyBinder] and [authenticator.Assurer]. Required.
	Authenticator authenticator.Authenticator
	// Person is the identifier of somebody who can use every factor, and Unknown one of the same kind that nobody has.
	// Required. Limits on wrong answers, if the identity system has its own, must allow a few for each.
	Person, Unknown authenticator.Identifier
	// Answers are the Person's, by factor: one for each of Factors except authenticator.OTP.
	Answers map[authenticator.Factor]Answer
	// Code returns the code that the Person was sent in the transaction. It is called once after each SendCode, perhaps
	// before the code has arrived, and concurrently. Required if Factors has authenticator.OTP.
	Code func(ctx context.Context, transaction string) (string, error)
	// Expire makes the codes expire that were sent. Nil means that this cannot be tested.
	Expire func()
	// Claims are the names of claims that the Person has, "name" but not "name#en". Nil means that there are none, and
	// nothing to test about them.
	Claims []string
	// Languages are claims that the Person has in a further language, "name#en". Nil means that there are none.
	Languages []string
	// Verified are those of the Claims for which the identity system says how they were verified. Nil means that there are
	// none.
	Verified []string
}

// Answer is what a person may respond to a factor.
type Answer struct {
	// Right is right, again and again. Wrong has the same form. Errors are searched for both, so that they should not be
	// words that errors have.
	Right, Wrong string
}

// Run checks the Authenticator against every rule of [authenticator.Authenticator] and of the further interfaces that it
// implements, each in a subtest named for it. One that answers Unsupported to Recall, or to Verifications, need not do so.
//
// Rules run in parallel. Run calls open once for each of them, with the subtest's T for clean-up; Authenticators may
// share an identity system, except that Expire must not disturb others. Run it with the race detector, which finds what
// the rule on concurrent calls cannot see.
func Run(t *testing.T, open func(t testing.TB) Subject) {
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			s := &subject{Subject: open(t), patience: patience}
			if err := s.check(t.Context(), r); err != nil {
				t.Errorf("\nrule: %s\nwhy:  %s\nseen: %v", r.rule, r.why, err)
			}
		})
	}
}

// patience is how long a call may take. It is generous, because it is not about speed: a call that takes longer hangs.
const patience = 30 * time.Second

// rule is one sentence of the contract, and how to check it.
type rule struct {
	name, rule, why string
	check           func(ctx context.Context, s *subject) error
}

var rules = slices.Concat(
	answerRules, refusalRules, codeRules, channelRules, claimRules, signedRules, formRules, traitRules, recallRules, bindingRules, verificationRules,
	callRules,
)

// subject is a Subject with the calls that rules make of it.
type subject struct {
	Subject
	patience time.Duration
}

// factors returns those that the kit has answers to, which are all: see check.
func (s *subject) factors() []authenticator.Factor { return s.Authenticator.Factors() }

// sender returns the CodeSender if one-time codes are a factor.
func (s *subject) sender() authenticator.CodeSender {
	if !slices.Contains(s.factors(), authenticator.OTP) {
		return nil
	}
	sender, _ := s.Authenticator.(authenticator.CodeSender)
	return sender
}

// transaction begins another login.
func transaction() string { return "authenticatortest-" + rand.Text() }

const client = "authenticatortest"

func codeRequest(transaction string, id authenticator.Identifier) *authenticator.CodeRequest {
	return &authenticator.CodeRequest{Transaction: transaction, ClientID: client, Identifier: id, Locales: []string{"en"}}
}

func request(transaction string, id authenticator.Identifier, answers ...authenticator.Challenge) *authenticator.Request {
	return &authenticator.Request{
		Transaction: transaction, ClientID: client, Identifier: id, Challenges: answers, Locales: []string{"en"},
	}
}

// right answers the factor rightly for the Person in the transaction, for which it asks for a code where that is needed.
func (s *subject) right(ctx context.Context, transaction string, f authenticator.Factor) (authenticator.Challenge, error) {
	c := authenticator.Challenge{Factor: f, Response: s.Answers[f].Right}
	if f != authenticator.OTP {
		return c, nil
	}
	if _, err := s.sendCode(ctx, codeRequest(transaction, s.Person)); err != nil {
		return c, err
	}
	var err error
	c.Response, err = s.Code(ctx, transaction)
	return c, err
}

// wrong answers the factor wrongly in the transaction, for which it asks for a code where that is needed.
func (s *subject) wrong(
	ctx context.Context, transaction string, id authenticator.Identifier, f authenticator.Factor,
) (authenticator.Challenge, error) {
	c := authenticator.Challenge{Factor: f, Response: s.Answers[f].Wrong}
	if f != authenticator.OTP {
		return c, nil
	}
	c.Response = "000000"
	if _, err := s.sendCode(ctx, codeRequest(transaction, id)); err != nil {
		return c, err
	}
	if id != s.Person {
		return c, nil
	}
	code, err := s.Code(ctx, transaction)
	c.Response = otherCode(code)
	return c, err
}

// otherCode returns a code that looks like the given one.
func otherCode(code string) string {
	if code == "" {
		return "0"
	}
	last := byte('0')
	if code[len(code)-1] == last {
		last = '1'
	}
	return code[:len(code)-1] + string(last)
}

// login proves who the Person is, by the first factor.
func (s *subject) login(ctx context.Context) (*authenticator.Identity, error) {
	tx := transaction()
	answer, err := s.right(ctx, tx, s.factors()[0])
	if err != nil {
		return nil, err
	}
	return s.authenticate(ctx, request(tx, s.Person, answer))
}
