package pkcs12

import (
	"crypto"
	"crypto/ed25519"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// The tests make files that no well-meaning program makes, but whose MAC is right.

// SealSafe returns a file with the DER in place of its AuthenticatedSafe.
func SealSafe(password string, safe []byte) []byte {
	salt := []byte("0123456789abcdef")
	key := macKey(crypto.SHA256.New(), []byte(password), salt, 1)
	return build(func(b *cryptobyte.Builder) {
		b.AddASN1Int64(3)
		addContent(b, oidData, func(b *cryptobyte.Builder) { b.AddASN1OctetString(safe) })
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
				addAlgorithm(b, oidSHA256, nil)
				b.AddASN1OctetString(sum(crypto.SHA256, key, safe))
			})
			b.AddASN1OctetString(salt)
		})
	})
}

// SealBags returns a file with the DER in place of its SafeContents, encrypted or in clear.
func SealBags(password string, bags []byte, encrypted bool) []byte {
	return SealSafe(password, build(func(b *cryptobyte.Builder) {
		if !encrypted {
			addContent(b, oidData, func(b *cryptobyte.Builder) { b.AddASN1OctetString(bags) })
			return
		}
		d := derivation{hash: crypto.SHA256, salt: "0123456789abcdef", iterations: 1, size: 32}
		key, err := d.key([]byte(password))
		if err != nil {
			b.SetError(err)
		}
		w := &writer{p: &protection{content: d}, key: key}
		addContent(b, oidEncryptedData, func(b *cryptobyte.Builder) {
			b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1Int64(0)
				b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
					addOID(b, oidData)
					content := w.encrypt(b, bags)
					b.AddASN1(implicit0, func(b *cryptobyte.Builder) { b.AddBytes(content) })
				})
			})
		})
	}))
}

// Bag returns a SafeBag: a private key in clear, or a certificate.
func Bag(certificate bool, der []byte, name string, keyID []byte) []byte {
	own := bag{kind: certificateBag, der: der, name: name, keyID: keyID}
	var b cryptobyte.Builder
	if certificate {
		(&writer{}).addBag(&b, own)
		return b.BytesOrPanic()
	}
	return build(func(b *cryptobyte.Builder) {
		addOID(b, oidKeyBag)
		b.AddASN1(explicit0, func(b *cryptobyte.Builder) { b.AddBytes(der) })
		own.addAttributes(b)
	})
}

// build returns a SEQUENCE.
func build(content cryptobyte.BuilderContinuation) []byte {
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, content)
	return b.BytesOrPanic()
}

// Sequence returns a SEQUENCE of the elements.
func Sequence(elements ...[]byte) []byte {
	return build(func(b *cryptobyte.Builder) {
		for _, element := range elements {
			b.AddBytes(element)
		}
	})
}

// Safes returns the AuthenticatedSafes of a file without keys and of one with a key, as this package writes them.
func Safes(password string) [][]byte {
	var safes [][]byte
	d := derivation{hash: crypto.SHA256, salt: "0123456789abcdef", iterations: 1, size: 32}
	key, err := d.key([]byte(password))
	if err != nil {
		panic(err)
	}
	w := &writer{p: &protection{content: d}, key: key}
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		panic(err)
	}
	e, err := newEntry("label", "EdDSA", private)
	if err != nil {
		panic(err)
	}
	for _, c := range []*contents{{}, {entries: []*entry{e}}} {
		safe, err := w.authenticatedSafe(c)
		if err != nil {
			panic(err)
		}
		safes = append(safes, safe)
	}
	return safes
}
