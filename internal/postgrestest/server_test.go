package postgrestest_test

import (
	"bufio"
	"context"
	"net"
	"net/url"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/internal/postgrestest"
)

func connect(t *testing.T, dsn string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func TestSharedServerGivesEachTestADatabaseOfItsOwn(t *testing.T) {
	t.Parallel()
	one, two := postgrestest.Shared(t).NewDatabase(t), postgrestest.Shared(t).NewDatabase(t)
	require.NotEqual(t, one, two)
	_, err := connect(t, one).Exec(t.Context(), "CREATE TABLE mine (n int)")
	require.NoError(t, err)
	_, err = connect(t, two).Exec(t.Context(), "SELECT * FROM mine")
	assert.ErrorContains(t, err, "does not exist")
}

func TestServerKeepsItsAddressAndItsDataOverRestarts(t *testing.T) {
	t.Parallel()
	s := postgrestest.Start(t, postgrestest.Config{Durable: true, Settings: map[string]string{"application_name": "it's"}})
	dsn := s.NewDatabase(t)
	_, err := connect(t, dsn).Exec(t.Context(), "CREATE TABLE kept AS SELECT 1 AS n")
	require.NoError(t, err)
	for name, stop := range map[string]func(testing.TB){"stopped": s.Stop, "killed": s.Kill} {
		stop(t)
		_, err := pgx.Connect(t.Context(), dsn)
		require.Error(t, err, name)
		s.Restart(t)
		var n int
		require.NoError(t, connect(t, dsn).QueryRow(t.Context(), "SELECT n FROM kept").Scan(&n), name)
		assert.Equal(t, 1, n, name)
	}
	var fsync, name string
	err = connect(t, dsn).QueryRow(t.Context(), "SELECT current_setting('fsync'), current_setting('application_name')").Scan(&fsync, &name)
	require.NoError(t, err)
	assert.Equal(t, "on", fsync)
	assert.Equal(t, "it's", name)
}

// childEnvironment makes the test binary a process that starts a server, says where, and waits to be killed.
const childEnvironment = "SIGNET_TEST_POSTGRES_CHILD"

func TestServerEndsWhenTheTestProcessIsKilled(t *testing.T) {
	t.Parallel()
	if os.Getenv(childEnvironment) != "" {
		s := postgrestest.Start(t, postgrestest.Config{})
		_, err := os.Stdout.WriteString(s.DSN("postgres") + "\n")
		require.NoError(t, err)
		select {}
	}
	child := exec.Command(os.Args[0], "-test.run", "^"+t.Name()+"$")
	child.Env = append(os.Environ(), childEnvironment+"=1")
	out, err := child.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, child.Start())
	t.Cleanup(func() { _ = child.Process.Kill() })
	lines := bufio.NewScanner(out)
	require.True(t, lines.Scan())
	dsn := lines.Text()
	var data string
	require.NoError(t, connect(t, dsn).QueryRow(t.Context(), "SHOW data_directory").Scan(&data))

	require.NoError(t, child.Process.Kill())
	_ = child.Wait()
	u, err := url.Parse(dsn)
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		conn, err := net.Dial("tcp", u.Host)
		if err == nil {
			_ = conn.Close()
			return false
		}
		_, err = os.Stat(data)
		return os.IsNotExist(err)
	}, time.Minute, 20*time.Millisecond, "the server goes, and its data")
}
