package oauth_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/dpop"
	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/oauth"
)

// breaches are the ways to break the FAPI 2.0 profile with an otherwise good registration.
func breaches(t *testing.T) map[string]func(*oauth.Client) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	return map[string]func(*oauth.Client){
		"RS256 assertions": func(c *oauth.Client) {
			c.AssertionAlgorithm, c.Keys.Keys = jose.RS256, []jose.JSONWebKey{jwk(key, "rsa")}
		},
		"RS256 ID Tokens":           func(c *oauth.Client) { c.IDTokenAlgorithm = jose.RS256 },
		"ES384 ID Tokens":           func(c *oauth.Client) { c.IDTokenAlgorithm = jose.ES384 },
		"RS256 userinfo":            func(c *oauth.Client) { c.UserinfoAlgorithm = jose.RS256 },
		"no PKCE":                   func(c *oauth.Client) { c.PKCEOptional = true },
		"an http redirect URI":      func(c *oauth.Client) { c.RedirectURIs = append(c.RedirectURIs, "http://127.0.0.1/cb") },
		"a private-use scheme":      func(c *oauth.Client) { c.RedirectURIs = append(c.RedirectURIs, "example.portal:/cb") },
		"a profile nobody knows of": func(c *oauth.Client) { c.Profile = "fapi3" },
	}
}

func TestClientThatBreaksItsProfileIsRefusedAtNew(t *testing.T) {
	t.Parallel()
	for name, breach := range breaches(t) {
		p := newFAPI(t)
		broken := *p.portal.client
		broken.SectorIdentifier = "portal.example"
		breach(&broken)
		config := p.config
		clients, err := oauth.NewStaticClients(&broken, p.clinic.client)
		if err == nil {
			config.Clients = clients
			_, err = oauth.New(config)
		}
		require.ErrorContains(t, err, `client "portal"`, name)
		require.NotContains(t, err.Error(), `client "clinic"`, name)
	}
}

func TestClientThatBreaksTheProfileOfTheServerIsRefusedAtNew(t *testing.T) {
	t.Parallel()
	for name, breach := range breaches(t) {
		if name == "a profile nobody knows of" {
			continue
		}
		p := newFAPI(t)
		broken := *p.clinic.client
		broken.SectorIdentifier = "clinic.example"
		breach(&broken)
		clients, err := oauth.NewStaticClients(&broken)
		require.NoError(t, err, "%s: alone the registration is good", name)
		config := p.config
		config.Clients, config.Profile = clients, oauth.ProfileFAPI2
		_, err = oauth.New(config)
		require.ErrorContains(t, err, `client "clinic"`, name)
	}
}

// A store whose clients nobody knows at start may hold such a client: it is as if it did not exist.
func TestClientThatBreaksItsProfileIsNotServed(t *testing.T) {
	t.Parallel()
	for name, breach := range breaches(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newFAPI(t)
			uri := p.pushes(t, p.portal.pushRequest(t))
			code := p.pushedCode(t, p.portal, p.portal.pushRequest(t))
			broken := *p.portal.client
			breach(&broken)
			p.clients.put(&broken)

			requireRefused(t, post(p.pushHandler(), p.portal.pushRequest(t)), 401, oauth.InvalidClient)
			rec := postProved(p.TokenHandler(), p.portal.fapiRedemption(t, code), p.newHolder(t).proof(t, endpoints.Token, nil))
			requireRefused(t, rec, 401, oauth.InvalidClient)
			for _, query := range []map[string][]string{p.portal.reference(uri), p.portal.request()} {
				p.login.shown = nil
				rec := p.authorize(query)
				require.Equal(t, http.StatusBadRequest, rec.Code)
				require.Equal(t, oauth.InvalidRequest, p.login.shown.Code)
			}
			require.Contains(t, p.logs.String(), "client is not served")
		})
	}
}

