package passkey_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
)

// FuzzResponse gives both ceremonies what a stranger sends.
func FuzzResponse(f *testing.F) {
	w := newWorld(f)
	d := w.enrolled(grace)
	c := w.challenge()
	enrollment, options := w.begin(amelie)
	login, creation := d.get(c.Options), newDevice(f, "ES256").create(options)
	for _, s := range []string{
		login, creation, "", "{}", "[]", "null", login + login, strings.ReplaceAll(login, ":", "::"),
		`{"id":"AA","rawId":"AA","type":"public-key","response":{"clientDataJSON":"bnVsbA","authenticatorData":"AA"}}`,
		`{"id":"AA","rawId":"AA","type":"public-key","response":{"clientDataJSON":"e30","attestationObject":"oA"}}`,
	} {
		f.Add(s)
	}
	_, err := w.answer(c.State, login) // used up, by the counter
	require.NoError(f, err)
	enrollment.Response = creation
	require.NoError(f, w.FinishEnrollment(f.Context(), enrollment)) // registered already

	f.Fuzz(func(t *testing.T, response string) {
		_, loginErr := w.Authenticate(t.Context(), &authenticator.Request{
			Challenges: []authenticator.Challenge{{Factor: authenticator.Passkey, Response: response, State: c.State}},
		})
		again := *enrollment
		again.Response = response
		for _, err := range []error{loginErr, w.FinishEnrollment(t.Context(), &again)} {
			var failure *authenticator.Error
			if !errors.As(err, &failure) || failure.Reason != authenticator.WrongCredentials {
				t.Fatalf("%q: %v", response, err)
			}
		}
	})
}

// FuzzAttestationObject gives enrollments what a device makes up.
func FuzzAttestationObject(f *testing.F) {
	w := newWorld(f)
	enrollment, options := w.begin(grace)
	for _, alg := range []string{"ES256", "EdDSA"} {
		for _, format := range []string{"", "packed", "tpm", "fido-u2f", "compound"} {
			d := newDevice(f, alg)
			d.attestation = format
			change(f, d.create(options), func(_, inner map[string]any) {
				object, err := base64.RawURLEncoding.DecodeString(inner["attestationObject"].(string))
				require.NoError(f, err)
				f.Add(object)
				f.Add(object[:len(object)-1])
			})
		}
	}
	f.Add([]byte{0xa0})
	f.Add(bytes.Repeat([]byte{0x81}, 1000))
	template := newDevice(f, "ES256").create(options)

	f.Fuzz(func(t *testing.T, object []byte) {
		r := *enrollment
		r.Response = change(t, template, func(_, inner map[string]any) {
			inner["attestationObject"] = base64.RawURLEncoding.EncodeToString(object)
		})
		var failure *authenticator.Error
		if err := w.FinishEnrollment(t.Context(), &r); !errors.As(err, &failure) || failure.Reason != authenticator.WrongCredentials {
			t.Fatalf("%x: %v", object, err)
		}
	})
}

// FuzzAuthenticatorData gives logins what the right device signs.
func FuzzAuthenticatorData(f *testing.F) {
	w := newWorld(f)
	d := newDevice(f, "EdDSA")
	d.counter = 0
	require.NoError(f, w.enroll(grace, d))
	c := w.challenge()
	good := d.authenticatorData(rpID, d.flags)
	f.Add(good)
	f.Add(good[:36])
	f.Add(append(bytes.Clone(good), 0))
	for _, flags := range []byte{0, present, present | verified | extended, present | verified | attested, present | verified | backedUp, 0xff} {
		f.Add(d.authenticatorData(rpID, flags))
		f.Add(append(d.authenticatorData(rpID, flags), 0xa1, 0x61, 'x', 0xf5))
	}
	var o requestOptions
	require.NoError(f, json.Unmarshal(c.Options, &o))
	client := d.clientData("webauthn.get", o.PublicKey.Challenge)
	hash, rp := sha256.Sum256(client), sha256.Sum256([]byte(rpID))

	f.Fuzz(func(t *testing.T, data []byte) {
		d := d.clone()
		d.TB = t
		response := d.response(map[string]any{
			"clientDataJSON": d.encoded(client), "authenticatorData": d.encoded(data), "userHandle": d.encoded(d.handle),
			"signature": d.encoded(d.sign(append(bytes.Clone(data), hash[:]...))),
		})
		_, err := w.Authenticate(t.Context(), &authenticator.Request{
			Challenges: []authenticator.Challenge{{Factor: authenticator.Passkey, Response: response, State: c.State}},
		})
		var failure *authenticator.Error
		switch {
		case err == nil:
			if !bytes.HasPrefix(data, rp[:]) || data[32]&(present|verified) != present|verified {
				t.Fatalf("accepted %x", data)
			}
		case !errors.As(err, &failure) || failure.Reason != authenticator.WrongCredentials:
			t.Fatalf("%x: %v", data, err)
		}
	})
}
