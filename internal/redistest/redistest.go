// Package redistest starts Redis servers for tests: throwaway processes on loopback that die with the test. It takes
// valkey-server where there is no redis-server, and fails the test when there is neither; "make redis" installs one.
package redistest

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	// patience is how long a server may take to start, to stop or to form a cluster.
	patience = 30 * time.Second
	// attempts is how often another port is tried when somebody else was faster to bind the free one.
	attempts = 5

	busOffset = 10_000 // of the port of a cluster's bus from the port for clients
	maxPort   = 1<<16 - 1
)

// Options say how a server differs from one that keeps everything in memory.
type Options struct {
	// Durable writes every change to a file before it is acknowledged (appendonly yes, appendfsync always), so that a
	// server that was killed comes back with all it had.
	Durable bool
	// Arguments are further ones for the server: "--maxmemory", "2mb".
	Arguments []string
}

// Server is a server on loopback.
type Server struct {
	tb        testing.TB
	addr      string
	url       string
	arguments []string
	process   *process // nil when it does not run, or is somebody else's
	client    *redis.Client
	foreign   bool
}

// Start starts a server that keeps nothing on disk, and ends it with the test.
func Start(tb testing.TB) *Server {
	tb.Helper()
	return StartWith(tb, Options{})
}

// StartWith starts a server with options, and ends it with the test.
func StartWith(tb testing.TB, o Options) *Server {
	tb.Helper()
	return start(tb, o, false)
}

func start(tb testing.TB, o Options, cluster bool) *Server {
	tb.Helper()
	binary := find(tb)
	dir, err := os.MkdirTemp("", "redistest") // not the test's own: a Shared server outlives the test that began it
	if err != nil {
		tb.Fatalf("redistest: %v", err)
	}
	tb.Cleanup(func() { os.RemoveAll(dir) })
	s := &Server{tb: tb}
	tb.Cleanup(s.Kill)
	for range attempts {
		port, err := freePort(cluster)
		if err != nil {
			tb.Fatalf("redistest: %v", err)
		}
		s.addr = net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
		s.arguments = append([]string{
			binary, "--bind", "127.0.0.1", "--port", strconv.Itoa(port), "--dir", dir, "--save", "", "--daemonize", "no",
		}, o.Arguments...)
		if o.Durable {
			s.arguments = append(s.arguments, "--appendonly", "yes", "--appendfsync", "always")
		}
		if cluster {
			s.arguments = append(s.arguments, "--cluster-enabled", "yes", "--cluster-node-timeout", "2000")
		}
		if err = s.run(); err == nil {
			break
		}
		tb.Logf("redistest: %v", err)
	}
	if s.process == nil {
		tb.Fatalf("redistest: %s did not start", binary)
	}
	s.url = "redis://" + s.addr
	s.client = redis.NewClient(&redis.Options{Addr: s.addr})
	tb.Cleanup(func() { s.client.Close() })
	return s
}

// URL returns the address of the server: redis://127.0.0.1:port.
func (s *Server) URL() string { return s.url }

// Client returns a client of the server for what a test wants to see or change behind the back of what it tests.
func (s *Server) Client() *redis.Client { return s.client }

// Flush removes everything that the server has.
func (s *Server) Flush() {
	s.tb.Helper()
	if err := s.client.FlushAll(context.Background()).Err(); err != nil {
		s.tb.Fatalf("redistest: %v", err)
	}
}

// Kill ends the server at once, as a loss of power would. It does nothing if the server does not run.
func (s *Server) Kill() { s.end(syscall.SIGKILL) }

// Stop lets the server finish what it is doing, and ends it. It does nothing if the server does not run.
func (s *Server) Stop() { s.end(syscall.SIGTERM) }

func (s *Server) end(signal os.Signal) {
	s.tb.Helper()
	if s.foreign {
		s.tb.Fatal("redistest: a test does not end a server that it did not start")
	}
	if s.process == nil {
		return
	}
	if err := s.process.end(signal); err != nil {
		s.tb.Errorf("redistest: %v", err)
	}
	s.process = nil
}

