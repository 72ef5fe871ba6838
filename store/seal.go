package store

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"
)

// A record is one byte of format, a nonce, and the encrypted message: the expiry in Unix milliseconds and the value. A
// message without a value marks a blocked handle.
const (
	// The format is the first byte of every record. A later version of Signet keeps reading the formats of the earlier
	// ones for as long as a record can live, so that an upgrade ends no login.
	formatJSON = 1 // the value in JSON; only read
	formatCBOR = 2 // the value in CBOR (RFC 8949); the format is authenticated

	nonceSize  = 12
	headerSize = 1 + nonceSize
	expirySize = 8

	// handleSize is the entropy of a handle; in base64url it makes handleLength characters.
	handleSize   = 32
	handleLength = 43
)

// ErrSealed says that a record was found under the handle and could not be opened: it was damaged or moved, it was
// written by a version of Signet that this one does not know, or it is not of the bucket's type.
var ErrSealed = errors.New("store: record cannot be opened")

// errBlocked is the ErrNotFound of a handle that was blocked.
var errBlocked = fmt.Errorf("%w: blocked", ErrNotFound)

// handles refuses a second spelling of the same handle.
var handles = base64.RawURLEncoding.Strict()

// NewHandle mints a handle: 256 random bits in base64url, 43 characters.
func NewHandle() string {
	var secret [handleSize]byte
	rand.Read(secret[:]) // crypto/rand never fails: it ends the program instead
	var handle [handleLength]byte
	handles.Encode(handle[:], secret[:])
	return string(handle[:])
}

// sealer is what a handle gives access to in one bucket: the backend's key and the cipher.
type sealer struct {
	key  string
	aead cipher.AEAD
}

func newSealer(bucket, handle string) (*sealer, error) {
	if len(handle) != handleLength {
		return nil, ErrNotFound
	}
	secret := make([]byte, 0, handleSize)
	secret, err := handles.AppendDecode(secret, []byte(handle))
	if err != nil || len(secret) != handleSize { // a line break counts as a character and decodes to nothing
		return nil, ErrNotFound
	}
	// One expansion gives both halves: what the backend may know, and what it may not. A handle is uniformly random,
	// so that HKDF needs no extraction first (RFC 5869, section 3.3).
	okm, err := expand([handleSize]byte(secret), "signet/bucket/"+bucket)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(okm[sha256.Size:])
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	key := append(append(make([]byte, 0, maxName+1+handleLength), bucket...), ':')
	return &sealer{key: string(base64.RawURLEncoding.AppendEncode(key, okm[:sha256.Size])), aead: aead}, nil
}

// plaintexts are the buffers in which values are encoded. They are empty, and all zeros.
var plaintexts = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// seal makes the record of a value.
func (s *sealer) seal(v any, expires time.Time) ([]byte, error) {
	plain := plaintexts.Get().(*bytes.Buffer)
	defer func() {
		clear(plain.Bytes())
		plain.Reset()
		plaintexts.Put(plain)
	}()
	if err := encoder.MarshalToBuffer(v, plain); err != nil {
		return nil, fmt.Errorf("store: encode record: %w", err)
	}
	return s.encrypt(plain.Bytes(), expires), nil
}

// sealBlock makes the record of a blocked handle.
func (s *sealer) sealBlock(expires time.Time) []byte {
	return s.encrypt(nil, expires)
}

// encrypt makes a record of a value in CBOR. A record that is moved to another place in the backend does not open there:
// every handle has a key of its own in every bucket.
func (s *sealer) encrypt(value []byte, expires time.Time) []byte {
	record := make([]byte, headerSize, headerSize+expirySize+len(value)+s.aead.Overhead())
	record[0] = formatCBOR
	rand.Read(record[1:])
	record = binary.BigEndian.AppendUint64(record, uint64(expires.UnixMilli()))
	record = append(record, value...)
	header, message := record[:headerSize], record[headerSize:]
	return s.aead.Seal(header, header[1:], message, header[:1]) // in place
}

// unseal opens the record into v, which is zero. It returns ErrNotFound when it has expired, errBlocked when it marks a blocked handle, and
// otherwise ErrSealed without a cause, which could quote what was in the record.
func unseal[T any](s *sealer, record []byte, now time.Time, v *T) (expires time.Time, err error) {
	if len(record) < headerSize {
		return expires, ErrSealed
	}
	var authenticated []byte
	decode := json.Unmarshal
	switch record[0] {
	case formatJSON:
	case formatCBOR:
		authenticated, decode = record[:1], decoder.Unmarshal
	default:
		return expires, ErrSealed
	}
	message, err := s.aead.Open(nil, record[1:headerSize], record[headerSize:], authenticated)
	if err != nil || len(message) < expirySize {
		return expires, ErrSealed
	}
	expires = time.UnixMilli(int64(binary.BigEndian.Uint64(message)))
	value := message[expirySize:]
	if !now.Before(expires) {
		return expires, ErrNotFound
	}
	if len(value) == 0 {
		return expires, errBlocked
	}
	if decode(value, v) != nil {
		*v = *new(T) // what was decoded before the mistake
		return expires, ErrSealed
	}
	return expires, nil
}