func TestClientsThatNeedWhatTheServerHasNotAreRefused(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*oauth.Client){
		"profile":         func(c *oauth.Client) { c.Profile = oauth.ProfileFAPI2 },
		"pushed requests": func(c *oauth.Client) { c.RequirePushedRequests = true },
		"bound tokens":    func(c *oauth.Client) { c.DPoPBound = true },
	} {
		p := newProvider(t)
		change(p.portal.client)
		clients, err := oauth.NewStaticClients(p.portal.client)
		require.NoError(t, err)
		config := p.config
		config.Clients = clients
		_, err = oauth.New(config)
		require.ErrorContains(t, err, `client "portal"`, name)

		p.login.shown = nil
		p.authorize(p.portal.request())
		require.Equal(t, oauth.InvalidRequest, p.login.shown.Code, name)
	}
}

func TestServerUnderTheProfileIsHeldToItToo(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*oauth.Config)
		want   string
	}{
		"no PAR":              {func(c *oauth.Config) { c.Pushed, c.Endpoints.PushedRequests = nil, "" }, "Config.Pushed"},
		"no DPoP":             {func(c *oauth.Config) { c.DPoP = nil }, "Config.DPoP"},
		"RS256 assertions":    {func(c *oauth.Config) { c.Algorithms = []jose.SignatureAlgorithm{jose.ES256, jose.RS256} }, "RS256"},
		"RS256 access tokens": {func(c *oauth.Config) { c.AccessTokenAlgorithm = jose.RS256 }, "RS256"},
		"RS256 proofs":        {func(c *oauth.Config) { c.DPoP = verifierWith(t, c, jose.ES256, jose.RS256) }, "RS256"},
		"an unknown profile":  {func(c *oauth.Config) { c.Profile = "fapi3" }, "fapi3"},
		"codes of an hour":    {func(c *oauth.Config) { c.CodeLifetime = 61e9 }, "CodeLifetime"},
	} {
		p := newFAPI(t)
		config := p.config
		config.Profile = oauth.ProfileFAPI2
		var err error
		config.Keys, err = keystore.Generate(jose.RS256, jose.ES256)
		require.NoError(t, err)
		_, err = oauth.New(config)
		require.NoError(t, err, "%s: without the breach it is good", name)
		c.change(&config)
		_, err = oauth.New(config)
		require.ErrorContains(t, err, c.want, name)
	}
}

func verifierWith(t *testing.T, c *oauth.Config, algorithms ...jose.SignatureAlgorithm) *dpop.Verifier {
	t.Helper()
	v, err := dpop.New(dpop.Config{Store: c.Store, Algorithms: algorithms, Now: c.Now})
	require.NoError(t, err)
	return v
}

// Where others may prove with RS256 there are no clients under the profile: nobody could keep them from it.
func TestClientUnderTheProfileIsNotServedWhereProofsMayBeRS256(t *testing.T) {
	t.Parallel()
	p := newFAPI(t, func(c *oauth.Config) { c.DPoP = verifierWith(t, c, jose.ES256, jose.RS256) })
	requireRefused(t, post(p.pushHandler(), p.portal.pushRequest(t)), 401, oauth.InvalidClient)
	p.redeemBound(t, p.clinic, p.code(t, p.clinic), p.newHolder(t))
}

// Access tokens of ordinary clients may be signed with RS256; those of a FAPI client beside them never are.
func TestAccessTokensUnderTheProfileAreNeverRS256(t *testing.T) {
	t.Parallel()
	for other, want := range map[jose.SignatureAlgorithm]string{jose.ES256: "ES256", jose.PS256: "PS256", jose.EdDSA: "EdDSA"} {
		p := newFAPI(t, func(c *oauth.Config) {
			keys, err := keystore.Generate(jose.RS256, other)
			require.NoError(t, err)
			c.Keys, c.AccessTokenAlgorithm = keys, jose.RS256
		})
		header, _ := payload(t, p.redeem(t, p.clinic, p.code(t, p.clinic)).AccessToken)
		require.Equal(t, "RS256", header["alg"])
		token := p.redeemBound(t, p.portal, p.pushedCode(t, p.portal, p.portal.pushRequest(t)), p.newHolder(t)).AccessToken
		header, _ = payload(t, token)
		require.Equal(t, want, header["alg"])
		require.True(t, p.live(t, token))
	}
	p := newFAPI(t, func(c *oauth.Config) {
		keys, err := keystore.Generate(jose.RS256)
		require.NoError(t, err)
		c.Keys, c.AccessTokenAlgorithm = keys, jose.RS256
	})
	requireRefused(t, post(p.pushHandler(), p.portal.pushRequest(t)), 401, oauth.InvalidClient)
	p.redeem(t, p.clinic, p.code(t, p.clinic))
}

