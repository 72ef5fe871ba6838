package directory

import (
	"crypto/pbkdf2"
	"crypto/sha256"
	"errors"
	"fmt"
)

// PBKDF2 is the cost of hashing a password with PBKDF2-HMAC-SHA-256 ([RFC 8018]). FIPS 140-3 approves it, and not
// Argon2id, which is better against whoever has stolen the register: use it where you must.
//
// [RFC 8018]: https://www.rfc-editor.org/rfc/rfc8018#section-5.2
type PBKDF2 struct {
	// Iterations is how often a password is hashed, from 1000 to 5,000,000. Zero means 600,000, which OWASP recommends.
	Iterations int
}

// Hash is [HashPassword] with PBKDF2, and returns a string like "$pbkdf2-sha256$i=600000$salt$hash".
func (p PBKDF2) Hash(password string) (string, error) {
	return hashPassword(p.withDefaults(), password)
}

func (p PBKDF2) withDefaults() PBKDF2 {
	if p.Iterations == 0 {
		p.Iterations = 600_000
	}
	return p
}

func (p PBKDF2) validate() error {
	if p.Iterations < 1000 || p.Iterations > 5_000_000 {
		return errors.New("directory: PBKDF2 iterations are not within 1000..5000000")
	}
	return nil
}

func (p PBKDF2) compute(password string, salt []byte, size int) []byte {
	// It fails if nothing but what is approved is let through (fips140=only), and the salt of a hash is too short for that.
	key, err := pbkdf2.Key(sha256.New, password, salt, p.Iterations, size)
	if err != nil {
		return nil
	}
	return key
}

func (p PBKDF2) upTo(other cost) cost {
	if to, ok := other.(PBKDF2); ok && p.Iterations < to.Iterations {
		return PBKDF2{Iterations: to.Iterations - p.Iterations}
	}
	return nil
}

// String returns the cost as it is in a hash.
func (p PBKDF2) String() string { return fmt.Sprintf("$pbkdf2-sha256$i=%d", p.Iterations) }

func parsePBKDF2(parameters string) (PBKDF2, bool) {
	iterations, ok := parseParameter(parameters, "i=", 31)
	return PBKDF2{Iterations: int(iterations)}, ok
}
