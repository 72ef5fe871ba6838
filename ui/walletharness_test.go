package ui_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/store/memory"
	"github.com/gosignet/signet/ui"
	"github.com/gosignet/signet/wallet"
)

// walletLogin is a login that a wallet can take, which stands where its code is shown. The wallet's part is the real one.
type walletLogin struct {
	*fakeLogin
	*countingLinker
	clock *stillClock
}

// stillClock stands still until it is moved, however slow the browser is.
type stillClock struct {
	mu sync.Mutex
	at time.Time
}

func (c *stillClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *stillClock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// countingLinker counts the browsers that wait, and breaks when a test says so.
type countingLinker struct {
	*wallet.Linker
	polls, waiting atomic.Int64
	mu             sync.Mutex
	broken         error
	ends           []context.CancelFunc // of the calls that wait
}

var (
	errBroken = errors.New("the store does not answer")
	// errCut cuts the connection to the browser.
	errCut = errors.New("the network is cut")
)

// breaks breaks the linker, and ends what waits; nil mends it.
func (l *countingLinker) breaks(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.broken = err
	for _, end := range l.ends {
		end()
	}
	l.ends = nil
}

// problem is what is broken, and a context that ends when something breaks.
func (l *countingLinker) problem(ctx context.Context) (context.Context, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	ctx, end := context.WithCancel(ctx)
	l.ends = append(l.ends, end)
	return ctx, l.broken
}

func (l *countingLinker) Status(
	ctx context.Context, handle, code string, seen wallet.Stage, wait time.Duration,
) (*wallet.Status, error) {
	if wait > 0 {
		l.polls.Add(1)
		l.waiting.Add(1)
		defer l.waiting.Add(-1)
	}
	ctx, broken := l.problem(ctx)
	status, err := l.Linker.Status(ctx, handle, code, seen, wait)
	if ctx.Err() != nil {
		_, broken = l.problem(ctx)
	}
	switch broken {
	case nil:
		return status, err
	case errCut:
		panic(http.ErrAbortHandler)
	}
	return nil, broken
}

func (l *countingLinker) Linked(ctx context.Context, handle string) (bool, error) {
	if _, broken := l.problem(ctx); broken != nil {
		return false, broken
	}
	return l.Linker.Linked(ctx, handle)
}

// newWalletLogin starts the login, of a client at the redirect URI. Lifetimes of the linker can be changed, and the pages.
func newWalletLogin(
	t *testing.T, redirectURI string, configure func(*wallet.LinkerConfig), pages ...func(*ui.Config),
) *walletLogin {
	t.Helper()
	w := &walletLogin{clock: &stillClock{at: time.Now()}, countingLinker: new(countingLinker)}
	state := &login.State{
		Step: login.StepVerify, Factor: authenticator.Wallet, RedirectURI: redirectURI, ExpiresAt: w.clock.now().Add(time.Hour),
		Options: []authenticator.FactorSet{{authenticator.Wallet}, {authenticator.Password}},
	}
	w.fakeLogin = newFakeLogin(t, state, func(c *ui.Config) {
		shared, err := memory.New(memory.Config{Now: w.clock.now})
		require.NoError(t, err)
		config := wallet.LinkerConfig{
			Flow: c.Flow.(*fakeFlow), Store: shared, Notifier: shared, UnsignedConsent: true, Poll: 100 * time.Millisecond, Now: w.clock.now,
		}
		if configure != nil {
			configure(&config)
		}
		w.Linker, err = wallet.NewLinker(config)
		require.NoError(t, err)
		c.Now, c.Linker = w.clock.now, w.countingLinker
		c.Wallets = []wallet.App{{
			Name: "Demo Wallet", DeepLink: "https://wallet.example/link?code={LINK_CODE}", DownloadURI: "https://wallet.example/get",
		}}
		for _, change := range pages {
			change(c)
		}
	})
	w.flow.do = func(call string, s *login.State) error {
		if call == "cancel" {
			s.Step, s.Response = login.StepDone, &oauth.AuthorizationResponse{
				RedirectURI: redirectURI, Parameters: url.Values{"error": {"access_denied"}},
			}
		}
		return nil
	}
	return w
}

// scan is what a wallet does with a deep link.
func (w *walletLogin) scan(deepLink string) (*wallet.Transaction, error) {
	u, err := url.Parse(deepLink)
	require.NoError(w.tb, err)
	return w.Link(w.tb.Context(), u.Query().Get("code"))
}
