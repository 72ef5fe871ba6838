package cluster_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator/mock"
	"github.com/gosignet/signet/examples/cluster"
	"github.com/gosignet/signet/examples/load"
	"github.com/gosignet/signet/internal/postgrestest"
	"github.com/gosignet/signet/internal/redistest"
	"github.com/gosignet/signet/internal/serverprogram"
	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/store"
	"github.com/gosignet/signet/store/postgres"
)

var (
	long     = flag.Bool("long", false, "log more people in between the faults")
	visitors = flag.Int("visitors", 4, "how many people log in at the same time")
)

const (
	clientID    = "load"
	redirectURI = "https://load.example/callback"
	password    = "signet-demo"

	// patience is how long anything may take on a machine that does other things too.
	patience = 2 * time.Minute
)

func TestMain(m *testing.M) { os.Exit(serverprogram.Main(m)) }

// world is three instances behind a balancer, over PostgreSQL and Redis or PostgreSQL alone, the first of them over cables that
// can be cut.
type world struct {
	*testing.T
	postgres  *postgrestest.Server
	redis     *redistest.Server
	dsn       string
	issuer    string
	key       *keystore.Key // of the client
	cables    []*cluster.Cable
	instances []*cluster.Instance
	balancer  *cluster.Balancer
	loader    *load.Loader
	log       *logs
}

func newWorld(t *testing.T) *world { t.Helper(); return newWorldOver(t, true) }

// newWorldOver says whether there is a Redis.
func newWorldOver(t *testing.T, inRedis bool) *world {
	t.Helper()
	w := &world{T: t, postgres: postgrestest.Start(t, postgrestest.Config{Durable: true}), log: new(logs)}
	if inRedis {
		w.redis = redistest.Start(t)
	}
	w.dsn = w.postgres.NewDatabase(t)
	dir := t.TempDir()
	secret, keys := filepath.Join(dir, "pairwise"), filepath.Join(dir, "keys-password")
	for _, file := range []string{secret, keys} {
		require.NoError(t, os.WriteFile(file, []byte(rand.Text()+rand.Text()), 0o600))
	}
	server := httptest.NewUnstartedServer(nil)
	w.issuer = "http://" + strings.Replace(server.Listener.Addr().String(), "127.0.0.1", "localhost", 1)
	shared := []string{
		"-wallet", "-issuer", w.issuer, "-demo-password", password, "-attempts-per-person", "60000", "-attempts-per-address", "60000", "-log-level", "warn",
		"-pairwise-secret-file", secret, "-keys", "pkcs12:store;create;password-file=" + keys,
	}
	serverprogram.Command(w, nil, append([]string{"migrate"}, w.stores(false)...)...)
	w.key = w.register()
	var addresses []string
	for i := range 3 {
		instance, err := cluster.NewInstance(serverprogram.Path(t), w.log, append(w.stores(i == 0), shared...)...)
		require.NoError(t, err)
		require.NoError(t, instance.Start())
		t.Cleanup(func() { instance.Kill() })
		w.instances, addresses = append(w.instances, instance), append(addresses, instance.Address)
	}
	w.balancer = cluster.NewBalancer(t.Context(), addresses...)
	server.Config.Handler = w.balancer
	server.Start()
	t.Cleanup(server.Close)
	w.eventually("all instances are ready", func() bool { return w.balancer.Ready() == 3 })
	var err error
	w.loader, err = load.New(t.Context(), load.Config{Issuer: w.issuer, ClientID: clientID, RedirectURI: redirectURI, Key: w.key, People: people(t)})
	require.NoError(t, err)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("what the instances logged:\n%s", w.log.tail())
		}
	})
	return w
}

// register registers the client that makes the load, as an administrator does, and returns its key.
func (w *world) register() *keystore.Key {
	w.Helper()
	keys, err := keystore.Generate(jose.ES256)
	require.NoError(w, err)
	key, err := keys.Signer(w.Context(), keystore.TokenSigning, jose.ES256)
	require.NoError(w, err)
	registration, err := json.Marshal(map[string]any{
		"client_id": clientID, "client_name": "Load", "redirect_uris": []string{redirectURI}, "scope": "openid profile",
		"jwks": jose.JSONWebKeySet{Keys: []jose.JSONWebKey{key.Public()}}, "token_endpoint_auth_signing_alg": "ES256",
		"profile": "fapi2",
	})
	require.NoError(w, err)
	serverprogram.Command(w, registration, "client", "create", "-store", w.dsn)
	return key
}

