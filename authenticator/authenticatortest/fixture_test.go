package authenticatortest_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/authenticatortest"
	"github.com/gosignet/signet/authenticator/mock"
	"github.com/gosignet/signet/store/memory"
)

type (
	factors      = []authenticator.Factor
	request      = authenticator.Request
	identity     = authenticator.Identity
	claimsAsked  = authenticator.ClaimsRequest
	codeAsked    = authenticator.CodeRequest
	codeReceipt  = authenticator.CodeReceipt
	authenticate = func(context.Context, *request) (*identity, error)
)

// system is the mock, in which single methods can be broken.
type system struct {
	factors       func() factors
	authenticate  authenticate
	claims        func(context.Context, *claimsAsked) (*authenticator.Claims, error)
	sendCode      func(context.Context, *codeAsked) (*codeReceipt, error)
	form          func(context.Context, authenticator.Factor) (*authenticator.Form, error)
	channels      func() []authenticator.Channel
	traits        func(authenticator.Factor) authenticator.Traits
	recall        func(context.Context, *identity) (*identity, error)
	keys          func(context.Context) (json.RawMessage, error)
	bindKey       bindKey
	verifications assure
	person        authenticator.Identifier
	advance       func(time.Duration)
	end           <-chan struct{} // closed when the test ends
}

func (s *system) Factors() factors { return s.factors() }
func (s *system) Authenticate(ctx context.Context, r *request) (*identity, error) {
	return s.authenticate(ctx, r)
}
func (s *system) Claims(ctx context.Context, r *claimsAsked) (*authenticator.Claims, error) {
	return s.claims(ctx, r)
}
func (s *system) SendCode(ctx context.Context, r *codeAsked) (*codeReceipt, error) {
	return s.sendCode(ctx, r)
}
func (s *system) Form(ctx context.Context, f authenticator.Factor) (*authenticator.Form, error) {
	return s.form(ctx, f)
}
func (s *system) Channels() []authenticator.Channel                       { return s.channels() }
func (s *system) Traits(f authenticator.Factor) authenticator.Traits      { return s.traits(f) }
func (s *system) PublicKeys(ctx context.Context) (json.RawMessage, error) { return s.keys(ctx) }
func (s *system) Verifications(ctx context.Context, r *claimsAsked) ([]verified, error) {
	return s.verifications(ctx, r)
}
func (s *system) BindKey(ctx context.Context, r *bindingAsked) (*binding, error) {
	return s.bindKey(ctx, r)
}
func (s *system) Recall(ctx context.Context, earlier *identity) (*identity, error) {
	return s.recall(ctx, earlier)
}

func fail(reason authenticator.Reason, cause string) error {
	return &authenticator.Error{Reason: reason, Err: errors.New(cause)}
}

func correct(t testing.TB) *system {
	var mu sync.Mutex
	now := time.Unix(1_800_000_000, 0)
	clock := func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
	codes, err := memory.New(memory.Config{Now: clock})
	require.NoError(t, err)
	m, err := mock.New(mock.Config{Password: "right horse", Store: codes, Now: clock})
	require.NoError(t, err)
	s := &system{
		factors: m.Factors, authenticate: m.Authenticate, claims: claims(m.Claims), sendCode: sendCode(m.SendCode),
		channels: func() []authenticator.Channel {
			return []authenticator.Channel{authenticator.Phone, authenticator.Email}
		},
		traits: func(authenticator.Factor) authenticator.Traits { return authenticator.Traits{} },
		keys:   func(context.Context) (json.RawMessage, error) { return json.RawMessage(publicKeys), nil },
		recall: func(ctx context.Context, earlier *identity) (*identity, error) {
			if _, err := m.Claims(ctx, &claimsAsked{Identity: *earlier, Names: []string{"name"}}); err != nil {
				return nil, err
			}
			return &identity{Subject: earlier.Subject, State: earlier.State}, nil
		},
		form: func(_ context.Context, f authenticator.Factor) (*authenticator.Form, error) {
			if f != authenticator.Password {
				return nil, fail(authenticator.Unsupported, "no form")
			}
			return &authenticator.Form{Fields: []authenticator.FormField{{Name: "password"}}}, nil
		},
		bindKey: func(ctx context.Context, r *bindingAsked) (*binding, error) {
			return authenticatortest.BindKey(ctx, m, r)
		},
		verifications: assuring(claims(m.Claims)),
		end:           t.Context().Done(),
		advance:       func(d time.Duration) { mu.Lock(); defer mu.Unlock(); now = now.Add(d) },
	}
	for _, p := range m.Personas() {
		if p.Claims["name#en"] != nil {
			s.person = authenticator.Identifier{Value: p.NationalID}
		}
	}
	return s
}

const publicKeys = `{"keys":[{"kty":"EC","kid":"1","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}`

// jws is a JWT of which the kit looks at the header.
func jws(header string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(header)) + ".e30.AAAA"
}

// claims adds to the mock's what it does not have.
func claims(whole func(context.Context, *claimsAsked) (*authenticator.Claims, error)) func(context.Context, *claimsAsked) (*authenticator.Claims, error) {
	return func(ctx context.Context, r *claimsAsked) (*authenticator.Claims, error) {
		c, err := whole(ctx, r)
		if err != nil {
			return nil, err
		}
		c.Verified = nil
		if slices.Contains(r.Verified, "name") && c.Values["name"] != nil {
			c.Verified = []authenticator.VerifiedClaims{{
				Verification: json.RawMessage(`{"trust_framework":"register"}`), Values: map[string]json.RawMessage{"name": c.Values["name"]},
			}}
		}
		if slices.Contains(r.Names, "phone_number") {
			c.Sources = []authenticator.ClaimSource{{Names: []string{"phone_number"}, JWT: jws(`{"alg":"ES256"}`)}}
		}
		c.Original = jws(`{"alg":"ES256","kid":"1"}`)
		return c, nil
	}
}

// sendCode lets people choose by which channels the mock's code comes, whoever they are.
func sendCode(whole func(context.Context, *codeAsked) (*codeReceipt, error)) func(context.Context, *codeAsked) (*codeReceipt, error) {
	return func(ctx context.Context, r *codeAsked) (*codeReceipt, error) {
		mocked := *r
		mocked.Channels = nil
		c, err := whole(ctx, &mocked)
		if err != nil {
			return nil, err
		}
		c.Destinations = nil
		if len(r.Channels) == 0 || slices.Contains(r.Channels, authenticator.Phone) {
			c.Destinations = append(c.Destinations, "+855 ** *** 321")
		}
		if len(r.Channels) == 0 || slices.Contains(r.Channels, authenticator.Email) {
			c.Destinations = append(c.Destinations, "s***@example.org")
		}
		return c, nil
	}
}

func subject(s *system) authenticatortest.Subject {
	return authenticatortest.Subject{
		Authenticator: s, Person: s.person, Unknown: authenticator.Identifier{Value: "1000000000"},
		Answers:   map[authenticator.Factor]authenticatortest.Answer{authenticator.Password: {Right: "right horse", Wrong: "other horse"}},
		Code:      func(context.Context, string) (string, error) { return mock.OTP, nil },
		Expire:    func() { s.advance(4 * time.Minute) },
		Claims:    []string{"name", "phone_number"},
		Languages: []string{"name#en"}, Verified: []string{"name"},
	}
}
