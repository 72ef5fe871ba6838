package register_test

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/authenticatortest"
	"github.com/gosignet/signet/examples/registry/register"
)

func TestRegisterKeepsTheContract(t *testing.T) {
	t.Parallel()
	const people = "id,national_id,salt,pin,name,name#en,birthdate,phone_number\n"
	row := "p-1,8051437269,salt," + register.Hash("salt", "271828", 1) + ",សុខ ដារ៉ា,Sok Dara,1990-05-14,+85500000269\n"
	authenticatortest.Run(t, func(t testing.TB) authenticatortest.Subject {
		r, err := register.Open(strings.NewReader(people+row), 1) // one iteration, because the kit asks hundreds of times
		require.NoError(t, err)
		return authenticatortest.Subject{
			Authenticator: r,
			Person:        authenticator.Identifier{Value: "8051437269"},
			Unknown:       authenticator.Identifier{Value: "1000000000"},
			Answers:       map[authenticator.Factor]authenticatortest.Answer{authenticator.PIN: {Right: "271828", Wrong: "271829"}},
			Claims:        []string{"name", "birthdate", "phone_number"},
			Languages:     []string{"name#en"},
		}
	})
}

func TestAnAuthenticatorIsUnder150Lines(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("register.go")
	require.NoError(t, err)
	assert.Less(t, bytes.Count(source, []byte("\n")), 150)
}

func TestARegisterThatIsWrongIsRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "id,national_id,pin\n,1,x\n", "id,national_id,pin\na,1,\n", "id,national_id,pin\na,1,x\nb,1,x\n", "id\na,b\n"} {
		_, err := register.Open(strings.NewReader(text), 1)
		assert.Error(t, err, text)
	}
}
