package dpop_test

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/dpop"
)

// TestChecklist is RFC 9449 section 4.3, item by item.
func TestChecklist(t *testing.T) {
	t.Parallel()
	const url = "https://rs.example/resource"
	set := func(name string, value any) func(*draft) { return func(d *draft) { d.claims[name] = value } }
	setHeader := func(name string, value any) func(*draft) { return func(d *draft) { d.header[name] = value } }
	drop := func(name string) func(*draft) {
		return func(d *draft) { delete(d.claims, name); delete(d.header, name) }
	}
	spoil := func(f func(string) string) func(*draft) { return func(d *draft) { d.spoil = f } }
	headers := func(f func(proof string) []string) func(*draft) []string {
		return func(d *draft) []string { return f(d.sign()) }
	}
	for _, tc := range []struct {
		name   string
		change func(*draft)
		values func(*draft) []string
	}{
		{"1: two header fields", nil, headers(func(p string) []string { return []string{p, p} })},
		{"1: no header field", nil, headers(func(string) []string { return nil })},
		{"2: two JWTs in one field", nil, headers(func(p string) []string { return []string{p + ", " + p} })},
		{"2: two JWTs without space", nil, headers(func(p string) []string { return []string{p + "," + p} })},
		{"2: a JWT and a comma", nil, headers(func(p string) []string { return []string{p + ","} })},
		{"2: space before", nil, headers(func(p string) []string { return []string{" " + p} })},
		{"2: space after", nil, headers(func(p string) []string { return []string{p + "\t"} })},
		{"2: line break inside", nil, headers(func(p string) []string { return []string{p[:20] + "\n" + p[20:]} })},
		{"2: padding", nil, headers(func(p string) []string { return []string{p + "="} })},
		{"2: empty", nil, headers(func(string) []string { return []string{""} })},
		{"2: two parts", spoil(func(p string) string { return p[:strings.LastIndex(p, ".")] }), nil},
		{"2: four parts", spoil(func(p string) string { return p + ".e30" }), nil},
		{"2: not base64url", spoil(func(p string) string { return "~" + p }), nil},
		{"2: header is no JSON", spoil(func(p string) string { return "bm9uZQ" + p[strings.Index(p, "."):] }), nil},
		{"2: too long", set("x", strings.Repeat("x", dpop.MaxProofSize)), nil},
		{"3: no jti", drop("jti"), nil},
		{"3: empty jti", set("jti", ""), nil},
		{"3: long jti", set("jti", strings.Repeat("x", 257)), nil},
		{"3: jti is a number", set("jti", 1), nil},
		{"3: no htm", drop("htm"), nil},
		{"3: htm is a number", set("htm", 1), nil},
		{"3: no htu", drop("htu"), nil},
		{"3: htu is a list", set("htu", []string{url}), nil},
		{"3: no iat", drop("iat"), nil},
		{"3: iat is a string", set("iat", "1893456000"), nil},
		{"3: no ath", drop("ath"), nil},
		{"3: ath is null", set("ath", nil), nil},
		{"3: nonce is a number", set("nonce", 1), nil},
		{"4: no typ", drop("typ"), nil},
		{"4: other typ", setHeader("typ", "JWT"), nil},
		{"4: typ almost", setHeader("typ", "dpop+jwtx"), nil},
		{"5: no alg", drop("alg"), nil},
		{"5: none", setHeader("alg", "none"), nil},
		{"5: HMAC", setHeader("alg", "HS256"), nil},
		{"5: known but not allowed", setHeader("alg", "RS256"), nil},
		{"5: unknown", setHeader("alg", "ES256K"), nil},
		{"5: lower case", setHeader("alg", "es256"), nil},
		{"6: no jwk", drop("jwk"), nil},
		{"6: signed by another key", func(d *draft) { d.key = newECKey() }, nil},
		{"6: changed signature", spoil(func(p string) string {
			signature := must(base64.RawURLEncoding.DecodeString(p[strings.LastIndex(p, ".")+1:]))
			signature[10] ^= 1
			return p[:strings.LastIndex(p, ".")+1] + base64.RawURLEncoding.EncodeToString(signature)
		}), nil},
		{"6: no signature", spoil(func(p string) string { return p[:strings.LastIndex(p, ".")+1] }), nil},
		{"6: key of another type", setHeader("jwk", jose.JSONWebKey{Key: edKey().Public()}), nil},
		{"6: symmetric key", setHeader("jwk", jose.JSONWebKey{Key: []byte("symmetric")}), nil},
		{"6: jwk is a list", setHeader("jwk", []any{jose.JSONWebKey{Key: ecKey().Public()}}), nil},
		{"6: critical extension", setHeader("crit", []string{"exp"}), nil},
		{"7: private jwk", setHeader("jwk", jose.JSONWebKey{Key: ecKey()}), nil},
		{"8: other method", set("htm", "PUT"), nil},
		{"8: method in lower case", set("htm", "get"), nil},
		{"9: other path", set("htu", "https://rs.example/other"), nil},
		{"9: other host", set("htu", "https://rs.example.org/resource"), nil},
		{"9: other scheme", set("htu", "http://rs.example/resource"), nil},
		{"9: other port", set("htu", "https://rs.example:444/resource"), nil},
		{"9: a user before the host", set("htu", "https://rs.example@rs.example/resource"), nil},
		{"9: path in other case", set("htu", "https://rs.example/Resource"), nil},
		{"9: a slash more", set("htu", url+"/"), nil},
		{"9: relative", set("htu", "/resource"), nil},
		{"11: an hour old", set("iat", start.Add(-time.Hour).Unix()), nil},
		{"11: an hour ahead", set("iat", start.Add(time.Hour).Unix()), nil},
		{"11: just too old", set("iat", start.Add(-61*time.Second).Unix()), nil},
		{"11: just too far ahead", set("iat", start.Add(16*time.Second).Unix()), nil},
		{"11: at the end of all dates", set("iat", 253402300799), nil},
		{"11: exp is over", set("exp", start.Add(-time.Minute).Unix()), nil},
		{"11: nbf is to come", set("nbf", start.Add(time.Minute).Unix()), nil},
		{"12a: ath of another token", set("ath", tokenHash("another")), nil},
		{"12a: ath in hexadecimal", set("ath", strings.Repeat("0", 64)), nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			d := newDraft("GET", url, start).withToken(accessToken)
			if tc.change != nil {
				tc.change(d)
			}
			if tc.values == nil {
				tc.values = func(d *draft) []string { return []string{d.sign()} }
			}
			v := newVerifier(t, newClock(), nil)
			proof, err := v.Verify(dpop.Request{Header: header(tc.values(d)...), Method: "GET", URL: url, AccessToken: accessToken})
			refusedWith(t, err, dpop.InvalidProof)
			assert.Nil(t, proof)
		})
	}
	t.Run("12b: the token is bound to another key", func(t *testing.T) {
		t.Parallel()
		v := newVerifier(t, newClock(), nil)
		d := newDraft("GET", url, start).withToken(accessToken)
		proof, err := v.Verify(dpop.Request{Header: header(d.sign()), Method: "GET", URL: url, AccessToken: accessToken})
		require.NoError(t, err)
		require.NoError(t, proof.CheckKey(thumbprint(ecKey())))
		refusedWith(t, proof.CheckKey(thumbprint(newECKey())), dpop.InvalidProof)
		refusedWith(t, proof.CheckKey(""), dpop.InvalidProof)
	})
}

