package mock_test

import (
	"context"
	"testing"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/authenticatortest"
	"github.com/gosignet/signet/authenticator/mock"
)

func TestMockKeepsTheContract(t *testing.T) {
	t.Parallel()
	authenticatortest.Run(t, func(t testing.TB) authenticatortest.Subject {
		m := newMock(t)
		for _, p := range m.Personas() {
			if _, ok := p.Claims["name#en"]; ok {
				return authenticatortest.Subject{
					Authenticator: m,
					Person:        authenticator.Identifier{Value: p.NationalID},
					Unknown:       authenticator.Identifier{Value: "1000000000"},
					Answers: map[authenticator.Factor]authenticatortest.Answer{
						authenticator.Password: {Right: password, Wrong: "another password"},
					},
					Code:      func(context.Context, string) (string, error) { return mock.OTP, nil },
					Claims:    []string{"name", "phone_number", "birthdate", "address"},
					Languages: []string{"name#en"},
				}
			}
		}
		t.Fatal("no persona has a name in English")
		return authenticatortest.Subject{}
	})
}
