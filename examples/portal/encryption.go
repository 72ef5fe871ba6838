package portal

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

// Why what should be encrypted to the portal was not used.
var (
	errInClear  = errors.New("it is not encrypted")
	errNotForUs = errors.New("it is not encrypted to the portal's key")
)

// keyAlgorithms and contentEncryptions are those in which the portal can be registered. zitadel/oidc decrypts nothing.
var (
	keyAlgorithms      = []jose.KeyAlgorithm{jose.ECDH_ES, jose.ECDH_ES_A256KW, jose.RSA_OAEP_256}
	contentEncryptions = []jose.ContentEncryption{jose.A128GCM, jose.A256GCM}
)

// encrypts says whether the portal has things encrypted to it.
func (c *Config) encrypts() bool { return c.EncryptionKey.Key != nil }

// checkEncryption proves at start-up that the key fits its algorithm.
func (c *Config) checkEncryption() error {
	if !c.encrypts() {
		if c.EncryptedIDToken {
			return errors.New("is missing: EncryptedIDToken needs it")
		}
		return nil
	}
	alg := jose.KeyAlgorithm(c.EncryptionKey.Algorithm)
	if !c.EncryptionKey.Valid() || c.EncryptionKey.IsPublic() {
		return errors.New("must be a private key")
	}
	if !slices.Contains(keyAlgorithms, alg) {
		return fmt.Errorf("has the algorithm %q, which is none of %v", alg, keyAlgorithms)
	}
	public := c.EncryptionKey.Public()
	encrypter, err := jose.NewEncrypter(jose.A256GCM, jose.Recipient{Algorithm: alg, Key: public.Key}, nil)
	if err == nil {
		_, err = encrypter.Encrypt(nil)
	}
	if err != nil {
		return fmt.Errorf("does not fit its algorithm %s: %w", alg, err)
	}
	return nil
}

// decrypt opens a JWE that is for the portal, and returns what is in it and the header around it. The algorithms are those
// of the registration, whatever the header says.
func (c *Config) decrypt(token string) (inner, header string, err error) {
	token = strings.TrimSpace(token)
	first, rest, _ := strings.Cut(token, ".")
	if strings.Count(rest, ".") != 3 {
		return "", "", errInClear
	}
	jwe, err := jose.ParseEncryptedCompact(token, []jose.KeyAlgorithm{jose.KeyAlgorithm(c.EncryptionKey.Algorithm)}, contentEncryptions)
	if err != nil {
		return "", "", fmt.Errorf("%w: %w", errNotForUs, err)
	}
	plain, err := jwe.Decrypt(c.EncryptionKey.Key)
	if err != nil {
		return "", "", fmt.Errorf("%w: %w", errNotForUs, err)
	}
	raw, err := base64.RawURLEncoding.DecodeString(first)
	return string(plain), string(raw), err
}
