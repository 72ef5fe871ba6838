package authenticator_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/gosignet/signet/authenticator"
)

func TestAMR(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name      string
		succeeded []authenticator.Factor
		want      []string
	}{
		{"nothing", nil, nil},
		{"a code", []authenticator.Factor{otp}, []string{"otp"}},
		{"a password has its registered name", []authenticator.Factor{password}, []string{"pwd"}},
		{"two factors", []authenticator.Factor{password, otp}, []string{"pwd", "otp", "mfa"}},
		{"one factor twice is one factor", []authenticator.Factor{otp, otp}, []string{"otp"}},
		{"a country's own factor has its own name", []authenticator.Factor{"village_elder"}, []string{"village_elder"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, tt.want, authenticator.AMR(tt.succeeded))
		})
	}
}
