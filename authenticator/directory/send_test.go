package directory_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/directory"
)

type senderFunc func(context.Context, *directory.Message) error

func (f senderFunc) SendCode(ctx context.Context, m *directory.Message) error { return f(ctx, m) }

// A receipt that waited for the gateway would tell known people from unknown ones by the clock.
func TestAReceiptDoesNotWaitForTheSender(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	f := newFixture(t, func(c *directory.Config) {
		c.Sender = senderFunc(func(context.Context, *directory.Message) error { <-release; return nil })
	})
	defer close(release)
	_, err := f.SendCode(t.Context(), codeRequest(exampleTxn, sokID))
	require.NoError(t, err)
}

func TestMessagesOnTheirWayAreBoundedForKnownAndUnknownAlike(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	f := newFixture(t, func(c *directory.Config) {
		c.MaxSending = 2
		c.Sender = senderFunc(func(context.Context, *directory.Message) error { <-release; return nil })
	})
	free := sync.OnceFunc(func() { close(release) })
	defer free()
	for _, id := range []string{unknownID, sokID, bareID, chanID} { // unknown people take no place for long
		_, err := f.SendCode(t.Context(), codeRequest(exampleTxn, id))
		require.NoError(t, err)
	}
	_, known := f.SendCode(t.Context(), codeRequest(exampleTxn, lockedID))
	_, unknown := f.SendCode(t.Context(), codeRequest("transaction-2", unknownID))
	requireReason(t, authenticator.Unavailable, known)
	assert.Equal(t, known, unknown)

	calls := len(f.store.calls)
	free()
	require.NoError(t, f.Close())
	assert.Len(t, f.store.calls, calls)
}

func TestTheSenderOutlivesTheRequestAndIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		type key struct{}
		var ended error
		start, took := time.Now(), time.Duration(0)
		f := newFixture(t, func(c *directory.Config) {
			c.SendTimeout = 10 * time.Second
			c.Sender = senderFunc(func(ctx context.Context, _ *directory.Message) error {
				assert.Equal(t, "trace", ctx.Value(key{}))
				<-ctx.Done()
				ended, took = ctx.Err(), time.Since(start)
				return ctx.Err()
			})
		})
		ctx, cancel := context.WithCancel(context.WithValue(t.Context(), key{}, "trace"))
		_, err := f.SendCode(ctx, codeRequest(exampleTxn, sokID))
		require.NoError(t, err)
		cancel()

		require.NoError(t, f.Close())
		require.ErrorIs(t, ended, context.DeadlineExceeded)
		assert.Equal(t, 10*time.Second, took)
	})
}

func TestCloseWaitsForMessagesAndEndsSending(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release, closed := make(chan struct{}), make(chan struct{})
		f := newFixture(t, func(c *directory.Config) {
			c.Sender = senderFunc(func(context.Context, *directory.Message) error { <-release; return nil })
		})
		_, err := f.SendCode(t.Context(), codeRequest(exampleTxn, sokID))
		require.NoError(t, err)

		go func() {
			defer close(closed)
			assert.NoError(t, f.Close())
		}()
		synctest.Wait()
		select {
		case <-closed:
			t.Fatal("closed while a message was on its way")
		default:
		}
		close(release)
		<-closed

		_, err = f.SendCode(t.Context(), codeRequest("transaction-2", sokID))
		requireReason(t, authenticator.Unavailable, err)
		_, err = f.Authenticate(t.Context(), answer(exampleTxn, sokID, pwd(password)))
		require.NoError(t, err, "all else goes on")
		require.NoError(t, f.Close(), "closing twice is harmless")
	})
}

func TestFailuresOfTheSenderAreLoggedWithoutAddressAndCode(t *testing.T) {
	t.Parallel()
	for name, sender := range map[string]senderFunc{
		"error": func(_ context.Context, m *directory.Message) error {
			return errors.New("550 " + m.To.Address + ": mailbox full; text was " + m.Code)
		},
		"panic": func(_ context.Context, m *directory.Message) error {
			panic("cannot send " + m.Code + " to " + m.To.Address)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			var code string
			f := newFixture(t, func(c *directory.Config) {
				c.Logger = slog.New(slog.NewJSONHandler(&log, nil))
				c.Sender = senderFunc(func(ctx context.Context, m *directory.Message) error {
					code = m.Code
					return sender(ctx, m)
				})
			})
			_, err := f.SendCode(t.Context(), codeRequest(exampleTxn, sokID))
			require.NoError(t, err)
			require.NoError(t, f.Close())

			assert.Contains(t, log.String(), "one-time code was not sent")
			assert.Contains(t, log.String(), "[address]")
			assert.NotContains(t, log.String(), sokPhone)
			assert.NotContains(t, log.String(), code)
			assert.NotContains(t, log.String(), sokID)
		})
	}
}
