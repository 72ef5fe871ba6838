package pkcs12

import (
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"slices"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// reader collects the bags of a file whose MAC was right.
type reader struct {
	*session
	bags []bag
	// pbes2 is how keys for encrypted content were derived last.
	pbes2 derivation
}

func (r *reader) authenticatedSafe(safe cryptobyte.String) error {
	var parts cryptobyte.String
	if !safe.ReadASN1(&parts, asn1.SEQUENCE) || !safe.Empty() {
		return damaged("AuthenticatedSafe")
	}
	for !parts.Empty() {
		kind, content, ok := readContent(&parts)
		if !ok {
			return damaged("ContentInfo")
		}
		var bags cryptobyte.String
		encrypted := false
		switch kind {
		case oidData:
			if !content.ReadASN1(&bags, asn1.OCTET_STRING) || !content.Empty() {
				return damaged("content")
			}
		case oidEncryptedData:
			var err error
			if bags, err = r.encryptedData(content); err != nil {
				return err
			}
			encrypted = true
		default:
			return unknown("content", kind)
		}
		if err := r.safeContents(bags, encrypted); err != nil {
			return err
		}
	}
	return nil
}

// encryptedData opens an EncryptedData (RFC 5652 section 8).
func (r *reader) encryptedData(content cryptobyte.String) ([]byte, error) {
	var data, info, encrypted cryptobyte.String
	var version int
	if !content.ReadASN1(&data, asn1.SEQUENCE) || !content.Empty() ||
		!data.ReadASN1Integer(&version) || version != 0 || !data.ReadASN1(&info, asn1.SEQUENCE) || !data.Empty() {
		return nil, damaged("EncryptedData")
	}
	kind, ok := readOID(&info)
	if !ok || kind != oidData {
		return nil, damaged("EncryptedData")
	}
	algorithm, parameters, ok := readAlgorithm(&info)
	if !ok || !info.ReadASN1(&encrypted, implicit0) || !info.Empty() {
		return nil, damaged("EncryptedData")
	}
	return r.decrypt(algorithm, parameters, encrypted)
}

// decrypt opens what PBES2 encrypted (RFC 8018 section 6.2).
func (r *reader) decrypt(algorithm string, parameters cryptobyte.String, encrypted []byte) ([]byte, error) {
	if algorithm != oidPBES2 {
		return nil, unknown("encryption", algorithm)
	}
	var inner, iv cryptobyte.String
	if !parameters.ReadASN1(&inner, asn1.SEQUENCE) || !parameters.Empty() {
		return nil, damaged("PBES2")
	}
	d, err := readPBKDF2(&inner)
	if err != nil {
		return nil, err
	}
	scheme, parameters, ok := readAlgorithm(&inner)
	if !ok || !inner.Empty() {
		return nil, damaged("PBES2")
	}
	size, known := keySizes[scheme]
	if !known {
		return nil, unknown("encryption", scheme)
	}
	if !parameters.ReadASN1(&iv, asn1.OCTET_STRING) || !parameters.Empty() || len(iv) != aes.BlockSize || d.size != 0 && d.size != size {
		return nil, damaged("PBES2")
	}
	d.size = size
	key, err := r.derive(d)
	if err != nil {
		return nil, err
	}
	r.pbes2 = d
	return decryptCBC(key, iv, encrypted)
}

// decryptCBC decrypts and takes the padding away. Whoever could learn something from a wrong padding would have had to
// make a right MAC first.
func decryptCBC(key, iv, encrypted []byte) ([]byte, error) {
	if len(encrypted) == 0 || len(encrypted)%aes.BlockSize != 0 {
		return nil, damaged("encrypted content")
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	clear := make([]byte, len(encrypted))
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(clear, encrypted)
	padding := int(clear[len(clear)-1])
	if padding == 0 || padding > aes.BlockSize ||
		slices.ContainsFunc(clear[len(clear)-padding:], func(b byte) bool { return int(b) != padding }) {
		return nil, damaged("encrypted content")
	}
	return clear[:len(clear)-padding], nil
}

func (r *reader) safeContents(der cryptobyte.String, encrypted bool) error {
	var bags cryptobyte.String
	if !der.ReadASN1(&bags, asn1.SEQUENCE) || !der.Empty() {
		return damaged("SafeContents")
	}
	for !bags.Empty() {
		var b, value cryptobyte.String
		if !bags.ReadASN1(&b, asn1.SEQUENCE) {
			return damaged("SafeBag")
		}
		kind, ok := readOID(&b)
		if !ok || !b.ReadASN1(&value, explicit0) {
			return damaged("SafeBag")
		}
		if len(r.bags) == maxBags {
			return errors.New("pkcs12: the file has too many entries")
		}
		read, err := r.value(kind, value, encrypted)
		if err != nil {
			return err
		}
		if err := read.readAttributes(b); err != nil {
			return err
		}
		r.bags = append(r.bags, read)
	}
	return nil
}

// value reads what is in a bag.
func (r *reader) value(kind string, value cryptobyte.String, encrypted bool) (bag, error) {
	var inner, content cryptobyte.String
	switch kind {
	case oidShroudedKeyBag: // EncryptedPrivateKeyInfo (RFC 5958)
		if !value.ReadASN1(&inner, asn1.SEQUENCE) || !value.Empty() {
			return bag{}, damaged("private key")
		}
		algorithm, parameters, ok := readAlgorithm(&inner)
		if !ok || !inner.ReadASN1(&content, asn1.OCTET_STRING) || !inner.Empty() {
			return bag{}, damaged("private key")
		}
		der, err := r.decrypt(algorithm, parameters, content)
		return bag{kind: privateBag, der: der}, err
	case oidKeyBag:
		if !encrypted {
			return bag{}, errors.New("pkcs12: a private key of the file is not encrypted")
		}
		return bag{kind: privateBag, der: value}, nil
	case oidCertBag:
		if !value.ReadASN1(&inner, asn1.SEQUENCE) || !value.Empty() {
			return bag{}, damaged("certificate")
		}
		form, ok := readOID(&inner)
		if !ok || form != oidX509 || !inner.ReadASN1(&content, explicit0) || !inner.Empty() ||
			!content.ReadASN1(&inner, asn1.OCTET_STRING) || !content.Empty() {
			return bag{}, damaged("certificate")
		}
		return bag{kind: certificateBag, der: inner}, nil
	}
	return bag{}, unknown("entry", kind)
}

// readAttributes reads the SET of attributes that ends a bag, if there is one.
func (b *bag) readAttributes(rest cryptobyte.String) error {
	if rest.Empty() {
		return nil
	}
	var set cryptobyte.String
	if !rest.ReadASN1(&set, asn1.SET) || !rest.Empty() {
		return damaged("attributes")
	}
	for !set.Empty() {
		var whole, attribute, values, value cryptobyte.String
		if !set.ReadASN1Element(&whole, asn1.SEQUENCE) {
			return damaged("attributes")
		}
		der := whole
		if !der.ReadASN1(&attribute, asn1.SEQUENCE) {
			return damaged("attributes")
		}
		kind, ok := readOID(&attribute)
		if !ok || !attribute.ReadASN1(&values, asn1.SET) || !attribute.Empty() {
			return damaged("attributes")
		}
		switch kind {
		case oidFriendlyName:
			ok = values.ReadASN1(&value, asn1.Tag(30)) && values.Empty() // BMPString
			if ok {
				b.name, ok = bmpString(value)
			}
		case oidLocalKeyID:
			ok = values.ReadASN1(&value, asn1.OCTET_STRING) && values.Empty()
			b.keyID = value
		case oidKeyUsage:
			// A BIT STRING: the number of bits that are not used, and the bits.
			ok = values.ReadASN1(&value, asn1.BIT_STRING) && values.Empty() && len(value) >= 2
			if ok {
				b.use = use(value[1])
			}
		default:
			b.extra = append(b.extra, whole)
		}
		if !ok {
			return damaged("attributes")
		}
	}
	return nil
}
