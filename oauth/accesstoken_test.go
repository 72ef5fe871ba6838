package oauth_test

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/store"
)

// unverified returns the claims of a JWT.
func unverified(tb testing.TB, token string) (claims map[string]any) {
	tb.Helper()
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	require.NoError(tb, err)
	require.NoError(tb, json.Unmarshal(payload, &claims))
	return claims
}

func TestAccessTokenIsAJWTOfRFC9068(t *testing.T) {
	t.Parallel()
	for _, alg := range []jose.SignatureAlgorithm{jose.ES256, jose.RS256, jose.EdDSA} {
		t.Run(string(alg), func(t *testing.T) {
			t.Parallel()
			keys, err := keystore.Generate(jose.ES256, jose.RS256, jose.EdDSA)
			require.NoError(t, err)
			p := newProvider(t, func(c *oauth.Config) {
				c.Keys, c.AccessTokenAlgorithm = keys, alg
				c.AccessTokenAudience = []string{"https://api.example", issuer}
				c.AccessTokenLifetime = 5 * time.Minute
			})
			issued := p.redeem(t, p.portal, p.code(t, p.portal))
			require.EqualValues(t, 300, issued.ExpiresIn)

			jws, err := jose.ParseSignedCompact(issued.AccessToken, []jose.SignatureAlgorithm{alg})
			require.NoError(t, err)
			require.Equal(t, "at+jwt", jws.Signatures[0].Protected.ExtraHeaders[jose.HeaderType])
			public, err := keys.Keys(t.Context())
			require.NoError(t, err)
			payload, err := jws.Verify(jose.JSONWebKeySet{Keys: public})
			require.NoError(t, err)

			claims := unverified(t, issued.AccessToken)
			require.Len(t, claims["jti"], 43)
			delete(claims, "jti")
			now := p.clock.Now().Unix()
			want, err := json.Marshal(map[string]any{
				"iss": issuer, "sub": "pseudonym-7c1f", "aud": []string{"https://api.example", issuer},
				"exp": now + 300, "iat": now, "client_id": "portal", "scope": "openid records",
				"auth_time": now - 60, "acr": "loa:2", "amr": []string{"otp"},
			})
			require.NoError(t, err)
			got, err := json.Marshal(claims)
			require.NoError(t, err)
			require.JSONEq(t, string(want), string(got))
			require.NotContains(t, string(payload), "Personal Data")
		})
	}
}

func TestAccessTokenOfAGrantWithoutDetailsLeavesThemOut(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	response(t, p.authorize(p.portal.request()))
	code := store.NewHandle()
	_, err := p.Approve(t.Context(), p.login.begun, oauth.Grant{Subject: "s"}, code)
	require.NoError(t, err)
	token := p.redeem(t, p.portal, code)
	require.Empty(t, token.Scope)
	claims := unverified(t, token.AccessToken)
	for _, name := range []string{"auth_time", "acr", "amr", "scope"} {
		require.NotContains(t, claims, name)
	}
	require.Equal(t, []any{issuer}, claims["aud"])
}

func TestAccessTokenOpensItsRecord(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	issued := p.redeem(t, p.portal, p.code(t, p.portal))
	token, err := p.instance(t).AccessToken(t.Context(), issued.AccessToken)
	require.NoError(t, err)
	require.Equal(t, "portal", token.ClientID)
	require.Equal(t, "pseudonym-7c1f", token.Grant.Subject)
	require.Equal(t, []string{"openid", "records"}, token.Grant.Scope)
	require.Equal(t, "transaction-41", token.Grant.Transaction)
	claims := unverified(t, issued.AccessToken)
	require.EqualValues(t, claims["iat"], token.IssuedAt.Unix())
	require.EqualValues(t, claims["exp"], token.ExpiresAt.Unix())
	require.Zero(t, token.ExpiresAt.Nanosecond(), "the token says the same to the resource server as to us")
}

func TestAccessTokenExpires(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	token := p.redeem(t, p.portal, p.code(t, p.portal)).AccessToken
	exp := time.Unix(int64(unverified(t, token)["exp"].(float64)), 0)
	p.clock.advance(exp.Sub(p.clock.Now()) - time.Millisecond)
	require.True(t, p.live(t, token))
	p.clock.advance(time.Millisecond)
	require.False(t, p.live(t, token))
	require.False(t, p.active(t, p.portal, token))
}

func TestAccessTokenThatWasChangedIsInvalid(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	token := p.redeem(t, p.portal, p.code(t, p.portal)).AccessToken
	other := p.redeem(t, p.portal, p.code(t, p.portal)).AccessToken
	part, foreign := strings.Split(token, "."), strings.Split(other, ".")

	// A forger who knows the jti makes a token of their own, under the provider's own key even.
	claims := unverified(t, token)
	claims["sub"] = "somebody-else"
	key, err := p.keys.Signer(t.Context(), keystore.TokenSigning, jose.ES256)
	require.NoError(t, err)
	forged, err := key.SignJSON(t.Context(), "at+jwt", claims)
	require.NoError(t, err)
	resigned, err := key.SignJSON(t.Context(), "at+jwt", unverified(t, token))
	require.NoError(t, err)

	for name, changed := range map[string]string{
		"empty":                    "",
		"other claims":             forged,
		"same claims signed again": resigned,
		"no signature":             part[0] + "." + part[1] + ".",
		"another's signature":      part[0] + "." + part[1] + "." + foreign[2],
		"another's payload":        part[0] + "." + foreign[1] + "." + part[2],
		"another header":           "eyJhbGciOiJub25lIn0." + part[1] + "." + part[2],
		"a space before":           " " + token,
		"a line break after":       token + "\n",
		"a line break inside":      part[0] + "." + part[1] + "\n." + part[2],
		"padding":                  part[0] + "." + part[1] + "=." + part[2],
		"a part more":              token + ".x",
		"no dots":                  strings.ReplaceAll(token, ".", ""),
		"the jti alone":            jtiOf(t, token),
		"too long":                 part[0] + "." + part[1] + "." + strings.Repeat("A", 8<<10),
		"no JSON":                  "e30.bm9wZQ.x",
		"jti of another type":      "e30." + base64.RawURLEncoding.EncodeToString([]byte(`{"jti":1}`)) + ".x",
		"no jti":                   "e30.e30.x",
	} {
		t.Run(name, func(t *testing.T) {
			require.NotEqual(t, token, changed)
			_, err := p.AccessToken(t.Context(), changed)
			e := oauth.AsError(err)
			require.Equal(t, oauth.InvalidToken, e.Code)
			require.Equal(t, 401, e.StatusCode())
			requireDescription(t, e.Description)
		})
	}
	for i := range len(token) {
		changed := []byte(token)
		changed[i] ^= 1
		require.False(t, p.live(t, string(changed)), "byte %d", i)
	}
	require.True(t, p.live(t, token))
}
