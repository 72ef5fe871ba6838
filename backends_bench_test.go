package signet_test

import (
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/internal/postgrestest"
	"github.com/gosignet/signet/internal/redistest"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/registry"
	"github.com/gosignet/signet/store"
	"github.com/gosignet/signet/store/memory"
	"github.com/gosignet/signet/store/postgres"
	"github.com/gosignet/signet/store/redis"
)

// BenchmarkBackends is a complete login under the FAPI 2.0 Security Profile, as in BenchmarkLogin, over each of the
// backends that a deployment chooses from. "one" is one login after the other, "many" is 32 at the same time, which is what
// an instance does: logins/s then counts what client, instance and databases carry together on this machine.
//
// cpu-ns/op and x-floor are of this process alone, and the time of the databases is beside them.
func BenchmarkBackends(b *testing.B) {
	for _, backend := range benchBackends {
		b.Run(backend.name, func(b *testing.B) {
			w := newBenchWorldOver(b, jose.ES256, oauth.ProfileFAPI2, backend.start(b))
			holder := newBenchHolder(b)
			for _, way := range w.ways() {
				for _, at := range []struct {
					name    string
					workers int
				}{{"one", 1}, {"many", 32}} {
					b.Run(way.name+"/"+at.name, func(b *testing.B) {
						w.workers = at.workers
						servers := w.backend.processorTimes(b)
						w.measure(b, fapi2Work, w.logins(b, b.N, holder, way))
						for server, before := range servers {
							spent := w.backend.servers[server](b) - before
							b.ReportMetric(float64(spent)/float64(b.N), server+"-cpu-ns/op")
						}
						b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "logins/s")
						b.ReportMetric(float64(w.backend.roundTrips(b, way.name)), "trips/op")
					})
				}
			}
		})
	}
}

// benchBackend is where a provider keeps its state.
type benchBackend struct {
	state store.Ephemeral
	// ledger has the clients; nil means a list in memory.
	ledger *postgres.Store
	// servers are who works for it in other processes, and how much processor time each has used.
	servers map[string]func(testing.TB) time.Duration

	dsn   string // of PostgreSQL, if any
	redis *redistest.Server
}

var benchBackends = []struct {
	name  string
	start func(testing.TB) benchBackend
}{
	{"memory", newMemoryBackend},
	{"postgres", newPostgresBackend},
	{"postgres+redis", newRedisBackend},
}

func newMemoryBackend(b testing.TB) benchBackend {
	state, err := memory.New(memory.Config{})
	require.NoError(b, err)
	b.Cleanup(func() { state.Close() })
	return benchBackend{state: state}
}

// newPostgresBackend keeps everything in a PostgreSQL that waits for the disk, as in production.
func newPostgresBackend(b testing.TB) benchBackend {
	// One that a benchmark fills within minutes has a checkpoint when it is told to and not in between.
	server := postgrestest.Start(b, postgrestest.Config{Durable: true, Settings: map[string]string{
		"shared_buffers": "1GB", "max_wal_size": "8GB", "checkpoint_timeout": "1h",
	}})
	dsn := server.NewDatabase(b)
	s, err := postgres.New(postgres.Config{DSN: dsn + "&pool_max_conns=16"})
	require.NoError(b, err)
	b.Cleanup(func() { s.Close() })
	_, _, err = s.Migrate(b.Context())
	require.NoError(b, err)
	return benchBackend{state: s, ledger: s, dsn: dsn, servers: map[string]func(testing.TB) time.Duration{
		"postgres": func(b testing.TB) time.Duration { return postgresTime(b, dsn) },
	}}
}

// newRedisBackend keeps clients in PostgreSQL, and what is short-lived in a Redis without persistence.
func newRedisBackend(b testing.TB) benchBackend {
	backend := newPostgresBackend(b)
	backend.redis = redistest.Start(b)
	s, err := redis.New(redis.Config{URL: backend.redis.URL() + "?pool_size=32"})
	require.NoError(b, err)
	b.Cleanup(func() { s.Close() })
	require.NoError(b, s.Begin(b.Context()))
	backend.state = s
	backend.servers["redis"] = func(b testing.TB) time.Duration {
		return seconds(b, redisInfo(b, backend.redis, "cpu", "used_cpu_user")) + seconds(b, redisInfo(b, backend.redis, "cpu", "used_cpu_sys"))
	}
	return backend
}

