package ida_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/ida"
	"github.com/gosignet/signet/authenticator/ida/idatest"
)

// original has clients get IDA's own answer, which holds only what was asked for.
func original(s *stub, c *ida.Config) {
	c.Original = ida.JWS
	s.Forge = func(claims map[string]any) { delete(claims, "individual_id") }
}

func TestClientsCanHaveWhatIDASigned(t *testing.T) {
	t.Parallel()
	a, _ := start(t, original)
	claims, err := a.Claims(t.Context(), claimsRequest(logIn(t, a), "name", "email"))
	require.NoError(t, err)
	assert.JSONEq(t, `"Asha Rao"`, string(claims.Values["name"]))

	data, err := a.PublicKeys(t.Context())
	require.NoError(t, err)
	var set jose.JSONWebKeySet
	require.NoError(t, json.Unmarshal(data, &set))
	jws, err := jose.ParseSignedCompact(claims.Original, []jose.SignatureAlgorithm{jose.RS256})
	require.NoError(t, err)
	keys := set.Key(jws.Signatures[0].Header.KeyID)
	require.Len(t, keys, 1, "it is found by its kid")
	assert.True(t, keys[0].IsPublic())
	assert.Equal(t, idatest.SigningKey().Certificate, keys[0].Certificates[0])
	payload, err := jws.Verify(keys[0])
	require.NoError(t, err)
	assert.Contains(t, string(payload), `"email":"asha@example.org"`)
}

func TestWhatNobodyConsentedToIsNotPassedOn(t *testing.T) {
	t.Parallel()
	a, _ := start(t, func(_ *stub, c *ida.Config) { c.Original = ida.JWS })
	claims, err := a.Claims(t.Context(), claimsRequest(logIn(t, a), "name"))
	assert.Nil(t, claims)
	assert.Equal(t, authenticator.Unavailable, reasonOf(t, err))
	assert.ErrorContains(t, err, "nobody consented")
}

func TestClientsCanHaveWhatIDAEncryptedForThem(t *testing.T) {
	t.Parallel()
	a, s := start(t, func(s *stub, c *ida.Config) { s.Encrypted, c.Original = true, ida.JWE })
	claims, err := a.Claims(t.Context(), claimsRequest(logIn(t, a), "name"))
	require.NoError(t, err)
	assert.Empty(t, claims.Values)
	jwe, err := jose.ParseEncryptedCompact(claims.Original, []jose.KeyAlgorithm{jose.RSA_OAEP_256}, []jose.ContentEncryption{jose.A256GCM})
	require.NoError(t, err)
	_, err = jwe.Decrypt(idatest.DecryptionKey().Key)
	require.NoError(t, err)

	s.Set(func() { s.Released = s.signedOnly })
	_, err = a.Claims(t.Context(), claimsRequest(logIn(t, a), "name"))
	assert.ErrorContains(t, err, "no JWE", "what is not encrypted is not passed on")
}

func TestKeysArePublishedOnlyForWhatIsPassedOn(t *testing.T) {
	t.Parallel()
	a, s := start(t)
	keys, err := a.PublicKeys(t.Context())
	require.NoError(t, err)
	assert.JSONEq(t, `{"keys":[]}`, string(keys))
	assert.Zero(t, s.Count("signing"))

	fixed, fixedStub := start(t, original, func(_ *stub, c *ida.Config) {
		c.SigningService = nil
		c.SigningCertificates = append(c.SigningCertificates, idatest.SigningKey().Certificate, otherKey().Certificate)
	})
	for _, want := range []int{2, 1} {
		data, err := fixed.PublicKeys(t.Context())
		require.NoError(t, err)
		assert.Equal(t, want, strings.Count(string(data), `"kid"`))
		fixedStub.clock.advance(2 * 366 * 24 * time.Hour) // beyond the life of the other
	}
	broken, _ := start(t, original, func(_ *stub, c *ida.Config) { c.SigningService.SecretKey = "another" }, answering("token", ""))
	_, err = broken.PublicKeys(t.Context())
	assert.Equal(t, authenticator.Unavailable, reasonOf(t, err))
}

func TestHowClaimsWereVerifiedIsReleasedToWhomItIsConsented(t *testing.T) {
	t.Parallel()
	a, s := start(t, func(s *stub, c *ida.Config) { s.Metadata, c.Verifications = true, true })
	r := claimsRequest(logIn(t, a), "name", "email", "birthdate")
	r.Verified, r.Locales = []string{"name", "birthdate", "email"}, []string{"fr"}
	claims, err := a.Claims(t.Context(), r)
	require.NoError(t, err)
	require.Len(t, claims.Verified, 1, "of the others nobody verified a value")
	assert.JSONEq(t, `{"trust_framework": "example_register", "verification_process": "enrolment", "time": "2024-01-01T10:00Z"}`,
		string(claims.Verified[0].Verification))
	assert.Equal(t, map[string]json.RawMessage{"name": claims.Values["name"], "name#fr": claims.Values["name#fr"]}, claims.Verified[0].Values)

	r = claimsRequest(logIn(t, a), "name")
	claims, err = a.Claims(t.Context(), r)
	require.NoError(t, err)
	assert.Empty(t, claims.Verified, "it was not asked for")

	s.Set(func() {
		s.People[asha].Metadata["name"] = []any{map[string]any{"trust_framework": strings.Repeat("x", 8<<10)}}
	})
	claims, err = a.Claims(t.Context(), claimsRequest(logIn(t, a), "name"))
	require.NoError(t, err, "people log in, whatever there is to say about them")
	assert.Len(t, claims.Values, 1)
}
