package pkcs11

import (
	"bytes"
	"fmt"
	"io"
	"os"
)

// maxPIN is the length of the longest PIN, in bytes.
const maxPIN = 256

// PINFile returns what [Config].PIN needs to read the PIN from a file, anew at every login. One line end after the PIN is
// not part of it.
func PINFile(path string) func() ([]byte, error) {
	return func() ([]byte, error) {
		file, err := os.Open(path)
		if err != nil {
			return nil, fmt.Errorf("pkcs11: PIN: %w", err)
		}
		defer file.Close()
		data, err := io.ReadAll(io.LimitReader(file, maxPIN+3)) // with a line end of two, one more than fits
		if err != nil {
			return nil, fmt.Errorf("pkcs11: PIN: %w", err)
		}
		return bytes.TrimSuffix(bytes.TrimSuffix(data, []byte("\n")), []byte("\r")), nil
	}
}
