package signet_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/mock"
	"github.com/gosignet/signet/examples/load"
	"github.com/gosignet/signet/keystore"
)

// BenchmarkInstance is a complete login under the FAPI 2.0 Security Profile at the reference server, which is a process of
// its own, by 16 people at a time: pushed request, pages, password, consent, token and userinfo over HTTP. The processor
// times are apart: of the instance, of each database, and of the relying parties and browsers (load-cpu-ns/op). That of the
// instance has in it what its identity system takes to compare a slow hash (password-cpu-ns/op), which in production is
// another machine's.
func BenchmarkInstance(b *testing.B) {
	program := filepath.Join(b.TempDir(), "server")
	out, err := exec.Command("go", "build", "-o", program, "./examples/server").CombinedOutput()
	require.NoError(b, err, string(out))
	for _, backend := range benchBackends {
		b.Run(backend.name, func(b *testing.B) { benchmarkInstance(b, program, backend.start(b)) })
	}
}

func benchmarkInstance(b *testing.B, program string, backend benchBackend) {
	i := newBenchInstance(b, program, backend)
	b.Run("logins", func(b *testing.B) {
		i.login(b, min(b.N, 100)) // connections are made, and the clients read
		servers := backend.processorTimes(b)
		instance, loader := familyTime(i.pid), cpuTime()
		i.sent.Store(0)
		i.received.Store(0)
		b.ResetTimer()
		i.login(b, b.N)
		b.StopTimer()
		n := float64(b.N)
		b.ReportMetric(float64(familyTime(i.pid)-instance)/n, "instance-cpu-ns/op")
		b.ReportMetric(float64(cpuTime()-loader)/n, "load-cpu-ns/op")
		for name, before := range servers {
			b.ReportMetric(float64(backend.servers[name](b)-before)/n, name+"-cpu-ns/op")
		}
		b.ReportMetric(float64(passwordTime(b)), "password-cpu-ns/op")
		b.ReportMetric(n/b.Elapsed().Seconds(), "logins/s")
		b.ReportMetric(float64(i.sent.Load())/n, "in-B/op")
		b.ReportMetric(float64(i.received.Load())/n, "out-B/op")
	})
}

// benchInstance is a process of the reference server, and who logs in there.
type benchInstance struct {
	pid            string
	loader         *load.Loader
	sent, received atomic.Int64 // by those who log in
}

const benchPassword = "benchmark-password"

func newBenchInstance(b *testing.B, program string, backend benchBackend) *benchInstance {
	dir := b.TempDir()
	file := func(name string, content []byte) string {
		path := filepath.Join(dir, name)
		require.NoError(b, os.WriteFile(path, content, 0o600))
		return path
	}
	key, registration := benchRegistration(b)
	address := freeBenchAddress(b)
	issuer := "http://" + address
	args := []string{
		"-listen", address, "-issuer", issuer, "-portal-listen", "", "-demo-password", benchPassword, "-log-level", "warn",
		"-attempts-per-person", "60000", "-attempts-per-address", "60000", "-pairwise-secret-file", file("pairwise", []byte(rand.Text()+rand.Text())),
	}
	if backend.dsn == "" {
		args = append(args, "-clients", file("clients.json", bytes.Join([][]byte{[]byte("["), registration, []byte("]")}, nil)))
	} else {
		state := backend.dsn
		if backend.redis != nil {
			state = backend.redis.URL()
		}
		args = append(args, "-store", backend.dsn+"&pool_max_conns=16", "-state", state+benchPool(backend),
			"-migrate", "-keys", "pkcs12:store;create;password-file="+file("keys", []byte(rand.Text())))
		create := exec.Command(program, "client", "create", "-store", backend.dsn)
		create.Stdin = bytes.NewReader(registration)
		out, err := create.CombinedOutput()
		require.NoError(b, err, string(out))
	}
	server := exec.Command(program, args...)
	server.Stderr = os.Stderr
	require.NoError(b, server.Start())
	b.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
	})
	require.Eventually(b, func() bool {
		res, err := http.Get(issuer + "/readyz")
		if err != nil {
			return false
		}
		res.Body.Close()
		return res.StatusCode == http.StatusOK
	}, time.Minute, 20*time.Millisecond, "the instance is ready")

	i := &benchInstance{pid: strconv.Itoa(server.Process.Pid)}
	var dialer net.Dialer
	transport := &http.Transport{MaxIdleConnsPerHost: 64, DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dialer.DialContext(ctx, network, address)
		return countedConn{conn, i}, err
	}}
	var err error
	i.loader, err = load.New(b.Context(), load.Config{
		Issuer: issuer, ClientID: "load", RedirectURI: "https://load.example/callback", Key: key, People: benchVisitors(b), Transport: transport,
	})
	require.NoError(b, err)
	return i
}

// benchPool gives the instance as many connections as people log in.
func benchPool(backend benchBackend) string {
	if backend.redis != nil {
		return "?pool_size=16"
	}
	return "&pool_max_conns=16"
}

// login has so many people log in.
func (i *benchInstance) login(b *testing.B, people int) {
	w := benchWorld{workers: 16}
	w.each(people, func(int) {
		if _, err := i.loader.Login(b.Context()); err != nil {
			b.Error(err)
		}
	})
}

// benchRegistration is that of the client who makes the load.
func benchRegistration(b *testing.B) (*keystore.Key, []byte) {
	keys, err := keystore.Generate(jose.ES256)
	require.NoError(b, err)
	key, err := keys.Signer(b.Context(), keystore.TokenSigning, jose.ES256)
	require.NoError(b, err)
	registration, err := json.Marshal(map[string]any{
		"client_id": "load", "client_name": "Load", "redirect_uris": []string{"https://load.example/callback"}, "scope": "openid profile",
		"jwks": jose.JSONWebKeySet{Keys: []jose.JSONWebKey{key.Public()}}, "token_endpoint_auth_signing_alg": "ES256", "profile": "fapi2",
	})
	require.NoError(b, err)
	return key, registration
}

func benchVisitors(b *testing.B) (all []load.Person) {
	for _, p := range benchIdentitySystem(b).Personas() {
		all = append(all, load.Person{ID: p.NationalID, Password: benchPassword})
	}
	return all
}

// benchIdentitySystem is that of the reference server.
func benchIdentitySystem(b *testing.B) *mock.Mock {
	people, err := mock.New(mock.Config{Password: benchPassword, Store: newMemoryBackend(b).state})
	require.NoError(b, err)
	b.Cleanup(func() { people.Close() })
	return people
}

// passwordTime is the processor time that the identity system takes for a password.
func passwordTime(b *testing.B) time.Duration {
	const times = 50
	people := benchIdentitySystem(b)
	request := authenticator.Request{
		Transaction: "benchmark", ClientID: "load", Identifier: authenticator.Identifier{Value: people.Personas()[0].NationalID},
		Challenges: []authenticator.Challenge{{Factor: authenticator.Password, Response: benchPassword}},
	}
	start := cpuTime()
	for range times {
		_, err := people.Authenticate(b.Context(), &request)
		require.NoError(b, err)
	}
	return (cpuTime() - start) / times
}

func freeBenchAddress(b *testing.B) string {
	l, err := net.Listen("tcp", "localhost:0")
	require.NoError(b, err)
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	require.NoError(b, err)
	return net.JoinHostPort("localhost", port)
}

// countedConn counts what goes over the wire.
type countedConn struct {
	net.Conn
	by *benchInstance
}

func (c countedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.by.received.Add(int64(n))
	return n, err
}

func (c countedConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.by.sent.Add(int64(n))
	return n, err
}
