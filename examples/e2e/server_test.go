package e2e_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"encoding/pem"
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

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var program struct {
	once sync.Once
	path string
	err  error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if program.path != "" {
		os.RemoveAll(filepath.Dir(program.path))
	}
	os.Exit(code)
}

// buildServer builds the reference server, once.
func buildServer(t *testing.T) string {
	t.Helper()
	program.once.Do(func() {
		dir, err := os.MkdirTemp("", "signet-e2e-")
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
	require.NoError(t, program.err)
	return program.path
}

// startServer runs the reference server, with its portal, as an operator does: a program with flags. The world that it
// returns knows no people.
func startServer(t *testing.T, args ...string) *world {
	t.Helper()
	command := exec.Command(buildServer(t), append([]string{"-listen", "localhost:0", "-portal-listen", "127.0.0.1:0", "-mock-listen", ""}, args...)...)
	var log bytes.Buffer
	command.Stderr = &log
	stdout, err := command.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, command.Start())
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
	t.Cleanup(func() {
		_ = command.Process.Signal(syscall.SIGTERM)
		<-rest
		err := command.Wait()
		assert.NoError(t, err)
		if t.Failed() {
			t.Logf("the server logged:\n%s", log.String())
		}
	})
	banner := <-said
	find := func(pattern string) string {
		m := regexp.MustCompile(pattern).FindStringSubmatch(banner)
		require.NotNil(t, m, "no %s in:\n%s", pattern, banner)
		return m[1]
	}
	return &world{issuer: find(`Provider +(\S+)/\.well-known`), portal: find(`Open +(\S+)`)}
}

// operatorsFiles writes the file of -identity, and those that it names, and returns the path of the first.
func operatorsFiles(t *testing.T, identity map[string]any, files map[string][]byte) string {
	t.Helper()
	dir := t.TempDir()
	for name, data := range files {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), data, 0o600))
	}
	data, err := json.Marshal(identity)
	require.NoError(t, err)
	file := filepath.Join(dir, "identity.json")
	require.NoError(t, os.WriteFile(file, data, 0o600))
	return file
}

func inPEM(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}