// The profile of the server holds clients whose registration has none.
func TestProfileOfTheServerHoldsEveryClient(t *testing.T) {
	t.Parallel()
	p := newProvider(t, pushing(t), func(c *oauth.Config) { c.Profile = oauth.ProfileFAPI2 })
	form := with(p.clinic.pushRequest(t), "client_assertion", p.clinic.assertion(t, map[string]any{"aud": pushEndpoint}))
	requireRefused(t, post(p.pushHandler(), form), 401, oauth.InvalidClient)
	code := p.pushedCode(t, p.clinic, p.clinic.pushRequest(t))
	requireRefused(t, post(p.TokenHandler(), p.clinic.fapiRedemption(t, code)), 400, oauth.InvalidDPoPProof)
	require.Equal(t, "DPoP", p.redeemBound(t, p.clinic, code, p.newHolder(t)).TokenType)
}

// A provider on a loopback host is a developer's, whose clients are there too.
func TestLoopbackRedirectURIsUnderTheProfileAreForDevelopment(t *testing.T) {
	t.Parallel()
	p := newFAPI(t)
	p.portal.client.RedirectURIs = []string{"http://localhost:9000/cb"}
	clients, err := oauth.NewStaticClients(p.portal.client)
	require.NoError(t, err)
	config := p.config
	config.Clients = clients
	_, err = oauth.New(config)
	require.ErrorContains(t, err, "https")
	config.Issuer = "http://localhost:8080"
	_, err = oauth.New(config)
	require.NoError(t, err)
}

func TestMetadataOfPushedRequestsAndProofs(t *testing.T) {
	t.Parallel()
	metadata := func(changes ...func(*oauth.Config)) map[string]any {
		p := newProvider(t, changes...)
		rec := serve(p.MetadataHandler(), httptest.NewRequest(http.MethodGet, "/", nil))
		var m map[string]any
		require.NoError(t, json.Unmarshal(rec.Body.Bytes(), &m))
		return m
	}
	m := metadata()
	for _, name := range []string{"pushed_authorization_request_endpoint", "require_pushed_authorization_requests", "dpop_signing_alg_values_supported"} {
		require.NotContains(t, m, name)
	}
	m = metadata(pushing(t))
	require.Equal(t, pushEndpoint, m["pushed_authorization_request_endpoint"])
	require.NotContains(t, m, "require_pushed_authorization_requests")
	require.Equal(t, []any{"ES256", "PS256", "EdDSA"}, m["dpop_signing_alg_values_supported"])
	m = metadata(pushing(t), func(c *oauth.Config) { c.RequirePushedRequests = true })
	require.Equal(t, true, m["require_pushed_authorization_requests"])
	m = metadata(pushing(t), func(c *oauth.Config) { c.Profile = oauth.ProfileFAPI2 })
	require.Equal(t, true, m["require_pushed_authorization_requests"])
	require.Equal(t, []any{"ES256", "EdDSA", "PS256"}, m["token_endpoint_auth_signing_alg_values_supported"])
	require.Equal(t, []any{"S256"}, m["code_challenge_methods_supported"])
	require.Equal(t, true, m["authorization_response_iss_parameter_supported"])
}

func TestPushedRequestsNeedTheirEndpoint(t *testing.T) {
	t.Parallel()
	p := newFAPI(t)
	for name, change := range map[string]func(*oauth.Config){
		"no URL":                 func(c *oauth.Config) { c.Endpoints.PushedRequests = "" },
		"nothing behind the URL": func(c *oauth.Config) { c.Pushed = nil },
		"required and not there": func(c *oauth.Config) {
			c.Pushed, c.Endpoints.PushedRequests, c.RequirePushedRequests = nil, "", true
		},
		"a relative URL": func(c *oauth.Config) { c.Endpoints.PushedRequests = "/par" },
	} {
		config := p.config
		change(&config)
		_, err := oauth.New(config)
		require.ErrorContains(t, err, "Pushed", name)
	}
}
