package oauth_test

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/audit"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/store"
	"github.com/gosignet/signet/store/memory"
)

// BenchmarkTokenEndpoint is a redemption: one ES256 verification, one signature, and the rest. BenchmarkTokenSignatures
// is the two alone.
func BenchmarkTokenEndpoint(b *testing.B) {
	p := newProvider(b, func(c *oauth.Config) {
		backend, err := memory.New(memory.Config{})
		require.NoError(b, err)
		c.Store, c.Audit, c.Logger = backend, audit.Discard, nil
	})
	response(b, p.authorize(p.portal.request()))
	handler := p.TokenHandler()
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		code := store.NewHandle()
		_, err := p.Approve(b.Context(), p.login.begun, p.grant(), code)
		require.NoError(b, err)
		form := p.portal.redemption(b, code)
		b.StartTimer()
		if rec := post(handler, form); rec.Code != http.StatusOK {
			b.Fatal(rec.Body)
		}
	}
}

func BenchmarkTokenSignatures(b *testing.B) {
	key, digest := newParty(b, "portal").key, sha256.Sum256([]byte("a token"))
	b.ReportAllocs()
	for b.Loop() {
		signature, err := ecdsa.SignASN1(rand.Reader, key, digest[:])
		if err != nil || !ecdsa.VerifyASN1(&key.PublicKey, digest[:], signature) {
			b.Fatal(err)
		}
	}
}
