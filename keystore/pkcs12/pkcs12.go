// Package pkcs12 keeps private keys, with their certificates, in one file that a password protects: PKCS#12 (RFC 7292),
// which OpenSSL and Java's keytool read too.
//
// A [Vault] is a [keystore.Vault] and a [keystore.Importer]. Its file lies on a disk ([File]) or in the database
// ([Ledger]), so that instances without a shared disk and without an HSM share their keys. Any number of instances and
// commands may change it at once: each change is made to what is there at that moment, or made again.
//
// # What is written
//
// Each private key is a PKCS8ShroudedKeyBag, and the certificates are in encrypted content: PBES2 with
// PBKDF2-HMAC-SHA256 and AES-256-CBC (RFC 8018), all under one key, so that opening a file costs the same for one
// private key as for fifty. HMAC-SHA256 protects the whole. Bags have the label as friendlyName and the SHA-256 of the
// public key (its SubjectPublicKeyInfo) as localKeyID, which in hexadecimal is the ID of a [keystore.VaultKey]. Later
// versions read what this one writes.
//
// Java lists one entry per friendlyName, whatever its case: of keys with the same label it shows one.
//
// # What is read
//
// Files of OpenSSL 3 and of keytool since Java 16, PBMAC1 (RFC 9579) included. A key that comes without the mark of its
// use (see [Vault.Open]) serves any that fits. Everything else that is found in a file, such as certificates that
// belong to no key, is kept; what cannot be kept is refused. Refused are files with the old algorithms (3DES, RC2,
// SHA-1), without a MAC, or with a private key in clear. "keytool -importkeystore -srckeystore old.p12 -destkeystore
// new.p12 -deststoretype pkcs12" converts such a file; for one with a single key, so does "openssl pkcs12 -legacy -in
// old.p12 -noenc | openssl pkcs12 -export -out new.p12".
//
// # What the password protects
//
// Whoever has the file can try passwords, as fast as Config.Iterations lets them: use a random one of 128 bits or more,
// such as "openssl rand -base64 24" makes. The keys that are in use are in the memory of the process in clear, and Go
// has no way to wipe them. The password does not protect from an older version of the file that is put back.
package pkcs12

import (
	"bytes"
	"cmp"
	"context"
	"crypto/fips140"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/store"
)

// The bounds and defaults of a Config.
const (
	minIterations = 10_000
	// maxIterations is half of the highest count that Java accepts, for the MAC takes twice as many.
	maxIterations     = 2_500_000
	defaultIterations = 600_000
	maxPassword       = 1024

	defaultRSABits = 3072
)

// Config says where the file is and how it is protected.
type Config struct {
	// Storage keeps the file: [File], [Ledger], or another. Required.
	Storage Storage
	// Password returns the password, in UTF-8. It is called once, by Open, and is a function so that a Config that is
	// printed does not show the password. Required.
	Password func() ([]byte, error)
	// Create makes a file without keys where there is none. Without it, that is an error: a wrong path must not look
	// like a provider that lost its keys. It never replaces a file that is there, whatever is wrong with that.
	Create bool
	// Iterations is how often the key derivation of what is written hashes the password. Zero means 600,000, which OWASP
	// recommends for passwords that people choose; it costs about half a second, once per process. A random password
	// needs no more than the least that is allowed, 10,000, which is what Java writes. The most is 2,500,000.
	Iterations int
	// RSABits is the size of RSA keys that Generate makes: 2048, 3072 or 4096. Zero means 3072.
	RSABits int
	// PBMAC1 writes the MAC as RFC 9579 has it: its key comes from PBKDF2, which FIPS 140 approves, and not from the key
	// derivation of PKCS#12, which it does not know. OpenSSL before 3.4 and Java before 26 do not read such a file. In
	// FIPS 140-3 mode (GODEBUG=fips140=on) it is always so, and files with another MAC are refused.
	PBMAC1 bool
	// Now is the clock by which certificates that are stored must be valid. Nil means time.Now.
	Now func() time.Time
}

