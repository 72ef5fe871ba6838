package oidc_test

import (
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/zitadel/oidc/v3/pkg/client/rp"
	zitadel "github.com/zitadel/oidc/v3/pkg/oidc"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/oidc"
)

func TestIDToken(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	x := f.extended(t, "health", "openid profile email", "nonce", "n-0S6")
	header, claims := open(t, x.Response["id_token"])
	assert.Equal(t, "ES256", header.Algorithm)
	assert.Equal(t, "JWT", header.ExtraHeaders[jose.HeaderType])
	assert.Equal(t, map[string]any{
		"iss":       issuer,
		"sub":       f.Subject(f.clients["health"], "person-1"),
		"aud":       "health",
		"exp":       float64(now.Add(10 * time.Minute).Unix()),
		"iat":       float64(now.Unix()),
		"auth_time": float64(now.Add(-time.Minute).Unix()),
		"nonce":     "n-0S6",
		"acr":       "loa:2",
		"amr":       []any{"otp"},
		"at_hash":   leftHalf(sha256.Sum256([]byte(x.AccessToken))),
	}, claims, "claims of scopes are for userinfo")
}

func leftHalf[H ~[32]byte](h H) string { return base64.RawURLEncoding.EncodeToString(h[:16]) }

func TestIDTokenLeavesOutWhatIsNotThere(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	x := f.exchange(t, "health", "openid")
	x.Grant.ACR, x.Grant.AMR = "", nil
	require.NoError(t, f.Extend(t.Context(), x))
	_, claims := open(t, x.Response["id_token"])
	for _, name := range []string{"nonce", "acr", "amr"} {
		assert.NotContains(t, claims, name)
	}
	assert.Empty(t, f.people.asked, "nothing is fetched when nothing is shared")
	assert.JSONEq(t, `{}`, string(x.Data))
}

func TestIDTokenHasTheClaimsThatWereAskedForByName(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	x := f.extended(t, "health", "openid email",
		"claims", `{"id_token":{"name":{"essential":true},"address":null,"phone_number":null}}`)
	_, claims := open(t, x.Response["id_token"])
	assert.Equal(t, "Sok Dara", claims["name"])
	assert.Equal(t, map[string]any{"region": "Kandal", "country": "KH"}, claims["address"])
	assert.NotContains(t, claims, "phone_number", "the identity system does not have it")
	assert.NotContains(t, claims, "email")
	assert.JSONEq(t, `{"email": "dara@example.org", "email_verified": true}`, string(x.Data))
}

func TestIDTokenCannotBeForgedByTheIdentitySystem(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.people.values = map[string]string{
		"sub": `"victim"`, "iss": `"x"`, "aud": `"x"`, "acr": `"loa:9"`, "nonce": `"x"`, "gender": `"f"`,
		"name": `"N"`, `name#x","sub":"victim`: `"N"`, "nickname": `"unasked"`,
	}
	x := f.extended(t, "health", "openid", "claims", `{"id_token":{"name":null,"sub":null,"acr":null},"userinfo":{"name":null}}`)
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(x.Response["id_token"], ".")[1])
	require.NoError(t, err)
	assert.Equal(t, 1, strings.Count(string(payload), `"sub":`))
	_, claims := open(t, x.Response["id_token"])
	assert.Equal(t, x.Grant.Subject, claims["sub"])
	assert.Equal(t, "loa:2", claims["acr"])
	assert.NotContains(t, claims, "nickname")
	assert.JSONEq(t, `{"name": "N"}`, string(x.Data))
}

func TestIDTokenAlgorithms(t *testing.T) {
	t.Parallel()
	for _, alg := range allAlgorithms {
		t.Run(string(alg), func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.clients["health"].IDTokenAlgorithm = alg
			x := f.extended(t, "health", "openid")
			header, claims := open(t, x.Response["id_token"])
			assert.Equal(t, string(alg), header.Algorithm)
			hash := sha256.Sum256([]byte(x.AccessToken))
			want := hash[:16]
			switch alg {
			case jose.ES384:
				hash := sha512.Sum384([]byte(x.AccessToken))
				want = hash[:24]
			case jose.EdDSA:
				hash := sha512.Sum512([]byte(x.AccessToken))
				want = hash[:32]
			}
			assert.Equal(t, base64.RawURLEncoding.EncodeToString(want), claims["at_hash"])
		})
	}
}

