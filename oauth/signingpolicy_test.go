package oauth_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/oauth"
)

func TestRegistrationOfSignedMessages(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*oauth.Client)
		want   string // part of the complaint, or empty
	}{
		"signs requests":              {func(c *oauth.Client) { c.RequestObjectAlgorithm = jose.ES256 }, ""},
		"must sign requests":          {func(c *oauth.Client) { c.RequestObjectAlgorithm, c.RequireSignedRequestObject = jose.ES256, true }, ""},
		"gets signed responses":       {func(c *oauth.Client) { c.AuthorizationResponseAlgorithm = jose.PS256 }, ""},
		"has no key for requests":     {func(c *oauth.Client) { c.RequestObjectAlgorithm = jose.PS256 }, "no key fits the request object algorithm PS256"},
		"signs nothing":               {func(c *oauth.Client) { c.RequestObjectAlgorithm = "none" }, `"none"`},
		"signs with a secret":         {func(c *oauth.Client) { c.RequestObjectAlgorithm = jose.HS256 }, `"HS256"`},
		"must sign, with nothing":     {func(c *oauth.Client) { c.RequireSignedRequestObject = true }, "no algorithm is registered"},
		"gets responses not signed":   {func(c *oauth.Client) { c.AuthorizationResponseAlgorithm = "none" }, `"none"`},
		"reads response in its query": {func(c *oauth.Client) { c.RedirectURIs = []string{"https://portal.example/cb?response=1"} }, "authorization response"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := newParty(t, "portal").client
			c.change(client)
			err := client.Validate()
			if c.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c.want)
		})
	}
}

func TestServerRefusesAtStartWhatItCouldNotServe(t *testing.T) {
	t.Parallel()
	fapi := pushing(t)
	for name, c := range map[string]struct {
		client func(*oauth.Client)
		server func(*oauth.Config)
		want   string // part of the complaint, or empty
	}{
		"an honest client": {
			func(c *oauth.Client) {
				c.RequestObjectAlgorithm, c.Profile = jose.ES256, oauth.ProfileFAPI2MessageSigning
			}, fapi, "",
		},
		"a client that cannot sign, where all must": {
			func(*oauth.Client) {}, func(c *oauth.Config) { c.RequireSignedRequestObjects = true }, "must sign its requests",
		},
		"a client that cannot sign, under the profile": {
			func(c *oauth.Client) { c.Profile = oauth.ProfileFAPI2MessageSigning }, fapi, "must sign its requests",
		},
		"a client that cannot sign, under the profile of the server": {
			func(*oauth.Client) {}, func(c *oauth.Config) { fapi(c); c.Profile = oauth.ProfileFAPI2MessageSigning }, "must sign its requests",
		},
		"a client of the stricter profile": {
			func(c *oauth.Client) { c.Profile = oauth.ProfileFAPI2MessageSigning },
			func(c *oauth.Config) { fapi(c); c.Profile = oauth.ProfileFAPI2 }, "must sign its requests",
		},
		"a client that signs with an algorithm of its own": {
			func(c *oauth.Client) { c.RequestObjectAlgorithm = jose.ES256 },
			func(c *oauth.Config) { c.Algorithms = []jose.SignatureAlgorithm{jose.PS256} }, "signs its requests with ES256",
		},
		"a client that wants an algorithm of its own": {
			func(c *oauth.Client) { c.AuthorizationResponseAlgorithm = jose.PS256 }, func(*oauth.Config) {}, "wants responses signed with PS256",
		},
		"RS256 requests under the profile": {
			func(c *oauth.Client) {
				c.Keys.Keys = append(c.Keys.Keys, jwk(rsaKey(), "rsa"))
				c.RequestObjectAlgorithm, c.Profile = jose.RS256, oauth.ProfileFAPI2
			}, fapi, "registered for RS256",
		},
		"RS256 responses under the profile": {
			func(c *oauth.Client) { c.AuthorizationResponseAlgorithm, c.Profile = jose.RS256, oauth.ProfileFAPI2 }, fapi, "registered for RS256",
		},
		"RS256 responses under the profile of the server": {
			func(*oauth.Client) {}, func(c *oauth.Config) {
				fapi(c)
				c.Profile = oauth.ProfileFAPI2
				c.AuthorizationResponseAlgorithms = []jose.SignatureAlgorithm{jose.ES256, jose.RS256}
			}, "does not allow RS256",
		},
		"no key for responses": {
			func(*oauth.Client) {},
			func(c *oauth.Config) {
				c.AuthorizationResponseAlgorithms = []jose.SignatureAlgorithm{jose.ES256, jose.PS256}
			},
			"responses cannot be signed with PS256",
		},
		"no default for responses": {
			func(*oauth.Client) {}, func(c *oauth.Config) { c.AuthorizationResponseAlgorithms = []jose.SignatureAlgorithm{} }, "lacks ES256",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProvider(t)
			c.client(p.portal.client)
			clients, err := oauth.NewStaticClients(p.portal.client)
			require.NoError(t, err)
			config := p.config
			config.Clients = clients
			c.server(&config)
			_, err = oauth.New(config)
			if c.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c.want)
		})
	}
}

