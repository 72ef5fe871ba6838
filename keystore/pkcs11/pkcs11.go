// Package pkcs11 keeps private keys in a token: an HSM, or SoftHSM2, reached through the PKCS#11 library of its maker.
//
// [Open] returns a [keystore.Vault] over one token. Keys are found or made in the token, are sensitive and not
// extractable, and are used there; certificates are kept beside them. docs/hsm.md tells how to set a token up.
//
// All operations share a bounded number of sessions. A request waits for one, and for the token, no longer than its context
// lets it; an operation that the token has begun goes on alone and keeps its session until it ends. When the token goes
// away, operations fail, and the first one after it came back opens new sessions and logs in again. A PIN that
// the token refused is never sent to it again by this process, so that nothing here locks a token.
//
// PKCS#11 libraries are C. In a build without cgo everything here compiles, and Open returns [ErrNotCompiledIn].
package pkcs11

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gosignet/signet/keystore"
)

var (
	// ErrNotCompiledIn is what Open returns in a build without cgo.
	ErrNotCompiledIn = errors.New("PKCS#11 is not compiled in: build with CGO_ENABLED=1")
	// ErrPIN says that the token refused the PIN, now or before, or would be locked by one more wrong PIN. Whoever sees it has to
	// look at the PIN: trying again does nothing.
	ErrPIN = errors.New("pkcs11: the PIN is refused")
	// ErrClosed says that the vault was closed.
	ErrClosed = errors.New("pkcs11: the vault is closed")
)

// Vault is a token.
type Vault interface {
	keystore.Vault
	keystore.Importer
	// Close waits for the operations that the token has begun, and closes the sessions. Operations after it fail with
	// ErrClosed. It logs out when no other Vault of the process uses the token.
	io.Closer
}

const (
	defaultMaxSessions = 8
	largestMaxSessions = 1024
	defaultRSABits     = 2048
)

// Config says which token to use, and how.
type Config struct {
	// Module is the path of the PKCS#11 library. Empty is SoftHSM2, looked for where distributions put it.
	Module string
	// TokenLabel and TokenSerial choose the token. One is needed; when both are given, both must match. A label that several tokens
	// have is an error of Open, so give the serial then.
	TokenLabel, TokenSerial string
	// PIN returns the PIN of the user. It is needed, and called whenever a login is: with [PINFile], a PIN that was changed in the
	// file is used without a restart. What it returns is overwritten with zeros.
	PIN func() ([]byte, error)
	// MaxSessions is how many sessions are open at most, and so how many operations run at once. Zero means 8. A token that allows
	// fewer gets fewer.
	MaxSessions int
	// RSABits is the size of RSA keys that Generate makes: 2048, 3072 or 4096. Zero means 2048.
	RSABits int
	// Logger is told when the token goes away and comes back. Nil discards that.
	Logger *slog.Logger
	// Now is the clock; nil means time.Now. It spaces out the attempts to reach a token that is away, nothing else.
	Now func() time.Time
}

// softHSM is where distributions put the library of SoftHSM2.
var softHSM = []string{
	"/usr/lib/softhsm/libsofthsm2.so",
	"/usr/lib64/softhsm/libsofthsm2.so",
	"/usr/lib64/pkcs11/libsofthsm2.so",
	"/usr/lib/pkcs11/libsofthsm2.so",
	"/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
	"/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
	"/usr/local/lib/softhsm/libsofthsm2.so",
	"/opt/homebrew/lib/softhsm/libsofthsm2.so",
}

// complete returns the configuration with its defaults filled in, or everything that is wrong with it.
func (c Config) complete() (Config, error) {
	var problems []error
	wrong := func(format string, args ...any) { problems = append(problems, fmt.Errorf("pkcs11: "+format, args...)) }
	var err error
	if c.Module, err = findModule(c.Module); err != nil {
		problems = append(problems, err)
	}
	if c.TokenLabel == "" && c.TokenSerial == "" {
		wrong("neither TokenLabel nor TokenSerial says which token to use")
	}
	if len(c.TokenLabel) > 32 {
		wrong("TokenLabel is longer than the 32 bytes that a label has at most")
	}
	if len(c.TokenSerial) > 16 {
		wrong("TokenSerial is longer than the 16 bytes that a serial number has at most")
	}
	if c.PIN == nil {
		wrong("PIN is nil")
	}
	if c.MaxSessions == 0 {
		c.MaxSessions = defaultMaxSessions
	}
	if c.MaxSessions < 1 || c.MaxSessions > largestMaxSessions {
		wrong("MaxSessions is %d, not 1 to %d", c.MaxSessions, largestMaxSessions)
	}
	switch c.RSABits {
	case 0:
		c.RSABits = defaultRSABits
	case 2048, 3072, 4096:
	default:
		wrong("RSABits is %d, not 2048, 3072 or 4096", c.RSABits)
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c, errors.Join(problems...)
}

// findModule returns the one path of a library that has many names, because it must not be loaded twice.
func findModule(path string) (string, error) {
	if path == "" {
		for _, known := range softHSM {
			if found, err := filepath.EvalSymlinks(known); err == nil {
				return found, nil
			}
		}
		return "", fmt.Errorf("pkcs11: Module is empty, and SoftHSM2 is not installed at any of %s", strings.Join(softHSM, ", "))
	}
	found, err := filepath.Abs(path)
	if err == nil {
		found, err = filepath.EvalSymlinks(found)
	}
	if err != nil {
		return "", fmt.Errorf("pkcs11: Module: %w", err)
	}
	if info, err := os.Stat(found); err != nil {
		return "", fmt.Errorf("pkcs11: Module: %w", err)
	} else if !info.Mode().IsRegular() {
		return "", fmt.Errorf("pkcs11: Module %s is no file", path)
	}
	return found, nil
}
