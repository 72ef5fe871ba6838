package router_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/router"
)

// assuring is a system that says how claims are verified. It keeps what it was asked.
type assuring struct {
	able
	verified []authenticator.VerifiedClaims
	of       *authenticator.ClaimsRequest
}

func (a *assuring) Verifications(_ context.Context, r *authenticator.ClaimsRequest) ([]authenticator.VerifiedClaims, error) {
	a.of = r
	return a.verified, a.answer()
}

func verificationsOf(subject, state string) *authenticator.ClaimsRequest {
	return &authenticator.ClaimsRequest{
		Transaction: "1", ClientID: "portal", Identity: authenticator.Identity{Subject: subject, State: []byte(state)},
		Names: []string{"name"}, Verified: []string{"name"}, Locales: []string{"km"},
	}
}

func TestTheSystemOfThePersonSaysHowClaimsAreVerified(t *testing.T) {
	t.Parallel()
	said := []authenticator.VerifiedClaims{
		{Verification: json.RawMessage(`{"trust_framework":"x"}`), Values: map[string]json.RawMessage{"name": json.RawMessage("null")}},
	}
	a, b := &assuring{verified: said}, &assuring{verified: said}
	r := two(t, a, b)
	req := verificationsOf("b:1", "b:kyc")
	verified, err := r.Verifications(t.Context(), req)
	require.NoError(t, err)
	assert.Equal(t, said, verified)
	assert.Equal(t, verificationsOf("1", "kyc"), b.of)
	assert.Equal(t, verificationsOf("b:1", "b:kyc"), req, "the login's request is left alone")
	assert.Zero(t, a.asked)

	b.verified = nil
	verified, err = r.Verifications(t.Context(), req)
	require.NoError(t, err)
	assert.Empty(t, verified, "nothing is verified, and nobody failed")
}

func TestARouterIsAnAssurerIfOneOfItsSystemsIs(t *testing.T) {
	t.Parallel()
	none := two(t, &able{}, mute{&assuring{}})
	assert.Nil(t, authenticator.AssurerOf(none))
	assert.Nil(t, authenticator.AssurerOf(newRouter(t, nil, router.System{Name: "a", Authenticator: none})), "one that stands for none is none")

	a, b := &able{}, &assuring{}
	r := two(t, a, b)
	assert.Equal(t, r, authenticator.AssurerOf(r))
	_, err := r.Verifications(t.Context(), verificationsOf("a:1", "a:"))
	requireReason(t, authenticator.Unsupported, err)
	assert.Nil(t, b.of, "it does not know the person")
}

func TestNobodyElseSaysHowClaimsAreVerified(t *testing.T) {
	t.Parallel()
	a, b := &assuring{}, &assuring{}
	b.err = down
	r := two(t, a, b)
	_, err := r.Verifications(t.Context(), verificationsOf("b:1", "b:"))
	requireReason(t, authenticator.Unavailable, err)
	assert.Nil(t, a.of, "it does not know the person")
	for _, nobody := range []*authenticator.ClaimsRequest{
		verificationsOf("b:1", "c:"), verificationsOf("a:1", "b:"), verificationsOf("", ""),
	} {
		_, err := r.Verifications(t.Context(), nobody)
		requireReason(t, authenticator.Unavailable, err)
	}
	assert.Nil(t, a.of)
}

func TestASystemThatFailsToSayHowClaimsAreVerifiedIsContained(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*assuring){
		"panics": func(a *assuring) { a.panics = true },
		"fails":  func(a *assuring) { a.err = errors.New("no row for 8051437269") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := &assuring{}
			spoil(a)
			_, err := two(t, a, &assuring{}).Verifications(t.Context(), verificationsOf("a:1", "a:"))
			requireReason(t, authenticator.Unavailable, err)
			assert.NotContains(t, err.Error(), "8051437269")
		})
	}
}
