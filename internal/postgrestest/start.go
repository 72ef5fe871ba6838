package postgrestest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// start makes a cluster and starts a server on it.
func start(c Config) (_ *Server, err error) {
	bin, err := findBinaries()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "signet-postgres-")
	if err != nil {
		return nil, err
	}
	s := &Server{
		dir: dir,
		bin: bin,
		admin: url.URL{Scheme: "postgres", User: url.User("postgres"), Path: "/postgres",
			RawQuery: "sslmode=disable"},
	}
	defer func() {
		if err != nil {
			_ = os.RemoveAll(dir)
		}
	}()
	if s.own.user, err = unprivileged(dir); err != nil {
		return nil, err
	}
	if err := s.initialize(c); err != nil {
		return nil, err
	}
	return s, s.launch()
}

// findBinaries returns the directory of the newest server on this machine.
func findBinaries() (string, error) {
	if path, err := exec.LookPath("initdb"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil {
			return filepath.Dir(path), nil
		}
	}
	// Where Debian and Ubuntu put them.
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(found) == 0 {
		return "", errors.New("postgrestest: no PostgreSQL server on this machine, and these tests need one: " +
			"run \"make postgres\", or put the directory with initdb on the PATH")
	}
	version := func(path string) int {
		n, _ := strconv.Atoi(strings.Split(path, "/")[4]) // what is no number counts as old
		return n
	}
	return filepath.Dir(slices.MaxFunc(found, func(a, b string) int { return version(a) - version(b) })), nil
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

// initialize makes the cluster.
func (s *Server) initialize(c Config) error {
	cmd := exec.Command(filepath.Join(s.bin, "initdb"), "--pgdata", s.data(), "--username=postgres", "--auth=trust",
		"--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions")
	cmd.Dir = s.dir
	cmd.SysProcAttr = s.own.attributes()
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("postgrestest: initdb: %w: %s", err, bytes.TrimSpace(out))
	}
	settings := map[string]string{
		"listen_addresses":        "127.0.0.1",
		"unix_socket_directories": "",
		"max_connections":         "200",
		"shared_buffers":          "64MB",
		"logging_collector":       "off",
	}
	if !c.Durable {
		maps.Copy(settings, map[string]string{"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"})
	}
	maps.Copy(settings, c.Settings)
	var lines strings.Builder
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		fmt.Fprintf(&lines, "%s = '%s'\n", name, strings.ReplaceAll(settings[name], "'", "''"))
	}
	file, err := os.OpenFile(filepath.Join(s.data(), "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = file.WriteString(lines.String())
	return errors.Join(err, file.Close())
}

// launch starts the server and returns when it answers. It tries again when somebody else was faster to take the port,
// or when processes of a server that was killed have not gone yet.
func (s *Server) launch() error {
	keepPort := s.admin.Host != ""
	for deadline := time.Now().Add(patience); ; {
		if !keepPort {
			address, err := freeAddress()
			if err != nil {
				return err
			}
			s.admin.Host = address
		}
		if err := s.own.start(s.dir, s.logFile(), filepath.Join(s.bin, "postgres"), "-D", s.data(), "-p", s.admin.Port()); err != nil {
			return fmt.Errorf("postgrestest: start the server: %w", err)
		}
		if s.waitUntilItAnswers(deadline) {
			return nil
		}
		if err := s.own.stop("QUIT"); err != nil {
			return err
		}
		if time.Now().After(deadline) {
			said, _ := os.ReadFile(s.logFile())
			return fmt.Errorf("postgrestest: the server did not start within %s; it said: %s", patience, said)
		}
	}
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// waitUntilItAnswers returns false when the server ended instead.
func (s *Server) waitUntilItAnswers(deadline time.Time) bool {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	ctx, cancel := context.WithDeadline(context.Background(), deadline)
	defer cancel()
	for {
		select {
		case <-s.own.ended:
			return false
		case <-ctx.Done():
			return false
		case <-tick.C:
		}
		if conn, err := pgx.Connect(ctx, s.admin.String()); err == nil {
			_ = conn.Close(ctx)
			return s.own.running() // and not somebody else's at the same port
		}
	}
}
