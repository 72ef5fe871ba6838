package esignet_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/esignet"
	"github.com/gosignet/signet/store"
	"github.com/gosignet/signet/store/memory"
)

// browsersAt is where a process that has the variable is to send the requests of its standard input, each on a
// connection of its own.
const browsersAt = "SIGNET_TEST_BROWSERS_AT"

func TestMain(m *testing.M) {
	if address := os.Getenv(browsersAt); address != "" {
		if err := browse(address); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// browse sends requests and keeps the connections until there are no more of them.
func browse(address string) error {
	var connections []net.Conn
	for d := json.NewDecoder(bufio.NewReader(os.Stdin)); d.More(); {
		var request []byte
		if err := d.Decode(&request); err != nil {
			return err
		}
		c, err := net.Dial("tcp", address)
		if err != nil {
			return err
		}
		connections = append(connections, c)
		if _, err := c.Write(request); err != nil {
			return err
		}
	}
	for _, c := range connections {
		c.Close()
	}
	return nil
}

// TestTenThousandBrowsersWait measures one instance, with its logins: the browsers are another process.
func TestTenThousandBrowsersWait(t *testing.T) {
	backend, err := memory.New(memory.Config{})
	require.NoError(t, err)
	waiting := &subscriptions{Notifier: backend}
	w := newWalletAPI(t, func(o *options) {
		o.backend, o.linker.Notifier, o.wallet.Wait = backend, waiting, time.Minute
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	server := &http.Server{Handler: w.api}
	go server.Serve(listener)

	requests := make([][]byte, waiters)
	for i := range requests {
		transaction := w.begin()
		requests[i] = requestOf(t, members{"transactionId": transaction, "linkCode": w.linkCode(transaction)})
	}
	before, goroutines := inUse(), runtime.NumGoroutine()

	browsers := exec.CommandContext(t.Context(), os.Args[0])
	browsers.Env = append(os.Environ(), browsersAt+"="+listener.Addr().String())
	browsers.Stderr = os.Stderr
	input, err := browsers.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, browsers.Start())
	for _, request := range requests {
		require.NoError(t, json.NewEncoder(input).Encode(request))
	}
	require.Eventually(t, func() bool { return waiting.Load() == waiters }, time.Minute, 20*time.Millisecond)
	// They look by themselves now and then, which leaves something to collect.
	var during usage
	assert.Eventually(t, func() bool {
		during = inUse()
		require.GreaterOrEqual(t, runtime.NumGoroutine(), goroutines+2*waiters, "all still wait")
		return max(during.heap+during.stacks, during.resident) < budget
	}, time.Minute, 100*time.Millisecond, "all that the instance has")
	t.Logf("%d browsers wait: %d MiB of heap and %d MiB of stacks more than before, %d MiB resident in all, %d goroutines",
		waiters, (during.heap-before.heap)>>20, (during.stacks-before.stacks)>>20, during.resident>>20, runtime.NumGoroutine()-goroutines)

	require.NoError(t, input.Close())
	require.Eventually(t, func() bool { return runtime.NumGoroutine() <= goroutines+10 }, time.Minute, 20*time.Millisecond,
		"whoever leaves takes everything along")
	require.NoError(t, browsers.Wait())
	require.NoError(t, server.Close())
}

func requestOf(t testing.TB, request any) []byte {
	r, err := http.NewRequest(http.MethodPost, "http://id.example.org"+esignet.DefaultPrefix+linkedPath+"link-status",
		bytes.NewReader(envelopeOf(t, request)))
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/json")
	withCSRFToken(r)
	var b bytes.Buffer
	require.NoError(t, r.Write(&b))
	return b.Bytes()
}

// usage is memory in bytes.
type usage struct{ heap, stacks, resident uint64 }

// inUse frees what nobody needs, and returns what the process then has. Each collection halves stacks that have become
// too large.
func inUse() usage {
	for range 4 {
		debug.FreeOSMemory()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return usage{m.HeapInuse, m.StackInuse, resident()}
}

// resident is what the process has in memory, where Linux says so.
func resident() uint64 {
	var size, pages uint64
	data, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	fmt.Sscan(string(data), &size, &pages)
	return pages * uint64(os.Getpagesize())
}

// subscriptions counts those that there were.
type subscriptions struct {
	store.Notifier
	atomic.Int64
}

func (s *subscriptions) Subscribe(ctx context.Context, topic string) (<-chan struct{}, error) {
	defer s.Add(1)
	return s.Notifier.Subscribe(ctx, topic)
}
