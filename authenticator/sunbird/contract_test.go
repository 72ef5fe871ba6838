package sunbird_test

import (
	"testing"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/authenticatortest"
	"github.com/gosignet/signet/authenticator/sunbird/sunbirdtest"
)

func TestSunbirdKeepsTheContract(t *testing.T) {
	t.Parallel()
	authenticatortest.Run(t, func(t testing.TB) authenticatortest.Subject {
		r := sunbirdtest.New(t)
		return authenticatortest.Subject{
			Authenticator: newSunbird(t, r.Config()),
			Person:        authenticator.Identifier{Value: "AE619374"},
			Unknown:       authenticator.Identifier{Value: "AE000000"},
			Answers: map[authenticator.Factor]authenticatortest.Answer{authenticator.Knowledge: {
				Right: answers("ليلى المنصوري", "02/11/1988"), Wrong: answers("ليلى المنصوري", "03/11/1988"),
			}},
			Claims:    []string{"name", "birthdate", "phone_number"},
			Languages: []string{"name#en"},
		}
	})
}
