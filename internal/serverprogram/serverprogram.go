// Package serverprogram builds the reference server, examples/server, and runs it as an operator does: a program with flags.
// It is for tests.
package serverprogram

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
)

var program struct {
	once sync.Once
	path string
	err  error
}

// Main runs the tests of a binary, and removes what [Path] has built. It is for TestMain, and returns the exit code.
func Main(m *testing.M) int {
	code := m.Run()
	if program.path != "" {
		os.RemoveAll(filepath.Dir(program.path))
	}
	return code
}

// Path returns the path of the program, which is built for the first test that asks. The binary needs [Main].
func Path(tb testing.TB) string {
	tb.Helper()
	program.once.Do(func() {
		dir, err := os.MkdirTemp("", "signet-server-")
		if err != nil {
			program.err = err
			return
		}
		program.path = filepath.Join(dir, "server")
		out, err := exec.Command("go", "build", "-o", program.path, "github.com/gosignet/signet/examples/server").CombinedOutput()
		if err != nil {
			program.err = fmt.Errorf("%w: %s", err, out)
		}
	})
	if program.err != nil {
		tb.Fatalf("serverprogram: %v", program.err)
	}
	return program.path
}

// Command runs a command of the program to its end, and returns what it wrote.
func Command(tb testing.TB, stdin []byte, args ...string) string {
	tb.Helper()
	command := exec.CommandContext(tb.Context(), Path(tb), args...)
	var stderr bytes.Buffer
	command.Stdin, command.Stderr = bytes.NewReader(stdin), &stderr
	out, err := command.Output()
	if err != nil {
		tb.Fatalf("serverprogram: %v: %v: %s", args, err, stderr.String())
	}
	return string(out)
}

// Server is the program as it serves. It ends with its test, which fails if it does not end well.
type Server struct {
	// Issuer and Portal are the URLs of the provider and of its portal.
	Issuer, Portal string
}

// Start runs the program with the flags on addresses of its own, and returns when it serves.
func Start(tb testing.TB, args ...string) *Server {
	tb.Helper()
	command := exec.Command(Path(tb), append([]string{"-listen", "localhost:0", "-portal-listen", "127.0.0.1:0", "-mock-listen", ""}, args...)...)
	var log bytes.Buffer
	command.Stderr = &log
	stdout, err := command.StdoutPipe()
	if err == nil {
		err = command.Start()
	}
	if err != nil {
		tb.Fatalf("serverprogram: %v", err)
	}
	said, rest := make(chan string, 1), make(chan struct{})
	go func() {
		defer close(rest)
		var banner strings.Builder
		lines := bufio.NewReader(stdout)
		for !strings.Contains(banner.String(), "Ctrl-C") {
			line, err := lines.ReadString('\n')
			if err != nil {
				break
			}
			banner.WriteString(line)
		}
		said <- banner.String()
		io.Copy(io.Discard, lines)
	}()
	tb.Cleanup(func() {
		_ = command.Process.Signal(syscall.SIGTERM)
		<-rest
		if err := command.Wait(); err != nil {
			tb.Errorf("serverprogram: the server ended with %v", err)
		}
		if tb.Failed() {
			tb.Logf("the server logged:\n%s", log.String())
		}
	})
	banner := <-said
	find := func(pattern string) string {
		m := regexp.MustCompile(pattern).FindStringSubmatch(banner)
		if m == nil {
			tb.Fatalf("serverprogram: no %s in:\n%s", pattern, banner)
		}
		return m[1]
	}
	return &Server{Issuer: find(`Provider +(\S+)/\.well-known`), Portal: find(`Open +(\S+)`)}
}
