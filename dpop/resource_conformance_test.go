package dpop_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/dpop"
)

// TestConformance is what the OpenID Foundation's module dpop-negative-tests does, in its order, with one token.
func TestConformance(t *testing.T) {
	t.Parallel()
	inEveryWay(t, conformance)
}

func conformance(t *testing.T, way func(*dpop.ResourceConfig)) {
	c := newClock()
	guarded := resource(t, newVerifier(t, c, nil), way)
	sign := func(change func(*draft)) []string {
		d := newDraft("GET", resourceURL, c.Now()).withToken(accessToken)
		change(d)
		return []string{d.sign()}
	}
	drop := func(name string) func(*draft) {
		return func(d *draft) { delete(d.claims, name); delete(d.header, name) }
	}
	claim := func(name string, value any) func(*draft) { return func(d *draft) { d.claims[name] = value } }
	correct := func(*draft) {}
	const ok, no = http.StatusOK, http.StatusUnauthorized
	for _, tc := range []struct {
		name   string
		want   int
		proofs []string
	}{
		{"two DPoP headers", no, append(sign(correct), sign(correct)...)},
		{"not three JWT parts", no, sign(func(d *draft) { d.spoil = func(p string) string { return strings.Replace(p, ".", "", 1) } })},
		{"typ missing", no, sign(drop("typ"))},
		{"alg missing", no, sign(drop("alg"))},
		{"jwk missing", no, sign(drop("jwk"))},
		{"jti missing", no, sign(drop("jti"))},
		{"htm missing", no, sign(drop("htm"))},
		{"htu missing", no, sign(drop("htu"))},
		{"iat missing", no, sign(drop("iat"))},
		{"ath missing", no, sign(drop("ath"))},
		{"wrong typ", no, sign(func(d *draft) { d.header["typ"] = "jwt" })},
		{"alg none", no, sign(func(d *draft) {
			d.header["alg"] = "none"
			d.spoil = func(p string) string { return p[:strings.LastIndex(p, ".")+1] }
		})},
		{"broken signature", no, sign(func(d *draft) { d.spoil = func(p string) string { return p[:len(p)-10] + "AAAAAAAAAA" } })},
		{"private key in jwk", no, sign(func(d *draft) { d.header["jwk"] = jose.JSONWebKey{Key: ecKey()} })},
		{"htm is PUT", no, sign(claim("htm", "PUT"))},
		{"htu with an added query and fragment", ok, sign(claim("htu", resourceURL+"?a=b#c"))},
		{"htu without the query of the real URL", ok, sign(correct)},
		{"htu of another URL", no, sign(claim("htu", "https://www.example.com/other"))},
		{"iat one hour ahead", no, sign(claim("iat", c.Now().Add(time.Hour).Unix()))},
		{"iat one hour behind", no, sign(claim("iat", c.Now().Add(-time.Hour).Unix()))},
		{"iat 10 seconds ahead", ok, sign(claim("iat", c.Now().Add(10*time.Second).Unix()))},
		{"iat 10 seconds behind", ok, sign(claim("iat", c.Now().Add(-10*time.Second).Unix()))},
		{"jti first use", ok, sign(claim("jti", "fixed"))},
		{"jti reuse", no, sign(claim("jti", "fixed"))},
		{"wrong ath", no, sign(claim("ath", tokenHash("wrong")))},
		{"signed by another key", no, sign(func(d *draft) {
			d.key = newECKey()
			d.header["jwk"] = jose.JSONWebKey{Key: d.key.Public()}
		})},
		{"unknown extra header members and claims", ok, sign(func(d *draft) { d.header["extra"], d.claims["extra"] = "x", "y" })},
		{"scheme and host of htu in capitals", ok, sign(claim("htu", "HTTPS://RS.EXAMPLE/api/people/me"))},
		{"htu with explicit default port 443", ok, sign(claim("htu", "https://rs.example:443/api/people/me"))},
		{"no DPoP header", no, nil},
		{"correct proof again", ok, sign(correct)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := get(guarded, "DPoP "+accessToken, tc.proofs...)
			assert.Equal(t, tc.want, w.Code)
			if tc.want == ok {
				assert.Equal(t, "somebody", w.Body.String())
				assert.Empty(t, w.Header().Values("WWW-Authenticate"))
				return
			}
			assert.Regexp(t, `^DPoP error="invalid_(dpop_proof|token)", error_description="[^"\\]+", algs="ES256 PS256 EdDSA"$`,
				w.Header().Get("WWW-Authenticate"))
			assert.Equal(t, "no-store", w.Header().Get("Cache-Control"))
			assert.Empty(t, w.Header().Values("DPoP-Nonce"))
		})
	}
	t.Run("signed RS256", func(t *testing.T) {
		claims := newDraft("GET", resourceURL, c.Now()).withToken("rsa").claims
		assert.Equal(t, no, get(guarded, "DPoP rsa", foreignProof(jose.RS256, rsaKey(), claims)).Code)
		assert.Equal(t, ok, get(guarded, "DPoP rsa", foreignProof(jose.PS256, rsaKey(), claims)).Code)
	})
	t.Run("no DPoP header and Authorization: Bearer", func(t *testing.T) {
		w := get(guarded, "Bearer "+accessToken)
		assert.Equal(t, no, w.Code)
		assert.Contains(t, w.Header().Get("WWW-Authenticate"), `DPoP error="invalid_token"`)
	})
	t.Run("Bearer with a correct proof", func(t *testing.T) {
		assert.Equal(t, no, get(guarded, "Bearer "+accessToken, sign(correct)...).Code)
	})
	for _, scheme := range []string{"dpop", "DPOP", "DPoP"} {
		t.Run("scheme "+scheme, func(t *testing.T) {
			assert.Equal(t, ok, get(guarded, scheme+" "+accessToken, sign(correct)...).Code)
		})
	}
	t.Run("header name written DPOP", func(t *testing.T) {
		server := httptest.NewServer(guarded)
		defer server.Close()
		r := must(http.NewRequest("GET", server.URL+"/people/me", nil))
		r.Header = http.Header{"DPOP": sign(correct), "authorization": {"DPoP " + accessToken}}
		response, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		defer response.Body.Close()
		assert.Equal(t, ok, response.StatusCode)
	})
	t.Run("token in the query string only", func(t *testing.T) {
		r := httptest.NewRequest("GET", "/people/me?access_token="+accessToken, nil)
		r.Header["Dpop"] = sign(correct)
		w := httptest.NewRecorder()
		guarded.ServeHTTP(w, r)
		assert.Equal(t, no, w.Code)
		assert.Equal(t, `DPoP algs="ES256 PS256 EdDSA"`, w.Header().Get("WWW-Authenticate"))
	})
}
