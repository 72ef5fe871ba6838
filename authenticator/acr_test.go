package authenticator_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
)

const (
	otp      = authenticator.OTP
	password = authenticator.Password
	pin      = authenticator.Factor("pin")
)

type set = authenticator.FactorSet

// levels has three ACRs: one factor of two, two factors, and one that shares a set with the first.
var levels = authenticator.ACRs{
	{Value: "loa1", Alternatives: []set{{otp}, {password}}},
	{Value: "loa2", Alternatives: []set{{otp, password}}},
	{Value: "code", Alternatives: []set{{otp}, {pin}}},
}

func TestSelectResolvesRequestAndRegistration(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name                  string
		requested, registered []string
		want                  []string
	}{
		{"nothing asked, nothing registered: all", nil, nil, []string{"loa1", "loa2", "code"}},
		{"nothing asked: the registration, in its order", nil, []string{"code", "loa1"}, []string{"code", "loa1"}},
		{"the request, in its order", []string{"loa2", "loa1"}, nil, []string{"loa2", "loa1"}},
		{"only what is registered", []string{"loa2", "loa1"}, []string{"loa1", "code"}, []string{"loa1"}},
		{"unknown values are left out", []string{"loa9", "loa2"}, nil, []string{"loa2"}},
		{"a repeated value counts once", []string{"loa2", "loa1", "loa2"}, nil, []string{"loa2", "loa1"}},
		{"nothing of the request is known: none", []string{"loa9"}, nil, []string{}},
		{"nothing of the request is registered: none", []string{"loa1"}, []string{"loa2"}, []string{}},
		{"nothing of the registration is known: none, not all", nil, []string{"loa9"}, []string{}},
		{"nothing of the registration is known: no request helps", []string{"loa1"}, []string{"loa9"}, []string{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, tt.want, levels.Select(tt.requested, tt.registered).Values())
		})
	}
}

func TestSelectDoesNotShareTheDeploymentsList(t *testing.T) {
	t.Parallel()
	deployment := authenticator.ACRs{{Value: "loa1"}, {Value: "loa2"}}
	deployment.Select(nil, nil)[0].Value = "changed"
	assert.Equal(t, []string{"loa1", "loa2"}, deployment.Values())
}

func TestAlternativesOfferASharedSetOnce(t *testing.T) {
	t.Parallel()
	assert.Equal(t, []authenticator.Alternative{
		{ACR: "loa1", Factors: set{otp}},
		{ACR: "loa1", Factors: set{password}},
		{ACR: "loa2", Factors: set{otp, password}},
		{ACR: "code", Factors: set{pin}},
	}, levels.Alternatives())

	t.Run("in the order of the request, the first ACR wins", func(t *testing.T) {
		t.Parallel()
		assert.Equal(t, []authenticator.Alternative{
			{ACR: "code", Factors: set{otp}},
			{ACR: "code", Factors: set{pin}},
			{ACR: "loa1", Factors: set{password}},
		}, levels.Select([]string{"code", "loa1"}, nil).Alternatives())
	})
	t.Run("sets in another order are equal", func(t *testing.T) {
		t.Parallel()
		acrs := authenticator.ACRs{
			{Value: "a", Alternatives: []set{{otp, password}}},
			{Value: "b", Alternatives: []set{{password, otp}}},
		}
		assert.Equal(t, []authenticator.Alternative{{ACR: "a", Factors: set{otp, password}}}, acrs.Alternatives())
	})
}

func TestMetNamesTheFirstACRThatTheFactorsReach(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name      string
		requested []string
		succeeded []authenticator.Factor
		want      string
	}{
		{"one factor", nil, []authenticator.Factor{password}, "loa1"},
		{"both factors reach the preferred one", []string{"loa2", "loa1"}, []authenticator.Factor{password, otp}, "loa2"},
		{"both factors, the weaker one preferred", []string{"loa1", "loa2"}, []authenticator.Factor{password, otp}, "loa1"},
		{"one factor falls through to the next", []string{"loa2", "code"}, []authenticator.Factor{otp}, "code"},
		{"one factor does not reach two-factor", []string{"loa2"}, []authenticator.Factor{otp}, ""},
		{"another factor", []string{"loa2", "code"}, []authenticator.Factor{password}, ""},
		{"nothing succeeded", nil, nil, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			value, ok := levels.Select(tt.requested, nil).Met(tt.succeeded)
			assert.Equal(t, tt.want, value)
			assert.Equal(t, tt.want != "", ok)
		})
	}
}

func TestStrongestNamesTheACRThatTakesTheMostFactors(t *testing.T) {
	t.Parallel()
	for want, succeeded := range map[string][]authenticator.Factor{
		"loa1": {otp}, "loa2": {password, otp}, "code": {pin}, "": nil,
	} {
		value, ok := levels.Strongest(succeeded)
		assert.Equal(t, want, value)
		assert.Equal(t, want != "", ok)
	}
}

func TestNothingMeetsTheEmptySet(t *testing.T) {
	t.Parallel()
	assert.False(t, set{}.MetBy(nil))
	assert.False(t, set{}.MetBy([]authenticator.Factor{otp}))
	assert.True(t, set{}.Equal(nil))
	assert.False(t, set{}.Equal(set{otp}))
}

func TestValidateReportsEveryProblem(t *testing.T) {
	t.Parallel()
	supported := []authenticator.Factor{otp, password}
	one := []set{{otp}}

	tests := []struct {
		name      string
		acrs      authenticator.ACRs
		supported []authenticator.Factor
		problems  []string
	}{
		{"none", nil, supported, []string{"no ACR is configured"}},
		{"empty value", authenticator.ACRs{{Alternatives: one}}, supported, []string{`ACR "": a value is`}},
		{"value with a space", authenticator.ACRs{{Value: "a b", Alternatives: one}}, supported, []string{`ACR "a b": a value is`}},
		{"value beyond ASCII", authenticator.ACRs{{Value: "é", Alternatives: one}}, supported, []string{`ACR "é": a value is`}},
		{"long value", authenticator.ACRs{{Value: strings.Repeat("a", 129), Alternatives: one}}, supported, []string{"a value is 1 to 128 bytes"}},
		{"no way", authenticator.ACRs{{Value: "a"}}, supported, []string{`ACR "a": no set of factors reaches it`}},
		{"ill-formed factor", authenticator.ACRs{{Value: "a", Alternatives: one}}, []authenticator.Factor{otp, "One Time", otp},
			[]string{`factor "One Time": a name is`, `factor "otp": supported twice`}},
		{"all at once", authenticator.ACRs{
			{Value: "a", Alternatives: []set{{otp}, {}, {otp, otp}}},
			{Value: "a", Alternatives: []set{{otp, password}, {password, otp}, {pin}}},
		}, supported, []string{
			`ACR "a": factor set 2 is empty`,
			`ACR "a": factor set 3 repeats an earlier one`,
			`ACR "a": factor "otp" is twice in one set`,
			`ACR "a": configured twice`,
			`ACR "a": factor set 2 repeats an earlier one`,
			`ACR "a": factor "pin" is not supported`,
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			err := tt.acrs.Validate(tt.supported)
			require.Error(t, err)
			assert.Len(t, strings.Split(err.Error(), "\n"), len(tt.problems), "%v", err)
			for _, p := range tt.problems {
				assert.ErrorContains(t, err, p)
			}
		})
	}
	require.NoError(t, levels.Validate([]authenticator.Factor{otp, password, pin}))
}
