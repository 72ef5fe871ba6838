package directory

import (
	"context"
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
// "$argon2id$v=19$m=19456,t=2,p=1$salt$hash". The bytes of the password are hashed as they are.
func HashPassword(password string) (string, error) { return Argon2id{}.Hash(password) }

// Hash is HashPassword at a cost of one's own.
func (a Argon2id) Hash(password string) (string, error) {
	a = a.withDefaults()
	if err := a.validate(); err != nil {
		return "", err
	}
	if !validPasswordLength(password) {
		return "", fmt.Errorf("directory: a password has 1 to %d bytes", maxPasswordBytes)
	}
	h := &passwordHash{cost: a, salt: randomBytes(saltBytes), digest: make([]byte, digestBytes)}
	h.digest = h.compute(password)
	return h.String(), nil
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

// validate keeps a hash from the register from taking the server's memory or time.
func (a Argon2id) validate() error {
	if a.Memory < 1024 || a.Memory > 131072 || a.Time < 1 || a.Time > 8 || a.Threads < 1 || a.Threads > 8 {
		return errors.New("directory: argon2id cost is not within m=1024..131072, t=1..8, p=1..8")
	}
	return nil
}

// dummy is a hash of this cost that no password has.
func (a Argon2id) dummy() *passwordHash {
	return &passwordHash{cost: a, salt: randomBytes(saltBytes), digest: randomBytes(digestBytes)}
}

// passwordHash is a parsed PHC string.
type passwordHash struct {
	cost   Argon2id
	salt   []byte
	digest []byte
}

// parsePasswordHash accepts the PHC string format for argon2id, version 19, as other implementations write it too. Its
// errors do not repeat the string.
func parsePasswordHash(s string) (*passwordHash, error) {
	malformed := errors.New("directory: password hash is not an argon2id PHC string")
	if len(s) > maxHashString {
		return nil, malformed
	}
	fields := strings.Split(s, "$")
	if len(fields) != 6 || fields[0] != "" || fields[1] != "argon2id" || fields[2] != "v=19" {
		return nil, malformed
	}
	costs := strings.Split(fields[3], ",")
	if len(costs) != 3 {
		return nil, malformed
	}
	var values [3]uint64
	for i, name := range []string{"m=", "t=", "p="} {
		number, ok := strings.CutPrefix(costs[i], name)
		if !ok {
			return nil, malformed
		}
		bits := 32
		if name == "p=" {
			bits = 8
		}
		var err error
		if values[i], err = strconv.ParseUint(number, 10, bits); err != nil {
			return nil, malformed
		}
	}
	h := &passwordHash{cost: Argon2id{Memory: uint32(values[0]), Time: uint32(values[1]), Threads: uint8(values[2])}}
	if err := h.cost.validate(); err != nil {
		return nil, err
	}
	encoding := base64.RawStdEncoding.Strict()
	var err error
	if h.salt, err = encoding.DecodeString(fields[4]); err != nil || len(h.salt) < 8 || len(h.salt) > 64 {
		return nil, malformed
	}
	if h.digest, err = encoding.DecodeString(fields[5]); err != nil || len(h.digest) < 16 || len(h.digest) > 64 {
		return nil, malformed
	}
	if h.String() != s { // leading zeros, line breaks within base64
		return nil, malformed
	}
	return h, nil
}

// String returns the PHC string.
func (h *passwordHash) String() string {
	encode := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=19$m=%d,t=%d,p=%d$%s$%s",
		h.cost.Memory, h.cost.Time, h.cost.Threads, encode(h.salt), encode(h.digest))
}

func (h *passwordHash) compute(password string) []byte {
	return argon2.IDKey([]byte(password), h.salt, h.cost.Time, h.cost.Memory, h.cost.Threads, uint32(len(h.digest)))
}

// hasher bounds how much is hashed at once: each hash takes megabytes, and logins come in waves.
type hasher struct {
	slots chan struct{}
}

// verify reports whether the hash is that of the password. It waits for a free place as long as the context allows.
func (h *hasher) verify(ctx context.Context, hash *passwordHash, password string) (bool, error) {
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
	case <-ctx.Done():
		return false, fail(authenticator.Unavailable, fmt.Errorf("directory: waiting to hash a password: %w", ctx.Err()))
	}
	return subtle.ConstantTimeCompare(hash.compute(password), hash.digest) == 1, nil
}

func validPasswordLength(password string) bool {
	return password != "" && len(password) <= maxPasswordBytes
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	rand.Read(b) // never fails: it ends the program instead
	return b
}
