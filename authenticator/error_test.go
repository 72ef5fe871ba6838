package authenticator_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
)

func TestErrorNamesItsReasonAndWrapsItsCause(t *testing.T) {
	t.Parallel()
	bare := &authenticator.Error{Reason: authenticator.WrongCredentials}
	assert.EqualError(t, bare, "authenticator: wrong_credentials")

	err := fmt.Errorf("login: %w", &authenticator.Error{Reason: authenticator.Unavailable, Err: context.DeadlineExceeded})
	var failure *authenticator.Error
	require.ErrorAs(t, err, &failure)
	assert.Equal(t, authenticator.Unavailable, failure.Reason)
	assert.ErrorContains(t, err, "authenticator: unavailable: context deadline exceeded")
	assert.True(t, errors.Is(err, context.DeadlineExceeded))
}
