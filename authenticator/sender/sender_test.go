package sender_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/directory"
	"github.com/gosignet/signet/authenticator/sender"
)

type senderFunc func(context.Context, *directory.Message) error

func (f senderFunc) SendCode(ctx context.Context, m *directory.Message) error { return f(ctx, m) }

func TestMuxChoosesByChannel(t *testing.T) {
	t.Parallel()
	down := errors.New("down")
	var sent []*directory.Message
	m := sender.Mux{
		authenticator.Phone: senderFunc(func(_ context.Context, m *directory.Message) error { sent = append(sent, m); return nil }),
		authenticator.Email: senderFunc(func(context.Context, *directory.Message) error { return down }),
	}
	sms := message(authenticator.Phone, phone)
	require.NoError(t, m.SendCode(t.Context(), sms))
	assert.Equal(t, []*directory.Message{sms}, sent)
	require.ErrorIs(t, m.SendCode(t.Context(), message(authenticator.Email, address)), down)
	require.ErrorContains(t, m.SendCode(t.Context(), message("post", "somewhere")), "no sender for the channel")
}

func TestCodesAreLoggedInDevelopmentOnly(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	logger := slog.New(slog.NewJSONHandler(&log, nil))
	s, err := sender.NewLog(sender.LogConfig{Development: true, Logger: logger})
	require.NoError(t, err)
	require.NoError(t, s.SendCode(t.Context(), message(authenticator.Email, address)))
	assert.Contains(t, log.String(), `"code":"480269","channel":"email","to":"sophea.chan@example.org"`)

	_, err = sender.NewLog(sender.LogConfig{Logger: logger})
	require.ErrorContains(t, err, "in Development only")
	_, err = sender.NewLog(sender.LogConfig{})
	require.ErrorContains(t, err, "in Development only")
	require.ErrorContains(t, err, "Logger is required")
}