// register returns the client as a store of clients.
func (k benchBackend) register(b testing.TB, client *oauth.Client) oauth.ClientStore {
	if k.ledger == nil {
		clients, err := oauth.NewStaticClients(client)
		require.NoError(b, err)
		return clients
	}
	clients, err := registry.New(registry.Config{Ledger: k.ledger, Notifier: k.ledger})
	require.NoError(b, err)
	b.Cleanup(func() { clients.Close() })
	if _, err := clients.Put(b.Context(), "benchmark", client, 0); err != nil {
		_, err = clients.Create(b.Context(), "benchmark", client)
		require.NoError(b, err)
	}
	return clients
}

// processorTimes are what the servers have used so far.
func (k benchBackend) processorTimes(b testing.TB) map[string]time.Duration {
	all := make(map[string]time.Duration)
	for name, used := range k.servers {
		all[name] = used(b)
	}
	return all
}

// roundTrips counts those of one more login.
func (k benchBackend) roundTrips(b *testing.B, name string) int {
	counted := &countingStore{Ephemeral: k.state}
	k.state, k.ledger = counted, nil
	w := newBenchWorldOver(b, jose.ES256, oauth.ProfileFAPI2, k)
	counted.step("login")
	for _, way := range w.ways() {
		if way.name == name {
			w.completeFAPI2(b, newBenchHolder(b), way)
		}
	}
	n, _ := counted.total()
	return n
}

// completeFAPI2 is one login from the pushed request to userinfo.
func (w *benchWorld) completeFAPI2(b *testing.B, holder *benchHolder, way way) {
	for _, p := range w.logins(b, 1, holder, way) {
		p.prepare(0)
		p.run(0)
	}
}

// redisInfo is a line of what the server tells about itself.
func redisInfo(b testing.TB, s *redistest.Server, section, name string) string {
	info, err := s.Client().InfoMap(b.Context(), section).Result()
	require.NoError(b, err)
	for _, lines := range info {
		if value, ok := lines[name]; ok {
			return value
		}
	}
	b.Fatalf("redis tells no %s", name)
	return ""
}

func seconds(b testing.TB, text string) time.Duration {
	s, err := strconv.ParseFloat(text, 64)
	require.NoError(b, err)
	return time.Duration(s * float64(time.Second))
}

// query asks a database for a number.
func query(b testing.TB, dsn, sql string, args ...any) (n int64) {
	conn, err := pgx.Connect(b.Context(), dsn)
	require.NoError(b, err)
	defer conn.Close(b.Context())
	require.NoError(b, conn.QueryRow(b.Context(), sql, args...).Scan(&n))
	return n
}

// postgresTime is the processor time of all processes of a server, as Linux tells it; elsewhere it is 0.
func postgresTime(b testing.TB, dsn string) time.Duration {
	u, err := url.Parse(dsn)
	require.NoError(b, err)
	// Of the server's processes only the first has the port among its arguments, and who started it has it too.
	arguments, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range arguments {
		line, _ := os.ReadFile(file)
		name, rest, _ := strings.Cut(string(line), "\x00")
		if filepath.Base(name) == "postgres" && strings.HasSuffix(rest, "\x00-p\x00"+u.Port()+"\x00") {
			return familyTime(filepath.Base(filepath.Dir(file)))
		}
	}
	return 0
}

// familyTime is the processor time of a process, and of its children, ended or not.
func familyTime(pid string) (ticks time.Duration) {
	const tick = time.Second / 100 // USER_HZ
	all, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, file := range all {
		line, _ := os.ReadFile(file)
		_, rest, _ := strings.Cut(string(line), ") ") // the name of the program may have spaces
		fields := strings.Fields(rest)                // from the third on: state, ppid, …
		own := filepath.Base(filepath.Dir(file)) == pid
		if len(fields) < 15 || !own && fields[1] != pid {
			continue
		}
		counted := fields[11:13] // utime, stime
		if own {
			counted = fields[11:15] // and those of children that have ended
		}
		for _, field := range counted {
			n, _ := strconv.Atoi(field)
			ticks += time.Duration(n) * tick
		}
	}
	return ticks
}
