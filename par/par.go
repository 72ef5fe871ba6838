// Package par is pushed authorization requests (RFC 9126): a client sends its authorization request to the provider
// first, authenticated and out of reach of the browser, and the browser then carries nothing but a reference to it.
//
// [Requests] keeps what was pushed. It is the [oauth.PushedRequests] of an [oauth.Server], and [Requests.Handler] is the
// endpoint at which clients push:
//
//	requests, err := par.New(par.Config{Store: state})
//	server, err := oauth.New(oauth.Config{Pushed: requests, …})
//	mux.Handle("/par", requests.Handler(server, "https://id.example/par"))
package par

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/store"
)

const (
	defaultLifetime = time.Minute
	maxLifetime     = 10 * time.Minute

	// spentFor is how long a spent request_uri is remembered: longer than any login with it can last.
	spentFor = 2 * time.Hour
)

// Config configures [Requests]. It is not changed after New.
type Config struct {
	// Store keeps the requests. Required.
	Store store.Ephemeral
	// Lifetime is how long a request_uri can be opened, from one to ten minutes; FAPI 2.0 wants less than ten. Zero means one
	// minute. A login that it began may take longer.
	Lifetime time.Duration
	// Now is the clock. Nil means time.Now.
	Now func() time.Time
}

// Requests keeps pushed requests until a login with them is completed. It is safe for concurrent use.
type Requests struct {
	pushed   store.Bucket[oauth.AuthorizationRequest]
	used     store.Bucket[struct{}] // pushed, of which nothing is read any more
	spent    store.Bucket[string]
	lifetime time.Duration
}

var _ oauth.PushedRequests = (*Requests)(nil)

// New returns Requests, or every mistake in the configuration at once.
func New(c Config) (*Requests, error) {
	if c.Lifetime == 0 {
		c.Lifetime = defaultLifetime
	}
	var errs []error
	if c.Store == nil {
		errs = append(errs, errors.New("par: Config.Store is missing"))
	}
	if c.Lifetime < time.Minute || c.Lifetime > maxLifetime {
		errs = append(errs, fmt.Errorf("par: Config.Lifetime must be between %v and %v", time.Minute, maxLifetime))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return &Requests{
		pushed:   store.Bucket[oauth.AuthorizationRequest]{Store: c.Store, Name: "par", Now: c.Now},
		used:     store.Bucket[struct{}]{Store: c.Store, Name: "par", Now: c.Now},
		spent:    store.Bucket[string]{Store: c.Store, Name: "par-spent", Now: c.Now},
		lifetime: c.Lifetime,
	}, nil
}

// Push keeps a valid request and returns the request_uri under which it is found: 256 random bits in base64url behind
// [oauth.RequestURIPrefix].
func (p *Requests) Push(ctx context.Context, req *oauth.AuthorizationRequest) (requestURI string, err error) {
	var b store.Batch
	requestURI, result := p.PushIn(&b, req)
	b.Do(ctx)
	if err := result(); err != nil {
		return "", err
	}
	return requestURI, nil
}

// PushIn is Push in a batch: nobody may get to know the request_uri before the result is known to be no error.
func (p *Requests) PushIn(b *store.Batch, req *oauth.AuthorizationRequest) (requestURI string, result func() error) {
	handle := store.NewHandle()
	added := p.pushed.AddIn(b, handle, *req, p.lifetime)
	return oauth.RequestURIPrefix + handle, func() error {
		if err := added(); err != nil {
			return fmt.Errorf("par: store the request: %w", err)
		}
		return nil
	}
}

// Lifetime is how long a request can be opened.
func (p *Requests) Lifetime() time.Duration { return p.lifetime }

// Request implements [oauth.PushedRequests].
func (p *Requests) Request(ctx context.Context, clientID, requestURI string) (*oauth.AuthorizationRequest, error) {
	handle, ok := strings.CutPrefix(requestURI, oauth.RequestURIPrefix)
	if !ok {
		return nil, invalid(errors.New("it is not one of ours"))
	}
	req, err := p.pushed.Get(ctx, handle)
	if errors.Is(err, store.ErrNotFound) {
		return nil, invalid(err)
	}
	if err != nil {
		return nil, fmt.Errorf("par: read the request: %w", err)
	}
	if req.ClientID != clientID {
		return nil, invalid(errors.New("it is another client's"))
	}
	return &req, nil
}

// Spend implements [oauth.PushedRequests].
func (p *Requests) Spend(ctx context.Context, requestURI, transaction string) error {
	var b store.Batch
	result := p.SpendIn(&b, requestURI, transaction)
	b.Do(ctx)
	return result(ctx)
}

// SpendIn implements [oauth.PushedRequests].
func (p *Requests) SpendIn(b *store.Batch, requestURI, transaction string) (result func(context.Context) error) {
	handle, ok := strings.CutPrefix(requestURI, oauth.RequestURIPrefix)
	if !ok {
		return func(context.Context) error { return invalid(errors.New("it is not one of ours")) }
	}
	spent := p.spent.AddIn(b, handle, transaction, spentFor)
	removed := p.used.TakeIn(b, handle)
	return func(ctx context.Context) error {
		err := spent()
		if errors.Is(err, store.ErrExists) {
			err = p.checkWinner(ctx, handle, transaction)
		}
		if e, ok := errors.AsType[*oauth.Error](err); ok {
			return e
		}
		if err != nil {
			return fmt.Errorf("par: spend the request_uri: %w", err)
		}
		// Nobody can open the request any more. Until that has worked, what is begun with it is refused here.
		if _, err := removed(ctx); err != nil && !errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("par: remove the request: %w", err)
		}
		return nil
	}
}

// checkWinner says whether the request_uri was spent by this login before. A login without a name is never told from
// another.
func (p *Requests) checkWinner(ctx context.Context, handle, transaction string) error {
	winner, err := p.spent.Get(ctx, handle)
	switch {
	case err != nil && !errors.Is(err, store.ErrNotFound):
		return err
	case err != nil || winner != transaction || transaction == "":
		return invalid(errors.New("another login was completed with it"))
	}
	return nil
}

func invalid(cause error) *oauth.Error {
	return &oauth.Error{Code: oauth.InvalidRequestURI, Description: "the request_uri is not valid", Cause: cause}
}

// Server is what authenticates clients and validates their requests. An [oauth.Server] is one.
type Server interface {
	AcceptPushedRequest(
		w http.ResponseWriter, r *http.Request, endpoint oauth.Endpoint,
		keep func(b *store.Batch, req *oauth.AuthorizationRequest) (result func() error),
	) error
	WriteError(w http.ResponseWriter, r *http.Request, err error)
}

// Handler serves the pushed authorization request endpoint (RFC 9126 section 2), which the world reaches at the URL.
func (p *Requests) Handler(server Server, endpoint string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			w.Header().Set("Allow", http.MethodPost)
			http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
			return
		}
		var requestURI string
		keep := func(b *store.Batch, req *oauth.AuthorizationRequest) (result func() error) {
			requestURI, result = p.PushIn(b, req)
			return result
		}
		if err := server.AcceptPushedRequest(w, r, oauth.Endpoint{URL: endpoint}, keep); err != nil {
			server.WriteError(w, r, err)
			return
		}
		body, err := json.Marshal(response{requestURI, int(p.lifetime / time.Second)})
		if err != nil {
			server.WriteError(w, r, err)
			return
		}
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusCreated)
		w.Write(body)
	})
}

// response is the answer of RFC 9126 section 2.2.
type response struct {
	RequestURI string `json:"request_uri"`
	ExpiresIn  int    `json:"expires_in"`
}
