package jwt_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	josejson "github.com/go-jose/go-jose/v4/json"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/internal/jwt"
)

// FuzzParse holds Parse and Verify against go-jose: whatever Signet accepts, go-jose accepts with the same payload.
func FuzzParse(f *testing.F) {
	set := jose.JSONWebKeySet{}
	for _, alg := range jwt.Algorithms() {
		set.Keys = append(set.Keys, public(alg))
		f.Add(sign(alg, `{"iss":"a"}`, nil))
	}
	// One signature that is the same in every process, so that a stored input can be a good token.
	f.Add(sign(jose.EdDSA, `{}`, map[jose.HeaderKey]any{"jwk": public(jose.EdDSA), "typ": "dpop+jwt"}))
	f.Add(unsigned(`{"alg":"none"}`))
	f.Add(unsigned(`{"alg":"ES256","crit":["b64"],"b64":false}`))
	f.Add(unsigned(`{"alg":"ES256","jwk":{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}}`))
	f.Add("..")
	f.Fuzz(func(t *testing.T, raw string) {
		token, err := jwt.Parse(raw, jwt.Algorithms())
		if err != nil {
			require.Nil(t, token)
			return
		}
		require.Contains(t, jwt.Algorithms(), token.Algorithm)
		if key, err := token.EmbeddedKey(); err == nil {
			require.True(t, key.IsPublic())
		}
		payload, err := token.Verify(set.Keys)
		if err != nil {
			return
		}
		jws, err := jose.ParseSignedCompact(raw, []jose.SignatureAlgorithm{token.Algorithm})
		require.NoError(t, err)
		want, err := jws.Verify(public(token.Algorithm))
		require.NoError(t, err)
		require.Equal(t, want, payload)
	})
}

// FuzzDecodeClaims holds DecodeClaims against encoding/json: what it accepts is JSON and says the same. It also holds it
// against go-jose's JSON, which refuses names that are there twice: what that takes for an object is one here.
func FuzzDecodeClaims(f *testing.F) {
	f.Add([]byte(`{"iss":"i","sub":"s","aud":"a","exp":1893456000,"nbf":1.5,"iat":1e9,"jti":"j"}`))
	f.Add([]byte(`{"aud":["a","b"],"x":{"y":[1,2,null]}}`))
	f.Add([]byte(`{"aud":[null],"exp":-0.0}`))
	f.Add([]byte(`{"iss":"\ud800","\u0065xp":1E+2}`))
	f.Add([]byte(`{"exp":1e999}`))
	f.Add([]byte(`{"a":1,"a":2}`))
	f.Add([]byte(`{"a":1,"\u0061":2}`))
	f.Add([]byte(" { \"a\" : true , \"b\":\t\"\\\"}\",\n\"c\":[ ] , \"\":{}} "))
	f.Add([]byte(`{"1":1,"2":1,"3":1,"4":1,"5":1,"6":1,"7":1,"8":1,"9":1,"a":1,"b":1,"c":1,"d":1,"e":1,"f":1,"g":1,"h":1,"1":1}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		claims, err := jwt.DecodeClaims(payload)
		var strict map[string]josejson.RawMessage
		strictErr := josejson.Unmarshal(payload, &strict)
		if err != nil {
			require.ErrorIs(t, err, jwt.ErrMalformed)
			require.Nil(t, claims)
			if strictErr == nil && strict != nil {
				assert.NotContains(t, err.Error(), "not JSON")
				assert.NotContains(t, err.Error(), "not an object")
				assert.NotContains(t, err.Error(), "twice")
			}
			return
		}
		require.NoError(t, strictErr)
		var members map[string]json.RawMessage
		require.NoError(t, json.Unmarshal(payload, &members))
		for name, value := range members {
			require.Equal(t, string(value), string(claims.Member(name)))
		}
		for name, got := range map[string]string{"iss": claims.Issuer, "sub": claims.Subject, "jti": claims.ID} {
			var want string
			if value, ok := members[name]; ok {
				require.NoError(t, json.Unmarshal(value, &want))
			}
			require.Equal(t, want, got)
		}
		if value, ok := members["exp"]; ok {
			var want float64
			require.NoError(t, json.Unmarshal(value, &want))
			require.InDelta(t, want, float64(claims.ExpiresAt.UnixMicro())/1e6, 1e-3)
			require.False(t, claims.ExpiresAt.IsZero())
		} else {
			require.True(t, claims.ExpiresAt.IsZero())
		}
		var want []string
		if claims.Audience.Array {
			require.NoError(t, json.Unmarshal(members["aud"], &want))
			require.ElementsMatch(t, want, claims.Audience.Values)
		} else if value, ok := members["aud"]; ok {
			want = make([]string, 1)
			require.NoError(t, json.Unmarshal(value, &want[0]))
			require.True(t, claims.Audience.Is(want[0]))
		}
	})
}

func FuzzParseKeySet(f *testing.F) {
	for _, alg := range jwt.Algorithms() {
		f.Add([]byte(keySet(marshal(public(alg).Key, func(m map[string]any) { m["kid"], m["alg"] = "1", string(alg) }))))
		f.Add([]byte(keySet(marshal(keys()[alg], unchanged))))
	}
	f.Add([]byte(`{"keys":[{"kty":"oct","k":"AAAA"}]}`))
	f.Add([]byte(`{"keys":[null]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		parsed, err := jwt.ParseKeySet(data)
		if err != nil {
			require.ErrorIs(t, err, jwt.ErrMalformed)
			require.Empty(t, parsed.Keys)
			return
		}
		require.NotEmpty(t, parsed.Keys)
		require.LessOrEqual(t, len(parsed.Keys), jwt.MaxKeys)
		kids := make(map[string]bool)
		for _, key := range parsed.Keys {
			require.True(t, key.Valid() && key.IsPublic())
			require.False(t, key.KeyID != "" && kids[key.KeyID])
			kids[key.KeyID] = true
		}
		encoded, err := json.Marshal(parsed)
		require.NoError(t, err)
		assert.False(t, strings.Contains(string(encoded), `"d":`))
	})
}
