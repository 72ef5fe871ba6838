package pkcs12

import (
	"bytes"
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"math/bits"
	"slices"
	"unicode/utf16"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// protection is how the keys are derived that protect a file.
type protection struct {
	mac, content derivation
}

// protect returns the protection for a file to write: that of the file before, if it is what would be chosen now. The
// keys are known then, so that a change costs no derivation, neither here nor where the file is read next.
func (c *codec) protect(before *protection) *protection {
	p := &protection{
		content: derivation{hash: crypto.SHA256, iterations: c.iterations, size: 32},
		// An iteration of PBKDF2 hashes twice, one of PKCS#12 once. The MAC must not be the faster way to try passwords.
		mac: derivation{pkcs12: true, hash: crypto.SHA256, iterations: 2 * c.iterations, size: 32},
	}
	if c.pbmac1 {
		p.mac = p.content
	}
	if before != nil && len(before.mac.salt) >= saltSize && len(before.content.salt) >= saltSize {
		again := *before
		again.mac.salt, again.content.salt = "", ""
		if again == *p {
			return before
		}
	}
	p.content.salt, p.mac.salt = string(random(saltSize)), string(random(saltSize))
	return p
}

const saltSize = 16

func random(size int) []byte {
	b := make([]byte, size)
	rand.Read(b)
	return b
}

// encode writes a file.
func (c *codec) encode(what *contents) ([]byte, error) {
	p := c.protect(what.sealed)
	s := c.kdf.session()
	contentKey, err := s.derive(p.content)
	if err != nil {
		return nil, err
	}
	macKey, err := s.derive(p.mac)
	if err != nil {
		return nil, err
	}
	s.done()
	w := &writer{p: p, key: contentKey}
	safe, err := w.authenticatedSafe(what)
	if err != nil {
		return nil, err
	}
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(3)
		addContent(b, oidData, func(b *cryptobyte.Builder) { b.AddASN1OctetString(safe) })
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) { // MacData
			b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
				if p.mac.pkcs12 {
					addAlgorithm(b, oidSHA256, nil)
				} else {
					addAlgorithm(b, oidPBMAC1, func(b *cryptobyte.Builder) {
						addPBKDF2(b, p.mac)
						addAlgorithm(b, oidHMACSHA256, nil)
					})
				}
				b.AddASN1OctetString(sum(crypto.SHA256, macKey, safe))
			})
			b.AddASN1OctetString([]byte(p.mac.salt)) // with PBMAC1, these two must be there and mean nothing
			b.AddASN1Int64(int64(p.mac.iterations))
		})
	})
	return b.Bytes()
}

// writer writes what is protected.
type writer struct {
	p   *protection
	key []byte
}

// authenticatedSafe writes the certificates, encrypted, and the private keys, each encrypted for itself, in the order
// of OpenSSL.
func (w *writer) authenticatedSafe(what *contents) ([]byte, error) {
	var certificates, keys cryptobyte.Builder
	certificates.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		for _, e := range what.entries {
			for i, certificate := range e.chain {
				own := bag{kind: certificateBag, der: certificate.Raw, keyID: e.keyID()}
				if i == 0 {
					own.name = e.bag.name
				}
				w.addBag(b, own)
			}
		}
		for _, other := range what.others {
			w.addBag(b, other)
		}
	})
	keys.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		for _, e := range what.entries {
			own := e.bag
			own.keyID = e.keyID()
			w.addBag(b, own)
		}
	})
	clear, err := certificates.Bytes()
	if err != nil {
		return nil, err
	}
	bags, err := keys.Bytes()
	if err != nil {
		return nil, err
	}
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		addContent(b, oidEncryptedData, func(b *cryptobyte.Builder) {
			b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1Int64(0)
				b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
					addOID(b, oidData)
					encrypted := w.encrypt(b, clear)
					b.AddASN1(implicit0, func(b *cryptobyte.Builder) { b.AddBytes(encrypted) })
				})
			})
		})
		addContent(b, oidData, func(b *cryptobyte.Builder) { b.AddASN1OctetString(bags) })
	})
	return b.Bytes()
}

