// Package softhsmtest gives tests tokens of SoftHSM2 that are gone afterwards. SoftHSM2 is not replaced where it is missing, and tests
// are not skipped: "make softhsm" installs it.
package softhsmtest

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
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

	name string // of the directory that SoftHSM2 keeps it in
	home place  // where it is made, and where it is while it is away
}

// place is where SoftHSM2 keeps tokens, and its configuration for that.
type place string

func (p place) config() string { return filepath.Join(string(p), "softhsm2.conf") }
func (p place) tokens() string { return filepath.Join(string(p), "tokens") }

func (p place) prepare() error {
	text := "directories.tokendir = " + p.tokens() + "\nobjectstore.backend = file\nlog.level = ERROR\n"
	return cmp.Or(os.MkdirAll(p.tokens(), 0o700), os.WriteFile(p.config(), []byte(text), 0o600))
}

var (
	// shared has the tokens of this process: the library reads SOFTHSM2_CONF once, for all tests.
	shared place
	count  atomic.Int64
)

// Run runs the tests with a place for tokens, and returns the exit code. A package that uses tokens calls it from TestMain.
func Run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "softhsmtest")
	if err == nil {
		defer os.RemoveAll(dir)
		shared = place(dir)
		err = cmp.Or(shared.prepare(), os.Setenv("SOFTHSM2_CONF", shared.config()))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "softhsmtest:", err)
		return 1
	}
	return m.Run()
}

// New makes an empty token. Without SoftHSM2 the test fails.
func New(t testing.TB) *Token {
	t.Helper()
	if shared == "" {
		t.Fatal("softhsmtest: TestMain does not call softhsmtest.Run")
	}
	module, err := library()
	if err != nil {
		t.Fatal(err)
	}
	label := fmt.Sprintf("test-%d", count.Add(1))
	k := &Token{Module: module, Label: label, home: place(filepath.Join(string(shared), label))}
	if err := k.home.prepare(); err != nil {
		t.Fatal("softhsmtest:", err)
	}
	k.util(t, "--init-token", "--free", "--label", label, "--pin", PIN, "--so-pin", "so-"+PIN)
	made, err := os.ReadDir(k.home.tokens())
	if err != nil || len(made) != 1 {
		t.Fatalf("softhsmtest: softhsm2-util made %d tokens: %v", len(made), err)
	}
	// The directory is named by a UUID, and the serial number is the last 16 of its digits.
	k.name = made[0].Name()
	digits := strings.ReplaceAll(k.name, "-", "")
	k.Serial = digits[max(0, len(digits)-16):]
	k.Return(t)
	return k
}

// Import puts a private key into the token, from a file in PKCS #8, as somebody else would. It is for before the token is used.
func (k *Token) Import(t testing.TB, file, label, id string) {
	t.Helper()
	k.Remove(t)
	k.util(t, "--import", file, "--token", k.Label, "--label", label, "--id", id, "--pin", PIN)
	k.Return(t)
}

// Remove takes the token away, as one pulls out a card; its keys are kept.
func (k *Token) Remove(t testing.TB) {
	t.Helper()
	k.move(t, shared, k.home)
}

// Return brings back a token that Remove took away.
func (k *Token) Return(t testing.TB) {
	t.Helper()
	k.move(t, k.home, shared)
}

func (k *Token) move(t testing.TB, from, to place) {
	t.Helper()
	if err := os.Rename(filepath.Join(from.tokens(), k.name), filepath.Join(to.tokens(), k.name)); err != nil {
		t.Fatal("softhsmtest:", err)
	}
}

// util runs softhsm2-util where the token is alone, because it fails when it meets another that is just being used.
func (k *Token) util(t testing.TB, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "softhsm2-util", args...)
	cmd.Env = append(os.Environ(), "SOFTHSM2_CONF="+k.home.config())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("softhsmtest: softhsm2-util: %v\n%s", err, out)
	}
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
