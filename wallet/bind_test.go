package wallet_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/audit"
	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/consent"
	"github.com/gosignet/signet/wallet"
)

func reason(t testing.TB, err error) authenticator.Reason {
	t.Helper()
	e, ok := errors.AsType[*authenticator.Error](err)
	require.True(t, ok, "%v", err)
	return e.Reason
}

func TestBindingCertifiesTheKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := newPhone(t, grace)
	bound, err := p.bind(w)
	require.NoError(t, err)

	assert.True(t, p.key.Public().(*ecdsa.PublicKey).Equal(bound.Certificate.PublicKey))
	require.NoError(t, bound.Certificate.CheckSignatureFrom(bound.Chain[0]))
	roots := x509.NewCertPool()
	roots.AddCert(bound.Chain[0])
	_, err = bound.Certificate.Verify(x509.VerifyOptions{Roots: roots, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
	require.NoError(t, err)
	assert.Equal(t, bound.WalletUserID, bound.Certificate.Subject.CommonName)
	assert.Equal(t, now.AddDate(0, 0, 180), bound.ExpiresAt)
	assert.False(t, bound.Replaced)
	assert.Equal(t, audit.DeviceEnrolled, w.trail.last().Type)
	assert.Equal(t, audit.Success, w.trail.last().Outcome)

	found, err := w.WalletBindings(t.Context(), grace)
	require.NoError(t, err)
	require.Len(t, found, 1)
	assert.Equal(t, authenticator.Identity{Subject: "person " + grace, State: []byte("bound")}, found[0].Identity)
	none, err := w.WalletBindings(t.Context(), ada)
	require.NoError(t, err)
	assert.Empty(t, none)
}

func TestBindingAgainReplacesTheBinding(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := newPhone(t, grace)
	before, err := first.bind(w)
	require.NoError(t, err)
	second := newPhone(t, grace)
	after, err := second.bind(w)
	require.NoError(t, err)

	assert.True(t, after.Replaced)
	assert.Equal(t, before.WalletUserID, after.WalletUserID)
	_, err = w.Validate(t.Context(), grace, consent.Thumbprint(first.certificate.Raw))
	require.ErrorIs(t, err, wallet.ErrNotBound)
	_, err = w.Validate(t.Context(), grace, consent.Thumbprint(second.certificate.Raw))
	require.NoError(t, err)
}

// The hazard H20 of eSignet: the thumbprint stayed that of the certificate before.
func TestAllIndividualIDsOfAPersonLeadToTheSameBinding(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bound(grace)
	p := w.bound("alias of " + grace)
	for _, id := range []string{grace, p.individualID} {
		b, err := w.Validate(t.Context(), id, consent.Thumbprint(p.certificate.Raw))
		require.NoError(t, err)
		assert.Equal(t, consent.Thumbprint(b.Certificate.Raw), b.Thumbprint)
	}
	all, err := w.List(t.Context(), "", 0)
	require.NoError(t, err)
	assert.Len(t, all, 1)
	w.clock.advance(179 * 24 * time.Hour)
	third := w.bound("alias of " + grace)
	w.clock.advance(100 * 24 * time.Hour) // the first ID leads to it as long as it lasts
	_, err = w.Validate(t.Context(), grace, consent.Thumbprint(third.certificate.Raw))
	require.NoError(t, err)
}

func TestAKeyOfSomebodyElseIsNotBound(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.bound(grace)
	thief := &phone{TB: t, individualID: ada, key: p.key}
	_, err := thief.bind(w)
	require.ErrorIs(t, err, wallet.ErrKey)
	assert.Equal(t, "key", w.trail.last().Reason)
	_, err = w.Find(t.Context(), ada)
	require.ErrorIs(t, err, wallet.ErrNotBound)
}

func TestOfManyPeopleOneGetsAKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key := newPhone(t, grace).key
	var won sync.Map
	var all sync.WaitGroup
	for _, id := range []string{"1", "2", "3", "4", "5", "6"} {
		all.Go(func() {
			if _, err := (&phone{TB: t, individualID: id, key: key}).bind(w); err == nil {
				won.Store(id, true)
			}
		})
	}
	all.Wait()
	winners := 0
	won.Range(func(any, any) bool { winners++; return true })
	assert.Equal(t, 1, winners)
}

