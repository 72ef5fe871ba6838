package oidc_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/audit"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/oidc"
)

// syncEvents keeps events of several goroutines.
type syncEvents struct {
	mu  sync.Mutex
	all []audit.Event
}

func (e *syncEvents) Record(_ context.Context, event audit.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.all = append(e.all, event)
}

func newBackchannel(t *testing.T, change func(*oidc.BackchannelConfig)) (*oidc.Backchannel, *syncEvents) {
	t.Helper()
	events := &syncEvents{}
	c := oidc.BackchannelConfig{Provider: newFixture(t).Provider, Audit: events}
	if change != nil {
		change(&c)
	}
	b, err := oidc.NewBackchannel(c)
	require.NoError(t, err)
	return b, events
}

func logoutAt(uri string) oidc.Logout {
	return oidc.Logout{Client: &oauth.Client{ID: "health", BackchannelLogoutURI: uri}, Subject: "s", SessionID: "sid"}
}

func TestBackchannelCallsOnlyPublicAddresses(t *testing.T) {
	t.Parallel()
	b, events := newBackchannel(t, nil)
	hosts := []string{
		"127.0.0.1", "127.8.9.1", "localhost", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254",
		"100.64.0.1", "192.0.0.1", "192.0.2.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255",
		"[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:10.0.0.1]", "[::127.0.0.1]", "[fe80::1]", "[fc00::1]", "[fd12::1]",
		"[ff02::1]", "[64:ff9b::a00:1]", "[2002:a00:1::1]", "[2001:db8::1]", "[fec0::1]",
	}
	for _, host := range hosts {
		b.NotifyLogout(t.Context(), []oidc.Logout{logoutAt("https://" + host + "/logout")})
	}
	require.NoError(t, b.Close(t.Context()))
	require.Len(t, events.all, len(hosts))
	for _, e := range events.all {
		assert.Equal(t, "private_address", e.Reason)
		assert.Equal(t, audit.Failed, e.Outcome)
	}
}

func TestBackchannelFollowsNoRedirect(t *testing.T) {
	t.Parallel()
	var elsewhere atomic.Bool
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/elsewhere" {
			elsewhere.Store(true)
		}
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	}))
	defer server.Close()
	b, events := newBackchannel(t, func(c *oidc.BackchannelConfig) { c.AllowPrivate = true })
	b.NotifyLogout(t.Context(), []oidc.Logout{logoutAt(server.URL)})
	require.NoError(t, b.Close(t.Context()))
	assert.False(t, elsewhere.Load())
	assert.Equal(t, "refused", events.all[0].Reason)
}

func TestBackchannelOutlivesTheRequestAndIsBounded(t *testing.T) {
	t.Parallel()
	var now, most atomic.Int64
	arrived := make(chan struct{}, 64)
	goOn := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		n := now.Add(1)
		for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
		}
		arrived <- struct{}{}
		<-goOn
		now.Add(-1)
	}))
	defer server.Close()
	b, events := newBackchannel(t, func(c *oidc.BackchannelConfig) { c.AllowPrivate, c.Timeout = true, time.Minute })
	ctx, cancel := context.WithCancel(t.Context())
	logouts := make([]oidc.Logout, 40)
	for i := range logouts {
		logouts[i] = logoutAt(server.URL)
	}
	b.NotifyLogout(ctx, logouts)
	cancel() // the person is gone
	for range 16 {
		<-arrived
	}
	over, end := context.WithCancel(t.Context())
	end()
	require.ErrorIs(t, b.Close(over), context.Canceled, "Close does not wait for ever")
	close(goOn)
	require.NoError(t, b.Close(t.Context()))
	assert.EqualValues(t, 16, most.Load())
	assert.Len(t, events.all, 40)

	b.NotifyLogout(t.Context(), logouts[:1])
	require.NoError(t, b.Close(t.Context()))
	assert.Equal(t, "overloaded", events.all[40].Reason, "nothing is accepted after Close")
}

func TestBackchannelGivesUpOnAClientThatHangs(t *testing.T) {
	t.Parallel()
	hang := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-hang:
		case <-r.Context().Done():
		}
	}))
	defer server.Close()
	defer close(hang)
	b, events := newBackchannel(t, func(c *oidc.BackchannelConfig) { c.AllowPrivate, c.Timeout = true, 10*time.Millisecond })
	b.NotifyLogout(t.Context(), []oidc.Logout{logoutAt(server.URL), logoutAt("")})
	require.NoError(t, b.Close(t.Context()))
	require.Len(t, events.all, 1)
	assert.Equal(t, "unreachable", events.all[0].Reason)
}

func TestBackchannelSendsNothingUnsigned(t *testing.T) {
	t.Parallel()
	b, events := newBackchannel(t, func(c *oidc.BackchannelConfig) {
		c.Provider = newFixture(t, func(c *oidc.Config) { c.Keys = brokenBackend{} }).Provider
	})
	b.NotifyLogout(t.Context(), []oidc.Logout{logoutAt("https://health.example/logout")})
	require.NoError(t, b.Close(t.Context()))
	assert.Equal(t, "not_signed", events.all[0].Reason)
}

func TestNewBackchannelReportsAllProblemsAtOnce(t *testing.T) {
	t.Parallel()
	_, err := oidc.NewBackchannel(oidc.BackchannelConfig{Timeout: -1})
	require.ErrorContains(t, err, "Provider")
	require.ErrorContains(t, err, "Timeout")
}
