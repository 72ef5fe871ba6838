package cluster

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync/atomic"
	"time"
)

const (
	healthInterval = 100 * time.Millisecond
	healthTimeout  = 2 * time.Second
)

// Balancer hands each request to the next instance, so that the steps of a login land on different ones. It remembers
// nothing of who went where. It is an http.Handler.
type Balancer struct {
	backends []*backend
	next     atomic.Uint64
	base     http.RoundTripper
	proxy    *httputil.ReverseProxy
}

// backend is an instance behind the balancer.
type backend struct {
	host  string
	ready atomic.Bool
}

// NewBalancer returns a Balancer over the instances at the addresses, and watches their /readyz until the context ends.
func NewBalancer(ctx context.Context, addresses ...string) *Balancer {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 256
	b := &Balancer{base: transport}
	for _, address := range addresses {
		b.backends = append(b.backends, &backend{host: address})
	}
	b.proxy = &httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetXForwarded(); r.Out.Host = r.In.Host },
		Transport: b,
		ErrorLog:  slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug),
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusServiceUnavailable)
			w.Write([]byte("<!doctype html><title>Try again</title><h1>Try again in a moment</h1>"))
		},
	}
	for _, backend := range b.backends {
		go b.watch(ctx, backend)
	}
	return b
}

// ServeHTTP passes the request on.
func (b *Balancer) ServeHTTP(w http.ResponseWriter, r *http.Request) { b.proxy.ServeHTTP(w, r) }

// Ready is how many instances want requests.
func (b *Balancer) Ready() (n int) {
	for _, backend := range b.backends {
		if backend.ready.Load() {
			n++
		}
	}
	return n
}

// RoundTrip tries the instances in turn. A request goes to another only if it cannot have reached the first: nothing is
// ever done twice.
func (b *Balancer) RoundTrip(r *http.Request) (*http.Response, error) {
	first := b.next.Add(1)
	err := errors.New("no instance is ready")
	for i := range uint64(len(b.backends)) {
		backend := b.backends[(first+i)%uint64(len(b.backends))]
		if !backend.ready.Load() {
			continue
		}
		r.URL.Scheme, r.URL.Host = "http", backend.host
		var res *http.Response
		if res, err = b.base.RoundTrip(r); err == nil {
			return res, nil
		}
		if dial, ok := errors.AsType[*net.OpError](err); !ok || dial.Op != "dial" {
			return nil, err
		}
		backend.ready.Store(false)
	}
	return nil, err
}

// watch asks the instance whether it is ready until the context ends.
func (b *Balancer) watch(ctx context.Context, backend *backend) {
	client := &http.Client{Transport: b.base, Timeout: healthTimeout}
	ticker := time.NewTicker(healthInterval)
	defer ticker.Stop()
	for ctx.Err() == nil {
		backend.ready.Store(healthy(ctx, client, backend.host))
		select {
		case <-ctx.Done():
		case <-ticker.C:
		}
	}
}

func healthy(ctx context.Context, client *http.Client, host string) bool {
	u := url.URL{Scheme: "http", Host: host, Path: "/readyz"}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return false
	}
	res, err := client.Do(r)
	if err != nil {
		return false
	}
	res.Body.Close()
	return res.StatusCode == http.StatusOK
}
