package signet_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"testing"

	"github.com/fxamacker/cbor/v2"
	"github.com/stretchr/testify/require"
)

// softwareDevice is a passkey together with its browser.
type softwareDevice struct {
	*testing.T
	key        *ecdsa.PrivateKey
	id, handle []byte
}

func newSoftwareDevice(t *testing.T) *softwareDevice {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	d := &softwareDevice{T: t, key: key, id: make([]byte, 16)}
	rand.Read(d.id)
	return d
}

func (d *softwareDevice) point() []byte {
	point, err := d.key.PublicKey.Bytes()
	require.NoError(d, err)
	return point
}

// create is navigator.credentials.create, and PublicKeyCredential.toJSON.
func (d *softwareDevice) create(options json.RawMessage) string {
	var o struct {
		PublicKey struct {
			Challenge string
			User      struct{ ID string }
		}
	}
	require.NoError(d, json.Unmarshal(options, &o))
	var err error
	d.handle, err = base64.RawURLEncoding.DecodeString(o.PublicKey.User.ID)
	require.NoError(d, err)
	data := binary.BigEndian.AppendUint16(append(d.data(0x45), make([]byte, 16)...), uint16(len(d.id)))
	data = append(append(data, d.id...), d.encode(map[int]any{1: 2, 3: -7, -1: 1, -2: d.point()[1:33], -3: d.point()[33:]})...)
	return d.response(map[string]any{
		"clientDataJSON":    d.clientData("webauthn.create", o.PublicKey.Challenge),
		"attestationObject": d.encode(map[string]any{"fmt": "none", "attStmt": map[string]any{}, "authData": data}),
	})
}

// get is navigator.credentials.get, for the person of the owner.
func (d *softwareDevice) get(options json.RawMessage, owner *softwareDevice) string {
	var o struct{ PublicKey struct{ Challenge string } }
	require.NoError(d, json.Unmarshal(options, &o))
	client := d.clientData("webauthn.get", o.PublicKey.Challenge)
	hash := sha256.Sum256(client)
	digest := sha256.Sum256(append(d.data(0x05), hash[:]...))
	signature, err := ecdsa.SignASN1(rand.Reader, d.key, digest[:])
	require.NoError(d, err)
	return d.response(map[string]any{
		"clientDataJSON": client, "authenticatorData": d.data(0x05), "signature": signature, "userHandle": owner.handle,
	})
}

func (d *softwareDevice) data(flags byte) []byte {
	hash := sha256.Sum256([]byte("id.example"))
	return append(hash[:], flags, 0, 0, 0, 0)
}

func (d *softwareDevice) clientData(typ, challenge string) []byte {
	data, err := json.Marshal(map[string]any{"type": typ, "challenge": challenge, "origin": factorsIssuer, "crossOrigin": false})
	require.NoError(d, err)
	return data
}

func (d *softwareDevice) encode(v any) []byte {
	mode, err := cbor.CTAP2EncOptions().EncMode()
	require.NoError(d, err)
	data, err := mode.Marshal(v)
	require.NoError(d, err)
	return data
}

func (d *softwareDevice) response(members map[string]any) string {
	for name, value := range members {
		members[name] = base64.RawURLEncoding.EncodeToString(value.([]byte))
	}
	id := base64.RawURLEncoding.EncodeToString(d.id)
	text, err := json.Marshal(map[string]any{
		"id": id, "rawId": id, "type": "public-key", "response": members, "clientExtensionResults": map[string]any{},
	})
	require.NoError(d, err)
	return string(text)
}
