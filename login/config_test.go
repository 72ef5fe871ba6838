package login_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/login"
)

func TestNewReportsEveryMistakeAtOnce(t *testing.T) {
	t.Parallel()
	_, err := login.New(login.Config{
		Secret: []byte("short"), AuthenticatorTimeout: -1, Lifetime: -time.Second, MaxAttempts: -1, MaxCodes: -1,
		IdentifierLimit: login.Limit{Attempts: 1 << 16, Window: -1},
	})
	for _, field := range []string{
		"Authorizer", "OpenID", "Clients", "Authenticator", "Store", "Secret", "AuthenticatorTimeout", "Lifetime", "MaxAttempts", "MaxCodes",
		"IdentifierLimit.Attempts", "IdentifierLimit.Window",
	} {
		require.ErrorContains(t, err, "Config."+field)
	}
}

func TestNewReportsWhatTheAuthenticatorCannotDo(t *testing.T) {
	t.Parallel()
	_, err := login.New(login.Config{
		Authenticator: struct{ authenticator.Authenticator }{&people{}},
		ACRs:          authenticator.ACRs{{Value: "urn:example:face", Alternatives: []authenticator.FactorSet{{"face"}}}},
	})
	require.ErrorContains(t, err, "CodeSender")
	require.ErrorContains(t, err, "face")
}

func TestNewTakesNoConfigurationWithoutACRs(t *testing.T) {
	t.Parallel()
	_, err := login.New(login.Config{Authenticator: &people{}, Secret: []byte(strings.Repeat("s", 32))})
	require.ErrorContains(t, err, "Config.ACRs")
}

func TestNewReportsWhatTheMethodsCannotDo(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		methods    []authenticator.Method
		enrollment []string
		problem    string
	}{
		"none":                       {[]authenticator.Method{nil}, nil, "Config.Methods[0] is nil"},
		"factor of the people":       {[]authenticator.Method{plainMethod{"pwd"}}, nil, `"pwd": supported twice`},
		"factor of another":          {[]authenticator.Method{&devices{}, plainMethod{card}}, nil, `"card": supported twice`},
		"codes that nobody sends":    {[]authenticator.Method{plainMethod{"otp"}}, nil, "CodeSender"},
		"a name that is none":        {[]authenticator.Method{plainMethod{"A Card"}}, nil, `"A Card"`},
		"devices of another":         {[]authenticator.Method{strayEnroller{plainMethod{card}}}, nil, `"pop", which the same Method does not verify`},
		"unknown enrollment context": {nil, []string{acrCode, acrCard}, "EnrollmentACRs: \"" + acrCard + "\""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := login.New(login.Config{
				Authenticator: &people{}, Methods: test.methods, EnrollmentACRs: test.enrollment,
				ACRs: authenticator.ACRs{{Value: acrCode, Alternatives: []authenticator.FactorSet{{authenticator.OTP}}}},
			})
			require.ErrorContains(t, err, test.problem)
		})
	}
}

func TestAPortalNeedsWhatTakesPeopleThereAndBack(t *testing.T) {
	t.Parallel()
	config := login.Config{Authenticator: &people{}, Portal: "signup", ACRs: authenticator.ACRs{
		{Value: acrCode, Alternatives: []authenticator.FactorSet{{authenticator.OTP}}},
	}}
	_, err := login.New(config)
	for _, problem := range []string{
		"Portal needs a Verifier", "Portal needs a Method that verifies idt", "Portal needs one of the ACRs to be reached by idt",
		"Config.Store", "Config.Secret",
	} {
		require.ErrorContains(t, err, problem, "all problems at once")
	}
	config.Portal, config.Methods = "", []authenticator.Method{plainMethod{authenticator.IDToken}}
	_, err = login.New(config)
	require.ErrorContains(t, err, "one that verifies idt, and is no Challenger, needs a Portal")
}

// plainMethod verifies a factor and can do nothing else.
type plainMethod struct{ factor authenticator.Factor }

func (m plainMethod) Factors() []authenticator.Factor { return []authenticator.Factor{m.factor} }

func (plainMethod) Authenticate(context.Context, *authenticator.Request) (*authenticator.Identity, error) {
	return nil, nil
}

// strayEnroller registers passkeys, and does not verify them.
type strayEnroller struct{ plainMethod }

func (strayEnroller) Enrollable() []authenticator.Factor { return []authenticator.Factor{"pop"} }

func (strayEnroller) BeginEnrollment(context.Context, *authenticator.EnrollmentRequest) (*authenticator.Device, error) {
	return nil, nil
}

func (strayEnroller) FinishEnrollment(context.Context, *authenticator.EnrollmentRequest) error {
	return nil
}
