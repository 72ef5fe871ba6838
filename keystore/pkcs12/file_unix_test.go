//go:build unix && !aix && !solaris

package pkcs12_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/keystore/pkcs12"
)

// The tests about what other processes do, and about processes that die, start this program again as a child.
const childVariable = "SIGNET_PKCS12_TEST_CHILD"

func TestMain(m *testing.M) {
	if path := os.Getenv(childVariable); path != "" {
		os.Exit(child(path, os.Args[1], os.Args[2]))
	}
	os.Exit(m.Run())
}

// child makes keys in the vault, and prints the ID of each when it has been saved.
func child(path, count, room string) int {
	vault, err := pkcs12.Open(context.Background(), config(pkcs12.File(path)))
	if err != nil {
		fmt.Println(err)
		return 1
	}
	if room == "full" { // from the hundredth byte on, as on a disk
		limit := syscall.Rlimit{Cur: 100, Max: 100}
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
			fmt.Println(err)
			return 1
		}
	}
	for n, _ := strconv.Atoi(count); n > 0; n-- {
		key, err := vault.Generate(context.Background(), "of a child", "ES256")
		if err != nil {
			fmt.Println(err)
			return 1
		}
		fmt.Println(key.ID)
	}
	return 0
}

func command(t *testing.T, path string, count int, room string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], strconv.Itoa(count), room)
	cmd.Env = append(os.Environ(), childVariable+"="+path)
	return cmd
}

func TestWhatAProcessLeftThatDiedWhileItWroteIsRemoved(t *testing.T) {
	t.Parallel()
	path := newFile(t)
	vault := open(t, pkcs12.File(path))
	generate(t, vault, "key", "ES256")
	require.NoError(t, os.WriteFile(path+".tmp", read(t, path)[:100], 0o600))
	require.Len(t, keys(t, open(t, pkcs12.File(path))), 1)
	generate(t, vault, "next", "ES256")
	require.NoFileExists(t, path+".tmp")
	require.Len(t, keys(t, open(t, pkcs12.File(path))), 2)
}

func TestADiskThatIsFullIsAnErrorAndLeavesTheFileAsItWas(t *testing.T) {
	t.Parallel()
	path := newFile(t)
	generate(t, open(t, pkcs12.File(path)), "key", "ES256")
	before := read(t, path)
	out, err := command(t, path, 1, "full").Output()
	require.Error(t, err)
	require.Contains(t, string(out), syscall.EFBIG.Error())
	require.Equal(t, before, read(t, path))
	require.NoFileExists(t, path+".tmp")
}

func TestProcessesThatAreKilledLoseNoKeyThatTheySaved(t *testing.T) {
	t.Parallel()
	path := newFile(t)
	open(t, pkcs12.File(path))
	saved := map[string]bool{}
	for round := range 8 {
		cmd := command(t, path, 1000, "")
		out, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		lines := bufio.NewScanner(out)
		for range round + 1 {
			require.True(t, lines.Scan())
			saved[lines.Text()] = true
		}
		require.NoError(t, cmd.Process.Kill())
		for lines.Scan() { // what it printed meanwhile was saved, too
			saved[lines.Text()] = true
		}
		require.Error(t, cmd.Wait())
		found := map[string]bool{}
		for _, key := range keys(t, open(t, pkcs12.File(path))) {
			found[key.ID] = true
		}
		for id := range saved {
			require.Contains(t, found, id)
		}
	}
}

func TestProcessesThatWriteAtOnceLoseNoKey(t *testing.T) {
	t.Parallel()
	path := newFile(t)
	vault := open(t, pkcs12.File(path))
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			out, err := command(t, path, 8, "").CombinedOutput()
			assert.NoError(t, err, string(out))
		})
	}
	for range 8 {
		generate(t, vault, "own", "EdDSA")
	}
	wg.Wait()
	require.Len(t, keys(t, vault), 3*8+8)
}

func TestAFileIsClosedToOthers(t *testing.T) {
	t.Parallel()
	path := newFile(t)
	vault := open(t, pkcs12.File(path))
	generate(t, vault, "key", "ES256")
	for _, name := range []string{path, path + ".lock"} {
		info, err := os.Stat(name)
		require.NoError(t, err)
		assert.Equal(t, os.FileMode(0o600), info.Mode(), name)
	}
	before := read(t, path)
	for _, mode := range []os.FileMode{0o640, 0o604, 0o620, 0o601, 0o777} {
		require.NoError(t, os.Chmod(path, mode))
		_, err := pkcs12.Open(t.Context(), config(pkcs12.File(path)))
		require.ErrorContains(t, err, "chmod 600")
		_, err = vault.Generate(t.Context(), "key", "ES256")
		require.ErrorContains(t, err, "chmod 600")
		require.Equal(t, before, read(t, path))
	}
	require.NoError(t, os.Chmod(path, 0o600))
	require.Len(t, keys(t, vault), 1)
}

func TestAFileOfAnotherUserIsRefused(t *testing.T) {
	t.Parallel()
	path := "/etc/passwd" // belongs to root
	if os.Geteuid() == 0 {
		path = newFile(t)
		open(t, pkcs12.File(path))
		require.NoError(t, os.Chown(path, 65534, -1))
	}
	_, err := pkcs12.Open(t.Context(), config(pkcs12.File(path)))
	require.ErrorContains(t, err, "run it as the owner")
}

func TestWhatIsNoFileIsRefused(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	_, err := pkcs12.Open(t.Context(), config(pkcs12.File(directory)))
	require.ErrorContains(t, err, "not a regular file")
	_, err = pkcs12.Open(t.Context(), config(pkcs12.File(filepath.Join(directory, "absent", "keys.p12"))))
	require.ErrorContains(t, err, "create the file")
}

func TestASymbolicLinkStaysOne(t *testing.T) {
	t.Parallel()
	path := newFile(t)
	open(t, pkcs12.File(path))
	link := newFile(t)
	require.NoError(t, os.Symlink(path, link))
	key := generate(t, open(t, pkcs12.File(link)), "key", "ES256")
	info, err := os.Lstat(link)
	require.NoError(t, err)
	require.Equal(t, os.ModeSymlink, info.Mode().Type())
	require.Equal(t, key.ID, keys(t, open(t, pkcs12.File(path)))[0].ID)
}

func TestWaitingForALockEndsWithTheContext(t *testing.T) {
	t.Parallel()
	path := newFile(t)
	vault := open(t, pkcs12.File(path))
	holder, err := os.Open(path + ".lock")
	require.NoError(t, err)
	defer holder.Close()
	require.NoError(t, syscall.Flock(int(holder.Fd()), syscall.LOCK_EX))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		_, err := vault.Generate(ctx, "key", "ES256")
		done <- err
	}()
	require.Empty(t, keys(t, vault), "who reads does not wait")
	cancel()
	require.ErrorIs(t, <-done, context.Canceled)

	require.NoError(t, syscall.Flock(int(holder.Fd()), syscall.LOCK_UN))
	generate(t, vault, "key", "ES256")
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	return data
}
