package passkey_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/passkey"
	"github.com/gosignet/signet/store"
)

func TestAPersonLogsInWithAPasskey(t *testing.T) {
	t.Parallel()
	for _, alg := range []string{"ES256", "RS256", "EdDSA"} {
		t.Run(alg, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			d := newDevice(t, alg)
			require.NoError(t, w.enroll(grace, d))
			for range 3 {
				d.counter++
				identity, err := w.login(d)
				require.NoError(t, err)
				assert.Equal(t, &authenticator.Identity{Subject: grace.Subject, State: []byte("today")}, identity)
			}
			assert.Equal(t, grace, w.people.asked[0], "the identity system is told whom it identified, and gives today's State")
		})
	}
}

func TestThePersonIsNotAskedForAName(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.enrolled(grace)

	ask := func(id string) requestOptions {
		c, err := w.Challenge(t.Context(), &authenticator.DeviceRequest{
			Factor: authenticator.Passkey, Identifier: authenticator.Identifier{Value: id},
		})
		require.NoError(t, err)
		var o requestOptions
		require.NoError(t, json.Unmarshal(c.Options, &o))
		return o
	}
	known, unknown := ask("grace"), ask("nobody")
	assert.Len(t, known.PublicKey.Challenge, 43)
	assert.NotEqual(t, known.PublicKey.Challenge, unknown.PublicKey.Challenge)
	assert.Equal(t, rpID, known.PublicKey.RPID)
	assert.Equal(t, "required", known.PublicKey.UserVerification)
	assert.Equal(t, 600_000, known.PublicKey.Timeout)
	known.PublicKey.Challenge, unknown.PublicKey.Challenge = "", ""
	assert.Equal(t, known, unknown)
	assert.Empty(t, known.PublicKey.Allow)
}

func TestTheIdentifierOfTheRequestIsNotTrusted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.enrolled(grace)
	c := w.challenge()
	identity, err := w.Authenticate(t.Context(), &authenticator.Request{
		Identifier: authenticator.Identifier{Value: "amelie-2"},
		Challenges: []authenticator.Challenge{{Factor: authenticator.Passkey, Response: d.get(c.Options), State: c.State}},
	})
	require.NoError(t, err)
	assert.Equal(t, grace.Subject, identity.Subject, "the login compares the subject with the one of its earlier factors")
}

func TestADeviceIsAskedForADiscoverableCredentialWithoutAttestation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.enrolled(grace)
	w.enrolled(amelie)

	begun, options := w.begin(grace)
	assert.LessOrEqual(t, len(begun.State), 4<<10)
	var o creationOptions
	require.NoError(t, json.Unmarshal(options, &o))
	assert.Equal(t, "required", o.PublicKey.AuthenticatorSelection.ResidentKey)
	assert.True(t, o.PublicKey.AuthenticatorSelection.RequireResidentKey)
	assert.Equal(t, "required", o.PublicKey.AuthenticatorSelection.UserVerification)
	assert.Equal(t, "none", o.PublicKey.Attestation)
	assert.Equal(t, "Example ID", o.PublicKey.RP.Name)
	assert.Equal(t, "••• 356", o.PublicKey.User.Name)
	assert.NotContains(t, string(options), grace.Subject)
	require.Len(t, o.PublicKey.Exclude, 1, "the person's own passkeys, and nobody else's")
	assert.Equal(t, base64.RawURLEncoding.EncodeToString(first.id), o.PublicKey.Exclude[0].ID)
	require.Len(t, o.PublicKey.Params, 4)
	assert.Equal(t, -7, o.PublicKey.Params[0].Alg)
}

func TestUserHandlesNameNobodyAndTellPeopleApart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one, other, amelies := w.enrolled(grace), w.enrolled(grace), w.enrolled(amelie)
	assert.Len(t, one.handle, 32)
	assert.Equal(t, one.handle, other.handle)
	assert.NotEqual(t, one.handle, amelies.handle)
	w = newWorld(t, func(c *passkey.Config) { c.Secret = bytes.Repeat([]byte{8}, 32) })
	assert.NotEqual(t, one.handle, w.enrolled(grace).handle)
}

func TestWhatAttestationSaysIsNotRead(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"packed", "tpm", "android-safetynet", "compound", "unheard-of"} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			d := newDevice(t, "ES256")
			d.attestation = format
			err := w.enroll(grace, d)
			if format == "compound" { // whose statement is a list
				refused(t, err, authenticator.WrongCredentials)
				return
			}
			require.NoError(t, err)
			d.counter++
			_, err = w.login(d)
			require.NoError(t, err)
		})
	}
}

func TestExtensionsThatNobodyAskedForAreIgnored(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := newDevice(t, "ES256")
	d.flags |= extended
	d.extensions = `{"credProps":{"rk":true},"prf":{"enabled":true},"somebodys":{"own":1}}`
	require.NoError(t, w.enroll(grace, d))
	d.flags &^= extended
	d.counter++
	_, err := w.login(d)
	require.NoError(t, err)
}

func TestACredentialThatIsNotDiscoverableIsRefused(t *testing.T) {
	t.Parallel()
	d := newDevice(t, "ES256")
	d.extensions = `{"credProps":{"rk":false}}`
	refused(t, newWorld(t).enroll(grace, d), authenticator.WrongCredentials)
}

