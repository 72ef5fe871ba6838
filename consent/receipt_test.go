package consent_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/consent"
	"github.com/gosignet/signet/keystore"
)

func TestAReceiptSaysWhatWasDecided(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.instance(t)
	q := asks(policy(consent.Policy{Remember: consent.ForDuration, Duration: 10 * time.Minute, TextVersion: "2026-01"}),
		func(q *consent.Question) { q.Asked.Voluntary = append(q.Asked.Voluntary, "health_id") })
	d := grants()
	d.Claims = append(d.Claims, "health_id")
	rec := decide(t, r, q, d).Record
	says, err := r.Verify(t.Context(), rec.Receipt)
	require.NoError(t, err)

	got, err := json.MarshalIndent(says, "", "\t")
	require.NoError(t, err)
	want := strings.NewReplacer("$ID", rec.ID, "$HASH", q.Asked.Hash()).Replace(`{
		"iss": "https://id.example", "jti": "$ID.1", "iat": 1767323045, "sub": "pairwise-of-asha-at-clinic",

		"version": "KI-CR-v1.1.0", "jurisdiction": "FR", "consentTimestamp": 1767323045, "collectionMethod": "web page",
		"consentReceiptID": "$ID.1", "language": "fr", "piiPrincipalId": "pairwise-of-asha-at-clinic",
		"piiControllers": [{"piiController": "Clinic", "piiControllerUrl": "https://clinic.example", "contact": "privacy@clinic.example"}],
		"policyUrl": "https://clinic.example/privacy",
		"services": [{"service": "Clinic", "purposes": [
			{"purpose": "To treat you", "consentType": "EXPLICIT", "piiCategory": ["appointments", "email", "health_id", "name"],
				"primaryPurpose": true, "termination": "PT600S", "thirdPartyDisclosure": false},
			{"purpose": "To know your age", "consentType": "EXPLICIT", "piiCategory": ["birthdate"],
				"primaryPurpose": false, "termination": "PT600S", "thirdPartyDisclosure": false}
		]}],
		"sensitive": true, "spiCat": ["health_id"],

		"schema_version": "ISO/IEC TS 27560:2023", "record_id": "$ID", "pii_principal_id": "pairwise-of-asha-at-clinic",
		"pii_processing": {
			"privacy_notice": "https://clinic.example/privacy", "privacy_notice_version": "2026-01", "asked_hash": "$HASH",
			"language": "fr", "lawful_basis": "consent", "collection_method": "web page",
			"withdrawal_method": "https://id.example/consents", "jurisdiction": "FR",
			"pii_information": [
				{"pii_type": "scope", "pii_attribute_id": "appointments", "resource": "https://api.example", "pii_optional": true, "granted": true, "expires_at": "2026-01-02T03:14:05Z"},
				{"pii_type": "claim", "pii_attribute_id": "name", "pii_optional": false, "granted": true, "expires_at": "2026-01-02T03:14:05Z"},
				{"pii_type": "claim", "pii_attribute_id": "email", "pii_optional": true, "granted": true, "expires_at": "2026-01-02T03:14:05Z"},
				{"pii_type": "claim", "pii_attribute_id": "health_id", "pii_optional": true, "granted": true, "expires_at": "2026-01-02T03:14:05Z"},
				{"pii_type": "claim", "pii_attribute_id": "phone_number", "pii_optional": true, "granted": false, "expires_at": "2026-01-02T03:14:05Z"},
				{"pii_type": "verified_claim", "pii_attribute_id": "birthdate", "purpose": "To know your age", "trust_frameworks": ["eidas"], "pii_optional": true, "granted": true, "expires_at": "2026-01-02T03:14:05Z"}
			]
		},
		"party_identification": [
			{"party_id": "clinic", "party_name": "Clinic", "party_role": "pii_controller", "party_url": "https://clinic.example"},
			{"party_id": "https://id.example", "party_role": "pii_processor"}
		],
		"event": {"event_time": "2026-01-02T03:04:05Z", "event_type": "explicit", "event_state": "given", "validity_duration": "PT600S",
			"entity_id": "pairwise-of-asha-at-clinic", "acr": "urn:example:gold", "amr": ["otp"]}
	}`)
	assert.JSONEq(t, want, string(got))
	assert.NotContains(t, string(got), person)
}

