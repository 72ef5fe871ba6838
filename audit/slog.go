package audit

import (
	"context"
	"log/slog"
)

// NewSlogSink returns a Sink that writes one record per event: level Info, the message "audit", the time of the event,
// and an attribute for each field that is set: type, outcome, client_id, sub, transaction, kid, reason, factors. A logger
// that does not let Info through keeps nothing. A nil logger gives [Discard].
func NewSlogSink(logger *slog.Logger) Sink {
	if logger == nil {
		return Discard
	}
	return slogSink{logger.Handler()}
}

type slogSink struct{ handler slog.Handler }

func (s slogSink) Record(ctx context.Context, e Event) {
	if !s.handler.Enabled(ctx, slog.LevelInfo) {
		return
	}
	r := slog.NewRecord(e.Time, slog.LevelInfo, "audit", 0)
	for _, a := range []struct{ key, value string }{
		{"type", string(e.Type)},
		{"outcome", string(e.Outcome)},
		{"client_id", e.ClientID},
		{"sub", e.Subject},
		{"transaction", e.Transaction},
		{"kid", e.KeyID},
		{"reason", e.Reason},
	} {
		if a.value != "" {
			r.AddAttrs(slog.String(a.key, a.value))
		}
	}
	if len(e.Factors) > 0 {
		r.AddAttrs(slog.Any("factors", e.Factors))
	}
	_ = s.handler.Handle(ctx, r) // as with any slog handler, the error has nowhere to go
}
