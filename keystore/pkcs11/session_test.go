//go:build cgo

package pkcs11_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	p11 "github.com/miekg/pkcs11"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/internal/softhsmtest"
	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/keystore/pkcs11"
)

// clock is a clock that a test moves.
type clock struct{ moved atomic.Int64 }

func (c *clock) now() time.Time { return time.Unix(1_700_000_000, c.moved.Load()) }

func (c *clock) advance(d time.Duration) { c.moved.Add(int64(d)) }

func TestManySignersShareEightSessions(t *testing.T) {
	const signers, sessions = 64, 8
	library := &library{}
	vault := openWith(t, configFor(softhsmtest.New(t)), library)
	key, _ := signer(t, vault, jose.ES256)
	var running, most, begun atomic.Int64
	together := make(chan struct{})
	library.sign = func() error {
		n := running.Add(1)
		defer running.Add(-1)
		for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
		}
		if begun.Add(1) == sessions {
			close(together)
		}
		<-together // the first eight wait for each other
		return nil
	}
	var group sync.WaitGroup
	tokens := make([]string, signers)
	for i := range signers {
		group.Go(func() {
			var err error
			tokens[i], err = key.Sign(t.Context(), "JWT", fmt.Appendf(nil, `"%d"`, i))
			assert.NoError(t, err)
		})
	}
	group.Wait()
	for _, token := range tokens {
		requireVerifies(t, key, token)
	}
	assert.EqualValues(t, sessions, most.Load())
	assert.EqualValues(t, sessions, library.open.Load())
	assert.EqualValues(t, 1, library.logins.Load(), "one login is enough for all")
}

func TestATokenWithFewSessionsGetsFew(t *testing.T) {
	library := &library{tokenInfo: func(info *p11.TokenInfo) { info.MaxRwSessionCount = 2 }}
	vault := openWith(t, configFor(softhsmtest.New(t)), library)
	key, _ := signer(t, vault, jose.ES256)
	var group sync.WaitGroup
	for range 16 {
		group.Go(func() {
			_, err := key.Sign(t.Context(), "JWT", []byte(`{}`))
			assert.NoError(t, err)
		})
	}
	group.Wait()
	assert.LessOrEqual(t, library.open.Load(), int64(2))
}

func TestWaitingEndsWithTheContext(t *testing.T) {
	config := configFor(softhsmtest.New(t))
	config.MaxSessions = 1
	library := &library{}
	vault := openWith(t, config, library)
	key, _ := signer(t, vault, jose.ES256)
	hangs, goOn := make(chan struct{}), make(chan struct{})
	library.sign = func() error {
		hangs <- struct{}{}
		<-goOn
		return nil
	}
	first, giveUpFirst := context.WithCancel(t.Context())
	second, giveUpSecond := context.WithCancel(t.Context())
	results := make(chan error)
	sign := func(ctx context.Context) {
		_, err := key.Sign(ctx, "JWT", []byte(`{}`))
		results <- err
	}
	go sign(first)
	<-hangs
	go sign(second) // has no session to wait in
	giveUpSecond()
	require.ErrorIs(t, <-results, context.Canceled)
	giveUpFirst() // the token does not answer
	require.ErrorIs(t, <-results, context.Canceled)

	go sign(t.Context())
	goOn <- struct{}{}
	<-hangs
	goOn <- struct{}{}
	require.NoError(t, <-results, "the session is used again once the token has answered")
	assert.EqualValues(t, 1, library.sessions.Load())
}

