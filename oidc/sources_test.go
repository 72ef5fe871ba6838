package oidc_test

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/oidc"
)

func sources(c *oidc.Config) { c.ClaimSources = []string{oidc.Aggregated, oidc.Distributed} }

// signed has the form of a signed JWT; who signed it is for the client to check.
func signed(header, payload string) string {
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(header)) + "." + encode([]byte(payload)) + "." + encode([]byte("signature"))
}

const es256 = `{"alg":"ES256"}`

func TestClaimsFromElsewhere(t *testing.T) {
	t.Parallel()
	f := newFixture(t, sources)
	jwt := signed(es256, `{"iss":"https://tax.example","sub":"1","iat":1,"given_name":"Dara","birthdate":"1990-05-17"}`)
	f.people.values = map[string]string{"email": `"dara@example.org"`}
	f.people.sources = []authenticator.ClaimSource{
		{Names: []string{"given_name", "birthdate", "email"}, JWT: jwt},
		{Names: []string{"address", "given_name"}, Endpoint: "https://post.example/claims", AccessToken: "ksj3n283dke"},
		{Names: []string{"phone_number"}, Endpoint: "https://phone.example/claims"},
	}
	x := f.extended(t, "health", "openid", "claims",
		`{"userinfo":{"email":null,"given_name":null,"address":null,"phone_number":null},"id_token":{"birthdate":null}}`)
	assert.JSONEq(t, `{
		"email": "dara@example.org",
		"_claim_names": {"given_name": "src1", "address": "src2", "phone_number": "src3"},
		"_claim_sources": {
			"src1": {"JWT": "`+jwt+`"},
			"src2": {"endpoint": "https://post.example/claims", "access_token": "ksj3n283dke"},
			"src3": {"endpoint": "https://phone.example/claims"}}}`, string(x.Data))
	_, claims := open(t, x.Response["id_token"])
	assert.Equal(t, map[string]any{"birthdate": "src1"}, claims["_claim_names"])
	assert.Equal(t, map[string]any{"src1": map[string]any{"JWT": jwt}}, claims["_claim_sources"])
}

func TestSourcesThatAreNotPassedOn(t *testing.T) {
	t.Parallel()
	names := []string{"given_name"}
	for name, source := range map[string]authenticator.ClaimSource{
		"without names":                  {JWT: signed(es256, `{"given_name":"D"}`)},
		"of claims that nobody asked":    {Names: []string{"gender"}, Endpoint: "https://post.example"},
		"of more claims than are shared": {Names: []string{"given_name", "gender"}, Endpoint: "https://post.example"},
		"a JWT with more than is shared": {Names: names, JWT: signed(es256, `{"given_name":"D","gender":"x"}`)},
		"a JWT with verified claims":     {Names: names, JWT: signed(es256, `{"given_name":"D","verified_claims":{}}`)},
		"an unsigned JWT":                {Names: names, JWT: signed(`{"alg":"none"}`, `{"given_name":"D"}`)},
		"a JWT without an algorithm":     {Names: names, JWT: signed(`{}`, `{"given_name":"D"}`)},
		"a JWT whose header is no text":  {Names: names, JWT: signed(`[`, `{"given_name":"D"}`)},
		"a JWT of no object":             {Names: names, JWT: signed(es256, `"given_name"`)},
		"an encrypted JWT":               {Names: names, JWT: "a.b.c.d.e"},
		"a JWT without a signature":      {Names: names, JWT: "e30.e30."},
		"a JWT that is no base64":        {Names: names, JWT: signed(es256, `{"given_name":"D"}`) + "="},
		"a JWT with a line break":        {Names: names, JWT: signed(es256, `{"given_name":"D"}`) + "\n"},
		"a JWT that is too large":        {Names: names, JWT: signed(es256, `{"given_name":"`+strings.Repeat("D", 256<<10)+`"}`)},
		"a JWT and an endpoint":          {Names: names, JWT: signed(es256, `{"given_name":"D"}`), Endpoint: "https://post.example"},
		"nothing":                        {Names: names},
		"an endpoint in clear":           {Names: names, Endpoint: "http://post.example"},
		"an endpoint with a password":    {Names: names, Endpoint: "https://a:b@post.example"},
		"a token with a line break":      {Names: names, Endpoint: "https://post.example", AccessToken: "a\r\nb"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, sources)
			f.people.sources = []authenticator.ClaimSource{source}
			f.people.values = map[string]string{}
			x := f.extended(t, "health", "openid", "claims", `{"userinfo":{"given_name":null}}`)
			assert.Equal(t, `{}`, string(x.Data))
		})
	}
}

func TestSourcesOfAKindThatIsNotAnnouncedAreNotPassedOn(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{oidc.Aggregated, oidc.Distributed} {
		f := newFixture(t, func(c *oidc.Config) { c.ClaimSources = []string{kind} })
		f.people.values = nil
		f.people.sources = []authenticator.ClaimSource{
			{Names: []string{"given_name"}, JWT: signed(es256, `{"given_name":"D"}`)},
			{Names: []string{"given_name"}, Endpoint: "https://post.example"},
		}
		x := f.extended(t, "health", "openid", "claims", `{"userinfo":{"given_name":null}}`)
		assert.Equal(t, kind == oidc.Aggregated, strings.Contains(string(x.Data), "JWT"))
		assert.Equal(t, kind == oidc.Distributed, strings.Contains(string(x.Data), "endpoint"))
	}
}

func TestClaimsWithAValueAreNotTakenFromElsewhere(t *testing.T) {
	t.Parallel()
	f := newFixture(t, sources)
	f.people.values = map[string]string{"given_name": `"Other"`}
	f.people.sources = []authenticator.ClaimSource{{Names: []string{"given_name"}, Endpoint: "https://post.example"}}
	x := f.extended(t, "health", "openid", "claims", `{"userinfo":{"given_name":{"value":"Dara"}}}`)
	assert.Equal(t, `{}`, string(x.Data), "nobody here can tell whether it has the value")
}

func TestSourcesAreBounded(t *testing.T) {
	t.Parallel()
	f := newFixture(t, sources)
	f.people.values = nil
	for range 20 {
		f.people.sources = append(f.people.sources,
			authenticator.ClaimSource{Names: []string{"gender"}, Endpoint: "https://post.example"})
	}
	f.people.sources = append(f.people.sources,
		authenticator.ClaimSource{Names: []string{"birthdate"}, Endpoint: "https://post.example"})
	x := f.extended(t, "health", "openid", "claims", `{"userinfo":{"gender":null,"birthdate":null}}`)
	var data struct {
		Names map[string]string `json:"_claim_names"`
	}
	require.NoError(t, json.Unmarshal(x.Data, &data))
	assert.Equal(t, map[string]string{"gender": "src1"}, data.Names)
}
