package dpop_test

import (
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/assert"

	"github.com/gosignet/signet/dpop"
)

func TestErrorOfAChallenge(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		`DPoP error="use_dpop_nonce"`: "use_dpop_nonce",
		`DPoP error="use_dpop_nonce", error_description="a, \"b\" = c", algs="ES256"`: "use_dpop_nonce",
		`dpop algs="ES256 PS256" ,, ERROR = use_dpop_nonce`:                           "use_dpop_nonce",
		`DPoP  algs="x",error="use\_dpop_nonce"`:                                      "use_dpop_nonce",
		`Bearer, DPoP error="use_dpop_nonce"`:                                         "use_dpop_nonce",
		`Bearer error="invalid_token", DPoP error="use_dpop_nonce", Basic realm="x"`:  "use_dpop_nonce",
		`Negotiate abc==, DPoP error="use_dpop_nonce"`:                                "use_dpop_nonce",
		`Basic realm="DPoP error=\"use_dpop_nonce\", DPoP", error="x"`:                "",
		`Bearer error="use_dpop_nonce"`:                                               "",
		`DPoP algs="ES256", Bearer error="use_dpop_nonce"`:                            "",
		`DPoP error_description="error=use_dpop_nonce"`:                               "",
		`Basic realm="\", DPoP error=use_dpop_nonce, x=\""`:                           "",
		`DPoP`:                       "",
		`DPoP error`:                 "",
		`error="use_dpop_nonce"`:     "",
		`DPoP error="use_dpop_nonce`: `"use_dpop_nonce`,
		``:                           "",
		`,`:                          "",
	} {
		assert.Equal(t, want, dpop.ChallengeError([]string{value}), value)
		assert.Equal(t, want, dpop.ChallengeError([]string{`Basic realm="x"`, value}), value)
	}
	assert.Empty(t, dpop.ChallengeError(nil))
}

func TestChallengeIsReadAsItIsWritten(t *testing.T) {
	t.Parallel()
	algorithms := []jose.SignatureAlgorithm{jose.ES256, jose.PS256}
	e := &dpop.Error{Code: dpop.UseNonce, Description: "a, b = c"}
	written := dpop.Challenge(dpop.Scheme, e, algorithms)
	assert.Equal(t, `DPoP error="use_dpop_nonce", error_description="a, b = c", algs="ES256 PS256"`, written)
	assert.Equal(t, "use_dpop_nonce", dpop.ChallengeError([]string{written}))
	assert.Equal(t, `DPoP algs="ES256 PS256"`, dpop.Challenge(dpop.Scheme, nil, algorithms))
	assert.Equal(t, `Bearer`, dpop.Challenge("Bearer", &dpop.Error{}, nil))
}

func TestAnErrorWithoutACodeSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	assert.EqualError(t, &dpop.Error{Description: "no access token"}, "dpop: no access token")
	assert.EqualError(t, &dpop.Error{Code: dpop.InvalidProof, Description: "no proof"}, "dpop: invalid_dpop_proof: no proof")
}
