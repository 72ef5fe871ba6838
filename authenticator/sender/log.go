package sender

import (
	"context"
	"errors"
	"log/slog"

	"github.com/gosignet/signet/authenticator/directory"
)

// LogConfig configures a Log.
type LogConfig struct {
	// Development has to be true: it says that nobody's identity depends on codes that whoever reads the log can use.
	Development bool
	// Logger gets the codes, at level Info. Required.
	Logger *slog.Logger
}

// Log is a directory.Sender that writes codes into a log. It is for development alone. It is safe for concurrent use.
type Log struct{ logger *slog.Logger }

var _ directory.Sender = (*Log)(nil)

// NewLog returns a Log. It refuses unless the configuration says that it is for development.
func NewLog(c LogConfig) (*Log, error) {
	var errs []error
	if !c.Development {
		errs = append(errs, errors.New("sender: codes are written to a log in Development only"))
	}
	if c.Logger == nil {
		errs = append(errs, errors.New("sender: Logger is required"))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return &Log{logger: c.Logger}, nil
}

// SendCode writes the code, the channel and the address.
func (l *Log) SendCode(ctx context.Context, m *directory.Message) error {
	l.logger.InfoContext(ctx, "one-time code (development)", "code", m.Code, "channel", string(m.To.Channel), "to", m.To.Address)
	return nil
}
