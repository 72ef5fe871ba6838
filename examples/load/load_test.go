package load_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet"
	"github.com/gosignet/signet/authenticator/mock"
	"github.com/gosignet/signet/examples/load"
	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/store/memory"
)

const password = "signet-demo"

// newLoader is a provider, and a Loader for it. What the handler does can be changed.
func newLoader(t *testing.T, wrap func(http.Handler) http.Handler) (*load.Loader, *memory.Store) {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	issuer := "http://" + server.Listener.Addr().String()
	state, err := memory.New(memory.Config{})
	require.NoError(t, err)
	people, err := mock.New(mock.Config{Password: password, Store: state})
	require.NoError(t, err)
	client, err := keystore.Generate(jose.ES256)
	require.NoError(t, err)
	key, err := client.Signer(t.Context(), keystore.TokenSigning, jose.ES256)
	require.NoError(t, err)
	clients, err := oauth.NewStaticClients(&oauth.Client{
		ID: "load", Names: map[string]string{"": "Load"}, RedirectURIs: []string{"https://load.example/callback"},
		Keys: jose.JSONWebKeySet{Keys: []jose.JSONWebKey{key.Public()}}, AssertionAlgorithm: jose.ES256,
		Scopes: []string{"openid", "profile"}, Profile: oauth.ProfileFAPI2,
	})
	require.NoError(t, err)
	keys, err := keystore.Generate(jose.ES256)
	require.NoError(t, err)
	provider, err := signet.New(signet.Config{
		Issuer: issuer, Clients: clients, Authenticator: people, Keys: keys, Store: state, PairwiseSecret: make([]byte, 32),
	})
	require.NoError(t, err)
	server.Config.Handler = provider
	if wrap != nil {
		server.Config.Handler = wrap(provider)
	}
	server.Start()
	t.Cleanup(server.Close)
	config := load.Config{Issuer: issuer, ClientID: "load", RedirectURI: "https://load.example/callback", Key: key}
	for _, p := range people.Personas() {
		config.People = append(config.People, load.Person{ID: p.NationalID, Password: password})
	}
	loader, err := load.New(t.Context(), config)
	require.NoError(t, err)
	return loader, state
}

func TestVisitorsLogInUntilTheyAreStopped(t *testing.T) {
	t.Parallel()
	loader, _ := newLoader(t, nil)
	ctx, stop := context.WithCancel(t.Context())
	var counter load.Counter
	var logins atomic.Int64
	loader.Run(ctx, 4, 0, &counter, func(spent *load.Spent, err error) {
		assert.NoError(t, err)
		if logins.Add(1) == 20 {
			stop()
		}
	})
	count := counter.Count()
	assert.GreaterOrEqual(t, count.Complete, int64(20))
	assert.Zero(t, count.Failed, count)
}

func TestNothingOfALoginIsAcceptedAgain(t *testing.T) {
	t.Parallel()
	loader, state := newLoader(t, nil)
	spent, err := loader.Login(t.Context())
	require.NoError(t, err)
	accepted, err := spent.Again(t.Context())
	require.NoError(t, err)
	assert.Empty(t, accepted)

	require.NoError(t, state.Close())
	_, err = spent.Again(t.Context())
	assert.Error(t, err, "a provider without its store refuses, and that proves nothing")
}

func TestAcceptedReplayIsFound(t *testing.T) {
	t.Parallel()
	var forgetful atomic.Bool
	loader, _ := newLoader(t, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if forgetful.Load() {
				w.Write([]byte(`{"access_token":"a","id_token":"b","token_type":"DPoP","request_uri":"c"}`))
				return
			}
			next.ServeHTTP(w, r)
		})
	})
	spent, err := loader.Login(t.Context())
	require.NoError(t, err)
	forgetful.Store(true)
	accepted, err := spent.Again(t.Context())
	require.NoError(t, err)
	assert.ElementsMatch(t, []string{"code", "client assertion"}, accepted)
}

func TestClearErrorsAreToldFromBrokenAnswers(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		answer http.HandlerFunc
		clear  bool
	}{
		"an OAuth error": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusServiceUnavailable)
			w.Write([]byte(`{"error":"temporarily_unavailable"}`))
		}, true},
		"a page": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(http.StatusServiceUnavailable)
			w.Write([]byte(`<h1>Try again</h1>`))
		}, true},
		"an empty answer": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }, false},
		"no answer":       {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, false},
		"no JSON":         {func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("hello")) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			loader, _ := newLoader(t, func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.URL.Path == "/par" {
						test.answer(w, r)
						return
					}
					next.ServeHTTP(w, r)
				})
			})
			ctx, stop := context.WithCancel(t.Context())
			var counter load.Counter
			loader.Run(ctx, 1, 0, &counter, func(spent *load.Spent, err error) {
				_, clear := errors.AsType[*load.RefusedError](err)
				assert.Equal(t, test.clear, clear, err)
				stop()
			})
			assert.Equal(t, int64(1), counter.Count().Failed)
			assert.Equal(t, test.clear, counter.Count().Refused == 1)
		})
	}
}

func TestLoaderNeedsAClientAndPeople(t *testing.T) {
	t.Parallel()
	_, err := load.New(t.Context(), load.Config{})
	require.Error(t, err)
}
