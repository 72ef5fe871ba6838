// Package softhsmtest gives tests tokens of SoftHSM2 that are gone afterwards. SoftHSM2 is not replaced where it is missing, and tests
// are not skipped: "make softhsm" installs it.
package softhsmtest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// PIN is the PIN of every token.
const PIN = "signet-test-pin"

// Token is a token of SoftHSM2.
type Token struct {
	// Module is the path of the library.
	Module string
	// Label and Serial name the token; no other has them.
	Label, Serial string

	dir string // what SoftHSM2 keeps of it
}

var (
	// root has the configuration and the tokens of this process: the library reads SOFTHSM2_CONF once, for all tests.
	root string
	// tool lets softhsm2-util run alone: it fails over tokens that come and go meanwhile.
	tool  sync.Mutex
	count atomic.Int64
)

// Run runs the tests with a place for tokens, and returns the exit code. A package that uses tokens calls it from TestMain.
func Run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "softhsmtest")
	if err == nil {
		defer os.RemoveAll(dir)
		err = prepare(dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "softhsmtest:", err)
		return 1
	}
	return m.Run()
}

func prepare(dir string) error {
	root = dir
	config := filepath.Join(dir, "softhsm2.conf")
	text := "directories.tokendir = " + tokens() + "\nobjectstore.backend = file\nlog.level = ERROR\nslots.removable = true\n"
	return errors.Join(
		os.Mkdir(tokens(), 0o700),
		os.WriteFile(config, []byte(text), 0o600),
		os.Setenv("SOFTHSM2_CONF", config),
	)
}

func tokens() string { return filepath.Join(root, "tokens") }

// New makes an empty token. Without SoftHSM2 the test fails.
func New(t testing.TB) *Token {
	t.Helper()
	if root == "" {
		t.Fatal("softhsmtest: TestMain does not call softhsmtest.Run")
	}
	module, err := library()
	if err != nil {
		t.Fatal(err)
	}
	tool.Lock()
	defer tool.Unlock()
	before, err := os.ReadDir(tokens())
	if err != nil {
		t.Fatal("softhsmtest:", err)
	}
	label := fmt.Sprintf("test-%d", count.Add(1))
	util(t, "--init-token", "--free", "--label", label, "--pin", PIN, "--so-pin", "so-"+PIN)
	after, err := os.ReadDir(tokens())
	if err != nil {
		t.Fatal("softhsmtest:", err)
	}
	for _, entry := range after {
		if slices.ContainsFunc(before, func(old os.DirEntry) bool { return old.Name() == entry.Name() }) {
			continue
		}
		// The directory is named by a UUID, and the serial number is the last 16 of its digits.
		digits := strings.ReplaceAll(entry.Name(), "-", "")
		if len(digits) == 32 {
			return &Token{Module: module, Label: label, Serial: digits[16:], dir: filepath.Join(tokens(), entry.Name())}
		}
	}
	t.Fatalf("softhsmtest: softhsm2-util made no token in %s", tokens())
	return nil
}

// Remove takes the token away, as one pulls out a card; its keys are kept.
func (k *Token) Remove(t testing.TB) {
	t.Helper()
	tool.Lock()
	defer tool.Unlock()
	if err := os.Rename(k.dir, k.away()); err != nil {
		t.Fatal("softhsmtest:", err)
	}
}

// Return brings back a token that Remove took away.
func (k *Token) Return(t testing.TB) {
	t.Helper()
	tool.Lock()
	defer tool.Unlock()
	if err := os.Rename(k.away(), k.dir); err != nil {
		t.Fatal("softhsmtest:", err)
	}
}

func (k *Token) away() string { return filepath.Join(root, "away-"+k.Label) }

// Util runs softhsm2-util on the tokens of this process, and returns what it says.
func Util(t testing.TB, args ...string) string {
	t.Helper()
	tool.Lock()
	defer tool.Unlock()
	return util(t, args...)
}

func util(t testing.TB, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "softhsm2-util", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("softhsmtest: softhsm2-util: %v\n%s", err, out)
	}
	return string(out)
}

// library returns the path of the library of SoftHSM2, when its tool is installed as well.
func library() (string, error) {
	if _, err := exec.LookPath("softhsm2-util"); err == nil {
		for _, pattern := range []string{"/usr/lib*/softhsm", "/usr/lib*/*/softhsm", "/usr/lib*/pkcs11", "/usr/local/lib/softhsm", "/opt/homebrew/lib/softhsm"} {
			found, err := filepath.Glob(pattern + "/libsofthsm2.so")
			if err == nil && len(found) > 0 {
				return found[0], nil
			}
		}
	}
	return "", errors.New(`softhsmtest: SoftHSM2 is not installed, which the tests need: run "make softhsm"`)
}