// stores are the flags that say where the state is, over cables or not.
func (w *world) stores(cabled bool) (flags []string) {
	w.Helper()
	urls := map[string]string{"-store": w.dsn}
	if w.redis != nil {
		urls["-state"] = w.redis.URL()
	}
	for flag, target := range urls {
		if cabled {
			target = w.throughCable(target)
		}
		flags = append(flags, flag, target)
	}
	return flags
}

// throughCable lets the URL go through a new cable.
func (w *world) throughCable(target string) string {
	w.Helper()
	u, err := url.Parse(target)
	require.NoError(w, err)
	host := u.Host
	if u.Port() == "" {
		host = net.JoinHostPort(u.Host, "5432")
	}
	cable, err := cluster.NewCable(host)
	require.NoError(w, err)
	w.Cleanup(cable.Close)
	w.cables = append(w.cables, cable)
	u.Host = cable.Address()
	return u.String()
}

func people(t *testing.T) (all []load.Person) {
	t.Helper()
	m, err := mock.New(mock.Config{Password: password, Store: noStore{}})
	require.NoError(t, err)
	defer m.Close()
	for _, p := range m.Personas() {
		all = append(all, load.Person{ID: p.NationalID, Password: password})
	}
	return all
}

type noStore struct{ store.Ephemeral }

// eventually waits until the condition holds.
func (w *world) eventually(what string, condition func() bool) {
	w.Helper()
	require.Eventually(w, condition, patience, 20*time.Millisecond, what)
}

// load is people who log in, and an administration that writes records, all the time.
type traffic struct {
	*world
	load.Counter
	stop func()

	mu       sync.Mutex
	spent    []*load.Spent
	failures map[string]int
	written  []string // what the ledger acknowledged
}

// start begins the traffic.
func (w *world) start() *traffic {
	w.Helper()
	ctx, cancel := context.WithCancel(w.Context())
	l := &traffic{world: w, failures: map[string]int{}}
	ledger, err := postgres.New(postgres.Config{DSN: w.dsn})
	require.NoError(w, err)
	var group sync.WaitGroup
	group.Go(func() {
		w.loader.Run(ctx, *visitors, 50*time.Millisecond, &l.Counter, func(spent *load.Spent, err error) {
			l.mu.Lock()
			defer l.mu.Unlock()
			if err != nil {
				l.failures[err.Error()]++
			} else {
				l.spent = append(l.spent, spent)
			}
		})
	})
	group.Go(func() { l.write(ctx, ledger) })
	l.stop = func() {
		cancel()
		group.Wait()
		ledger.Close()
	}
	w.Cleanup(l.stop)
	return l
}

// write writes one record after the other, as decisions on consent are, and remembers which were acknowledged.
func (l *traffic) write(ctx context.Context, ledger *postgres.Store) {
	for i := 0; ctx.Err() == nil; i++ {
		id := fmt.Sprintf("decision-%06d", i)
		if _, err := ledger.Write(ctx, "chaos", store.Record{ID: id, Value: []byte(`{}`)}); err == nil {
			l.mu.Lock()
			l.written = append(l.written, id)
			l.mu.Unlock()
		}
		select {
		case <-ctx.Done():
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// goOn waits until more logins are complete.
func (l *traffic) goOn(why string) {
	l.Helper()
	more := int64(10)
	if *long {
		more = 200
	}
	target := l.Count().Complete + more
	l.eventually(why, func() bool { return l.Count().Complete >= target })
}

// settle ends the traffic and tells whether anything was lost, accepted twice, or ended without a clear answer.
func (l *traffic) settle() {
	l.Helper()
	l.stop()
	count := l.Count()
	l.Logf("in all: %v; %d records acknowledged", count, len(l.written))
	for failure, n := range l.failures {
		l.Logf("%6d times: %s", n, failure)
	}
	require.Equal(l, count.Failed, count.Refused, "every failure is a clear answer")

	ledger, err := postgres.New(postgres.Config{DSN: l.dsn})
	require.NoError(l, err)
	defer ledger.Close()
	for _, id := range l.written {
		_, err := ledger.Read(l.Context(), "chaos", id)
		require.NoError(l, err, "the acknowledged record %s", id)
	}
	spent := l.spent[max(0, len(l.spent)-200):]
	for _, s := range spent {
		var accepted []string
		l.eventually("there is an answer", func() (answered bool) {
			var err error
			accepted, err = s.Again(l.Context())
			return err == nil
		})
		require.Empty(l, accepted, "what was used is accepted again")
	}
	l.Logf("%d codes and assertions were tried again, and refused", len(spent))
}

// logs keeps what instances log.
type logs struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logs) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *logs) tail() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.text.Bytes()
	return string(b[max(0, len(b)-8<<10):])
}