func TestSignersSurviveThatTheTokenIsTakenAwayAndReturned(t *testing.T) {
	t.Parallel()
	token := softhsmtest.New(t)
	vault := open(t, configFor(token))
	key, _ := signer(t, vault, jose.ES256)

	const signers = 16
	var worked, failed [signers]atomic.Int64
	stop, stopped := make(chan struct{}), sync.WaitGroup{}
	for i := range signers {
		stopped.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				signed, err := key.Sign(t.Context(), "JWT", []byte(`{}`))
				if err != nil {
					failed[i].Add(1)
					assert.NotErrorIs(t, err, keystore.ErrNoVaultKey, "the key is not gone, the token is")
					continue
				}
				requireVerifies(t, key, signed)
				worked[i].Add(1)
			}
		})
	}
	all := func(counts *[signers]atomic.Int64) func() bool {
		var before [signers]int64
		for i := range counts {
			before[i] = counts[i].Load()
		}
		return func() bool {
			for i := range counts {
				if counts[i].Load() == before[i] {
					return false
				}
			}
			return true
		}
	}
	const limit, tick = 30 * time.Second, 10 * time.Millisecond
	require.Eventually(t, all(&worked), limit, tick)
	for range 2 {
		token.Remove(t)
		require.Eventually(t, all(&failed), limit, tick)
		keys, err := vault.Keys(t.Context())
		require.Error(t, err, "a token that is away is not an empty one: %v", keys)
		token.Return(t)
		require.Eventually(t, all(&worked), limit, tick)
	}
	close(stop)
	stopped.Wait()
	keys, err := vault.Keys(t.Context())
	require.NoError(t, err)
	assert.Len(t, keys, 1)
}

// SoftHSM2 shows a token that was taken away as one without objects.
func TestATokenThatIsAwayIsNotAnEmptyOne(t *testing.T) {
	t.Parallel()
	for name, use := range map[string]func(pkcs11.Vault, string) error{
		"Keys":   func(v pkcs11.Vault, _ string) error { _, err := v.Keys(t.Context()); return err },
		"Open":   func(v pkcs11.Vault, id string) error { _, err := v.Open(t.Context(), id); return err },
		"Delete": func(v pkcs11.Vault, id string) error { return v.Delete(t.Context(), id) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			token := softhsmtest.New(t)
			config := configFor(token)
			config.MaxSessions = 1
			vault := open(t, config)
			_, id := signer(t, vault, jose.ES256)
			token.Remove(t)
			err := use(vault, id)
			require.Error(t, err)
			assert.NotErrorIs(t, err, keystore.ErrNoVaultKey)
		})
	}
}

// The handles of sessions come again when the library was started anew, for other sessions.
func TestATokenThatComesBackDoesNotMixUpTheSessionsOfOthers(t *testing.T) {
	var now clock
	open1 := func(token *softhsmtest.Token) (pkcs11.Vault, string) {
		config := configFor(token)
		config.MaxSessions, config.Now = 1, now.now
		vault := open(t, config)
		_, id := signer(t, vault, jose.ES256)
		return vault, id
	}
	stays, goes := softhsmtest.New(t), softhsmtest.New(t)
	staying, stayingKey := open1(stays)
	going, goingKey := open1(goes)
	goes.Remove(t)
	now.advance(time.Hour)
	_, err := going.Keys(t.Context())
	require.Error(t, err)
	goes.Return(t)
	now.advance(time.Hour)
	for _, of := range []struct {
		vault pkcs11.Vault
		key   string
	}{{going, goingKey}, {staying, stayingKey}} {
		keys, err := of.vault.Keys(t.Context())
		require.NoError(t, err)
		require.Len(t, keys, 1)
		assert.Equal(t, of.key, keys[0].ID)
	}
}

func TestALostSessionIsReplacedWithoutAnError(t *testing.T) {
	for _, code := range []p11.Error{
		p11.CKR_SESSION_HANDLE_INVALID, p11.CKR_SESSION_CLOSED, p11.CKR_DEVICE_REMOVED, p11.CKR_DEVICE_ERROR, p11.CKR_TOKEN_NOT_PRESENT,
		p11.CKR_USER_NOT_LOGGED_IN, p11.CKR_CRYPTOKI_NOT_INITIALIZED, p11.CKR_KEY_HANDLE_INVALID, p11.CKR_OBJECT_HANDLE_INVALID,
		p11.CKR_OPERATION_ACTIVE, p11.CKR_GENERAL_ERROR, p11.CKR_VENDOR_DEFINED + 7,
	} {
		t.Run(code.Error(), func(t *testing.T) {
			config := configFor(softhsmtest.New(t))
			config.MaxSessions = 1
			library := &library{}
			vault := openWith(t, config, library)
			key, _ := signer(t, vault, jose.ES256)
			failed := false
			library.sign = func() error {
				if failed {
					return nil
				}
				failed = true
				return code
			}
			signed, err := key.Sign(t.Context(), "JWT", []byte(`{}`))
			require.NoError(t, err)
			requireVerifies(t, key, signed)
			assert.True(t, failed)
			assert.EqualValues(t, 2, library.sessions.Load())
			assert.EqualValues(t, 1, library.open.Load())
		})
	}
}

