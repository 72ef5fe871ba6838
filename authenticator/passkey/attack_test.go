package passkey_test

import (
	"crypto"
	"crypto/rsa"
	"encoding/json"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/passkey"
)

// change decodes a response, changes it, and encodes it.
func change(t testing.TB, response string, f func(r, inner map[string]any)) string {
	t.Helper()
	var r map[string]any
	require.NoError(t, json.Unmarshal([]byte(response), &r))
	f(r, r["response"].(map[string]any))
	changed, err := json.Marshal(r)
	require.NoError(t, err)
	return string(changed)
}

// flip changes one bit in the middle of something in base64url.
func flip(inner map[string]any, name string) {
	text := []byte(inner[name].(string))
	i := len(text) / 2
	if text[i] == 'A' {
		text[i] = 'B'
	} else {
		text[i] = 'A'
	}
	inner[name] = string(text)
}

func TestForgedLoginsAreRefused(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		device func(d *device)
		answer func(r, inner map[string]any)
		log    string
	}{
		{name: "made on another site", device: func(d *device) { d.origin = "https://id.example.evil" }, log: "origin"},
		{name: "made on a site below", device: func(d *device) { d.origin = "https://evil.id.example" }, log: "origin"},
		{name: "made without TLS", device: func(d *device) { d.origin = "http://id.example" }, log: "origin"},
		{name: "made on another port", device: func(d *device) { d.origin = "https://id.example:8443" }, log: "origin"},
		{name: "made in a foreign frame", device: func(d *device) { d.crossOrigin = true }, log: "cross origin"},
		{name: "for another RP ID", device: func(d *device) { d.rpID = "evil" }, log: "authenticator response"},
		{name: "device not unlocked", device: func(d *device) { d.flags &^= verified }, log: "authenticator response"},
		{name: "nobody present", device: func(d *device) { d.flags &^= present }, log: "authenticator response"},
		{name: "with another key", device: func(d *device) { d.key = newDevice(d, "ES256").key }, log: "signature"},
		{name: "with a key of another kind", device: func(d *device) { d.key = newDevice(d, "EdDSA").key }, log: "signature"},
		{name: "backup eligibility changed", device: func(d *device) { d.flags |= backupEligible }, log: "Backup Eligible"},
		{name: "backed up without eligibility", device: func(d *device) { d.flags |= backedUp }, log: "Backup State"},
		{name: "credential that nobody registered", device: func(d *device) { d.id = []byte("sixteen bytes...") }, log: "not registered"},
		{name: "somebody else's user handle", device: func(d *device) { d.handle = []byte("sixteen bytes...") }, log: "User handle"},
		{name: "no user handle", device: func(d *device) { d.handle = nil }, log: "blank User Handle"},
		{name: "signature tampered with", answer: func(_, inner map[string]any) { flip(inner, "signature") }, log: "signature"},
		{name: "no signature", answer: func(_, inner map[string]any) { delete(inner, "signature") }, log: "signature"},
		{name: "authenticator data tampered with", answer: func(_, inner map[string]any) { flip(inner, "authenticatorData") }, log: "passkey:"},
		{name: "client data tampered with", answer: func(_, inner map[string]any) { flip(inner, "clientDataJSON") }, log: "passkey:"},
		{name: "id and rawId differ", answer: func(r, _ map[string]any) { r["rawId"] = "AAAA" }, log: "rawId"},
		{name: "of another type", answer: func(r, _ map[string]any) { r["type"] = "password" }, log: "type"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			d := w.enrolled(grace)
			good := d.clone()
			if tt.device != nil {
				tt.device(d)
			}
			c := w.challenge()
			response := d.get(c.Options)
			if tt.answer != nil {
				response = change(t, response, tt.answer)
			}
			identity, err := w.answer(c.State, response)
			assert.Nil(t, identity)
			assert.Contains(t, refused(t, err, authenticator.WrongCredentials), tt.log)
			assert.NotContains(t, err.Error(), grace.Subject)
			assert.Empty(t, w.people.asked, "the identity system hears of nobody")

			_, err = w.login(good)
			require.NoError(t, err, "the right device is as good as before")
		})
	}
}