// TestAccepted are the variations that must make no difference.
func TestAccepted(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*draft){
		"as it is":               func(*draft) {},
		"typ in capitals":        func(d *draft) { d.header["typ"] = "DPoP+JWT" },
		"typ with application":   func(d *draft) { d.header["typ"] = "application/dpop+jwt" },
		"unknown header members": func(d *draft) { d.header["x"], d.header["kid"] = map[string]int{"y": 1}, "my key" },
		"unknown claims":         func(d *draft) { d.claims["x"], d.claims["sub"] = []int{1}, "somebody" },
		"jwk with kid, use, alg": func(d *draft) {
			d.header["jwk"] = jose.JSONWebKey{Key: ecKey().Public(), KeyID: "1", Use: "sig", Algorithm: "ES256"}
		},
		"a nonce nobody asked for": func(d *draft) { d.claims["nonce"] = "of another server" },
		"ath nobody asked for":     func(d *draft) { d.withToken("another") },
		"iat 10 seconds behind":    func(d *draft) { d.claims["iat"] = start.Add(-10 * time.Second).Unix() },
		"iat 10 seconds ahead":     func(d *draft) { d.claims["iat"] = start.Add(10 * time.Second).Unix() },
		"iat at the window's end":  func(d *draft) { d.claims["iat"] = start.Add(-time.Minute).Unix() },
		"iat with a fraction":      func(d *draft) { d.claims["iat"] = float64(start.Unix()) + 0.25 },
		"nbf now, exp in 5 min":    func(d *draft) { d.claims["nbf"], d.claims["exp"] = start.Unix(), start.Add(5*time.Minute).Unix() },
		"nbf a little ahead":       func(d *draft) { d.claims["nbf"] = start.Add(10 * time.Second).Unix() },
		"htu with query":           func(d *draft) { d.claims["htu"] = tokenURL + "?a=b#c" },
		"jti of 256 bytes":         func(d *draft) { d.claims["jti"] = strings.Repeat("é", 128) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDraft("POST", tokenURL, start)
			change(d)
			v := newVerifier(t, newClock(), nil)
			proof, err := v.Verify(dpop.Request{Header: header(d.sign()), Method: "POST", URL: tokenURL})
			require.NoError(t, err)
			assert.Equal(t, thumbprint(ecKey()), proof.Thumbprint)
			assert.Equal(t, d.claims["jti"], proof.ID)
			assert.WithinDuration(t, start, proof.IssuedAt, time.Minute)
			assert.Equal(t, `{"jkt":"`+proof.Thumbprint+`"}`, string(must(json.Marshal(proof.Confirmation()))))
			assert.Empty(t, proof.NextNonce)
			require.NoError(t, proof.Consume(t.Context()))
		})
	}
}