func TestATokenThatIsAwayIsTriedOnceInAWhile(t *testing.T) {
	t.Parallel()
	var now clock
	config := configFor(softhsmtest.New(t))
	config.Now = now.now
	library := &library{}
	vault := openWith(t, config, library)
	key, _ := signer(t, vault, jose.ES256)
	sign := func() error {
		_, err := key.Sign(t.Context(), "JWT", []byte(`{}`))
		return err
	}
	library.broken.Store(p11.CKR_DEVICE_REMOVED)
	for range 20 { // all sessions of the pool
		require.ErrorIs(t, sign(), p11.Error(p11.CKR_DEVICE_REMOVED))
	}
	library.broken.Store(0)
	require.ErrorIs(t, sign(), p11.Error(p11.CKR_DEVICE_REMOVED), "too early to try again")
	now.advance(time.Second)
	require.NoError(t, sign())
}

func TestOpenSaysWhatIsWrongWithTheToken(t *testing.T) {
	t.Parallel()
	token := softhsmtest.New(t)
	tests := map[string]struct {
		change func(*pkcs11.Config)
		wrap   *library
		want   string
	}{
		"no such label":  {func(c *pkcs11.Config) { c.TokenLabel = "other" }, &library{}, `no slot has a token with label "other"`},
		"no such serial": {func(c *pkcs11.Config) { c.TokenSerial = "0123456789abcdef" }, &library{}, `serial "0123456789abcdef"`},
		"no library":     {func(c *pkcs11.Config) { c.Module = "session_test.go" }, &library{}, "is no PKCS#11 library"},
		"an empty PIN":   {func(c *pkcs11.Config) { c.PIN = pin("") }, &library{}, "the PIN is empty"},
		"no PIN":         {func(c *pkcs11.Config) { c.PIN = func() ([]byte, error) { return nil, errors.New("no file") } }, &library{}, "no file"},
		"two of a label": {func(*pkcs11.Config) {}, &library{tokenInfo: func(info *p11.TokenInfo) { info.Label = token.Label }}, "choose one by its serial number"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := configFor(token)
			tt.change(&config)
			_, err := pkcs11.OpenWith(t.Context(), config, tt.wrap.wrap)
			require.ErrorContains(t, err, tt.want)
		})
	}
}

func TestATokenIsFoundByItsSerialNumber(t *testing.T) {
	t.Parallel()
	token := softhsmtest.New(t)
	config := configFor(token)
	config.TokenLabel, config.TokenSerial = "", token.Serial
	_, id := signer(t, open(t, config), jose.ES256)
	_, err := open(t, configFor(token)).Open(t.Context(), id)
	require.NoError(t, err)
}

func TestAClosedVaultSaysSoAndLeavesOthersOpen(t *testing.T) {
	t.Parallel()
	config := configFor(softhsmtest.New(t))
	closed, stays := open(t, config), open(t, config)
	key, _ := signer(t, stays, jose.ES256)
	require.NoError(t, closed.Close())
	require.NoError(t, closed.Close(), "twice is as good as once")
	_, err := closed.Keys(t.Context())
	require.ErrorIs(t, err, pkcs11.ErrClosed)
	_, err = key.Sign(t.Context(), "JWT", []byte(`{}`))
	require.NoError(t, err)
}
