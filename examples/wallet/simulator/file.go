package simulator

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// kept is what the file has.
type kept struct {
	IndividualID string `json:"individual_id"`
	Key          []byte `json:"key"`
	Certificate  []byte `json:"certificate"`
}

// load reads the file. One that is not there is that of a wallet that is not bound.
func load(file string) (*bound, error) {
	if file == "" {
		return nil, nil
	}
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var k kept
	if err := json.Unmarshal(data, &k); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	private, err := x509.ParsePKCS8PrivateKey(k.Key)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	key, ok := private.(*rsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("%s: the key is not RSA", file)
	}
	certificate, err := x509.ParseCertificate(k.Certificate)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return &bound{k.IndividualID, key, certificate}, nil
}

func (b *bound) save(file string) error {
	if file == "" {
		return nil
	}
	key, err := x509.MarshalPKCS8PrivateKey(b.key)
	if err != nil {
		return err
	}
	data, err := json.Marshal(kept{b.individualID, key, b.certificate.Raw})
	if err != nil {
		return err
	}
	return os.WriteFile(file, data, 0o600)
}