func TestIDTokenOfAForeignRelyingParty(t *testing.T) {
	t.Parallel()
	for _, alg := range allAlgorithms {
		t.Run(string(alg), func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, func(c *oidc.Config) { c.Now = nil })
			f.clients["health"].IDTokenAlgorithm = alg
			x := f.exchange(t, "health", "openid", "nonce", "n-0S6", "claims", `{"id_token":{"given_name":null}}`)
			x.IssuedAt = time.Now()
			x.Grant.AuthTime = x.IssuedAt.Add(-time.Second)
			require.NoError(t, f.Extend(t.Context(), x))

			jwks := httptest.NewServer(f.JWKSHandler())
			defer jwks.Close()
			verifier := rp.NewIDTokenVerifier(issuer, "health", rp.NewRemoteKeySet(jwks.Client(), jwks.URL),
				rp.WithSupportedSigningAlgorithms(string(alg)),
				rp.WithNonce(func(context.Context) string { return "n-0S6" }),
				rp.WithAuthTimeMaxAge(time.Minute),
			)
			claims, err := rp.VerifyTokens[*zitadel.IDTokenClaims](t.Context(), x.AccessToken, x.Response["id_token"], verifier)
			require.NoError(t, err)
			assert.Equal(t, x.Grant.Subject, claims.Subject)
			assert.Equal(t, "Dara", claims.GivenName)

			_, err = rp.VerifyTokens[*zitadel.IDTokenClaims](t.Context(), "another token", x.Response["id_token"], verifier)
			require.Error(t, err, "the at_hash is that of the access token")
		})
	}
}

func TestIDTokenLivesNoLongerThanItsGrant(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	x := f.exchange(t, "health", "openid")
	x.Grant.ExpiresAt = now.Add(time.Minute)
	require.NoError(t, f.Extend(t.Context(), x))
	_, claims := open(t, x.Response["id_token"])
	assert.EqualValues(t, now.Add(time.Minute).Unix(), claims["exp"])
}

func TestIDTokenLifetimeIsConfigured(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(c *oidc.Config) { c.IDTokenLifetime = time.Minute })
	_, claims := open(t, f.extended(t, "health", "openid").Response["id_token"])
	assert.EqualValues(t, now.Add(time.Minute).Unix(), claims["exp"])
}

func TestExtendLeavesPlainOAuthAlone(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	x := &oauth.Exchange{Client: f.clients["health"], Grant: &oauth.Grant{Scope: []string{"profile"}}}
	require.NoError(t, f.Extend(t.Context(), x))
	assert.Empty(t, x.Response)
	assert.Empty(t, x.Data)
	assert.Empty(t, f.people.asked)
}

func TestExtendKeepsWhatOthersAddedToTheResponse(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	x := f.exchange(t, "health", "openid")
	x.Response = map[string]string{"other": "member"}
	require.NoError(t, f.Extend(t.Context(), x))
	assert.Equal(t, "member", x.Response["other"])
}

func TestExtendFetchesClaimsOnceAndOnlyThoseShared(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	r, err := f.parse(t.Context(), "health", "openid email", "claims_locales", "km en",
		"claims", `{"id_token":{"name":null,"email":null},"userinfo":{"gender":null}}`)
	require.NoError(t, err)
	x := f.exchangeFor(t, f.clients["health"], r, []string{"openid", "email"}, []string{"name", "email"})
	require.NoError(t, f.Extend(t.Context(), x))
	assert.Equal(t, []*authenticator.ClaimsRequest{{
		Transaction: "transaction-1",
		ClientID:    "health",
		Identity:    authenticator.Identity{Subject: "person-1", State: []byte("kyc-token")},
		Names:       []string{"email", "email_verified", "name"},
		Locales:     []string{"km", "en"},
	}}, f.people.asked)
}

