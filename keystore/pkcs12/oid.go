package pkcs12

import (
	"crypto"
	"crypto/x509"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// The object identifiers of RFC 7292 and RFC 8018, and of what they are used with.
const (
	oidData          = "1.2.840.113549.1.7.1"
	oidEncryptedData = "1.2.840.113549.1.7.6"

	oidKeyBag         = "1.2.840.113549.1.12.10.1.1"
	oidShroudedKeyBag = "1.2.840.113549.1.12.10.1.2"
	oidCertBag        = "1.2.840.113549.1.12.10.1.3"
	oidX509           = "1.2.840.113549.1.9.22.1"

	oidFriendlyName = "1.2.840.113549.1.9.20"
	oidLocalKeyID   = "1.2.840.113549.1.9.21"
	oidKeyUsage     = "2.5.29.15"

	oidPBES2     = "1.2.840.113549.1.5.13"
	oidPBKDF2    = "1.2.840.113549.1.5.12"
	oidPBMAC1    = "1.2.840.113549.1.5.14"
	oidAES128CBC = "2.16.840.1.101.3.4.1.2"
	oidAES192CBC = "2.16.840.1.101.3.4.1.22"
	oidAES256CBC = "2.16.840.1.101.3.4.1.42"

	oidSHA256     = "2.16.840.1.101.3.4.2.1"
	oidSHA384     = "2.16.840.1.101.3.4.2.2"
	oidSHA512     = "2.16.840.1.101.3.4.2.3"
	oidHMACSHA256 = "1.2.840.113549.2.9"
	oidHMACSHA384 = "1.2.840.113549.2.10"
	oidHMACSHA512 = "1.2.840.113549.2.11"
)

var (
	digests  = map[string]crypto.Hash{oidSHA256: crypto.SHA256, oidSHA384: crypto.SHA384, oidSHA512: crypto.SHA512}
	hmacs    = map[string]crypto.Hash{oidHMACSHA256: crypto.SHA256, oidHMACSHA384: crypto.SHA384, oidHMACSHA512: crypto.SHA512}
	keySizes = map[string]int{oidAES128CBC: 16, oidAES192CBC: 24, oidAES256CBC: 32}
)

// legacy names the old algorithms that files are met with, for messages.
var legacy = map[string]string{
	"1.2.840.113549.1.12.1.1": "RC4",
	"1.2.840.113549.1.12.1.2": "RC4",
	"1.2.840.113549.1.12.1.3": "3DES",
	"1.2.840.113549.1.12.1.4": "3DES",
	"1.2.840.113549.1.12.1.5": "RC2",
	"1.2.840.113549.1.12.1.6": "RC2",
	"1.2.840.113549.2.7":      "HMAC-SHA-1",
	"1.2.840.113549.3.7":      "3DES",
	"1.2.840.113549.2.5":      "MD5",
	"1.3.14.3.2.26":           "SHA-1",
}

// Explicit tags, and the implicit one of encrypted content.
var (
	explicit0 = asn1.Tag(0).Constructed().ContextSpecific()
	implicit0 = asn1.Tag(0).ContextSpecific()
)

// readOID reads an object identifier, however long its numbers are.
func readOID(s *cryptobyte.String) (string, bool) {
	var der cryptobyte.String
	var oid x509.OID
	if !s.ReadASN1(&der, asn1.OBJECT_IDENTIFIER) || oid.UnmarshalBinary(der) != nil {
		return "", false
	}
	return oid.String(), true
}

func addOID(b *cryptobyte.Builder, dotted string) {
	oid, err := x509.ParseOID(dotted)
	if err != nil {
		b.SetError(err)
		return
	}
	der, err := oid.MarshalBinary()
	if err != nil {
		b.SetError(err)
		return
	}
	b.AddASN1(asn1.OBJECT_IDENTIFIER, func(b *cryptobyte.Builder) { b.AddBytes(der) })
}

// readAlgorithm reads an AlgorithmIdentifier. Its parameters may be empty or NULL.
func readAlgorithm(s *cryptobyte.String) (oid string, parameters cryptobyte.String, ok bool) {
	if !s.ReadASN1(&parameters, asn1.SEQUENCE) {
		return "", nil, false
	}
	oid, ok = readOID(&parameters)
	return oid, parameters, ok
}

// none reports whether parameters are absent or NULL. Programs differ in which they write.
func none(parameters cryptobyte.String) bool {
	return parameters.Empty() || string(parameters) == "\x05\x00"
}

// addAlgorithm writes an AlgorithmIdentifier; nil parameters are NULL.
func addAlgorithm(b *cryptobyte.Builder, oid string, parameters cryptobyte.BuilderContinuation) {
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		addOID(b, oid)
		if parameters == nil {
			b.AddASN1NULL()
			return
		}
		b.AddASN1(asn1.SEQUENCE, parameters)
	})
}