func TestTheIdentitySystemHasTheLastWord(t *testing.T) {
	t.Parallel()
	locked := &authenticator.Error{Reason: authenticator.Locked, RetryAt: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)}
	outage := errors.New("connection refused")
	tests := []struct {
		name   string
		answer *authenticator.Identity
		err    error
		want   error
		reason authenticator.Reason
	}{
		{name: "locked", err: locked, want: locked, reason: authenticator.Locked},
		{name: "not there any more", err: &authenticator.Error{Reason: authenticator.WrongCredentials}, reason: authenticator.WrongCredentials},
		{name: "does not answer", err: outage, want: outage},
		{name: "recalls somebody else", answer: &amelie, reason: authenticator.Unavailable},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			d := w.enrolled(grace)
			w.people.answer, w.people.err = tt.answer, tt.err
			identity, err := w.login(d)
			assert.Nil(t, identity)
			if tt.want != nil {
				require.ErrorIs(t, err, tt.want)
			}
			if tt.reason != "" {
				refused(t, err, tt.reason)
			}
		})
	}
}

func TestOtherFactorsAreNotSupported(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	assert.Equal(t, []authenticator.Factor{authenticator.Passkey}, w.Factors())
	assert.Equal(t, []authenticator.Factor{authenticator.Passkey}, w.Enrollable())
	assert.Equal(t, authenticator.Traits{Identifies: true, MaxResponse: 16 << 10}, authenticator.TraitsOf(w.Method, authenticator.Passkey))

	_, err := w.Challenge(t.Context(), &authenticator.DeviceRequest{Factor: authenticator.OTP})
	refused(t, err, authenticator.Unsupported)
	for _, challenges := range [][]authenticator.Challenge{
		nil, {{Factor: authenticator.OTP}}, {{Factor: authenticator.Passkey}, {Factor: authenticator.Passkey}},
	} {
		_, err = w.Authenticate(t.Context(), &authenticator.Request{Challenges: challenges})
		refused(t, err, authenticator.Unsupported)
	}
	r := w.enrollment(grace)
	r.Factor = authenticator.OTP
	_, err = w.BeginEnrollment(t.Context(), r)
	refused(t, err, authenticator.Unsupported)
	refused(t, w.FinishEnrollment(t.Context(), r), authenticator.Unsupported)
	_, err = w.BeginEnrollment(t.Context(), w.enrollment(authenticator.Identity{}))
	refused(t, err, authenticator.Unavailable)
}

func TestWithoutALedgerNobodyLogsIn(t *testing.T) {
	t.Parallel()
	outage := errors.New("connection refused")
	w := newWorld(t, func(c *passkey.Config) { c.Ledger = &brokenLedger{Ledger: c.Ledger} })
	d := w.enrolled(grace)
	c := w.challenge()
	w.ledger.(*brokenLedger).err = outage

	_, err := w.answer(c.State, d.get(c.Options))
	refused(t, err, authenticator.Unavailable)
	require.ErrorIs(t, err, outage)
	_, err = w.BeginEnrollment(t.Context(), w.enrollment(grace))
	refused(t, err, authenticator.Unavailable)
	_, err = w.List(t.Context(), &grace)
	refused(t, err, authenticator.Unavailable)
	refused(t, w.Remove(t.Context(), &grace, "id"), authenticator.Unavailable)
}

func TestNewReportsEveryMistake(t *testing.T) {
	t.Parallel()
	_, err := passkey.New(passkey.Config{
		RPID: "127.0.0.1", UserVerification: "sometimes", Timeout: -1, MaxPerPerson: 101, Retention: time.Hour,
	})
	for _, want := range []string{
		"RPID", "Origins are required", "DisplayName", "Ledger", "Identities", "Secret needs 32 bytes",
		`UserVerification "sometimes"`, "Timeout", "MaxPerPerson", "Retention",
	} {
		assert.ErrorContains(t, err, want)
	}
	for wrong, right := range map[string]string{
		"http://id.example": "https://id.example", "https://id.example/": "https://id.example:8443", "https://example": "https://a.id.example",
		"https://evilid.example": "https://id.example", "https://id.example.evil": "https://id.example", "": "https://id.example",
	} {
		w := newWorld(t, func(c *passkey.Config) { c.Origins = []string{right} })
		w.config.Origins = []string{wrong}
		_, err := passkey.New(w.config)
		require.ErrorContains(t, err, "no https origin", wrong)
		assert.Len(t, strings.Split(err.Error(), "\n"), 1)
	}
	newWorld(t, func(c *passkey.Config) { c.RPID, c.Origins = "localhost", []string{"http://localhost:8080"} })
}

// brokenLedger fails once it has an error.
type brokenLedger struct {
	store.Ledger

	err error
}

func (b *brokenLedger) Read(ctx context.Context, collection, id string) (store.Record, error) {
	if b.err != nil {
		return store.Record{}, b.err
	}
	return b.Ledger.Read(ctx, collection, id)
}

func (b *brokenLedger) List(ctx context.Context, collection string, q store.Query) ([]store.Record, error) {
	if b.err != nil {
		return nil, b.err
	}
	return b.Ledger.List(ctx, collection, q)
}
