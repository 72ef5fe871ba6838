package oauth_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/oauth"
)

// introspect authenticates with the assertion at an endpoint that consumes nothing else.
func (p *provider) introspect(s *oauth.Server, assertion string) int {
	return post(s.IntrospectionHandler(), url.Values{
		"client_assertion_type": {assertionType}, "client_assertion": {assertion}, "token": {"x"},
	}).Code
}

func TestAssertionClaims(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	at := func(d time.Duration) int64 { return p.clock.Now().Add(d).Unix() }
	for name, c := range map[string]struct {
		changes map[string]any
		valid   bool
	}{
		"all as they should be":           {nil, true},
		"aud is the issuer":               {map[string]any{"aud": issuer}, true},
		"aud is the endpoint":             {map[string]any{"aud": endpoints.Introspection}, true},
		"aud is an array of the issuer":   {map[string]any{"aud": []string{issuer}}, true},
		"aud is both":                     {map[string]any{"aud": []string{issuer, endpoints.Introspection}}, true},
		"aud is another endpoint":         {map[string]any{"aud": endpoints.Token}, false},
		"aud is for others too":           {map[string]any{"aud": []string{issuer, "https://evil.example"}}, false},
		"aud has a slash more":            {map[string]any{"aud": issuer + "/"}, false},
		"aud is somebody else":            {map[string]any{"aud": "https://evil.example"}, false},
		"aud is empty":                    {map[string]any{"aud": ""}, false},
		"aud is an empty array":           {map[string]any{"aud": []string{}}, false},
		"aud is a number":                 {map[string]any{"aud": 1}, false},
		"no aud":                          {map[string]any{"aud": nil}, false},
		"iss is another client":           {map[string]any{"iss": "clinic"}, false},
		"no iss":                          {map[string]any{"iss": nil}, false},
		"sub is another client":           {map[string]any{"sub": "clinic"}, false},
		"no sub":                          {map[string]any{"sub": nil}, false},
		"iss and sub are another client":  {map[string]any{"iss": "clinic", "sub": "clinic"}, false},
		"iss and sub are nobody":          {map[string]any{"iss": "nobody", "sub": "nobody"}, false},
		"iss and sub are empty":           {map[string]any{"iss": "", "sub": ""}, false},
		"iss and sub have a NUL":          {map[string]any{"iss": "portal\x00", "sub": "portal\x00"}, false},
		"sub is a number":                 {map[string]any{"sub": 7}, false},
		"exp in an hour":                  {map[string]any{"exp": at(time.Hour)}, true},
		"exp in two hours":                {map[string]any{"exp": at(2 * time.Hour)}, false},
		"exp in a hundred years":          {map[string]any{"exp": at(100 * 365 * 24 * time.Hour)}, false},
		"exp five minutes ago":            {map[string]any{"exp": at(-5 * time.Minute)}, false},
		"exp now":                         {map[string]any{"exp": at(0)}, false},
		"no exp":                          {map[string]any{"exp": nil}, false},
		"exp is a string":                 {map[string]any{"exp": "9999999999"}, false},
		"exp is negative":                 {map[string]any{"exp": -1}, false},
		"no iat":                          {map[string]any{"iat": nil}, true},
		"iat 10 seconds ahead":            {map[string]any{"iat": at(10 * time.Second)}, true},
		"iat over a minute ahead":         {map[string]any{"iat": at(61 * time.Second)}, false},
		"iat two hours ago":               {map[string]any{"iat": at(-2 * time.Hour)}, false},
		"nbf 10 seconds ahead":            {map[string]any{"nbf": at(10 * time.Second)}, true},
		"nbf over a minute ahead":         {map[string]any{"nbf": at(61 * time.Second)}, false},
		"all dates over a minute ahead":   {map[string]any{"iat": at(61 * time.Second), "nbf": at(61 * time.Second), "exp": at(121 * time.Second)}, false},
		"no jti":                          {map[string]any{"jti": nil}, false},
		"jti is empty":                    {map[string]any{"jti": ""}, false},
		"jti is a number":                 {map[string]any{"jti": 1}, false},
		"jti of odd characters":           {map[string]any{"jti": "\x00 \"\u00e9\U0001f1f0"}, true},
		"jti of 256 bytes":                {map[string]any{"jti": strings.Repeat("j", 256)}, true},
		"jti longer":                      {map[string]any{"jti": strings.Repeat("j", 257)}, false},
		"a claim that nobody has defined": {map[string]any{"x": map[string]any{"y": 1}}, true},
	} {
		t.Run(name, func(t *testing.T) {
			want := http.StatusUnauthorized
			if c.valid {
				want = http.StatusOK
			}
			require.Equal(t, want, p.introspect(p.Server, p.portal.assertion(t, c.changes)))
		})
	}
	// No identifier that cannot be a client's reached the store.
	require.NotContains(t, p.clients.asked, "")
	require.NotContains(t, p.clients.asked, "portal\x00")
}

