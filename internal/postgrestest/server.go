// Package postgrestest starts throwaway PostgreSQL servers for tests.
//
// [Shared] is one server for all tests of a test binary, each in a database of its own ([Server.NewDatabase]). [Start] is
// a server for a test that stops, kills and restarts it. Servers listen on the loopback interface only and end, with
// their data, when the test process ends, however it ends.
package postgrestest

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Environment is the variable that may name an existing server for [Shared]: a URL of a superuser's connection.
const Environment = "SIGNET_TEST_POSTGRES"

// Config is how a Server differs from the usual. The zero value is fast and forgets what it was told when it is killed.
type Config struct {
	// Durable makes the Server keep what it acknowledged, as one in production does.
	Durable bool
	// Settings are further lines of postgresql.conf.
	Settings map[string]string
}

// Server is a PostgreSQL server. Its methods are not safe for concurrent use, except DSN and NewDatabase.
type Server struct {
	admin url.URL // of the database postgres
	dir   string  // empty: somebody else's server
	bin   string
	own   process
	// shared servers are not for one test to stop.
	shared bool
}

// Start starts a Server, which ends with the test.
func Start(tb testing.TB, c Config) *Server {
	tb.Helper()
	s, err := start(c)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.end(); err != nil {
			tb.Errorf("postgrestest: %v", err)
		}
	})
	return s
}

var shared = sync.OnceValues(func() (*Server, error) {
	dsn := os.Getenv(Environment)
	if dsn == "" {
		s, err := start(Config{})
		if err == nil {
			s.shared = true
		}
		return s, err
	}
	admin, err := url.Parse(dsn)
	if err != nil || !strings.HasPrefix(admin.Scheme, "postgres") {
		return nil, fmt.Errorf("postgrestest: %s is not a URL that begins with postgres://", Environment)
	}
	return &Server{admin: *admin, shared: true}, nil
})

// Shared returns the Server that all tests of this test binary share: the one that [Environment] names, or else one that
// is started with the first call and ends with the test process. Nobody may stop it.
func Shared(tb testing.TB) *Server {
	tb.Helper()
	s, err := shared()
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// DSN returns the URL of a database on the Server, for a superuser.
func (s *Server) DSN(database string) string {
	u := s.admin
	u.Path = "/" + database
	return u.String()
}

// NewDatabase creates an empty database and returns its URL. It is dropped with the end of the test. Options are those of
// CREATE DATABASE.
func (s *Server) NewDatabase(tb testing.TB, options ...string) string {
	tb.Helper()
	name := "test_" + strings.ToLower(rand.Text())
	if err := s.exec("CREATE DATABASE " + name + " " + strings.Join(options, " ")); err != nil {
		tb.Fatalf("postgrestest: create a database: %v", err)
	}
	tb.Cleanup(func() {
		// A server that is one test's own takes its databases with it, and may be stopped by now.
		if !s.shared {
			return
		}
		if err := s.exec("DROP DATABASE " + name + " WITH (FORCE)"); err != nil {
			tb.Errorf("postgrestest: drop the database: %v", err)
		}
	})
	return s.DSN(name)
}

// Stop shuts the Server down in order, but ends the connections that are open.
func (s *Server) Stop(tb testing.TB) { tb.Helper(); s.signal(tb, "INT") }

// Kill kills the Server, as a loss of power does, except that what was handed to the kernel stays.
func (s *Server) Kill(tb testing.TB) { tb.Helper(); s.signal(tb, "KILL") }

// Restart starts the Server again after Stop or Kill, at the same address, and returns when it answers.
func (s *Server) Restart(tb testing.TB) {
	tb.Helper()
	if s.shared || s.own.running() {
		tb.Fatal("postgrestest: only a server that Start started, and that was stopped, can be restarted")
	}
	if err := s.launch(); err != nil {
		tb.Fatal(err)
	}
}

func (s *Server) signal(tb testing.TB, name string) {
	tb.Helper()
	if s.shared {
		tb.Fatal("postgrestest: only a server that Start started can be stopped")
	}
	if err := s.own.stop(name); err != nil {
		tb.Fatalf("postgrestest: stop: %v", err)
	}
}

func (s *Server) exec(sql string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.admin.String())
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	_, err = conn.Exec(ctx, sql)
	return err
}

// end stops the Server for good and removes its data.
func (s *Server) end() error {
	var err error
	if s.own.running() {
		err = s.own.stop("QUIT")
	}
	if removed := os.RemoveAll(s.dir); err == nil {
		err = removed
	}
	return err
}

func (s *Server) logFile() string { return filepath.Join(s.dir, "log") }

// patience is how long a server may take to start or to stop on a machine under load.
const patience = 2 * time.Minute
