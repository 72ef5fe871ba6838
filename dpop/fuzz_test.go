package dpop_test

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/dpop"
)

// FuzzVerify holds Verify against go-jose: what is accepted is signed by the key in it, for this method and time.
func FuzzVerify(f *testing.F) {
	c := newClock()
	v := newVerifier(f, c, func(config *dpop.Config) { config.Nonces = newNonces(f, c, secretA) })
	claims := func(more ...string) map[string]any {
		m := map[string]any{"jti": "1", "htm": "POST", "htu": tokenURL, "iat": start.Unix(), "ath": tokenHash(accessToken)}
		for i := 0; i < len(more); i += 2 {
			m[more[i]] = more[i+1]
		}
		return m
	}
	// Ed25519 signatures are the same in every process, so that stored inputs can be good proofs.
	f.Add(foreignProof(jose.EdDSA, edKey(), claims()))
	f.Add(foreignProof(jose.EdDSA, edKey(), claims("nonce", newNonces(f, c, secretA).Current())))
	f.Add(foreignProof(jose.EdDSA, edKey(), claims("nonce", "x")))
	f.Add(foreignProof(jose.EdDSA, edKey(), claims("htu", "HTTPS://id.example:443/oauth/%74oken?x#y")))
	f.Add(foreignProof(jose.ES256, ecKey(), claims()))
	f.Add(base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"dpop+jwt"}`)) + ".e30.")
	f.Add("..")
	f.Fuzz(func(t *testing.T, raw string) {
		p, err := v.Verify(dpop.Request{
			Header: http.Header{"Dpop": {raw}}, Method: "POST", URL: tokenURL, AccessToken: accessToken,
		})
		if err != nil {
			var e *dpop.Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, e.Code == dpop.UseNonce, e.Nonce != "")
			return
		}
		header, claims := openForeign([]string{raw})
		require.Equal(t, "POST", claims["htm"])
		require.Equal(t, tokenHash(accessToken), claims["ath"])
		require.Equal(t, claims["jti"], p.ID)
		require.True(t, strings.EqualFold(strings.TrimPrefix(strings.ToLower(header["typ"].(string)), "application/"), "dpop+jwt"))
		thumbprint, err := dpop.Thumbprint(*header["jwk"].(*jose.JSONWebKey))
		require.NoError(t, err)
		require.True(t, dpop.ValidThumbprint(p.Thumbprint) && dpop.SameKey(thumbprint, p.Thumbprint))
	})
}

// FuzzNormalise checks that a normal form is normal, and a URL with the host of what it was made from.
func FuzzNormalise(f *testing.F) {
	for _, seed := range []string{
		tokenURL, "HTTPS://RS.example:443/%7ea/./b/../%2f?x#y", "http://[::1]:80", "http://h:/..//./%2e%2e/", "https://u@h/",
		"https://h%2e/", "https://[fe80::1%25en0]/", "https://h\\@x/", "http://h?/../x", "https://h:00443/",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		got, err := dpop.Normalise(raw)
		if err != nil {
			require.Empty(t, got)
			return
		}
		again, err := dpop.Normalise(got)
		require.NoError(t, err)
		require.Equal(t, got, again)
		before, err := url.Parse(raw[:strings.IndexAny(raw+"?", "?#")])
		require.NoError(t, err)
		after, err := url.Parse(got)
		require.NoError(t, err)
		require.True(t, strings.EqualFold(before.Hostname(), after.Hostname()))
		require.True(t, strings.EqualFold(before.Scheme, after.Scheme))
		require.True(t, strings.HasPrefix(after.EscapedPath(), "/"))
		require.NotContains(t, after.EscapedPath()+"/", "/../")
		require.NotContains(t, after.EscapedPath()+"/", "/./")
		require.Empty(t, after.RawQuery+after.Fragment)
	})
}

// FuzzChallengeError puts a DPoP challenge before and behind what a stranger sends: the first must always be found.
func FuzzChallengeError(f *testing.F) {
	for _, seed := range []string{
		`DPoP error="use_dpop_nonce", algs="ES256 PS256"`, `Bearer, Basic realm="a, b\"", DPoP error=x`, `"`, `\`, `DPoP error="\`, `a=,=,b ==`,
	} {
		f.Add(seed)
	}
	first := dpop.Challenge(dpop.Scheme, &dpop.Error{Code: dpop.UseNonce, Description: "again, please"}, nil)
	f.Fuzz(func(t *testing.T, value string) {
		dpop.ChallengeError([]string{value})
		require.Equal(t, "use_dpop_nonce", dpop.ChallengeError([]string{first + ", " + value}))
		require.Equal(t, "use_dpop_nonce", dpop.ChallengeError([]string{first, value}))
	})
}
