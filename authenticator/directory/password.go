package directory

import (
	"context"
	"crypto/fips140"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/crypto/argon2"

	"github.com/gosignet/signet/authenticator"
)

const (
	maxPasswordBytes = 1024
	maxHashString    = 256
	saltBytes        = 16
	digestBytes      = 32
)

// Argon2id is the cost of hashing a password ([RFC 9106]). A field that is zero has the value that OWASP recommends.
//
// [RFC 9106]: https://www.rfc-editor.org/rfc/rfc9106
type Argon2id struct {
	// Memory is in KiB, from 1024 to 131072 (128 MiB). Zero means 19456.
	Memory uint32
	// Time is the number of passes, at most 8. Zero means 2.
	Time uint32
	// Threads is the number of lanes, at most 8. Zero means 1.
	Threads uint8
}

// HashPassword hashes a password of 1 to 1024 bytes at the recommended cost, and returns it in the form
// "$argon2id$v=19$m=19456,t=2,p=1$salt$hash", or in FIPS 140-3 mode as [PBKDF2] does. The bytes of the password are
// hashed as they are.
func HashPassword(password string) (string, error) {
	if fips140.Enabled() {
		return PBKDF2{}.Hash(password)
	}
	return Argon2id{}.Hash(password)
}

// Hash is HashPassword with Argon2id at a cost of one's own. In FIPS 140-3 mode, which does not approve of Argon2id, it
// is an error.
func (a Argon2id) Hash(password string) (string, error) {
	return hashPassword(a.withDefaults(), password)
}

// hashPassword hashes a password at the cost.
func hashPassword(c cost, password string) (string, error) {
	if err := c.validate(); err != nil {
		return "", err
	}
	if !validPasswordLength(password) {
		return "", fmt.Errorf("directory: a password has 1 to %d bytes", maxPasswordBytes)
	}
	h := &passwordHash{cost: c, salt: randomBytes(saltBytes)}
	if h.digest = c.compute(password, h.salt, digestBytes); h.digest == nil {
		return "", fmt.Errorf("directory: %T is not available", c)
	}
	return h.String(), nil
}

// cost is Argon2id or PBKDF2.
type cost interface {
	// validate keeps a hash from the register from taking the server's memory or time, and from being one of an algorithm
	// that is not approved.
	validate() error
	// compute returns nil if the platform does not let it.
	compute(password string, salt []byte, size int) []byte
	// upTo returns what is missing to the work of the other, and nil if nothing is or if it is of another kind.
	upTo(other cost) cost
	// String is the beginning of the PHC string, up to the salt.
	String() string
}

func (a Argon2id) withDefaults() Argon2id {
	if a.Memory == 0 {
		a.Memory = 19456
	}
	if a.Time == 0 {
		a.Time = 2
	}
	if a.Threads == 0 {
		a.Threads = 1
	}
	return a
}

func (a Argon2id) validate() error {
	if fips140.Enabled() {
		return errors.New("directory: argon2id is not approved in FIPS 140-3 mode: hash passwords with PBKDF2")
	}
	if a.Memory < 1024 || a.Memory > 131072 || a.Time < 1 || a.Time > 8 || a.Threads < 1 || a.Threads > 8 {
		return errors.New("directory: argon2id cost is not within m=1024..131072, t=1..8, p=1..8")
	}
	return nil
}

func (a Argon2id) compute(password string, salt []byte, size int) []byte {
	return argon2.IDKey([]byte(password), salt, a.Time, a.Memory, a.Threads, uint32(size))
}

// upTo takes the work to be the memory times the passes over it.
func (a Argon2id) upTo(other cost) cost {
	to, ok := other.(Argon2id)
	work, done := uint64(to.Memory)*uint64(to.Time), uint64(a.Memory)*uint64(a.Time)
	if !ok || done >= work {
		return nil
	}
	missing := work - done
	passes := (missing + uint64(to.Memory) - 1) / uint64(to.Memory)
	return Argon2id{Memory: uint32(missing / passes), Time: uint32(passes), Threads: to.Threads}
}

// String returns the cost as it is in a hash.
func (a Argon2id) String() string {
	return fmt.Sprintf("$argon2id$v=19$m=%d,t=%d,p=%d", a.Memory, a.Time, a.Threads)
}

