package oidc_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/keystore"
)

// BenchmarkExtend is the part of a token request that OpenID Connect adds. BenchmarkSign is the signature in it.
func BenchmarkExtend(b *testing.B) {
	for _, alg := range []jose.SignatureAlgorithm{jose.ES256, jose.RS256} {
		b.Run(string(alg), func(b *testing.B) {
			f := newFixture(b)
			f.clients["health"].IDTokenAlgorithm = alg
			x := f.exchange(b, "health", "openid profile email", "nonce", "n-0S6_WzA2Mj")
			b.ReportAllocs()
			for b.Loop() {
				x.Response = nil
				f.people.asked = nil
				require.NoError(b, f.Extend(b.Context(), x))
			}
		})
	}
}

func BenchmarkUserinfo(b *testing.B) {
	for name, plain := range map[string]bool{"ES256": false, "JSON": true} {
		b.Run(name, func(b *testing.B) {
			f := newFixture(b)
			f.clients["health"].UserinfoJSON = plain
			x := f.extended(b, "health", "openid profile email")
			handler := f.UserinfoHandler(f.tokens)
			r := httptest.NewRequest(http.MethodGet, "/userinfo", nil)
			r.Header.Set("Authorization", "Bearer "+x.AccessToken)
			b.ReportAllocs()
			for b.Loop() {
				*f.events = (*f.events)[:0]
				w := httptest.NewRecorder()
				handler.ServeHTTP(w, r)
				if w.Code != http.StatusOK {
					b.Fatal(w.Code)
				}
			}
		})
	}
}

func BenchmarkSign(b *testing.B) {
	for _, alg := range []jose.SignatureAlgorithm{jose.ES256, jose.RS256} {
		b.Run(string(alg), func(b *testing.B) {
			key, err := testKeys().Signer(b.Context(), keystore.TokenSigning, alg)
			require.NoError(b, err)
			payload := make([]byte, 400)
			b.ReportAllocs()
			for b.Loop() {
				_, err := key.Sign(b.Context(), "JWT", payload)
				require.NoError(b, err)
			}
		})
	}
}
