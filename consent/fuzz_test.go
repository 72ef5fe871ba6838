package consent_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/consent"
	"github.com/gosignet/signet/store"
)

// A stranger's signature is refused, whatever it is, and one that is accepted is on this very decision.
func FuzzWalletProof(f *testing.F) {
	all, err := wallets()
	require.NoError(f, err)
	good := all[jose.ES256].sign(f, payload, bound)
	header, signature, _ := strings.Cut(good.Signature, ".")
	f.Add(good.Signature, "name,email")
	f.Add(header+"."+signature[1:], "name")
	f.Add("eyJhbGciOiJub25lIn0.", "")
	f.Add("e30.e30", "name")
	f.Fuzz(func(t *testing.T, signature, claims string) {
		p := *good
		p.Signature = signature
		d := grants()
		d.Claims = strings.Split(claims, ",")
		if p.Verify(d) == nil {
			require.Equal(t, payload, string(consent.WalletPayload(d)))
		}
	})
}

// The canonical form is JSON that says what was asked, and one form belongs to one request.
func FuzzCanonical(f *testing.F) {
	f.Add("clinic", "name", "To know you", "eidas")
	f.Add(`"`, `\`, "<&>\u2028\u00e9", "")
	f.Fuzz(func(t *testing.T, client, name, purpose, framework string) {
		a := consent.Asked{
			ClientID: client, Subject: "s", Scopes: []string{name}, Essential: []string{name, purpose},
			Verified: []consent.Verified{{Name: name, Purpose: purpose, TrustFrameworks: []string{framework, name}}},
		}
		// Recall refuses what has no canonical form.
		if _, err := newWorld(t).instance(t).Recall(t.Context(), &consent.Question{Asked: a}); err != nil {
			require.ErrorIs(t, err, consent.ErrInvalid)
			return
		}
		var says struct {
			Client    string `json:"client_id"`
			Essential []string
			Verified  []struct{ Name, Purpose string }
		}
		decoder := json.NewDecoder(bytes.NewReader(a.Canonical()))
		require.NoError(t, decoder.Decode(&says))
		require.Equal(t, client, says.Client)
		require.Subset(t, says.Essential, a.Essential)
		require.Equal(t, purpose, says.Verified[0].Purpose)
		var compact bytes.Buffer
		require.NoError(t, json.Compact(&compact, a.Canonical()))
		require.Equal(t, compact.Bytes(), a.Canonical())
	})
}

// Whatever stands in the ledger, nothing is granted that it does not grant, and nothing panics.
func FuzzKeptRecord(f *testing.F) {
	w := newWorld(f)
	r := w.instance(f)
	rec := decide(f, r, asks(), grants()).Record
	present, err := w.List(f.Context(), "consents", store.Query{})
	require.NoError(f, err)
	f.Add(present[0].Value)
	f.Add([]byte(`{"consent_id":"x","status":"active"}`))
	f.Add([]byte(`{"status":"active","choices":[{"kind":"claim","name":"name","granted":true}]}`))
	f.Add([]byte(`{"status":"active","choices":null,"wallet":{"key":{"kty":"EC"}}}`))
	f.Fuzz(func(t *testing.T, value []byte) {
		w := newWorld(t)
		r := w.instance(t)
		_, err := w.Write(t.Context(), "consents", store.Record{ID: present[0].ID, Owner: present[0].Owner, Value: value})
		if err != nil {
			return
		}
		if a, err := r.Recall(t.Context(), asks()); err == nil && a.Reason == "" {
			for _, item := range asks().Asked.Items() {
				granted := false
				for _, c := range a.Record.Choices { // the last one counts
					if key(c.Item) == key(item) {
						granted = c.Granted
					}
				}
				require.Equal(t, granted, covers(a.Decision, item))
			}
		}
		_ = r.Check(t.Context(), rec.ID)
		_, _ = r.Withdraw(t.Context(), person, rec.ID)
		_, _ = r.Decide(t.Context(), asks(), grants(), by(person))
	})
}

func FuzzVerify(f *testing.F) {
	w := newWorld(f)
	r := w.instance(f)
	receipt := decide(f, r, asks(), grants()).Record.Receipt
	f.Add(receipt)
	f.Add("e30.e30.")
	f.Add("eyJhbGciOiJFUzI1NiIsInR5cCI6ImNvbnNlbnQtcmVjZWlwdCtqd3QifQ.e30.AAAA")
	f.Fuzz(func(t *testing.T, token string) {
		if _, err := r.Verify(t.Context(), token); err == nil {
			// ECDSA lets nobody but the holder of the key make another signature on the same text than by turning this one over.
			require.Equal(t, receipt[:strings.LastIndex(receipt, ".")], token[:strings.LastIndex(token, ".")])
		}
	})
}