// encrypt writes the AlgorithmIdentifier of PBES2 and returns what it stands for.
func (w *writer) encrypt(b *cryptobyte.Builder, clear []byte) []byte {
	iv := random(aes.BlockSize)
	addAlgorithm(b, oidPBES2, func(b *cryptobyte.Builder) {
		addPBKDF2(b, w.p.content)
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			addOID(b, oidAES256CBC)
			b.AddASN1OctetString(iv)
		})
	})
	block, err := aes.NewCipher(w.key)
	if err != nil {
		b.SetError(err)
		return nil
	}
	padding := aes.BlockSize - len(clear)%aes.BlockSize
	padded := append(bytes.Clone(clear), bytes.Repeat([]byte{byte(padding)}, padding)...)
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(padded, padded)
	return padded
}

func addPBKDF2(b *cryptobyte.Builder, d derivation) {
	addAlgorithm(b, oidPBKDF2, func(b *cryptobyte.Builder) {
		b.AddASN1OctetString([]byte(d.salt))
		b.AddASN1Int64(int64(d.iterations))
		b.AddASN1Int64(int64(d.size))
		addAlgorithm(b, oidHMACSHA256, nil)
	})
}

func addContent(b *cryptobyte.Builder, kind string, content cryptobyte.BuilderContinuation) {
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		addOID(b, kind)
		b.AddASN1(explicit0, content)
	})
}

func (w *writer) addBag(b *cryptobyte.Builder, own bag) {
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		if own.kind == privateBag {
			addOID(b, oidShroudedKeyBag)
			b.AddASN1(explicit0, func(b *cryptobyte.Builder) {
				b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddASN1OctetString(w.encrypt(b, own.der)) })
			})
		} else {
			addOID(b, oidCertBag)
			b.AddASN1(explicit0, func(b *cryptobyte.Builder) {
				b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
					addOID(b, oidX509)
					b.AddASN1(explicit0, func(b *cryptobyte.Builder) { b.AddASN1OctetString(own.der) })
				})
			})
		}
		own.addAttributes(b)
	})
}

// addAttributes writes the SET of attributes, in the order of DER.
func (own *bag) addAttributes(b *cryptobyte.Builder) {
	attributes := slices.Clone(own.extra)
	add := func(kind string, value cryptobyte.BuilderContinuation) {
		var attribute cryptobyte.Builder
		attribute.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			addOID(b, kind)
			b.AddASN1(asn1.SET, value)
		})
		der, err := attribute.Bytes()
		if err != nil {
			b.SetError(err)
		}
		attributes = append(attributes, der)
	}
	if own.name != "" {
		add(oidFriendlyName, func(b *cryptobyte.Builder) {
			b.AddASN1(asn1.Tag(30), func(b *cryptobyte.Builder) { b.AddBytes(toBMP(own.name)) })
		})
	}
	if len(own.keyID) > 0 {
		add(oidLocalKeyID, func(b *cryptobyte.Builder) { b.AddASN1OctetString(own.keyID) })
	}
	if own.use != 0 {
		add(oidKeyUsage, func(b *cryptobyte.Builder) {
			b.AddASN1(asn1.BIT_STRING, func(b *cryptobyte.Builder) {
				b.AddBytes([]byte{byte(bits.TrailingZeros8(uint8(own.use))), byte(own.use)})
			})
		})
	}
	if len(attributes) == 0 {
		return
	}
	slices.SortFunc(attributes, bytes.Compare)
	b.AddASN1(asn1.SET, func(b *cryptobyte.Builder) { b.AddBytes(bytes.Join(attributes, nil)) })
}

// toBMP encodes a BMPString, with surrogates for what is beyond.
func toBMP(s string) []byte {
	var bmp []byte
	for _, unit := range utf16.Encode([]rune(s)) {
		bmp = binary.BigEndian.AppendUint16(bmp, unit)
	}
	return bmp
}
