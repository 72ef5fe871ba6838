package directory

import (
	"fmt"
)

const (
	minPINDigits = 4
	maxPINDigits = 32
)

// HashPIN is [HashPassword] for a PIN of 4 to 32 digits. They may be of any script, with spaces and dashes: what is
// hashed are ASCII digits, so that the Hash methods of [Argon2id] and [PBKDF2] serve for such PINs too.
func HashPIN(pin string) (string, error) {
	pin, ok := normalizePIN(pin)
	if !ok {
		return "", fmt.Errorf("directory: a PIN has %d to %d digits", minPINDigits, maxPINDigits)
	}
	return HashPassword(pin)
}

// normalizePIN reads a PIN as people write it. It reports false for what can be nobody's.
func normalizePIN(pin string) (string, bool) {
	pin = normalize(pin)
	for i := range len(pin) {
		if pin[i] < '0' || pin[i] > '9' {
			return "", false
		}
	}
	return pin, len(pin) >= minPINDigits && len(pin) <= maxPINDigits
}