func TestAnAnswerCountsForItsOwnChallenge(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.enrolled(grace)
	asked, other := w.challenge(), w.challenge()

	_, err := w.answer(other.State, d.get(asked.Options))
	assert.Contains(t, refused(t, err, authenticator.WrongCredentials), "challenge")
	assert.NotContains(t, err.Error(), "Expected", "the challenge is not in the log")
	_, err = w.answer(nil, d.get(asked.Options))
	assert.Contains(t, refused(t, err, authenticator.WrongCredentials), "no challenge")
	_, err = w.answer([]byte("{}"), d.get(asked.Options))
	refused(t, err, authenticator.WrongCredentials)
	enrollment, _ := w.begin(grace)
	_, err = w.answer(enrollment.State, d.get(asked.Options))
	refused(t, err, authenticator.WrongCredentials)

	_, err = w.answer(asked.State, d.get(asked.Options))
	require.NoError(t, err)
}

func TestAChallengeIsGoodForItsTime(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *passkey.Config) { c.Timeout = time.Minute })
	d := w.enrolled(grace)
	c := w.challenge()
	r, options := w.begin(grace)
	w.clock.advance(time.Minute)
	_, err := w.answer(c.State, d.get(c.Options))
	assert.Contains(t, refused(t, err, authenticator.WrongCredentials), "too old")
	r.Response = newDevice(t, "ES256").create(options)
	assert.Contains(t, refused(t, w.FinishEnrollment(t.Context(), r), authenticator.WrongCredentials), "too old")

	c = w.challenge()
	w.clock.advance(time.Minute - 1)
	_, err = w.answer(c.State, d.get(c.Options))
	require.NoError(t, err)
}

func TestOfTwoDevicesWithOneKeyOneIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.enrolled(grace)
	d.counter = 7
	twin := d.clone()
	_, err := w.login(d)
	require.NoError(t, err)
	for _, counter := range []uint32{7, 6, 0} {
		twin.counter = counter
		_, err = w.login(twin)
		refused(t, err, authenticator.WrongCredentials)
		require.ErrorIs(t, err, passkey.ErrCloned)
	}
	d.counter = 8
	_, err = w.login(d)
	require.NoError(t, err)
}

func TestAReplayedAnswerIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.enrolled(grace)
	c := w.challenge()
	response := d.get(c.Options)
	_, err := w.answer(c.State, response)
	require.NoError(t, err)
	_, err = w.answer(c.State, response)
	require.ErrorIs(t, err, passkey.ErrCloned)
}

func TestCountersThatStayAtZeroAreAccepted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := newDevice(t, "ES256")
	d.counter = 0
	require.NoError(t, w.enroll(grace, d))
	for range 3 {
		_, err := w.login(d)
		require.NoError(t, err)
	}
}

func TestUserVerificationIsAPolicy(t *testing.T) {
	t.Parallel()
	for policy, accepted := range map[passkey.UserVerification]bool{
		"": false, passkey.Required: false, passkey.Preferred: true, passkey.Discouraged: true,
	} {
		t.Run("policy "+string(policy), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(c *passkey.Config) { c.UserVerification = policy })
			d := newDevice(t, "ES256")
			d.flags &^= verified
			err := w.enroll(grace, d)
			if !accepted {
				refused(t, err, authenticator.WrongCredentials)
				return
			}
			require.NoError(t, err)
			d.counter++
			_, err = w.login(d)
			require.NoError(t, err)
			d.flags &^= present
			d.counter++
			_, err = w.login(d)
			refused(t, err, authenticator.WrongCredentials)
		})
	}
}