func TestABindingEnds(t *testing.T) {
	t.Parallel()
	t.Run("WithItsCertificate", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.bound(grace)
		w.clock.advance(180 * 24 * time.Hour)
		found, err := w.WalletBindings(t.Context(), grace)
		require.NoError(t, err)
		assert.Empty(t, found)
	})
	t.Run("WhenItIsRevoked", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		p := w.bound(grace)
		b, err := w.Find(t.Context(), grace)
		require.NoError(t, err)
		require.NoError(t, w.Revoke(t.Context(), b.ID))
		require.NoError(t, w.Revoke(t.Context(), b.ID))
		assert.Equal(t, audit.DeviceRevoked, w.trail.last().Type)
		found, err := w.WalletBindings(t.Context(), grace)
		require.NoError(t, err)
		assert.Empty(t, found)
		_, err = p.bind(w)
		require.ErrorIs(t, err, wallet.ErrKey, "a key that was revoked may be in other hands")
		other, err := newPhone(t, grace).bind(w)
		require.NoError(t, err)
		assert.NotEqual(t, b.WalletUserID, other.WalletUserID)
	})
	t.Run("NotWhenThereIsNone", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		require.ErrorIs(t, w.Revoke(t.Context(), "nobody"), wallet.ErrNotBound)
		require.ErrorIs(t, w.Revoke(t.Context(), ""), wallet.ErrNotBound)
	})
}

func TestWhoCannotProveWhoTheyAreBindsNothing(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*wallet.BindRequest)
		want   authenticator.Reason
	}{
		"WrongCode":      {func(q *wallet.BindRequest) { q.Challenges[0].Response = "a guess" }, authenticator.WrongCredentials},
		"NoAnswer":       {func(q *wallet.BindRequest) { q.Challenges[0].Response = "" }, authenticator.WrongCredentials},
		"LongAnswer":     {func(q *wallet.BindRequest) { q.Challenges[0].Response = string(make([]byte, 5000)) }, authenticator.WrongCredentials},
		"NoIdentifier":   {func(q *wallet.BindRequest) { q.Identifier.Value = " " }, authenticator.WrongCredentials},
		"NoChallenge":    {func(q *wallet.BindRequest) { q.Challenges = nil }, authenticator.Unsupported},
		"AnotherFactor":  {func(q *wallet.BindRequest) { q.Challenges[0].Factor = authenticator.Password }, authenticator.Unsupported},
		"TheFactorTwice": {func(q *wallet.BindRequest) { q.Challenges = append(q.Challenges, q.Challenges[0]) }, authenticator.Unsupported},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			q := newPhone(t, grace).request()
			c.change(q)
			_, err := w.Bind(t.Context(), q)
			assert.Equal(t, c.want, reason(t, err))
			assert.Equal(t, string(c.want), w.trail.last().Reason)
			_, err = w.Find(t.Context(), grace)
			require.ErrorIs(t, err, wallet.ErrNotBound)
		})
	}
}

func TestGuessesAtBindingCountWithThoseInLogins(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	q := newPhone(t, grace).request()
	q.Challenges[0].Response = "a guess"
	for range 10 {
		_, err := w.Bind(t.Context(), q)
		assert.Equal(t, authenticator.WrongCredentials, reason(t, err))
		w.clock.advance(time.Minute)
	}
	_, err := newPhone(t, grace).bind(w)
	assert.Equal(t, authenticator.Locked, reason(t, err))

	handle := w.begin() // and now in a login
	_, err = w.flow.Choose(t.Context(), handle, 1)
	require.NoError(t, err)
	_, err = w.flow.SendCode(t.Context(), handle, authenticator.Identifier{Value: grace})
	require.NoError(t, err)
	_, err = w.flow.Answer(t.Context(), handle, authenticator.Identifier{}, newPhone(t, grace).request().Challenges[0])
	assert.Equal(t, authenticator.Locked, reason(t, err))
}

