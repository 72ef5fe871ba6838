package authenticatortest_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator/authenticatortest"
)

func TestACorrectAuthenticatorBreaksNoRule(t *testing.T) {
	t.Parallel()
	authenticatortest.Run(t, func(t testing.TB) authenticatortest.Subject { return subject(correct(t)) })
}

// fault is one way in which an Authenticator can be wrong, and the rule that must find it.
type fault struct {
	fault, rule string
	breakIt     func(*system)
}

// TestABrokenAuthenticatorIsCaught breaks a correct Authenticator in one way after the other.
func TestABrokenAuthenticatorIsCaught(t *testing.T) {
	t.Parallel()
	caught := map[string]bool{}
	for _, tt := range slices.Concat(answerFaults(), codeFaults(), claimFaults(), signedFaults(), callFaults(), bindingFaults(), verificationFaults()) {
		caught[tt.rule] = true
		t.Run(tt.fault, func(t *testing.T) {
			t.Parallel()
			s := correct(t)
			tt.breakIt(s)
			err := authenticatortest.Check(t.Context(), tt.rule, 2*time.Second, subject(s))
			require.Error(t, err)
			t.Log(err)
		})
	}
	for _, rule := range authenticatortest.Rules() {
		assert.True(t, caught[rule], "no fault is planted for %s", rule)
	}
}