func TestAssertionSignature(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	second, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	require.NoError(t, err)
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	p.portal.client.Keys.Keys = append(p.portal.client.Keys.Keys, jwk(second, "portal-2"), jwk(p384, "portal-3"), jwk(edwards, "portal-4"))
	signed := func(alg jose.SignatureAlgorithm, key any, typ string) string {
		return sign(t, alg, key, typ, map[string]any{
			"iss": "portal", "sub": "portal", "aud": issuer, "jti": rand.Text(), "exp": p.clock.Now().Add(time.Minute).Unix(),
		})
	}
	withKid := func(key any, kid string) jose.JSONWebKey { return jose.JSONWebKey{Key: key, KeyID: kid} }
	first := p.portal.key
	der, err := p.portal.client.Keys.Keys[0].MarshalJSON()
	require.NoError(t, err)
	parts := strings.Split(signed(jose.ES256, first, ""), ".")
	for name, c := range map[string]struct {
		assertion string
		valid     bool
	}{
		"first key without kid":                  {signed(jose.ES256, first, ""), true},
		"second key without kid":                 {signed(jose.ES256, second, ""), true},
		"second key with its kid":                {signed(jose.ES256, withKid(second, "portal-2"), ""), true},
		"second key with the first's kid":        {signed(jose.ES256, withKid(second, "portal-1"), ""), false},
		"unknown kid":                            {signed(jose.ES256, withKid(first, "zebra"), ""), false},
		"key of another client":                  {signed(jose.ES256, withKid(p.clinic.key, "portal-1"), ""), false},
		"key of another client, its kid":         {signed(jose.ES256, withKid(p.clinic.key, "clinic-1"), ""), false},
		"registered key of another algorithm":    {signed(jose.ES384, withKid(p384, "portal-3"), ""), false},
		"registered key of EdDSA":                {signed(jose.EdDSA, withKid(edwards, "portal-4"), ""), false},
		"HMAC with the public key":               {signed(jose.HS256, der, ""), false},
		"alg none":                               {"eyJhbGciOiJub25lIn0." + parts[1] + ".", false},
		"no signature":                           {parts[0] + "." + parts[1] + ".", false},
		"two parts":                              {parts[0] + "." + parts[1], false},
		"four parts":                             {strings.Join(parts, ".") + ".x", false},
		"typ JWT":                                {signed(jose.ES256, first, "JWT"), true},
		"typ client-authentication+jwt":          {signed(jose.ES256, first, "client-authentication+jwt"), true},
		"typ of a DPoP proof":                    {signed(jose.ES256, first, "dpop+jwt"), false},
		"typ of a request object":                {signed(jose.ES256, first, "oauth-authz-req+jwt"), false},
		"typ of an access token":                 {signed(jose.ES256, first, "at+jwt"), false},
		"signature over other claims":            {strings.Split(signed(jose.ES256, first, ""), ".")[0] + "." + parts[1] + "." + strings.Split(signed(jose.ES256, first, ""), ".")[2], false},
		"a key that the header brings with it":   {embedded(t, p), false},
		"first key, with a line break in base64": {parts[0] + "." + parts[1] + "\n." + parts[2], false},
	} {
		t.Run(name, func(t *testing.T) {
			want := http.StatusUnauthorized
			if c.valid {
				want = http.StatusOK
			}
			require.Equal(t, want, p.introspect(p.Server, c.assertion))
		})
	}
}