func TestTheRightAnswerIsNotCounted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 15 {
		w.bound(grace)
	}
}

func TestACodeIsAnsweredInTheTransactionInWhichItWasSent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	receipt, err := w.SendCode(t.Context(), &wallet.CodeRequest{Identifier: authenticator.Identifier{Value: grace}})
	require.NoError(t, err)
	assert.Equal(t, []string{"** 12"}, receipt.Destinations)
	w.bound(grace)
	w.bound(grace)
	ids := w.people.transactions
	require.Len(t, ids, 3)
	assert.Equal(t, ids[0], ids[1])
	assert.NotEqual(t, ids[1], ids[2], "it is over once a wallet was bound")
}

func TestCodesForBindingAreLimited(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	q := &wallet.CodeRequest{Identifier: authenticator.Identifier{Value: grace}}
	for range 10 {
		_, err := w.SendCode(t.Context(), q)
		require.NoError(t, err)
	}
	_, err := w.SendCode(t.Context(), q)
	assert.Equal(t, authenticator.Locked, reason(t, err))
}

func TestWhatTheIdentitySystemSaysOnFailureStaysInside(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.people.fail = errors.New("SQL near 2740198356")
	_, err := newPhone(t, grace).bind(w)
	assert.Equal(t, authenticator.Unavailable, reason(t, err))
	assert.NotContains(t, err.Error(), grace)
	assert.Equal(t, audit.Failed, w.trail.last().Outcome)
}

func TestKeysOfOtherKindsAreRefused(t *testing.T) {
	t.Parallel()
	short, err := rsa.GenerateKey(rand.Reader, 1024)
	require.NoError(t, err)
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	require.NoError(t, err)
	p256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	encode := func(k jose.JSONWebKey) []byte {
		data, err := k.MarshalJSON()
		require.NoError(t, err)
		return data
	}
	good := encode(jose.JSONWebKey{Key: p256.Public(), KeyID: "1", Algorithm: "ES256", Use: "sig"})
	_, err = wallet.ParseKey(good)
	require.NoError(t, err)
	for name, jwk := range map[string][]byte{
		"ShortRSA":   encode(jose.JSONWebKey{Key: short.Public()}),
		"P384":       encode(jose.JSONWebKey{Key: p384.Public()}),
		"Private":    encode(jose.JSONWebKey{Key: p256}),
		"Symmetric":  encode(jose.JSONWebKey{Key: []byte("a secret of enough bytes")}),
		"Encryption": encode(jose.JSONWebKey{Key: p256.Public(), Use: "enc"}),
		"Algorithm":  encode(jose.JSONWebKey{Key: p256.Public(), Algorithm: "RS256"}),
		"Two":        append(append(append([]byte{}, good...), ','), good...),
		"Null":       []byte("null"), "Nothing": nil, "NoObject": []byte(`"key"`),
		"Long": append(append([]byte(`{"x":"`), make([]byte, 5000)...), `"}`...),
	} {
		_, err := wallet.ParseKey(jwk)
		assert.ErrorIs(t, err, wallet.ErrKey, name)
	}
}

func FuzzParseKey(f *testing.F) {
	f.Add([]byte(`{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}`))
	f.Add([]byte(`{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`))
	f.Add([]byte(`{"kty":"RSA","n":"AQAB","e":"AQAB"},{}`))
	f.Fuzz(func(t *testing.T, jwk []byte) {
		key, err := wallet.ParseKey(jwk)
		if err != nil {
			require.ErrorIs(t, err, wallet.ErrKey)
			return
		}
		again, err := key.MarshalJSON()
		require.NoError(t, err)
		_, err = wallet.ParseKey(again)
		require.NoError(t, err)
		require.True(t, key.IsPublic())
	})
}
