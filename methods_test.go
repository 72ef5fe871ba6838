package signet_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet"
	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/oauth"
)

// cards is a method of proof that does not belong to the identity system.
type cards struct{}

func (cards) Factors() []authenticator.Factor { return []authenticator.Factor{"card"} }

func (cards) Authenticate(_ context.Context, r *authenticator.Request) (*authenticator.Identity, error) {
	return &authenticator.Identity{Subject: r.Identifier.Value}, nil
}

func TestFactorsOfMethodsAreWaysToLogIn(t *testing.T) {
	t.Parallel()
	const acr = "urn:signet:acr:card"
	w := newFAPIWorld(t, func(c *signet.Config) {
		c.Methods, c.ACRs, c.EnrollmentACRs = []authenticator.Method{cards{}}, nil, []string{acr}
	})
	provider := w.provider.Load()
	handle, s, err := provider.Login.Begin(t.Context(), &oauth.AuthorizationRequest{
		ClientID: w.portal.client.ID, RedirectURI: w.portal.client.RedirectURIs[0], Scope: []string{"openid"},
		Parameters: map[string]string{"acr_values": acr},
	}, "")
	require.NoError(t, err)
	require.Equal(t, []authenticator.FactorSet{{"card"}}, s.Options)
	s, err = provider.Login.Answer(t.Context(), handle, authenticator.Identifier{Value: "somebody"},
		authenticator.Challenge{Factor: "card", Response: "shown"})
	require.NoError(t, err)
	require.Equal(t, login.StepDone, s.Step)
}

func TestNewRefusesAMethodThatIsNil(t *testing.T) {
	t.Parallel()
	_, err := signet.New(signet.Config{Methods: []authenticator.Method{nil}})
	require.ErrorContains(t, err, "Config.Methods")
}