func TestProofsOfOthersAreVerified(t *testing.T) {
	t.Parallel()
	all := []jose.SignatureAlgorithm{jose.ES256, jose.PS256, jose.EdDSA, jose.RS256}
	c := newClock()
	v := newVerifier(t, c, func(c *dpop.Config) { c.Algorithms = all })
	byDefault := newVerifier(t, c, nil)
	assert.Equal(t, all, v.Algorithms())
	assert.Equal(t, all[:3], byDefault.Algorithms())
	for _, alg := range all {
		t.Run(string(alg), func(t *testing.T) {
			t.Parallel()
			r := dpop.Request{Method: "POST", URL: tokenURL, Header: header(foreignProof(alg, signer(alg), map[string]any{
				"jti": rand.Text(), "htm": "POST", "htu": tokenURL, "iat": start.Unix(),
			}))}
			proof, err := v.Verify(r)
			require.NoError(t, err)
			assert.Equal(t, thumbprint(signer(alg)), proof.Thumbprint)
			if _, err := byDefault.Verify(r); alg == jose.RS256 {
				refusedWith(t, err, dpop.InvalidProof)
			} else {
				require.NoError(t, err)
			}
		})
	}
}

// TestExampleOfTheRFC verifies the proof that RFC 9449 shows in section 4.1.
func TestExampleOfTheRFC(t *testing.T) {
	t.Parallel()
	const proof = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19" +
		".eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ" +
		".2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg"
	v := newVerifier(t, &clock{now: time.Unix(1562262618, 0)}, nil)
	p, err := v.Verify(dpop.Request{Header: header(proof), Method: "POST", URL: "https://server.example.com/token"})
	require.NoError(t, err)
	assert.Equal(t, "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I", p.Thumbprint)
	assert.Equal(t, "-BwC3ESc6acc2lTc", p.ID)
}

func TestHasProof(t *testing.T) {
	t.Parallel()
	assert.False(t, dpop.HasProof(http.Header{}))
	assert.True(t, dpop.HasProof(header("")))
	h := http.Header{}
	h.Set("DPOP", "x")
	assert.True(t, dpop.HasProof(h))
}

func TestThumbprints(t *testing.T) {
	t.Parallel()
	a, b := thumbprint(ecKey()), thumbprint(edKey())
	assert.True(t, dpop.SameKey(a, a))
	assert.False(t, dpop.SameKey(a, b))
	assert.False(t, dpop.SameKey("", ""))
	assert.False(t, dpop.SameKey(a, ""))
	for value, want := range map[string]bool{
		a: true, b: true, "": false, a[1:]: false, a + "A": false, a + "=": false, a[:42] + "*": false, a[:20] + "\n" + a[20:]: false,
	} {
		assert.Equal(t, want, dpop.ValidThumbprint(value), "%q", value)
	}
}

func TestNewReportsAllMistakesAtOnce(t *testing.T) {
	t.Parallel()
	_, err := dpop.New(dpop.Config{
		Algorithms: []jose.SignatureAlgorithm{"none", jose.HS256}, Window: time.Second, RequireNonce: true,
	})
	for _, text := range []string{"Store", `"none"`, `"HS256"`, "Window", "Nonces"} {
		assert.ErrorContains(t, err, text)
	}
	for _, algorithms := range [][]jose.SignatureAlgorithm{{}, {"none"}, {jose.ES256, jose.HS512}} {
		_, err := dpop.New(dpop.Config{Store: newStore(newClock()), Algorithms: algorithms})
		assert.Error(t, err, algorithms)
	}
	_, err = dpop.New(dpop.Config{Store: newStore(newClock()), Window: 11 * time.Minute})
	assert.Error(t, err)
}

func TestMistakesOfTheServerAreNotTheClients(t *testing.T) {
	t.Parallel()
	v := newVerifier(t, newClock(), nil)
	proof := header(newDraft("POST", tokenURL, start).sign())
	for _, r := range []dpop.Request{
		{Header: proof, Method: "POST"},
		{Header: proof, Method: "POST", URL: "/oauth/token"},
		{Header: proof, Method: "POST", URL: tokenURL, RequireNonce: true},
	} {
		_, err := v.Verify(r)
		require.Error(t, err)
		var e *dpop.Error
		assert.NotErrorAs(t, err, &e)
	}
}
