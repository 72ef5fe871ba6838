package portal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
)

// sealer encrypts what the browser keeps for the portal. The key is gone with the process.
type sealer struct{ aead cipher.AEAD }

func newSealer() (*sealer, error) {
	key := make([]byte, 32)
	rand.Read(key)
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	return &sealer{aead}, err
}

// seal binds the value to its name: it cannot be passed off as another cookie's.
func (s *sealer) seal(name string, value any) (string, error) {
	plain, err := json.Marshal(value)
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(s.aead.Seal(nil, nil, plain, []byte(name))), nil
}

func (s *sealer) open(name, sealed string, value any) error {
	data, err := base64.RawURLEncoding.DecodeString(sealed)
	if err != nil {
		return err
	}
	plain, err := s.aead.Open(nil, nil, data, []byte(name))
	if err != nil {
		return err
	}
	return json.Unmarshal(plain, value)
}
