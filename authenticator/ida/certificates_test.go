package ida_test

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/ida"
	"github.com/gosignet/signet/authenticator/ida/idatest"
)

func thumbprint(i idatest.Identity) string {
	digest := sha256.Sum256(i.Certificate.Raw)
	return base64.RawURLEncoding.EncodeToString(digest[:])
}

func TestIDAsCertificateCanBeFixed(t *testing.T) {
	t.Parallel()
	a, s := start(t, func(_ *stub, c *ida.Config) {
		c.IDACertificateURL, c.IDACertificate = "", idatest.EncryptionKey().Certificate
	})
	logIn(t, a)
	assert.Zero(t, s.Count("certificate"))
	s.clock.advance(80 * 366 * 24 * time.Hour)
	_, err := a.Authenticate(t.Context(), request(asha, challenge(authenticator.PIN, "1")))
	assert.ErrorContains(t, err, "expired")
	assert.Equal(t, authenticator.Unavailable, reasonOf(t, err))
}

func TestIDAsCertificateIsPinned(t *testing.T) {
	t.Parallel()
	a, _ := start(t, func(_ *stub, c *ida.Config) {
		c.IDAThumbprints = []string{thumbprint(otherKey()), thumbprint(idatest.EncryptionKey())}
	})
	logIn(t, a)

	a, s := start(t, func(_ *stub, c *ida.Config) { c.IDAThumbprints = []string{thumbprint(otherKey())} })
	_, err := a.Authenticate(t.Context(), request(asha, challenge(authenticator.PIN, "1")))
	assert.Equal(t, authenticator.Unavailable, reasonOf(t, err))
	assert.ErrorContains(t, err, "none of those that are configured")
	assert.Zero(t, s.Count("kyc-auth"), "nothing is encrypted for a stranger")
}

func TestFetchingIDAsCertificateIsTriedTwice(t *testing.T) {
	t.Parallel()
	a, s := start(t, func(s *stub, _ *ida.Config) {
		s.Override = func(call string, w http.ResponseWriter, _ *http.Request) bool {
			if call == "certificate" && s.Count(call) == 1 {
				w.WriteHeader(http.StatusBadGateway)
				return true
			}
			return false
		}
	})
	logIn(t, a)
	assert.Equal(t, 2, s.Count("certificate"))
}

func TestCertificatesThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	for name, configure := range map[string]func(*stub, *ida.Config){
		"expired": func(s *stub, _ *ida.Config) {
			s.Encryption = idatest.Certify("old", idatest.EncryptionKey().Key, nil, began.AddDate(-2, 0, 0), began.Add(-time.Second))
		},
		"not yet valid": func(s *stub, _ *ida.Config) {
			s.Encryption = idatest.Certify("new", idatest.EncryptionKey().Key, nil, began.Add(time.Second), began.AddDate(1, 0, 0))
		},
		"no certificate": answering("certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
		"nothing":        answering("certificate", ""),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, s := start(t, configure)
			_, err := a.Authenticate(t.Context(), request(asha, challenge(authenticator.PIN, "1")))
			assert.Equal(t, authenticator.Unavailable, reasonOf(t, err))
			assert.Equal(t, 2, s.Count("certificate"), "it is downloaded once more")
			assert.Zero(t, s.Count("kyc-auth"))
		})
	}
}

func TestIDAsCertificateIsFetchedAgainWhenItExpired(t *testing.T) {
	t.Parallel()
	a, s := start(t, func(s *stub, _ *ida.Config) {
		s.Encryption = idatest.Certify("short", idatest.EncryptionKey().Key, nil, began, began.Add(time.Hour))
	})
	logIn(t, a)
	s.clock.advance(time.Hour + time.Second)
	s.Set(func() { s.Encryption = otherKey() })
	logIn(t, a)
	assert.Equal(t, 2, s.Count("certificate"))
}

func TestIDAsCertificateIsFetchedAgainWhenIDACannotDecrypt(t *testing.T) {
	t.Parallel()
	a, s := start(t)
	logIn(t, a)
	s.Set(func() { s.Encryption = otherKey() })
	for range 3 {
		_, err := a.Authenticate(t.Context(), request(asha, challenge(authenticator.PIN, "1")))
		require.Equal(t, authenticator.Unavailable, reasonOf(t, err))
	}
	assert.Equal(t, 1, s.Count("certificate"), "but not at once: it was fetched a moment ago")
	s.clock.advance(time.Minute)
	logIn(t, a)
	assert.Equal(t, 2, s.Count("certificate"))
	assert.Equal(t, 5, s.Count("kyc-auth"))
}

func TestIDAsCertificateStaysInUseWhileAnotherCannotBeFetched(t *testing.T) {
	t.Parallel()
	a, s := start(t)
	logIn(t, a)
	s.Set(func() { s.Encryption = otherKey() })
	_, err := a.Authenticate(t.Context(), request(asha, challenge(authenticator.PIN, "1")))
	require.Error(t, err)
	s.clock.advance(time.Minute)
	s.Set(func() {
		s.Encryption = idatest.EncryptionKey()
		answering("certificate", "gone")(s, nil)
	})
	logIn(t, a)
	logIn(t, a)
	assert.Equal(t, 3, s.Count("certificate"), "two tries, then none for a while")
}
