package consent_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/consent"
)

var thumbprint = consent.Thumbprint([]byte("the DER of a certificate"))

// wallet is a phone with a key that is bound to the person.
type wallet struct {
	alg jose.SignatureAlgorithm
	key crypto.Signer
}

// The keys are made once: RSA keys are slow to make.
var wallets = sync.OnceValues(func() (map[jose.SignatureAlgorithm]*wallet, error) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	return map[jose.SignatureAlgorithm]*wallet{
		jose.RS256: {jose.RS256, rsaKey}, jose.PS256: {jose.PS256, rsaKey}, jose.ES256: {jose.ES256, ecKey},
	}, err
})

// sign returns the wallet's proof of a payload, with go-jose, as a wallet would.
func (w *wallet) sign(tb testing.TB, payload string, header map[jose.HeaderKey]any) *consent.WalletProof {
	tb.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: w.alg, Key: w.key}, &jose.SignerOptions{ExtraHeaders: header})
	require.NoError(tb, err)
	jws, err := signer.Sign([]byte(payload))
	require.NoError(tb, err)
	signature, err := jws.DetachedCompactSerialize()
	require.NoError(tb, err)
	return &consent.WalletProof{
		Signature: strings.Replace(signature, "..", ".", 1), Key: jose.JSONWebKey{Key: w.key.Public()}, Thumbprint: thumbprint,
	}
}

var bound = map[jose.HeaderKey]any{"x5t#S256": thumbprint}

const payload = `{"accepted_claims":["birthdate","email","name"],"permitted_authorized_scopes":["appointments"]}`

func TestAWalletSignsADecision(t *testing.T) {
	t.Parallel()
	assert.Equal(t, payload, string(consent.WalletPayload(grants())))
	assert.Equal(t, `{"accepted_claims":[],"permitted_authorized_scopes":[]}`, string(consent.WalletPayload(consent.Decision{})))
	all, err := wallets()
	require.NoError(t, err)
	for alg, phone := range all {
		w := newWorld(t)
		r := w.instance(t)
		c := by(person)
		c.Wallet = phone.sign(t, payload, bound)
		a, err := r.Decide(t.Context(), asks(), grants(), c)
		require.NoError(t, err, alg)

		kept := recall(t, w.instance(t), asks()).Record
		require.NoError(t, kept.Wallet.Verify(a.Decision), "it can be verified again")
		says, err := r.Verify(t.Context(), kept.Receipt)
		require.NoError(t, err)
		assert.Equal(t, "wallet", says.CollectionMethod)
		assert.Equal(t, c.Wallet.Signature, says.Event.WalletSignature)
	}
}

func TestWhatAWalletDidNotSignIsNotKept(t *testing.T) {
	t.Parallel()
	all, err := wallets()
	require.NoError(t, err)
	phone, other := all[jose.ES256], all[jose.RS256]
	good := phone.sign(t, payload, bound)
	header, signature, _ := strings.Cut(good.Signature, ".")
	with := func(change func(*consent.WalletProof)) *consent.WalletProof {
		p := *good
		change(&p)
		return &p
	}
	more := grants()
	more.Claims = append(more.Claims, "phone_number")
	for name, test := range map[string]struct {
		proof    *consent.WalletProof
		decision consent.Decision
	}{
		"more":              {good, more},
		"less":              {good, consent.Decision{Claims: []string{"name"}}},
		"more than asked":   {phone.sign(t, strings.Replace(payload, `"name"`, `"name","salary"`, 1), bound), grants()},
		"other payload":     {phone.sign(t, `{}`, bound), grants()},
		"no thumbprint":     {phone.sign(t, payload, nil), grants()},
		"other thumbprint":  {phone.sign(t, payload, map[jose.HeaderKey]any{"x5t#S256": "x"}), grants()},
		"letters":           {phone.sign(t, payload, map[jose.HeaderKey]any{"X5T#s256": thumbprint}), grants()},
		"empty thumbprints": {with(func(p *consent.WalletProof) { *p = *phone.sign(t, payload, nil); p.Thumbprint = "" }), grants()},
		"other key":         {with(func(p *consent.WalletProof) { p.Key.Key = other.key.Public() }), grants()},
		"no key":            {with(func(p *consent.WalletProof) { p.Key = jose.JSONWebKey{} }), grants()},
		"private key":       {with(func(p *consent.WalletProof) { p.Key.Key = phone.key }), grants()},
		"empty":             {with(func(p *consent.WalletProof) { p.Signature = "" }), grants()},
		"one part":          {with(func(p *consent.WalletProof) { p.Signature = header }), grants()},
		"three parts":       {with(func(p *consent.WalletProof) { p.Signature = header + ".e30." + signature }), grants()},
		"no signature":      {with(func(p *consent.WalletProof) { p.Signature = header + "." }), grants()},
		"alg none":          {with(func(p *consent.WalletProof) { p.Signature = "eyJhbGciOiJub25lIn0." + signature }), grants()},
	} {
		w := newWorld(t)
		r := w.instance(t)
		c := by(person)
		c.Wallet = test.proof
		_, err := r.Decide(t.Context(), asks(), test.decision, c)
		require.ErrorIs(t, err, consent.ErrWallet, name)
		assert.Equal(t, consent.First, recall(t, r, asks()).Reason, name)
	}
}

func TestAWalletCannotTellAPlainClaimFromAVerifiedOne(t *testing.T) {
	t.Parallel()
	all, err := wallets()
	require.NoError(t, err)
	r := newWorld(t).instance(t)
	both := asks(func(q *consent.Question) { q.Asked.Voluntary = slices.Concat(q.Asked.Voluntary, []string{"birthdate"}) })
	c := by(person)
	c.Wallet = all[jose.ES256].sign(t, payload, bound)
	_, err = r.Decide(t.Context(), both, grants(), c)
	require.ErrorIs(t, err, consent.ErrInvalid)
	d := grants()
	d.Claims = append(d.Claims, "birthdate")
	_, err = r.Decide(t.Context(), both, d, c)
	require.NoError(t, err)
}