// FAPI 2.0 Message Signing is FAPI 2.0 and more: the rules of the one hold under the other.
func TestMessageSigningImpliesTheSecurityProfile(t *testing.T) {
	t.Parallel()
	profile := oauth.ProfileFAPI2MessageSigning
	require.False(t, profile.Allows(jose.RS256))
	require.True(t, profile.Allows(jose.PS256))
	p := newMessageSigning(t)

	form := p.portal.authenticated(t, issuer, p.portal.byValue(p.portal.requestObject(t, nil)))
	form.Set("client_assertion", p.portal.assertion(t, map[string]any{"aud": []string{issuer}}))
	rec := post(p.pushHandler(), form)
	require.Equal(t, http.StatusUnauthorized, rec.Code, "aud is the issuer as a string: %s", rec.Body)

	code := response(t, p.open(t, p.pushObject(t, p.portal.requestObject(t, nil)))).Get("code")
	rec = post(p.TokenHandler(), p.portal.fapiRedemption(t, code))
	require.Equal(t, http.StatusBadRequest, rec.Code)
	require.Equal(t, "invalid_dpop_proof", decode[map[string]string](t, rec)["error"], "tokens are bound to a key")

	requireAuthorizationError(t, p.authorize(p.portal.request()), oauth.InvalidRequest)
}

// A client under the plain profile may send signed requests, and is then held to the rules for them.
func TestSecurityProfileBoundsTheRequestObjectsThatItDoesNotDemand(t *testing.T) {
	t.Parallel()
	p := newMessageSigning(t)
	p.portal.client.Profile = oauth.ProfileFAPI2
	require.NotEmpty(t, response(t, p.open(t, p.push(t, p.portal.request()))).Get("code"))
	require.NotEmpty(t, response(t, p.open(t, p.pushObject(t, p.portal.requestObject(t, nil)))).Get("code"))
	requirePushRefused(t, p.pushObject(t, p.portal.requestObject(t, map[string]any{"nbf": nil})), oauth.InvalidRequestObject)
}

func TestMetadataOfSignedMessages(t *testing.T) {
	t.Parallel()
	keys, err := keystore.Generate(jose.ES256, jose.PS256)
	require.NoError(t, err)
	plain := newProvider(t).Metadata()
	require.Contains(t, plain.RequestObjectSigningAlgs, jose.RS256, "OpenID Connect wants it")
	require.False(t, plain.RequireSignedRequestObject)
	for _, mode := range []oauth.ResponseMode{"query", "jwt", "form_post"} {
		require.Contains(t, plain.ResponseModesSupported, mode)
	}
	signing := newMessageSigning(t, func(c *oauth.Config) {
		c.Keys, c.Profile = keys, oauth.ProfileFAPI2MessageSigning
		c.AuthorizationResponseAlgorithms = []jose.SignatureAlgorithm{jose.ES256, jose.PS256}
	}).Metadata()
	require.NotContains(t, signing.RequestObjectSigningAlgs, jose.RS256)
	text, err := json.Marshal(signing)
	require.NoError(t, err)
	var document map[string]any
	require.NoError(t, json.Unmarshal(text, &document))
	require.Equal(t, true, document["require_signed_request_object"])
	require.Equal(t, []any{"ES256", "PS256"}, document["authorization_signing_alg_values_supported"])
	require.Equal(t, []any{"ES256", "EdDSA", "PS256"}, document["request_object_signing_alg_values_supported"])
}

// Two clients, two keys: the object of the one is nothing for the other.
func TestRequestObjectOfAnotherClientIsRefused(t *testing.T) {
	t.Parallel()
	p := newMessageSigning(t)
	p.clinic.client.RequestObjectAlgorithm = jose.ES256
	for name, object := range map[string]string{
		"the clinic's own":                     p.clinic.requestObject(t, nil),
		"the clinic's, in the portal's name":   sign(t, jose.ES256, p.clinic.key, typeRequestObject, p.portal.requestClaims(nil)),
		"the portal's, in the clinic's name":   sign(t, jose.ES256, p.portal.key, typeRequestObject, p.clinic.requestClaims(nil)),
		"the clinic's, with the portal's kid":  sign(t, jose.ES256, jose.JSONWebKey{Key: p.clinic.key, KeyID: "portal-1"}, typeRequestObject, p.portal.requestClaims(nil)),
		"the portal's, by an unregistered kid": sign(t, jose.ES256, jose.JSONWebKey{Key: p.portal.key, KeyID: "portal-2"}, typeRequestObject, p.portal.requestClaims(nil)),
	} {
		t.Run(name, func(t *testing.T) {
			requirePushRefused(t, p.pushObject(t, object), oauth.InvalidRequestObject)
		})
	}
	rec := p.push(t, url.Values{"client_id": {"clinic"}, "request": {p.portal.requestObject(t, nil)}})
	require.Equal(t, http.StatusUnauthorized, rec.Code, rec.Body)
}