func TestRefusalsAndWithdrawalsHaveReceipts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.instance(t)
	state := func(rec *consent.Record) string {
		says, err := r.Verify(t.Context(), rec.Receipt)
		require.NoError(t, err)
		require.Equal(t, fmt.Sprint(rec.ID, ".", rec.Version), says.ID)
		return says.Event.State
	}
	assert.Equal(t, "refused", state(decide(t, r, asks(), consent.Decision{}).Record))
	a := decide(t, r, asks(), grants())
	assert.Equal(t, "given", state(a.Record))
	withdrawn, err := r.Withdraw(t.Context(), person, a.Record.ID)
	require.NoError(t, err)
	assert.Equal(t, "withdrawn", state(withdrawn))
}

// The verifier is Node's own cryptography: nothing of ours, and nothing of go-jose.
func TestAReceiptVerifiesWithAnIndependentTool(t *testing.T) {
	t.Parallel()
	const script = `
const crypto = require("node:crypto"), {receipt, keys} = JSON.parse(require("node:fs").readFileSync(0));
const [h, p, s] = receipt.split("."), header = JSON.parse(Buffer.from(h, "base64url"));
const jwk = keys.find(k => k.kid === header.kid && k.alg === header.alg);
const key = crypto.createPublicKey({key: jwk, format: "jwk"});
const hash = {ES256: "sha256", EdDSA: null}[header.alg];
const good = crypto.verify(hash, Buffer.from(h + "." + p), {key, dsaEncoding: "ieee-p1363"}, Buffer.from(s, "base64url"));
console.log(good, header.typ, JSON.parse(Buffer.from(p, "base64url")).event.event_state);`
	for _, alg := range []jose.SignatureAlgorithm{jose.ES256, jose.EdDSA} {
		w := newWorld(t)
		r := w.instance(t, func(c *consent.Config) { c.Algorithm = alg })
		receipt := decide(t, r, asks(), grants()).Record.Receipt
		published, err := w.keys.Keys(t.Context())
		require.NoError(t, err)
		kept, err := r.Keys(t.Context())
		require.NoError(t, err)
		for _, keys := range [][]jose.JSONWebKey{published, kept} {
			input, err := json.Marshal(map[string]any{"receipt": receipt, "keys": keys})
			require.NoError(t, err)
			node := exec.CommandContext(t.Context(), "node", "-e", script)
			node.Stdin = bytes.NewReader(input)
			out, err := node.CombinedOutput()
			require.NoError(t, err, string(out))
			assert.Equal(t, "true consent-receipt+jwt given\n", string(out))
		}
	}
}

func TestReceiptsOutliveTheirKeys(t *testing.T) {
	t.Parallel()
	everyLedger(t, func(t *testing.T, w *world) {
		r, ctx := w.instance(t), t.Context()
		rec := decide(t, r, asks(), grants()).Record
		old := w.keys.present.Load()
		w.keys.rotate(t)
		decide(t, r, asks(), grants())

		later := w.instance(t)
		says, err := later.Verify(ctx, rec.Receipt)
		require.NoError(t, err)
		assert.Equal(t, rec.ID, says.RecordID)
		keys, err := later.Keys(ctx)
		require.NoError(t, err)
		assert.Len(t, keys, 2)
		for _, key := range keys {
			assert.True(t, key.IsPublic())
		}

		// Somebody has the old private key.
		key, err := old.Signer(ctx, keystore.TokenSigning, jose.ES256)
		require.NoError(t, err)
		says.Event.AMR = []string{"face"}
		forged, err := key.SignJSON(ctx, consent.ReceiptType, says)
		require.NoError(t, err)
		_, err = later.Verify(ctx, forged)
		require.ErrorIs(t, err, consent.ErrReceipt)
		require.NoError(t, later.Erase(ctx, person))
		_, err = later.Verify(ctx, rec.Receipt)
		require.ErrorIs(t, err, consent.ErrReceipt, "nobody can tell any more")
	})
}

func TestWhatIsNoReceiptIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r, ctx := w.instance(t), t.Context()
	receipt := decide(t, r, asks(), grants()).Record.Receipt
	key, err := w.keys.Signer(ctx, keystore.TokenSigning, jose.ES256)
	require.NoError(t, err)
	foreign, err := keystore.Generate(jose.ES256)
	require.NoError(t, err)
	stranger, err := foreign.Signer(ctx, keystore.TokenSigning, jose.ES256)
	require.NoError(t, err)
	sign := func(key *keystore.Key, typ string, payload string) string {
		token, err := key.Sign(ctx, typ, []byte(payload))
		require.NoError(t, err)
		return token
	}
	parts := strings.Split(receipt, ".")
	for name, token := range map[string]string{
		"empty":          "",
		"no JWS":         "a.b",
		"long":           strings.Repeat("a", 300<<10),
		"other payload":  parts[0] + ".e30." + parts[2],
		"no signature":   parts[0] + "." + parts[1] + ".",
		"ID Token":       sign(key, "JWT", `{"iss":"https://id.example"}`),
		"other issuer":   sign(key, consent.ReceiptType, `{"iss":"https://other.example"}`),
		"no JSON":        sign(key, consent.ReceiptType, `x`),
		"stranger's key": sign(stranger, consent.ReceiptType, `{"iss":"https://id.example"}`),
	} {
		_, err := r.Verify(ctx, token)
		require.ErrorIs(t, err, consent.ErrReceipt, name)
	}
}

func TestAReceiptIsVerifiedWithTheAlgorithmOfItsKey(t *testing.T) {
	t.Parallel()
	all, err := wallets()
	require.NoError(t, err)
	key := func(alg jose.SignatureAlgorithm) *keystore.Key {
		key, err := keystore.NewKey(alg, all[alg].key)
		require.NoError(t, err)
		return key
	}
	w := newWorld(t)
	only, err := keystore.NewMemory(key(jose.PS256))
	require.NoError(t, err)
	w.keys.present.Store(only)
	r := w.instance(t, func(c *consent.Config) { c.Algorithm = jose.PS256 })
	says, err := r.Verify(t.Context(), decide(t, r, asks(), grants()).Record.Receipt)
	require.NoError(t, err)
	other, err := key(jose.RS256).SignJSON(t.Context(), consent.ReceiptType, says)
	require.NoError(t, err)
	_, err = r.Verify(t.Context(), other)
	require.ErrorIs(t, err, consent.ErrReceipt)
}

func TestTheLargestDecisionFits(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.instance(t)
	q := asks(policy(consent.Policy{Remember: consent.Session, TextVersion: strings.Repeat("v", 64)}))
	for round := range 4 { // earlier decisions are forgotten where there is no room for all
		q.Asked.Voluntary, q.Asked.Verified = nil, nil
		for i := range 200 {
			q.Asked.Voluntary = append(q.Asked.Voluntary, fmt.Sprintf("claim-%d-%050d", round, i))
		}
		for i := range 20 {
			q.Asked.Verified = append(q.Asked.Verified, consent.Verified{
				Name: fmt.Sprintf("verified-%d-%d", round, i), Purpose: strings.Repeat("why ", 50),
			})
		}
		a := decide(t, r, q, consent.Decision{Claims: q.Asked.Voluntary})
		require.Empty(t, recall(t, r, q).Reason)
		_, err := r.Verify(t.Context(), a.Record.Receipt)
		require.NoError(t, err)
	}
}