// Pause makes the server deaf until Resume: connections stay open and nothing is answered.
func (s *Server) Pause() { s.signal(syscall.SIGSTOP) }

// Resume ends a Pause.
func (s *Server) Resume() { s.signal(syscall.SIGCONT) }

func (s *Server) signal(signal os.Signal) {
	s.tb.Helper()
	if s.process == nil {
		s.tb.Fatal("redistest: the server does not run")
	}
	if err := s.process.cmd.Process.Signal(signal); err != nil {
		s.tb.Fatalf("redistest: %v", err)
	}
}

// Restart starts a server that was ended again, at the same address, and a running one anew. One that is not Durable has
// forgotten everything.
func (s *Server) Restart() {
	s.tb.Helper()
	s.Kill()
	if err := s.run(); err != nil {
		s.tb.Fatalf("redistest: restart: %v", err)
	}
}

// run starts the process and returns when it answers.
func (s *Server) run() error {
	p, err := launch(s.arguments)
	if err != nil {
		return err
	}
	client := redis.NewClient(&redis.Options{Addr: s.addr, MaxRetries: -1, DialerRetries: 1})
	defer client.Close()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for timeout := time.After(patience); ; {
		// The client would log what it cannot reach. Another server at the port would answer too.
		if conn, err := net.Dial("tcp", s.addr); err == nil {
			conn.Close()
			info, err := client.InfoMap(context.Background(), "server").Result()
			if err == nil && info["Server"]["process_id"] == strconv.Itoa(p.cmd.Process.Pid) {
				s.process = p
				return nil
			}
		}
		select {
		case <-p.done:
			return fmt.Errorf("%s ended: %w: %s", s.arguments[0], p.err, p.output.String())
		case <-timeout:
			return fmt.Errorf("%s does not answer: %w", s.arguments[0], p.end(syscall.SIGKILL))
		case <-tick.C:
		}
	}
}

// process is a child that does not survive us.
type process struct {
	cmd    *exec.Cmd
	output output
	done   chan struct{} // closed when err says how it ended
	err    error
}

func launch(arguments []string) (*process, error) {
	p := &process{cmd: exec.Command(arguments[0], arguments[1:]...), done: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = &p.output, &p.output
	p.cmd.SysProcAttr = diesWithUs()
	started := make(chan error)
	go func() {
		// The kernel ends the child with the thread that started it, which therefore waits for the child.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := p.cmd.Start()
		started <- err
		if err == nil {
			p.err = p.cmd.Wait()
			close(p.done)
		}
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return p, nil
}

// end sends the signal and waits for the end.
func (p *process) end(signal os.Signal) error {
	if err := p.cmd.Process.Signal(signal); err != nil {
		return nil // it has ended by itself
	}
	select {
	case <-p.done:
		return nil
	case <-time.After(patience):
		return fmt.Errorf("%s does not end", p.cmd.Path)
	}
}

// output keeps the beginning of what a server says, where it complains about its arguments.
type output struct {
	mu   sync.Mutex
	text []byte
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.text = append(o.text, b[:min(len(b), 8<<10-len(o.text))]...)
	return len(b), nil
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return string(o.text)
}

func find(tb testing.TB) string {
	tb.Helper()
	for _, name := range []string{"redis-server", "valkey-server"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	tb.Fatal(`redistest: neither redis-server nor valkey-server found: run "make redis"`)
	return ""
}

// freePort returns a port that is free now, and the port of a cluster's bus with it.
func freePort(cluster bool) (int, error) {
	for range 100 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return 0, err
		}
		port := l.Addr().(*net.TCPAddr).Port
		l.Close()
		if !cluster {
			return port, nil
		}
		if port+busOffset > maxPort {
			continue
		}
		if l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port+busOffset))); err == nil {
			l.Close()
			return port, nil
		}
	}
	return 0, fmt.Errorf("no free pair of ports")
}
