package jwt_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/internal/jwt"
)

func TestDecodeClaims(t *testing.T) {
	t.Parallel()
	claims, err := jwt.DecodeClaims([]byte(`{"iss":"i","sub":"s","aud":"a","exp":1893456000,"nbf":1893455400.5,"iat":1.8934554e9,
		"jti":"j","htm":"POST","authorization_details":[{"type":"x"}],"none":null}`))
	require.NoError(t, err)
	assert.Equal(t, "i", claims.Issuer)
	assert.Equal(t, "s", claims.Subject)
	assert.Equal(t, "j", claims.ID)
	assert.Equal(t, jwt.Audience{Values: []string{"a"}}, claims.Audience)
	assert.Equal(t, time.Unix(1893456000, 0), claims.ExpiresAt)
	assert.Equal(t, time.Unix(1893455400, 5e8), claims.NotBefore)
	assert.Equal(t, time.Unix(1893455400, 0), claims.IssuedAt)

	method, err := claims.Text("htm")
	require.NoError(t, err)
	assert.Equal(t, "POST", method)
	absent, err := claims.Text("htu")
	require.NoError(t, err)
	assert.Empty(t, absent)
	_, err = claims.Text("authorization_details")
	require.ErrorIs(t, err, jwt.ErrMalformed)
	_, err = claims.Text("none")
	require.ErrorIs(t, err, jwt.ErrMalformed)
	assert.Equal(t, `[{"type":"x"}]`, string(claims.Member("authorization_details")))
	assert.Equal(t, `null`, string(claims.Member("none")))
	assert.Nil(t, claims.Member("htu"))
}

func TestAbsentClaimsAreZero(t *testing.T) {
	t.Parallel()
	claims, err := jwt.DecodeClaims([]byte(` { } `))
	require.NoError(t, err)
	assert.True(t, claims.ExpiresAt.IsZero() && claims.NotBefore.IsZero() && claims.IssuedAt.IsZero())
	assert.Empty(t, claims.Issuer+claims.Subject+claims.ID)
	assert.Empty(t, claims.Audience)

	claims, err = jwt.DecodeClaims([]byte(`{"exp":0,"nbf":-0,"iat":253402300799}`))
	require.NoError(t, err)
	assert.False(t, claims.ExpiresAt.IsZero())
	assert.False(t, claims.NotBefore.IsZero())
	assert.Equal(t, 9999, claims.IssuedAt.UTC().Year())
}