// parseArgon2id reads the parameters of a PHC string, version 19.
func parseArgon2id(parameters string) (a Argon2id, ok bool) {
	costs := strings.Split(parameters, ",")
	if len(costs) != 3 {
		return a, false
	}
	var values [3]uint64
	for i, name := range []string{"m=", "t=", "p="} {
		bits := 32
		if name == "p=" {
			bits = 8
		}
		if values[i], ok = parseParameter(costs[i], name, bits); !ok {
			return a, false
		}
	}
	return Argon2id{Memory: uint32(values[0]), Time: uint32(values[1]), Threads: uint8(values[2])}, true
}

func parseParameter(text, name string, bits int) (value uint64, ok bool) {
	number, ok := strings.CutPrefix(text, name)
	value, err := strconv.ParseUint(number, 10, bits)
	return value, ok && err == nil
}

// dummy is a hash of this cost that no password has.
func dummy(c cost) *passwordHash {
	return &passwordHash{cost: c, salt: randomBytes(saltBytes), digest: randomBytes(digestBytes)}
}

// passwordHash is a parsed PHC string.
type passwordHash struct {
	cost   cost
	salt   []byte
	digest []byte
}

// parsePasswordHash accepts the PHC string format for argon2id, version 19, and for pbkdf2-sha256, as other
// implementations write them too. Its errors do not repeat the string.
func parsePasswordHash(s string) (*passwordHash, error) {
	malformed := errors.New("directory: password hash is not a PHC string of argon2id or pbkdf2-sha256")
	if len(s) > maxHashString {
		return nil, malformed
	}
	fields := strings.Split(s, "$")
	h := new(passwordHash)
	var ok bool
	switch {
	case len(fields) == 6 && fields[1] == "argon2id" && fields[2] == "v=19":
		h.cost, ok = parseArgon2id(fields[3])
	case len(fields) == 5 && fields[1] == "pbkdf2-sha256":
		h.cost, ok = parsePBKDF2(fields[2])
	}
	if !ok {
		return nil, malformed
	}
	if err := h.cost.validate(); err != nil {
		return nil, err
	}
	encoding := base64.RawStdEncoding.Strict()
	var err error
	if h.salt, err = encoding.DecodeString(fields[len(fields)-2]); err != nil || len(h.salt) < 8 || len(h.salt) > 64 {
		return nil, malformed
	}
	if h.digest, err = encoding.DecodeString(fields[len(fields)-1]); err != nil || len(h.digest) < 16 || len(h.digest) > 64 {
		return nil, malformed
	}
	if h.String() != s { // leading zeros, line breaks within base64, something before the first $
		return nil, malformed
	}
	return h, nil
}

// String returns the PHC string.
func (h *passwordHash) String() string {
	encode := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("%s$%s$%s", h.cost, encode(h.salt), encode(h.digest))
}

func (h *passwordHash) compute(password string) []byte {
	return h.cost.compute(password, h.salt, len(h.digest))
}

// hasher bounds how much is hashed at once: each hash takes megabytes, and logins come in waves.
type hasher struct {
	cost  cost // that hashes should have
	slots chan struct{}
}

// verify reports whether the hash is that of the password. A hash that is weaker than it should be takes the work of one
// that is not, which is what is done for nobody. It waits for a free place as long as the context allows.
func (h *hasher) verify(ctx context.Context, hash *passwordHash, password string) (bool, error) {
	release, err := h.acquire(ctx)
	if err != nil {
		return false, err
	}
	defer release()
	matches := subtle.ConstantTimeCompare(hash.compute(password), hash.digest) == 1
	if rest := hash.cost.upTo(h.cost); rest != nil {
		rest.compute(password, hash.salt, digestBytes)
	}
	return matches, nil
}

// hash hashes the password at the cost that hashes should have.
func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	release, err := h.acquire(ctx)
	if err != nil {
		return "", err
	}
	defer release()
	return hashPassword(h.cost, password)
}

func (h *hasher) acquire(ctx context.Context) (release func(), err error) {
	select {
	case h.slots <- struct{}{}:
		return func() { <-h.slots }, nil
	case <-ctx.Done():
		return nil, fail(authenticator.Unavailable, fmt.Errorf("directory: waiting to hash a password: %w", ctx.Err()))
	}
}

func validPasswordLength(password string) bool {
	return password != "" && len(password) <= maxPasswordBytes
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	rand.Read(b) // never fails: it ends the program instead
	return b
}
