//go:build cgo

package pkcs11

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"errors"
	"fmt"
	"math/big"

	p11 "github.com/miekg/pkcs11"
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

var (
	private     = attribute(p11.CKA_CLASS, p11.CKO_PRIVATE_KEY)
	public      = attribute(p11.CKA_CLASS, p11.CKO_PUBLIC_KEY)
	certificate = attribute(p11.CKA_CLASS, p11.CKO_CERTIFICATE)
)

// What CKA_EC_PARAMS is for a curve: the DER of its object identifier, and for Ed25519 in some tokens that of its name.
var (
	paramsP256        = []byte{0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07}
	paramsP384        = []byte{0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22}
	paramsEd25519     = []byte{0x06, 0x03, 0x2b, 0x65, 0x70}
	paramsEd25519Name = append([]byte{0x13, 0x0c}, "edwards25519"...)
)

// errForeign says that a key is of a kind that nothing here uses.
var errForeign = errors.New("pkcs11: a key of another kind")

func attribute(kind uint, value any) *p11.Attribute { return p11.NewAttribute(kind, value) }

// attributes returns the values of an object's attributes, in their order.
func (s *session) attributes(object p11.ObjectHandle, kinds ...uint) ([][]byte, error) {
	wanted := make([]*p11.Attribute, len(kinds))
	for i, kind := range kinds {
		wanted[i] = attribute(kind, nil)
	}
	got, err := s.token.api.GetAttributeValue(s.handle, object, wanted)
	if err != nil {
		return nil, fmt.Errorf("pkcs11: read attributes: %w", err)
	}
	if len(got) != len(kinds) {
		return nil, fmt.Errorf("pkcs11: the token gave %d attributes, not %d", len(got), len(kinds))
	}
	values := make([][]byte, len(kinds))
	for i, a := range got {
		values[i] = a.Value
	}
	return values, nil
}

// isTrue reports whether the value of an attribute is CK_TRUE.
func isTrue(value []byte) bool { return bytes.Equal(value, []byte{1}) }

// is reports whether the value of an attribute is the number.
func is(value []byte, number uint) bool {
	return bytes.Equal(value, attribute(0, number).Value)
}

// public returns the public half of a private key: from the public object with the same CKA_ID, which every token has that
// made its keys here, or else from the private one, where RSA keys have it too.
func (s *session) public(key p11.ObjectHandle) (crypto.PublicKey, error) {
	values, err := s.attributes(key, p11.CKA_ID, p11.CKA_KEY_TYPE)
	if err != nil {
		return nil, err
	}
	id, kind := values[0], values[1]
	if !is(kind, p11.CKK_RSA) && !is(kind, p11.CKK_EC) && !is(kind, ckkECEdwards) {
		return nil, errForeign
	}
	found, err := s.find(public, attribute(p11.CKA_ID, id), attribute(p11.CKA_KEY_TYPE, kind))
	if err != nil {
		return nil, err
	}
	if len(found) > 0 {
		key = found[0]
	}
	switch {
	case is(kind, p11.CKK_RSA):
		values, err := s.attributes(key, p11.CKA_MODULUS, p11.CKA_PUBLIC_EXPONENT)
		if err != nil {
			return nil, err
		}
		return parseRSA(values[0], values[1])
	case len(found) == 0:
		return nil, fmt.Errorf("pkcs11: no public key with the CKA_ID %x is beside the private one", id)
	}
	values, err = s.attributes(key, p11.CKA_EC_PARAMS, p11.CKA_EC_POINT)
	if err != nil {
		return nil, err
	}
	return parseEC(values[0], values[1])
}

func parseRSA(modulus, exponent []byte) (crypto.PublicKey, error) {
	e := new(big.Int).SetBytes(exponent)
	if !e.IsInt64() || e.Int64() > 1<<31-1 {
		return nil, errForeign
	}
	return &rsa.PublicKey{N: new(big.Int).SetBytes(modulus), E: int(e.Int64())}, nil
}

// parseEC reads a point, which stands in an OCTET STRING or, in tokens of before PKCS#11 2.20 and some of after 3.0, does not.
func parseEC(params, point []byte) (crypto.PublicKey, error) {
	var curve elliptic.Curve
	size := ed25519.PublicKeySize
	switch {
	case bytes.Equal(params, paramsP256):
		curve, size = elliptic.P256(), 1+2*32
	case bytes.Equal(params, paramsP384):
		curve, size = elliptic.P384(), 1+2*48
	case bytes.Equal(params, paramsEd25519), bytes.Equal(params, paramsEd25519Name):
	default:
		return nil, errForeign
	}
	if len(point) != size {
		input := cryptobyte.String(point)
		var inner cryptobyte.String
		if !input.ReadASN1(&inner, asn1.OCTET_STRING) || !input.Empty() || len(inner) != size {
			return nil, errors.New("pkcs11: the CKA_EC_POINT of a public key is malformed")
		}
		point = inner
	}
	if curve == nil {
		return ed25519.PublicKey(point), nil
	}
	key, err := ecdsa.ParseUncompressedPublicKey(curve, point)
	if err != nil {
		return nil, fmt.Errorf("pkcs11: a public key in the token: %w", err)
	}
	return key, nil
}
