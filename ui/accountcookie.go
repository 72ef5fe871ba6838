package ui

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"math"
	"net/http"
	"time"
)

const (
	// sealSalt is the length of the random part of a sealed cookie, of which each is sealed under a key of its own: so it
	// does not matter how many there are.
	sealSalt = 24
	// maxSealed is the length of the longest cookie that is opened.
	maxSealed = 4096
)

// sealedCookie is a cookie of which nobody but the provider reads or makes the value.
type sealedCookie struct {
	jar  cookieJar
	name string
	key  []byte
}

// newSealedCookie names the cookie after its use and its place: browsers send it to every provider on the host.
func newSealedCookie(jar cookieJar, secret []byte, use, place string) (sealedCookie, error) {
	sum := sha256.Sum256([]byte(place))
	key, err := hkdf.Key(sha256.New, secret, nil, "signet ui "+use+" cookie v1 "+place, sha256.Size)
	return sealedCookie{jar, jar.prefix() + use + "-" + hex.EncodeToString(sum[:4]), key}, err
}

// set gives the browser the value for as long as it is good.
func (c sealedCookie) set(w http.ResponseWriter, value any, remaining time.Duration) error {
	plain, err := json.Marshal(value)
	if err != nil {
		return err
	}
	sealed := make([]byte, sealSalt, sealSalt+len(plain)+16)
	rand.Read(sealed) // never fails: it ends the program instead
	aead, nonce, err := c.aead(sealed)
	if err != nil {
		return err
	}
	sealed = aead.Seal(sealed, nonce, plain, []byte(c.name))
	c.write(w, base64.RawURLEncoding.EncodeToString(sealed), max(1, int(math.Ceil(remaining.Seconds()))))
	return nil
}

// clear takes the cookie away.
func (c sealedCookie) clear(w http.ResponseWriter) { c.write(w, "", -1) }

func (c sealedCookie) write(w http.ResponseWriter, value string, maxAge int) {
	cookie := c.jar.cookie("", value, maxAge)
	cookie.Name = c.name
	http.SetCookie(w, cookie)
}

// get opens what the browser carries. It reports false for whatever the provider did not seal.
func (c sealedCookie) get(r *http.Request, value any) bool {
	carried, err := r.Cookie(c.name)
	if err != nil || len(carried.Value) > maxSealed {
		return false
	}
	sealed, err := base64.RawURLEncoding.DecodeString(carried.Value)
	if err != nil || len(sealed) < sealSalt {
		return false
	}
	aead, nonce, err := c.aead(sealed[:sealSalt])
	if err != nil {
		return false
	}
	plain, err := aead.Open(nil, nonce, sealed[sealSalt:], []byte(c.name))
	return err == nil && json.Unmarshal(plain, value) == nil
}

// aead derives the key and the nonce of one cookie from its salt.
func (c sealedCookie) aead(salt []byte) (aead cipher.AEAD, nonce []byte, err error) {
	const keySize, nonceSize = 32, 12
	derived, err := hkdf.Expand(sha256.New, c.key, string(salt), keySize+nonceSize)
	if err != nil {
		return nil, nil, err
	}
	block, err := aes.NewCipher(derived[:keySize])
	if err != nil {
		return nil, nil, err
	}
	aead, err = cipher.NewGCM(block)
	return aead, derived[keySize:], err
}
