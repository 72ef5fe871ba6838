package ida

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"errors"

	"github.com/go-jose/go-jose/v4"
)

// What partners' data is encrypted with.
var (
	keyAlgorithms      = []jose.KeyAlgorithm{jose.RSA_OAEP_256}
	contentEncryptions = []jose.ContentEncryption{jose.A256GCM, jose.A128GCM}
)

var errJWE = errors.New("IDA released something that is no JWE with RSA-OAEP-256 and AES-GCM")

// decrypt opens a compact JWE. It does not say what is wrong with one. Compressed ones are refused: small, they may hold
// any amount.
func decrypt(jwe string, key crypto.Decrypter) (string, error) {
	parsed, err := jose.ParseEncryptedCompact(jwe, keyAlgorithms, contentEncryptions)
	if err != nil {
		return "", errJWE
	}
	if _, compressed := parsed.Header.ExtraHeaders["zip"]; compressed {
		return "", errors.New("IDA released something compressed")
	}
	content, err := parsed.Decrypt(oaep{key})
	if err != nil {
		return "", errors.New("what IDA released cannot be decrypted")
	}
	return string(content), nil
}

// oaep opens keys that were encrypted with RSA-OAEP-256, the only one of keyAlgorithms.
type oaep struct{ decrypter crypto.Decrypter }

// DecryptKey implements [jose.OpaqueKeyDecrypter].
func (o oaep) DecryptKey(encrypted []byte, _ jose.Header) ([]byte, error) {
	return o.decrypter.Decrypt(rand.Reader, encrypted, &rsa.OAEPOptions{Hash: crypto.SHA256})
}