func TestForgedEnrollmentsAreRefused(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		device func(d *device)
		answer func(r, inner map[string]any)
		log    string
	}{
		{name: "made on another site", device: func(d *device) { d.origin = "https://id.example.evil" }, log: "origin"},
		{name: "made in a foreign frame", device: func(d *device) { d.crossOrigin = true }, log: "cross origin"},
		{name: "for another RP ID", device: func(d *device) { d.rpID = "evil" }, log: "authenticator response"},
		{name: "device not unlocked", device: func(d *device) { d.flags &^= verified }, log: "authenticator response"},
		{name: "nobody present", device: func(d *device) { d.flags &^= present }, log: "authenticator response"},
		{name: "backed up without eligibility", device: func(d *device) { d.flags |= backedUp }, log: "Backup State"},
		{name: "short RSA key", device: func(d *device) { d.key = shortKey{} }, log: "RSA key needs"},
		{name: "no attestation object", answer: func(_, inner map[string]any) { delete(inner, "attestationObject") }, log: "passkey:"},
		{name: "CBOR cut short", answer: func(_, inner map[string]any) {
			s := inner["attestationObject"].(string)
			inner["attestationObject"] = s[:len(s)/4*3]
		}, log: "passkey:"},
		{name: "another id", answer: func(r, _ map[string]any) { r["id"], r["rawId"] = "AAAA", "AAAA" }, log: "credential id"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			r, options := w.begin(grace)
			d := newDevice(t, "ES256")
			if tt.device != nil {
				tt.device(d)
			}
			r.Response = d.create(options)
			if tt.answer != nil {
				r.Response = change(t, r.Response, tt.answer)
			}
			assert.Contains(t, refused(t, w.FinishEnrollment(t.Context(), r), authenticator.WrongCredentials), tt.log)
			passkeys, err := w.List(t.Context(), &grace)
			require.NoError(t, err)
			assert.Empty(t, passkeys)
		})
	}
}

// shortKey has a modulus of 1024 bits. An enrollment is not signed with it.
type shortKey struct{ crypto.Signer }

func (shortKey) Public() crypto.PublicKey {
	return &rsa.PublicKey{N: new(big.Int).Lsh(big.NewInt(1), 1023), E: 65537}
}

func TestAnEnrollmentIsForWhoBeganIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := newDevice(t, "ES256")
	r, options := w.begin(grace)
	r.Response = d.create(options)

	stolen := *r
	stolen.Identity = amelie
	refused(t, w.FinishEnrollment(t.Context(), &stolen), authenticator.WrongCredentials)
	other, _ := w.begin(grace)
	other.Response = r.Response
	assert.Contains(t, refused(t, w.FinishEnrollment(t.Context(), other), authenticator.WrongCredentials), "challenge")

	require.NoError(t, w.FinishEnrollment(t.Context(), r))
	assert.Contains(t, refused(t, w.FinishEnrollment(t.Context(), r), authenticator.WrongCredentials), "registered already")
}

func TestACredentialHasOneOwner(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.enrolled(grace)
	thief := newDevice(t, "ES256")
	thief.id = d.id
	refused(t, w.enroll(amelie, thief), authenticator.WrongCredentials)
	_, err := w.login(thief)
	refused(t, err, authenticator.WrongCredentials)
	identity, err := w.login(d)
	require.NoError(t, err)
	assert.Equal(t, grace.Subject, identity.Subject)
}

func TestMalformedAnswersAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.enrolled(grace)
	c := w.challenge()
	good := d.get(c.Options)
	for name, response := range map[string]string{
		"nothing":          "",
		"null":             "null",
		"another type":     `[]`,
		"empty object":     `{}`,
		"not JSON":         good[:len(good)-1],
		"more than one":    good + good,
		"deeply nested":    strings.Repeat("[", 10_000),
		"id of line feeds": `{"id":"\n\n","rawId":"","type":"public-key","response":{}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := w.answer(c.State, response)
			refused(t, err, authenticator.WrongCredentials)
			r, _ := w.begin(grace)
			r.Response = response
			refused(t, w.FinishEnrollment(t.Context(), r), authenticator.WrongCredentials)
		})
	}
	longest := good + strings.Repeat(" ", 16<<10-len(good))
	_, err := w.answer(c.State, longest+" ")
	assert.Contains(t, refused(t, err, authenticator.WrongCredentials), "too long")
	r, _ := w.begin(grace)
	r.Response = longest + " "
	assert.Contains(t, refused(t, w.FinishEnrollment(t.Context(), r), authenticator.WrongCredentials), "too long")
	_, err = w.answer(c.State, longest)
	require.NoError(t, err)
}
