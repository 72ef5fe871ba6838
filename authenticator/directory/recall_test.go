package directory_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/directory"
)

func TestRecallGivesAnIdentityThatWorksForClaims(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	earlier := login(t, f, sokID)
	identity, err := f.Recall(t.Context(), &earlier)
	require.NoError(t, err)
	assert.Equal(t, earlier.Subject, identity.Subject)
	claims, err := f.Claims(t.Context(), &authenticator.ClaimsRequest{Identity: *identity, Names: []string{"name#en"}})
	require.NoError(t, err)
	assert.JSONEq(t, `"Sok Dara"`, string(claims.Values["name#en"]))
}

func TestRecallSaysWhyThereIsNobodyToRecall(t *testing.T) {
	t.Parallel()
	down := errors.New("down")
	tests := []struct {
		name   string
		person *directory.Person
		err    error
		want   authenticator.Reason
	}{
		{"gone", nil, directory.ErrUnknown, authenticator.WrongCredentials},
		{"somebody else has the identifier", &directory.Person{Subject: "person-2"}, nil, authenticator.WrongCredentials},
		{"locked", &directory.Person{Subject: "person-1", Locked: true}, nil, authenticator.Locked},
		{"the register is down", nil, down, authenticator.Unavailable},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			earlier := login(t, newFixture(t), sokID)
			f := newFixture(t, func(c *directory.Config) {
				c.Lookup = func(context.Context, authenticator.Identifier) (*directory.Person, error) { return tt.person, tt.err }
			})
			identity, err := f.Recall(t.Context(), &earlier)
			requireReason(t, tt.want, err)
			assert.Nil(t, identity)
		})
	}

	_, err := newFixture(t).Recall(t.Context(), &authenticator.Identity{Subject: "person-1"})
	requireReason(t, authenticator.Unavailable, err)
}
