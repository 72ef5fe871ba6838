package login_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/login"
)

const wouldLikeGold = `{"verification":{"trust_framework":{"value":"gold"}},"claims":{"name":null}}`

func TestALoginTellsWhatIsVerifiedOfVoluntaryClaims(t *testing.T) {
	t.Parallel()
	for framework, verified := range map[string]bool{`{"trust_framework":"gold"}`: true, `{"trust_framework":"silver"}`: false, "": false /* there, and not verified */} {
		w := newMemory(t, func(c *login.Config) { c.Assure = true })
		w.people.verifications = func(*authenticator.ClaimsRequest) ([]authenticator.VerifiedClaims, error) {
			return []authenticator.VerifiedClaims{{
				Verification: json.RawMessage(framework), Values: map[string]json.RawMessage{"name": json.RawMessage("null")},
			}}, nil
		}
		handle, _, err := w.Begin(w.Context(), verifiedName(false, wouldLikeGold), "")
		require.NoError(t, err)
		s := w.ok(w.Answer(w.Context(), handle, alice, right(alice, authenticator.Password)))
		assert.Equal(t, login.StepConsent, s.Step)
		assert.Equal(t, map[string]bool{"name": verified}, s.Assurances, framework)
	}
}

func TestALoginGoesOnWhereNobodyCanSayWhatIsVerified(t *testing.T) {
	t.Parallel()
	w := newMemory(t, func(c *login.Config) { c.Assure = true })
	w.people.verifications = func(*authenticator.ClaimsRequest) ([]authenticator.VerifiedClaims, error) {
		return nil, &authenticator.Error{Reason: authenticator.Unavailable}
	}
	handle, _, err := w.Begin(w.Context(), verifiedName(false, mustBeGold), "")
	require.NoError(t, err)
	s := w.ok(w.Answer(w.Context(), handle, alice, right(alice, authenticator.Password)))
	assert.Equal(t, login.StepConsent, s.Step, "nobody could be sent anywhere")
	assert.Nil(t, s.Assurances)
}

// The identity system of one person says what is verified, and that of another does not.
func TestALoginGoesOnForWhomNobodyCanSayWhatIsVerified(t *testing.T) {
	t.Parallel()
	v := newVerifying(t)
	v.people.verifications = func(*authenticator.ClaimsRequest) ([]authenticator.VerifiedClaims, error) {
		return nil, &authenticator.Error{Reason: authenticator.Unsupported}
	}
	handle, _, err := v.Begin(v.Context(), verifiedName(false, mustBeGold), "")
	require.NoError(t, err)
	s := v.ok(v.Answer(v.Context(), handle, alice, right(alice, authenticator.Password)))
	assert.Equal(t, login.StepConsent, s.Step, "nothing would come of a verification")
	assert.Nil(t, s.Assurances)
	_, err = v.StartVerification(t.Context(), handle, returnURI)
	require.ErrorIs(t, err, login.ErrStep)
}

func TestALoginTellsThatThereIsNothing(t *testing.T) {
	t.Parallel()
	w := newMemory(t, func(c *login.Config) { c.Assure = true })
	handle, _, err := w.Begin(w.Context(), verifiedName(false, wouldLikeGold), "")
	require.NoError(t, err)
	w.ok(w.Answer(w.Context(), handle, alice, right(alice, authenticator.Password)))
	assert.Equal(t, map[string]bool{}, w.ok(w.State(w.Context(), handle)).Assurances)
}

func TestALoginHearsNothingOfClaimsThatItDidNotAskAbout(t *testing.T) {
	t.Parallel()
	w := newMemory(t, func(c *login.Config) { c.Assure = true })
	w.people.verifications = func(*authenticator.ClaimsRequest) ([]authenticator.VerifiedClaims, error) {
		return []authenticator.VerifiedClaims{{
			Verification: json.RawMessage(`{"trust_framework":"gold"}`),
			Values:       map[string]json.RawMessage{"name": json.RawMessage("null"), "faith": json.RawMessage("null")},
		}}, nil
	}
	handle, _, err := w.Begin(w.Context(), verifiedName(false, wouldLikeGold), "")
	require.NoError(t, err)
	s := w.ok(w.Answer(w.Context(), handle, alice, right(alice, authenticator.Password)))
	assert.Equal(t, map[string]bool{"name": true}, s.Assurances)
}

func TestCodesComeFirstWhereAnswersComeAtOnce(t *testing.T) {
	t.Parallel()
	w := newMemory(t, func(c *login.Config) {
		c.ACRs = authenticator.ACRs{{Value: "both", Alternatives: []authenticator.FactorSet{{authenticator.Password, authenticator.OTP}}}}
	})
	request := verifiedName(false, wouldLikeGold)
	_, s, err := w.Begin(w.Context(), request, "")
	require.NoError(t, err)
	assert.Equal(t, authenticator.Password, s.Factor)
	_, s, err = w.Begin(login.WithAnswersAtOnce(w.Context()), request, "")
	require.NoError(t, err)
	assert.Equal(t, authenticator.OTP, s.Factor)
	assert.Equal(t, []authenticator.FactorSet{{authenticator.Password, authenticator.OTP}}, s.Options, "the options are what they are")
}
