//go:build cgo

package pkcs11_test

import (
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	p11 "github.com/miekg/pkcs11"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/internal/softhsmtest"
	"github.com/gosignet/signet/keystore/pkcs11"
)

func TestAWrongPINIsTriedOnce(t *testing.T) {
	t.Parallel()
	config := configFor(softhsmtest.New(t))
	var now clock
	config.Now, config.PIN = now.now, pin("wrong-pin")
	library := &library{}
	for range 3 {
		_, err := pkcs11.OpenWith(t.Context(), config, library.wrap)
		require.ErrorIs(t, err, pkcs11.ErrPIN)
		now.advance(time.Hour)
	}
	assert.EqualValues(t, 1, library.logins.Load())

	config.PIN = pin(softhsmtest.PIN)
	open(t, config)
	assert.EqualValues(t, 1, library.logins.Load())
}

func TestAPINThatIsRefusedLaterIsTriedOnce(t *testing.T) {
	for _, code := range []p11.Error{p11.CKR_PIN_INCORRECT, p11.CKR_PIN_LOCKED, p11.CKR_PIN_EXPIRED, p11.CKR_PIN_LEN_RANGE, p11.CKR_PIN_INVALID} {
		t.Run(code.Error(), func(t *testing.T) {
			var now clock
			config := configFor(softhsmtest.New(t))
			config.Now = now.now
			library := &library{}
			vault := openWith(t, config, library)
			key, _ := signer(t, vault, jose.ES256)
			tried := library.logins.Load()
			library.login = func(string) error { return code } // somebody changed the PIN meanwhile
			library.sign = func() error { return p11.Error(p11.CKR_SESSION_HANDLE_INVALID) }
			var group sync.WaitGroup
			for range 64 {
				group.Go(func() {
					now.advance(time.Hour)
					_, err := key.Sign(t.Context(), "JWT", []byte(`{}`))
					assert.ErrorIs(t, err, pkcs11.ErrPIN)
				})
			}
			group.Wait()
			assert.EqualValues(t, 1, library.logins.Load()-tried)
		})
	}
}

func TestATokenThatOneMoreWrongPINWouldLockIsLeftAlone(t *testing.T) {
	t.Parallel()
	for name, flag := range map[string]uint{"final try": p11.CKF_USER_PIN_FINAL_TRY, "locked": p11.CKF_USER_PIN_LOCKED} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			library := &library{tokenInfo: func(info *p11.TokenInfo) { info.Flags |= flag }}
			_, err := pkcs11.OpenWith(t.Context(), configFor(softhsmtest.New(t)), library.wrap)
			require.ErrorIs(t, err, pkcs11.ErrPIN)
			require.ErrorContains(t, err, "lock")
			assert.Zero(t, library.logins.Load())
		})
	}
}