func TestReleasedClaims(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		claims   string
		released map[string]string
		want     string
	}{
		"empty ones are left out": {
			claims: `{"userinfo":{"name":null,"given_name":null,"family_name":null,"nickname":null,"address":null,"gender":null,"locale":null}}`,
			released: map[string]string{
				"name": `null`, "given_name": `""`, "family_name": `"  "`, "nickname": `[]`, "address": " { } ", "gender": ``,
			},
			want: `{}`,
		},
		"false and 0 are not empty": {
			claims:   `{"userinfo":{"email_verified":null,"updated_at":null}}`,
			released: map[string]string{"email_verified": "false", "updated_at": "0"},
			want:     `{"email_verified":false,"updated_at":0}`,
		},
		"a value that was asked for": {
			claims:   `{"userinfo":{"gender":{"value":"\u0066emale"}}}`,
			released: map[string]string{"gender": ` "female"`},
			want:     `{"gender":"female"}`,
		},
		"another value than was asked for": {
			claims:   `{"userinfo":{"gender":{"essential":true,"value":"female"},"locale":null,"name":{"value":null}}}`,
			released: map[string]string{"gender": `"male"`, "locale": `"km"`, "name": `"N"`},
			want:     `{"locale":"km"}`,
		},
		"a value of another type than was asked for": {
			claims:   `{"userinfo":{"updated_at":{"value":"1"},"email_verified":{"value":"true"}}}`,
			released: map[string]string{"updated_at": `1`, "email_verified": `true`},
			want:     `{}`,
		},
		"a number too large for a float": {
			claims:   `{"userinfo":{"updated_at":{"value":9007199254740993}}}`,
			released: map[string]string{"updated_at": `9007199254740992`},
			want:     `{}`,
		},
		"one of the values that were asked for": {
			claims:   `{"userinfo":{"address":{"values":[{"country":"TH"},{"country":"KH","region":"Kandal"}]}}}`,
			released: map[string]string{"address": `{"region":"Kandal","country":"KH"}`},
			want:     `{"address":{"region":"Kandal","country":"KH"}}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.people.values = tc.released
			x := f.extended(t, "health", "openid", "claims", tc.claims)
			assert.Equal(t, tc.want, string(x.Data))
		})
	}
}

func TestReleasedClaimsMatchWhereTheyWereAskedFor(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	x := f.extended(t, "health", "openid", "claims", `{"userinfo":{"name":null},"id_token":{"name":{"value":"Other"}}}`)
	_, claims := open(t, x.Response["id_token"])
	assert.NotContains(t, claims, "name")
	assert.JSONEq(t, `{"name":"Sok Dara"}`, string(x.Data))
}

func TestExtendFails(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(*fixture, *oauth.Exchange)
		config func(*oidc.Config)
		want   oauth.ErrorCode
	}{
		"when the identity system is down": {
			change: func(f *fixture, _ *oauth.Exchange) { f.people.err = errBackend }, want: oauth.ServerError,
		},
		"when the identity system says that it is unavailable": {
			change: func(f *fixture, _ *oauth.Exchange) {
				f.people.err = &authenticator.Error{Reason: authenticator.Unavailable, Err: errBackend}
			}, want: oauth.ServerError,
		},
		"when the identity system does not know the person any more": {
			change: func(f *fixture, _ *oauth.Exchange) {
				f.people.err = &authenticator.Error{Reason: authenticator.WrongCredentials, Err: errBackend}
			}, want: oauth.InvalidGrant,
		},
		"when a claim is malformed": {
			change: func(f *fixture, _ *oauth.Exchange) { f.people.values["email"] = `{"a":` }, want: oauth.ServerError,
		},
		"when a claim closes the object": {
			change: func(f *fixture, _ *oauth.Exchange) { f.people.values["email"] = `1},"sub":"x"` }, want: oauth.ServerError,
		},
		"when a claim is not UTF-8": {
			change: func(f *fixture, _ *oauth.Exchange) { f.people.values["email"] = "\"\xff\"" }, want: oauth.ServerError,
		},
		"when the claims are too long": {
			change: func(f *fixture, _ *oauth.Exchange) {
				f.people.values["email"] = `"` + strings.Repeat("a", 1<<20) + `"`
			}, want: oauth.ServerError,
		},
		"when the grant carries nothing": {
			change: func(_ *fixture, x *oauth.Exchange) { x.Grant.Data = nil }, want: oauth.ServerError,
		},
		"when the keys are not there": {
			config: func(c *oidc.Config) { c.Keys = brokenBackend{} }, want: oauth.ServerError,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var change []func(*oidc.Config)
			if tc.config != nil {
				change = append(change, tc.config)
			}
			f := newFixture(t, change...)
			x := f.exchange(t, "health", "openid email")
			if tc.change != nil {
				tc.change(f, x)
			}
			err := f.Extend(t.Context(), x)
			require.Error(t, err)
			e := oauth.AsError(err)
			requireCode(t, tc.want, e)
			assert.NotContains(t, e.Description, "10.1.2.3")
			assert.Empty(t, x.Response)
			assert.Empty(t, x.Data)
		})
	}
}

func TestExtendWithAnIdentitySystemThatReleasesNothing(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(c *oidc.Config) { c.Claims = nothing{} })
	x := f.extended(t, "health", "openid email")
	assert.JSONEq(t, `{}`, string(x.Data))
	assert.NotEmpty(t, x.Response["id_token"])
}

type nothing struct{}

func (nothing) Claims(context.Context, *authenticator.ClaimsRequest) (*authenticator.Claims, error) {
	return nil, nil
}

func TestExtendGivesUpWithItsContext(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	x := f.exchange(t, "health", "openid email")
	f.people.err = context.Canceled
	require.True(t, errors.Is(f.Extend(t.Context(), x), context.Canceled))
}

func TestAuthorizationIsReadWhateverElseItHolds(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	x := f.exchange(t, "health", "openid email")
	var data map[string]any
	require.NoError(t, json.Unmarshal(x.Grant.Data, &data))
	data["of_a_later_version"] = true
	x.Grant.Data, _ = json.Marshal(data)
	require.NoError(t, f.Extend(t.Context(), x))
}
