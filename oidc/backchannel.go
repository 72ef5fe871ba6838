package oidc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/gosignet/signet/audit"
	"github.com/gosignet/signet/internal/outbound"
	"github.com/gosignet/signet/oauth"
)

// Bounds of a delivery.
const (
	// maxDeliveries is how many logout tokens are on their way at once; maxWaiting is how many more wait for their turn.
	maxDeliveries = 16
	maxWaiting    = 1024
	maxAnswer     = 4 << 10
)

// Logout is the end of a session in which a person was logged in to a client.
type Logout struct {
	Client *oauth.Client
	// Subject is the person as the client sees them.
	Subject string
	// SessionID is the sid of the client's ID Tokens.
	SessionID string
}

// BackchannelConfig configures a [Backchannel]. It is not changed after NewBackchannel.
type BackchannelConfig struct {
	// Provider signs the logout tokens. Required.
	Provider *Provider
	// AllowPrivate lets tokens be delivered to loopback, private and otherwise not public addresses. The zero value
	// refuses these, whatever name leads to them, so that no registration makes the provider call what only it can
	// reach.
	AllowPrivate bool
	// Timeout bounds one delivery. Zero means 5 seconds.
	Timeout time.Duration
	// Audit takes the outcome of each delivery. Nil discards it.
	Audit audit.Sink
	// Logger takes the failures. Nil discards them.
	Logger *slog.Logger
}

// Backchannel tells clients that a session is over (OpenID Connect Back-Channel Logout 1.0). A logout never waits for
// it: tokens are delivered in the background, each once, by a bounded number of calls at a time. A client that cannot be
// reached is not told; what came of it is logged and audited. It is safe for concurrent use.
type Backchannel struct {
	provider *Provider
	client   *http.Client
	timeout  time.Duration
	sink     audit.Sink
	logger   *slog.Logger

	slots chan struct{} // holds a token for each delivery under way

	mu       sync.Mutex
	waiting  int // deliveries that were accepted and are not done
	closed   bool
	inFlight sync.WaitGroup
}

// NewBackchannel returns a Backchannel, or an error that joins everything that is wrong with the configuration.
func NewBackchannel(c BackchannelConfig) (*Backchannel, error) {
	var errs []error
	if c.Provider == nil {
		errs = append(errs, errors.New("oidc: BackchannelConfig.Provider is required"))
	}
	if c.Timeout < 0 {
		errs = append(errs, errors.New("oidc: BackchannelConfig.Timeout is negative"))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	b := &Backchannel{
		provider: c.Provider,
		client:   outbound.NewClient(c.AllowPrivate, maxDeliveries),
		timeout:  c.Timeout,
		sink:     c.Audit,
		logger:   c.Logger,
		slots:    make(chan struct{}, maxDeliveries),
	}
	if b.timeout == 0 {
		b.timeout = 5 * time.Second
	}
	if b.sink == nil {
		b.sink = audit.Discard
	}
	if b.logger == nil {
		b.logger = slog.New(slog.DiscardHandler)
	}
	return b, nil
}

// NotifyLogout has those of the clients told that registered a backchannel_logout_uri, and does not wait for it. The
// end of ctx does not keep them from being told.
func (b *Backchannel) NotifyLogout(ctx context.Context, logouts []Logout) {
	ctx = context.WithoutCancel(ctx)
	for _, l := range logouts {
		if l.Client.BackchannelLogoutURI == "" {
			continue
		}
		if !b.accept() {
			b.told(ctx, l, "overloaded", errors.New("oidc: too many logout tokens are waiting"))
			continue
		}
		go b.notify(ctx, l)
	}
}

// Close waits until all deliveries that were accepted are done, or ctx ends; no others are accepted.
func (b *Backchannel) Close(ctx context.Context) error {
	b.mu.Lock()
	b.closed = true
	b.mu.Unlock()
	done := make(chan struct{})
	go func() {
		b.inFlight.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("oidc: logout tokens were not delivered: %w", ctx.Err())
	}
}

func (b *Backchannel) accept() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed || b.waiting >= maxDeliveries+maxWaiting {
		return false
	}
	b.waiting++
	b.inFlight.Add(1)
	return true
}

func (b *Backchannel) notify(ctx context.Context, l Logout) {
	defer func() {
		b.mu.Lock()
		b.waiting--
		b.mu.Unlock()
		b.inFlight.Done()
	}()
	b.slots <- struct{}{}
	defer func() { <-b.slots }()
	ctx, cancel := context.WithTimeout(ctx, b.timeout)
	defer cancel()
	reason, err := b.deliver(ctx, l)
	b.told(ctx, l, reason, err)
}

// deliver posts a token. The reason says in a word what failed.
func (b *Backchannel) deliver(ctx context.Context, l Logout) (reason string, err error) {
	token, err := b.provider.logoutToken(ctx, l.Client, l.Subject, l.SessionID)
	if err != nil {
		return "not_signed", err
	}
	body := url.Values{"logout_token": {token}}.Encode()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, l.Client.BackchannelLogoutURI, strings.NewReader(body))
	if err != nil {
		return "unreachable", err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := b.client.Do(r)
	if err != nil {
		if errors.Is(err, outbound.ErrPrivateAddress) {
			return "private_address", err
		}
		return "unreachable", err
	}
	defer response.Body.Close()
	io.Copy(io.Discard, io.LimitReader(response.Body, maxAnswer)) // so that the connection can serve again
	if response.StatusCode != http.StatusOK && response.StatusCode != http.StatusNoContent {
		return "refused", fmt.Errorf("oidc: the client answered the logout token with %d", response.StatusCode)
	}
	return "", nil
}

func (b *Backchannel) told(ctx context.Context, l Logout, reason string, err error) {
	e := audit.Event{
		Time: b.provider.config.Now(), Type: audit.LogoutNotified, Outcome: audit.Success,
		ClientID: l.Client.ID, Subject: l.Subject, Reason: reason,
	}
	if err != nil {
		e.Outcome = audit.Failed
		b.logger.WarnContext(ctx, "a client was not told of a logout", "client_id", l.Client.ID, "reason", reason, "error", err)
	}
	b.sink.Record(ctx, e)
}
