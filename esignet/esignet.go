package esignet

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gosignet/signet/audit"
	"github.com/gosignet/signet/internal/longpoll"
	"github.com/gosignet/signet/store"
	"github.com/gosignet/signet/wallet"
)

// DefaultPrefix is the path under which eSignet's clients expect its API.
const DefaultPrefix = "/v1/esignet"

// Config configures an API. Each part is optional: what is nil is not served. It is not changed after New.
type Config struct {
	// Prefix is the path before all others, with a slash in front and none at the end. Empty means DefaultPrefix.
	Prefix string
	// Authorization serves /authorization, /csrf, /oauth and /oidc: logins in a browser, and what relying
	// parties call.
	Authorization *AuthorizationConfig
	// Management serves /client-mgmt, the registration of clients, and /system-info, certificates.
	Management *ManagementConfig
	// Wallet serves /linked-authorization and /binding: wallets. Without Authorization, logins begin on other
	// pages.
	Wallet *WalletConfig

	// Store keeps what is between two calls. Required.
	Store store.Ephemeral
	// RequestLeeway is how far the requestTime of a request may be from now. Zero means 2 minutes.
	RequestLeeway time.Duration
	// Audit takes security events. Nil discards them.
	Audit audit.Sink
	// Logger takes what goes wrong inside. Nil discards it.
	Logger *slog.Logger
	// Now is the clock. Nil means time.Now.
	Now func() time.Time
}

// API answers as eSignet does. It is safe for concurrent use.
type API struct {
	prefix string
	leeway time.Duration
	store  store.Ephemeral
	audit  audit.Sink
	log    *slog.Logger
	now    func() time.Time
	https  bool
	// maxBody is the most that a request of the envelope may have, in bytes.
	maxBody int64
	mux     *http.ServeMux
	polls   *longpoll.Room
	linker  *wallet.Linker
	pages   *authorization
	// patterns are those that the mux has.
	patterns []string
}

// New returns an API, or every mistake in the configuration that it can see at once.
func New(c Config) (*API, error) {
	a := &API{prefix: c.Prefix, leeway: c.RequestLeeway, store: c.Store, audit: c.Audit, log: c.Logger, now: c.Now}
	a.setDefaults()
	var errs []error
	if !strings.HasPrefix(a.prefix, "/") || strings.HasSuffix(a.prefix, "/") {
		errs = append(errs, errors.New("esignet: Prefix must begin with a slash and not end with one"))
	}
	if c.Store == nil {
		errs = append(errs, errors.New("esignet: Store is required"))
	}
	a.maxBody = maxBody
	a.https = c.Authorization != nil && strings.HasPrefix(c.Authorization.Origin, "https:")
	a.mux, a.polls = http.NewServeMux(), longpoll.New(a.log)
	a.handle("GET /csrf/token", http.HandlerFunc(a.csrfToken))
	a.handle("GET /actuator/health", http.HandlerFunc(up))
	for _, part := range []func(*API) error{c.Authorization.serve, c.Management.serve, c.Wallet.serve} {
		errs = append(errs, part(a))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return a, nil
}

func (a *API) setDefaults() {
	if a.prefix == "" {
		a.prefix = DefaultPrefix
	}
	if a.leeway == 0 {
		a.leeway = 2 * time.Minute
	}
	if a.log == nil {
		a.log = slog.New(slog.DiscardHandler)
	}
	if a.now == nil {
		a.now = time.Now
	}
}

// Close answers all browsers that wait for a wallet, as if their time were over, and returns when they have their answers or
// the context ends. A server calls it after its Shutdown, which does not know of them: the API waits outside its handlers. No
// browser waits any more then, on other pages neither: see [wallet.Linker.Release], which may be called before.
func (a *API) Close(ctx context.Context) error {
	if a.linker != nil {
		a.linker.Release()
	}
	return a.polls.Close(ctx)
}

// handle mounts a handler for a pattern of net/http's mux whose path lies under the prefix: "POST /client-mgmt/client".
func (a *API) handle(pattern string, h http.Handler) {
	method, path, _ := strings.Cut(pattern, " ")
	pattern = method + " " + a.prefix + path
	a.mux.Handle(pattern, h)
	a.patterns = append(a.patterns, pattern)
}

// Patterns returns what the API serves, as patterns of net/http's mux, prefix included.
func (a *API) Patterns() []string { return slices.Clone(a.patterns) }