// Vault is the keys of one PKCS#12 file. It is made by [Open], is safe for concurrent use, and never prints a key.
//
// Every method looks at the file again, so that it knows what other processes did. Errors never hold parts of keys.
type Vault struct {
	storage Storage
	rsaBits int
	now     func() time.Time
	// writing has room for one: changes of one process do not have to race each other.
	writing chan struct{}

	mu    sync.Mutex // guards what follows
	codec *codec     // behind a pointer, which printers that reach here do not follow
	// held is what the file named blob contains. It is replaced, never changed.
	held *contents
	blob []byte
}

var (
	_ keystore.Vault    = (*Vault)(nil)
	_ keystore.Importer = (*Vault)(nil)
)

// ErrPassword says that a file does not belong to the password, or was damaged: a MAC cannot tell these apart.
var ErrPassword = errors.New("pkcs12: wrong password, or the file is damaged")

// Open opens the file, and reads all of it, so that whatever is wrong with it is known at once: a wrong password, a
// file that is truncated or no PKCS#12, algorithms and kinds of keys that are unknown, a certificate that is not for
// its key, a key that is there twice. Nothing is written then. A certificate that has expired does not keep the vault
// from opening, or nobody could replace it; whoever uses the key looks with [keystore.CheckCertificateTime].
func Open(ctx context.Context, c Config) (*Vault, error) {
	v, err := newVault(c)
	if err != nil {
		return nil, err
	}
	_, version, err := v.load(ctx)
	if err == nil && version == 0 {
		err = v.create(ctx, c.Create)
	}
	if err != nil {
		return nil, err
	}
	return v, nil
}

func (v *Vault) create(ctx context.Context, allowed bool) error {
	if !allowed {
		return errors.New("pkcs12: there is no file, and Create is not set")
	}
	blob, _, err := v.encode(&contents{})
	if err != nil {
		return err
	}
	// A conflict means that another instance created the file just now.
	if err := v.storage.Save(ctx, blob, 0); err != nil && !errors.Is(err, store.ErrConflict) {
		return fmt.Errorf("pkcs12: create the file: %w", err)
	}
	_, version, err := v.load(ctx)
	if err == nil && version == 0 {
		err = errors.New("pkcs12: the storage does not return what was saved")
	}
	return err
}

func newVault(c Config) (*Vault, error) {
	var errs []error
	refuse := func(format string, args ...any) { errs = append(errs, fmt.Errorf("pkcs12: "+format, args...)) }
	iterations, rsaBits := cmp.Or(c.Iterations, defaultIterations), cmp.Or(c.RSABits, defaultRSABits)
	if c.Storage == nil {
		refuse("Storage is missing")
	}
	if iterations < minIterations || iterations > maxIterations {
		refuse("Iterations is %d to %d, not %d", minIterations, maxIterations, iterations)
	}
	if rsaBits != 2048 && rsaBits != 3072 && rsaBits != 4096 {
		refuse("RSABits is 2048, 3072 or 4096, not %d", rsaBits)
	}
	var password []byte
	if c.Password == nil {
		refuse("Password is missing")
	} else if given, err := c.Password(); err != nil {
		refuse("password: %w", err)
	} else if err := checkPassword(given); err != nil {
		errs = append(errs, err)
	} else {
		password = bytes.Clone(given)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	now := c.Now
	if now == nil {
		now = time.Now
	}
	return &Vault{
		storage: c.Storage,
		now:     now,
		rsaBits: rsaBits,
		writing: make(chan struct{}, 1),
		codec:   &codec{kdf: kdf{password: password}, iterations: iterations, pbmac1: c.PBMAC1 || fips140.Enabled()},
	}, nil
}

func checkPassword(password []byte) error {
	switch {
	case len(password) == 0:
		return errors.New("pkcs12: the password is empty")
	case len(password) > maxPassword:
		return fmt.Errorf("pkcs12: the password is longer than %d bytes", maxPassword)
	case !utf8.Valid(password):
		return errors.New("pkcs12: the password is not UTF-8")
	case bytes.ContainsFunc(password, unicode.IsControl):
		return errors.New("pkcs12: the password contains a line break or another control character")
	}
	return nil
}

// Format prints no key and no password, whatever the verb.
func (v *Vault) Format(f fmt.State, _ rune) { fmt.Fprint(f, "PKCS#12 vault") }

// LogValue logs no key and no password.
func (v *Vault) LogValue() slog.Value { return slog.StringValue("PKCS#12 vault") }
