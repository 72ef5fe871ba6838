package pkcs12

import (
	"bytes"
	"crypto"
	"crypto/fips140"
	"encoding/binary"
	"errors"
	"fmt"
	"unicode/utf16"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// codec reads and writes files. It is not safe for concurrent use.
type codec struct {
	kdf        kdf
	iterations int
	pbmac1     bool
}

// bag is a SafeBag: a private key or a certificate, decrypted.
type bag struct {
	kind  bagKind
	der   []byte // PKCS#8, or a certificate
	name  string // friendlyName
	keyID []byte // localKeyID
	use   use
	extra [][]byte // the other attributes, as they are
}

type bagKind int

const (
	privateBag bagKind = iota
	certificateBag
)

const maxBags = 1000

// decode reads a file. Nothing that a password does not open is looked at beyond the MAC.
func (c *codec) decode(blob []byte) (*contents, error) {
	pfx, err := envelope(blob)
	if err != nil {
		return nil, err
	}
	s := c.kdf.session()
	safe, mac, err := s.authenticated(pfx)
	if err != nil {
		return nil, err
	}
	r := &reader{session: s}
	if err := r.authenticatedSafe(safe); err != nil {
		return nil, err
	}
	read, err := assemble(r.bags)
	if err != nil {
		return nil, err
	}
	read.sealed = &protection{mac: mac, content: r.pbes2}
	s.done()
	return read, nil
}

// damaged says which part of a file is not as it must be.
func damaged(part string) error { return fmt.Errorf("pkcs12: the file is damaged: %s", part) }

// unknown says that a file uses something that this package does not.
func unknown(what, oid string) error {
	if name, ok := legacy[oid]; ok {
		return fmt.Errorf("pkcs12: the %s is %s, which is too weak: convert the file (see the documentation of package pkcs12)", what, name)
	}
	return fmt.Errorf("pkcs12: the %s is of an unknown algorithm (%s)", what, oid)
}

// envelope returns what is in the outermost SEQUENCE, and says why if there is none.
func envelope(blob []byte) (cryptobyte.String, error) {
	switch {
	case len(blob) == 0:
		return nil, errors.New("pkcs12: the file is empty")
	case len(blob) > maxFile:
		return nil, fmt.Errorf("pkcs12: the file is longer than %d bytes", maxFile)
	case bytes.HasPrefix(blob, []byte("-----BEGIN ")):
		return nil, errors.New("pkcs12: the file is PEM, not PKCS#12")
	case bytes.HasPrefix(blob, []byte("\xfe\xed\xfe\xed")):
		return nil, errors.New(`pkcs12: the file is a JKS keystore: convert it with "keytool -importkeystore -deststoretype pkcs12"`)
	case blob[0] != 0x30:
		return nil, errors.New("pkcs12: the file is not PKCS#12")
	case len(blob) > 1 && blob[1] == 0x80:
		return nil, errors.New("pkcs12: the file is BER, not DER")
	}
	if length, ok := derLength(blob); !ok || length > len(blob) {
		return nil, fmt.Errorf("pkcs12: the file is truncated: it ends after %d bytes", len(blob))
	} else if length < len(blob) {
		return nil, errors.New("pkcs12: something follows the end of the file")
	}
	file, pfx := cryptobyte.String(blob), cryptobyte.String(nil)
	if !file.ReadASN1(&pfx, asn1.SEQUENCE) {
		return nil, errors.New("pkcs12: the file is not PKCS#12")
	}
	return pfx, nil
}

// derLength returns how long the element is that begins here, if that much of it is there.
func derLength(der []byte) (int, bool) {
	if len(der) < 2 {
		return 0, false
	}
	if der[1] < 0x80 {
		return 2 + int(der[1]), true
	}
	n := int(der[1] & 0x7f)
	if n > 4 || len(der) < 2+n {
		return 0, false
	}
	var length [8]byte
	copy(length[8-n:], der[2:2+n])
	return 2 + n + int(binary.BigEndian.Uint64(length[:])), true
}

// authenticated returns the AuthenticatedSafe of a PFX after it has checked its MAC, and how the key for that is
// derived.
func (s *session) authenticated(pfx cryptobyte.String) (cryptobyte.String, derivation, error) {
	var version int
	if !pfx.ReadASN1Integer(&version) || version != 3 {
		return nil, derivation{}, errors.New("pkcs12: the file is not PKCS#12 of version 3")
	}
	kind, content, ok := readContent(&pfx)
	var safe cryptobyte.String
	if !ok || kind != oidData || !content.ReadASN1(&safe, asn1.OCTET_STRING) || !content.Empty() {
		return nil, derivation{}, errors.New("pkcs12: the file is not PKCS#12 that a password protects")
	}
	if pfx.Empty() {
		return nil, derivation{}, errors.New("pkcs12: the file has no MAC: nothing says that it is whole and genuine")
	}
	var data, info, salt, mac cryptobyte.String
	iterations := 1
	if !pfx.ReadASN1(&data, asn1.SEQUENCE) || !pfx.Empty() || !data.ReadASN1(&info, asn1.SEQUENCE) {
		return nil, derivation{}, damaged("MAC")
	}
	oid, parameters, ok := readAlgorithm(&info)
	if !ok || !info.ReadASN1(&mac, asn1.OCTET_STRING) || !info.Empty() || !data.ReadASN1(&salt, asn1.OCTET_STRING) ||
		!data.Empty() && !data.ReadASN1Integer(&iterations) || !data.Empty() {
		return nil, derivation{}, damaged("MAC")
	}
	var hash crypto.Hash
	var d derivation
	if oid == oidPBMAC1 {
		var err error
		if hash, d, err = readPBMAC1(parameters); err != nil {
			return nil, derivation{}, err
		}
	} else if hash = digests[oid]; hash != 0 && none(parameters) {
		if fips140.Enabled() {
			return nil, derivation{}, errFIPS
		}
		d = derivation{pkcs12: true, hash: hash, salt: string(salt), iterations: iterations, size: hash.Size()}
	} else {
		return nil, derivation{}, unknown("MAC", oid)
	}
	key, err := s.derive(d)
	if err != nil {
		return nil, derivation{}, err
	}
	if !checkMAC(hash, key, safe, mac) {
		return nil, derivation{}, ErrPassword
	}
	return safe, d, nil
}

// errFIPS says what keeps a file from being read in FIPS 140-3 mode.
var errFIPS = errors.New("pkcs12: the key derivation of the file's MAC is not approved in FIPS 140-3 mode: write the file with PBMAC1 first")

// readPBMAC1 reads the parameters of RFC 9579. They bring their own salt and iterations.
func readPBMAC1(parameters cryptobyte.String) (crypto.Hash, derivation, error) {
	var inner cryptobyte.String
	if !parameters.ReadASN1(&inner, asn1.SEQUENCE) || !parameters.Empty() {
		return 0, derivation{}, damaged("PBMAC1")
	}
	d, err := readPBKDF2(&inner)
	if err != nil {
		return 0, derivation{}, err
	}
	oid, parameters, ok := readAlgorithm(&inner)
	if !ok || !inner.Empty() || !none(parameters) {
		return 0, derivation{}, damaged("PBMAC1")
	}
	hash, known := hmacs[oid]
	if !known {
		return 0, derivation{}, unknown("PBMAC1", oid)
	}
	// RFC 9579 section 5 demands a length, and section 6 warns of short ones, which make a MAC worthless.
	if d.size < 20 || d.size > 64 {
		return 0, derivation{}, errors.New("pkcs12: the key of the MAC has a length that is not accepted")
	}
	return hash, d, nil
}

// readPBKDF2 reads an AlgorithmIdentifier of PBKDF2. The size is 0 if it does not say one.
func readPBKDF2(s *cryptobyte.String) (derivation, error) {
	oid, parameters, ok := readAlgorithm(s)
	if !ok {
		return derivation{}, damaged("key derivation")
	}
	if oid != oidPBKDF2 {
		return derivation{}, unknown("key derivation", oid)
	}
	var inner, salt cryptobyte.String
	var d derivation
	if !parameters.ReadASN1(&inner, asn1.SEQUENCE) || !parameters.Empty() ||
		!inner.ReadASN1(&salt, asn1.OCTET_STRING) || !inner.ReadASN1Integer(&d.iterations) ||
		inner.PeekASN1Tag(asn1.INTEGER) && !inner.ReadASN1Integer(&d.size) {
		return derivation{}, damaged("key derivation")
	}
	d.salt = string(salt)
	prf := "1.2.840.113549.2.7" // HMAC-SHA-1 is the default, and refused
	if !inner.Empty() {
		if prf, parameters, ok = readAlgorithm(&inner); !ok || !inner.Empty() || !none(parameters) {
			return derivation{}, damaged("key derivation")
		}
	}
	hash, known := hmacs[prf]
	if !known {
		return derivation{}, unknown("key derivation", prf)
	}
	d.hash = hash
	return d, nil
}

// readContent reads a ContentInfo.
func readContent(s *cryptobyte.String) (kind string, content cryptobyte.String, ok bool) {
	var info cryptobyte.String
	if !s.ReadASN1(&info, asn1.SEQUENCE) {
		return "", nil, false
	}
	if kind, ok = readOID(&info); !ok || !info.ReadASN1(&content, explicit0) || !info.Empty() {
		return "", nil, false
	}
	return kind, content, true
}

// bmpString decodes a BMPString. Like other programs, it takes what is beyond the BMP in surrogates.
func bmpString(s []byte) (string, bool) {
	if len(s)%2 != 0 {
		return "", false
	}
	units := make([]uint16, 0, len(s)/2)
	for ; len(s) > 0; s = s[2:] {
		units = append(units, binary.BigEndian.Uint16(s))
	}
	return string(utf16.Decode(units)), true
}
