package authenticatortest_test

import (
	"context"
	"testing"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/authenticatortest"
	"github.com/gosignet/signet/authenticator/mock"
	"github.com/gosignet/signet/store/memory"
)

// A team tests its own Authenticator with somebody whom its identity system knows, here with one of the mock's people.
func ExampleRun() {
	_ = func(t *testing.T) { // TestRegisterKeepsTheContract
		authenticatortest.Run(t, func(t testing.TB) authenticatortest.Subject {
			codes, err := memory.New(memory.Config{})
			if err != nil {
				t.Fatal(err)
			}
			register, err := mock.New(mock.Config{Password: "demo password", Store: codes})
			if err != nil {
				t.Fatal(err)
			}
			return authenticatortest.Subject{
				Authenticator: register,
				Person:        authenticator.Identifier{Value: "8051437269"},
				Unknown:       authenticator.Identifier{Value: "1000000000"},
				Answers: map[authenticator.Factor]authenticatortest.Answer{
					authenticator.Password: {Right: "demo password", Wrong: "other password"},
				},
				Code:   func(context.Context, string) (string, error) { return mock.OTP, nil },
				Claims: []string{"name", "birthdate"},
			}
		})
	}
}
