package redistest_test

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/internal/redistest"
)

func TestServerForgetsWhenItIsRestarted(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	require.NoError(t, s.Client().Set(t.Context(), "key", "value", 0).Err())
	s.Restart()
	require.ErrorIs(t, s.Client().Get(t.Context(), "key").Err(), redis.Nil)
	s.Stop()
	require.Error(t, s.Client().Ping(t.Context()).Err())
}

func TestDurableServerRemembersWhenItWasKilled(t *testing.T) {
	t.Parallel()
	s := redistest.StartWith(t, redistest.Options{Durable: true})
	require.NoError(t, s.Client().Set(t.Context(), "key", "value", 0).Err())
	s.Kill()
	s.Restart()
	require.Equal(t, "value", s.Client().Get(t.Context(), "key").Val())
	s.Flush()
	require.ErrorIs(t, s.Client().Get(t.Context(), "key").Err(), redis.Nil)
}

func TestSharedServerIsOne(t *testing.T) {
	t.Parallel()
	require.Equal(t, redistest.Shared(t).URL(), redistest.Shared(t).URL())
	require.NoError(t, redistest.Shared(t).Client().Ping(t.Context()).Err())
}

func TestClusterServesEverySlot(t *testing.T) {
	t.Parallel()
	o, err := redis.ParseClusterURL(redistest.StartCluster(t).URL())
	require.NoError(t, err)
	client := redis.NewClusterClient(o)
	defer client.Close()
	for i := range 100 {
		require.NoError(t, client.Set(t.Context(), fmt.Sprint("key", i), i, 0).Err())
	}
}

// parent makes a copy of the test binary start a server and wait.
const parent = "SIGNET_REDISTEST_PARENT"

func TestKilledTestLeavesNoServer(t *testing.T) {
	t.Parallel()
	if os.Getenv(parent) != "" {
		fmt.Println("\nserver", redistest.Start(t).URL())
		select {}
	}
	cmd := exec.Command(os.Args[0], "-test.run", "^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), parent+"=1", "TMPDIR="+t.TempDir()) // which nobody else would empty
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	addr := ""
	for lines := bufio.NewScanner(stdout); addr == "" && lines.Scan(); {
		addr, _ = strings.CutPrefix(lines.Text(), "server redis://")
		if addr == lines.Text() {
			addr = ""
		}
	}
	require.NotEmpty(t, addr)
	require.NoError(t, cmd.Process.Kill())
	require.Error(t, cmd.Wait())
	require.Eventually(t, func() bool {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			conn.Close()
		}
		return err != nil
	}, time.Minute, 10*time.Millisecond)
}
