package authenticator_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/gosignet/signet/authenticator"
)

type silent struct{ authenticator.Authenticator }

type assurer struct{ silent }

func (assurer) Verifications(context.Context, *authenticator.ClaimsRequest) ([]authenticator.VerifiedClaims, error) {
	return nil, nil
}

type maybe struct {
	assurer
	assures bool
}

func (m maybe) Assures() bool { return m.assures }

func TestAnAssurerThatStandsForNoneIsNone(t *testing.T) {
	t.Parallel()
	assert.Nil(t, authenticator.AssurerOf(nil))
	assert.Nil(t, authenticator.AssurerOf(silent{}))
	assert.Nil(t, authenticator.AssurerOf(maybe{}))
	assert.Equal(t, assurer{}, authenticator.AssurerOf(assurer{}))
	assert.Equal(t, maybe{assures: true}, authenticator.AssurerOf(maybe{assures: true}))
}
