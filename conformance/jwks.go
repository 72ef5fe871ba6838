package conformance

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/json"
	"net/http"

	"github.com/go-jose/go-jose/v4"
)

var jwksChecks = []Check{
	{ID: "jwks-response", Title: "The key set is JSON with at least one key, all of which can be read", Clause: "RFC 7517, 5", run: jwksResponse},
	{ID: "jwks-no-private-keys", Title: "The key set has no private and no symmetric keys", Clause: "OpenID Connect Core 1.0, 10.1", run: jwksNoPrivateKeys},
	{ID: "jwks-key-ids", Title: "Every key has a kid, and all differ", Clause: "OpenID Connect Core 1.0, 10.1", run: jwksKeyIDs},
	{ID: "jwks-key-strength", Title: "RSA keys have 2048 bits or more, EC keys 224 or more", Clause: "FAPI 2.0 Security Profile, 5.4.1", run: jwksKeyStrength},
}

// keySet is the provider's keys, each with the members as they were sent.
type keySet struct {
	members []map[string]any
	keys    []jose.JSONWebKey // the zero value for keys that cannot be read
}

// keySet returns the provider's keys as they were when the check first needed them.
func (t *trial) keySet() *keySet {
	if t.keys == nil {
		t.keys = t.fetchKeys()
	}
	return t.keys
}

func (t *trial) fetchKeys() *keySet {
	a := t.send(t.newGet(t.endpoint("jwks_uri")))
	var document struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if a.status != http.StatusOK || json.Unmarshal(a.body, &document) != nil || len(document.Keys) == 0 {
		t.fatal("jwks_uri must answer with 200 and a key set, not with %v", a)
	}
	set := new(keySet)
	for _, raw := range document.Keys {
		var members map[string]any
		var key jose.JSONWebKey
		if json.Unmarshal(raw, &members) != nil {
			t.fatal("the key set has an element that is not an object: %s", short(string(raw)))
		}
		if err := json.Unmarshal(raw, &key); err != nil {
			t.note("a key cannot be read: %v", err)
		}
		set.members = append(set.members, members)
		set.keys = append(set.keys, key)
	}
	return set
}

// choose returns the one key that a signed object can mean: kid, kty, alg and use must fit.
func (s *keySet) choose(t *trial, what, kid, alg string) jose.JSONWebKey {
	var fitting []jose.JSONWebKey
	for i, k := range s.keys {
		m := s.members[i]
		if (kid == "" || m["kid"] == kid) && k.Key != nil && fitsAlgorithm(k.Key, alg) &&
			(m["alg"] == nil || m["alg"] == alg) && (m["use"] == nil || m["use"] == "sig") {
			fitting = append(fitting, k)
		}
	}
	if len(fitting) != 1 {
		t.fatal("the header of %s (kid %q, alg %s) selects %d keys of the key set; it must select exactly one by kid, kty, alg and use",
			what, kid, alg, len(fitting))
	}
	return fitting[0]
}

func fitsAlgorithm(key any, alg string) bool {
	switch k := key.(type) {
	case *rsa.PublicKey:
		return alg == "RS256" || alg == "PS256"
	case *ecdsa.PublicKey:
		return alg == "ES256" && k.Curve.Params().BitSize == 256
	case ed25519.PublicKey:
		return alg == "EdDSA" || alg == "Ed25519"
	}
	return false
}

func jwksResponse(t *trial) {
	for i, k := range t.keySet().keys {
		if k.Key == nil {
			t.fail("key %d of the key set cannot be read", i)
		}
	}
}

func jwksNoPrivateKeys(t *trial) {
	for _, m := range t.keySet().members {
		for _, private := range []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"} {
			if _, ok := m[private]; ok {
				t.fail("the key %v has the private member %s", m["kid"], private)
			}
		}
		if m["kty"] == "oct" {
			t.fail("the key %v is symmetric", m["kid"])
		}
	}
}

func jwksKeyIDs(t *trial) {
	seen := map[string]bool{}
	for i, m := range t.keySet().members {
		kid, _ := m["kid"].(string)
		if kid == "" {
			t.fail("key %d of the key set has no kid", i)
		} else if seen[kid] {
			t.fail("two keys have the kid %s", kid)
		}
		seen[kid] = true
	}
}

func jwksKeyStrength(t *trial) {
	const minRSA, minEC = 2048, 224
	for _, key := range t.keySet().keys {
		switch k := key.Key.(type) {
		case *rsa.PublicKey:
			if k.N.BitLen() < minRSA {
				t.fail("the RSA key %s has %d bits", key.KeyID, k.N.BitLen())
			}
		case *ecdsa.PublicKey:
			if k.Curve.Params().BitSize < minEC {
				t.fail("the EC key %s has %d bits", key.KeyID, k.Curve.Params().BitSize)
			}
		}
	}
}
