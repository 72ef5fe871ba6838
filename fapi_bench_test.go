package signet_test

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/gosignet/signet/oauth"
)

// fapi2Work is the work of a login under FAPI 2.0: two assertions and three proofs; the code verifier, at_hash, ath, and
// the thumbprints of the keys of the proofs.
var fapi2Work = work{verifications: 5, hashes: 6}

// benchmarkFAPI2 is a complete login under the FAPI 2.0 Security Profile with ES256: PAR, authorization request, one-time
// code, consent, token and userinfo, with a DPoP proof for each of PAR, token and userinfo.
func benchmarkFAPI2(b *testing.B) {
	w := newBenchWorld(b, jose.ES256, oauth.ProfileFAPI2)
	holder := newBenchHolder(b)
	b.Run("floor", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			w.floor(b, fapi2Work)
		}
	})
	for _, way := range w.ways() {
		b.Run(way.name, func(b *testing.B) { w.measure(b, fapi2Work, w.logins(b, b.N, holder, way)) })
	}
}

func (w *benchWorld) pushRequest(b *testing.B, holder *benchHolder) *http.Request {
	request, err := url.ParseQuery(strings.TrimPrefix(benchAuthorize, "/authorize?"))
	if err != nil {
		b.Fatal(err)
	}
	return w.form(b, holder, "/par", request)
}

// benchHolder makes DPoP proofs.
type benchHolder struct{ jose.Signer }

func newBenchHolder(b *testing.B) *benchHolder {
	options := (&jose.SignerOptions{EmbedJWK: true}).WithType("dpop+jwt")
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: benchKey(b, jose.ES256)}, options)
	if err != nil {
		b.Fatal(err)
	}
	return &benchHolder{signer}
}

func (h *benchHolder) proof(b *testing.B, method, path, token string) string {
	claims := map[string]any{"jti": rand.Text(), "htm": method, "htu": benchIssuer + path, "iat": time.Now().Unix()}
	if token != "" {
		claims["ath"] = digest(token)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		b.Fatal(err)
	}
	jws, err := h.Sign(payload)
	if err != nil {
		b.Fatal(err)
	}
	proof, err := jws.CompactSerialize()
	if err != nil {
		b.Fatal(err)
	}
	return proof
}
