package redistest

import (
	"os"
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"
)

// shared is the server of this test binary, and how many tests use it.
var shared struct {
	mu     sync.Mutex
	server *Server
	users  int
	end    *ending
}

// Shared returns a server that all tests of the binary share, which tell their keys apart and do not stop, flush or fill
// it. It is started for the first of them and ends when none uses it. The environment variable SIGNET_TEST_REDIS names
// the URL of a server that runs already.
func Shared(tb testing.TB) *Server {
	tb.Helper()
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if shared.server == nil {
		shared.end = &ending{TB: tb}
		shared.server = open(shared.end)
	}
	shared.users++
	tb.Cleanup(func() {
		shared.mu.Lock()
		defer shared.mu.Unlock()
		if shared.users--; shared.users == 0 {
			shared.end.run()
			shared.server, shared.end = nil, nil
		}
	})
	return shared.server
}

func open(tb testing.TB) *Server {
	tb.Helper()
	url := os.Getenv("SIGNET_TEST_REDIS")
	if url == "" {
		return Start(tb)
	}
	o, err := redis.ParseURL(url)
	if err != nil {
		tb.Fatal("redistest: SIGNET_TEST_REDIS is not the URL of a Redis server")
	}
	s := &Server{tb: tb, addr: o.Addr, url: url, client: redis.NewClient(o), foreign: true}
	tb.Cleanup(func() { s.client.Close() })
	return s
}

// ending is a test whose clean-up waits for the last user of what the test began.
type ending struct {
	testing.TB
	steps []func()
}

// Cleanup implements [testing.TB].
func (e *ending) Cleanup(f func()) { e.steps = append(e.steps, f) }

func (e *ending) run() {
	for i := len(e.steps) - 1; i >= 0; i-- {
		e.steps[i]()
	}
}
