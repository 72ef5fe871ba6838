package passkey_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"testing"

	"github.com/fxamacker/cbor/v2"
	"github.com/stretchr/testify/require"
)

// The flags of authenticator data (Web Authentication section 6.1).
const (
	present        = 0x01
	verified       = 0x04
	backupEligible = 0x08
	backedUp       = 0x10
	attested       = 0x40
	extended       = 0x80
)

// device is an authenticator together with its browser, as far as a provider sees them. It does what the page asks, and
// its fields are what an attack changes.
type device struct {
	testing.TB

	origin, rpID string // rpID empty: the one of the options
	crossOrigin  bool
	flags        byte
	counter      uint32
	aaguid       [16]byte
	key          crypto.Signer
	id           []byte
	handle       []byte
	attestation  string // the fmt; empty means "none"
	extensions   string // clientExtensionResults; empty means {}
}

// newDevice returns one that holds a new key; it is unlocked, synchronises nothing and counts.
func newDevice(t testing.TB, alg string) *device {
	d := &device{TB: t, origin: origin, flags: present | verified, counter: 1, id: make([]byte, 16)}
	rand.Read(d.id)
	d.aaguid = [16]byte{0xfb, 0xfc, 0x30, 0x07, 0x15, 0x4e, 0x4e, 0xcc, 0x8c, 0x0b, 0x6e, 0x02, 0x05, 0x57, 0xd7, 0xbd}
	var err error
	switch alg {
	case "ES256":
		d.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "RS256":
		d.key, err = rsa.GenerateKey(rand.Reader, 2048)
	case "EdDSA":
		_, d.key, err = ed25519.GenerateKey(rand.Reader)
	}
	require.NoError(t, err)
	return d
}

// clone returns a copy of the device, with the same key.
func (d *device) clone() *device {
	twin := *d
	return &twin
}

type creationOptions struct {
	PublicKey struct {
		Challenge string
		RP        struct{ ID, Name string }
		User      struct{ ID, Name, DisplayName string }
		Params    []struct {
			Alg int
		} `json:"pubKeyCredParams"`
		Exclude                []struct{ ID string } `json:"excludeCredentials"`
		AuthenticatorSelection struct {
			ResidentKey, UserVerification string
			RequireResidentKey            bool
		}
		Attestation string
	}
}

// create is navigator.credentials.create, and PublicKeyCredential.toJSON.
func (d *device) create(options json.RawMessage) string {
	var o creationOptions
	require.NoError(d, json.Unmarshal(options, &o))
	var err error
	d.handle, err = base64.RawURLEncoding.DecodeString(o.PublicKey.User.ID)
	require.NoError(d, err)

	data := d.authenticatorData(o.PublicKey.RP.ID, d.flags|attested)
	data = append(data, d.aaguid[:]...)
	data = binary.BigEndian.AppendUint16(data, uint16(len(d.id)))
	data = append(data, d.id...)
	data = append(data, d.publicKey()...)
	if d.flags&extended != 0 {
		data = append(data, d.encode(map[string]any{"credProtect": 2})...)
	}
	format := "none"
	statement := map[string]any{}
	if d.attestation != "" {
		format, statement = d.attestation, map[string]any{"alg": -7, "sig": []byte("of whoever"), "x5c": []any{[]byte("?")}}
	}
	object := d.encode(map[string]any{"fmt": format, "attStmt": statement, "authData": data})
	return d.response(map[string]any{
		"clientDataJSON":    d.encoded(d.clientData("webauthn.create", o.PublicKey.Challenge)),
		"attestationObject": d.encoded(object),
		"transports":        []string{"internal", "hybrid"},
	})
}

type requestOptions struct {
	PublicKey struct {
		Challenge, RPID, UserVerification string
		Timeout                           int
		Allow                             []any `json:"allowCredentials"`
	}
}

// get is navigator.credentials.get, and PublicKeyCredential.toJSON.
func (d *device) get(options json.RawMessage) string {
	var o requestOptions
	require.NoError(d, json.Unmarshal(options, &o))
	data := d.authenticatorData(o.PublicKey.RPID, d.flags)
	client := d.clientData("webauthn.get", o.PublicKey.Challenge)
	hash := sha256.Sum256(client)
	return d.response(map[string]any{
		"clientDataJSON":    d.encoded(client),
		"authenticatorData": d.encoded(data),
		"signature":         d.encoded(d.sign(append(data, hash[:]...))),
		"userHandle":        d.encoded(d.handle),
	})
}

func (d *device) authenticatorData(rpID string, flags byte) []byte {
	if d.rpID != "" {
		rpID = d.rpID
	}
	hash := sha256.Sum256([]byte(rpID))
	return binary.BigEndian.AppendUint32(append(hash[:], flags), d.counter)
}

func (d *device) clientData(typ, challenge string) []byte {
	data, err := json.Marshal(map[string]any{
		"type": typ, "challenge": challenge, "origin": d.origin, "crossOrigin": d.crossOrigin,
	})
	require.NoError(d, err)
	return data
}

func (d *device) sign(message []byte) []byte {
	digest, opts := message, crypto.SignerOpts(crypto.Hash(0))
	if _, ok := d.key.(ed25519.PrivateKey); !ok {
		hash := sha256.Sum256(message)
		digest, opts = hash[:], crypto.SHA256
	}
	signature, err := d.key.Sign(rand.Reader, digest, opts)
	require.NoError(d, err)
	return signature
}

// publicKey is the COSE_Key (RFC 9052 section 7).
func (d *device) publicKey() []byte {
	switch key := d.key.Public().(type) {
	case *ecdsa.PublicKey:
		point, err := key.Bytes()
		require.NoError(d, err)
		return d.encode(map[int]any{1: 2, 3: -7, -1: 1, -2: point[1:33], -3: point[33:]})
	case *rsa.PublicKey:
		return d.encode(map[int]any{1: 3, 3: -257, -1: key.N.Bytes(), -2: []byte{1, 0, 1}})
	case ed25519.PublicKey:
		return d.encode(map[int]any{1: 1, 3: -8, -1: 6, -2: []byte(key)})
	}
	d.Fatal("no such key")
	return nil
}

func (d *device) response(response map[string]any) string {
	extensions := d.extensions
	if extensions == "" {
		extensions = "{}"
	}
	text, err := json.Marshal(map[string]any{
		"id": d.encoded(d.id), "rawId": d.encoded(d.id), "type": "public-key", "authenticatorAttachment": "platform",
		"response": response, "clientExtensionResults": json.RawMessage(extensions),
	})
	require.NoError(d, err)
	return string(text)
}

func (d *device) encode(v any) []byte {
	mode, err := cbor.CTAP2EncOptions().EncMode()
	require.NoError(d, err)
	data, err := mode.Marshal(v)
	require.NoError(d, err)
	return data
}

func (d *device) encoded(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