// embedded is an assertion that brings the key with which to verify it.
func embedded(t *testing.T, p *provider) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: p.clinic.key}, &jose.SignerOptions{EmbedJWK: true})
	require.NoError(t, err)
	jws, err := signer.Sign([]byte(`{"iss":"portal","sub":"portal","aud":"` + issuer + `","jti":"x","exp":9999999999}`))
	require.NoError(t, err)
	token, err := jws.CompactSerialize()
	require.NoError(t, err)
	return token
}

func TestAssertionAlgorithmIsTheRegisteredOne(t *testing.T) {
	t.Parallel()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	p := newProvider(t)
	p.portal.client.Keys.Keys = []jose.JSONWebKey{jwk(key, "rsa")}
	p.portal.client.AssertionAlgorithm = jose.PS256
	narrow := *p
	narrow.config.Algorithms = []jose.SignatureAlgorithm{jose.ES256}
	for _, c := range []struct {
		alg    jose.SignatureAlgorithm
		server *oauth.Server
		status int
	}{
		{jose.PS256, p.Server, 200},
		{jose.RS256, p.Server, 401},           // the same key, but not what the client is registered for
		{jose.PS384, p.Server, 401},           // the same key, but nothing that the provider accepts
		{jose.PS256, narrow.instance(t), 401}, // registered, but not accepted by this provider
	} {
		assertion := sign(t, c.alg, key, "", map[string]any{
			"iss": "portal", "sub": "portal", "aud": issuer, "jti": rand.Text(), "exp": p.clock.Now().Add(time.Minute).Unix(),
		})
		require.Equal(t, c.status, p.introspect(c.server, assertion), c.alg)
	}
}

// An endpoint that is mounted though its URL is not configured has no audience of its own, least of all the empty one.
func TestEndpointWithoutURLHasNoAudience(t *testing.T) {
	t.Parallel()
	p := newProvider(t, func(c *oauth.Config) { c.Endpoints.Introspection = "" })
	require.Equal(t, 401, p.introspect(p.Server, p.portal.assertion(t, map[string]any{"aud": ""})))
	require.Equal(t, 401, p.introspect(p.Server, p.portal.assertion(t, map[string]any{"aud": []string{"", issuer}})))
	require.Equal(t, 200, p.introspect(p.Server, p.portal.assertion(t, nil)))
}

func TestAssertionIsUsedUpAcrossEndpoints(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	form := with(p.portal.redemption(t, p.code(t, p.portal)), "client_assertion", p.portal.assertion(t, nil))
	form.Set("token", "x")
	require.Equal(t, http.StatusOK, post(p.RevocationHandler(), form).Code)
	for _, h := range []http.Handler{p.RevocationHandler(), p.IntrospectionHandler(), p.TokenHandler()} {
		requireRefused(t, post(h, form), 401, oauth.InvalidClient)
	}
}

func TestAssertionStaysUsedUntilItExpires(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	assertion := p.portal.assertion(t, map[string]any{"exp": p.clock.Now().Add(time.Hour).Unix()})
	require.Equal(t, 200, p.introspect(p.Server, assertion))
	for range 62 {
		require.Equal(t, 401, p.introspect(p.Server, assertion))
		p.clock.advance(time.Minute)
	}
}

func TestTwoClientsMayUseTheSameJTI(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	for _, c := range []*party{p.portal, p.clinic} {
		require.Equal(t, 200, p.introspect(p.Server, c.assertion(t, map[string]any{"jti": "1"})))
		require.Equal(t, 401, p.introspect(p.Server, c.assertion(t, map[string]any{"jti": "1"})))
	}
}
