package audit_test

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/gosignet/signet/audit"
)

func TestSlogSinkWritesOneRecordPerEventWithWhatIsSet(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	tests := map[string]struct {
		event audit.Event
		want  string
	}{
		"everything": {
			audit.Event{
				Time: at, Type: audit.Authenticated, Outcome: audit.Success, ClientID: "portal", Subject: "pseudonym",
				Transaction: "hash", KeyID: "kid", Reason: "reason", Factors: []string{"otp", "pwd"},
			},
			`{"time":"2026-05-01T12:00:00Z","level":"INFO","msg":"audit","type":"authenticated","outcome":"success",` +
				`"client_id":"portal","sub":"pseudonym","transaction":"hash","kid":"kid","reason":"reason","factors":["otp","pwd"]}` + "\n",
		},
		"little": {
			audit.Event{Time: at, Type: audit.TokenIssued, Outcome: audit.Refused},
			`{"time":"2026-05-01T12:00:00Z","level":"INFO","msg":"audit","type":"token_issued","outcome":"refused"}` + "\n",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			audit.NewSlogSink(slog.New(slog.NewJSONHandler(&out, nil))).Record(t.Context(), tt.event)
			assert.Equal(t, tt.want, out.String())
		})
	}
}

func TestSlogSinkHonoursTheLevel(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	logger := slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: slog.LevelWarn}))
	audit.NewSlogSink(logger).Record(t.Context(), audit.Event{Type: audit.CodeSent})
	assert.Empty(t, out.String())
}

func TestSlogSinkWithoutALoggerDiscards(t *testing.T) {
	t.Parallel()
	assert.Equal(t, audit.Discard, audit.NewSlogSink(nil))
}

func ExampleNewSlogSink() {
	sink := audit.NewSlogSink(slog.New(slog.NewTextHandler(os.Stdout, nil)))
	queue, err := audit.NewQueue(audit.QueueConfig{Sink: sink})
	if err != nil {
		panic(err)
	}
	queue.Record(context.Background(), audit.Event{
		Time:     time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC),
		Type:     audit.ConsentDecided,
		Outcome:  audit.Success,
		ClientID: "health-portal",
	})
	if err := queue.Close(context.Background()); err != nil {
		panic(err)
	}
	// Output:
	// time=2026-05-01T12:00:00.000Z level=INFO msg=audit type=consent_decided outcome=success client_id=health-portal
}