func TestDecodeClaimsRefusals(t *testing.T) {
	t.Parallel()
	for name, payload := range map[string]string{
		"empty":                 ``,
		"null":                  `null`,
		"array":                 `[]`,
		"string":                `"a"`,
		"two objects":           `{}{}`,
		"not UTF-8":             "{\"iss\":\"\xff\"}",
		"too long":              `{"x":"` + strings.Repeat("a", jwt.MaxTokenSize) + `"}`,
		"too deep":              `{"x":` + strings.Repeat(`{"x":`, 32) + `1` + strings.Repeat(`}`, 33),
		"too deep, never ends":  strings.Repeat(`[`, 10000),
		"name twice":            `{"aud":"a","aud":"b"}`,
		"unknown name twice":    `{"x":1,"x":1}`,
		"name twice, escaped":   `{"aud":"a","\u0061ud":"b"}`,
		"iss is a number":       `{"iss":1}`,
		"iss is null":           `{"iss":null}`,
		"sub is an object":      `{"sub":{}}`,
		"jti is an array":       `{"jti":["a"]}`,
		"aud is a number":       `{"aud":1}`,
		"aud is null":           `{"aud":null}`,
		"aud is an object":      `{"aud":{"a":"b"}}`,
		"aud has a number":      `{"aud":["a",1]}`,
		"aud has null":          `{"aud":["a",null]}`,
		"aud has an array":      `{"aud":[["a"]]}`,
		"exp is a string":       `{"exp":"1893456000"}`,
		"exp is null":           `{"exp":null}`,
		"exp is true":           `{"exp":true}`,
		"exp is an array":       `{"exp":[1]}`,
		"exp is negative":       `{"exp":-1}`,
		"exp is after 9999":     `{"exp":253402300800}`,
		"exp overflows int64":   `{"exp":92233720368547758080}`,
		"exp overflows float64": `{"exp":1e999}`,
		"exp is NaN":            `{"exp":NaN}`,
		"exp is Infinity":       `{"exp":Infinity}`,
		"exp is hexadecimal":    `{"exp":0x10}`,
		"exp has underscores":   `{"exp":1_0}`,
		"nbf is a string":       `{"nbf":"1"}`,
		"iat is a string":       `{"iat":"1"}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			claims, err := jwt.DecodeClaims([]byte(payload))
			require.ErrorIs(t, err, jwt.ErrMalformed)
			assert.Nil(t, claims)
		})
	}
}

func TestDepthCountsOnlyNesting(t *testing.T) {
	t.Parallel()
	for _, payload := range []string{
		`{"x":` + strings.Repeat(`[`, 31) + strings.Repeat(`]`, 31) + `}`,
		`{"x":[` + strings.Repeat(`[],`, 100) + `[]]}`,
		`{"x":"` + strings.Repeat(`[`, 100) + `"}`,
		`{"x":"\"` + strings.Repeat(`[`, 100) + `\\"}`,
	} {
		_, err := jwt.DecodeClaims([]byte(payload))
		assert.NoError(t, err, payload)
	}
}

func TestDecodeClaimsLeavesThePayloadAsItWas(t *testing.T) {
	t.Parallel()
	payload := []byte(`{"aud":["a","b"],"iss":"\u0069"}`)
	claims, err := jwt.DecodeClaims(payload)
	require.NoError(t, err)
	assert.Equal(t, "i", claims.Issuer)
	assert.Equal(t, `{"aud":["a","b"],"iss":"\u0069"}`, string(payload))
}

func TestAudience(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		claim        string
		contains, is bool
	}{
		{`"a"`, true, true},
		{`["a"]`, true, false},
		{`["b","a"]`, true, false},
		{`"b"`, false, false},
		{`"A"`, false, false},
		{`"a/"`, false, false},
		{`[]`, false, false},
	} {
		claims, err := jwt.DecodeClaims([]byte(`{"aud":` + tc.claim + `}`))
		require.NoError(t, err)
		assert.Equal(t, tc.contains, claims.Audience.Contains("a"), tc.claim)
		assert.Equal(t, tc.is, claims.Audience.Is("a"), tc.claim)
	}
	assert.False(t, jwt.Audience{}.Contains(""))
	assert.False(t, jwt.Audience{}.Is(""))
}

func TestCheckTime(t *testing.T) {
	t.Parallel()
	now := time.Unix(1893456000, 0)
	at := func(seconds int) time.Time { return now.Add(time.Duration(seconds) * time.Second) }
	for _, tc := range []struct {
		name   string
		claims jwt.Claims
		ok     bool
	}{
		{"no dates", jwt.Claims{}, true},
		{"valid", jwt.Claims{ExpiresAt: at(60), NotBefore: at(0), IssuedAt: at(0)}, true},
		{"expired within the skew", jwt.Claims{ExpiresAt: at(-9)}, true},
		{"expired", jwt.Claims{ExpiresAt: at(-10)}, false},
		{"expired in 1970", jwt.Claims{ExpiresAt: time.Unix(0, 0)}, false},
		{"not before the skew's end", jwt.Claims{NotBefore: at(10)}, true},
		{"not before", jwt.Claims{NotBefore: at(11)}, false},
		{"issued within the skew", jwt.Claims{IssuedAt: at(10)}, true},
		{"issued in the future", jwt.Claims{IssuedAt: at(11)}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			err := tc.claims.CheckTime(now, 10*time.Second)
			if tc.ok {
				assert.NoError(t, err)
			} else {
				assert.ErrorIs(t, err, jwt.ErrTime)
			}
		})
	}
}
